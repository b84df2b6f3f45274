"""Who can say a text here: programs and packages that `assets/say/speakers.toml` describes.

Each runs as a process of its own, without a shell, on a file of text, within a budget of time and memory. What it says
is kept by a hash of speaker, version, voice and text, so that nothing is said twice.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

from face_emote.audio.languages import LANGUAGE_CODE, language_of
from face_emote.audio.reader import open_speech
from face_emote.audio.spoken_words import in_plain_letters
from face_emote.core.assets import asset_table
from face_emote.core.cues import EDGE_SECS, MouthCues, label_of
from face_emote.core.errors import AudioError, FaceEmoteError, OptionError, OutputError, SpeakerError
from face_emote.core.fields import nearest, shown
from face_emote.core.names import VOWELS
from face_emote.core.output import written_beside
from face_emote.core.reading import content_of
from face_emote.core.types import Phone

CACHE = "FACE_EMOTE_CACHE"  # Environment variable: a folder instead of the user's own for what was said.
MOST_LETTERS = 10_000  # Of one line: about a quarter of an hour, and what the words' feeling is read from.
SECS_TO_START, SECS_A_LETTER = 60.0, 0.1
MOST_MEMORY, MOST_SOUND = 8 << 30, 1 << 30
MOST_KEPT, KEPT_SECS = 1 << 30, 86_400.0  # Bytes of what was said before, and how long it stays in any case.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
"""What would fetch a voice finds no way out."""
_OUT_OF_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\ufff9-\uffff]")
"""Controls, and marks that turn the writing direction: nobody says them."""
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_STRESS_AND_LENGTH = re.compile("[ˈˌːˑ͡‿.\u0329\u0303\u030a-]")


@dataclass(frozen=True, slots=True)
class Speaker:
    """One entry of the table."""

    name: str
    arguments: tuple[str, ...]
    voices: Mapping[str, str]
    licence: str
    install: str
    program: str = ""
    module: str = ""
    package: str = ""
    system: str = ""
    phones: str = ""
    file_voice: bool = False
    ascii: bool = False

    @property
    def command(self) -> str | None:
        """What is run; None where it is not installed."""
        if self.system not in ("", sys.platform):
            return None
        if self.module:
            return sys.executable if util.find_spec(self.module) else None
        return shutil.which(self.program)

    @property
    def version(self) -> str:
        """Of the package, or what tells one program from another."""
        if self.module:
            return metadata.version(self.package)
        facts = Path(self.command or "").stat()
        return f"{facts.st_size}-{facts.st_mtime_ns}"

    def voice_for(self, language: str) -> str | None:
        """Its usual voice for a language; None where it has none."""
        voice = self.voices.get(language, self.voices.get("*"))
        return None if not voice else voice.replace("{language}", language)


@dataclass(frozen=True, slots=True)
class SaidLine:
    """A text that was said."""

    path: Path  # A .wav, which is kept.
    text: str
    language: str
    phones: tuple[Phone, ...] = field(default=(), repr=False)  # Where the speaker tells them.

    @property
    def cues(self) -> MouthCues | None:
        """The sounds for the mouth."""
        return MouthCues((), self.phones, self.phones[-1].end_secs, language=self.language) if self.phones else None


@lru_cache(maxsize=1)
def speakers() -> tuple[Speaker, ...]:
    """All that are known, here or not, in the order in which they are tried."""
    table = asset_table("say/speakers.toml")["speakers"]
    return tuple(Speaker(**entry | {"arguments": tuple(entry["arguments"])}) for entry in table)


def find_speaker(name: str | None, language: str) -> tuple[Speaker, str]:
    """A speaker that is here, and its voice for a language: `flite`, `flite:rms`, `piper:VOICE.onnx`; None: the first.

    Raises SpeakerError where there is none; the message says what to install.
    """
    if not language:
        raise SpeakerError("Nobody can tell which language this text is in; name it, as in --language ja")
    if name is None:
        found = ((one, one.voice_for(language)) for one in speakers() if one.command and not one.file_voice)
        able = next(((one, voice) for one, voice in found if voice), None)
        if able is None:
            can = [one.install for one in speakers() if one.voice_for(language) and not one.system]
            raise SpeakerError(f"Nobody here can say a text in '{language}'; {', or '.join(can)}")
        return able
    chosen, _, voice = name.partition(":")
    speaker = next((one for one in speakers() if one.name == chosen), None)
    if speaker is None:
        raise SpeakerError(f"There is no speaker {shown(chosen)}; {nearest(chosen, [one.name for one in speakers()])}")
    if speaker.command is None:
        raise SpeakerError(
            f"The speaker {chosen} is not here ({speaker.install}); `face-emote say --list` shows who is"
        )
    if voice.startswith("-") or _OUT_OF_TEXT.search(voice):
        raise SpeakerError(f"The voice of {chosen} cannot be called so: {shown(voice)}")
    if speaker.file_voice and not Path(voice).is_file():
        raise SpeakerError(
            f"The speaker {chosen} needs a voice, as in {chosen}:VOICE.onnx; no file is called so: {voice}"
        )
    usual = voice or speaker.voice_for(language)
    if not usual:
        raise SpeakerError(f"The speaker {chosen} does not know '{language}'; choose another, or leave out the speaker")
    return speaker, usual


def said(text: str, *, speaker: str | None = None, language: str | None = None) -> SaidLine:
    """Let a text be said as it stands, or find what was said of it before; without a language its words tell.

    Raises:
        OptionError: the text is empty or too long, or `language` is no code.
        SpeakerError: nobody can say it, or the one who should fails or never ends.
    """
    plain = " ".join(_OUT_OF_TEXT.sub(" ", text.encode("utf-8", "replace").decode()).split())
    if not any(letter.isalnum() for letter in plain):
        raise OptionError("There is nothing to say in this text; write a sentence")
    if len(plain) > MOST_LETTERS:
        raise OptionError(
            f"This text has {len(plain)} letters, and one line has at most {MOST_LETTERS}; make a table of its lines "
            "with `face-emote read TEXT.txt -o lines.csv`, and say them with `face-emote batch`"
        )
    if language is not None and not LANGUAGE_CODE.fullmatch(language):
        raise OptionError(f"language: {shown(language)} is no code of a language; give one such as en, de, ja")
    spoken = language or (language_of(plain) if _LATIN.search(plain) else "")
    who, voice = find_speaker(speaker, re.split("[-_]", spoken)[0].lower())
    facts = [who.name, who.version, who.arguments, voice, _state_of(voice), spoken, plain]
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    place = cache_folder() / f"{name}.wav"
    sounds = place.with_suffix(".phones")
    try:
        secs = open_speech(place).duration_secs if sounds.is_file() else 0.0
    except AudioError:
        secs = 0.0
    if secs > 0.0:
        with suppress(OSError):
            os.utime(place)
    else:
        secs = _say(plain, place, speaker=who, voice=voice, language=spoken)
        _forget_oldest(place.parent)
    phones = phones_in(sounds, secs, in_ipa=who.phones != "printed")
    return SaidLine(place, plain, spoken, phones)


def cache_folder() -> Path:
    """Where what was said is kept: FACE_EMOTE_CACHE, or the user's folder for such things."""
    if os.environ.get(CACHE):
        return Path(os.environ[CACHE]) / "said"
    homes = {"win32": os.environ.get("LOCALAPPDATA"), "darwin": str(Path.home() / "Library" / "Caches")}
    base = homes.get(sys.platform, os.environ.get("XDG_CACHE_HOME")) or Path.home() / ".cache"
    return Path(base) / "face_emote" / "said"


