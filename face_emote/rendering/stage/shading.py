"""Light from fragments: gathered by material, block by block, and shaded by the kernels printed from `look`."""

from face_emote.look.formula.materials import SURFACES
from face_emote.look.formula.printed import TILE
from face_emote.rendering.stage import buffers
from face_emote.rendering.stage.gathering import gather_eye, gather_part, gather_skin
from face_emote.rendering.stage.generated import kernel
from face_emote.rendering.stage.kernels import compiled, inlined

OUT = tuple(len(formula.names(formula.rows)) for formula in SURFACES)
"""First of the three planes that are written, per material."""
NUM_PLANES = max(OUT) + 3  # Of a block.

_skin, _eye, _cloth = kernel("skin").forward, kernel("eye").forward, kernel("cloth").forward
_tooth, _gum, _tongue = kernel("tooth").forward, kernel("gum").forward, kernel("tongue").forward


@compiled
def shade_fragments(g, texture, look, light, face_id, found, blocks):
    """Display light of the fragments in `found`, into `found.colour`.

    `blocks` [block, NUM_PLANES * TILE] are filled one after the other, and again from the first where they do not
    suffice.
    """
    used = 0
    for material in range(found.counts.shape[0]):
        for first in range(0, found.counts[material], TILE):
            count = min(TILE, found.counts[material] - first)
            block = blocks[used % blocks.shape[0]]
            used += 1
            members = found.order[material, first : first + count]
            gather(g, texture, look, light, face_id, found, material, members, block)
            _shade(look, material, count, block)
            plane = OUT[material]
            for n in range(count):
                for k in range(3):
                    found.colour[members[n], k] = block[(plane + k) * TILE + n]


@inlined
def gather(g, texture, look, light, face_id, found, material, members, block):
    """What the formula of a material reads of some fragments, as columns of a block."""
    if material == buffers.SKIN:
        gather_skin(g, texture, light, found, members, block)
    elif material == buffers.EYE:
        gather_eye(g, look, light, face_id, found, members, block)
    else:
        gather_part(g, light, found, members, block)


@compiled
def _shade(look, material, count, block):
    if material == buffers.SKIN:
        _skin(block, look.skin, count)
    elif material == buffers.EYE:
        _eye(block, look.eye, count)
    elif material == buffers.TOOTH:
        _tooth(block, look.tooth, count)
    elif material == buffers.GUM:
        _gum(block, look.flesh, count)
    elif material == buffers.TONGUE:
        _tongue(block, look.flesh, count)
    else:
        _cloth(block, look.cloth, count)
