"""Alembic and FBX: written by Blender, read back by Blender, the head's own vertices; the other formats too."""

from dataclasses import replace

import numpy as np
import pytest
from fabricated import lively_motion
from test_blender_process import needs_blender

from bench.reimport import FACES, LARGEST_MM, deviations, eight_faces
from face_emote.core.errors import DependencyError
from face_emote.core.motion import joined_motion
from face_emote.face.bundled import load_head
from face_emote.formats.mesh.targets import morph_targets
from face_emote.verbs.export import export, require_place


@pytest.fixture(scope="module")
def head():
    return load_head()


def test_without_blender_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_EMOTE_BLENDER_PYTHON", "/nowhere/python")
    for suffix in (".abc", ".fbx"):
        with pytest.raises(DependencyError):
            require_place(tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_no_weight_of_a_shape_is_below_zero(head):
    motion = lively_motion(head, 120)
    targets = morph_targets(motion, head.with_identity(motion.betas))
    for block in motion.blocks(50):
        assert targets.weights(block).min() >= 0.0
    names = [item.name for item in targets.targets]
    assert len(set(names)) == len(names)
    assert "lipSeal_1" in names


def test_lids_that_would_cross_are_parted_by_targets(head):
    motion = eight_faces(head)
    person = head.with_identity(motion.betas)
    blink = next(i for i, face in enumerate(FACES) if "eyeBlinkLeft" in face)
    targets = morph_targets(motion, person)
    weights = targets.weights(motion)[blink]
    lids = {
        item.name: w for item, w in zip(targets.targets, weights, strict=True) if item.name.startswith("lidContact")
    }
    assert max(lids.values()) > 0.5
    open_eyes = targets.weights(motion)[0]
    assert not any(w for item, w in zip(targets.targets, open_eyes, strict=True) if item.name in lids)


@needs_blender
@pytest.mark.slow
def test_every_format_comes_back_as_the_head_moves(head):
    for item in deviations(eight_faces(head), head):
        assert item.largest <= LARGEST_MM[item.suffix], item


@needs_blender
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".abc", ".fbx"])
def test_same_motion_same_bytes(head, suffix, tmp_path):
    motion = lively_motion(head, 5, fps=29.97)
    first, second = (export(motion, tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second and len(first) > 100_000


@needs_blender
@pytest.mark.slow
def test_an_fbx_keys_only_what_moves(head, tmp_path):
    moving = lively_motion(head, 5)
    still = moving[3]
    held = joined_motion([still] * 4)
    data = export(held, tmp_path / "held.fbx").read_bytes()
    assert b"AnimCurveNode" not in data
    (item,) = deviations(held, head, suffixes=(".fbx",))
    assert item.largest <= LARGEST_MM[".fbx"], item
    turning = replace(held, neck_pose=np.linspace([0, 0, 0], [0, 0.3, 0], 4, dtype=np.float32))
    data = export(turning, tmp_path / "turning.fbx").read_bytes()
    nodes = [data.count(kind + b"\x00\x01AnimCurveNode") for kind in (b"T", b"R", b"S")]
    assert nodes == [0, 1, 0]


@needs_blender
@pytest.mark.slow
def test_the_comparison_notices_a_vertex_that_is_off(head, monkeypatch):
    motion = eight_faces(head)
    expected = head.vertices(motion)
    expected[3, 100, 1] += 0.001
    monkeypatch.setattr(type(head), "vertices", lambda *_: expected)
    (item,) = deviations(motion, head, suffixes=(".mdd",))
    assert item.largest == pytest.approx(1.0, abs=1e-3)
    assert np.isclose(item.mean, 1.0 / (len(FACES) * head.num_vertices), rtol=0.1)
