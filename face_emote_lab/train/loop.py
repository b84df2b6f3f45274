"""The training loop: one for every network and every machine.

A step is a function of (configuration, step, rank): batches draw from generators seeded with them, nothing else is left
to chance. So a run that was interrupted goes on to the very weights that an undisturbed one reaches.
"""

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from face_emote.core.types import Progress
from face_emote.network.checkpoint import read_checkpoint
from face_emote.network.runtime import FOLDER
from face_emote.network.weights import EXPRESSION_PREFIX, LIP_PREFIX, weight_shapes
from face_emote_lab.train.checkpoint_file import write_checkpoint
from face_emote_lab.train.config import TrainConfig
from face_emote_lab.train.corpus.cache import Corpus, read_corpus
from face_emote_lab.train.crops import Pool, lip_batch, make_pool
from face_emote_lab.train.devices import Ranks, averaged_gradients
from face_emote_lab.train.measure import held_out_clips, measured
from face_emote_lab.train.objective import Faces, Objective, Outside, Terms
from face_emote_lab.train.run_folder import MODEL, RunFolder, card_of, open_run
from face_emote_lab.train.torch_net import TorchMotionNet, weights_from_torch

LOG_STEPS = 25
PREFIXES = {"lips": LIP_PREFIX, "expression": EXPRESSION_PREFIX}  # Of the weights of each part.


@dataclass(slots=True, eq=False)
class Training:
    """What changes from step to step."""

    net: TorchMotionNet
    average: TorchMotionNet  # Running mean of the weights.
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


@dataclass(slots=True, eq=False)
class Run:
    """An open run; `training` is what changes in it."""

    config: TrainConfig
    ranks: Ranks
    folder: RunFolder
    corpus: Corpus
    lips: Pool
    faces: Faces | None  # None: the expression path is not trained.
    objective: Objective
    training: Training
    sums: dict[str, float] = field(default_factory=dict)  # Mean of every term since the last line of the log.

    def learn(self) -> None:
        """One step."""
        config, training = self.config, self.training
        rng = np.random.default_rng([config.seed, training.step, self.ranks.rank])
        terms: Terms = {}
        with _precision(self.ranks.device, short=config.optimiser.bfloat16):
            if "lips" in config.parts:
                crops = lip_batch(self.lips, net=config.net, data=config.data, rng=rng)
                terms |= self.objective.lips(training.net, crops, step=training.step)
            if self.faces is not None:
                terms |= self.faces.terms(training.net, rng=rng, step=training.step)
        _step(training, terms, config=config, ranks=self.ranks)
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach()) / LOG_STEPS

    def log_losses(self) -> float:
        """Write down the mean terms; returns their sum."""
        if self.ranks.leads:
            self.folder.log(self.training.step, {f"loss/{name}": value for name, value in self.sums.items()})
        total = sum(self.sums.values())
        self.sums = {}
        return total

    def measure(self) -> None:
        """Look at the running mean on held-out clips, and on emotions that no step has drawn."""
        net, step = self.training.average, self.training.step
        sets = held_out_clips(self.corpus, self.config.data) if "lips" in self.config.parts else {}
        for name, chosen in sets.items():
            figures = asdict(measured(net, self.corpus, clips=chosen))
            self.folder.log(step, {f"{name}/{key}": float(value) for key, value in figures.items()})
        if self.faces is not None:
            self.folder.log(step, {f"expression/{key}": value for key, value in self.faces.errors(net).items()})

    def save(self) -> None:
        """What the run goes on from, and the weights to ship."""
        sources = sorted({self.corpus.clips[int(i)].source for i in self.lips.clips})
        self.folder.save(self.training.state())
        write_checkpoint(
            self.folder.path / MODEL,
            weights_from_torch(self.training.average),
            config=self.config.net,
            card=card_of(self.config, sources=sources, step=self.training.step),
        )


