"""Forced alignment on real speech: words in order, phones gapless, memory flat, misfits refused."""

import itertools
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from face_emote.audio.alignment import AlignedWord, align
from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.audio.features import features_of
from face_emote.audio.reader import read_speech
from face_emote.audio.spoken_words import words_of
from face_emote.audio.transcripts import parse_transcript
from face_emote.core.errors import AlignmentError
from face_emote.core.names import BILABIALS, PHONES
from face_emote.core.types import Phone, Speech, SpeechAnalysis

SPEECH = {speech.name: speech for speech in example_speech()}


@cache
def aligned(name: str) -> tuple[AlignedWord, ...]:
    return laid([read_speech(SPEECH[name].path).samples], SPEECH[name].transcript)


def laid(blocks: list[np.ndarray], text: str) -> tuple[AlignedWord, ...]:
    features = features_of(blocks)
    duration_secs = sum(len(block) for block in blocks) / 16_000
    cues = parse_transcript(text).cues
    return align(features.mels, cues, speaking=features.prosody.speaking, duration_secs=duration_secs).words


@cache
def analysed(name: str) -> SpeechAnalysis:
    return analyse(SPEECH[name].path, transcript=SPEECH[name].transcript)


@cache
def joined(times: int) -> tuple[np.ndarray, str, list[tuple[float, float, tuple[str, ...]]]]:
    """The five sentences over and over: samples, text, and where each sentence lies."""
    parts, text, places, now = [], [], [], 0.0
    for speech in list(SPEECH.values()) * times:
        samples = read_speech(speech.path).samples
        parts.append(samples)
        text.append(speech.transcript)
        places.append((now, now + len(samples) / 16_000, words_of(speech.transcript)))
        now += len(samples) / 16_000
    return np.concatenate(parts), " ".join(text), places


def assert_gapless(phones: tuple[Phone, ...], duration_secs: float) -> None:
    assert phones[0].start_secs == 0.0 and phones[-1].end_secs == duration_secs
    assert all(a.end_secs == b.start_secs for a, b in itertools.pairwise(phones))
    assert all(phone.label in PHONES and phone.end_secs > phone.start_secs for phone in phones)


def test_five_examples_come_with_their_words():
    assert list(SPEECH) == [f"dashwood_{i}" for i in range(1, 6)]
    assert all(speech.path.is_file() and speech.transcript for speech in SPEECH.values())


@pytest.mark.parametrize("name", SPEECH)
def test_words_are_found_in_order_and_phones_have_no_gaps(name: str):
    words = aligned(name)
    assert tuple(word.text for word in words if word.text) == words_of(SPEECH[name].transcript)
    phones = tuple(phone for word in words for phone in word.phones)
    assert_gapless(phones, words[-1].end_secs)
    assert all((word.text == "") == (word.phones[0].label == "SIL") for word in words)


@pytest.mark.parametrize("name", SPEECH)
def test_an_analysis_is_gapless_and_starts_and_ends_in_silence(name: str):
    analysis = analysed(name)
    assert analysis.aligned
    assert_gapless(analysis.phones, analysis.duration_secs)
    assert analysis.phones[0].label == analysis.phones[-1].label == "SIL"
    assert all(phone.confidence == 1.0 for phone in analysis.phones)
    assert analysis.pauses[0].start_secs == 0.0 and analysis.pauses[-1].end_secs == analysis.duration_secs


def test_every_written_bilabial_is_found():
    """`amiable woman ... might have been made more`: as many as the words hold, each 20 to 200 ms long."""
    found = [phone for phone in analysed("dashwood_4").phones if phone.label in BILABIALS]
    assert [phone.label for phone in found] == list("MMMBMMBMMPB")
    assert all(0.02 < phone.end_secs - phone.start_secs < 0.2 for phone in found)


def test_plosive_bursts_lie_in_the_plosives():
    """The steepest rise of the level about each aligned P, T or K lies between its start and 30 ms after its end."""
    near = 0
    for name in SPEECH:
        samples = read_speech(SPEECH[name].path).samples
        level = np.log(np.convolve(samples**2, np.ones(80) / 80, mode="same")[::80] + 1e-9)  # every 5 ms
        stops = [phone for phone in analysed(name).phones[1:-1] if phone.label in ("P", "T", "K")]
        for phone in stops:
            first, stop = int((phone.start_secs - 0.05) * 200), int((phone.end_secs + 0.05) * 200)
            burst = (first + 1 + np.diff(level[first:stop], n=1).argmax()) / 200
            near += (phone.start_secs - 0.01 < burst < phone.end_secs + 0.03) / len(stops) / len(SPEECH)
    assert near > 0.75


def test_each_stressed_word_has_one_primary_stress():
    for word in aligned("dashwood_1"):
        assert sum(phone.stress == 1 for phone in word.phones) <= 1
    stressed = {w.text: [p.label for p in w.phones if p.stress == 1] for w in aligned("dashwood_1") if w.text}
    assert stressed["consider"] == ["IH"] and stressed["john"] == ["AA"] and stressed["and"] == []


