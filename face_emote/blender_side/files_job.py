"""What Blender is given to write a file from. Blender's axes: metres, +Z up, the face looks along -Y."""

from dataclasses import dataclass

from face_emote.core.arrays import Array, Float, Int


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceJob:
    """A mesh with one texture chart and a material for each polygon."""

    name: str
    rest: Float[Array, "vertex 3"]
    polygons: Int[Array, "polygon corner"]
    uv: Float[Array, "polygon corner 2"]
    material: Int[Array, " polygon"]
    material_names: Array
    material_colours: Float[Array, "material 3"]  # Linear sRGB.
    roughness: Float[Array, " material"]


@dataclass(frozen=True, slots=True, eq=False)
class RigJob:
    """Joints, shapes and their curves, for a `SurfaceJob`."""

    shape_names: Array
    shapes: Float[Array, "shape vertex 3"]  # Metres at weight 1.
    shape_curves: Float[Array, "frames shape"]
    joint_names: Array
    joint_parents: Int[Array, " joint"]
    joint_places: Float[Array, "joint 3"]  # At rest.
    joint_ends: Float[Array, "joint 3"]  # Where each bone points to.
    skin_weights: Float[Array, "vertex joint"]
    turns: Float[Array, "frames joint 4"]  # Relative to the parent, quaternions w x y z.
    moves: Float[Array, "frames joint 3"]  # Of the joint against its rest place, in the parent's axes, metres.
