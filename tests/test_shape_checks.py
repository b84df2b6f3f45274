"""The guard itself is guarded: shapes that disagree must be refused while tests run."""

import numpy as np
import pytest

from face_emote.core.types import EmotionTrack


def test_shape_checks_are_armed():
    good = {"mix": np.zeros((4, 8)), "vad": np.zeros((4, 3)), "intensity": np.zeros(4), "covert": np.zeros((4, 8))}
    EmotionTrack(**good, leak=np.zeros(4), fps=30.0)
    with pytest.raises(Exception, match="Type-check"):
        EmotionTrack(**good, leak=np.zeros(5), fps=30.0)
