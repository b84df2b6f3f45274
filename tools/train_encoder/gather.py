"""Gather moments for the encoder from all corpora.

    python -m tools.train_encoder.gather DATA VOICES CORPUS -o CACHE

VOICES is what `tools.train_voice.clips` has heard (EmoDB, EmoGator, LibriSpeech, VCTK), CORPUS what
`tools.train_network.corpus` made. GRID and FACEGOOD are heard and seen, Japanese is spoken by open_jtalk where that
is installed, this package performs random feelings over read speech, and labelled sentences are words without a voice.
A corpus is a file in CACHE, and is not made again.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.audio.conditioning import listened_to
from face_emote.audio.features import prosody_of
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError
from face_emote.core.names import CONTROLS, EMOTIONS, FEATURE_HZ
from face_emote.core.reading import content_of
from face_emote.core.records import parsed_json
from face_emote.core.types import Prosody, Speech, SpokenWord
from face_emote.emotion.blending import PROTOTYPE_VAD
from face_emote.perception.encoder_inputs import (
    Track,
    no_tokens,
    voice_tokens,
    word_tokens,
)
from face_emote.perception.evidence import READING_HZ
from face_emote.perception.face import FACE_CONTROLS, NUM_FACE_FEATURES
from face_emote.perception.voice import CLASS_VAD, VOICE_CLASSES, shares_of
from face_emote.perception.words import FINE_MIXES, FINE_WORDS, timed_clauses
from tools.train_encoder.moments import (
    LONGEST_SECS,
    NEUTRAL,
    UNKNOWN_MIX,
    Moment,
    is_unseen,
    moment,
    read_moments,
    write_moments,
)
from tools.train_encoder.performed import performed
from tools.train_network.facegood import controls_of, read_channels
from tools.train_network.grid import other_recordings, s1_recordings
from tools.train_voice.clips import CLEAN, VARIED, HeardClip, read_heard
from tools.train_words.texts import PLUTCHIK, part_of, read_sentences

CROP_ROWS = (120, 200)
LINES = {"goemotions": 26_000, "xed_en": 6_000, "xed": 10_000}
"""Training sentences of each set; of those that measure, a quarter of that."""
JAPANESE_HOURS = 1.5
"""Of all synthetic speech; Japanese has a seventh of it."""

logger = logging.getLogger(__name__)


def voices_only(voice: tuple[Track, Track]) -> list[Track]:
    """Tracks of a voice without words or face."""
    return [*voice, *(no_tokens(kind) for kind in (2, 3, 4))]


def acted(clips: Sequence[HeardClip]) -> Iterator[Moment]:
    """Actors' sentences, whole, and a stretch of each."""
    shares = shares_of(VOICE_CLASSES).astype(np.float32)
    rng = np.random.default_rng(0)
    for clip in clips:
        if clip.kind not in (CLEAN, VARIED):
            continue
        i = VOICE_CLASSES.index(clip.label)
        known = {"label": clip.label, "mix": shares[i], "vad": CLASS_VAD[i].astype(np.float32)}
        yield moment("emodb", clip.talker, voices_only(voice_tokens(clip.prosody)), kind=clip.kind, **known)
        total = len(clip.prosody.speaking)
        length = min(int(rng.uniform(*CROP_ROWS)), total)
        first = int(rng.integers(0, total - length + 1))
        part = voice_tokens(part_of_prosody(clip.prosody, first, first + length))
        yield moment("emodb", clip.talker, voices_only(part), kind="crop", **known)


def part_of_prosody(prosody: Prosody, first: int, stop: int) -> Prosody:
    """Some rows."""
    return Prosody(**{name: getattr(prosody, name)[first:stop] for name in Prosody.__slots__})


def bursts(clips: Sequence[HeardClip]) -> Iterator[Moment]:
    """Sounds without words."""
    for clip in clips:
        mix = shares_of((clip.label,))[0].astype(np.float32)
        yield moment("emogator", clip.talker, voices_only(voice_tokens(clip.prosody)), label=clip.label, kind=clip.kind,
                     measures=is_unseen(clip.talker), mix=mix)  # fmt: skip


