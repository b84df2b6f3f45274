"""Grown hair styles as they are stored: a few hundred guide curves, and strands that each follow three of them."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.assets import ASSETS

HAIR_FILE = ASSETS / "skin" / "hair.npz"
GROWN_STYLES = ("short", "medium", "tied")
"""Styles with guides; `crop` is strands of their own (`skin.strands`) and `none` is nothing."""
KNOT_STEP = 1e-5  # Metres per unit of stored knots.
MIX_STEP = 1.0 / 255.0


@dataclass(frozen=True, slots=True, eq=False)
class HairStyle:
    """One style on the template head at rest. Roots are points of the skin refined once, as those of all strands."""

    name: str
    guide_triangle: Int[Array, " guide"]
    guide_weights: Float[Array, "guide 3"]
    guide_knots: Float[Array, "guide knot 3"]
    """From the guide's root, metres, world axes; knot 0 is the root, but for the coil of a bun."""
    triangle: Int[Array, " strand"]
    weights: Float[Array, "strand 3"]
    guides: Int[Array, "strand 3"]  # The guides that a strand blends.
    mix: Float[Array, "strand 3"]
    clump: Int[Array, " strand"]  # The strand around which each one gathers towards its tip.

    @property
    def num_strands(self) -> int:
        """Number of strands."""
        return len(self.triangle)

    def chosen(self, index: Int[Array, " chosen"]) -> "HairStyle":
        """Some of the strands; `clump` goes on naming strands of the whole style."""
        return replace(
            self,
            triangle=self.triangle[index],
            weights=self.weights[index],
            guides=self.guides[index],
            mix=self.mix[index],
            clump=self.clump[index],
        )


@lru_cache(maxsize=len(GROWN_STYLES))
def load_style(name: str) -> HairStyle:
    """One of `GROWN_STYLES`. Cached; arrays are not to be written to."""
    with np.load(HAIR_FILE, allow_pickle=False) as file:
        mix = file[f"{name}_mix"].astype(np.float32) * np.float32(MIX_STEP)
        return HairStyle(
            name=name,
            guide_triangle=file[f"{name}_guide_triangle"].astype(np.int32),
            guide_weights=_three(file[f"{name}_guide_weights"]),
            guide_knots=file[f"{name}_guide_knots"].astype(np.float32) * np.float32(KNOT_STEP),
            triangle=file[f"{name}_triangle"].astype(np.int32),
            weights=_three(file[f"{name}_weights"]),
            guides=file[f"{name}_guides"].astype(np.int32),
            mix=np.column_stack([mix, np.maximum(1.0 - mix.sum(axis=1), 0.0)]).astype(np.float32),
            clump=file[f"{name}_clump"].astype(np.int32),
        )


@lru_cache(maxsize=1)
def load_anchors() -> Int[Array, " anchor"]:
    """Points of the skin refined once whose movement between two heads carries a style from one to the other."""
    with np.load(HAIR_FILE, allow_pickle=False) as file:
        found: Array = file["anchors"].astype(np.int32)
        return found


@lru_cache(maxsize=1)
def load_loss_map() -> Float[Array, "size size"]:
    """`skin.hair_loss.loss` in the skin's texture coordinates, row 0 at the top."""
    with np.load(HAIR_FILE, allow_pickle=False) as file:
        found: Array = file["loss"].astype(np.float32) / np.float32(255.0)
        return found


def _three(two: Array) -> Float[Array, "root 3"]:
    share = two.astype(np.float32) / np.float32(255.0)
    return np.column_stack([share, 1.0 - share.sum(axis=1)]).astype(np.float32)
