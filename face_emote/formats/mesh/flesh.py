"""What lies behind the lips and lids as colours of vertices: teeth, gums, tongue, and the dark of the mouth.

The colours and the light that comes through the lips are the renderers' (`look.formula.mouth`), the latter in a mouth
that stands open as in speech: an engine's lamps reach everywhere, these colours take it back.
"""

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.formats.mesh.materials import MATERIALS
from face_emote.formats.mesh.surface import vertex_normals
from face_emote.look import teeth
from face_emote.look.formula.mouth import enamel, light_mouth, tongue_colour
from face_emote.look.formula.ops import Vec
from face_emote.look.formula.records import Inner, Lamp, Lights
from face_emote.look.lights import opening_record

OPEN_JAW = 0.35  # Of jawOpen: a mouth in the middle of a vowel.


def flesh_colours(person: Head, skin: SkinParams) -> Float[Array, "vertex 3"]:
    """Linear albedo of the head's vertices on eyes, teeth, gums and tongue; 0 elsewhere."""
    layout = person.layout
    assert layout is not None
    out = np.zeros((person.num_vertices, 3), np.float32)
    eyes = next(item for item in MATERIALS if item.name == "eyes")
    out[layout.vertices_of("eyeL", "eyeR")] = (eyes.red, eyes.green, eyes.blue)
    out[layout.vertices_of("teethL", "teethU")] = teeth.GUM
    tongue = layout.vertices_of("tongue")
    out[tongue] = _rows(tongue_colour(person.template[tongue, 2].astype(np.float64)))
    for part in ("toothL", "toothU"):
        crowns = layout.vertices_of(part)
        crown = Vec(*teeth.crown_coordinates(len(crowns), upper=part == "toothU").T)
        out[crowns] = _rows(enamel(crown, age=float(np.clip(skin.age, 0.0, 1.0)), mottle=0.5))
    return out


def mouth_light(person: Head) -> Float[Array, "vertex 3"]:
    """Share of the light outside that reaches each of the head's vertices in an open mouth; 1 outside."""
    layout = person.layout
    assert layout is not None
    controls = np.zeros((1, NUM_EXPRESSION), np.float32)
    controls[0, CONTROLS.index("jawOpen")] = OPEN_JAW
    pose = pose_from_controls(controls, control_joints=person.control_joints)
    posed = person.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)[0]
    normals = vertex_normals(posed, person.faces)
    dark, all_of_it = Vec(0.0, 0.0, 0.0), Vec(1.0, 1.0, 1.0)
    lamp = Lamp(Vec(0.0, 0.0, 1.0), dark)
    opening = opening_record(teeth.mouth_opening(posed, teeth.head_mouth_points(person)), front=all_of_it)
    out = np.ones((person.num_vertices, 3), np.float32)
    for parts, lining in ((("mouth",), 1.0), (("teethL", "teethU", "tongue", "toothL", "toothU"), 0.0)):
        index = layout.vertices_of(*parts)
        places, facing = (Vec(*values[index].astype(np.float64).T) for values in (posed, normals))
        inner = Inner(places, facing, all_of_it, all_of_it, 1.0, lining)
        out[index] = _rows(light_mouth(inner, opening, Lights(lamp, lamp, lamp, 1.0))[0])
    return np.clip(out, 0.0, 1.0)


def _rows(colour: Vec) -> Float[Array, "row 3"]:
    return np.stack(np.broadcast_arrays(*colour), axis=-1).astype(np.float32)
