"""The encoder is taught, for real, on a few made-up moments."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from face_emote.core.names import EMOTIONS
from face_emote.perception.encoder import EncoderSpec
from face_emote.perception.encoder_inputs import WIDTHS, EncoderInputs, Track, no_tokens
from face_emote.perception.voice import BURSTS, VOICE_CLASSES
from tools.train_encoder import teach
from tools.train_encoder.lessons import School, hidden_tokens
from tools.train_encoder.moments import Moment, is_unseen, read_moments, write_moments
from tools.train_encoder.probe import logistic, ridge, said
from tools.train_encoder.teach import Pupil, set_pools, taught
from tools.train_encoder.torch_encoder import TorchEncoder

SMALL = EncoderSpec(width=16, layers=2, heads=2, hidden=24, chunk=16)
EVERY = (1, 5, 2, 4, 1)


def made_up(corpus: str, talker: str, label: str, *, kinds: tuple[int, ...], frames: int = 12, seed: int = 0) -> Moment:
    """Noise about a place that the label decides."""
    rng = np.random.default_rng([seed, len(talker)])
    centre = np.random.default_rng(sum(map(ord, label)))
    tracks = []
    for kind, every in enumerate(EVERY):
        place = np.arange(0, frames, every, dtype=np.float32)
        rows = centre.normal(size=WIDTHS[kind]) + 0.5 * rng.normal(size=(len(place), WIDTHS[kind]))
        tracks.append(Track(rows.astype(np.float16), place) if kind in kinds else no_tokens(kind))
    mix = np.eye(8, dtype=np.float32)[EMOTIONS.index(label) if label in EMOTIONS else 0]
    fine = np.eye(28, dtype=np.float32)[3] if kinds == (2,) else np.full(28, np.nan, np.float32)
    return Moment(corpus, talker, label, "clean", False, tracks=tuple(tracks), mix=mix, vad=mix[:3], fine=fine)


@pytest.fixture(scope="module")
def moments() -> list[Moment]:
    acted = [
        made_up("emodb", t, label, kinds=(0, 1), seed=s)
        for t in ("03", "08")
        for label in VOICE_CLASSES
        for s in (0, 1)
    ]
    bursts = [made_up("emogator", "001", label, kinds=(0, 1)) for label in BURSTS]
    words = [made_up("goemotions", "en", label, kinds=(2,)) for label in EMOTIONS]
    faces = [made_up("performed", "1-a", label, kinds=(0, 1, 2, 4), frames=30) for label in EMOTIONS]
    read = [made_up("plain", "1-a", "", kinds=(0, 1, 2), frames=30)]
    return [*acted, *bursts, *words, *faces, *read]


def test_numpy_and_torch_encode_alike(moments):
    net = TorchEncoder(SMALL, generator=torch.Generator().manual_seed(0)).eval()
    net.set_normalisation([moment.tracks for moment in moments])
    cuts = [tuple(track.part(0, SMALL.chunk) for track in moment.tracks) for moment in moments]
    batch = net.batch(cuts)
    with torch.no_grad():
        pooled = net.pooled(net(batch), batch).numpy()
    encoder = net.in_numpy()
    for tracks, wanted in zip(cuts, pooled, strict=True):
        assert np.abs(encoder(EncoderInputs(tracks, SMALL.chunk)).embedding - wanted).max() < 1e-4


def test_what_is_hidden_cannot_be_seen(moments):
    net = TorchEncoder(SMALL, generator=torch.Generator().manual_seed(0)).eval()
    batch = net.batch([tuple(t.part(0, SMALL.chunk) for t in m.tracks) for m in moments])
    hidden = hidden_tokens(batch, np.random.default_rng(0))
    assert all(bool(part.any()) and not bool(part.all()) for part in (hidden[0], hidden[1], hidden[2], hidden[4]))
    other = replace(
        batch, rows=tuple(torch.where(h[:, None], r + 3.0, r) for r, h in zip(batch.rows, hidden, strict=True))
    )
    with torch.no_grad():
        assert torch.equal(net(batch, masked=hidden), net(other, masked=hidden))
        assert not torch.equal(net(batch), net(other))


def test_nothing_is_learnt_from_what_measures(moments):
    kept_back = [replace(m, measures=True, talker="measured") for m in moments[-9:]]
    school = School([*moments, *kept_back], without=("08",), chunk=SMALL.chunk)
    talkers = {m.talker for own in school.moments.values() for m in own}
    assert "08" not in talkers and "measured" not in talkers and "03" in talkers
    assert is_unseen("005") and not is_unseen("004") and is_unseen("103-1240-0000") == is_unseen("103-7-0")


def test_both_ways_of_teaching_lower_their_loss(moments, monkeypatch):
    monkeypatch.setattr(teach, "MASKED_SIZE", 24)
    monkeypatch.setattr(teach, "BUCKET", 12)
    school, losses = School(moments, without=(), chunk=SMALL.chunk), {}
    for name, how in (("named", {"names": True, "hides": 0.0}), ("guessed", {"names": False, "hides": 1.0})):
        pupil = Pupil(SMALL, seed=0)
        with torch.no_grad():
            pupil.net.set_normalisation([moment.tracks for moment in moments])
        losses[name] = taught(pupil, school, steps=60, seed=0, **how)
        assert np.mean(losses[name][-10:]) < 0.9 * np.mean(losses[name][:10]), name
    set_pools(pupil, moments)
    with torch.no_grad():
        batch = pupil.net.batch([moment.tracks for moment in moments[:28]])
    encoder = pupil.net.in_numpy()
    found = np.stack([encoder(moment.inputs()).embedding for moment in moments[:28]])
    assert batch.size == 28 and np.abs(found[:, : 3 * SMALL.width].mean(axis=0)).max() < 1.0


def test_moments_are_kept(moments, tmp_path):
    write_moments(moments, tmp_path / "all.npz")
    again = read_moments(tmp_path)
    assert len(again) == len(moments)
    for a, b in zip(moments, again, strict=True):
        assert (a.corpus, a.talker, a.label, a.measures) == (b.corpus, b.talker, b.label, b.measures)
        assert all(np.array_equal(x.rows, y.rows) and np.array_equal(x.place, y.place)
                   for x, y in zip(a.tracks, b.tracks, strict=True))  # fmt: skip


def test_probes_find_what_a_line_can_tell():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 5))
    label = (rows[:, 0] > 0.0).astype(int) + 2 * (rows[:, 1] > 0.0).astype(int)
    assert (said(logistic(rows, label, count=4), rows).argmax(axis=1) == label).mean() > 0.9
    wanted = rows[:, :2] + 1.0
    assert np.abs(said(ridge(rows, wanted), rows) - wanted).mean() < 0.1
