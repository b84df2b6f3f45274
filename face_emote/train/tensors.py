"""Numpy arrays of a batch, on the device."""

import numpy as np
import torch
from torch import Tensor


def tensor(values: np.ndarray, device: torch.device) -> Tensor:
    """The same numbers on the device; their type stays (float32, int64 ..)."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
