"""What a picture by Cycles is made of: the files between `rendering.cycles` and Blender."""

from dataclasses import dataclass

from face_emote.core.arrays import Array, Float, Int

SKIN, EYE, TOOTH, WET, CLOTH = range(5)  # Materials of triangles.
SCALP, BROW, LASH = range(3)  # Kinds of strands.
TABLE = 128  # Side of the table of skin colours.


@dataclass(frozen=True, slots=True, eq=False)
class CyclesJob:
    """All that stays the same from frame to frame. Metres, +Y up; colours linear sRGB."""

    width: int
    height: int
    samples: int
    field_of_view: float  # Of the shorter side, radians.
    world_from_camera: Float[Array, "4 4"]
    light_directions: Float[Array, "light 3"]  # Unit vectors to the lights.
    light_colours: Float[Array, "light 3"]  # Irradiance on a facing surface divided by pi.
    light_sizes: Float[Array, " light"]  # How large each light is seen from the head, radians.
    light_target: Float[Array, " 3"]  # Where the light has that strength.
    sky: Float[Array, " 3"]  # Radiance of the sky overhead.
    triangles: Int[Array, "triangle 3"]
    material: Int[Array, " triangle"]
    point_uv: Float[Array, "point 2"]
    """Place in the eye's picture of its points; for cloth: angle round the neck, depth under the collar in mm."""
    point_colour: Float[Array, "point 3"]  # Albedo of teeth, gums and tongue.
    skin_uv: Float[Array, "uv_point 2"]
    skin_uv_triangles: Int[Array, "skin_triangle 3"]
    skin_maps: Float[Array, "layer side side 3"]
    """Row 0 at the top. Layers: melanin, haemoglobin, gloss | relief by u and v, painted hair | wrinkle relief by u and
    v, its height | lips, inside of the mouth, roughness."""
    eye_map: Float[Array, "eye_side eye_side 3"]  # Albedo of the front of the eye, row 0 at the top.
    skin_colours: Float[Array, "blood pigment 3"]
    """Albedo of skin by haemoglobin (rows, from 0 at the bottom) and melanin (columns, from 0)."""
    most_melanin: float
    most_haemoglobin: float  # At the ends of that table.
    painted_hair: Float[Array, " 3"]
    cloth: Float[Array, " 3"]
    strand_knots: Int[Array, " strand"]  # How many knots each strand has.
    strand_kind: Int[Array, " strand"]
    knot_colour: Float[Array, "knot 3"]
    knot_radius: Float[Array, " knot"]


@dataclass(frozen=True, slots=True, eq=False)
class CyclesFrame:
    """What changes."""

    points: Float[Array, "point 3"]
    wrinkle: Float[Array, " skin_point"]  # Local activation, 0..1.2; skin points are the first points.
    blood: Float[Array, " skin_point"]
    normals: Float[Array, "skin_point 3"]  # Of the smooth surface, which relief bends.
    tangents: Float[Array, "uv_point 6"]  # Derivative of the surface point by u, then by v.
    cornea: Float[Array, "point 3"]  # Normals of the tear film on eye points.
    knots: Float[Array, "knot 3"]
    eye_map: Float[Array, "eye_side eye_side 3"]  # In place of the job's: pupils widen.
