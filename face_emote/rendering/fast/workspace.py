"""Arrays that a thread reuses from frame to frame."""

import numpy as np

from face_emote.rendering.fast.ambient import MAP_SIZE
from face_emote.rendering.fast.buffers import NUM_CHANNELS

SHADOW_MAP_SIZE = 768
"""Side of the key light's shadow map: half a millimetre a texel."""


class Workspace:
    """Points, maps, samples and the picture of one frame; one per thread."""

    def __init__(self, num_points: int, num_vertices: int, width: int, height: int) -> None:
        """Allocate for a mesh and a picture size; samples are 2 x 2 a pixel."""
        single = np.float32
        self.points = np.zeros((num_points, 3), single)
        self.normals = np.zeros((num_points, 3), single)
        self.sky = np.zeros((num_points, 7), single)
        self.screen = np.zeros((num_points, 4), single)
        self.wrinkle = np.zeros(num_points, single)
        self.blood = np.zeros(num_points, single)
        self.coarse_normals = np.zeros((num_vertices, 3), single)
        self.coarse_sky = np.zeros((num_vertices, 7), single)
        self.coarse_map = np.zeros((num_vertices, 3), single)
        self.coarse_total = np.zeros(num_vertices, single)
        self.scratch = tuple(np.zeros(size) for size in (3, 3, 3, 7, 3, 3, 3, NUM_CHANNELS, 3))
        self.ambient_depth = np.zeros((MAP_SIZE, MAP_SIZE), single)
        self.shadow = np.zeros((SHADOW_MAP_SIZE, SHADOW_MAP_SIZE), single)
        self.face_id = np.zeros((2 * height, 2 * width), np.int32)
        self.inverse_depth = np.zeros((2 * height, 2 * width), single)
        self.picture = np.zeros((height, width, 3), single)
        self.depth = np.zeros((height, width), single)
