"""A recording re-tuned: what changes, what stays, and that any cut of it gives the same voice."""

import tracemalloc
import wave
from dataclasses import replace

import numpy as np
import pytest

import face_emote as fe
from face_emote.audio.analyse import analyse
from face_emote.audio.features import prosody_of
from face_emote.cli.main import main
from face_emote.core.assets import ASSETS
from face_emote.core.errors import AudioError, FaceEmoteWarning, OptionError
from face_emote.core.names import EMOTIONS
from face_emote.core.types import Speech
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import track
from face_emote.voice import manners
from face_emote.voice.manners import CURVES, SCALARS, manner_of, manner_table
from face_emote.voice.tuning import band_shapes, levels_of, phrase_places, pitched

pytest.importorskip("pyworld", reason="a voice is re-tuned with pyworld: pip install 'face-emote[voice]'")

from face_emote.verbs.voice import retune, write_retuned
from face_emote.voice.grains import laid_again
from face_emote.voice.retuned import CEILING, _held_down, _windows
from face_emote.voice.vocoder import FRAME_HZ, pitch_of, taken_apart

LINE = ASSETS / "speech" / "dashwood_1.wav"
RATE = 16_000


def said(words, *, intensity=1.0, frames=3):
    return manner_of(track(describe(words), times=np.linspace(0.0, 1.0, frames), fps=200.0))


def median_semitones(speech):
    pitch = pitch_of(speech.samples, speech.sample_rate)
    return float(np.median(12.0 * np.log2(pitch[pitch > 0.0])))


@pytest.fixture(scope="module")
def line():
    return fe.read_speech(LINE)


def test_every_emotion_has_a_row_of_finite_numbers():
    table, arousal = manner_table()
    assert table.shape == (len(EMOTIONS), len(SCALARS) + len(CURVES) * manners.BANDS)
    assert np.isfinite(table).all() and np.isfinite(arousal).all()
    assert not table[0].any(), "neutral changes nothing"


def test_what_acted_voices_do_is_in_the_table():
    """Scherer 2003: pitch rises with joy, fear and anger and falls with sadness; anger is bright."""
    table, arousal = manner_table()
    pitch, tone = SCALARS.index("pitch"), slice(len(SCALARS), len(SCALARS) + manners.BANDS)
    rows = dict(zip(EMOTIONS, table, strict=True))
    assert min(rows[name][pitch] for name in ("joy", "fear", "anger")) > 2.0
    assert rows["sadness"][pitch] < rows["joy"][pitch] - 2.0
    bright = {name: row[tone][12:].mean() - row[tone][:4].mean() for name, row in rows.items()}
    assert bright["anger"] > 2.0 > 0.0 > bright["sadness"]
    assert arousal[0][pitch] > 0.0 > arousal[1][pitch]


def test_half_a_feeling_is_half_of_each_change():
    whole, half = said("anger"), said("anger:0.5")
    np.testing.assert_allclose(half.scalars, 0.5 * whole.scalars, atol=1e-5)
    np.testing.assert_allclose(half.curves, 0.5 * whole.curves, atol=1e-4)


def test_calm_anger_has_less_arousal_in_the_voice_than_anger():
    calm, plain = said("calm anger"), said("anger")
    assert calm.of("pitch")[0] < 0.7 * plain.of("pitch")[0]


def test_a_hidden_fear_trembles_more_than_it_raises_the_pitch():
    hidden, open_ = said("fear hidden under joy"), said("joy")
    assert (hidden.of("tremor") > open_.of("tremor")).all()


def test_a_smile_over_grief_does_not_reach_the_voice_whole():
    brave, glad = said("grief hidden under joy"), said("joy")
    assert (brave.of("pitch") < 0.8 * glad.of("pitch")).all() and (brave.of("pitch") > 0.0).all()
    assert (brave.of("tremor") > 0.0).all()


