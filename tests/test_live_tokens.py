"""Tokens of a voice that is still speaking, from one machine to another."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from batch_lines import environment

from face_emote.audio.reader import read_speech
from face_emote.cli.main import main
from face_emote.core.assets import ASSETS
from face_emote.core.types import Speech
from face_emote.formats.motion_file import read_motion
from face_emote.perception.live_tokens import LiveTokens, PackedFrames
from face_emote.perception.tokens import codebooks, plan_of_tokens, read_tokens, tokens_from, tokens_of
from face_emote.verbs.perceive import perceived, stream_tokens

EMODB = Path(__file__).parent.parent.parent / "shared" / "data" / "emodb" / "wav16"
LINE = ASSETS / "speech" / "dashwood_1.wav"


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return read_speech(LINE).samples


def streamed(samples: np.ndarray, cut: int) -> bytes:
    return b"".join(stream_tokens(samples[i : i + cut] for i in range(0, len(samples), cut)))


@pytest.fixture(scope="module")
def stream(samples: np.ndarray) -> bytes:
    return streamed(samples, len(samples))


@pytest.mark.parametrize("cut", [777, 4000])
def test_tokens_do_not_depend_on_how_the_sound_comes(samples, stream, cut):
    assert streamed(samples, cut) == stream


def test_a_stream_has_a_frame_every_eighty_milliseconds_and_reads_as_a_file(samples, stream, tmp_path):
    tokens = tokens_from(stream, name="here")
    assert len(tokens.feeling) == int(np.ceil(len(samples) / 16000 * 12.5))
    (tmp_path / "kept.tokens").write_bytes(stream)
    kept = read_tokens(tmp_path / "kept.tokens")
    assert np.array_equal(kept.feeling, tokens.feeling) and np.array_equal(kept.manner, tokens.manner)


def test_frames_come_within_the_delay_that_is_stated(samples):
    from face_emote.motion.live.ears import SpeechDetector
    from face_emote.perception.live_tokens import DELAY_SECS

    tokens, detector, made, late = LiveTokens(), SpeechDetector(), 0, []
    for first in range(0, len(samples), 800):
        piece = samples[first : first + 800]
        made += len(tokens.push(piece, detector.push(piece)))
        late.append((first + 800) / 16000 - made / 12.5)
    assert max(late[round(3.0 * 20) :]) <= DELAY_SECS


def test_odd_frames_are_packed_as_in_a_file():
    words = np.arange(5) * 700
    packed = PackedFrames()
    content = packed.push(words[:3]) + packed.push(words[3:]) + packed.finish()
    bits = np.unpackbits(np.frombuffer(content, np.uint8))[:60].reshape(5, 12)
    assert len(content) == 8 and np.array_equal(bits @ (1 << np.arange(11, -1, -1)), words)


@pytest.mark.skipif(not EMODB.is_dir(), reason="needs ../shared/data/emodb (acted emotional speech)")
def test_a_stream_feels_what_the_recording_feels():
    clips = [read_speech(sorted(EMODB.glob(f"*{letter}?.flac"))[0]).samples for letter in "WTF"]
    felt = {"live": [], "file": []}
    for clip in clips:
        sound = np.concatenate([clip, clip, clip])
        found = perceived(Speech(sound))
        assert found.analysis is not None
        whole, live = tokens_of(found.reading, found.analysis.prosody), tokens_from(streamed(sound, 4000), name="live")
        for name, tokens in (("file", whole), ("live", live)):
            felt[name].append(codebooks()[0][tokens.feeling[: len(whole.feeling)]])
        assert felt["file"][-1][:, :8].mean(axis=0).argmax() == felt["live"][-1][:, :8].mean(axis=0).argmax()
    live, file = (np.concatenate(felt[name]) for name in ("live", "file"))
    for column in (8, 9):
        # The recording knows the whole line, the stream only what lies behind.
        assert np.corrcoef(live[:, column], file[:, column])[0, 1] > 0.75


def test_another_machines_stream_plays_as_the_file_that_it_makes(samples, stream, tmp_path):
    (tmp_path / "line.tokens").write_bytes(stream)
    sent = subprocess.run(
        [sys.executable, "-m", "face_emote", "perceive", "--stream", "-o", "-"],
        input=(np.round(samples * 32768.0).clip(-32768, 32767)).astype("<i2").tobytes(),
        capture_output=True, env=environment(), timeout=300, check=True,
    ).stdout  # fmt: skip
    assert sent == stream
    command = [sys.executable, "-m", "face_emote", "animate", str(LINE), "--fps", "12", "--animator", "rules"]
    subprocess.run(
        [*command, "--tokens", "-", "-o", str(tmp_path / "piped.npz")],
        input=sent, capture_output=True, env=environment(), timeout=300, check=True,
    )  # fmt: skip
    assert main([*command[3:], "--tokens", str(tmp_path / "line.tokens"), "-o", str(tmp_path / "read.npz")]) == 0
    piped, read = (read_motion(tmp_path / f"{name}.npz") for name in ("piped", "read"))
    assert np.array_equal(piped.expression, read.expression) and piped.info.emotion == read.info.emotion
    assert piped.info.emotion == plan_of_tokens(tokens_from(stream, name="stream")).text


@pytest.mark.parametrize(
    "words, said",
    [
        (["perceive", "--stream", str(LINE), "-o", "-"], "leave out INPUT"),
        (["perceive", "--stream", "-o", "x.json"], ".tokens"),
        (["animate", "--stream", "--tokens", "-"], "both read stdin"),
    ],
)
def test_what_cannot_be_streamed_is_told(words, said, capsys):
    assert main(words) == 2
    assert said in capsys.readouterr().err
