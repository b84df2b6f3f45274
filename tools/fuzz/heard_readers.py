"""What is heard and said: sound, words, phones, live sound."""

import io
import json
import shutil
import sys
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bench.talkers import read_tracked
from face_emote.audio.analyse import analyse
from face_emote.audio.cue_words import with_sounds
from face_emote.audio.reader import read_speech
from face_emote.audio.transcripts import read_transcript
from face_emote.batch.manifest_file import read_manifest
from face_emote.body.recording import read_recording
from face_emote.body.signals import signals_of
from face_emote.core.cues import MouthCues
from face_emote.core.types import Phone, SpokenWord
from face_emote.formats.cues_file import read_cues, write_cues
from face_emote.formats.live_targets import parse_target
from face_emote.lines.script import read_script
from face_emote.lines.script_files import ENDINGS, write_script
from face_emote.lines.speakers import phones_in
from face_emote_lab.evaluation.clips import read_clips
from tools.fuzz import stock
from tools.fuzz.command_readers import command
from tools.fuzz.formats import BOXES, NPZ
from tools.fuzz.reader import Reader, Seed, WronglyAcceptedError
from tools.fuzz.texts import JSON, TEXT

CUES = (
    "1\n00:00:00,000 --> 00:00:00,500\n<i>The family</i>\n\n"
    "2\n00:00:00,500 --> 00:00:01,000\nof Dashwood, 1,200 of them.\n"
)
CAPTIONS = (
    "WEBVTT\n\nNOTE made up\n\n00:00.000 --> 00:00.600 align:start\n<v Jane>The family\n\n"
    "00:00.600 --> 00:01.000\nof Dashwood\n"
)
STYLED = (
    "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, "
    "Effect, Text\nDialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,{\\i1}The family{\\i0} of Dashwood\n"
)
FRAMED = "{1}{1}25.0\n{0}{12}The family|of Dashwood\n{12}{25}had been long settled\n"
MARKED_UP = (
    '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
    '<p begin="00:00:00.000" end="00:00:01.000">The family<br/>of <b>Dashwood</b></p></div></body></tt>\n'
)
SCRIPT = (
    "Title: Salt\n\nINT. HOME - DAY\n\nJANE (V.O.)\n(hurt, then cold)\nI *never* said that.\n(beat)\n"
    "Oh GREAT, I'm so happy.\n\n"
    "@McCoy ^\n(softly, to Jane)\nI hate it... [[note]]\n\n/* gone */\nCUT TO:\n"
)
NUMBERED = "Mr. O'Neill paid $5 million, 1,5 € and £1.5m in 1999 for 3rd-class U.S. goods (laughs): 10:30, ½, 007.\n"
SPOKEN_PHONES = [["the", "DH", 0.0, 0.1], ["the", "AH0", 0.1, 0.2], ["family", "F", 0.25, 0.4], ["", "SIL", 0.4, 1.0]]


def sound(path: Path) -> None:
    """Read it, and look at every sample."""
    speech = read_speech(path)
    if not np.isfinite(speech.samples).all() or np.abs(speech.samples).max(initial=0.0) > 1.0:
        raise WronglyAcceptedError("samples that are no amplitudes")


def body(path: Path) -> None:
    """A heart, sweat and breath, beside a sound."""
    signals = signals_of(read_recording(path), duration_secs=4.0)
    measured = signals.levels[:, ~np.isnan(signals.levels[0])]
    if not np.isfinite(measured).all() or not np.isfinite(signals.beats).all():
        raise WronglyAcceptedError("a body that is none")
    if len(signals.beats) and not (np.diff(signals.heartbeats(np.arange(0.0, 4.0, 0.02))) > 0.0).all():
        raise WronglyAcceptedError("a heart that stands still, or beats backwards")


