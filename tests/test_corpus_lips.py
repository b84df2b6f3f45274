"""Lips of the corpus: the teacher, tracked lips, stretched and silent clips."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.core.errors import CorpusError
from face_emote.core.names import BILABIALS, LABIODENTALS, PHONES
from face_emote.core.types import Phone
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.corpus.cache import UNKNOWN_PHONE, ClipData, num_frames_of
from face_emote_lab.train.corpus.lips import REST_GAP, cubic, loudness_only, phone_index, teacher_lips
from tools.train_network.derived import SILENT_KINDS, silent_jobs, stretched
from tools.train_network.facegood import CHANNELS, controls_of, read_channels
from tools.train_network.grid import s1_jobs, talker_jobs
from tools.train_network.labels import phones_from, read_aligned, read_lablaut
from tools.train_network.tracks import TalkerScale, aims_of, feature_range, read_tracks, sound_frames, talker_scale

DATA = Path(__file__).parents[2] / "shared" / "data"
GAP, CLOSURE, TUCK, SPEECH = (LIP_CHANNELS.index(name) for name in ("gap", "closure", "tuck", "speech"))


def speech_of(labels: list[str], lengths: list[float]) -> list[tuple[str, float, float]]:
    ends = np.cumsum(lengths)
    return [(label, end - length, end) for label, end, length in zip(labels, ends, lengths, strict=True)]


def sentences():
    count = 12
    return st.tuples(
        st.lists(st.sampled_from(PHONES[1:]), min_size=count, max_size=count),
        st.lists(st.floats(0.05, 0.15), min_size=count, max_size=count),
    )


@settings(max_examples=25, deadline=None)
@given(sentences())
def test_teacher_closes_on_every_bilabial_and_tucks_on_every_labiodental(sentence):
    rows = speech_of(["SIL", *sentence[0], "SIL"], [0.3, *sentence[1], 0.3])
    duration = rows[-1][2]
    phones = phones_from(rows, duration_secs=duration)
    lips = teacher_lips(
        phones, prosody=loudness_only(np.zeros(int(duration * 16000), np.float32)), duration_secs=duration
    )
    times = np.arange(len(lips)) / 50.0
    for label, start, end in rows:
        near = (times >= start - 0.05) & (times <= end + 0.05)
        if label in BILABIALS:
            assert lips[near, CLOSURE].max() > 0.95
        elif label in LABIODENTALS:
            assert lips[near, TUCK].max() > 0.95
    if not BILABIALS & set(sentence[0]):
        assert lips[:, CLOSURE].max() == 0.0
    assert np.abs(lips[-3:, SPEECH]).max() < 0.5 and np.isfinite(lips).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(200, 70_000))
def test_teacher_covers_the_sound(num_samples):
    samples = np.zeros(num_samples, np.float32)
    duration = num_samples / 16_000
    lips = teacher_lips(phones_from([], duration_secs=duration), prosody=loudness_only(samples), duration_secs=duration)
    assert len(lips) == num_frames_of(num_samples)
    assert np.allclose(lips[:, GAP], REST_GAP, atol=1e-6) and not lips[:, CLOSURE:].any()


def test_long_unknown_sounds_are_rest_and_short_ones_are_spoken():
    for length, spoken in ((0.1, True), (0.6, False)):
        phones = phones_from([("SIL", 0.0, 0.5), ("!?", 0.5, 0.5 + length)], duration_secs=1.6)
        assert phones[1].label == "?"
        lips = teacher_lips(phones, prosody=loudness_only(np.zeros(25_600, np.float32)), duration_secs=1.6)
        assert (lips[27, SPEECH] > 0.5) == spoken
        assert phone_index(phones, num_frames=80)[27] == UNKNOWN_PHONE


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*PHONES, "+SPN+", "q"]), st.floats(-1, 5), st.floats(-1, 5)), max_size=8))
def test_any_rows_become_gapless_phones_with_the_right_index(rows):
    phones = phones_from(rows, duration_secs=3.0, late_secs=0.01)
    assert phones[0].start_secs == 0.0 and phones[-1].end_secs == pytest.approx(3.0, abs=2e-3)
    for before, after in pairwise(phones):
        assert before.end_secs == after.start_secs
    index = phone_index(phones, num_frames=150)
    for frame, found in enumerate(index):
        name = next((p.label for p in phones if p.start_secs <= frame / 50.0 < p.end_secs), phones[-1].label)
        assert found == (PHONES.index(name) if name in PHONES else UNKNOWN_PHONE)


def test_hand_labels_are_read(tmp_path):
    path = tmp_path / "03a01Fa.lablaut"
    path.write_text(
        "signal x\n#\n  0.10  121 .\n 0.25 121 d\n 0.40 121 _a\n0.5 121 +h\n0.61 121 2asp\n0.7 121 =\n", "latin-1"
    )
    rows = read_lablaut(path)
    assert [row[0] for row in rows] == ["SIL", "D", "AA", "AA", "UW", "?"]
    assert rows[1][1:] == (0.10, 0.25)
    path.write_text("#\n abc 121 d\n")
    with pytest.raises(CorpusError, match="xwaves"):
        read_lablaut(path)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"a": 3}', '{"a": [["w", "P"]]}', '{"a": [["w", "P", "x", 2]]}', "\x00"]
)
def test_hostile_tables_of_phones_are_told(tmp_path, content):
    (tmp_path / "phones.json").write_text(content)
    with pytest.raises(CorpusError, match="aligned phones"):
        read_aligned(tmp_path / "phones.json")


def test_talkers_of_any_size_get_one_rest_and_range():
    rng = np.random.default_rng(0)
    waves = np.sin(np.arange(400)[:, None] * [0.31, 0.23, 0.17] + rng.uniform(0, 6, 3))
    base = [0.07, 0.5, 1.0] + waves * [0.06, 0.02, 0.04]
    other = base * [1.4, 1.0, 0.7] + [0.01, 0.03, 0.2]
    silent = np.arange(400) < 50
    reference = feature_range([base])
    out = []
    for features in (base, other):
        scale = talker_scale(features, silent=silent, spread=feature_range([features]), reference=reference)
        out.append(aims_of(features, scale=scale, num_frames=790)[0])
    assert np.allclose(out[0], out[1], atol=1e-6)
    assert np.percentile(out[0][::2, 0], 5) == pytest.approx(REST_GAP, abs=0.002)


def test_lost_and_jumping_frames_are_unknown():
    track = np.column_stack([np.full(40, 0.05), np.full(40, 0.5), np.ones(40)])
    track[10, 0] = 0.5
    track[20] = np.nan
    good = sound_frames(track)
    assert not good[10, 0] and good[10, 1] and not good[20].any() and good.sum() == 120 - 4
    aims, seen = aims_of(track, scale=TalkerScale((0.05, 0.5, 1.0), (1.0, 1.0, 1.0)), num_frames=90)
    assert np.allclose(aims[:, 0], REST_GAP) and np.allclose(aims[:, 1:], 0.0)
    assert not seen[19:22, 0].any() and seen[18, 0] and not seen[79:].any() and seen[78].all()


def test_cubic_passes_through_its_rows_and_follows_a_parabola():
    x = np.arange(12.0)
    rows = np.column_stack([x**2, np.sin(x)])
    assert np.array_equal(cubic(rows, at=x), rows)
    assert np.allclose(cubic(rows, at=np.array([4.5]))[:, 0], 4.5**2)


def small_clip() -> ClipData:
    phones = (
        Phone("SIL", 0.0, 0.4),
        Phone("AA", 0.4, 0.7),
        Phone("M", 0.7, 0.8),
        Phone("AA", 0.8, 1.2),
        Phone("SIL", 1.2, 2.0),
    )
    samples = np.zeros(32_000, np.float32)
    lips = teacher_lips(phones, prosody=loudness_only(samples), duration_secs=2.0)
    known = np.ones((100, 9), np.uint8)
    return ClipData(samples=samples, lips=lips, known=known, phones=phone_index(phones, num_frames=100))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_stretched_lips_move_with_the_stretched_sound(factor):
    plain = small_clip()
    slow = stretched(plain, factor=factor)
    assert len(slow.lips) == num_frames_of(len(slow.samples)) == len(slow.phones)
    assert len(slow.samples) == pytest.approx(factor * 32_000, rel=0.003)
    assert np.argmax(slow.lips[:, CLOSURE]) == pytest.approx(factor * np.argmax(plain.lips[:, CLOSURE]), abs=1.5)
    middle = np.flatnonzero(slow.phones == PHONES.index("M")).mean()
    assert middle == pytest.approx(factor * np.flatnonzero(plain.phones == PHONES.index("M")).mean(), abs=1.0)


def test_silent_clips_are_at_rest_whatever_sounds():
    clips = [job.make() for job in silent_jobs()[: len(SILENT_KINDS)]]
    for clip, kind in zip(clips, SILENT_KINDS, strict=True):
        assert (np.abs(clip.samples).max() == 0.0) == (kind == "nothing")
        assert np.allclose(clip.lips[:, GAP], REST_GAP) and not clip.lips[:, 1:].any() and clip.known.all()
        assert (clip.phones == 0).all() and np.abs(clip.samples).max() <= 1.0
    again = silent_jobs()[2]
    assert np.array_equal(again.make().samples, again.make().samples)


def test_facegood_channels_reach_the_controls_of_their_side():
    names = ["mouth_stretch_c", "mouth_lipCornerPull_l", "unheard_of"]
    controls = controls_of(np.array([[0.5, 1.0, 1.0]]), names=names)
    from face_emote.core.names import CONTROLS

    assert controls[0, CONTROLS.index("jawOpen")] == pytest.approx(0.5 * CHANNELS["mouth_stretch_c"]["jawOpen"])
    assert controls[0, CONTROLS.index("mouthSmileLeft")] == 1.0
    assert controls[0, CONTROLS.index("mouthSmileRight")] == 0.0 and np.count_nonzero(controls) == 2


def test_garbled_captures_are_told(tmp_path):
    path = tmp_path / "a.npz"
    for content in (b"", b"PK\x03\x04junk", b"nothing"):
        path.write_bytes(content)
        with pytest.raises(CorpusError, match="check"):
            read_tracks(path)
        with pytest.raises(CorpusError, match="check"):
            read_channels(path)
    np.savez(
        path, bs=np.zeros((4, 2)), names=np.array(["a"]), fps=30.0, clips=np.array(["a"]), feat=np.zeros((1, 2, 5))
    )
    with pytest.raises(CorpusError, match="fit"):
        read_channels(path)
    with pytest.raises(CorpusError, match="not tracked lips"):
        read_tracks(path)


@pytest.mark.skipif(not (DATA / "grid_s1").is_dir(), reason="tracked real lips are not here (../shared/data)")
def test_real_lips_close_on_bilabials_and_open_on_vowels():
    jobs = s1_jobs(DATA)
    aligned = json.loads((DATA / "grid_s1" / "phones_train.json").read_text())
    assert [job.split for job in jobs[:21]].count("test") == 3 and jobs[0].split == jobs[10].split == "test"
    closed, opened = [], []
    for job in [*jobs[3:24:6], *talker_jobs(DATA)[20:50:10]]:
        clip = job.make()
        assert clip.known.mean() > 0.95
        for phone, group in (("B", closed), ("AE", opened), ("EY", opened)):
            at = np.flatnonzero(clip.phones == PHONES.index(phone))
            if len(at):
                group.append(clip.lips[at, GAP].min() if phone == "B" else clip.lips[at, GAP].max())
    assert len(aligned) >= len(jobs)
    assert np.median(closed) < 0.02 and np.median(opened) > 0.09
