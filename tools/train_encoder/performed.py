"""Faces that this package performs over read speech, for the encoder: any feeling at any strength."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import joined_motion
from face_emote.core.names import EMOTIONS, NUM_SHAPE
from face_emote.core.types import EmotionKey, EmotionPlan, MotionInfo, PerformanceStyle
from face_emote.emotion.blending import State, finished
from face_emote.face.bundled import load_head
from face_emote.motion.perform import perform
from face_emote.motion.player import player_of
from face_emote.perception.encoder_inputs import Track
from face_emote.perception.face import face_cells
from face_emote_lab.train.corpus.cache import read_corpus
from tools.train_encoder.moments import LONGEST_SECS, Moment
from tools.train_network.random_plans import pair_state, single_state
from tools.train_network.teacher_expression import analysis_from_mels

TIMES = 5
"""Performances over each clip."""
FPS = 25.0
_BLOOD = ("stage", "stage", "physiological", "off")

logger = logging.getLogger(__name__)


def random_feeling(rng: np.random.Generator) -> tuple[str, State]:
    """An emotion or two, at .15 to 1."""
    strength = float(rng.uniform(0.15, 1.0))
    if rng.random() < 0.25:
        first, second = (EMOTIONS[i] for i in rng.choice(len(EMOTIONS) - 1, 2, replace=False) + 1)
        return f"{first}+{second}", pair_state(first, second, intensity=strength, share=float(rng.uniform(0.3, 0.7)))
    name = EMOTIONS[int(rng.integers(len(EMOTIONS)))]
    return name, single_state(name, intensity=strength)


def performed(corpus_folder: Path, moments: Sequence[Moment]) -> Iterator[Moment]:
    """Moments of read speech and of GRID with the faces of random feelings; what the face shows is what is known."""
    corpus, head = read_corpus(corpus_folder), load_head()
    rows = {Path(row.audio).stem: i for i, row in enumerate(corpus.clips) if row.source in ("librispeech", "vctk")}
    spoken = [m for m in moments if m.corpus == "plain" and m.kind == "clean" and m.talker in rows]
    rng = np.random.default_rng(0)
    for number, base in enumerate(spoken * TIMES):
        index = rows[base.talker]
        frames = round(LONGEST_SECS * 50.0)
        mels, phones = np.asarray(corpus.mels(index)[: 2 * frames]), np.asarray(corpus.phones(index)[:frames])
        label, state = random_feeling(rng)
        style = PerformanceStyle(
            energy=float(rng.uniform(0.85, 1.15)), asymmetry=float(rng.uniform(0.0, 0.2)),
            head=float(rng.uniform(0.6, 1.3)), lips=float(rng.uniform(0.8, 1.2)),
            blood=_BLOOD[int(rng.integers(len(_BLOOD)))],
        )  # fmt: skip
        info = MotionInfo(basis=head.basis, seed=int(rng.integers(2**31)))
        player = player_of(head, style=style, fps=FPS, info=info, betas=np.zeros(NUM_SHAPE, np.float32))
        plan = EmotionPlan(keys=(EmotionKey(0.0, finished(state)),))
        blocks = perform(analysis_from_mels(mels, phones), plan, player=player)
        face = face_cells(joined_motion(list(blocks)))
        track = Track(face.astype(np.float16), np.arange(len(face), dtype=np.float32))
        yield replace(base, corpus="performed", label=label, tracks=(*base.tracks[:4], track), mix=felt_mix(state),
                      vad=state.vad.astype(np.float32))  # fmt: skip
        if number % 200 == 0:
            logger.info("performed %d", number)


def felt_mix(state: State) -> Float[Array, " emotion=8"]:
    """Shares of the emotions, with what intensity leaves for neutral."""
    mix = state.intensity * state.mix
    mix[0] += 1.0 - mix.sum()
    return mix.astype(np.float32)
