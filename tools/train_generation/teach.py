"""Teach the network that draws takes.

    python -m tools.train_generation.teach CORPUS.npz -o FILE.safetensors [--hold-out s31,s33] [--steps 6000]

A rectified flow: from noise at 0 to tokens at 1, all three streams at one time with one noise. Streams that nobody
knows of a window are left to the noise; of those that are known some are given, mostly the voice, and often the
face's first tokens. What is written is the mean of the weights over the last steps. `--resume` goes on from FILE.pt.
"""

import argparse
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array, Bool
from face_emote.generation.layout import (
    CONTEXT,
    EASED,
    FACE,
    FACE_SLICE,
    LIDS,
    NUM_VALUES,
    SLICES,
    STYLE,
    WINDOW,
    DrawConfig,
)
from face_emote.generation.net import FARTHEST_STYLE, FORMAT
from face_emote_lab.train.checkpoint_file import write_tensors
from tools.train_generation.answers import write_answers
from tools.train_generation.corpus import TakeCorpus, read_corpus
from tools.train_generation.head_controls import head_controls
from tools.train_generation.torch_draw import TorchDrawNet, conditions_of

BATCH, RATE, DECAY, KEPT, WARM_UP = 32, 1.5e-3, 0.02, 0.998, 100.0
ACTED = 0.12
"""Share of the windows that come from actors' voices."""
FEW = 6.0
"""Clips of a talker that count as much as what is known of all talkers."""
_MIRRORED = [FACE.index(name) for name in ("brow_right", "brow_left", "frown", "nod", "turn", "tilt", "lids",
                                           "lids_later", "lids_apart")]  # fmt: skip
_STRAYS = 0.22
"""Logarithm of how much more or less than in its clip a face moves: nobody's size is only that of readers."""
_LIKE = [0, 0, 1, 2, 3, 4]
_TURNS = np.array(["_with_turn" in name or "_with_tilt" in name for name in STYLE])
"""What changes its sign in a mirror."""
_GROWS = [STYLE.index(name) for name in ("brows", "brows_apart", "frown", "nod", "turn", "tilt")]
_SIGNS = np.array([-1.0 if name in ("turn", "tilt", "lids_apart") else 1.0 for name in FACE], np.float32)


