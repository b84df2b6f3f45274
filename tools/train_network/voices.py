"""Real voices without a face: LibriSpeech, VCTK, EmoDB. Their phones are known, their lips are taught."""

from functools import partial
from pathlib import Path

from face_emote.audio.reader import read_speech
from face_emote_lab.train.corpus.cache import ClipData, Job
from tools.train_network.labels import EMODB_LATE_SECS, SPHINX_LATE_SECS, Rows, read_aligned, read_lablaut, taught_clip

HELD_OUT_EVERY = 10
"""Every tenth LibriSpeech talker, in order of talker number, is held out."""
HELD_OUT_VCTK = frozenset({"p228"})
HELD_OUT_EMODB = frozenset({"08", "14"})
EMODB_EMOTIONS = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "joy", "T": "sadness", "N": "neutral",
}  # fmt: skip


def librispeech_jobs(data: Path) -> list[Job]:
    """251 talkers reading books."""
    talkers = sorted({name.split("-")[0] for name in read_aligned(data / "librispeech" / "phones.json")}, key=_number)
    return _read_jobs(data, "librispeech", mark="-", ending=".ogg", held_out=frozenset(talkers[::HELD_OUT_EVERY]))


def vctk_jobs(data: Path) -> list[Job]:
    """Four talkers reading newspaper sentences."""
    return _read_jobs(data, "vctk", mark="_", ending=".flac", held_out=HELD_OUT_VCTK)


def _read_jobs(data: Path, folder: str, *, mark: str, ending: str, held_out: frozenset[str]) -> list[Job]:
    """English sentences; `mark` stands behind the talker in a clip's name."""
    sounds = data / folder / "audio"
    return [
        Job(
            name=name,
            talker=(talker := name.split(mark)[0]),
            language="en",
            kind="voice",
            split="test" if talker in held_out else "train",
            audio=f"{folder}/audio/{name}{ending}",
            make=partial(_heard, sounds / f"{name}{ending}", rows, late_secs=SPHINX_LATE_SECS),
        )
        for name, rows in sorted(read_aligned(data / folder / "phones.json").items())
        if (sounds / f"{name}{ending}").is_file()
    ]


def emodb_jobs(data: Path) -> list[Job]:
    """Eight actors, seven emotions, German; the labels are by hand."""
    folder = data / "emodb"
    labels = {path.stem[:7]: path for path in sorted((folder / "lablaut").glob("*.lablaut"), reverse=True)}
    return [
        Job(
            name=sound.stem,
            talker=sound.stem[:2],
            language="de",
            kind="voice",
            split="test" if sound.stem[:2] in HELD_OUT_EMODB else "train",
            emotion=EMODB_EMOTIONS.get(sound.stem[5:6], ""),
            audio=sound.relative_to(data).as_posix(),
            make=partial(_heard, sound, read_lablaut(labels[sound.stem[:7]]), late_secs=EMODB_LATE_SECS),
        )
        for sound in sorted((folder / "wav16").iterdir())
        if sound.stem[:7] in labels
    ]


def _heard(sound: Path, rows: Rows, *, late_secs: float) -> ClipData:
    return taught_clip(read_speech(sound).samples, rows=rows, late_secs=late_secs)


def _number(talker: str) -> tuple[int, str]:
    return (int(talker) if talker.isdigit() else 0, talker)
