"""The sky light of points inside the mouth, which has come through the lips."""

import numpy as np

from face_emote.look.formula.materials import MOUTH
from face_emote.look.formula.mouth import front_light
from face_emote.look.formula.records import Lights, Opening, Skies
from face_emote.look.lights import shared_numbers, vector
from face_emote.look.teeth import MouthOpening
from face_emote.rendering.stage.buffers import Geometry
from face_emote.rendering.stage.generated import run_rows
from face_emote.rendering.stage.mesh import RenderMesh

NUM_SKY = 7
"""Sky light on plain materials and on skin, openness: what the mouth changes."""


def light_mouth(geometry: Geometry, mesh: RenderMesh, opening: MouthOpening, *, lights: Lights, skies: Skies) -> None:
    """Replace the sky light of the points inside the mouth."""
    record = opening_record(opening, skies=skies)
    inner = mesh.inner
    lining = np.arange(len(inner)) < mesh.num_lining
    before = (geometry.points[inner], geometry.normals[inner], geometry.sky[inner, :NUM_SKY], lining[:, None])
    rows = np.concatenate(before, axis=1)
    geometry.sky[inner, :NUM_SKY] = run_rows(MOUTH, rows, shared_numbers(record, lights))


def opening_record(opening: MouthOpening, *, skies: Skies) -> Opening:
    """The opening as formulas read it."""
    forward = vector(opening.forward)
    return Opening(
        middle=vector(opening.middle),
        right=vector(opening.right),
        up=vector(opening.up),
        forward=forward,
        half_width=opening.half_width,
        half_height=opening.half_height,
        sag=opening.sag,
        lift=opening.lift,
        front=front_light(forward, skies),
    )
