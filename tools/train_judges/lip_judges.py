"""Judges of lips, and the losses that ask them once they are frozen.

SyncNet on lip geometry is an audio tower and a motion tower that agree on what happens at one moment. The lip reader
reads phones from the lips' aims: can they be read?
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import PHONES
from face_emote.network.config import LIP_CHANNELS
from face_emote.network.convnet import Conv, ConvNetSpec, ExpertFile, read_expert
from face_emote_lab.train.lip_losses import LipTruth, mean_of, natural, phone_loss
from tools.train_judges.experts import GEOMETRY, SCALES, geometry_units, with_deltas
from tools.train_judges.torch_convnet import TorchConvNet, frozen_twin

AUDIO = ConvNetSpec(inputs=40, convs=(Conv(64, 5, 2), Conv(96, 5), Conv(96, 5), Conv(96, 5), Conv(128, 6), Conv(128)))
"""Windows of 39 rows (0.39 s), one every 20 ms."""
MOTION = ConvNetSpec(
    inputs=2 * len(GEOMETRY), convs=(Conv(64, 5), Conv(64, 5), Conv(96, 5), Conv(96, 5), Conv(128, 4), Conv(128))
)
"""Windows of 20 frames."""
NEAREST_SHIFT, FARTHEST_SHIFT = 3, 30
"""Frames by which a window is moved to be a wrong match of the same clip: 60-600 ms."""
START_TEMPERATURE = 0.1
LEAST_TEMPERATURE = 0.03


class SyncNet(nn.Module):
    """A tower that hears, one that watches lip geometry or pictures, and the temperature of their agreement."""

    def __init__(self, *, seed: int, motion: ConvNetSpec = MOTION, encoder: nn.Module | None = None) -> None:
        """Initial weights follow from the seed alone; `encoder` turns pictures into features of the motion tower."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.audio = TorchConvNet(AUDIO, generator=generator)
        self.motion = TorchConvNet(motion, generator=generator)
        self.encoder = encoder
        self.log_temperature = nn.Parameter(torch.tensor(START_TEMPERATURE).log())

    def watched(self, seen: Float[Tensor, "batch frames *picture"]) -> Float[Tensor, "batch windows 128"]:
        """Unit vectors of all windows of 20 frames: `GEOMETRY` in natural units, or grey pictures."""
        if self.encoder is None:
            return embedded(self.motion, lip_features(seen))
        return embedded(self.motion, self.encoder(seen.flatten(0, 1)).unflatten(0, seen.shape[:2]))

    def loss(
        self,
        rows: Float[Tensor, "batch rows 40"],
        seen: Float[Tensor, "batch frames *picture"],
        *,
        known: Float[Tensor, "batch frames"],
        anchors: Int[Tensor, "batch anchor"],
    ) -> Float[Tensor, ""]:
        """Symmetric InfoNCE over the anchors of all clips; unknown windows are neither right nor wrong matches.

        Args:
            rows: normalised mel rows, two a frame.
            seen: as in `watched`.
            known: 1 where that is known.
            anchors: first frames of the windows to compare.
        """
        sound, lips = picked(embedded(self.audio, rows), anchors), picked(self.watched(seen), anchors)
        window = self.motion.spec.window
        whole = (known.unfold(1, window, 1).amin(dim=-1) > 0.0).gather(1, anchors)
        logits = sound @ lips.T / self.log_temperature.exp().clamp_min(LEAST_TEMPERATURE)
        return info_nce(logits, usable=whole.reshape(-1), ambiguous=near_in_clip(anchors))


def embedded(tower: TorchConvNet, inputs: Float[Tensor, "batch frames inputs"]) -> Float[Tensor, "batch windows 128"]:
    """Unit vectors of all windows."""
    return functional.normalize(tower(inputs), dim=-1, eps=1e-6)


def lip_features(geometry: Float[Tensor, "batch frames 3"]) -> Float[Tensor, "batch frames 6"]:
    """What SyncNet sees of lip geometry in natural units."""
    features: Tensor = with_deltas(geometry_units(geometry, xp=torch), xp=torch)
    return features


def picked(windows: Float[Tensor, "batch windows width"], anchors: Int[Tensor, "batch anchor"]) -> Tensor:
    """The anchors' vectors of all clips, one after the other: [batch x anchor, width]."""
    index = anchors[..., None].expand(*anchors.shape, windows.shape[-1])
    return windows.gather(1, index).reshape(-1, windows.shape[-1])


