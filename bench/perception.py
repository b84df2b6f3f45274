"""`python -m bench.perception CACHE`: does `auto` play the right side of good and bad, and what does reading cost?

CACHE is what `tools.train_voice.clips` has heard of EmoDB (acted German; not distributed here). Every
actor's clips are read by a reader that was taught without that actor (two nets, some minutes), turned into emotion keys
as `auto` does, and the valence of the face that these ask for is held against the acted feeling: joy is good, sadness,
fear, disgust, anger and boredom are bad. Beside it stands the formula that `auto` was before: `formula_valence`. A
table says what other lines of the same actor are worth (`perception.talker`).
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ
from face_emote.core.types import Prosody, SpeechAnalysis
from face_emote.perception.phrases import auto_plan
from face_emote.perception.reading import read_feelings
from face_emote.perception.talker import talker_from
from face_emote.perception.voice import NUM_ANSWERS, VoiceReader, load_voice_reader
from tools.train_voice.clips import CLEAN, read_heard
from tools.train_voice.lessons import Examples, lessons_of
from tools.train_voice.reader import Unseen, figures_of, knowing_people, reader_of, taught_voice

GOOD, BAD = ("joy",), ("sadness", "fear", "disgust", "anger", "boredom")
COUNTS, DRAWS, SEEDS = (5, 10, 20), 3, 2
"""Other lines of a talker, how often they are drawn, and nets that are averaged."""
SHOWN = 0.02
"""A face of less valence is on neither side."""


def formula_valence(prosody: Prosody) -> float:
    """Mean valence of the mix that the former formula played: cleanness of voicing and width of pitch, by arousal."""
    voiced = (prosody.speaking > 0.5) & np.isfinite(prosody.f0_hz)
    if voiced.sum() < 0.3 * FEATURE_HZ:
        return 0.0
    pitch = 12.0 * np.log2(prosody.f0_hz[voiced] / 100.0)
    steps = np.abs(np.diff(12.0 * np.log2(np.where(voiced, prosody.f0_hz, np.nan) / 100.0)))
    steps = np.minimum(steps[np.isfinite(steps)], 1.5)
    level = prosody.loudness_db[prosody.speaking > 0.5]
    clean = float(prosody.voiced[voiced].mean())
    arousal = np.tanh(
        0.22 * (np.sqrt(FEATURE_HZ * steps.mean()) - 6.25) + 0.075 * (level.std() - 9.57) - 2.5 * (clean - 0.838)
        + 0.075 * max(float(np.median(pitch)) - 11.5, 0.0)
    )  # fmt: skip
    colour = 10.0 * (clean - 0.838) + 0.15 * (min(float(pitch.std()), 6.0) - 3.0)
    valence = 0.4 * np.tanh(colour * (0.5 + 0.5 * max(arousal, 0.0)) + 0.35 * min(arousal, 0.0))
    return float(0.5 * valence)


def auto_valence(prosody: Prosody, reader: VoiceReader) -> float:
    """Valence of the face that `auto` asks for, in the mean over its keys."""
    secs = len(prosody.speaking) / FEATURE_HZ
    analysis = SpeechAnalysis(secs, (), prosody, (), aligned=False)
    plan = auto_plan(read_feelings(analysis, reader=reader))
    return float(np.mean([key.emotion.vad[0] for key in plan.keys]))


def sides(values: Float[Array, " clip"], labels: list[str]) -> str:
    """Shares of clips on the right side, on the wrong one, and on none."""
    right = np.array([(v > SHOWN) if label in GOOD else (v < -SHOWN) for v, label in zip(values, labels, strict=True)])
    wrong = np.array([(v < -SHOWN) if label in GOOD else (v > SHOWN) for v, label in zip(values, labels, strict=True)])
    joy = np.array([label in GOOD for label in labels])
    parts = f"joy {right[joy].mean():.2f}, bad feelings {right[~joy].mean():.2f}"
    return f"right {right.mean():.2f} ({parts}), wrong {wrong.mean():.2f}, neither {1 - (right | wrong).mean():.2f}"


def talker_table(windows: Examples, readers: dict[int, VoiceReader], *, gain: Array) -> Iterator[str]:
    """How well lines are read against other lines of their actor: of all feelings, and of one feeling alone."""
    clips = np.unique(windows.clip)
    own = [windows.clip == clip for clip in clips]
    lines = np.stack([windows.figures[where].mean(axis=0) for where in own])
    label, actor = (np.array([values[where][0] for where in own]) for values in (windows.label, windows.talker))
    for count, mixed in ((0, True), *((count, True) for count in COUNTS), *((count, False) for count in COUNTS)):
        told = []
        for draw in range(DRAWS if count else 1):
            rng, answers = np.random.default_rng(draw), np.zeros((len(windows.clip), NUM_ANSWERS))
            for i, where in enumerate(own):
                others = (actor == actor[i]) & (np.arange(len(clips)) != i)
                if not mixed:
                    others &= label == rng.choice(label[others])
                reader, chosen = readers[int(actor[i])], rng.permutation(np.flatnonzero(others))[:count]
                talker = talker_from(list(lines[chosen]), reader=reader)
                shift = np.zeros(lines.shape[1]) if talker is None else np.array(talker.shift)
                answers[where] = reader.raw(windows.figures[where] - shift)
            told.append(figures_of(Unseen(windows, answers), gain))
        kind = "no other line" if not count else f"{count:2d} others, {'mixed' if mixed else 'of one feeling'}"
        yield f"{kind:26s}" + ", ".join(f"{name} {np.mean([one[name] for one in told]):.3f}" for name in told[0])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cache", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    heard = read_heard(given.cache)
    lessons, shipped = lessons_of(heard), load_voice_reader()
    readers = {}
    for actor in np.unique(lessons.voices.talker):
        nets = reader_of([taught_voice(lessons, without=int(actor), seed=seed) for seed in range(SEEDS)], []).nets
        others = lessons.voices.where(lessons.voices.talker != actor)
        readers[int(actor)] = knowing_people(replace(shipped, nets=nets), others)
    clips = [clip for clip in heard if clip.corpus == "emodb" and clip.kind == CLEAN and clip.label in (*GOOD, *BAD)]
    started = time.process_time()
    new = np.array([auto_valence(clip.prosody, readers[int(clip.talker)]) for clip in clips])
    spent = time.process_time() - started
    old = np.array([formula_valence(clip.prosody) for clip in clips])
    labels = [clip.label for clip in clips]
    secs = sum(len(clip.prosody.speaking) for clip in clips) / FEATURE_HZ
    print(f"{len(clips)} clips that feel something, actors unheard")
    print(f"auto    {sides(new, labels)}")
    print(f"formula {sides(old, labels)}")
    print(f"reading and keys: {spent / secs:.4f} CPU-s per second of sound, beside what the analysis costs")
    print("beside other lines of the same actor (joy above bad feelings: `valence`):")
    for line in talker_table(lessons.windows[CLEAN], readers, gain=shipped.vad_gain):
        print(line)


if __name__ == "__main__":
    main()
