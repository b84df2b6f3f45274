"""Real voices without a face: LibriSpeech, VCTK, EmoDB. Their phones are known, their lips are taught."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.train.corpus.cache import ClipData, Job, num_frames_of
from face_emote.train.corpus.teacher import (
    EMODB_LATE_SECS,
    SPHINX_LATE_SECS,
    loudness_only,
    phone_index,
    phones_from,
    read_aligned,
    read_lablaut,
    teacher_lips,
)

HELD_OUT_EVERY = 10
"""Every tenth LibriSpeech talker, in order of talker number, is held out."""
HELD_OUT_VCTK = frozenset({"p228"})
HELD_OUT_EMODB = frozenset({"08", "14"})
EMODB_EMOTIONS = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "joy", "T": "sadness", "N": "neutral",
}  # fmt: skip

Rows = list[tuple[str, float, float]]


def librispeech_jobs(data: Path) -> list[Job]:
    """251 talkers reading books."""
    folder = data / "librispeech"
    aligned = read_aligned(folder / "phones.json")
    talkers = sorted({name.split("-")[0] for name in aligned}, key=_number)
    held_out = set(talkers[::HELD_OUT_EVERY])
    return [
        _job(data, folder / "audio" / f"{name}.ogg", rows=rows, talker=name.split("-")[0], held_out=held_out)
        for name, rows in sorted(aligned.items())
        if (folder / "audio" / f"{name}.ogg").is_file()
    ]


def vctk_jobs(data: Path) -> list[Job]:
    """Four talkers reading newspaper sentences."""
    folder = data / "vctk"
    return [
        _job(data, folder / "audio" / f"{name}.flac", rows=rows, talker=name.split("_")[0], held_out=HELD_OUT_VCTK)
        for name, rows in sorted(read_aligned(folder / "phones.json").items())
        if (folder / "audio" / f"{name}.flac").is_file()
    ]


def emodb_jobs(data: Path) -> list[Job]:
    """Eight actors, seven emotions, German; the labels are by hand."""
    folder = data / "emodb"
    labels = {path.stem[:7]: path for path in sorted((folder / "lablaut").glob("*.lablaut"), reverse=True)}
    jobs = []
    for sound in sorted((folder / "wav16").iterdir()):
        label_file = labels.get(sound.stem[:7])
        if label_file is not None:
            jobs.append(
                _job(
                    data,
                    sound,
                    rows=read_lablaut(label_file),
                    talker=sound.stem[:2],
                    held_out=HELD_OUT_EMODB,
                    language="de",
                    emotion=EMODB_EMOTIONS.get(sound.stem[5:6], ""),
                    late_secs=EMODB_LATE_SECS,
                )
            )
    return jobs


def taught_clip(
    samples: Float[Array, " samples"], *, rows: Rows, late_secs: float, name: str, talker: str, language: str,
    kind: str, split: str, emotion: str = "", audio: str = "",
) -> ClipData:  # fmt: skip
    """A clip whose lips are the teacher's, all of them known."""
    duration = len(samples) / SAMPLE_RATE_HZ
    phones = phones_from(rows, duration_secs=duration, late_secs=late_secs)
    lips = teacher_lips(phones, prosody=loudness_only(samples), duration_secs=duration)
    return ClipData(
        name=name, talker=talker, language=language, emotion=emotion, kind=kind, split=split, audio=audio,
        samples=samples, lips=lips, known=np.ones(lips.shape, np.uint8),
        phones=phone_index(phones, num_frames=num_frames_of(len(samples))),
    )  # fmt: skip


def _job(
    data: Path, path: Path, *, rows: Rows, talker: str, held_out: Iterable[str], language: str = "en",
    emotion: str = "", late_secs: float = SPHINX_LATE_SECS,
) -> Job:  # fmt: skip
    split = "test" if talker in held_out else "train"

    def make() -> ClipData:
        return taught_clip(
            read_speech(path).samples, rows=rows, late_secs=late_secs, name=path.stem, talker=talker,
            language=language, kind="voice", split=split, emotion=emotion, audio=path.relative_to(data).as_posix(),
        )  # fmt: skip

    return Job(name=path.stem, make=make, split=split)


def _number(talker: str) -> tuple[int, str]:
    return (int(talker) if talker.isdigit() else 0, talker)
