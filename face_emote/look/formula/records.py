"""What formulas read, as records of numbers and vectors; a record is also a flat list of named numbers.

Engines fill records; printers name a program's inputs after them. Order is that of the fields.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from face_emote.look.formula.ops import Number, Vec

Record = TypeVar("Record")
NUM_SKIES = 16


@dataclass(frozen=True, slots=True)
class Lamp:
    """One light."""

    direction: Vec  # Towards it, unit.
    colour: Vec  # Irradiance on a facing surface divided by pi, linear sRGB.


@dataclass(frozen=True, slots=True)
class Lights:
    """The lights of a scene."""

    key: Lamp
    fill: Lamp
    rim: Lamp
    exposure: Number


@dataclass(frozen=True, slots=True)
class Skies:
    """Sky light from all around."""

    lamp: tuple[Lamp, ...] = field(metadata={"count": NUM_SKIES})


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on any surface; in the order of `rendering.stage.buffers`, then how much of the key light arrives."""

    from_camera: Vec  # The place less the camera's, metres.
    normal: Vec  # Smooth; any length.
    sky: Vec  # Irradiance of the sky on plain materials; in the mouth, of what comes through the lips.
    skin_sky: Vec  # The same on skin, which scatters it.
    openness: Number  # Share of the sky that is open, 0..1; in the mouth, how much comes through the lips.
    rim_seen: Number  # Share of the rim light that arrives.
    folding: Number  # Local activation of wrinkles, 0..1.2.
    blood: Number  # Local flow, -1..1.
    thinness: Number  # How much light from behind comes through, 0..1.
    seen: Number  # Share of the key light that arrives.


@dataclass(frozen=True, slots=True)
class Texel:
    """The skin maps at a place; in the order of `rendering.stage.buffers`."""

    melanin: Number
    haemoglobin: Number
    specular: Number
    bump_u: Number
    bump_v: Number  # Slope of the resting relief per unit u and v, metres.
    wrinkle: Number  # Height of the creases, -1..1.
    wrinkle_u: Number
    wrinkle_v: Number
    hair: Number  # Coverage by painted hair.
    roughness: Number
    along_u: Vec  # Metres of surface per unit u.
    along_v: Vec


@dataclass(frozen=True, slots=True)
class Own:
    """Where a place is on its own part, see `rendering.stage.buffers.Geometry.local`."""

    local: Vec


@dataclass(frozen=True, slots=True)
class EyePlace:
    """The eyeball that a place lies on."""

    right: Vec
    up: Vec
    axis: Vec  # Of the turned ball, unit; `axis` is the optical one.
    inner: Vec
    outer: Vec  # Corners of the lids less the camera's place.
    redness: Number  # Of weeping, 0..1.
    clear: Number  # Metres down from the upper lid, at most `eyes.LID_SHADOW`.
    standing: Number  # Metres up from the lower lid, at most `eyes.SOCKET_REACH`.


@dataclass(frozen=True, slots=True)
class EyeLook:
    """What is the same of both eyes."""

    iris: Vec
    pupil: Number  # Radius in iris radii.
    age: Number  # 0 young .. 1 old.


@dataclass(frozen=True, slots=True)
class Strand:
    """A knot of a strand of hair."""

    from_camera: Vec
    tangent: Vec  # To the tip, unit.
    outward: Vec  # Away from the head, unit.
    colour: Vec
    openness: Number
    gloss: Number
    jitter: Number  # Of the strand, -0.5..0.5.
    root_sky: Vec
    root_openness: Number  # Sky light on the skin of the root; negative openness: hair has its own sky.
    before: Vec
    before_last: Number
    """Metres of hair and head before the knot on the key light's way, at four places around it; <= 0: none."""


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour: of hair, of cloth, of the sky overhead."""

    colour: Vec


@dataclass(frozen=True, slots=True)
class Age:
    """0 young .. 1 old."""

    age: Number


@dataclass(frozen=True, slots=True)
class Opening:
    """`teeth.MouthOpening`, and the sky's irradiance on a surface that faces out of the mouth."""

    middle: Vec
    right: Vec
    up: Vec
    forward: Vec
    half_width: Number
    half_height: Number
    sag: Number
    lift: Number
    front: Vec


@dataclass(frozen=True, slots=True)
class Inner:
    """A point inside the mouth, and its sky light before the mouth is thought of."""

    point: Vec
    normal: Vec
    sky: Vec
    skin_sky: Vec
    openness: Number
    lining: Number  # 1 on the lining of the mouth, which passes into the face; 0 on teeth, gums and tongue.


@dataclass(frozen=True, slots=True)
class Viewed:
    """A place on a head whose colours are baked."""

    from_camera: Vec
    normal: Vec
    colour: Vec  # Albedo at rest, linear.
    reached: Number  # Share of all light that gets there, 0..1.


@dataclass(frozen=True, slots=True)
class ViewedSkin:
    """What only skin has."""

    bent: Vec  # The normal bent by pores and creases; any length.
    blood: Number  # Local flow, -1..1.
    crease: Number  # Depth in a crease, 0..1.


@dataclass(frozen=True, slots=True)
class Polish:
    """GGX roughness of a part."""

    roughness: Number


@dataclass(frozen=True, slots=True)
class Facing:
    """A direction that a surface faces, unit."""

    normal: Vec


def leaves(record: Any, *, prefix: str = "") -> Iterator[tuple[str, Number]]:
    """(name, number) of a filled record, as `light.key.direction.x` without the record's own name."""
    if isinstance(record, tuple):
        for number, one in enumerate(record):
            yield from leaves(one, prefix=f"{prefix}{number}.")
    elif hasattr(record, "__dataclass_fields__"):
        for item in fields(record):
            yield from leaves(getattr(record, item.name), prefix=f"{prefix}{item.name}.")
    else:
        yield prefix.removesuffix("."), record


def filled(kind: type[Record], make: Callable[[str], Number], *, prefix: str = "") -> Record:
    """A record whose numbers are `make(name)`, called in order."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for item in fields(kind):  # type: ignore[arg-type]
        name, hint = f"{prefix}{item.name}", hints[item.name]
        if count := item.metadata.get("count"):
            values[item.name] = tuple(filled(Lamp, make, prefix=f"{name}.{k}.") for k in range(count))
        elif hasattr(hint, "__dataclass_fields__"):
            values[item.name] = filled(hint, make, prefix=f"{name}.")
        else:
            values[item.name] = make(name)
    return kind(**values)
