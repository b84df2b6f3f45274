"""This process among its peers. Several are started by torchrun; alone, everything here does nothing."""

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn

from face_emote.core.errors import OptionError


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which of how many processes this is, and where its tensors live."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def any(self, mine: bool) -> bool:
        """Whether any process says so; all get the same answer."""
        if self.count == 1:
            return mine
        flag = torch.tensor([float(mine)], device=self.device)
        distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
        return bool(flag.item() > 0.0)

    def leave(self) -> None:
        """Go when all others are done: a process whose peer goes while they still talk is aborted."""
        if self.count > 1:
            distributed.barrier()
            distributed.destroy_process_group()


def this_process(device: str = "auto") -> Ranks:
    """Join the group that torchrun set up, if it did, and choose the device: `auto` takes a GPU when there is one.

    One thread per CPU process: on shared cores two are slower. OptionError: the device does not exist here.
    """
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if name not in ("cpu", "cuda"):
        raise OptionError(f"The device must be auto, cpu or cuda, got {device!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise OptionError("There is no CUDA device that torch can use here; leave --device out or give cpu")
    chosen = torch.device("cuda", local) if name == "cuda" else torch.device("cpu")
    if name == "cpu":
        torch.set_num_threads(1)
    else:
        torch.cuda.set_device(chosen)
    if count > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if name == "cuda" else "gloo")
    return Ranks(device=chosen, rank=rank, count=count)


def averaged_gradients(net: nn.Module, ranks: Ranks) -> None:
    """Replace every gradient by its mean over the processes, in one message."""
    if ranks.count == 1:
        return
    grads = [p.grad for p in net.parameters() if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in grads])
    distributed.all_reduce(flat)
    flat /= ranks.count
    for g, mean in zip(grads, torch.split(flat, [g.numel() for g in grads]), strict=True):
        g.copy_(mean.view_as(g))
