"""A text is said by whoever speaks here, re-tuned, and performed; speakers that fail say so in a sentence."""

import os
import shutil
import stat
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import face_emote as fe
from face_emote.audio.analyse import analyse
from face_emote.audio.reader import read_speech
from face_emote.core.errors import FaceEmoteWarning, OptionError, SpeakerError
from face_emote.emotion.grammar import describe
from face_emote.formats.motion_file import read_motion
from face_emote.lines import speakers as room
from face_emote.lines.feeling import beneath, felt_in
from face_emote.lines.speakers import Speaker, find_speaker, said, speakers

LINE = "I never said that. Baby, where were you?"
HERE = [one.name for one in speakers() if one.command and not one.file_voice and one.name != "kokoro"]
needs_flite = pytest.mark.skipif("flite" not in HERE, reason="needs flite")
needs_espeak = pytest.mark.skipif("espeak-ng" not in HERE, reason="needs espeak-ng")
needs_vocoder = pytest.mark.skipif(find_spec("pyworld") is None, reason="needs pyworld")


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv(room.CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "said"


def program(tmp_path, text: str) -> Speaker:
    """A speaker that is a script of ours."""
    path = tmp_path / "speaker"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    arguments = ("{text}", "{wav}", "{voice}")
    return Speaker("own", arguments, {"en": "usual"}, licence="ours", install="write it", program=str(path))


@pytest.fixture
def own(tmp_path, monkeypatch):
    def only(text: str) -> None:
        speaker = program(tmp_path, text)
        monkeypatch.setattr(room, "speakers", lambda: (speaker,))

    return only


SPEAKS = """
import sys, wave
with wave.open(sys.argv[2], "wb") as sound:
    sound.setparams((1, 2, 16000, 0, "NONE", ""))
    sound.writeframes(bytes(32000))
"""


@pytest.mark.skipif(not HERE, reason="needs a speaker: face-emote say --list")
@pytest.mark.parametrize("name", HERE)
def test_every_speaker_here_says_the_words(name):
    line = said(LINE, speaker=name)
    speech = read_speech(line.path)
    assert 1.5 < speech.duration_secs < 6.0 and np.abs(speech.samples).max() > 0.05
    heard = analyse(line.path, transcript=LINE)
    assert heard.aligned and [word.text.lower() for word in heard.words][:4] == ["i", "never", "said", "that"]


@needs_flite
@pytest.mark.parametrize("name", ["flite", pytest.param("espeak-ng", marks=needs_espeak)])
def test_sounds_that_a_speaker_tells_lie_where_the_aligner_hears_them(name):
    line = said(LINE, speaker=name)
    told = [one for one in line.phones if one.label != "SIL"]
    heard = [one for one in analyse(line.path, transcript=LINE).phones if one.label != "SIL"]
    assert [one.label for one in told][:8] == ["AY", "N", "EH", "V", "ER", "S", "EH", "D"]
    assert line.phones[-1].end_secs == pytest.approx(read_speech(line.path).duration_secs, abs=1e-3)
    apart = [min(abs(one.start_secs - other.start_secs) for other in heard if other.label == one.label)
             for one in told if one.label in {other.label for other in heard}]  # fmt: skip
    assert len(apart) > 0.8 * len(told) and np.median(apart) < 0.02


@needs_flite
@needs_vocoder
def test_the_mouth_plays_the_sounds_that_were_told_and_nobody_doubts_the_words():
    line = fe.say("Bob, my baby, bumped Mum.", emotion="calm", speaker="flite", fps=50.0)
    assert line.motion.info.speech_secs == pytest.approx(line.speech.duration_secs, abs=0.01)
    assert line.speech.transcript == "Bob, my baby, bumped Mum."
    assert '"label": "B"' in line.motion.info.cues


@needs_flite
@needs_vocoder
def test_say_writes_a_voice_that_feels_what_the_face_feels(run, tmp_path):
    plain, angry = tmp_path / "plain.wav", tmp_path / "angry.wav"
    for emotion, target in (("neutral", plain), ("anger", angry)):
        code, out, err = run("say", LINE, "-e", emotion, "--speaker", "flite", "-o", str(target))
        assert (code, err) == (0, "") and str(target) in out
    pitch = [np.nanmedian(analyse(path).prosody.f0_hz) for path in (plain, angry)]
    assert pitch[1] > 1.1 * pitch[0]


@needs_flite
@needs_vocoder
def test_say_writes_a_motion_that_finds_its_voice(run, tmp_path):
    target = tmp_path / "line.npz"
    code, _, err = run("say", LINE, "-e", "hurt, then cold", "--speaker", "flite", "-o", str(target), "--fps", "10")
    assert (code, err) == (0, "")
    motion = read_motion(target)
    assert motion.info.speech_name == "line.voice.wav" and (tmp_path / "line.voice.wav").is_file()
    assert describe(motion.info.emotion).keys[0].time_secs == 0.0
    assert "cold" in motion.info.emotion


@needs_flite
def test_what_was_said_once_is_not_said_again(kept, monkeypatch):
    first = said(LINE, speaker="flite")
    bytes_then = first.path.read_bytes()
    monkeypatch.setattr(room, "_run", None)
    assert said(LINE, speaker="flite") == first and first.path.read_bytes() == bytes_then
    assert {path.suffix for path in kept.iterdir()} == {".wav", ".phones"}
    with pytest.raises(TypeError):  # Another voice is another sound.
        said(LINE, speaker="flite:rms")


def test_what_was_said_longest_ago_is_forgotten_and_what_a_batch_may_need_is_not(own, kept, monkeypatch):
    own(SPEAKS)
    lines = [said(f"Line {word}.", language="en").path for word in ("one", "two", "three")]
    long_ago = time.time() - 2.0 * room.KEPT_SECS
    for number, path in enumerate(lines):
        os.utime(path, (long_ago + number, long_ago + number))
    monkeypatch.setattr(room, "MOST_KEPT", 2 * lines[0].stat().st_size)
    said("Line one.", language="en")  # It is used again.
    said("Line four.", language="en")
    assert [path.exists() for path in lines] == [True, False, False] and len(list(kept.glob("*.phones"))) == 2
    monkeypatch.setattr(room, "MOST_KEPT", 0)
    said("Line five.", language="en")
    assert len(list(kept.glob("*.wav"))) == 3  # All of today.


@needs_flite
def test_a_damaged_cache_is_said_anew():
    first = said(LINE, speaker="flite")
    whole = first.path.read_bytes()
    first.path.write_bytes(whole[:50])
    assert said(LINE, speaker="flite").path.read_bytes() == whole
    first.path.with_suffix(".phones").unlink()
    assert said(LINE, speaker="flite") == first


def test_the_voice_is_named_and_directions_are_not_said(own):
    own(
        "import sys, pathlib; pathlib.Path(sys.argv[2] + '.seen').write_text(pathlib.Path(sys.argv[1]).read_text())"
        + SPEAKS
    )
    assert said("Hello\0 \u202eyou", speaker="own:x").text == "Hello you"
    assert find_speaker("own:other", "en")[1] == "other" and find_speaker(None, "en")[1] == "usual"


@pytest.mark.parametrize(
    ("script", "story"),
    [
        ("raise SystemExit('no such voice')", "The speaker own failed ('no such voice')"),
        ("import os; os.abort()", "The speaker own failed"),
        ("pass", "The speaker own gave no sound"),
        ("import sys; open(sys.argv[2], 'w').write('nothing')", "The speaker own gave no sound"),
    ],
)
def test_a_speaker_that_fails_is_a_sentence(own, kept, script, story):
    own(script)
    with pytest.raises(SpeakerError) as caught:
        said(LINE)
    assert story in str(caught.value) and "\n" not in str(caught.value)
    assert not list(kept.glob("*"))


def test_a_speaker_that_hangs_is_stopped_with_all_that_it_started(own, monkeypatch, tmp_path):
    monkeypatch.setattr(room, "SECS_TO_START", 5.0)
    monkeypatch.setattr(room, "SECS_A_LETTER", 0.0)
    note = tmp_path / "child"
    script = "import subprocess\nc = subprocess.Popen(['sleep', '60'])\n"
    own(f"{script}open({str(note)!r}, 'w').write(str(c.pid))\nc.wait()")
    started = time.perf_counter()
    with pytest.raises(SpeakerError, match="did not end within 5 s"):
        said(LINE)
    assert time.perf_counter() - started < 30.0
    # A killed process dies when it next gets a turn, and then waits for whoever inherits it.
    state, until = Path(f"/proc/{note.read_text()}/stat"), time.perf_counter() + 10.0
    while runs(state) and time.perf_counter() < until:
        time.sleep(0.05)
    assert not runs(state)


def runs(state):
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds another process")
def test_a_speaker_that_eats_memory_fails(own, monkeypatch):
    monkeypatch.setattr(room, "MOST_MEMORY", 1 << 28)
    own("import time; time.sleep(0.3); held = bytearray(1 << 30)")
    with pytest.raises(SpeakerError, match="failed"):
        said(LINE)


@pytest.mark.parametrize(
    ("text", "speaker", "language", "story"),
    [
        ("", None, None, "There is nothing to say"),
        ("... \0\n", None, None, "There is nothing to say"),
        ("word " * 20_000, None, None, "face-emote read TEXT.txt"),
        ("Hello", "flit", None, "There is no speaker 'flit'; did you mean 'flite'?"),
        ("Hello", "piper:nowhere.onnx", None, "piper"),
        ("Hello", "flite:-o", None, "flite"),
        ("Hello", None, "--help", "is no code of a language"),
        ("\u3053\u3093\u306b\u3061\u306f", None, None, "which language this text is in; name it"),
    ],
)
def test_mistakes_are_sentences(text, speaker, language, story):
    with pytest.raises((OptionError, SpeakerError)) as caught:
        said(text, speaker=speaker, language=language)
    assert story in str(caught.value) and "\n" not in str(caught.value)


@needs_espeak
@pytest.mark.parametrize("text", ["Ich habe das nie gesagt.", "Non l'ho mai detto."])
def test_other_languages_are_told_by_their_words_and_said(text):
    line = said(text, speaker="espeak-ng")
    assert line.language in ("de", "it") and len(line.phones) > 10


@needs_flite
def test_a_language_that_a_speaker_lacks_is_named():
    with pytest.raises(SpeakerError, match="flite does not know 'de'"):
        said("Das habe ich nie gesagt.", speaker="flite")


def test_nobody_here_says_what_to_install(monkeypatch):
    monkeypatch.setattr(Speaker, "command", property(lambda self: None))
    with pytest.raises(SpeakerError, match=r"Nobody here can say a text in 'en'; pip install 'face-emote\[say\]'"):
        said("Hello.")


def test_the_table_names_a_licence_and_a_way_to_get_each_speaker(run):
    code, out, _ = run("say", "--list")
    assert code == 0 and all(one.name in out and one.licence in out and one.install for one in speakers())
    assert "GPL" not in speakers()[0].licence  # The usual one binds nobody who sells what it says.


def test_say_needs_no_transcript(run, tmp_path):
    code, _, err = run("say", "Hello.", "-t", "Hello.", "-o", str(tmp_path / "out.wav"))
    assert code == 2 and "--transcript is for recordings" in err


@needs_flite
def test_without_a_vocoder_the_voice_stays_and_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("face_emote.verbs.say.find_spec", lambda name: None)
    with pytest.warns(FaceEmoteWarning, match=r"face-emote\[voice\]"):
        line = fe.say("Hello.", emotion="joy", speaker="flite", fps=10.0)
    assert np.abs(line.speech.samples).max() > 0.05


def test_what_is_hidden_is_hidden_under_each_feeling_in_turn():
    hidden = describe(beneath("joy, then calm", "fear"))
    assert len(hidden.turns) == 2 and all(key.emotion.covert[4] > 0.0 for key in hidden.keys)


@needs_flite
@pytest.mark.parametrize("text", ["x y z 7 8 9 1/2 \u20ac 5.30", "A", "a a a a a a a a a a a a"])
def test_what_cannot_be_found_in_the_sound_is_heard_from_it(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        line = fe.say(text, emotion="joy, then fear", speaker="flite", language="en", fps=10.0)
    assert line.motion.num_frames > 2 and line.motion.expression.any()


def test_words_say_what_is_felt_and_irony_hides_it():
    assert felt_in("I hate you!").emotion == "anger" and felt_in("I'm so happy to see you!").emotion == "joy"
    ironic = felt_in("Oh great, another meeting.")
    assert ironic.emotion == "joy" and ironic.hidden == "anger"
    assert describe(ironic.words).keys[0].emotion.covert.max() > 0.0
    assert felt_in("xyzzy").emotion == "neutral"


def test_the_cache_is_the_users_where_nothing_else_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv(room.CACHE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert room.cache_folder() == tmp_path / "face_emote" / "said"
    assert shutil.which("sh") is None or os.access(tmp_path, os.W_OK)


TALKS_LIKE = """
import os, sys, wave
given = sys.argv[1:]
if {mac}:
    path, text = given[given.index("-o") + 1], open(given[given.index("-f") + 1]).read()
    assert given[given.index("-v") + 1] == "Anna" and "--data-format=LEI16@22050" in given
else:
    path, text = os.environ["SAY_WAV"], open(os.environ["SAY_TEXT"]).read()
    assert given[:3] == ["-NoProfile", "-NonInteractive", "-Command"] and os.environ["SAY_VOICE"] == "de"
    assert "SetOutputToWaveFile($env:SAY_WAV)" in given[3] and "$env:SAY_TEXT" in given[3] and "Dispose()" in given[3]
assert text == "Das habe ich nie gesagt.\\n"
with wave.open(path, "wb") as sound:
    sound.setparams((1, 2, 22050, 0, "NONE", ""))
    sound.writeframes(bytes(44100))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="stands in for other systems")
@pytest.mark.parametrize(("system", "name", "file"), [("darwin", "say", "say"), ("win32", "windows", "powershell.EXE")])
def test_speakers_of_other_systems_are_called_as_their_manuals_say(tmp_path, monkeypatch, system, name, file):
    program(tmp_path, TALKS_LIKE.replace("{mac}", str(system == "darwin")))
    (tmp_path / "speaker").rename(tmp_path / file)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PATHEXT", ".EXE")
    monkeypatch.setattr(sys, "platform", system)
    line = said("Das habe ich nie gesagt.", speaker=name, language="de")
    assert read_speech(line.path).duration_secs == pytest.approx(1.0)
