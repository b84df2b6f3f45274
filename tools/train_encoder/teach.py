"""Teach the encoder: `python -m tools.train_encoder.teach CACHE -o DIR`.

Masked: tokens are hidden and what they hold is guessed from the others, on everything but EmoDB and what measures.
Taught: feelings of voice, words, face and of all together are named, with senses left out at random; from scratch and
from the masked one, by folds of two of EmoDB's eight actors, and once with all of them: `final.safetensors`, which is
shipped. A stage whose file is in DIR is not run again.
"""

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array
from face_emote.core.names import EMOTIONS
from face_emote.perception.encoder import EncoderSpec
from face_emote.perception.encoder_inputs import KINDS, WIDTHS
from face_emote.perception.voice import BURSTS, VOICE_CLASSES
from face_emote.perception.words import FINE_WORDS
from tools.train_encoder.encoder_file import write_encoder
from tools.train_encoder.lessons import Lesson, School, cut, hidden_tokens, in_buckets
from tools.train_encoder.moments import Moment, read_moments
from tools.train_encoder.torch_encoder import Batch, TorchEncoder

FOLDS = (("03", "12"), ("08", "11"), ("09", "10"), ("13", "14"))
"""Of EmoDB's actors: those that measure."""
MASKED_STEPS, TAUGHT_STEPS = 3600, 600
MASKED_SIZE, BUCKET = 192, 48
RATE, WEIGHT_DECAY = 1.5e-3, 0.05
DROPOUT, POOL_DROPOUT, NOISE, SMOOTHING, MIXUP = 0.1, 0.3, 0.15, 0.05, 0.4
STILL_HIDDEN, HIDE_EVERY = 1.0, 3
"""Weight of hidden tokens while feelings are taught to what was masked before, and in how many steps."""

logger = logging.getLogger(__name__)


