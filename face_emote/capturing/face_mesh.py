"""Which of MediaPipe's 478 landmarks are what, and how far each is to be believed."""

import numpy as np

from face_emote.core.arrays import Array, Float

NUM_LANDMARKS = 478
NUM_SKIN = 468  # The others are the irises.
OUTER_CANTHI = (33, 263)  # Of the right and the left eye: their distance is the unit of length in a picture.
INNER_LIPS = ((13, 14), (82, 87), (312, 317), (81, 178), (311, 402))
LIP_WIDTH = ((78, 308), (61, 291))
LID_GAPS = ((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373))
LIPS = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321, 375, 78, 191, 80, 81, 82, 13,
    312, 311, 310, 415, 308, 95, 88, 178, 87, 14, 317, 402, 318, 324,
)  # fmt: skip
INNER_LIP_LOOP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
EYES = ((33, 133, 159, 145), (263, 362, 386, 374))
"""Outer and inner corner, upper and lower lid, of the right and of the left eye; irises come in this order too."""
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip


def _beliefs() -> Float[Array, " landmark=478"]:
    weight = np.ones(NUM_LANDMARKS)
    weight[list(LIPS)] = 2.0
    weight[[*RIGHT_EYE, *LEFT_EYE]] = 2.0
    weight[[*RIGHT_BROW, *LEFT_BROW]] = 1.5
    weight[list(OVAL)] = 0.25  # They slide along the silhouette.
    weight[NUM_SKIN:] = 3.0
    return weight


BELIEF = _beliefs()  # Weight of each landmark in the fit.


def eye_distance(landmarks: Float[Array, "*frames landmark=478 2"]) -> Float[Array, "*frames"]:
    """Between the outer corners of the eyes, pixels."""
    right, left = (landmarks[..., index, :] for index in OUTER_CANTHI)
    return np.asarray(np.linalg.norm(left - right, axis=-1))