def near_in_clip(anchors: Int[Tensor, "batch anchor"]) -> Tensor:
    """Pairs of one clip too close in time to be called wrong: [pairs, pairs], True for other anchors within 60 ms."""
    count = anchors.numel()
    clip = torch.arange(anchors.shape[0], device=anchors.device).repeat_interleave(anchors.shape[1])
    time = anchors.reshape(-1)
    near = (clip[:, None] == clip[None]) & ((time[:, None] - time[None]).abs() < NEAREST_SHIFT)
    return near & ~torch.eye(count, dtype=torch.bool, device=anchors.device)


def info_nce(logits: Tensor, *, usable: Tensor, ambiguous: Tensor) -> Float[Tensor, ""]:
    """Mean cross-entropy of the diagonal, by rows and by columns, over usable anchors; 0 with fewer than two."""
    if int(usable.sum()) < 2:
        return logits.sum() * 0.0
    hidden = logits.masked_fill(ambiguous, float("-inf"))[usable][:, usable]
    right = torch.arange(len(hidden), device=logits.device)
    return 0.5 * (functional.cross_entropy(hidden, right) + functional.cross_entropy(hidden.T, right))


def random_anchors(num_clips: int, *, count: int, num_windows: int, generator: torch.Generator) -> Int[Tensor, "n k"]:
    """For each clip, distinct windows within FARTHEST_SHIFT of each other where the clip allows it."""
    spread = min(num_windows, FARTHEST_SHIFT + 1)
    first = torch.randint(0, num_windows - spread + 1, (num_clips, 1), generator=generator)
    order = torch.rand((num_clips, spread), generator=generator).argsort(dim=1)[:, :count]
    return first + order


def read_sync(path: Path) -> SyncNet:
    """A trained SyncNet from a file, frozen: gradients pass through it to the lips.

    Raises:
        CheckpointError: the file is missing or not such an expert.
    """
    return frozen_sync(SyncNet(seed=0), read_expert(path, kind="sync"))


def frozen_sync(net: SyncNet, found: ExpertFile) -> SyncNet:
    """The net with the towers of a file."""
    net.audio, net.motion = frozen_twin(found.stack("audio")), frozen_twin(found.stack("motion"))
    return net.eval().requires_grad_(False)


def sync_file(net: SyncNet, *, path: Path, x0: Array) -> ExpertFile:
    """What is kept of a SyncNet."""
    stacks = {"audio": net.audio.in_numpy(), "motion": net.motion.in_numpy()}
    return ExpertFile(path, kind="sync", stacks=stacks, extras={"x0": x0})


READ_CHANNELS = ("gap", "width", "jaw", "rounding", "closure", "tuck")
"""What the lip reader sees."""


def geometry_of(lips: Float[Any, "*batch frames channel=9"], *, xp: ModuleType = np) -> Float[Any, "*batch frames 3"]:
    """What can be seen of aims in natural units: a closure takes its share off the gap."""
    gap, width, jaw = (lips[..., LIP_CHANNELS.index(name)] for name in GEOMETRY)
    return xp.stack([gap * (1.0 - lips[..., LIP_CHANNELS.index("closure")]), width, jaw], -1)


def reader_units(lips: Float[Any, "*batch frames channel=9"], *, xp: ModuleType = np) -> Float[Any, "*batch frames 6"]:
    """The lip reader's channels, linear ones in units of `LIP_SCALE`."""
    return xp.stack([lips[..., LIP_CHANNELS.index(name)] / SCALES.get(name, 1.0) for name in READ_CHANNELS], -1)


READER = ConvNetSpec(
    inputs=2 * len(READ_CHANNELS),
    convs=(Conv(96, 5), Conv(96, 7), Conv(96, 7), Conv(96, 5), Conv(len(PHONES))),
    same=True,
)
"""Each answer has seen 21 frames (0.42 s), itself in the middle."""


def read_lip_reader(path: Path) -> TorchConvNet:
    """A trained reader from a file, frozen; errors as `read_sync`."""
    return frozen_twin(read_expert(path, kind="lip_reader").stack("net"))


def frame_accuracy(logits: Tensor, phones: Tensor) -> tuple[int, int]:
    """Frames read right, and frames whose phone is known and is not silence."""
    spoken = (phones != 255) & (phones != 0)
    return int(((logits.argmax(dim=-1) == phones) & spoken).sum()), int(spoken.sum())