def _forget_oldest(folder: Path) -> None:
    """What was said longest ago, where all is too much; what was used within a day stays, for a batch may need it."""
    size = 0
    with suppress(OSError):  # Somebody else does the same.
        for used, path in sorted(((path.stat().st_mtime, path) for path in folder.glob("*.wav")), reverse=True):
            size += path.stat().st_size
            if size > MOST_KEPT and used < time.time() - KEPT_SECS:
                path.unlink()
                path.with_suffix(".phones").unlink(missing_ok=True)


def _state_of(voice: str) -> str:
    """Of a voice that is a file."""
    path = Path(voice)
    return f"{path.stat().st_size}-{path.stat().st_mtime_ns}" if path.suffix and path.is_file() else ""


def _say(text: str, place: Path, *, speaker: Speaker, voice: str, language: str) -> float:
    """Put the sounds that are told in place, then the sound; returns its seconds."""
    text = in_plain_letters(text) if speaker.ascii else text
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"What is said cannot be kept ({error.strerror}); name a folder by {CACHE}") from None
    with tempfile.TemporaryDirectory(prefix="face_emote_say_") as folder, written_beside(place) as sound:
        source = Path(folder) / "line.txt"
        source.write_text(text + "\n", encoding="utf-8", newline="\n")
        words = {"text": str(source), "wav": str(sound), "voice": voice, "language": language}
        printed = _run([speaker.command or "", *(["-P"] if speaker.module else []), *speaker.arguments], words, speaker)
        try:
            secs = open_speech(sound).duration_secs
        except (AudioError, OSError):
            raise SpeakerError(f"The speaker {speaker.name} gave no sound for this text; choose another") from None
        if speaker.phones.startswith("face_emote."):
            try:
                printed = _run([sys.executable, "-m", speaker.phones], words, speaker)
            except FaceEmoteError:  # The program has no library beside it; the aligner finds the sounds.
                printed = ""
        with written_beside(place.with_suffix(".phones")) as beside:
            beside.write_text(printed if speaker.phones else "", encoding="utf-8")
    return secs