class Windows:
    """Normalised windows and the chance of each."""

    def __init__(self, corpus: TakeCorpus, *, held_out: frozenset[str]) -> None:
        eased = corpus.values.copy()
        eased[:, :, LIDS] = np.arcsinh((eased[:, :, LIDS] - 1.0) / EASED)
        parts = [eased[corpus.known[:, k]][:, :, part] for k, part in enumerate(SLICES)]
        flat = [part.reshape(-1, part.shape[2]) for part in parts]
        self.mean = np.concatenate([part.mean(axis=0) for part in flat])
        self.scale = np.maximum(np.concatenate([part.std(axis=0) for part in flat]), 1e-2)
        self.mean[FACE_SLICE] *= np.array(["lids" in name and name != "lids_apart" for name in FACE])
        self.corpus = corpus
        values = np.clip((eased - self.mean) / self.scale, -6.0, 6.0)
        for k, part in enumerate(SLICES):
            values[~corpus.known[:, k], :, part] = 0.0
        self.values = torch.from_numpy(values.astype(np.float32))
        styles = corpus.style[corpus.known[:, 0]].astype(np.float64)
        self.style_mean, self.style_scale = styles.mean(axis=0) * ~_TURNS, np.maximum(styles.std(axis=0), 1e-2)
        self.style = torch.from_numpy((corpus.style - self.style_mean) / self.style_scale).float()
        self.known = torch.from_numpy(corpus.known)
        names, acted = corpus.talker, np.array([str(name).startswith("emodb") for name in corpus.talker])
        count = {name: (names == name).sum() for name in set(names)}
        weight = np.array([count[name] ** -0.5 for name in names])
        weight[np.isin(names, list(held_out))] = 0.0
        for group, share in ((acted, ACTED), (~acted, 1.0 - ACTED)):
            weight[group] *= share / weight[group].sum()
        self.chance = torch.from_numpy(weight)
        self.asked = torch.from_numpy(np.flatnonzero(np.isin(names, list(held_out))))

    def batch(self, chosen: Tensor, *, dice: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Values, which are given, which count, and styles."""
        values, known = self.values[chosen].clone(), self.known[chosen]
        turned = torch.rand(len(chosen), generator=dice) < 0.5
        values[turned, :, FACE_SLICE] = values[turned][:, :, _MIRRORED] * torch.from_numpy(_SIGNS)
        style = self.style[chosen].clone()
        style[turned[:, None] & torch.from_numpy(_TURNS)] *= -1.0
        more = _STRAYS * (torch.randn(len(chosen), 1, generator=dice) + torch.randn(len(chosen), 5, generator=dice))
        values[:, :, FACE_SLICE.start : FACE_SLICE.start + 6] *= more[:, _LIKE].exp()[:, None]
        style[:, _GROWS] += more[:, _LIKE] / torch.from_numpy(self.style_scale[_GROWS]).float()
        given = torch.zeros(len(chosen), WINDOW, len(SLICES), dtype=torch.bool)
        way = torch.rand(len(chosen), generator=dice)
        faced = known[:, 0]
        given[faced & (way < 0.86), :, 1] = True
        given[faced & (way > 0.93), :, 0] = True
        given[~faced & (way < 0.5), :, 1] = True
        given[~faced & (way >= 0.5), :, 2] = True
        begun = torch.rand(len(chosen), generator=dice) < 0.6
        given[begun & faced, :CONTEXT, 0] = True
        return values, given, known[:, None] & ~given, style.clamp(-FARTHEST_STYLE, FARTHEST_STYLE)


def flow_loss(net: TorchDrawNet, batch: tuple[Tensor, Tensor, Tensor, Tensor], *, dice: torch.Generator) -> Tensor:
    """Mean squared error of the velocity where it counts, mean of the streams."""
    values, given, counts, style = batch
    size = len(values)
    time_of = torch.randn(size, generator=dice).sigmoid()
    noise = torch.randn(values.shape, generator=dice)
    widths = torch.tensor([part.stop - part.start for part in SLICES])
    clean = given.float().repeat_interleave(widths, dim=2)
    mixed = noise + time_of[:, None, None] * (values - noise)
    has_style = (torch.rand(size, generator=dice) < 0.9).float()
    velocity = net(
        clean * values + (1.0 - clean) * mixed, known=given.float(), conditions=conditions_of(time_of, style, has_style)
    )
    error = (velocity - (values - noise)) ** 2
    terms = []
    for k, part in enumerate(SLICES):
        mask = counts[:, :, k].float()
        terms.append((error[:, :, part].mean(dim=2) * mask).sum() / mask.sum().clamp_min(1.0))
    total: Tensor = terms[0] + 0.25 * terms[1] + 0.1 * terms[2]
    return total


def teach(windows: Windows, *, config: DrawConfig, steps: int, beside: Path) -> TorchDrawNet:
    """Train; the mean of the weights is what comes back."""
    torch.manual_seed(0)
    net, mean = TorchDrawNet(config), TorchDrawNet(config)
    moves = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY, betas=(0.9, 0.98))
    step = 0
    if beside.is_file():
        kept = torch.load(beside)
        step = kept["step"]
        net.load_state_dict(kept["net"])
        mean.load_state_dict(kept["mean"])
        moves.load_state_dict(kept["moves"])
    else:
        mean.load_state_dict(net.state_dict())
    started = time.monotonic()
    while step < steps:
        dice = torch.Generator().manual_seed(step)
        for group in moves.param_groups:
            fades = 0.02 + 0.49 * (1.0 + math.cos(math.pi * step / steps))
            group["lr"] = RATE * min(step / WARM_UP, 1.0) * fades
        chosen = torch.multinomial(windows.chance, BATCH, replacement=True, generator=dice)
        loss = flow_loss(net, windows.batch(chosen, dice=dice), dice=dice)
        moves.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        moves.step()
        step += 1
        with torch.no_grad():
            for a, b in zip(mean.parameters(), net.parameters(), strict=True):
                a.lerp_(b, 1.0 - min(KEPT, step / (step + 20.0)))
        if step % 250 == 0 or step == steps:
            print(f"{step} {held_out_loss(mean, windows):.4f} {time.monotonic() - started:.0f} s", flush=True)
            torch.save({"step": step, "net": net.state_dict(), "mean": mean.state_dict(), "moves": moves.state_dict()},
                       beside)  # fmt: skip
    return mean


def held_out_loss(net: TorchDrawNet, windows: Windows) -> float:
    """On talkers that nothing is learnt from; the same noise every time."""
    chosen = windows.asked if len(windows.asked) else torch.arange(0, len(windows.values), 40)
    dice = torch.Generator().manual_seed(1)
    with torch.no_grad():
        losses = [flow_loss(net, windows.batch(chosen, dice=dice), dice=dice) for _ in range(3)]
    return float(torch.stack(losses).mean())


def manners_of(corpus: TakeCorpus, *, learnt: Bool[Array, " window"]) -> tuple[Array, Array]:
    """Mean styles of the talkers, few clips drawn towards all; and the root of the covariance between clips of one."""
    names = sorted(set(corpus.talker[learnt & corpus.known[:, 0]]))
    rows = [corpus.style[corpus.talker == name].astype(np.float64) for name in names]
    middle = np.average([part.mean(axis=0) for part in rows], axis=0, weights=[len(part) ** 0.5 for part in rows])
    means = np.array([(part.sum(axis=0) + FEW * middle) / (len(part) + FEW) for part in rows])
    within = np.concatenate([part - part.mean(axis=0) for part in rows if len(part) > 3])
    return means, np.linalg.cholesky(np.cov(within.T) + 1e-3 * np.eye(len(STYLE)))


def main() -> int:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--hold-out", default="", help="talkers, with commas")
    parser.add_argument("--steps", type=int, default=6000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    corpus, held_out = read_corpus(given.corpus), frozenset(filter(None, given.hold_out.split(",")))
    windows, config = Windows(corpus, held_out=held_out), DrawConfig()
    net = teach(windows, config=config, steps=given.steps, beside=given.output.with_suffix(".pt"))
    write_net(net, windows, path=given.output, held_out=held_out, steps=given.steps)
    write_answers(given.output, corpus, held_out=held_out)
    return 0


def write_net(net: TorchDrawNet, windows: Windows, *, path: Path, held_out: frozenset[str], steps: int) -> None:
    """The checkpoint with its card."""
    corpus = windows.corpus
    learnt = ~np.isin(corpus.talker, list(held_out))
    means, root = manners_of(corpus, learnt=learnt)
    extras = {
        "mean": windows.mean, "scale": windows.scale, "manners": means, "style_mean": windows.style_mean,
        "style_scale": windows.style_scale, "restless": root, "answer_gain": np.ones(len(STYLE)),
        "answer_offset": np.zeros(len(STYLE)),
    }  # fmt: skip
    card = (
        f"learnt from: {', '.join(sorted(set(corpus.talker[learnt & corpus.known[:, 0]])))} of GRID, voices of EmoDB\n"
        f"held out: {', '.join(sorted(held_out)) or 'nobody'}\nsteps: {steps}\n"
        f"loss on them: {held_out_loss(net, windows):.3f}\n"
    )
    tensors = {name: array.astype(np.float16) for name, array in net.arrays().items()}
    tensors |= {name: np.asarray(array, np.float32) for name, array in extras.items()}
    metadata = {"format": FORMAT, "config": json.dumps(asdict(net.config)), "card": card,
                "controls": json.dumps(head_controls())}  # fmt: skip
    write_tensors(path, tensors, metadata=metadata)
    assert NUM_VALUES == windows.values.shape[2]


if __name__ == "__main__":
    raise SystemExit(main())
