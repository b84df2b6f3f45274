"""What a run leaves in its folder: the configuration, the log, checkpoints to go on from, and the weights to ship.

config.json          what is trained
log.csv              a row per measurement and every LOG_STEPS steps
tensorboard/         the same, for TensorBoard
last.pt              everything needed to go on
model.safetensors    the running mean of the weights: what `animate --model` takes
"""

import csv
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from face_emote.core.errors import ConfigError, OutputError
from face_emote.core.output import written_beside
from face_emote.core.reading import content_of, text_of
from face_emote.core.records import Record, parsed_json
from face_emote.core.version import VERSION
from face_emote_lab.train.config import TrainConfig

CONFIG, LOG, LAST, MODEL = "config.json", "log.csv", "last.pt", "model.safetensors"


@dataclass(slots=True)
class RunFolder:
    """An open run folder."""

    path: Path
    _board: Any = field(default=None, repr=False)

    def log(self, step: int, values: dict[str, float]) -> None:
        """Append to the CSV (columns: step, name, value) and to TensorBoard."""
        new = not (self.path / LOG).exists()
        with (self.path / LOG).open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(("step", "name", "value"))
            writer.writerows((step, name, f"{value:.6g}") for name, value in values.items())
        for name, value in values.items() if self._board is not None else ():
            self._board.add_scalar(name, value, step)

    def save(self, state: dict[str, Any]) -> None:
        """Replace `last.pt` in one go."""
        with written_beside(self.path / LAST) as beside:
            torch.save(state, beside)

    def load(self) -> dict[str, Any] | None:
        """What the run can go on from; None for a fresh one; raises ConfigError when the file is damaged."""
        path = self.path / LAST
        if not path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ConfigError(f"The run cannot go on from its checkpoint ({error}); remove it: {path}") from None
        return state

    def forget_after(self, step: int) -> None:
        """Drop log rows of steps that will be done again. Raises ConfigError when the log is damaged."""
        path = self.path / LOG
        if not path.exists():
            return
        try:
            lines = text_of(path).splitlines(keepends=True)
            kept = lines[:1] + [line for line in lines[1:] if int(line.split(",", 1)[0]) <= step]
        except (OSError, ValueError) as error:
            raise ConfigError(f"The run cannot go on with its log ({error}); remove it: {path}") from None
        path.write_text("".join(kept), "utf-8")


def open_run(path: Path, config: TrainConfig, *, board: bool = True) -> RunFolder:
    """Make the folder, or go on in one that holds the same configuration.

    ConfigError: the folder holds a run of another configuration. OutputError: it cannot be written.
    """
    table = json.loads(json.dumps(asdict(config)))
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError("not writable")
        if (path / CONFIG).exists():
            before = Record.of(parsed_json(content_of(path / CONFIG))).values
            changed = [key for key in table if before.get(key) != table[key] and key not in ("save_minutes",)]
            if changed:
                raise ConfigError(
                    f"This folder holds a run with another {', '.join(changed)}; choose a new one: {path}"
                )
        with written_beside(path / CONFIG) as beside:
            beside.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    except (OSError, ValueError) as error:
        raise OutputError(f"The run's folder cannot be used ({error}): {path}") from None
    writer = None
    if board:
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(path / "tensorboard"))
    return RunFolder(path=path, _board=writer)


def card_of(config: TrainConfig, *, sources: Iterable[str], step: int) -> str:
    """A few lines for whoever opens the file; `sources` are those of the corpus that were drawn from."""
    data = config.data
    paths = {"lips": config.net.lips, "expression": config.net.expression}
    sizes = ", ".join(f"{part} {paths[part].width} wide, {paths[part].layers} blocks" for part in config.parts)
    lines = [
        f"face_emote motion network {config.name!r}, step {step} of {config.optimiser.steps}, seed {config.seed}",
        f"{sizes}; made by face_emote {VERSION}",
        f"learnt from: {', '.join(sources)}",
    ]
    if data.hold_out_talkers:
        lines.append(f"held out: {', '.join(data.hold_out_talkers)}")
    return "\n".join(lines)