def _run(line: list[str], words: Mapping[str, str], speaker: Speaker) -> str:
    """What a program printed. Raises SpeakerError when it fails, or takes more than it may."""
    arguments = [re.sub(r"\{(text|wav|voice|language)\}", lambda found: words[found[1]], part) for part in line]
    text = Path(words["text"])
    limit_secs = SECS_TO_START + SECS_A_LETTER * text.stat().st_size
    own = {f"SAY_{name.upper()}": value for name, value in words.items()} | OFFLINE
    own |= {"PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1"}
    with text.open("rb") as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            arguments, stdin=source, stdout=out, stderr=complaints, cwd=text.parent, env=os.environ | own,
            start_new_session=True, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
        _bound(process.pid)
        try:
            code = process.wait(limit_secs)
        except subprocess.TimeoutExpired:
            raise SpeakerError(
                f"The speaker {speaker.name} did not end within {limit_secs:.0f} s and was stopped; choose another"
            ) from None
        finally:
            _end(process)
        out.seek(0)
        complaints.seek(0)
        said = complaints.read(1 << 16).decode("utf-8", "replace").strip().splitlines() or [f"code {code}"]
        if code != 0:
            raise SpeakerError(
                f"The speaker {speaker.name} failed ({shown(said[-1])}); choose another voice or speaker"
            )
        return out.read(1 << 24).decode("utf-8", "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started, where there are groups of processes."""
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.wait()


def _bound(process: int) -> None:
    """Memory and size of files, where the system (Linux) lets another process be bounded."""
    if sys.platform == "linux":
        import resource

        with suppress(ProcessLookupError, PermissionError, ValueError):
            resource.prlimit(process, resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            resource.prlimit(process, resource.RLIMIT_FSIZE, (MOST_SOUND, MOST_SOUND))


def phones_in(path: Path, duration_secs: float, *, in_ipa: bool) -> tuple[Phone, ...]:
    """The sounds from a file of `name:end ..`; none where a name is not known, or the times are none of this sound.

    flite counts each sentence from its own start.
    """
    try:
        listed = content_of(path, most=1 << 24).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ()
    out: list[Phone] = []
    start = offset = 0.0
    for name, end_text in re.findall(r"(\S{1,9}?):(\d{1,5}\.\d{1,6})", listed):
        end = float(end_text)
        if offset + end < start - 1e-6:
            offset = start
        labels = _of_ipa(name) if in_ipa else _of_arpabet(name)
        if labels is None:
            return ()
        step = (offset + end - start) / max(len(labels), 1)
        for label in labels if step > EDGE_SECS else ():
            out.append(Phone(label, start, start + step, stress=int(label in VOWELS)))
            start += step
        start = offset + end
    if not out or not 0.9 * duration_secs - 0.5 < start < duration_secs + 0.1:
        return ()
    scale = min(1.0, duration_secs / start)
    fitted = [replace(one, start_secs=one.start_secs * scale, end_secs=one.end_secs * scale) for one in out]
    return (*fitted[:-1], replace(fitted[-1], end_secs=duration_secs))


def _of_arpabet(name: str) -> list[str] | None:
    try:
        return ["AH" if name == "ax" else label_of(name)[0]]
    except ValueError:
        return None


def _of_ipa(name: str) -> list[str] | None:
    """Phones of ours for a sound in the phonetic alphabet; None where a sign is not known."""
    signs = _phones_of_signs()
    plain, out = _STRESS_AND_LENGTH.sub("", name), list[str]()
    if plain == "_":
        return ["SIL"]
    while plain:
        sign = next((plain[:length] for length in (3, 2, 1) if plain[:length] in signs), None)
        if sign is None:
            return None
        out += signs[sign].split()
        plain = plain[len(sign) :]
    return out


@lru_cache(maxsize=1)
def _phones_of_signs() -> Mapping[str, str]:
    return {sign: labels for labels, signs in asset_table("say/ipa.toml")["signs"].items() for sign in signs.split()}