def test_long_speech_is_walked_through_and_every_sentence_stays_in_its_place():
    samples, text, places = joined(2)
    words = [word for word in laid(np.array_split(samples, 9), text) if word.text]
    assert tuple(w.text for w in words) == tuple(word for _, _, part in places for word in part)
    for start, end, part in places:
        own, words = words[: len(part)], words[len(part) :]
        assert own[0].start_secs > start - 0.05 and own[-1].end_secs < end + 0.05


def test_a_long_silence_in_the_middle_is_passed_over():
    first, second = (read_speech(SPEECH[f"dashwood_{i}"].path).samples for i in (2, 5))
    hiss = np.random.default_rng(0).normal(0.0, 3e-4, 45 * 16_000).astype(np.float32)
    samples = np.concatenate([first, hiss, second])
    text = f"{SPEECH['dashwood_2'].transcript} {SPEECH['dashwood_5'].transcript}"
    words = [word for word in laid([samples], text) if word.text]
    split = len(words_of(SPEECH["dashwood_2"].transcript))
    assert words[split - 1].end_secs < 3.0 and words[split].start_secs > 47.9


def test_subtitles_are_aligned_within_their_times():
    samples, _, places = joined(1)
    srt = "\n\n".join(
        f"{i}\n{stamp(start)} --> {stamp(end)}\n{' '.join(part)}" for i, (start, end, part) in enumerate(places)
    )
    analysis = analyse(Speech(samples), transcript=srt)
    exact = analyse(Speech(samples), transcript=" ".join(word for *_, part in places for word in part))
    assert_gapless(analysis.phones, analysis.duration_secs)
    spoken, truth = ([p for p in a.phones if p.label != "SIL"] for a in (analysis, exact))
    assert len(spoken) == pytest.approx(len(truth), rel=0.02)
    middles = np.array([p.centre_secs for p in spoken if p.label in BILABIALS])
    expected = np.array([p.centre_secs for p in truth if p.label in BILABIALS])
    assert np.median(np.abs(middles[:, None] - expected).min(axis=1)) < 0.011


def stamp(secs: float) -> str:
    return f"00:{int(secs // 60):02d}:{int(secs % 60):02d},{round(secs % 1 * 1000):03d}"


def test_names_that_no_dictionary_knows_are_aligned():
    spelt = SPEECH["dashwood_1"].transcript.replace("Dashwood", "Dashwoode")
    analysis = analyse(SPEECH["dashwood_1"].path, transcript=spelt)
    assert len(analysis.phones) == pytest.approx(len(analysed("dashwood_1").phones), abs=3)


@pytest.mark.parametrize(
    ("name", "transcript", "says"),
    [
        ("dashwood_1", "Hello there my friend, how are you today?", "does not fit the speech"),
        ("dashwood_4", "yes", "does not fit the speech"),
        ("dashwood_5", "The quick brown fox jumps over the lazy dog and then sleeps in the sun", "not fit the speech"),
        ("dashwood_2", "and so on and on " * 40, "more words"),
        ("dashwood_2", "...", "no words"),
        ("dashwood_2", "1\n00:01:00,000 --> 00:01:02,000\nHello\n", "speech ends at 3.0 s"),
    ],
)
def test_a_transcript_of_something_else_is_refused(name: str, transcript: str, says: str):
    with pytest.raises(AlignmentError, match=says):
        analyse(SPEECH[name].path, transcript=transcript)


def test_silence_is_said_and_its_transcript_is_not_used():
    analysis = analyse(Speech(np.zeros(32_000, np.float32)), transcript="hello")
    assert not analysis.has_speech and not analysis.aligned
    (remark,) = analysis.remarks
    assert "No speech was found" in remark and "transcript is not used" in remark


def test_the_same_speech_gives_the_same_phones_again():
    assert analyse(SPEECH["dashwood_3"].path, transcript=SPEECH["dashwood_3"].transcript).phones == (
        analysed("dashwood_3").phones
    )


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads the peak memory from Linux's /proc")
def test_ten_minutes_take_no_more_memory_than_one(tmp_path: Path):
    """Peak memory of whole processes."""
    script = tmp_path / "peak.py"
    script.write_text(
        "import re, sys\nfrom pathlib import Path\nimport numpy as np\nfrom test_alignment import joined\n"
        "from face_emote.audio.alignment import align\nfrom face_emote.audio.logmel import log_mels\n"
        "from face_emote.audio.transcripts import parse_transcript\n"
        "samples, text, _ = joined(1)\ntimes = int(sys.argv[1])\n"
        "blocks = (samples for _ in range(times))\n"
        "cues = parse_transcript(' '.join([text] * times)).cues\n"
        "secs = times * len(samples) / 16_000\nspeaking = np.ones(int(100 * secs) + 1, np.float32)\n"
        "align(log_mels(blocks), cues, speaking=speaking, duration_secs=secs)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
    )
    here = {"PYTHONPATH": str(Path(__file__).parent)}
    peaks = [
        int(subprocess.check_output([sys.executable, str(script), times], env={**os.environ, **here}))
        for times in ("3", "24")
    ]
    assert peaks[1] < peaks[0] + 60_000  # kilobytes
