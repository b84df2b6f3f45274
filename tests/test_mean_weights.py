"""Half of one round of a network and half of the next."""

import numpy as np
import pytest

pytest.importorskip("torch")

from dataclasses import replace

from face_emote.core.errors import CheckpointError
from face_emote.network.checkpoint import read_checkpoint
from face_emote.network.runtime import FOLDER
from tools.train_network.mean import mean_weights


def test_every_weight_is_half_of_each_and_other_networks_do_not_mix():
    before, other = (read_checkpoint(FOLDER / f"{name}.safetensors") for name in ("default", "fast"))
    after = replace(before, weights={name: value + 1.0 for name, value in before.weights.items()})
    for name, value in mean_weights(before, after).items():
        np.testing.assert_allclose(value, before.weights[name] + 0.5, atol=1e-5)
    with pytest.raises(CheckpointError, match="two rounds of one"):
        mean_weights(before, other)