class Pupil(nn.Module):
    """The encoder and what it is asked while it learns."""

    def __init__(self, spec: EncoderSpec, *, seed: int) -> None:
        """Untaught."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.net = TorchEncoder(spec, generator=generator)
        width = spec.width
        self.guesses = nn.ModuleList(_linear(width, size, generator) for size in WIDTHS)
        self.heads = nn.ModuleDict({
            "voice": _linear(3 * width, len(VOICE_CLASSES) + len(BURSTS) + 1 + 3, generator),
            "words": _linear(2 * width, len(EMOTIONS) + len(FINE_WORDS), generator),
            "face": _linear(2 * width, len(EMOTIONS) + 3, generator),
            "whole": _linear(width, len(EMOTIONS) + 3, generator),
        })  # fmt: skip

    def guessed(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """How far hidden tokens are guessed wrongly, in the mean over kinds."""
        hidden = hidden_tokens(batch, rng)
        states = self.net(batch, masked=hidden, dropout=0.0)
        losses = []
        for k in range(len(KINDS)):
            if bool(hidden[k].any()):
                guess = self.guesses[k](states[batch.moment[k][hidden[k]], batch.column[k][hidden[k]]])
                known = batch.known[k][hidden[k]]
                apart = functional.smooth_l1_loss(guess, batch.rows[k][hidden[k]], reduction="none")
                losses.append((apart * known).sum() / known.sum().clamp(min=1.0))
        return torch.stack(losses).mean()

    def pooled(self, batch: Batch) -> Tensor:
        """All parts of the embedding, some numbers left out at random."""
        pooled = self.net.pooled(self.net(batch, dropout=DROPOUT), batch)
        return functional.dropout(pooled, POOL_DROPOUT, self.training)

    def answers(self, pooled: Tensor) -> dict[str, Tensor]:
        """Of each head."""
        parts = {"voice": slice(0, 3), "words": slice(3, 5), "face": slice(5, 7), "whole": slice(7, 8)}
        width = self.net.spec.width
        return {
            name: self.heads[name](pooled[:, part.start * width : part.stop * width]) for name, part in parts.items()
        }

    def named(self, batch: Batch, lessons: Sequence[Lesson], rng: np.random.Generator) -> Tensor:
        """How far feelings are named wrongly; voices of two moments are named as the mixture that they are."""
        pooled = self.pooled(batch)
        said = self.answers(pooled)
        count = len(VOICE_CLASSES)
        voices, bursts = np.array([[getattr(lesson, name) for lesson in lessons] for name in ("voice", "burst")])
        loss = self._mixed(pooled, voices, slice(0, count), rng=rng)
        loss = loss + self._mixed(pooled, bursts, slice(count, count + len(BURSTS) + 1), rng=rng)
        columns = [(said["words"], 0, 8), (said["face"], 0, 8), (said["whole"], 0, 8)]
        for i, (answer, first, stop) in enumerate(columns):
            loss = loss + _shared(answer[:, first:stop], np.stack([lesson.mixes[i] for lesson in lessons]))
        for i, answer in enumerate((said["voice"], said["face"], said["whole"])):
            loss = loss + 2.0 * _near(answer[:, -3:], np.stack([lesson.vads[i] for lesson in lessons]))
        fine = np.stack([lesson.fine if lesson.fine is not None else np.full(28, np.nan) for lesson in lessons])
        there = np.isfinite(fine).all(axis=1)
        if there.any():
            loss = loss + 4.0 * functional.binary_cross_entropy_with_logits(
                said["words"][there, 8:], torch.from_numpy(fine[there].astype(np.float32))
            )
        return loss

    def _mixed(self, pooled: Tensor, label: Array, columns: slice, *, rng: np.random.Generator) -> Tensor:
        """Mixup of what is pooled of the voices that have a label."""
        there = np.flatnonzero(label >= 0)
        if not len(there):
            return pooled.sum() * 0.0
        share, pair = rng.beta(MIXUP, MIXUP, (len(there), 1)).astype(np.float32), rng.permutation(len(there))
        known = np.eye(columns.stop - columns.start, dtype=np.float32)[label[there]]
        own, part = torch.from_numpy(share), pooled[there, : 3 * self.net.spec.width]
        said = self.heads["voice"](own * part + (1.0 - own) * part[pair])[:, columns]
        return _shared(said, share * known + (1.0 - share) * known[pair])


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(outputs, inputs, generator=generator) / inputs**0.5)
        layer.bias.zero_()
    return layer


def _shared(logits: Tensor, mixes: Array) -> Tensor:
    there = np.isfinite(mixes).all(axis=1)
    if not there.any():
        return logits.sum() * 0.0
    soft = (1.0 - SMOOTHING) * mixes[there] + SMOOTHING / mixes.shape[1]
    return -(torch.from_numpy(soft.astype(np.float32)) * logits[there].log_softmax(dim=1)).sum(dim=1).mean()


def _near(answers: Tensor, wanted: Array) -> Tensor:
    there = np.isfinite(wanted).all(axis=1)
    if not there.any():
        return answers.sum() * 0.0
    return functional.mse_loss(answers[there], torch.from_numpy(wanted[there].astype(np.float32)))


def taught(pupil: Pupil, school: School, *, steps: int, seed: int, names: bool, hides: float) -> list[float]:
    """Train in place; `names` feelings, `hides` tokens with that weight. Returns the loss of each step."""
    optimiser = torch.optim.AdamW(pupil.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98))
    pupil.train()
    spent = time.process_time()
    losses: list[float] = []
    lessons: Iterator[list[Lesson]] = iter(())
    for step in range(steps):
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(int(rng.integers(2**31)))
        share = step / steps
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * share)) + 1e-6
        loss = torch.zeros(())
        if names:
            own = school.taught_lessons(rng)
            for bucket in in_buckets(own, len(own) // 2 + 1):
                batch = noisy(pupil.net.batch([lesson.tracks for lesson in bucket]))
                loss = loss + 0.5 * pupil.named(batch, bucket, rng)
        if hides and (step % HIDE_EVERY == 0 or not names):
            found = next(lessons, None)
            if found is None:
                buckets = list(in_buckets(school.hidden_lessons(rng, size=MASKED_SIZE), BUCKET))
                lessons = iter([buckets[i] for i in rng.permutation(len(buckets))])
                found = next(lessons)
            loss = loss + hides * pupil.guessed(pupil.net.batch([lesson.tracks for lesson in found]), rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            cost = time.process_time() - spent
            logger.info("step %d: loss %.4f, %.0f CPU-s", step + 1, np.mean(losses[-100:]), cost)
    pupil.eval()
    return losses


def noisy(batch: Batch) -> Batch:
    """The same with noise on every figure."""
    rows = tuple(row + NOISE * torch.randn_like(row) for row in batch.rows)
    return Batch(rows, batch.known, batch.moment, batch.column, batch.place, batch.there)


def set_pools(pupil: Pupil, moments: Sequence[Moment]) -> None:
    """Standardise every part of the embedding over moments in which it is there."""
    spec = pupil.net.spec
    found = []
    with torch.no_grad():
        for first in range(0, len(moments), BUCKET):
            batch = pupil.net.batch([cut(m.tracks, chunk=spec.chunk) for m in moments[first : first + BUCKET]])
            found.append(pupil.net.pooled(pupil.net(batch), batch).numpy())
        pooled = np.concatenate(found).reshape(-1, spec.embedding // spec.width, spec.width)
        there = np.abs(pooled).sum(axis=2) > 0.0
        means = np.stack([pooled[there[:, part], part].mean(axis=0) for part in range(pooled.shape[1])])
        spreads = np.stack([pooled[there[:, part], part].std(axis=0) for part in range(pooled.shape[1])])
        pupil.net.weight("pool.mean").copy_(torch.from_numpy(means.ravel()))
        pupil.net.weight("pool.scale").copy_(torch.from_numpy(np.maximum(spreads.ravel(), 1e-3)))


def stage(path: Path, moments: Sequence[Moment], *, start: Path | None, without: Sequence[str], names: bool,
          hides: float, steps: int) -> None:  # fmt: skip
    """Run one stage, unless its file is there."""
    if path.exists():
        return
    logger.info("%s", path.stem)
    spec = EncoderSpec()
    pupil = Pupil(spec, seed=0)
    school = School(moments, without=without, chunk=spec.chunk)
    if start is None:
        some = [m for own in school.moments.values() for m in own[::3]]
        with torch.no_grad():
            pupil.net.set_normalisation([m.tracks for m in some])
    else:
        pupil.load_state_dict(torch.load(start))
    taught(pupil, school, steps=steps, seed=1, names=names, hides=hides)
    rng = np.random.default_rng(0)
    set_pools(pupil, [own[i] for own in school.moments.values() for i in rng.permutation(len(own))[:600]])
    torch.save(pupil.state_dict(), path)


def read_pupil(path: Path) -> Pupil:
    """A stage's result."""
    pupil = Pupil(EncoderSpec(), seed=0)
    pupil.load_state_dict(torch.load(path))
    return pupil.eval()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages that are missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_encoder.teach")
    parser.add_argument("cache", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, nargs=2, default=(MASKED_STEPS, TAUGHT_STEPS), help="masked, taught")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    given.output.mkdir(parents=True, exist_ok=True)
    moments, folder = read_moments(given.cache), given.output
    actors = tuple(sorted({m.talker for m in moments if m.corpus == "emodb"}))
    masked = folder / "masked.pt"
    for i, fold in enumerate(FOLDS):
        stage(folder / f"scratch{i}.pt", moments, start=None, without=fold, names=True, hides=0.0, steps=given.steps[1])
        stage(masked, moments, start=None, without=actors, names=False, hides=1.0, steps=given.steps[0])
        stage(folder / f"taught{i}.pt", moments, start=masked, without=fold, names=True, hides=STILL_HIDDEN,
              steps=given.steps[1])  # fmt: skip
    stage(folder / "final.pt", moments, start=masked, without=(), names=True, hides=STILL_HIDDEN, steps=given.steps[1])
    write_encoder(read_pupil(folder / "final.pt").net.in_numpy(), folder / "final.safetensors", card="see encoder.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
