"""`python -m bench.tokens FOLDER [--clips 40]`: what tokens keep of a voice, and cost, beside Opus.

FOLDER holds recordings of 16 kHz (EmoDB's: acted German). Each is read as it is, out of its tokens, and after Opus at
6, 12 and 24 kbit/s. Bytes of Opus are its packets alone; tokens count with their head.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from face_emote.audio.conditioning import listened_to
from face_emote.audio.features import prosody_of
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.names import FEATURE_HZ, SAMPLE_RATE_HZ
from face_emote.core.types import Prosody, Speech, SpeechAnalysis
from face_emote.perception.fusion import Felt
from face_emote.perception.reading import read_feelings
from face_emote.perception.tokens import codebooks, manners_of, tokens_of

RATES = (6_000, 12_000, 24_000)
HEAD_BYTES = 20
OPUS_HZ = 48_000
OPUS_SKIP = 312
"""Samples of 48 kHz that the codec puts before the sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What arrives of a voice: feeling, and pitch (semitones / 4), level (dB / 10) and voicing of every frame."""

    num_bytes: float
    feeling: Float[Array, "frames 11"]
    manner: Float[Array, "frames 5"]


def felt_rows(felt: Felt) -> Float[Array, "frames 11"]:
    """Mix and VAD."""
    return np.concatenate([felt.mix, felt.vad], axis=1)


def heard(samples: Float[Array, " samples"]) -> tuple[Prosody, Felt]:
    """How a sound is said, and what is read of it."""
    prosody = prosody_of(listened_to(Speech(samples)).blocks())
    secs = len(prosody.speaking) / FEATURE_HZ
    return prosody, read_feelings(SpeechAnalysis(secs, (), prosody, (), aligned=False)).frames


def opus(samples: Float[Array, " samples"], rate: int) -> tuple[int, Float[Array, " samples"]]:
    """Bytes of the packets, and what is heard of them."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = OPUS_HZ, "mono", "flt", rate
    resampler = av.AudioResampler(format="flt", layout="mono", rate=OPUS_HZ, frame_size=960)
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="flt", layout="mono")
    frame.sample_rate = SAMPLE_RATE_HZ
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    packets = [packet for piece in [*pieces, None] for packet in encoder.encode(piece)]
    decoder = av.CodecContext.create("libopus", "r")
    decoder.extradata = encoder.extradata
    back = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    played = [out for packet in packets for shown in decoder.decode(packet) for out in back.resample(shown)]
    sound = np.concatenate([out.to_ndarray()[0] for out in [*played, *back.resample(None)]])
    return sum(packet.size for packet in packets), sound[OPUS_SKIP * SAMPLE_RATE_HZ // OPUS_HZ :][: len(samples)]


def arrived(samples: Float[Array, " samples"]) -> dict[str, Kept]:
    """A clip, as it is and by every way."""
    prosody, felt = heard(samples)
    frames = len(felt.mix)
    manner, middle_hz, level_db = manners_of(prosody, num_frames=frames)
    found = {"16-bit sound": Kept(2.0 * len(samples), felt_rows(felt), manner)}
    secs = len(prosody.speaking) / FEATURE_HZ
    tokens = tokens_of(read_feelings(SpeechAnalysis(secs, (), prosody, (), aligned=False)), prosody)
    feelings, manners = codebooks()
    found["tokens"] = Kept(HEAD_BYTES + np.ceil(1.5 * frames), feelings[tokens.feeling], manners[tokens.manner])
    for rate in RATES:
        size, played = opus(samples, rate)
        own, again = heard(played)
        rows, own_hz, own_db = manners_of(own, num_frames=len(again.mix))
        rows[:, 0] += 3.0 * np.log2(max(own_hz, 1.0) / max(middle_hz, 1.0)) * (rows[:, 2] > 0.0)
        rows[:, 1] += 0.1 * (own_db - level_db)
        found[f"Opus at {rate // 1000} kbit/s"] = Kept(size, felt_rows(again), rows)
    return found


def table(clips: list[dict[str, Kept]]) -> Iterator[str]:
    """A row for every way."""
    yield "| | raw is larger by | F0, median error | level | valence | arousal | emotion of a frame, of a line |"
    yield "|---|---|---|---|---|---|---|"
    for way in clips[0]:
        pairs = [(clip["16-bit sound"], clip[way]) for clip in clips]
        cut = [min(len(true.feeling), len(kept.feeling)) for true, kept in pairs]
        true_f, kept_f = (np.concatenate([p[i].feeling[:n] for p, n in zip(pairs, cut, strict=True)]) for i in (0, 1))
        true_m, kept_m = (np.concatenate([p[i].manner[:n] for p, n in zip(pairs, cut, strict=True)]) for i in (0, 1))
        voiced = (true_m[:, 2] > 0.5) & (kept_m[:, 2] > 0.5)
        cents = 400.0 * np.median(np.abs(kept_m[voiced, 0] - true_m[voiced, 0]))
        tracks = ((true_m[:, 1], kept_m[:, 1]), *((true_f[:, i], kept_f[:, i]) for i in (8, 9)))
        level, valence, arousal = (np.corrcoef(a, b)[0, 1] for a, b in tracks)
        frame = (true_f[:, :8].argmax(axis=1) == kept_f[:, :8].argmax(axis=1)).mean()
        line = np.mean([a.feeling[:, :8].mean(0).argmax() == b.feeling[:, :8].mean(0).argmax() for a, b in pairs])
        smaller = sum(true.num_bytes for true, _ in pairs) / sum(kept.num_bytes for _, kept in pairs)
        kept = f"{cents:.0f} cents | {level:.2f} | {valence:.2f} | {arousal:.2f} | {frame:.0%}, {line:.0%}"
        yield f"| {way} | {smaller:.0f} | {kept} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=40, help="taken evenly from the folder")
    given = parser.parse_args()
    paths = sorted(path for path in given.folder.iterdir() if path.suffix in (".wav", ".flac", ".ogg"))
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, given.clips).astype(int))]
    for row in table([arrived(read_speech(path).samples) for path in chosen]):
        print(row)


if __name__ == "__main__":
    main()
