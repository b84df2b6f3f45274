"""The whole analysis: any source, any length, progress, prosody in step with the phones."""

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.audio.reader import read_speech
from face_emote.core.errors import AudioError
from face_emote.core.types import Speech

EXAMPLE = example_speech()[1]


def write_wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767.0).astype("<i2").tobytes())
    return path


def test_a_file_and_its_samples_are_heard_alike():
    from_file, from_memory = analyse(EXAMPLE.path), analyse(read_speech(EXAMPLE.path))
    assert from_file.phones == from_memory.phones and from_file.pauses == from_memory.pauses
    np.testing.assert_array_equal(from_file.prosody.f0_hz, from_memory.prosody.f0_hz)
    assert from_file.duration_secs == from_memory.duration_secs == read_speech(EXAMPLE.path).duration_secs


def test_prosody_covers_the_speech():
    analysis = analyse(EXAMPLE.path)
    prosody = analysis.prosody
    assert len(prosody.f0_hz) == np.ceil(analysis.duration_secs * 100)
    assert np.nanmedian(prosody.f0_hz) == pytest.approx(85.0, abs=20.0)  # a deep voice
    assert ((prosody.speaking >= 0.0) & (prosody.speaking <= 1.0)).all()
    assert (np.isfinite(prosody.f0_hz) == (prosody.voiced > 0.0)).all()


def test_the_rate_of_the_speech_does_not_matter():
    x = read_speech(EXAMPLE.path).samples
    slow = analyse(Speech(x[::2].copy(), sample_rate=8_000))  # all that lies below 4 kHz, aliased but a test of time
    assert slow.duration_secs == pytest.approx(2.99, abs=1e-3)
    assert slow.phones[-1].end_secs == slow.duration_secs


def test_pauses_are_silences_and_closures_are_none():
    analysis = analyse(EXAMPLE.path)
    silences = [(p.start_secs, p.end_secs) for p in analysis.phones if p.label == "SIL"]
    assert analysis.pauses
    assert all((p.start_secs, p.end_secs) in silences for p in analysis.pauses)


def test_progress_rises_to_the_whole():
    seen: list[tuple[float, float]] = []
    x = np.tile(read_speech(EXAMPLE.path).samples, 10)
    analyse(Speech(x), progress=lambda done, total: seen.append((done, total)))
    done = [d for d, _ in seen]
    assert len(done) > 4 and done == sorted(done) and seen[-1][0] == pytest.approx(seen[-1][1])
    assert {round(total, 6) for _, total in seen} == {round(len(x) / 16_000, 6)}


@pytest.mark.parametrize("num_samples", [1, 80, 161, 1_600])
def test_the_shortest_sounds_are_analysed(num_samples: int):
    for samples in (np.zeros(num_samples), np.random.default_rng(0).uniform(-0.5, 0.5, num_samples)):
        analysis = analyse(Speech(samples.astype(np.float32)))
        assert analysis.phones[0].start_secs == 0.0 and analysis.phones[-1].end_secs == num_samples / 16_000


def test_samples_that_are_not_numbers_are_refused():
    with pytest.raises(AudioError, match="not numbers"):
        analyse(Speech(np.array([0.0, np.nan], np.float32)))
    with pytest.raises(AudioError, match="no samples"):
        analyse(Speech(np.zeros(0, np.float32)))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads the peak memory from Linux's /proc")
def test_an_hour_takes_little_more_memory_than_a_minute(tmp_path: Path):
    """Log-mels and timbre of the one pass are kept for whoever listens next: 44 MB an hour."""
    x = read_speech(example_speech()[0].path).samples
    peaks = []
    for minutes in (1, 60):
        path = write_wav(tmp_path / f"{minutes}.wav", np.tile(x, round(minutes * 60 / 7.1)))
        code = (
            "import re, sys; from pathlib import Path; from face_emote.audio.analyse import analyse;"
            "analyse(Path(sys.argv[1]));"
            "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
        )
        peaks.append(int(subprocess.check_output([sys.executable, "-c", code, str(path)])))
    assert peaks[1] < peaks[0] + 95_000  # kilobytes
