"""The list of formulas that engines run: what each reads of a place, what all places share, what comes out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from face_emote.look.formula.cloth import shade_cloth
from face_emote.look.formula.eye import shade_eye
from face_emote.look.formula.hair import shade_hair
from face_emote.look.formula.light import displayed, sky_on
from face_emote.look.formula.mouth import light_mouth, shade_gum, shade_tongue, shade_tooth
from face_emote.look.formula.ops import Number, Vec
from face_emote.look.formula.records import (
    Age,
    Colour,
    EyeLook,
    EyePlace,
    Facing,
    Inner,
    Lights,
    Opening,
    Own,
    Polish,
    Skies,
    Spot,
    Strand,
    Texel,
    Viewed,
    ViewedSkin,
    filled,
    leaves,
)
from face_emote.look.formula.skin import shade_skin
from face_emote.look.formula.viewed import view_part, view_skin


@dataclass(frozen=True, slots=True)
class Formula:
    """One function of records."""

    name: str
    function: Callable[..., Any]
    rows: tuple[type, ...]  # Records of a place, in the order of the function's arguments.
    shared: tuple[type, ...]  # Records that all places of a picture share; the arguments after those.
    lit: bool = True  # Whether scene light comes out, which exposure and the tone curve then make display light.
    num_outputs: int = 3

    def compute(self, *records: Any) -> list[Number]:
        """The numbers that come out, from filled records."""
        found = self.function(*records)
        if self.lit:
            lights = next(one for one in records if isinstance(one, Lights))
            found = displayed(found * lights.exposure)
        return list(flat(found))

    def names(self, kinds: Iterable[type]) -> list[str]:
        """Names of the numbers of some records, as `spot.normal.x`."""
        return [
            str(leaf) for kind in kinds for _, leaf in leaves(filled(kind, str, prefix=f"{kind.__name__.lower()}."))
        ]


def flat(values: Any) -> Iterator[Number]:
    """The numbers of vectors, in order."""
    if isinstance(values, Vec | tuple | list):
        for one in values:
            yield from flat(one)
    else:
        yield values


SKIN = Formula("skin", shade_skin, (Spot, Texel), (Lights, Colour))
EYE = Formula("eye", shade_eye, (Spot, Own, EyePlace), (Lights, EyeLook))
TOOTH = Formula("tooth", shade_tooth, (Spot, Own), (Lights, Age))
GUM = Formula("gum", shade_gum, (Spot, Own), (Lights,))
TONGUE = Formula("tongue", shade_tongue, (Spot, Own), (Lights,))
CLOTH = Formula("cloth", shade_cloth, (Spot, Own), (Lights, Colour))
HAIR = Formula("hair", shade_hair, (Strand,), (Lights, Colour))
MOUTH = Formula("mouth", light_mouth, (Inner,), (Opening, Lights), lit=False, num_outputs=7)
SKY = Formula("sky", sky_on, (Facing,), (Skies,), lit=False, num_outputs=6)
SURFACES = (SKIN, EYE, TOOTH, GUM, CLOTH, TONGUE)  # By the numbers of materials in `rendering.stage.buffers`.
FORMULAS = (*SURFACES, HAIR, MOUTH, SKY)
VIEWED = (
    Formula("viewed_skin", view_skin, (Viewed, ViewedSkin), (Lights, Skies)),
    Formula("viewed_part", view_part, (Viewed, Polish), (Lights, Skies)),
)
"""Of the page that plays a `.glb`, which has no maps and no shadows."""