SYNC_SHIFTS = (-10, -7, -5, -3, -2, 2, 3, 5, 7, 10)
"""Frames by which lips are moved to be wrong: 40-200 ms."""
SYNC_TEMPERATURE = 0.1


def reader_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth, *, reader: TorchConvNet) -> Float[Tensor, ""]:
    """Cross-entropy of the frozen lip reader to the true phones.

    The reader sees the answers as they are; `pred` raw, frames in step with `truth`.
    """
    return phone_loss(reader(reader_features(natural(pred.float()))), truth.phones)


def sync_loss(
    expert: SyncNet,
    pred: Float[Tensor, "batch frames 9"],
    *,
    rows: Float[Tensor, "batch rows 40"],
    late: Int[Tensor, " batch"],
    loudness: Float[Tensor, "batch frames"],
) -> Float[Tensor, ""]:
    """InfoNCE of each moment's sound against the lips of that moment and of moments `SYNC_SHIFTS` away.

    0 would be perfect certainty; real recordings reach what the expert's card says. Silence does not count.

    Args:
        expert: frozen.
        pred: raw answers; frame t belongs to motion frame t - late.
        rows: normalised, two a frame, from the crop's first frame.
        late: frames of look-ahead of each crop.
        loudness: as in `LipTruth`, in step with `pred`.
    """
    lips = geometry_of(natural(pred.float()), xp=torch)
    logits = shift_logits(expert, lips, rows=rows.float(), late=late)
    reach = max(SYNC_SHIFTS)
    spoken = loudness.unfold(1, expert.motion.spec.window, 1).amax(dim=-1)[:, reach : reach + logits.shape[1]]
    heard = torch.arange(reach, reach + logits.shape[1], device=pred.device)[None] >= late[:, None]
    return mean_of(surprise(logits), weights=spoken.clamp(0.0, 1.0) * heard)


def likeness_loss(expert: SyncNet, pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """How differently the answers move from the true lips as the expert sees it: 1 - cosine of their vectors.

    Windows count where all that the expert sees is known and somebody speaks; `pred` raw, in step with `truth`.
    """
    seen = expert.watched(geometry_of(natural(pred.float()), xp=torch))
    with torch.no_grad():
        wanted = expert.watched(geometry_of(truth.target, xp=torch))
    window, columns = expert.motion.spec.window, [LIP_CHANNELS.index(name) for name in (*GEOMETRY, "closure")]
    known = truth.known[..., columns].amin(dim=-1).unfold(1, window, 1).amin(dim=-1)
    spoken = truth.loudness.unfold(1, window, 1).amax(dim=-1).clamp(0.0, 1.0)
    return mean_of(1.0 - (seen * wanted).sum(dim=-1), weights=(known > 0.0) * spoken)


def shift_logits(
    net: SyncNet,
    lips: Float[Tensor, "batch frames 3"],
    *,
    rows: Float[Tensor, "batch rows 40"],
    late: Int[Tensor, " batch"],
) -> Float[Tensor, "batch place shift"]:
    """How well each moment's sound goes with its own lips (first), and with those `SYNC_SHIFTS` away.

    Moments begin `max(SYNC_SHIFTS)` windows after the lips' first; those before the sound are of no use.
    """
    motion, sound = net.watched(lips), embedded(net.audio, rows)
    count, reach = min(motion.shape[1], sound.shape[1]), max(SYNC_SHIFTS)
    # Lips of motion frame t - late stand at t: their sound is `late` windows earlier.
    place = (torch.arange(reach, count - reach, device=lips.device)[None] - late[:, None]).clamp_min(0)
    own_sound = sound.gather(1, place[..., None].expand(*place.shape, sound.shape[-1]))
    scores = [(own_sound * motion[:, reach + s : count - reach + s]).sum(dim=-1) for s in (0, *SYNC_SHIFTS)]
    return torch.stack(scores, dim=-1) / SYNC_TEMPERATURE


def surprise(logits: Float[Tensor, "batch place shift"]) -> Float[Tensor, "batch place"]:
    """Cross-entropy of the first."""
    return torch.logsumexp(logits, dim=-1) - logits[..., 0]


def reader_features(lips: Float[Tensor, "batch frames 9"]) -> Float[Tensor, "batch frames 12"]:
    """What the reader sees of lips in natural units."""
    features: Tensor = with_deltas(reader_units(lips, xp=torch), xp=torch)
    return features
