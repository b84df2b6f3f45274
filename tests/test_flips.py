"""No bit of a marked file can change unseen: the promise of docs/ethics.md, measured."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fabricated import lively_motion
from marked import KINDS, marked

import face_emote as fe
from face_emote.face.bundled import load_head
from face_emote.provenance.slot import find_slot
from face_emote.provenance.verification import Status, verify

pytest.importorskip("av")
pytest.importorskip("c2pa")

UNSEEN = {Status.OWN, Status.TRUSTED, Status.UNKNOWN}
ROOT = Path(__file__).parent.parent


def answers(path: Path, bits, work: Path) -> tuple[Counter, list[int]]:
    """How often each answer is given when one bit is turned, and the bits that nobody saw turn."""
    data, unseen = bytearray(path.read_bytes()), []
    told: Counter[Status] = Counter()
    flipped = work / f"flipped{path.suffix}"
    for bit in map(int, bits):
        data[bit >> 3] ^= 1 << (bit & 7)
        flipped.write_bytes(data)
        data[bit >> 3] ^= 1 << (bit & 7)
        status = verify(flipped).status
        told[status] += 1
        if status in UNSEEN:
            unseen.append(bit)
    return told, unseen


def structural_bytes(path: Path) -> list[int]:
    """Bytes that hold no content: headers of boxes and chunks, the place of the mark, its frame and what joins it."""
    data, slot = path.read_bytes(), find_slot(path)
    assert slot is not None
    if path.suffix == ".glb":
        text = 20 + int.from_bytes(data[12:16], "little")
        mark = [*range(slot.start - 16, slot.start + 180), *range(slot.stop - 8, slot.stop + 8)]
        return [*range(20), *mark, *range(text - 4, text + 8), len(data) - 1]
    found, start = [*range(32), *range(slot.start - 45, slot.start + 180)], 0
    while start < len(data):
        found += range(start, start + 8)
        start += int.from_bytes(data[start : start + 4], "big")
    return [*found, len(data) - 1]


def sample(path: Path, *, num_bits: int, seed: int):
    """One bit of every structural byte, and some of all others."""
    rng = np.random.default_rng(seed)
    structure = np.array(sorted(set(structural_bytes(path)))) * 8
    anywhere = rng.integers(0, 8 * path.stat().st_size, num_bits)
    return [*(structure + rng.integers(0, 8, len(structure))), *anywhere]


@pytest.mark.parametrize("kind", KINDS)
def test_no_bit_of_a_sample_turns_unseen(kind, tmp_path):
    path = marked(tmp_path / f"line.{kind}")
    bits = sample(path, num_bits=150, seed=KINDS.index(kind))
    told, unseen = answers(path, bits, tmp_path)
    assert unseen == [] and told.total() == len(bits) > 350
    assert told[Status.CHANGED] > 10 * told[Status.UNMARKED] > 0, told


def test_no_bit_of_a_sample_of_a_whole_head_turns_unseen(tmp_path):
    path = fe.export(lively_motion(load_head(), 2), tmp_path / "line.glb")
    assert path.stat().st_size > 500_000
    told, unseen = answers(path, sample(path, num_bits=60, seed=5)[::4], tmp_path)
    assert unseen == [] and told.total() > 70


def test_a_bit_that_nobody_covers_is_seen_by_this_test(tmp_path, monkeypatch):
    """Without the seal C2PA leaves bits of a video uncovered; `answers` finds them."""
    monkeypatch.setattr("face_emote.provenance.verification._broken_seal", lambda *_, **__: [])
    path = marked(tmp_path / "line.mp4")
    assert answers(path, range(8 * 16, 8 * 17), tmp_path)[1]  # a brand in the ftyp box


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mp4", "glb"])
def test_no_bit_of_a_whole_file_turns_unseen(kind, tmp_path):
    path = marked(tmp_path / f"line.{kind}")
    num_bits = 8 * path.stat().st_size
    told, unseen = answers(path, range(num_bits), tmp_path)
    print(f"{path.name}: {num_bits} bits, {dict(told)}, unseen {unseen}")
    assert unseen == [] and told.total() == num_bits


@pytest.mark.slow
def test_no_bit_of_a_larger_sample_of_a_whole_head_turns_unseen(tmp_path):
    path = fe.export(lively_motion(load_head(), 2), tmp_path / "line.glb")
    assert answers(path, sample(path, num_bits=1000, seed=6), tmp_path)[1] == []


def test_the_ethics_page_promises_what_is_measured_here():
    page = (ROOT / "docs" / "ethics.md").read_text("utf-8")
    assert "python -m pytest tests/test_flips.py -m 'slow or not slow'" in page
    for kind in KINDS:
        assert f"| `.{kind}` |" in page