def _bodies(_folder: Path) -> list[Seed]:
    slow = "".join(f"{t / 2},{70 + t},{5 + 0.1 * t:.1f},14\n" for t in range(9))
    fast = "\n".join(["rr"] + ["800", "812"] * 8)
    head = f"{'0':<8}{'X':<80}{'X':<80}{'01.01.2001.01.01':<16}{512:<8}{'':<44}{4:<8}{1:<8}{1:<4}"
    signal = f"{'Heart Rate':<16}{'':<80}{'bpm':<8}{0:<8}{250:<8}{-32768:<8}{32767:<8}{'':<80}{1:<8}{'':<32}"
    edf = (head + signal).encode("ascii") + np.full(4, -14000, "<i2").tobytes()
    return [
        Seed(b"time (s),hr (bpm),EDA (uS),resp_rate\n" + slow.encode(), ".csv"),
        Seed(fast.encode(), ".txt"),
        *([Seed(edf, ".edf")] if find_spec("pyedflib") else []),
    ]


def heard(path: Path) -> None:
    """Listen to it, as `animate` does."""
    analysis = analyse(path)
    if not np.isfinite(analysis.prosody.loudness_db).all():
        raise WronglyAcceptedError("a loudness that is no number")


def words(path: Path) -> None:
    """Read it, and get it ready for the aligner."""
    read_transcript(path)


def said(path: Path) -> None:
    """Words as they stand on a command line."""
    read_transcript(path.read_bytes().decode("utf-8", "surrogateescape"))


def mouth(path: Path) -> None:
    """Read cues, and find every sound of theirs."""
    ends = [sound.end_secs for sound in with_sounds(read_cues(path)).sounds]
    if ends != sorted(ends):
        raise WronglyAcceptedError("sounds that are not in order")


def script(path: Path) -> None:
    """Read it, and write it as everything that it can be."""
    lines = read_script(path)
    with tempfile.TemporaryDirectory() as folder:
        for ending in ENDINGS:
            write_script(lines, Path(folder) / f"script{ending}")
        ElementTree.parse(Path(folder) / "script.ssml")
        read_manifest(Path(folder) / "script.csv")


def told(path: Path) -> None:
    """What a speaker printed of its sounds; if they are any, a mouth can play them."""
    for in_ipa in (False, True):
        sounds = phones_in(path, 1.2, in_ipa=in_ipa)
        if sounds:
            MouthCues((), sounds, 1.2)


def aligned(path: Path) -> None:
    """Lay it over the line."""
    analyse(path.with_name("line.wav"), transcript=path)


def clips(path: Path) -> None:
    """Read the folder that it lies in, as `evaluate` does."""
    read_clips(path.parent)


def talkers(path: Path) -> None:
    """Lips of a talker, with sound and phones."""
    phones, sound_there = path.with_name("phones.json"), path.parent / "audio" / "a.wav"
    phones.write_text(json.dumps({"a": SPOKEN_PHONES}))
    sound_there.parent.mkdir()
    sound_there.touch()
    try:
        read_tracked(path.parent, talker="s1", motion=path.name, phones=phones.name)
    finally:
        phones.unlink()
        shutil.rmtree(sound_there.parent)


