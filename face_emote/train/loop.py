"""The training loop: one for every network and every machine.

A step is a function of (configuration, step, rank): batches draw from generators seeded with them, nothing else is left
to chance. So a run that was interrupted goes on to the very weights that an undisturbed one reaches.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from face_emote.network.checkpoint import read_checkpoint, write_checkpoint
from face_emote.train.config import TrainConfig
from face_emote.train.corpus.cache import read_corpus
from face_emote.train.crops import lip_batch, make_pool
from face_emote.train.devices import Ranks, averaged_gradients
from face_emote.train.expression_crops import expression_batch, expression_pool
from face_emote.train.measure import expression_errors, held_out_clips, measured
from face_emote.train.objective import Objective, Terms, load_extra_terms
from face_emote.train.run_folder import MODEL, RunFolder, card_of, open_run
from face_emote.train.torch_net import TorchMotionNet, weights_from_torch

LOG_STEPS = 25
Progress = Callable[[float, float, str], None]


@dataclass(slots=True, eq=False)
class Training:
    """What changes from step to step."""

    net: TorchMotionNet
    average: TorchMotionNet
    """Running mean of the weights."""
    optimiser: torch.optim.Optimizer
    step: int = 0

    def state(self) -> dict[str, Any]:
        """All of it, for `RunFolder.save`."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])


def train(
    config: TrainConfig,
    *,
    corpus: Path,
    output: Path,
    ranks: Ranks,
    minutes: float = math.inf,
    progress: Progress | None = None,
) -> Path:
    """Train, or go on with, a run; returns the path of the weights.

    Args:
        config: what to do.
        corpus: as `train.corpus.build` made it.
        output: the run's folder.
        ranks: this process among its peers, and its device.
        minutes: stop (resumably) after so much wall-clock time.
        progress: called with steps done, steps in all and the latest loss.

    Raises:
        ConfigError, CorpusError, OutputError: the input cannot be used.
    """
    clips = read_corpus(corpus)
    folder = open_run(output, config, board=ranks.leads)
    pool = make_pool(clips, config.data)
    faces = expression_pool(clips, config) if "expression" in config.parts else None
    objective = Objective(weights=config.losses, extra=load_extra_terms(config, device=ranks.device))
    training = _begun(config, x0=pool.x0, device=ranks.device)
    state = folder.load()
    if state is not None:
        training.restore(state)
        folder.forget_after(training.step)
    drawn = sorted({clips.clips[int(i)].source for i in pool.clips})
    sets = held_out_clips(clips, config.data)
    began = saved = time.monotonic()
    sums: dict[str, float] = {}
    while training.step < config.optimiser.steps:
        rng = np.random.default_rng([config.seed, training.step, ranks.rank])
        terms: Terms = {}
        with _precision(ranks.device):
            if "lips" in config.parts:
                crops = lip_batch(pool, net=config.net, data=config.data, rng=rng)
                terms |= objective.lips(training.net, crops, step=training.step, device=ranks.device)
            if faces is not None:
                faced = expression_batch(faces, config=config, rng=rng)
                terms |= objective.expression(training.net, faced, step=training.step, device=ranks.device)
        _step(training, terms, config=config, ranks=ranks)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach()) / LOG_STEPS
        done = training.step
        if done % LOG_STEPS == 0:
            if ranks.leads:
                folder.log(done, {f"loss/{name}": value for name, value in sums.items()})
            if progress is not None:
                progress(done, config.optimiser.steps, f"loss {sum(sums.values()):.3f}")
            sums = {}
        last = done == config.optimiser.steps
        if ranks.leads and (done % config.measure_steps == 0 or last):
            for name, chosen in sets.items() if "lips" in config.parts else ():
                figures = asdict(measured(training.average, clips, chosen))
                folder.log(done, {f"{name}/{key}": float(value) for key, value in figures.items()})
            if faces is not None:
                errors = asdict(expression_errors(training.average, faces, config=config))
                folder.log(done, {f"expression/{key}": value for key, value in errors.items()})
        now = time.monotonic()
        stops = (now - began) / 60.0 > minutes
        if ranks.leads and (last or stops or (now - saved) / 60.0 > config.save_minutes):
            _save(training, folder, config=config, sources=drawn)
            saved = now
        if ranks.any(stops):
            break
    return output / MODEL


def _begun(config: TrainConfig, *, x0: np.ndarray, device: torch.device) -> Training:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        net, average = TorchMotionNet(config.net), TorchMotionNet(config.net)
    net.x0.copy_(torch.from_numpy(x0))
    if config.start_from:
        known = read_checkpoint(Path(config.start_from)).weights
        net.load_state_dict({name: torch.from_numpy(value) for name, value in known.items()}, strict=False)
    average.load_state_dict(net.state_dict())
    net, average = net.to(device), average.to(device)
    chosen = config.optimiser
    trained = dict(_trained(net, config))
    groups = [
        {"params": [p for p in trained.values() if p.ndim > 1], "weight_decay": chosen.weight_decay},
        {"params": [p for p in trained.values() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return Training(net, average, torch.optim.AdamW(groups, lr=chosen.rate, betas=(0.9, 0.98)))


def _trained(net: TorchMotionNet, config: TrainConfig) -> Iterator[tuple[str, torch.nn.Parameter]]:
    prefixes = tuple({"lips": "lip_path.", "expression": "expression_path."}[part] for part in config.parts)
    return ((name, p) for name, p in net.named_parameters() if name.startswith(prefixes))


def _step(training: Training, terms: Terms, *, config: TrainConfig, ranks: Ranks) -> None:
    chosen, step = config.optimiser, training.step
    progress = step / chosen.steps
    rate = chosen.rate * min(1.0, (step + 1) / max(chosen.warmup_steps, 1)) * (0.5 + 0.5 * math.cos(math.pi * progress))
    for group in training.optimiser.param_groups:
        group["lr"] = max(rate, 0.002 * chosen.rate)
    training.optimiser.zero_grad(set_to_none=True)
    torch.stack([value.reshape(()) for value in terms.values()]).sum().backward()
    averaged_gradients(training.net, ranks)
    for part in ("lip_path.", "expression_path."):  # the paths share nothing, so one must not scale the other
        torch.nn.utils.clip_grad_norm_(
            [p for name, p in training.net.named_parameters() if name.startswith(part) and p.grad is not None],
            chosen.clip,
        )
    training.optimiser.step()
    training.step += 1
    keep = min(chosen.average, training.step / (training.step + 20.0))
    with torch.no_grad():
        for mean, now in zip(training.average.parameters(), training.net.parameters(), strict=True):
            mean.lerp_(now, 1.0 - keep)


def _precision(device: torch.device) -> Any:
    """bfloat16 on CUDA, float32 elsewhere."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def _save(training: Training, folder: RunFolder, *, config: TrainConfig, sources: Iterable[str]) -> None:
    folder.save(training.state())
    write_checkpoint(
        folder.path / MODEL,
        weights_from_torch(training.average),
        config=config.net,
        card=card_of(config, sources=sources, step=training.step),
    )
