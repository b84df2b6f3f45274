"""Pixar's own library finds nothing wrong with our USD, and skins it to the vertices of the head."""

import sys

import numpy as np
import pytest
from fabricated import lively_motion

from face_emote.core.errors import DependencyError
from face_emote.core.names import ARKIT_52, BLOOD_REGIONS, WRINKLES
from face_emote.face.bundled import load_head
from face_emote.verbs.export import export, require_place


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 60)


@pytest.fixture(scope="module")
def usd_path(motion, tmp_path_factory):
    pytest.importorskip("pxr", reason="usd-core is not installed")
    return export(motion, tmp_path_factory.mktemp("usd") / "line.usdc")


def opened(path):
    from pxr import Usd

    return Usd.Stage.Open(str(path))


def test_every_validator_is_content(usd_path):
    from pxr import UsdValidation

    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(validators).Validate(opened(usd_path))
    assert len(validators) > 20 and not [str(item.GetMessage()) for item in found]


def test_pixars_skinning_gives_the_heads_vertices(usd_path, motion):
    from pxr import Gf, Usd, UsdGeom, UsdSkel

    stage = Usd.Stage.Open(opened(usd_path).Flatten())  # Baking writes into the layer.
    assert UsdSkel.BakeSkinning(UsdSkel.Root(stage.GetDefaultPrim()), Gf.Interval(0, 59))
    points = UsdGeom.Mesh(stage.GetPrimAtPath("/face/head")).GetPointsAttr()
    expected = load_head().vertices(motion)
    worst = max(
        np.linalg.norm(np.array(points.Get(Usd.TimeCode(frame))) - expected[frame], axis=1).max()
        for frame in range(0, 60, 5)
    )
    assert worst < 0.0005


def test_shapes_time_and_skin_are_there_by_name(usd_path, motion):
    stage = opened(usd_path)
    assert (stage.GetTimeCodesPerSecond(), stage.GetEndTimeCode()) == (30.0, 59.0)
    mesh = stage.GetPrimAtPath("/face/head")
    assert set(ARKIT_52) <= set(mesh.GetAttribute("skel:blendShapes").Get())
    for kind, names, values in (("wrinkle", WRINKLES, motion.wrinkles), ("blood", BLOOD_REGIONS, motion.blood_flow)):
        for column, name in enumerate(names):
            assert mesh.GetAttribute(f"faceEmote:{kind}:{name}").Get(7) == pytest.approx(values[7, column], abs=1e-6)


@pytest.mark.parametrize("suffix", [".usda", ".usdc"])
def test_same_motion_same_bytes(motion, suffix, tmp_path):
    pytest.importorskip("pxr", reason="usd-core is not installed")
    first, second = (export(motion.part(0, 3), tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second and len(list(tmp_path.iterdir())) == 2


def test_without_usd_core_the_message_says_what_to_install(motion, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(DependencyError, match=r"pip install 'face-emote\[usd\]'"):
        export(motion, tmp_path / "a.usda")
    with pytest.raises(DependencyError):
        require_place(tmp_path / "a.usda")
    assert not list(tmp_path.iterdir())
