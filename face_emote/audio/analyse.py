"""All that the animator knows about a recording: phones, prosody, pauses."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from face_emote.audio.activity import MIN_PAUSE_SECS, pauses_in
from face_emote.audio.alignment import align
from face_emote.audio.conditioning import Recording, listened_to
from face_emote.audio.features import features_of
from face_emote.audio.logmel import FLOOR_DB, MelRows
from face_emote.audio.phones import heard_phones
from face_emote.audio.stress import heard_stress
from face_emote.audio.transcripts import read_transcript
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import AlignmentError
from face_emote.core.names import FEATURE_HZ, SAMPLE_RATE_HZ
from face_emote.core.types import Pause, Phone, Prosody, Speech, SpeechAnalysis, SpokenWord

Progress = Callable[[float, float], None]

WRONG_AGREEMENT, DOUBTFUL_AGREEMENT = 0.22, 0.35  # Of an `Alignment`: below these a transcript is refused, or doubted.
SURVEY_SHARE, PROSODY_SHARE = 0.1, 0.3  # Parts of the work that the first two passes take.


def analyse(
    source: Speech | Path,
    *,
    transcript: str | Path | None = None,
    language: str | None = None,
    progress: Progress | None = None,
) -> SpeechAnalysis:
    """Hear a recording: what is said when, and how. `heard_recording` also gives its log-mels.

    A file is read twice in blocks and never held; of an hour 50 MB of features are kept while it is heard. Nobody has
    to speak: then the phones are one silence, and a remark says so.

    Args:
        source: a recording in memory, or a sound or video file.
        transcript: the words spoken, as text or as a file of text or subtitles. Phones are then exact; without it, or
            in a language whose spelling is not known, they are heard. Overrides the transcript that a `Speech` carries.
        language: code of the transcript's language; told by its words when left out.
        progress: called with the seconds done and the seconds in all.

    Raises:
        AudioError: the file is missing, damaged or not sound.
        AlignmentError: the transcript does not fit the speech.
        DependencyError: a decoder is needed and not installed.
    """
    return heard_recording(source, transcript=transcript, language=language, progress=progress)[0]


def heard_recording(
    source: Speech | Path,
    *,
    transcript: str | Path | None = None,
    language: str | None = None,
    progress: Progress | None = None,
) -> tuple[SpeechAnalysis, MelRows]:
    """`analyse`, and the log-mel rows of the sound for whoever listens next: it is read once."""
    if transcript is None and isinstance(source, Speech):
        transcript = source.transcript
    words = None if transcript is None else read_transcript(transcript, language=language)
    cues = () if words is None else words.cues
    report = progress or (lambda _done, _total: None)
    heard = listened_to(source, progress=lambda done, total: report(SURVEY_SHARE * done, total))
    expected = heard.duration_secs

    def first_pass(secs: float) -> None:
        total = max(expected, secs)
        report(SURVEY_SHARE * total + PROSODY_SHARE * secs, total)

    counted = Counted(heard.blocks(), first_pass, rate_hz=float(SAMPLE_RATE_HZ))
    features = features_of(counted)
    prosody, duration = features.prosody, counted.secs

    def later(secs: float) -> None:
        done = SURVEY_SHARE + PROSODY_SHARE
        report(done * duration + (1.0 - done) * min(secs, duration), duration)

    remarks = [*heard.remarks, *(() if words is None else words.remarks)]
    spoken: tuple[SpokenWord, ...] = ()
    text = "" if words is None else words.text
    if not (prosody.speaking > 0.0).any():
        phones: tuple[Phone, ...] = (Phone("SIL", 0.0, duration),)
    elif not cues:
        rows = Counted(features.mels, later, rate_hz=FEATURE_HZ)
        phones = heard_stress(heard_phones(rows, prosody.speaking, duration_secs=duration), prosody)
    else:
        assert words is not None
        rows = Counted(features.mels, later, rate_hz=FEATURE_HZ)
        found = align(rows, cues, speaking=prosody.speaking, duration_secs=duration, language=words.language)
        phones = _joined_silence(phone for word in found.words for phone in word.phones)
        spoken = tuple(SpokenWord(word.text, word.start_secs, word.end_secs) for word in found.words if word.text)
        remarks += _require_agreement(found.agreement)
    if all(phone.label == "SIL" for phone in phones):
        remarks.append(_nothing_said(heard, prosody, with_words=words is not None))
        cues, spoken, text = (), (), ""
    report(duration, duration)
    pauses = _pauses(phones, prosody.speaking, duration=duration)
    return SpeechAnalysis(duration, phones, prosody, pauses, bool(cues), tuple(remarks), spoken, text), features.mels


def _nothing_said(heard: Recording, prosody: Prosody, *, with_words: bool) -> str:
    loudest = float(prosody.loudness_db.max())
    level = "it is silent" if loudest <= FLOOR_DB else f"its loudest sound is at {loudest:.0f} dB"
    words = ", and the transcript is not used" if with_words else ""
    where = f": {heard.name}" if heard.name else ""
    return f"No speech was found in the recording ({level}); the mouth stays still{words}{where}"


def _require_agreement(value: float) -> list[str]:
    if value < WRONG_AGREEMENT:
        raise AlignmentError(
            f"The transcript does not fit the speech (agreement {value:.2f}, right ones reach 0.5); check that it "
            "belongs to this recording, or leave it out"
        )
    if value < DOUBTFUL_AGREEMENT:
        return [f"The transcript fits the speech poorly (agreement {value:.2f}, right ones reach 0.5); check it"]
    return []


class Counted:
    """Blocks of samples or of rows that pass by, counted and reported."""

    def __init__(self, blocks: Iterable[Array], report: Callable[[float], None], *, rate_hz: float) -> None:
        """`report` gets the seconds that have passed."""
        self._blocks = blocks
        self._report = report
        self._rate_hz = rate_hz
        self.secs = 0.0

    def __iter__(self) -> Iterator[Array]:
        """The blocks; each is reported when the next one is taken."""
        count = 0
        for block in self._blocks:
            yield block
            count += len(block)
            self.secs = count / self._rate_hz
            self._report(self.secs)


def _joined_silence(phones: Iterable[Phone]) -> tuple[Phone, ...]:
    out: list[Phone] = []
    for phone in phones:
        if out and out[-1].label == phone.label == "SIL":
            out[-1] = replace(out[-1], end_secs=phone.end_secs)
        else:
            out.append(phone)
    return tuple(out)


def _pauses(phones: tuple[Phone, ...], speaking: Float[Array, " frames"], *, duration: float) -> tuple[Pause, ...]:
    """Silences of at least 60 ms, which no closure of the lips or the tongue explains.

    A gap in the energy is a pause only where the phones say silence too: the closure of a /p/ is none.
    """
    silences = [
        phone for phone in phones if phone.label == "SIL" and phone.end_secs - phone.start_secs >= MIN_PAUSE_SECS
    ]
    quiet = pauses_in(speaking, duration_secs=duration)
    out, at = [], 0
    for silence in silences:
        while at < len(quiet) and quiet[at].end_secs <= silence.start_secs:
            at += 1
        if at < len(quiet) and quiet[at].start_secs < silence.end_secs:
            out.append(Pause(silence.start_secs, silence.end_secs))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Listening:
    """Reports how much of the sound has been heard: first by the analysis, then by the network."""

    progress: Callable[[float, float, str], None] | None
    share: float  # Of the analysis.

    def analysed(self, done_secs: float, total_secs: float) -> None:
        """So much of it is done."""
        if self.progress is not None:
            self.progress(self.share * done_secs, total_secs, "listening")

    def passing(self, mels: Iterable[Array], *, total_secs: float) -> Iterable[Array]:
        """The rows, reported as they are taken."""

        def heard(secs: float) -> None:
            if self.progress is not None:
                done = self.share * total_secs + (1.0 - self.share) * min(secs, total_secs)
                self.progress(done, total_secs, "listening")

        return Counted(mels, heard, rate_hz=FEATURE_HZ)
