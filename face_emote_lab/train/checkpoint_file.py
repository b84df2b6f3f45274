"""Writes what `face_emote.network` reads: arrays as safetensors, and networks with configuration and card."""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from face_emote.core.arrays import Array
from face_emote.core.output import written_beside
from face_emote.network.checkpoint import FORMAT, WHOLE, require_config, require_weights
from face_emote.network.config import NetConfig
from face_emote.network.safetensors_file import DTYPES


def write_tensors(path: Path, tensors: Mapping[str, Array], *, metadata: Mapping[str, str]) -> str:
    """Write float16 and float32 arrays in place of the file; the bytes depend on the arguments alone.

    Gives the sha256 of the arrays' bytes, as hex digits; it is in the metadata as `sha256`, too. OutputError: the file
    cannot be written there.
    """
    codes = {dtype: code for code, dtype in DTYPES.items()}
    ordered = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    header: dict[str, Any] = {}
    pieces: list[bytes] = []
    offset = 0
    for name in ordered:
        array = np.asarray(tensors[name], order="C")
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {
            "dtype": codes[array.dtype.newbyteorder("<")],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        pieces.append(raw)
        offset += len(raw)
    digest = hashlib.sha256(b"".join(pieces)).hexdigest()
    header = {"__metadata__": {**dict(sorted(metadata.items())), "sha256": digest}} | header
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with written_beside(path) as beside, beside.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(pieces)
    return digest


def write_checkpoint(path: Path, weights: Mapping[str, Array], *, config: NetConfig, card: str) -> str:
    """Write a network; returns the sha256 of its weights.

    CheckpointError: The weights do not fit the configuration, or are too large for float16. OutputError: The file
    cannot be written there.
    """
    require_config(config, path)
    with np.errstate(over="ignore"):
        halved = {
            name: np.asarray(array, np.float32 if name in WHOLE else np.float16) for name, array in weights.items()
        }
    require_weights(halved, config, path=path)
    metadata = {"format": FORMAT, "config": json.dumps(asdict(config), sort_keys=True), "card": card}
    return write_tensors(path, halved, metadata=metadata)
