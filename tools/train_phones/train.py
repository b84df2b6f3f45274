"""Train the phone net: `python -m tools.train_phones.train DATA -o phone_net.npz` from the repository's root.

DATA holds librispeech/, vctk/, grid_s1/, grid_talkers/ and emodb/ (see the model card in assets/phones).
Needs torch; one thread; about 25 minutes on one core. All chance comes from --seed.
"""

import argparse
import logging
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from face_emote.audio.logmel import log_mels
from face_emote.audio.phone_net import OUTSIDE, lip_class_of, normalised_mels
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import PHONES
from tools.train_phones.augment import augmented
from tools.train_phones.corpus import IGNORED, Clip, read_corpus
from tools.train_phones.torch_net import TorchPhoneNet, exported

CROP = 300
BATCH = 24
CORPUS_SHARES = {"librispeech": 0.63, "vctk": 0.05, "grid_s1": 0.08, "grid": 0.10, "emodb": 0.14}
"""How often a crop comes from each corpus; GRID's 51 words must not become the language."""
logger = logging.getLogger("train_phones")

Example = tuple[Float[Array, "frames band"], Int[Array, " frames"]]


def main() -> None:
    """Train and write the net; a checkpoint lies beside it after every measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=4, help="augmented copies of each clip besides the clean one")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="npz that keeps the features between runs")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    clips = read_corpus(options.data)
    examples = _examples(clips, copies=options.copies, seed=options.seed, cache=options.cache)
    train = [(clip, example) for clip, own in zip(clips, examples, strict=True) if not clip.held_out for example in own]
    test = [(clip, own[0]) for clip, own in zip(clips, examples, strict=True) if clip.held_out]
    logger.info("%d training examples, %d held-out clips", len(train), len(test))
    net = _trained(train, test, steps=options.steps, seed=options.seed, output=options.output)
    _write(net, clips, train, options.output)


def _examples(clips: list[Clip], *, copies: int, seed: int, cache: Path | None) -> list[list[Example]]:
    """Per clip: the clean example first, then its augmented copies (training clips only)."""
    if cache is not None and cache.is_file():
        with np.load(cache) as file:
            stored = {name: file[name] for name in file.files}
        return [
            [(stored[f"x{i}_{k}"], stored[f"y{i}_{k}"]) for k in range(copies + 1) if f"x{i}_{k}" in stored]
            for i in range(len(clips))
        ]
    rng = np.random.default_rng(seed)
    voices = [clip for clip in clips if clip.corpus == "librispeech" and not clip.held_out][:30]
    crowd = [read_speech(clip.path).samples for clip in voices]
    out: list[list[Example]] = []
    for i, clip in enumerate(clips):
        samples = read_speech(clip.path).samples
        own = [_example(samples, clip, 1.0)]
        for _ in range(0 if clip.held_out else copies if clip.talker != "s1" else min(copies, 1)):
            babble = np.sum([np.resize(crowd[j], len(samples)) for j in rng.integers(len(crowd), size=3)], axis=0)
            changed, stretch = augmented(samples, babble=babble, rng=rng)
            own.append(_example(changed, clip, stretch))
        out.append(own)
        if i % 200 == 0:
            logger.info("features of clip %d of %d", i, len(clips))
    if cache is not None:
        stored = {
            f"{n}{i}_{k}": a
            for i, own in enumerate(out)
            for k, e in enumerate(own)
            for n, a in zip("xy", e, strict=True)
        }
        np.savez(cache, **stored)
    return out


def _example(samples: Float[Array, " samples"], clip: Clip, stretch: float) -> Example:
    rows = np.concatenate(list(normalised_mels(log_mels([samples]))))
    return rows.astype(np.float16), clip.labels(len(rows), stretch=stretch).astype(np.uint8)


def _trained(
    train: list[tuple[Clip, Example]], test: list[tuple[Clip, Example]], *, steps: int, seed: int, output: Path
) -> TorchPhoneNet:
    rng = np.random.default_rng(seed + 1)
    net = TorchPhoneNet()
    best = TorchPhoneNet()  # running mean of the weights
    best.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=2.5e-3, weight_decay=0.01)
    pools = {
        name: [example for clip, example in train if (clip.talker if clip.talker == "s1" else clip.corpus) == key]
        for name, key in (("librispeech",) * 2, ("vctk",) * 2, ("grid_s1", "s1"), ("grid",) * 2, ("emodb",) * 2)
    }
    lengths = {name: np.array([len(x) for x, _ in pool], float) for name, pool in pools.items()}
    phone_weights, lip_weights = _class_weights(train)
    losses = []
    start = time.process_time()
    for step in range(steps):
        rate = 2.5e-3 * min(1.0, (step + 1) / 300) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = max(rate, 1e-5)
        rows, labels = _batch(pools, lengths, net.reach, rng)
        logits = net(rows)
        phones, lips = logits[..., : len(PHONES)], logits[..., len(PHONES) :]
        loss = torch.nn.functional.cross_entropy(
            phones.flatten(0, 1), labels.flatten(), weight=phone_weights, label_smoothing=0.05, ignore_index=IGNORED
        ) + 0.5 * torch.nn.functional.cross_entropy(
            lips.flatten(0, 1), _lip_labels(labels).flatten(), weight=lip_weights, ignore_index=IGNORED
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        losses.append(float(loss))
        keep = min(0.999, step / (step + 50))
        with torch.no_grad():
            for a, b in zip(best.state_dict().values(), net.state_dict().values(), strict=True):
                a.copy_(a * keep + b * (1.0 - keep) if a.is_floating_point() else b)
        if (step + 1) % 500 == 0 or step + 1 == steps:
            seconds = time.process_time() - start
            logger.info(
                "step %d loss %.3f cpu %.0f s: %s", step + 1, np.mean(losses[-500:]), seconds, _measured(best, test)
            )
            torch.save(best.state_dict(), output.with_suffix(".pt"))
    return best


def _lip_labels(labels: torch.Tensor) -> torch.Tensor:
    known = lip_class_of(np.minimum(labels.numpy(), len(PHONES) - 1))
    return torch.from_numpy(np.where(labels.numpy() == IGNORED, IGNORED, known))


def _frame_counts(train: list[tuple[Clip, Example]]) -> Float[Array, " phone"]:
    """Training frames of each phone, talker s1 with his fixed grammar left out, plus 1."""
    counts = [np.bincount(y[y != IGNORED], minlength=len(PHONES)) for clip, (_, y) in train if clip.talker != "s1"]
    out: Float[Array, " phone"] = np.sum(counts, axis=0) + 1.0
    return out


def _class_weights(train: list[tuple[Clip, Example]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rare phones and lip closures count more: weight = share ** -0.35, mean 1 over the frames."""
    count = _frame_counts(train)
    lips = np.bincount(lip_class_of(np.arange(len(PHONES))), weights=count)
    weights = [(c / c.sum()) ** -0.35 for c in (count, lips)]
    normed = [w / (w * c).sum() * c.sum() for w, c in zip(weights, (count, lips), strict=True)]
    return torch.from_numpy(normed[0]).float(), torch.from_numpy(normed[1]).float()