def live(path: Path) -> None:
    """Perform it while it comes in."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(path.read_bytes()))
    try:
        command(["animate", "--stream", "--emotion", "joy"])
    finally:
        sys.stdin = before


def address(path: Path) -> None:
    """Read it; what it is printed as is the same one."""
    target = parse_target(path.read_bytes().decode("utf-8", "surrogateescape"))
    if replace(parse_target(str(target)), subject=target.subject) != target:
        raise WronglyAcceptedError(f"an address that changes: {target}")


def _clip_phones(folder: Path) -> list[Seed]:
    stock.line(folder)
    return [Seed(json.dumps(SPOKEN_PHONES).encode(), ".phones.json")]


def _clip_lips(folder: Path) -> list[Seed]:
    stock.motion(folder)
    gap = np.linspace(0.0, 0.1, 25)
    path = stock.archived(folder, "lips.npz", {"gap": gap, "width": 0.1 * gap, "jaw": gap, "fps": np.float64(25.0)})
    return [Seed(path.read_bytes(), ".lips.npz"), stock.seed_of(folder / "line.npz")]


def _talker(folder: Path) -> list[Seed]:
    shapes = {"feat": np.linspace(0.0, 0.1, 225).reshape(1, 75, 3), "bs": np.zeros((1, 75, 2))}
    names = {"feat_names": ["gap", "inwidth", "jaw"], "bs_names": ["browDownLeft", "jawOpen"], "clips": ["a"]}
    arrays = shapes | {name: np.array(words) for name, words in names.items()} | {"fps": np.float64(25.0)}
    return [stock.seed_of(stock.archived(folder, "motion_train.npz", arrays))]


def _scripts(_folder: Path) -> list[Seed]:
    return [
        Seed(SCRIPT.encode(), ".fountain"), Seed(SCRIPT.encode("utf-16"), ".txt"), Seed(CUES.encode(), ".srt"),
        Seed(b"JANE: (hurt, then cold) I never said that.\r\n(softly) Oh GREAT, I hate it...\r\n", ".txt"),
    ]  # fmt: skip


def _told(_folder: Path) -> list[Seed]:
    return [
        Seed(b"pau:0.200 ay:0.350 n:0.600 \npau:0.100 eh:0.300 v:0.600 \n", ".phones"),
        Seed("a\u026a:0.1 n:0.2 t\u0283:0.4 \u025c\u02d0:0.8 _:1.2".encode(), ".phones"),
    ]


def _texts(_folder: Path) -> list[Seed]:
    return [
        Seed(NUMBERED.encode(), ".txt"),
        Seed(b"\xef\xbb\xbfThe family of Dashwood", ".txt"),
        Seed(CUES.encode(), ".srt"),
        Seed(CUES.replace("\n", "\r\n").encode(), ".srt"),
        Seed(CAPTIONS.encode(), ".vtt"),
        Seed(STYLED.encode(), ".ass"),
        Seed(FRAMED.encode(), ".sub"),
        Seed(MARKED_UP.encode(), ".ttml"),
        Seed(CUES.encode("utf-16"), ".anything"),
    ]


def _mouths(folder: Path) -> list[Seed]:
    phones = (Phone("M", 0.2, 0.3), Phone("AE", 0.3, 0.4, 1, strength=0.5))
    cues = MouthCues((SpokenWord("map", 0.2, 0.5), SpokenWord("pop", 0.6, 0.9)), phones, 1.0)
    seeds = []
    for name in ("cues.json", "line.TextGrid"):
        write_cues(cues, folder / name)
        seeds.append(stock.seed_of(folder / name))
    return seeds


def _said(_folder: Path) -> list[Seed]:
    return [Seed(NUMBERED.encode(), ".words"), Seed(b"The family of Dashwood", ".words")]


def _over_the_line(folder: Path) -> list[Seed]:
    stock.line(folder)
    return [Seed(stock.SPOKEN.encode(), ".txt")]


def _addresses(_folder: Path) -> list[Seed]:
    known = ("livelink://192.168.1.5:11111/Heroine 2", "osc://[::1]:39539", "osc://127.0.0.1", "livelink", "json")
    return [Seed(text.encode(), ".words") for text in known]


def _pcm(folder: Path) -> list[Seed]:
    return [Seed(stock.line(folder).read_bytes()[44:16_044], ".raw")]


READERS = (
    Reader("wav", "sound", stock.waves, sound, quick=True),
    Reader("compressed-sound", "sound", stock.compressed, sound, quick=True),
    Reader("film", "sound", stock.films, sound, BOXES),
    Reader("listening", "sound", stock.waves, heard),
    Reader("live-sound", "sound", _pcm, live, is_file=False),
    Reader("live-address", "command line", _addresses, address, TEXT, is_file=False, quick=True),
    Reader("transcript", "words", _texts, words, TEXT, quick=True),
    Reader("spoken-words", "words", _said, said, TEXT, is_file=False, quick=True),
    Reader("body", "motion", _bodies, body, TEXT, quick=True),
    Reader("script", "words", _scripts, script, TEXT, quick=True),
    Reader("told-sounds", "words", _told, told, TEXT, quick=True),
    Reader("cues", "words", _mouths, mouth, JSON, quick=True),
    Reader("alignment", "words", _over_the_line, aligned, TEXT, beside=("line.wav",)),
    Reader("clip-phones", "words", _clip_phones, clips, JSON, beside=("line.wav",), name_there="line"),
    Reader("tracked-talker", "motion", _talker, talkers, NPZ),
    Reader("clip-lips", "motion", _clip_lips, clips, NPZ, beside=("line.wav",), name_there="line"),
)
