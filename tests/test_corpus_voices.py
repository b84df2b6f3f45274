"""Synthetic and emotional voices: phones lie where the sound is."""

from pathlib import Path
from shutil import which

import numpy as np
import pytest

from face_emote.audio.features import prosody_of
from face_emote.audio.logmel import log_mels
from face_emote.audio.reader import read_speech
from face_emote.core.errors import CorpusError, DependencyError
from face_emote.core.names import PHONES
from face_emote_lab.train.corpus.cache import ClipData, Job
from tools.train_network.derived import FEELINGS, emotional_jobs, with_feeling
from tools.train_network.espeak_voice import EspeakStyle, espeak_process, speak
from tools.train_network.labels import FLITE, IPA_VOWELS, JAPANESE, flite_sound, ipa_sounds, japanese_sound
from tools.train_network.synthetic import (
    LANGUAGES,
    espeak_jobs,
    flite,
    flite_jobs,
    jtalk_jobs,
    read_pieces,
    resized,
    sentence,
    trace_rows,
)
from tools.train_network.voices import emodb_jobs, librispeech_jobs, vctk_jobs

DATA = Path(__file__).parents[2] / "shared" / "data"
SPEECH = Path(__file__).parents[1] / "assets" / "speech"
needs_data = pytest.mark.skipif(not (DATA / "librispeech").is_dir(), reason="real voices are not here (../shared/data)")
needs_flite = pytest.mark.skipif(which("flite") is None, reason="needs flite")
STOPS, LOUD = ("P", "T", "K"), ("AA", "AE", "EH", "AY", "IY", "AO")


def levels_by_group(clip: ClipData) -> dict[str, float]:
    """Median level in dB of frames of each group against the loudest twentieth."""
    level = 4.34 * np.log(np.exp(np.concatenate(list(log_mels([clip.samples])))).mean(axis=1))[::2]
    level = level[: len(clip.phones)] - np.percentile(level, 95)
    groups = {"stop": STOPS, "vowel": LOUD, "silence": ("SIL",)}
    inner = np.convolve(np.diff(clip.phones.astype(int), prepend=0, append=0) != 0, [1, 1])[1:-1] == 0
    out = {}
    for name, labels in groups.items():
        frames = np.isin(clip.phones, [PHONES.index(label) for label in labels])
        frames &= inner | (name == "stop")
        out[name] = float(np.median(level[frames])) if frames.any() else np.nan
    return out


def require_right_times(clips: list[ClipData]) -> None:
    levels = [levels_by_group(clip) for clip in clips]
    mean = {name: float(np.nanmean([row[name] for row in levels])) for name in levels[0]}
    assert mean["vowel"] > -10.0 and mean["stop"] < mean["vowel"] - 10.0 and mean["silence"] < mean["vowel"] - 25.0


@needs_flite
def test_flite_phones_lie_where_the_sound_is(tmp_path):
    jobs = flite_jobs(tmp_path, hours=0.02)
    clips = [job.make() for job in jobs[:3]]
    require_right_times(clips)
    assert {job.talker for job in jobs[:3]} == {"flite_slt", "flite_awb", "flite_kal16"}
    assert jobs[6].split == "test"
    assert np.array_equal(jobs[1].make().samples, clips[1].samples)


@needs_flite
def test_another_throat_moves_the_phones_with_the_sound():
    plain = flite("a bad map", voice="slt", stretch=1.0)
    large = resized(plain, size=1.14)
    assert len(large.samples) / len(plain.samples) == pytest.approx(1.14, rel=0.005)
    assert large.rows[-1][2] / plain.rows[-1][2] == pytest.approx(len(large.samples) / len(plain.samples), rel=1e-4)
    assert [row[0] for row in plain.rows] == ["SIL", "AH", "B", "AE", "D", "M", "AE", "P", "SIL"]


@pytest.mark.skipif(which("espeak-ng") is None, reason="needs espeak-ng")
def test_espeak_phones_lie_where_the_sound_is_in_every_language(tmp_path):
    with espeak_process() as process:
        jobs = espeak_jobs(tmp_path, hours=0.05, process=process)[:11]
        clips = [job.make() for job in jobs]
        require_right_times(clips)
        assert {job.language for job in jobs} == set(LANGUAGES) - {"ja"}
        assert {job.split for job in jobs if job.language == "it"} == {"test"}
        for clip in clips:
            assert 0.05 < np.isin(clip.phones, [PHONES.index(name) for name in set(IPA_VOWELS.values())]).mean() < 0.9
        with pytest.raises(CorpusError, match="no voice"):
            speak("hello", style=EspeakStyle("klingonese"), process=process)


@needs_data
@pytest.mark.skipif(which("open_jtalk") is None, reason="needs open_jtalk")
def test_jtalk_phones_lie_where_the_sound_is():
    jobs = jtalk_jobs(DATA, hours=0.05)[:2]
    require_right_times([job.make() for job in jobs])
    assert [job.emotion for job in jobs] == ["neutral", "anger"]


def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DependencyError, match="flite: install the package flite"):
        flite("hello", voice="slt", stretch=1.0)


