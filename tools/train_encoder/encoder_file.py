"""The file of an encoder, as `perception.encoder` reads it."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from face_emote.perception.encoder import FORMAT, Encoder
from face_emote_lab.train.checkpoint_file import write_tensors


def write_encoder(encoder: Encoder, path: Path, *, card: str) -> None:
    """Keep an encoder: kernels as float16."""
    small = {
        name: array.astype(np.float16 if array.ndim > 1 else np.float32) for name, array in encoder.weights.items()
    }
    write_tensors(path, small, metadata={"format": FORMAT, "spec": json.dumps(asdict(encoder.spec)), "card": card})
