"""Hair, brows and lashes as posed curves: the fast renderer's strands."""

from dataclasses import dataclass

import numpy as np

from face_emote.blender_side.cycles_job import BROW, LASH, SCALP
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.types import SkinParams
from face_emote.face.head import Head
from face_emote.rendering.scene import Scene, focal_pixels
from face_emote.rendering.stage.buffers import Geometry
from face_emote.rendering.stage.hair import GLOSS, Hair
from face_emote.rendering.stage.mesh import RenderMesh

WIDTH = {SCALP: 1.25, BROW: 0.8, LASH: 1.15}
"""Factor on the drawn width: traced strands have no filter that spreads the thinnest over a pixel."""
KINDS = {"scalp": SCALP, "brow": BROW, "lash": LASH}


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """All strands of one character, one after the other."""

    hair: Hair
    mesh: RenderMesh
    knots: Int[Array, " strand"]
    kind: Int[Array, " strand"]
    colour: Float[Array, "knot 3"]
    radius: Float[Array, " knot"]

    def posed(
        self, points: Float[Array, "point 3"], normals: Float[Array, "bare_point 3"], vertices: Float[Array, "vertex 3"]
    ) -> Float[Array, "knot 3"]:
        """Knots on a posed head: `points` of what is drawn, `normals` of all but the cloth, `vertices` of the head."""
        none = np.zeros((0, 3), np.float32)
        surface = Geometry(
            triangles=self.mesh.triangles,
            charts=self.mesh.charts,
            material=self.mesh.material,
            attributes=none,
            points=points,
            normals=normals,
            sky=none,
            screen=none,
            local=self.mesh.local,
        )
        return self.hair.pose(surface, vertices).knots


def make_curves(mesh: RenderMesh, person: Head, *, skin: SkinParams, scene: Scene) -> Curves:
    """The strands that this character wears, as many as the picture's size calls for."""
    distance = float(np.linalg.norm(np.subtract(scene.camera.position, scene.camera.target)))
    pixels = 1e-3 * focal_pixels(scene.camera, width=scene.width, height=scene.height) / distance
    hair = Hair(mesh, head=person, skin=skin, pixels_per_mm=pixels)
    joined = hair.joined
    knots = np.bincount(joined.owner) + 1
    kind = np.full(len(knots), SCALP)
    for name, number in KINDS.items():
        kind[joined.gloss == np.float32(GLOSS[name])] = number
    widths = np.array([WIDTH[number] for number in sorted(WIDTH)])
    radius = 0.5 * joined.width * np.repeat(widths[kind], knots)
    return Curves(hair=hair, mesh=mesh, knots=knots, kind=kind, colour=joined.colour, radius=radius)
