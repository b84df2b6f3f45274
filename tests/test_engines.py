"""Other programs show the character that our renderers draw: what a file says of it, what three.js makes of it."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated import lively_motion
from glb_reader import Glb
from PIL import Image

from bench.browser import missing
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, WRINKLES
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.formats.mesh.colours import mouth_light
from face_emote.formats.mesh.person import under_garment
from face_emote.formats.mesh.surface import object_parts, surface_of
from face_emote.formats.mesh.targets import SKIN_CURVES
from face_emote.formats.regions_picture import COLUMNS, ROWS, TILE
from face_emote.look.eye_picture import TEXELS, eye_albedo, eye_normals, eye_uv
from face_emote.look.regions import wrinkle_masks
from face_emote.verbs.export import export


@pytest.fixture(scope="module")
def motion() -> FaceMotion:
    return lively_motion(load_head(), 12)


@pytest.fixture(scope="module")
def glb(motion, tmp_path_factory):
    return Glb(export(motion, tmp_path_factory.mktemp("engines") / "a.glb"))


def mesh_of(glb, name):
    return next(mesh for mesh in glb.json["meshes"] if mesh["name"] == name)


def target(glb, primitive, name):
    return glb.array(primitive["targets"][glb.target_names.index(name)]["COLOR_0"])


def test_creases_lie_over_the_skin_and_a_curve_shows_just_its_own(glb):
    (over,), skin = mesh_of(glb, "folds")["primitives"], mesh_of(glb, "head")["primitives"][0]
    lifted = glb.array(over["attributes"]["POSITION"]) - glb.array(skin["attributes"]["POSITION"])
    assert np.allclose(np.linalg.norm(lifted, axis=1), 1e-4, atol=1e-6)
    assert np.all(glb.array(over["attributes"]["COLOR_0"]) == (1.0, 1.0, 1.0, 0.0)), "at rest nothing of it shows"
    assert glb.json["materials"][over["material"]]["alphaMode"] == "BLEND"
    surface = under_garment(surface_of(load_head()))
    part = object_parts(surface, surface.objects()[0])[0]
    masks = wrinkle_masks(1000.0 * load_head().template)[part.vertex_index]
    for i, name in enumerate(WRINKLES):
        alpha = target(glb, over, f"skin_wrinkle_{name}")[:, 3]
        assert np.abs(alpha - masks[:, i]).max() < 0.01, name


def test_the_creases_move_as_the_skin_does(glb):
    (over,), skin = mesh_of(glb, "folds")["primitives"], mesh_of(glb, "head")["primitives"][0]
    for own, under in zip(over["targets"], skin["targets"], strict=True):
        assert (own["POSITION"], own["NORMAL"]) == (under["POSITION"], under["NORMAL"])
    animation = glb.json["animations"][0]
    played = {c["target"]["node"]: c["sampler"] for c in animation["channels"] if c["target"]["path"] == "weights"}
    assert played[0] == played[1] and glb.json["nodes"][1]["name"] == "folds"


def test_a_flush_takes_green_and_blue_of_its_region_and_hardly_any_red(glb):
    skin = mesh_of(glb, "head")["primitives"][0]
    for name in BLOOD_REGIONS:
        change = target(glb, skin, f"skin_blood_{name}")
        strongest = change[np.abs(change).sum(axis=1).argmax()]
        assert strongest[1] < -0.15 and strongest[2] < -0.1 and abs(strongest[0]) < 0.1, name


def test_the_mouth_is_dark_behind_the_teeth(glb):
    head = load_head()
    light = mouth_light(head).mean(axis=1)
    places = 1000.0 * head.template
    teeth, mouth = head.layout.vertices_of("toothU"), head.layout.vertices_of("mouth")
    front = teeth[places[teeth, 2] > np.percentile(places[teeth, 2], 90)]
    back = mouth[places[mouth, 2] < np.percentile(places[mouth, 2], 20)]
    assert light[front].mean() > 0.35 and light[back].mean() < 0.4 * light[front].mean()
    assert np.all(light[head.layout.vertices_of("head", "eyeL")][:100] == 1.0)
    for primitive in mesh_of(glb, "head")["primitives"][2:]:
        assert glb.array(primitive["attributes"]["COLOR_0"]).max() <= 1.0


def test_an_eye_has_a_pupil_the_characters_iris_and_a_cornea_that_stands_out():
    skin = replace(character("default").skin, iris_colour=(0.02, 0.05, 0.20))
    picture, (dish, cornea) = eye_albedo(skin, pupil=0.3), eye_normals()

    def at(angle):
        u, v = eye_uv(np.array([[np.sin(angle), 0.0, np.cos(angle)]]))[0]
        return int((1.0 - v) * TEXELS), int(u * TEXELS)

    assert picture[at(0.0)].max() < 0.02 and picture[at(0.6)].min() > 0.3
    iris = np.mean([picture[at(a)] for a in np.linspace(0.18, 0.26, 9)], axis=0)
    assert iris[2] > 2.0 * iris[1] > 2.0 * iris[0]
    assert dish[at(0.25)][0] < -0.1 and cornea[at(0.25)][0] > 0.1 and abs(cornea[at(0.6)][0]) < 1e-3


def test_the_picture_of_regions_has_each_wrinkle_in_its_own_tile(motion, tmp_path):
    picture = np.asarray(Image.open(export(motion, tmp_path / "line.skin.png")).convert("L")) / 255.0
    assert picture.shape == (ROWS * TILE, COLUMNS * TILE) and ROWS * COLUMNS == len(SKIN_CURVES)
    tiles = picture.reshape(ROWS, TILE, COLUMNS, TILE).swapaxes(1, 2).reshape(-1, TILE, TILE)
    surface = surface_of(load_head(), parts=("skin",))
    uv = surface.vertex_uv()
    masks = wrinkle_masks(1000.0 * surface.of(load_head().template))
    row, column = ((1.0 - uv[:, 1]) * TILE).astype(int), (uv[:, 0] * TILE).astype(int)
    for i, name in enumerate(WRINKLES):
        seen = tiles[i][np.clip(row, 0, TILE - 1), np.clip(column, 0, TILE - 1)]
        assert np.abs(seen - masks[:, i]).mean() < 0.01 and np.corrcoef(seen, masks[:, i])[0, 1] > 0.97, name


READ = Path(__file__).parent / "read_babylon.mjs"


def test_babylon_reads_the_meshes_with_their_shapes_and_wet_surfaces(motion, tmp_path):
    modules = os.environ.get("FACE_EMOTE_NODE_MODULES", "")
    if not shutil.which("node") or not (Path(modules) / "@babylonjs" / "loaders").is_dir():
        pytest.skip("set FACE_EMOTE_NODE_MODULES to a node_modules folder with @babylonjs/core and @babylonjs/loaders")
    path = export(motion, tmp_path / "a.glb")
    done = subprocess.run(["node", READ, path], capture_output=True, text=True, check=True, timeout=120)
    seen = dict(line.split(" ", 1) for line in done.stdout.splitlines() if not line.startswith("BJS"))
    count = len(Glb(path).target_names)
    assert seen["skin"] == seen["folds"] == f"{count} true" and seen["eyes"] == f"{count} true"
    assert seen["teeth"] == seen["mouth"] == f"{count} false"


def creased() -> FaceMotion:
    """A raised brow that stays, with all its wrinkles."""
    motion = lively_motion(load_head(), 4)
    still = {name: np.zeros_like(getattr(motion, name)) for name in motion.row_names}
    still["expression"][:, [CONTROLS.index("browInnerUp"), CONTROLS.index("browOuterUpLeft")]] = 0.8
    still["wrinkles"][:] = [name.startswith(("forehead", "nasolabial")) for name in WRINKLES]
    return replace(motion, **still, betas=np.zeros_like(motion.betas))


@pytest.mark.slow
def test_three_js_shows_the_character_that_we_draw():
    from bench.engines import MOST, differences, drawn_twice

    if why := missing("three"):
        pytest.skip(why)
    if os.environ.get("FACE_EMOTE_CAPTURE_PYTHON") is None:
        pytest.importorskip("mediapipe", reason="MediaPipe is not here, and FACE_EMOTE_CAPTURE_PYTHON names no Python")
    found = differences(drawn_twice(lively_motion(load_head(), 4), time_secs=0.0))
    assert all(found[name] <= most for name, most in MOST.items()), found
    assert found["landmarks"] < 8.0  # Pixels of 768.


@pytest.mark.slow
def test_the_recipe_for_shaders_shows_the_creases_that_the_second_mesh_shows():
    from bench.engines import drawn_twice

    if why := missing("three"):
        pytest.skip(why)
    motion = creased()
    smooth = replace(motion, wrinkles=np.zeros_like(motion.wrinkles))
    pictures = [
        drawn_twice(shown, time_secs=0.0, camera="close", recipe=recipe).theirs.astype(float)
        for shown, recipe in ((smooth, False), (motion, False), (motion, True))
    ]
    plain, by_mesh, by_recipe = pictures
    change = np.abs(by_mesh - plain).mean()
    assert change > 0.2, "creases show"
    assert np.abs(by_recipe - by_mesh).mean() < 0.35 * change