def read_aloud(clips: Sequence[HeardClip], data: Path) -> Iterator[Moment]:
    """Read speech; the words where the time was not stretched."""
    said = spoken_words(data / "librispeech" / "phones.json") | spoken_words(data / "vctk" / "phones.json")
    for clip in clips:
        tracks = voices_only(voice_tokens(clip.prosody))
        if clip.kind == CLEAN and clip.talker in said:
            tracks[2:4] = words_within(said[clip.talker], len(clip.prosody.speaking) / FEATURE_HZ)
        yield moment("plain", clip.talker, tracks, kind=clip.kind, measures=is_unseen(clip.talker), mix=NEUTRAL)


def spoken_words(path: Path) -> dict[str, list[SpokenWord]]:
    """Words with their times, from a table of aligned phones."""
    found: dict[str, list[SpokenWord]] = {}
    table: Any = parsed_json(content_of(path))
    for name, rows in table.items():
        words: list[SpokenWord] = []
        for word, _, start, end, *_ in rows:
            if words and words[-1].text == word and abs(words[-1].end_secs - start) < 1e-6:
                words[-1] = SpokenWord(word, words[-1].start_secs, float(end))
            elif word != "<sil>":
                words.append(SpokenWord(word, float(start), float(end)))
        found[name] = words
    return found


def words_within(words: Sequence[SpokenWord], secs: float) -> tuple[Track, Track]:
    """Tokens of what is said before a time."""
    return word_tokens(timed_clauses([word for word in words if word.end_secs <= secs]))


def filmed(data: Path) -> Iterator[Moment]:
    """GRID: voice, words and a face that was tracked."""
    said = {("s1", name): words for name, words in spoken_words(data / "grid_s1" / "phones_train.json").items()}
    recordings = s1_recordings(data)
    motions = {"s1": data / "grid_s1" / "motion_train.npz"}
    for talker, items in other_recordings(data).items():
        recordings += items
        motions[talker] = data / "grid_talkers" / talker / "motion.npz"
        said |= {(talker, n): w for n, w in spoken_words(data / "grid_talkers" / talker / "phones.json").items()}
    faces = {(talker, name): rows for talker, path in motions.items() for name, rows in tracked_faces(path).items()}
    for item in recordings:
        key = (item.talker, item.track.name)
        tracks = voices_only(voice_tokens(heard(item.sound)))
        secs = len(tracks[0].place) / READING_HZ
        tracks[2:4], tracks[4] = words_within(said[key], secs), faces[key]
        yield moment("grid", item.talker, tracks, measures=item.talker != "s1" and is_unseen(item.talker), mix=NEUTRAL)


def heard(path: Path) -> Prosody:
    """As the product hears a recording."""
    return prosody_of(listened_to(Speech(read_speech(path).samples)).blocks())


