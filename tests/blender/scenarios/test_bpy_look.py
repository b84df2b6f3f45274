"""What a head looks like before anything is rendered: irises, colours, and that its eyes are the engine's."""

import numpy as np
import pytest

from .stage import added_head, fe

_ = fe


def of_part(head, part):
    """Which faces wear a part's material, and that material."""
    number = next(i for i, item in enumerate(head.data.materials) if item.name.split(".")[0].endswith(f" {part}"))
    slots = np.empty(len(head.data.polygons), np.int32)
    head.data.polygons.foreach_get("material_index", slots)
    return np.flatnonzero(slots == number), head.data.materials[number]


def test_every_person_has_an_iris_of_their_own_colour_and_a_pupil_as_faces(fe):
    colours = []
    for person in ("default", "maya", "walter"):
        head = added_head(fe, person)
        for part in ("iris", "pupil"):
            faces, material = of_part(head, part)
            sides = [head.data.polygons[i].center.x for i in faces.tolist()]
            assert min(sides) < -0.02 and max(sides) > 0.02
            if part == "pupil":
                assert max(material.diffuse_color[:3]) < 0.01
            else:
                colours.append(tuple(material.diffuse_color[:3]))
    assert np.abs(np.diff(colours, axis=0)).max(axis=1).min() > 0.01


def test_iris_and_pupil_are_as_large_as_the_engine_paints_them_and_look_where_it_looks(fe):
    picture = pytest.importorskip("face_emote.look.eye_picture")
    characters = pytest.importorskip("face_emote.face.characters")
    materials = pytest.importorskip("face_emote.formats.mesh.materials")
    eyeball = pytest.importorskip("face_emote.face.eyeball")
    eyes = __import__("blender_addon.apply.eyes", fromlist=["IRIS"])
    assert (eyes.SPAN, eyes.TILT) == (picture.SPAN, eyeball.TILT)
    painted = picture.eye_albedo(characters.character("default").skin, pupil=materials.PUPIL)
    row, middle = painted[len(painted) // 2, :, 0], len(painted) / 2.0
    seen = {angle: row[int(middle * (1.0 + angle / picture.SPAN))] for angle in np.arange(0.0, 0.6, 0.005).round(3)}
    assert max(value for angle, value in seen.items() if angle < eyes.PUPIL - 0.02) < 0.01
    assert 0.03 < seen[0.13] and max(v for a, v in seen.items() if eyes.PUPIL + 0.02 < a < eyes.IRIS - 0.03) < 0.3
    assert min(value for angle, value in seen.items() if angle > eyes.IRIS + 0.05) > 0.4


def test_corneas_lie_on_the_eyeballs_and_turn_with_them(fe):
    head = added_head(fe)
    points = np.array([tuple(v.co) for v in head.data.vertices])
    white, _material = of_part(head, "eyes")
    iris, _material = of_part(head, "iris")
    for side in (1.0, -1.0):
        ball, cap = (
            np.unique([v for i in faces.tolist() for v in head.data.polygons[i].vertices if side * points[v, 0] > 0.0])
            for faces in (white, iris)
        )
        old = [v for v in ball if v not in set(cap.tolist()) and v < cap.min()]
        centre = 0.5 * (points[old].min(axis=0) + points[old].max(axis=0))
        radius = np.linalg.norm(points[old] - centre, axis=1).mean()
        assert np.linalg.norm(points[cap] - centre, axis=1) == pytest.approx(radius, rel=0.02)
        key = head.data.shape_keys.key_blocks["eyeLookDownLeft" if side > 0 else "eyeLookDownRight"]
        moved = np.array([tuple(point.co) for point in key.data])
        assert moved[cap, 2].max() < points[cap, 2].max() - 0.001
        assert np.linalg.norm(moved[cap] - centre, axis=1) == pytest.approx(radius, rel=0.05)


def test_solid_mode_shows_skin_lips_and_irises_where_it_shows_attributes(fe):
    head = added_head(fe)
    assert head.data.color_attributes.active_color.name == fe.names.SOLID_COLOURS
    shown = np.empty(4 * len(head.data.loops), np.float32)
    head.data.attributes[fe.names.SOLID_COLOURS].data.foreach_get("color_srgb", shown)
    shown = shown.reshape(-1, 4)[:, :3]
    iris, _material = of_part(head, "iris")
    corners = [corner for i in iris.tolist() for corner in head.data.polygons[i].loop_indices]
    assert shown[corners].max() < 0.75, "an iris is darker than the white around it"
    skin, _material = of_part(head, "skin")
    corners = [corner for i in skin[::50].tolist() for corner in head.data.polygons[i].loop_indices]
    red, green, blue = shown[corners].mean(axis=0)
    assert red > green > blue > 0.1
    assert tuple(head.color) == pytest.approx(tuple(head.data.materials[0].diffuse_color), abs=1e-6)


def test_every_workspace_shows_pictures_in_solid_mode(fe):
    bpy = fe.bpy
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.shading.color_type = "MATERIAL"
    added_head(fe)
    spaces = [area.spaces.active for screen in bpy.data.screens for area in screen.areas if area.type == "VIEW_3D"]
    assert spaces and all(space.shading.color_type == "TEXTURE" for space in spaces)
