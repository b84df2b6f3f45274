"""`python -m bench.perception CACHE`: does `auto` play the right side of good and bad, and what does reading cost?

CACHE is what `tools.train_voice.clips` has heard of EmoDB (acted German; not distributed here). Every
actor's clips are read by a reader that was taught without that actor (one net, some minutes), turned into emotion keys
as `auto` does, and the valence of the face that these ask for is held against the acted feeling: joy is good, sadness,
fear, disgust, anger and boredom are bad. Beside it stands the formula that `auto` was before: `formula_valence`.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import FEATURE_HZ
from face_emote.core.types import Prosody, SpeechAnalysis
from face_emote.perception.phrases import auto_plan
from face_emote.perception.reading import read_feelings
from face_emote.perception.voice import VoiceReader, load_voice_reader

GOOD, BAD = ("joy",), ("sadness", "fear", "disgust", "anger", "boredom")
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


def main() -> None:
    """Print the figures."""
    import torch

    from tools.train_voice.clips import CLEAN, read_heard
    from tools.train_voice.lessons import lessons_of
    from tools.train_voice.reader import reader_of, taught_voice

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cache", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    heard = read_heard(given.cache)
    lessons, shipped = lessons_of(heard), load_voice_reader(ASSETS / "perception" / "voice.safetensors")
    clips = [clip for clip in heard if clip.corpus == "emodb" and clip.kind == CLEAN and clip.label in (*GOOD, *BAD)]
    new, old, spent = np.zeros(len(clips)), np.zeros(len(clips)), 0.0
    for talker in sorted({clip.talker for clip in clips}):
        nets = reader_of([taught_voice(lessons, without=int(talker), seed=0)], []).nets
        reader = replace(shipped, nets=nets)
        for i, clip in enumerate(clips):
            if clip.talker == talker:
                started = time.process_time()
                new[i] = auto_valence(clip.prosody, reader)
                spent += time.process_time() - started
                old[i] = formula_valence(clip.prosody)
    labels = [clip.label for clip in clips]
    secs = sum(len(clip.prosody.speaking) for clip in clips) / FEATURE_HZ
    print(f"{len(clips)} clips that feel something, actors unheard")
    print(f"auto    {sides(new, labels)}")
    print(f"formula {sides(old, labels)}")
    print(f"reading and keys: {spent / secs:.4f} CPU-s per second of sound, beside what the analysis costs")


if __name__ == "__main__":
    main()