def tracked_faces(path: Path) -> dict[str, Track]:
    """Controls of a film, 12.5 times a second; NaN where the tracker does not say."""
    with np.load(path) as file:
        clips, names, values = file["clips"], [str(n) for n in file["bs_names"]], file["bs"].astype(np.float32)
    columns = [(i, names.index(name)) for i, name in enumerate(FACE_CONTROLS) if name in names]
    found = {}
    for clip, rows in zip(clips, values, strict=True):
        means = rows[: len(rows) // 2 * 2].reshape(-1, 2, len(names)).mean(axis=1)  # 25 frames a second
        face = np.full((len(means), NUM_FACE_FEATURES), np.nan, np.float16)
        for to, source in columns:
            face[:, to] = means[:, source]
        found[str(clip)] = Track(face, np.arange(len(face), dtype=np.float32))
    return found


def captured(data: Path) -> Iterator[Moment]:
    """FACEGOOD: voice and a captured face, in pieces."""
    index = np.array([CONTROLS.index(name) for name in FACE_CONTROLS])
    for capture in sorted((data / "facegood_zh" / "bs").glob("*.npz")):
        values, names, fps = read_channels(capture)
        controls = controls_of(values, names=names)[:, index]
        known = controls.max(axis=0) > 0.0
        prosody = heard(data / "facegood_zh" / "wav" / f"{capture.stem}.flac")
        rows = round(LONGEST_SECS * FEATURE_HZ)
        for first in range(0, len(prosody.speaking) - rows, rows):
            frames = np.round((first / FEATURE_HZ + np.arange(100) / READING_HZ) * fps).astype(int)
            frames = frames[frames < len(controls)]
            face = np.full((len(frames), NUM_FACE_FEATURES), np.nan, np.float16)
            face[:, np.flatnonzero(known)] = controls[frames][:, known]
            tracks = voices_only(voice_tokens(part_of_prosody(prosody, first, first + rows)))
            tracks[4] = Track(face, np.arange(len(face), dtype=np.float32))
            yield moment("facegood", "facegood", tracks)


def japanese(data: Path) -> Iterator[Moment]:
    """The four voices of tohoku-f01."""
    from tools.train_network.synthetic import jtalk_jobs

    for job in jtalk_jobs(data, hours=JAPANESE_HOURS):
        samples = job.make().samples[: round(LONGEST_SECS * 16_000)]
        tracks = voices_only(voice_tokens(prosody_of(listened_to(Speech(samples)).blocks())))
        mix = np.eye(8, dtype=np.float32)[EMOTIONS.index(job.emotion or "neutral")]
        yield moment(
            "tohoku", "tohoku_f01", tracks, label=job.emotion, mix=mix, vad=(mix @ PROTOTYPE_VAD).astype(np.float32)
        )


def sentences(data: Path) -> Iterator[Moment]:
    """GoEmotions and XED; EmoBank only measures: its licence would become the weights'."""
    every = read_sentences(data / "text_emotion" / "train")
    order = np.random.default_rng(0).permutation(len(every.lines))
    left = {(name, part): count if part == "train" else count // 4
            for name, count in (LINES | {"emobank": 12_000}).items() for part in ("train", "test")}  # fmt: skip
    meanings = np.array([_fine_mix(FINE_MIXES[name]) for name in FINE_WORDS], np.float32)
    emotions = np.array([np.eye(8)[EMOTIONS.index(n)] if n in EMOTIONS else np.full(8, np.nan) for n in PLUTCHIK])
    for i in order:
        fine, vad, marks, language = every.fine[i], every.vad[i], every.plutchik[i], every.language[i]
        rated, named = np.isfinite(vad).all(), np.isfinite(fine).all()
        name = "emobank" if rated else "goemotions" if named else "xed_en" if language == "en" else "xed"
        part = part_of(every.lines[i])
        if part == "check" or left[name, part] <= 0:
            continue
        left[name, part] -= 1
        mix = UNKNOWN_MIX
        if named and fine.sum():
            mix = (fine @ meanings / fine.sum()).astype(np.float32)
        elif not rated and not named and marks.sum():
            mix = np.nan_to_num(np.nanmean(emotions[marks > 0.5], axis=0), nan=0.0).astype(np.float32)
            mix = mix if mix.sum() > 0.99 else UNKNOWN_MIX
        tracks = [no_tokens(0), no_tokens(1), *word_tokens([(0.0, 0.0, every.lines[i])]), no_tokens(4)]
        label = EMOTIONS[int(mix.argmax())] if np.isfinite(mix).all() and mix.max() > 0.75 else ""
        yield moment(name, language, tracks, label=label, measures=part == "test" or bool(rated), mix=mix, vad=vad,
                     fine=fine, kind=part, line=every.lines[i])  # fmt: skip


def _fine_mix(text: str) -> Float[Array, " emotion=8"]:
    row = np.zeros(len(EMOTIONS))
    for part in text.split():
        emotion, _, weight = part.partition(":")
        row[EMOTIONS.index(emotion)] = float(weight or 1.0)
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is not made yet."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_encoder.gather", description="Keep moments as tokens.")
    for name in ("data", "voices", "corpus"):
        parser.add_argument(name, type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    given.output.mkdir(parents=True, exist_ok=True)
    clips = read_heard(given.voices)
    parts = {name: [clip for clip in clips if clip.corpus == name] for name in ("emodb", "emogator", "plain")}
    makers: dict[str, Callable[[], Iterator[Moment]]] = {
        "emodb": lambda: acted(parts["emodb"]),
        "emogator": lambda: bursts(parts["emogator"]),
        "plain": lambda: read_aloud(parts["plain"], given.data),
        "grid": lambda: filmed(given.data),
        "facegood": lambda: captured(given.data),
        "tohoku": lambda: japanese(given.data),
        "texts": lambda: sentences(given.data),
        "performed": lambda: performed(given.corpus, read_moments(given.output)),
    }
    for name, make in makers.items():
        path = given.output / f"{name}.npz"
        try:
            if not path.exists():
                write_moments(list(make()), path)
        except DependencyError as error:
            logger.warning("%s is left out: %s", name, error)
        logger.info("%s", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
