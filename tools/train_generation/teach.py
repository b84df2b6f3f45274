"""Teach the network that draws takes.

    python -m tools.train_generation.teach CORPUS.npz -o FILE.safetensors [--hold-out s31,s33] [--steps 4500]

A rectified flow: from noise at 0 to tokens at 1, all three streams at one time with one noise. Streams that nobody
knows of a window are left to the noise; of those that are known some are given, mostly the voice, and often the
face's first tokens. The last steps are finer: most windows are learnt beside moments of other clips that sound and move
like them (`recalling`), and what is made of noise has to suit its voice, says a judge of pairs (`suiting`). What is
kept is the mean of the weights over the last steps, whose ways are straightened then (`straighten`). A run goes on from
FILE.pt.
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
from face_emote.generation.layout import FACE_SLICE, NUM_VALUES, SLICES, STYLE, VOICE_SLICE, DrawConfig
from face_emote.generation.net import FORMAT
from face_emote_lab.train.checkpoint_file import write_tensors
from tools.train_generation.answers import write_answers
from tools.train_generation.corpus import TakeCorpus, read_corpus
from tools.train_generation.head_controls import head_controls
from tools.train_generation.straighten import straightened
from tools.train_generation.suiting import Suiting, taught_judge
from tools.train_generation.torch_draw import TorchDrawNet, conditions_of
from tools.train_generation.windows import Batch, Windows

BATCH, RATE, DECAY, KEPT, WARM_UP = 32, 1.5e-3, 0.02, 0.998, 100.0
FEW = 6.0
"""Clips of a talker that count as much as what is known of all talkers."""
_FINER, _FINER_RATE = 2.0 / 9.0, 4e-4
"""Share of the steps that are the last, finer ones."""
_NEARLY_CLEAN = 0.5
"""Time of the flow from which on faces are judged."""


def flow_loss(
    net: TorchDrawNet, batch: Batch, *, dice: torch.Generator, judge: Suiting | None = None, weight: float = 0.0
) -> Tensor:
    """Mean squared error of the velocity where it counts, mean of the streams; and how badly faces suit voices."""
    values, noise, given, counts = batch.values, batch.noise, batch.given, batch.counts
    size = len(values)
    time_of = torch.randn(size, generator=dice).sigmoid()
    widths = torch.tensor([part.stop - part.start for part in SLICES])
    clean = given.float().repeat_interleave(widths, dim=2)
    mixed = noise + time_of[:, None, None] * (values - noise)
    has_style = (torch.rand(size, generator=dice) < 0.9).float()
    velocity = net(
        clean * values + (1.0 - clean) * mixed,
        known=given.float(),
        conditions=conditions_of(time_of, batch.style, has_style),
        memory=(batch.memory, batch.there),
    )
    error = (velocity - (values - noise)) ** 2
    terms = []
    for k, part in enumerate(SLICES):
        mask = counts[:, :, k].float()
        terms.append((error[:, :, part].mean(dim=2) * mask).sum() / mask.sum().clamp_min(1.0))
    total: Tensor = terms[0] + 0.25 * terms[1] + 0.1 * terms[2]
    asked = (time_of > _NEARLY_CLEAN) & given[:, -1, 1] & counts[:, -1, 0]
    if judge is not None and asked.sum() > 1:
        guess = (mixed + (1.0 - time_of[:, None, None]) * velocity)[asked]
        total = total + weight * judge.loss(values[asked][:, :, VOICE_SLICE], guess[:, :, FACE_SLICE])
    return total


def teach(windows: Windows, *, config: DrawConfig, steps: int, beside: Path, suits: float = 0.0) -> TorchDrawNet:
    """Train; the mean of the weights is what comes back. `suits`: weight of the judge of voice and face."""
    judge = taught_judge(windows.learnt_pairs(), seed=0) if suits > 0.0 else None
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
            group["lr"] = rate_at(step, steps=steps)
        chosen = torch.multinomial(windows.chance, BATCH, replacement=True, generator=dice)
        finer = step >= begun_finer(steps)
        batch = windows.batch(chosen, dice=dice, recalls=finer)
        loss = flow_loss(net, batch, dice=dice, judge=judge if finer else None, weight=suits)
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


def begun_finer(steps: int) -> int:
    """Step from which on windows are learnt beside moments, and judged."""
    return steps - int(_FINER * steps)


def rate_at(step: int, *, steps: int) -> float:
    """Rate of learning: it fades to little, and once more from `_FINER_RATE`."""
    begins = begun_finer(steps)
    most, done = (RATE, step / begins) if step < begins else (_FINER_RATE, (step - begins) / (steps - begins))
    return most * min(step / WARM_UP, 1.0) * (0.02 + 0.49 * (1.0 + math.cos(math.pi * done)))


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
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--straight", type=int, default=600, help="steps that straighten the flow")
    parser.add_argument("--suits", type=float, default=0.1, help="weight of the judge of voice and face")
    given = parser.parse_args()
    torch.set_num_threads(1)
    corpus, held_out = read_corpus(given.corpus), frozenset(filter(None, given.hold_out.split(",")))
    windows, config = Windows(corpus, held_out=held_out), DrawConfig()
    net = teach(windows, config=config, steps=given.steps, beside=given.output.with_suffix(".pt"), suits=given.suits)
    net = straightened(net, windows, steps=given.straight)
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
