"""A head with baked colours under an open sky, as the page of `view` shows it; the numbers are in `look.viewed`."""

from face_emote.look import colour as pigment
from face_emote.look import viewed
from face_emote.look.formula.light import highlights, plain_diffuse, sky_on, view_of
from face_emote.look.formula.ops import Vec, exp, unit, vec
from face_emote.look.formula.records import Facing, Lights, Polish, Skies, Spot, Viewed, ViewedSkin
from face_emote.look.formula.skin import Surface, lit_skin, living


def view_skin(place: Viewed, skin: ViewedSkin, lights: Lights, skies: Skies) -> Vec:
    """Linear, scene-referred light."""
    gained = exp(pigment.BLOOD_GAIN * skin.blood) - 1.0
    absorbed = vec(pigment.HAEMOGLOBIN_EXTINCTION) * (gained * viewed.RESTING_BLOOD)
    plain = place.colour * absorbed.each(lambda x: exp(-x))
    own = living(plain, blood=skin.blood, crease=skin.crease)
    surface = Surface(own, unit(skin.bent), strength=viewed.GLOSS, roughness=viewed.ROUGHNESS, melanin=0.0)
    return lit_skin(_spot(place, skies), surface, lights)


def view_part(place: Viewed, polish: Polish, lights: Lights, skies: Skies) -> Vec:
    """Linear, scene-referred light."""
    spot = _spot(place, skies)
    n = unit(spot.normal)
    out = plain_diffuse(spot, lights, albedo=place.colour, normal=n, wrap=viewed.PART_WRAP)
    return out + highlights(
        lights, n, view_of(spot), roughness=polish.roughness, f0=viewed.PART_F0, strength=place.reached,
        seen=place.reached, openness=place.reached,
    )  # fmt: skip


def _spot(place: Viewed, skies: Skies) -> Spot:
    """A place whose sky and lamps are as open as it says."""
    near, wide = sky_on(Facing(unit(place.normal)), skies)
    return Spot(
        place.from_camera, place.normal, sky=near * place.reached, skin_sky=wide * place.reached,
        openness=place.reached, rim_seen=place.reached, folding=0.0, blood=0.0, thinness=0.0, seen=place.reached,
    )  # fmt: skip