def test_a_hidden_feeling_falters_and_no_sound_moves(line, monkeypatch):
    hides, shows = said("fear hidden under joy"), said("joy")
    assert (hides.falters > 0.3).all() and not shows.falters.any()
    faltering = retune(line, "fear hidden under joy").samples
    monkeypatch.setattr("face_emote.voice.retuned.FALTER_DB", 0.0)
    fluent = retune(line, "fear hidden under joy").samples
    step = RATE // 100
    levels = [np.sqrt((x[: len(x) // step * step].reshape(-1, step) ** 2).mean(axis=1)) for x in (faltering, fluent)]
    quieter = levels[0] < 0.8 * levels[1]
    assert 0.01 < quieter.mean() < 0.2, "short, and now and then"
    np.testing.assert_array_equal(levels[0][~quieter] > 0.01, levels[1][~quieter] > 0.01)


def test_boredom_is_flat_and_no_deep_voice():
    """Acted boredom is a third of a semitone under neutral speech; half of what excitement adds would be three."""
    bored = said("boredom")
    assert -2.0 < bored.of("pitch")[0] < 0.0 and bored.of("range")[0] < 0.05


def test_the_voice_moves_where_the_table_says_and_keeps_its_length(line):
    neutral = median_semitones(line)
    for words in ("fear", "joy"):
        changed = retune(line, words)
        assert changed.samples.shape == line.samples.shape and changed.sample_rate == line.sample_rate
        moved = median_semitones(changed) - neutral
        expected = float(said(words).of("pitch")[0])
        assert abs(moved - expected) < 1.5, (words, moved, expected)


def test_timing_of_sounds_stays(line):
    """The loudness of both rises and falls together."""
    changed = retune(line, "anger")

    def loudness(samples):
        return np.log(np.square(samples[: len(samples) // 160 * 160].reshape(-1, 160)).sum(axis=1) + 1e-6)

    one, two = loudness(line.samples), loudness(changed.samples)
    lags = [np.corrcoef(one[20:-20], np.roll(two, lag)[20:-20])[0, 1] for lag in range(-8, 9)]
    assert np.argmax(lags) == 8 and max(lags) > 0.85


def test_nothing_felt_changes_no_sample(line):
    assert (retune(line, "neutral").samples == line.samples).all()
    assert (retune(line, "anger", intensity=0.0).samples == line.samples).all()
    later = retune(line, "0s neutral; 3s neutral; 4s anger").samples
    assert (later[: 2 * RATE] == line.samples[: 2 * RATE]).all() and (later != line.samples).any()


def test_the_same_call_gives_the_same_bytes(line, tmp_path):
    short = Speech(line.samples[: 2 * RATE])
    assert (retune(short, "fear").samples == retune(short, "fear").samples).all()
    assert (retune(short, "fear").samples != retune(short, "fear", seed=1).samples).any()


def test_a_file_is_its_recording_and_keeps_rate_and_bits(tmp_path):
    out = write_retuned(LINE, tmp_path / "same.wav", emotion="neutral")
    with wave.open(str(LINE)) as one, wave.open(str(out)) as two:
        assert (one.getframerate(), one.getsampwidth(), one.getnframes()) == (
            two.getframerate(), two.getsampwidth(), two.getnframes(),
        )  # fmt: skip
        if one.getnchannels() == 1:
            assert one.readframes(one.getnframes()) == two.readframes(two.getnframes())


def test_windows_cover_every_sample_once():
    for length in (1, RATE, 12 * RATE, 12 * RATE + 1, 35 * RATE + 77):
        sound = np.arange(length, dtype=np.float32)
        windows = list(_windows(iter([sound[:1000], sound[1000:]]), RATE))
        own = np.concatenate([w.samples[w.lead : w.lead + w.own] for w in windows])
        assert (own == sound).all() and [w.is_last for w in windows].count(True) == 1
        assert all(w.samples[0] == w.start_secs * RATE for w in windows)


@pytest.mark.slow
def test_ten_minutes_need_the_memory_of_one(line, tmp_path):
    def long(minutes, name):
        path = tmp_path / name
        samples = np.tile(line.samples, round(minutes * 60 * RATE / len(line.samples)) + 1)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        return path

    def peak(path):
        tracemalloc.start()
        write_retuned(path, tmp_path / "out.wav", emotion="joy")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found / 1e6

    assert peak(long(3, "long.wav")) < peak(long(1, "short.wav")) + 10.0


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_any_usual_rate_is_kept(rate, line):
    at = np.arange(0, 2.0, 1.0 / rate)
    sound = np.interp(at, np.arange(2 * RATE) / RATE, line.samples[: 2 * RATE]).astype(np.float32)
    changed = retune(Speech(sound, rate), "sadness")
    assert changed.samples.shape == sound.shape and changed.sample_rate == rate
    assert np.isfinite(changed.samples).all() and np.abs(changed.samples).max() <= 1.0


def test_what_is_no_voice_stays_and_is_said():
    for sound in (np.zeros(RATE, np.float32), np.full(10, 0.5, np.float32)):
        with pytest.warns(FaceEmoteWarning, match="No voice was heard"):
            assert (retune(Speech(sound), "anger").samples == sound).all()


def written(path, channels, *, rate=RATE):
    """A recording of float channels [sample, channel] as 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(channels, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return path


def test_channels_in_opposite_phase_are_turned_before_they_are_added(line, tmp_path):
    mono = written(tmp_path / "mono.wav", line.samples[: 2 * RATE, None])
    against = written(tmp_path / "against.wav", np.stack([line.samples, -line.samples], axis=1)[: 2 * RATE])
    np.testing.assert_allclose(retune(against, "joy").samples, retune(mono, "joy").samples, atol=1e-3)
    np.testing.assert_allclose(retune(against, "neutral").samples, fe.read_speech(mono).samples, atol=1e-4)


def test_a_chord_is_no_voice_and_a_melody_is_moved_and_not_broken():
    secs = np.arange(2 * RATE) / RATE
    chord = sum(0.15 * np.sin(2.0 * np.pi * f * secs) for f in (220.0, 277.2, 329.6)).astype(np.float32)
    with pytest.warns(FaceEmoteWarning, match="No voice was heard"):
        assert (retune(Speech(chord), "anger").samples == chord).all()
    turns = np.cumsum(np.where(secs < 1.0, 180.0, 240.0)) / RATE
    flute = sum(0.3 / k * np.sin(2.0 * np.pi * k * turns) for k in range(1, 6)).astype(np.float32)
    changed = retune(Speech(flute), "anger").samples
    assert changed.shape == flute.shape and np.isfinite(changed).all() and np.abs(changed).max() < 1.0


def test_two_people_are_retuned_together_and_stay_in_time(line):
    """Both are heard where they were; the pitch that is found is one of theirs."""
    other = fe.read_speech(LINE.with_name("dashwood_2.wav")).samples
    size = min(len(other), len(line.samples), 4 * RATE)
    both = Speech(0.5 * (line.samples[:size] + other[:size]))
    changed = retune(both, "sadness").samples
    loud = [
        np.log(np.square(x[: size // 400 * 400].reshape(-1, 400)).sum(axis=1) + 1e-4) for x in (both.samples, changed)
    ]
    assert changed.shape == both.samples.shape and np.corrcoef(*loud)[0, 1] > 0.85


def test_sounds_are_heard_where_the_recording_has_them(line):
    """The same words, aligned to both: the lips of the one fit the other."""
    words = LINE.with_suffix(".txt").read_text(encoding="utf-8")
    starts = [
        [phone.start_secs for phone in analyse(speech, transcript=words).phones if phone.label != "SIL"]
        for speech in (line, retune(line, "fear"))
    ]
    apart = np.abs(np.subtract(*starts))
    assert np.median(apart) <= 0.011 and np.mean(apart > 0.05) < 0.05


def test_mistakes_are_named(tmp_path, line):
    with pytest.raises(OptionError, match=r"\.wav"):
        write_retuned(LINE, tmp_path / "line.mp3", emotion="joy")
    copy = tmp_path / "line.wav"
    copy.write_bytes(LINE.read_bytes())
    with pytest.raises(OptionError, match="take the place"):
        write_retuned(copy, copy, emotion="joy")
    with pytest.raises(AudioError, match="samples a second"):
        retune(Speech(line.samples, 4_000), "joy")
    assert copy.read_bytes() == LINE.read_bytes() and sorted(p.name for p in tmp_path.iterdir()) == ["line.wav"]


def test_a_voice_that_is_laid_again_unchanged_has_the_pitch_and_the_bands_of_the_recording(line):
    plain = line.samples[: 2 * RATE].astype(np.float64)
    voice = taken_apart(plain, pitch_of(plain, RATE), RATE)
    again = laid_again(plain, voice, voice, rate_hz=RATE, rng=np.random.default_rng(0))
    found = taken_apart(again, voice.pitch_hz, RATE)
    sung = (voice.pitch_hz > 0.0) & (pitch_of(again, RATE) > 0.0)
    assert sung.sum() > 0.9 * (voice.pitch_hz > 0.0).sum()
    semitones = 12.0 * np.log2(pitch_of(again, RATE)[sung] / voice.pitch_hz[sung])
    apart = levels_of(voice, RATE)[1][sung] - levels_of(found, RATE)[1][sung]
    assert np.median(np.abs(semitones)) < 0.5
    assert np.median(np.abs(apart)) < 0.35, "a decibel and a half, in nepers"


def test_a_voice_that_is_laid_again_is_no_hoarser(line):
    """How clean its periods are: by marks that hop from ripple to ripple it would lose .02."""
    plain = line.samples.astype(np.float64)
    voice = taken_apart(plain, pitch_of(plain, RATE), RATE)
    again = laid_again(plain, voice, voice, rate_hz=RATE, rng=np.random.default_rng(0))
    clean = []
    for sound in (plain, again):
        prosody = prosody_of(iter([sound.astype(np.float32)]))
        clean.append(prosody.voiced[np.isfinite(prosody.f0_hz)].mean())
    assert clean[1] > clean[0] - 0.005, clean


def test_a_melody_is_stretched_and_not_what_single_sounds_do_to_it():
    secs = np.arange(400) / FRAME_HZ
    melody, ripple = 3.0 * np.sin(2.0 * np.pi * secs), 0.2 * np.sin(2.0 * np.pi * 33.0 * secs)
    manner = said("surprise", frames=len(secs))
    widened = replace(manner, scalars=manner.scalars * (np.array(SCALARS) == "range"))
    found = pitched(
        2.0 ** ((90.0 + melody + ripple) / 12.0), widened, secs=secs, middles=0.0 * secs, usual=90.0, noise=0.0 * secs
    )
    tone = 12.0 * np.log2(found)[100:300] - 90.0
    waves = np.stack([melody, ripple])[:, 100:300]
    by = np.linalg.lstsq(waves.T, tone, rcond=None)[0]
    assert by[0] > 1.0 + 0.7 * np.expm1(min(widened.of("range")[0], 1.0)) and 0.95 < by[1] < 1.05, by


def test_peaks_are_held_under_the_ceiling_without_bending_the_wave():
    secs = np.arange(RATE) / RATE
    sound = np.sin(2.0 * np.pi * 200.0 * secs) * np.where(np.abs(secs - 0.5) < 0.1, 2.0, 0.3)
    held = _held_down(sound, RATE)
    assert np.abs(held).max() <= CEILING + 1e-9
    np.testing.assert_allclose(held[: RATE // 4], sound[: RATE // 4])
    middle = slice(round(0.45 * RATE), round(0.55 * RATE))
    assert np.corrcoef(held[middle], sound[middle])[0, 1] > 0.9999


def test_phrases_have_a_middle_each():
    speaks = np.zeros(600, bool)
    speaks[100:201] = speaks[400:501] = True
    places = phrase_places(speaks)
    assert places[150] == places[450] == 0.0 and places[100] == -0.25 and places[500] == 0.25


def test_bands_share_out_every_bin():
    for rate in (8_000, 16_000, 48_000):
        np.testing.assert_allclose(band_shapes(513, rate).sum(axis=0), 1.0)


def test_the_command_writes_what_the_call_gives(tmp_path, line, capsys):
    out = tmp_path / "angry.wav"
    assert main(["voice", str(LINE), "-e", "calm anger", "-o", str(out)]) == 0
    assert "dashwood_1.wav, calm anger" in capsys.readouterr().out
    np.testing.assert_allclose(fe.read_speech(out).samples, retune(LINE, "calm anger").samples, atol=1.0 / 32768)
    assert main(["voice", str(LINE), "-e", "angr", "-o", str(out)]) == 2
    assert "nearest known words" in capsys.readouterr().err


def test_animate_keeps_the_voice_beside_the_motion_and_leaves_the_motion_alone(tmp_path):
    plain, voiced = tmp_path / "plain.npz", tmp_path / "voiced.npz"
    assert main(["animate", str(LINE), "-e", "joy", "-o", str(plain)]) == 0
    assert main(["animate", str(LINE), "-e", "joy", "--voice", "-o", str(voiced)]) == 0
    assert plain.read_bytes() == voiced.read_bytes(), "lips, face and head: to the bit"
    assert len(fe.read_speech(tmp_path / "voiced.voice.wav").samples) == len(fe.read_speech(LINE).samples)
    assert not (tmp_path / "plain.voice.wav").exists()
