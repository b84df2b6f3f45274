"""Arrays that a thread reuses from frame to frame."""

import numpy as np

from face_emote.look.formula.printed import TILE
from face_emote.rendering.stage.ambient import MAP_SIZE
from face_emote.rendering.stage.buffers import NORMAL, NUM_ATTRIBUTES, POINT, RIM_SEEN, SKY
from face_emote.rendering.stage.fragments import room_for
from face_emote.rendering.stage.shading import NUM_PLANES

SHADOW_MAP_SIZE = 512  # Side of the key light's shadow map: three quarters of a millimetre a texel.
BAND_PIXELS = 16384  # Pixels that are shaded together, or 8 rows: their fragments fit a core's cache.


class Workspace:
    """Points, maps, samples and the picture of one frame; one per thread."""

    def __init__(self, num_points: int, num_vertices: int, width: int, height: int) -> None:
        """Allocate for a mesh and a picture size; samples are 2 x 2 a pixel."""
        single = np.float32
        self.attributes = np.zeros((num_points, NUM_ATTRIBUTES), single)
        self.points = self.attributes[:, POINT : POINT + 3]
        self.normals = self.attributes[:, NORMAL : NORMAL + 3]
        self.sky = self.attributes[:, SKY : RIM_SEEN + 1]
        self.screen = np.zeros((num_points, 4), single)
        self.coarse_normals = np.zeros((num_vertices, 3), single)
        self.coarse_sky = np.zeros((num_vertices, 8), single)
        self.coarse_map = np.zeros((num_vertices, 3), single)
        self.coarse_total = np.zeros(num_vertices, single)
        self.fragments = room_for(min(height, max(8, BAND_PIXELS // width)) * width)
        """Of a band of the picture."""
        self.blocks = np.zeros((1, NUM_PLANES * TILE), single)
        self.ambient_depth = np.zeros((MAP_SIZE, MAP_SIZE), single)
        self.key_depth = np.zeros((SHADOW_MAP_SIZE, SHADOW_MAP_SIZE), single)
        self.shadow = np.zeros((SHADOW_MAP_SIZE, SHADOW_MAP_SIZE, 2), single)
        self.shadow_spare = np.zeros_like(self.shadow)
        self.face_id = np.zeros((2 * height, 2 * width), np.int32)
        self.inverse_depth = np.zeros((2 * height, 2 * width), single)
        self.picture = np.zeros((height, width, 3), single)
        self.depth = np.zeros((height, width), single)