def train(
    config: TrainConfig,
    *,
    corpus: Path,
    output: Path,
    ranks: Ranks,
    minutes: float = math.inf,
    progress: Progress | None = None,
    outside: Outside = Outside(),  # noqa: B008 - frozen
) -> Path:
    """Train, or go on with, the run in `output`; returns the path of the weights.

    It stops, to be gone on with, after so many `minutes` of wall-clock time. `outside` brings what the configuration
    asks for beside the corpus. ConfigError, CorpusError, OutputError: the input cannot be used.
    """
    outside.require(config)
    objective, steps = Objective(config, ranks.device, outside), config.optimiser.steps
    run = _opened(objective, corpus=corpus, output=output, ranks=ranks)
    began = saved = time.monotonic()
    while run.training.step < steps:
        run.learn()
        done = run.training.step
        last = done == steps
        if done % LOG_STEPS == 0:
            loss = run.log_losses()
            if progress is not None:
                progress(done, steps, f"loss {loss:.3f}")
        if ranks.leads and (last or done % config.measure_steps == 0):
            run.measure()
        now = time.monotonic()
        stops = (now - began) / 60.0 > minutes
        if ranks.leads and (last or stops or (now - saved) / 60.0 > config.save_minutes):
            run.save()
            saved = now
        if ranks.any(stops):
            break
    return output / MODEL


def _opened(objective: Objective, *, corpus: Path, output: Path, ranks: Ranks) -> Run:
    config, clips = objective.config, read_corpus(corpus)
    folder = open_run(output, config, board=ranks.leads)
    pool = make_pool(clips, config.data)
    training = _begun(config, x0=pool.x0, device=ranks.device)
    state = folder.load()
    if state is not None:
        training.restore(state)
        folder.forget_after(training.step)
    return Run(
        config=config,
        ranks=ranks,
        folder=folder,
        corpus=clips,
        lips=pool,
        faces=objective.outside.faces(pool) if objective.outside.faces and "expression" in config.parts else None,
        objective=objective,
        training=training,
    )


def _begun(config: TrainConfig, *, x0: np.ndarray, device: torch.device) -> Training:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        net, average = TorchMotionNet(config.net), TorchMotionNet(config.net)
    net.x0.copy_(torch.from_numpy(x0))
    known = {name: torch.from_numpy(value) for name, value in _known_weights(config).items()}
    net.load_state_dict(known, strict=False)
    average.load_state_dict(net.state_dict())
    net, average = net.to(device), average.to(device)
    chosen = config.optimiser
    trained = dict(_trained(net, config))
    groups = [
        {"params": [p for p in trained.values() if p.ndim > 1], "weight_decay": chosen.weight_decay},
        {"params": [p for p in trained.values() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return Training(net, average, torch.optim.AdamW(groups, lr=chosen.rate, betas=(0.9, 0.98)))


def _known_weights(config: TrainConfig) -> dict[str, np.ndarray]:
    """What a run begins with: the weights of `start_from`, or the bundled network's of a path that is not trained.

    A path of another size than the bundled one's is left to chance.
    """
    if config.start_from:
        return dict(read_checkpoint(Path(config.start_from)).weights)
    others = tuple(prefix for part, prefix in PREFIXES.items() if part not in config.parts)
    shapes, bundled = weight_shapes(config.net), read_checkpoint(FOLDER / "default.safetensors").weights
    kept = {name: value for name, value in bundled.items() if others and name.startswith(others)}
    return kept if all(shapes.get(name) == value.shape for name, value in kept.items()) else {}


def _trained(net: TorchMotionNet, config: TrainConfig) -> Iterator[tuple[str, torch.nn.Parameter]]:
    prefixes = tuple(PREFIXES[part] for part in config.parts)
    return ((name, p) for name, p in net.named_parameters() if name.startswith(prefixes))


def _step(training: Training, terms: Terms, *, config: TrainConfig, ranks: Ranks) -> None:
    chosen, step = config.optimiser, training.step
    progress = step / chosen.steps
    rate = chosen.rate * min(1.0, (step + 1) / max(chosen.warmup_steps, 1)) * (0.5 + 0.5 * math.cos(math.pi * progress))
    for group in training.optimiser.param_groups:
        group["lr"] = max(rate, 0.002 * chosen.rate)
    training.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(torch.stack([value.reshape(()) for value in terms.values()]).sum())
    averaged_gradients(training.net, ranks)
    for part in (LIP_PREFIX, EXPRESSION_PREFIX):  # the paths share nothing, so one must not scale the other
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


def _precision(device: torch.device, *, short: bool) -> Any:
    """bfloat16 on CUDA and where it is asked for, else float32."""
    return torch.autocast(device.type, torch.bfloat16) if short or device.type == "cuda" else nullcontext()
