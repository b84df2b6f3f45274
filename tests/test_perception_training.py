"""The reader of voices is taught, for real, on a few made-up voices."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

from face_emote.audio.features import prosody_of
from face_emote.network.safetensors_file import read_tensors
from face_emote.perception.voice import VOICE_CLASSES, load_voice_reader, read_voice
from tools.train_judges.torch_convnet import FitConfig
from tools.train_voice import reader as voice_reader
from tools.train_voice import token_codebooks
from tools.train_voice.clips import (
    CLEAN,
    DISTURBANCES,
    VARIED,
    HeardClip,
    disturbed,
    read_heard,
    write_heard,
)


def made_up(label: str, *, talker: int, seed: int, kind: str, corpus: str = "emodb") -> HeardClip:
    """A buzz whose height and pace say the class."""
    rng = np.random.default_rng([talker, seed])
    level = (VOICE_CLASSES.index(label) if label in VOICE_CLASSES else 3) + 1
    time = np.arange(24_000) / 16_000
    hz = 90.0 + 22.0 * level + 5.0 * talker + 10.0 * np.sin(2 * np.pi * (1.0 + level) * time)
    buzz = np.sign(np.sin(2 * np.pi * np.cumsum(hz) / 16_000)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4.0 * time))
    samples = (0.1 * buzz + 0.003 * rng.standard_normal(len(time))).astype(np.float32)
    samples[:1600] = samples[-1600:] = 0.001 * rng.standard_normal(1600)
    heard = disturbed(samples, kind, rng=rng)
    return HeardClip(corpus, label, f"{talker:02d}", kind, prosody_of([heard]))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    actors = [
        made_up(label, talker=talker, seed=0, kind=kind)
        for talker in (3, 8) for label in VOICE_CLASSES for kind in (CLEAN, *DISTURBANCES, VARIED)
    ]  # fmt: skip
    bursts = [
        made_up(label, talker=talker, seed=1, kind=CLEAN, corpus="emogator")
        for talker in (4, 5) for label in ("amusement", "anger", "contempt", "disgust", "elation", "fear", "neutral",
                                           "sadness", "surprise_neg", "surprise_pos")
    ]  # fmt: skip
    write_heard(actors, folder / "emodb.npz")
    write_heard(bursts, folder / "emogator.npz")
    write_heard([made_up("", talker=9, seed=2, kind=CLEAN, corpus="plain")], folder / "plain.npz")
    return folder


def test_what_was_heard_is_kept(cache):
    clips = read_heard(cache)
    assert len(clips) == 2 * 7 * 6 + 20 + 1
    assert {clip.corpus for clip in clips} == {"emodb", "emogator", "plain"}
    assert all(len(clip.prosody.timbre) == len(clip.prosody.speaking) > 100 for clip in clips)


@pytest.mark.parametrize("kind", [CLEAN, *DISTURBANCES, VARIED])
def test_a_disturbance_leaves_a_voice(kind):
    clip = made_up("anger", talker=3, seed=3, kind=kind)
    assert (clip.prosody.speaking > 0.5).mean() > 0.5


def test_codebooks_are_found_and_measured(cache, tmp_path, capsys):
    assert token_codebooks.main([str(cache), "-o", str(tmp_path / "tokens.safetensors")]) == 0
    tensors, _ = read_tensors(tmp_path / "tokens.safetensors")
    assert {name: array.shape for name, array in tensors.items()} == {"feelings": (32, 11), "manners": (128, 5)}
    assert capsys.readouterr().out.startswith("F0: median error")


def test_a_reader_is_taught_judged_and_written(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(voice_reader, "FIT", FitConfig(steps=60, rate=2e-3, warmup=1))
    monkeypatch.setattr(voice_reader, "SOUND_FIT", FitConfig(steps=30, rate=2e-3, warmup=1))
    path, unseen = tmp_path / "voice.safetensors", tmp_path / "unseen.npz"
    assert voice_reader.main([str(cache), "-o", str(path), "--seeds", "1", "--unseen", str(unseen)]) == 0
    reader = load_voice_reader(path)
    clip = made_up("anger", talker=3, seed=0, kind=CLEAN)
    heard = read_voice(clip.prosody, reader=reader).evidence
    assert len(heard) == 19 and heard.weight.max() > 0.5
    with np.load(unseen) as kept:
        assert len(kept["truth"]) == 14 and np.isfinite(kept["logits"]).all()