def _batch(
    pools: dict[str, list[Example]], lengths: dict[str, Float[Array, " example"]], reach: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    rows = np.full((BATCH, CROP + 2 * reach, 40), OUTSIDE, np.float32)
    labels = np.zeros((BATCH, CROP), np.int64)
    names = list(pools)
    for b, which in enumerate(rng.choice(len(names), size=BATCH, p=[CORPUS_SHARES[n] for n in names])):
        pool, length = pools[names[which]], lengths[names[which]]
        x, y = pool[rng.choice(len(pool), p=length / length.sum())]
        first = int(rng.integers(-20, max(len(x) - CROP + 20, -19)))
        a, z = max(first, 0), min(first + CROP, len(x))
        labels[b, a - first : z - first] = y[a:z]
        a, z = max(first - reach, 0), min(first + CROP + reach, len(x))
        rows[b, a - first + reach : z - first + reach] = x[a:z]
        for _ in range(2):  # masked bands
            low, width = int(rng.integers(40)), int(rng.integers(7))
            rows[b, :, low : low + width] = rows[b, :, low : low + width].mean()
    return torch.from_numpy(rows), torch.from_numpy(labels)


def _measured(net: TorchPhoneNet, test: list[tuple[Clip, Example]]) -> str:
    """Held-out frame accuracy of phones and recall/precision of bilabial frames, by corpus."""
    net.eval()
    parts = []
    with torch.no_grad():
        for corpus in ("librispeech", "vctk", "grid", "emodb"):
            truth, guess, lip = [], [], []
            for clip, (x, y) in test:
                if clip.corpus == corpus:
                    padded = np.pad(x.astype(np.float32), ((net.reach, net.reach), (0, 0)), constant_values=OUTSIDE)
                    logits = net(torch.from_numpy(padded)[None])[0]
                    guess.append(logits[:, : len(PHONES)].argmax(1).numpy())
                    lip.append(logits[:, len(PHONES) :].argmax(1).numpy())
                    truth.append(y)
            known = np.concatenate(truth) != IGNORED
            y, g, c = (np.concatenate(part)[known] for part in (truth, guess, lip))
            real = lip_class_of(y.astype(np.int64)) == 1
            parts.append(
                f"{corpus} {np.mean(y == g):.3f} bilabial recall {np.mean(c[real] == 1):.2f} "
                f"precision {np.mean(real[c == 1]):.2f}"
            )
    net.train()
    return "; ".join(parts)


def _write(net: TorchPhoneNet, clips: list[Clip], train: list[tuple[Clip, Example]], output: Path) -> None:
    """Weights plus the statistics that the decoder needs; GRID's grammar stays out of the bigram."""
    count = _frame_counts(train)
    bigram = np.full((len(PHONES), len(PHONES)), 0.3)
    frames, times = np.zeros(len(PHONES)), np.zeros(len(PHONES))
    for clip in clips:
        if clip.held_out or clip.corpus in ("grid", "emodb"):
            continue
        index = [PHONES.index(label) if label in PHONES else 0 for label, _, _ in clip.phones]
        np.add.at(bigram, (index[:-1], index[1:]), 1.0)
        np.add.at(frames, index, [100.0 * (end - start) for _, start, end in clip.phones])
        np.add.at(times, index, 1.0)
    arrays: dict[str, Any] = {**exported(net)}
    arrays["log_prior"] = np.log(count / count.sum()).astype(np.float16)
    arrays["log_bigram"] = np.log(bigram / bigram.sum(axis=1, keepdims=True)).astype(np.float16)
    arrays["mean_frames"] = (frames / np.maximum(times, 1.0)).astype(np.float16)
    beside = output.with_suffix(".part.npz")
    np.savez_compressed(beside, **arrays)
    beside.replace(output)
    logger.info("%d weights, %d bytes: %s", sum(a.size for a in arrays.values()), output.stat().st_size, output.name)


if __name__ == "__main__":
    main()
