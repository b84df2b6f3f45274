"""Batches for the experts: speech with its lips, and voices of known emotion with faces that feel the same or not."""

from dataclasses import dataclass, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import MOTION_HZ
from face_emote.core.types import EmotionKey, EmotionPlan
from face_emote.emotion.blending import State, finished, scaled
from face_emote.emotion.lexicon import find_word
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.config import LIP_CHANNELS, NetConfig
from face_emote.network.hearing import normalised
from face_emote_lab.train.config import DataConfig
from face_emote_lab.train.corpus.cache import Corpus
from face_emote_lab.train.crops import Crops, Pool, lip_batch, make_pool
from tools.train_judges.emotional_sync import NUM_FACE_COLUMNS, VAD_COLUMNS, WINDOW_LATENTS, WINDOW_ROWS
from tools.train_judges.experts import FACE_HZ, GEOMETRY
from tools.train_network.faces import amid_silence
from tools.train_network.random_plans import random_plan, random_state
from tools.train_network.teacher_expression import cues_from_mels, expression_targets, plan_track

SHARES = {
    "grid_s1": 0.28, "grid_talkers": 0.22, "stretched": 0.12, "facegood": 0.08, "librispeech": 0.13, "vctk": 0.04,
    "emodb": 0.03, "flite": 0.03, "espeak": 0.04, "jtalk": 0.02, "emotional": 0.02,
}  # fmt: skip
"""Real lips first; the teacher's bring more voices."""
_IN_STEP = NetConfig(look_ahead_frames=(0,))
_SEEN = [LIP_CHANNELS.index(name) for name in GEOMETRY]


@dataclass(frozen=True, slots=True, eq=False)
class SpeechPool:
    """Training clips and how crops are made of them."""

    pool: Pool
    data: DataConfig

    def crops(self, rng: np.random.Generator) -> Crops:
        """One batch in which frame t of everything is motion frame t; the generator decides everything."""
        return lip_batch(self.pool, net=_IN_STEP, data=self.data, rng=rng)


def geometry_known(crops: Crops) -> Float[Array, "crop frame"]:
    """1 where all of the lips' `GEOMETRY` is known."""
    return np.asarray(crops.known[..., _SEEN].min(axis=-1))


def speech_pool(corpus: Corpus, *, batch: int, frames: int, hold_out: tuple[str, ...] = ()) -> SpeechPool:
    """The training clips of a corpus by `SHARES`; sources that are missing are left out."""
    there = {row.source for row in corpus.clips if row.split == "train"}
    shares = {name: share for name, share in SHARES.items() if name in there}
    data = DataConfig(
        batch=batch, crop_frames=frames, shares=shares, hold_out_talkers=hold_out, phones_known=0.0, augment=0.5
    )
    return SpeechPool(make_pool(corpus, data), data)


LEAD_FRAMES = 100
"""Two seconds before the window, in which the mood arrives."""
FACE_NOISE = 0.01
_STEP = round(MOTION_HZ / FACE_HZ)


@dataclass(frozen=True, slots=True, eq=False)
class FeelingBatch:
    """Windows of 2 s."""

    rows: Float[Array, f"window row={WINDOW_ROWS} band=40"]
    face: Float[Array, f"window latent={WINDOW_LATENTS} column={NUM_FACE_COLUMNS}"]
    voice_vad: Float[Array, "window 3"]
    face_vad: Float[Array, "window 3"]


def labelled_clips(corpus: Corpus, *, split: str) -> Int[Array, " clip"]:
    """Clips whose emotion is known by a word of the lexicon."""
    known = [i for i, row in enumerate(corpus.clips) if row.split == split and row.emotion and find_word(row.emotion)]
    return np.array(known, np.int64)


def voice_state(emotion: str) -> State:
    """What a voice that was labelled with a word feels."""
    word = find_word(emotion)
    assert word is not None
    return State(mix=word.mix, intensity=word.intensity, vad=word.vad)


def feeling_batch(
    corpus: Corpus, clips: Int[Array, " clip"], *, x0: Float[Array, " band=40"], size: int, rng: np.random.Generator
) -> FeelingBatch:
    """Half of the faces feel what their voice feels, at some strength; the others anything. Emotions alike often."""
    emotions = np.array([corpus.clips[int(i)].emotion for i in clips])
    kinds = np.unique(emotions)
    rows, faces, voice_vad, face_vad = [], [], [], []
    for _ in range(size):
        clip = int(rng.choice(clips[emotions == kinds[int(rng.integers(len(kinds)))]]))
        heard, phones = _stretch(corpus, clip, rng=rng)
        own = voice_state(corpus.clips[clip].emotion)
        plan = _plan(own, rng)
        felt = plan_track(plan, num_frames=LEAD_FRAMES + WINDOW_ROWS // 2)
        answer = expression_targets(felt, cues_from_mels(heard, phones))[LEAD_FRAMES::_STEP, :NUM_FACE_COLUMNS]
        rows.append(normalised(heard, x0)[-WINDOW_ROWS:])
        faces.append(answer + rng.normal(0.0, FACE_NOISE, answer.shape))
        voice_vad.append(own.vad)
        face_vad.append(emotion_rows(felt)[LEAD_FRAMES:, VAD_COLUMNS].mean(axis=0))
    return FeelingBatch(*(np.stack(part).astype(np.float32) for part in (rows, faces, voice_vad, face_vad)))


def _plan(own: State, rng: np.random.Generator) -> EmotionPlan:
    kind = rng.random()
    if kind < 0.5:
        state = scaled(replace(own), float(rng.uniform(0.6, 1.3)))
    elif kind < 0.8:
        state = random_state(rng)
    else:
        return random_plan(rng, duration_secs=(LEAD_FRAMES + WINDOW_ROWS // 2) / MOTION_HZ)
    return EmotionPlan(keys=(EmotionKey(0.0, finished(state)),))


def _stretch(corpus: Corpus, index: int, *, rng: np.random.Generator) -> tuple[Array, Array]:
    """Log-mels and phones of 2 s before a window and of the window; silence stands before and after the clip."""
    total = LEAD_FRAMES + WINDOW_ROWS // 2
    frames = corpus.clips[index].num_frames
    last = int(rng.integers(min(WINDOW_ROWS // 2, frames), frames + 1))
    first = max(0, last - total)
    return amid_silence(corpus, index, part=slice(first, last), frames=total, at=total - (last - first))
