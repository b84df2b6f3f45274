"""Few keys for a curve, and the layer that it belongs to: parts of the extension that need no Blender."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.core.names import ARKIT_ORDER, CONTROLS

from .test_protocol import extension_module

fitting, regions = (extension_module(f"apply.{name}") for name in ("fitting", "regions"))


def fit_of(values, tolerance):
    values = np.asarray(values, np.float32)
    return fitting.fitted(values[None], tolerance=np.broadcast_to(np.float32(tolerance), values[None].shape))[0]


@given(st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=150), st.floats(0.001, 0.2))
def test_no_frame_is_further_off_than_the_tolerance(values, tolerance):
    fit = fit_of(values, tolerance)
    assert np.abs(fitting.sampled(fit, len(values)) - np.float32(values)).max() <= 1.001 * tolerance + 1e-6
    assert list(fit.index) == sorted(set(fit.index))


def test_a_tolerance_for_each_frame_is_kept():
    values = np.sin(np.linspace(0.0, 12.0, 120)) + 0.02 * np.random.default_rng(0).standard_normal(120)
    tolerance = np.where((np.arange(120) > 40) & (np.arange(120) < 60), 0.002, 0.1)
    off = np.abs(fitting.sampled(fit_of(values, tolerance), 120) - values)
    assert (off <= 1.001 * tolerance + 1e-6).all() and off.max() > 0.01


def test_a_smooth_curve_needs_few_keys_and_a_still_one_a_single_one():
    smooth = np.sin(np.linspace(0.0, 4.0 * np.pi, 240))
    fit = fit_of(smooth, 0.005)
    assert len(fit.index) <= 14 and (fit.slope_in == fit.slope_out).mean() > 0.5
    assert len(fit_of(np.full(50, 0.3), 0.01).index) == 1
    assert list(fit_of(np.linspace(0.0, 1.0, 49), 0.01).index) == [0, 48]


def test_without_a_tolerance_every_frame_has_a_key():
    values = np.random.default_rng(1).standard_normal(30).astype(np.float32)
    fit = fitting.every_frame(values)
    assert len(fit.index) == 30 and (fitting.sampled(fit, 30) == values).all()


def test_every_curve_of_arkit_and_of_our_head_has_its_layer():
    found = {name: regions.region_of_key(name) for name in ARKIT_ORDER}
    assert {name for name, region in found.items() if region == "brows"} == {
        "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    }  # fmt: skip
    assert all((region == "eyes") == name.startswith("eye") for name, region in found.items())
    assert all(found[name] == "mouth" for name in ("jawOpen", "mouthClose", "mouthPucker", "tongueOut"))
    assert {regions.region_of_key(name) for name in CONTROLS} <= set(regions.REGIONS)


@pytest.mark.parametrize(
    ("bone", "region"),
    [("lip.T.L", "mouth"), ("brow.B.L.001", "brows"), ("lid.T.R", "eyes"), ("cheek.B.L", "expression"),
     ("spine.006", "head"), ("my jaw", "mouth")],
)  # fmt: skip
def test_bones_of_other_rigs_have_their_layer(bone, region):
    assert regions.region_of_bone(bone, {"my jaw": "jaw"}) == region