@pytest.mark.parametrize("trace", ["", "[Output label]\n\nnothing", "[Output label]\nx y z\n", "0 100 a-b+c"])
def test_traces_without_labels_are_told(trace):
    with pytest.raises(CorpusError, match="no labels"):
        trace_rows(trace)


def test_traces_are_read_and_closures_take_the_next_sound():
    lines = [
        "0 1000000 xx^xx-sil+k=a/A",
        "1000000 2000000 x^sil-cl+p=a",
        "2000000 3000000 sil^cl-py+a=x",
        "3 4 a^b-zz+c=d",
    ]
    rows = trace_rows("[Output label]\n" + "\n".join(lines) + "\n\n[Global parameter]\n5 6 a-k+b\n")
    assert [row[0] for row in rows] == ["SIL", "P", "P", "SIL"] and rows[1][1:] == pytest.approx((0.1, 0.2))


def test_sounds_of_every_alphabet_get_a_known_name():
    assert ipa_sounds("aɪ") == ["AY"] and ipa_sounds("ˈɜː") == ["ER"] and ipa_sounds("ɜ") == ["AH"]
    assert ipa_sounds("ɐ̃ʊ̃") == ["AW"] and ipa_sounds("tʃʲ") == ["CH"] and ipa_sounds("ʊɹ") == ["UH", "R"]
    assert ipa_sounds("ç") == ["HH"] and ipa_sounds("ts") == ["T", "S"] and ipa_sounds("") == ipa_sounds("?") == []
    assert japanese_sound("U", after="s") == "UH" and japanese_sound("N", after=None) == "N"
    assert japanese_sound("cl", after="cl") is None and flite_sound("ax") == "AH" and flite_sound("dh") == "DH"
    assert {*IPA_VOWELS.values(), *JAPANESE.values(), *FLITE.values()} <= set(PHONES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_vary_and_are_steady(language):
    rng = np.random.default_rng(3)
    said = [sentence(language, rng=rng) for _ in range(200)]
    assert len(set(said)) > 150 and min(map(len, said)) >= 2 and not any("|" in text for text in said)
    again = np.random.default_rng(3)
    assert said[:5] == [sentence(language, rng=again) for _ in range(5)]


def test_transcripts_are_cut_into_pieces(tmp_path):
    path = tmp_path / "t.json"
    assert read_pieces(path) == []
    path.write_text('{"b": "ONE TWO THREE FOUR FIVE SIX", "a": "TOO SHORT"}')
    assert all(5 <= len(piece.split()) <= 13 for piece in read_pieces(path)) and read_pieces(path)
    path.write_text("[1]")
    with pytest.raises(CorpusError, match="not transcripts"):
        read_pieces(path)


def spoken_clip(split: str = "train") -> Job:
    samples = read_speech(SPEECH / "dashwood_1.wav").samples[:48_000]

    def make() -> ClipData:
        rng = np.random.default_rng(0)
        known, phones = np.ones((150, 9), np.uint8), np.zeros(150, np.uint8)
        return ClipData(samples=samples, lips=rng.random((150, 9)), known=known, phones=phones)

    return Job(name=f"a_{split}", talker="t", language="en", kind="voice", split=split, audio="a.wav", make=make)


def test_feelings_change_the_voice_and_keep_the_timing():
    pytest.importorskip("pyworld", reason="emotional voices need pyworld: pip install pyworld 'setuptools<81'")
    plain = spoken_clip().make()
    before = prosody_of([plain.samples])
    pitches = {}
    for emotion in ("anger", "sadness"):
        sound = with_feeling(plain.samples, change=FEELINGS[emotion], rng=np.random.default_rng(0))
        after = prosody_of([sound])
        assert len(sound) == len(plain.samples) and np.abs(sound).max() <= 1.0
        loud = np.maximum(before.loudness_db, -50.0), np.maximum(after.loudness_db, -50.0)
        fits = [np.corrcoef(loud[0][5:-5], np.roll(loud[1], shift)[5:-5])[0, 1] for shift in range(-4, 5)]
        assert np.argmax(fits) == 4 and max(fits) > 0.9
        pitches[emotion] = np.nanmedian(after.f0_hz) / np.nanmedian(before.f0_hz)
    assert pitches["anger"] > 1.1 and 0.8 < pitches["sadness"] < 1.0
    job = emotional_jobs([([spoken_clip(), spoken_clip("test")], 3.0)])
    assert [item.name for item in job] == ["a_train_anger"]
    assert (job[0].emotion, job[0].audio, job[0].talker) == ("anger", "", "t")
    assert np.array_equal(job[0].make().lips, plain.lips)


@needs_data
def test_real_voices_are_split_by_talker():
    for jobs, held in ((librispeech_jobs(DATA), 26), (vctk_jobs(DATA), 1), (emodb_jobs(DATA), 2)):
        sides = {}
        for job in jobs:
            talker = job.name[:2] if held == 2 else job.name.replace("_", "-").split("-")[0]
            sides.setdefault(talker, set()).add(job.split)
        assert all(len(side) == 1 for side in sides.values())
        assert sum(side == {"test"} for side in sides.values()) == held
    job = emodb_jobs(DATA)[0]
    clip = job.make()
    assert job.language == "de" and job.emotion == "joy" and clip.known.all()
    assert (clip.phones != 255).mean() > 0.9
