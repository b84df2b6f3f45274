"""How the judges of pictures learn: from rendered lips of the corpus, and from rendered authored feelings."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array
from face_emote.core.names import EMOTIONS
from face_emote_lab.train.config import DataConfig, ExpressionConfig, TrainConfig
from face_emote_lab.train.crops import make_pool
from tools.train_judges.batches import speech_pool
from tools.train_judges.lip_judges import SyncNet, embedded, random_anchors
from tools.train_judges.picture_losses import FEELING_CAMERA, SYNC_CAMERA, painter, soft_cross_entropy
from tools.train_judges.picture_nets import MOTION, feeling_file, feeling_net, picture_sync_file, picture_sync_net
from tools.train_judges.torch_convnet import Assignment, Student, set_normalisation
from tools.train_network.faces import expression_batch, spoken_pool

FRAMES = 44
"""Of a drawn crop."""
NUM_ANCHORS = 6


def sync_student(task: Assignment, *, drawn: int = 96) -> Student:
    """The SyncNet on pictures: learns from `drawn` crops, is measured on as many others / 4."""
    artist, seed = painter(SYNC_CAMERA), task.seed
    pool = speech_pool(task.corpus, batch=1, frames=FRAMES, hold_out=task.lesson.hold_out)
    task.report(f"drawing {drawn + drawn // 4} crops of {FRAMES} frames")
    rows, pictures = [], []
    with torch.no_grad():
        for number in range(drawn + drawn // 4):
            crop = pool.crops(np.random.default_rng([seed, 11, number]))
            rows.append(torch.from_numpy(crop.rows[0]))
            pictures.append(artist.mouths(torch.from_numpy(crop.lips[0])))
    heard, seen = torch.stack(rows), torch.stack(pictures)
    net, encoder = picture_sync_net(seed=seed)
    set_normalisation(net.audio, heard[:drawn])
    with torch.no_grad():
        set_normalisation(net.motion, encoder(seen[:8].flatten(0, 1)).unflatten(0, (8, FRAMES)))

    def loss(step: int) -> Tensor:
        chosen = torch.from_numpy(np.random.default_rng([seed, 12, step]).permutation(drawn)[: task.lesson.batch])
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        windows = FRAMES - MOTION.window + 1
        anchors = random_anchors(len(chosen), count=NUM_ANCHORS, num_windows=windows, generator=generator)
        known = torch.ones(len(chosen), FRAMES)
        return net.loss(heard[chosen], seen[chosen], known=known, anchors=anchors)

    return Student(
        net,
        loss,
        file=partial(picture_sync_file, net, encoder, path=task.path, x0=pool.pool.x0),
        figures=lambda: _recognised(net, rows=heard[drawn:], pictures=seen[drawn:]),
    )


@torch.no_grad()
def _recognised(net: SyncNet, *, rows: Tensor, pictures: Tensor) -> dict[str, float]:
    """How often a window's own sound beats those at least 100 ms away in its crop, and all of other crops."""
    sound, lips = embedded(net.audio, rows), net.watched(pictures)
    count = min(sound.shape[1], lips.shape[1])
    scores = torch.einsum("ctw,csw->cts", lips[:, :count], sound[:, :count])
    near = (torch.arange(count)[:, None] - torch.arange(count)).abs()
    own = scores.diagonal(dim1=1, dim2=2)
    elsewhere = scores.masked_fill(near < 5, -9.0).amax(2)
    other = torch.einsum("ctw,dtw->ctd", lips[:, :count], sound[:, :count])
    right = other.argmax(2) == torch.arange(len(rows))[:, None]
    return {
        "own sound beats all 100 ms or more away": float((own > elsewhere).double().mean()),
        f"own sound found among {len(rows)} crops": float(right.double().mean()),
    }


def feeling_student(task: Assignment, *, drawn: int = 60) -> Student:
    """The judge of faces: learns from `drawn` batches of 12 authored faces, is measured on a fifth as many others."""
    artist, seed, corpus, batch = painter(FEELING_CAMERA), task.seed, task.corpus, task.lesson.batch
    config = TrainConfig(data=DataConfig(augment=0.0), expression=ExpressionConfig(batch=3, crop_latents=25))
    there = {row.source for row in corpus.clips if row.split == "train"}
    shares = {name: share for name, share in config.data.shares.items() if name in there}
    config = replace(config, data=replace(config.data, shares=shares, hold_out_talkers=task.lesson.hold_out))
    pool = spoken_pool(make_pool(corpus, config.data))
    task.report(f"drawing {(drawn + drawn // 5) * 12} faces")
    pictures, mixes = [], []
    with torch.no_grad():
        for number in range(drawn + drawn // 5):
            rng = np.random.default_rng([seed, 13, number])
            crops = expression_batch(pool, config=config, rng=rng)
            frames = rng.integers(40, crops.targets.shape[1], (3, 4))
            answers = np.take_along_axis(crops.targets, frames[..., None], axis=1).reshape(12, -1)
            pictures.append(artist.feelings(torch.from_numpy(answers.astype(np.float32))))
            mixes.append(_mixes(crops.felt, frames))
    seen, wanted = torch.cat(pictures), torch.cat(mixes)
    train = 12 * drawn
    net = feeling_net(seed=seed)

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([seed, 14, step])
        chosen = torch.from_numpy(rng.integers(0, train, batch))
        noise = torch.from_numpy(rng.normal(0.0, 0.01, (batch, *seen.shape[1:])).astype(np.float32))
        return soft_cross_entropy(net(seen[chosen] + noise), wanted[chosen])

    @torch.no_grad()
    def figures() -> dict[str, float]:
        guessed = net(seen[train:]).argmax(1)
        clear = wanted[train:].amax(1) > 0.6
        right = (guessed == wanted[train:].argmax(1))[clear]
        return {"strongest feeling named, other speech and plans": float(right.double().mean())}

    return Student(net, loss, file=partial(feeling_file, net, path=task.path), figures=figures)


def _mixes(felt: Array, frames: Array) -> Tensor:
    own = np.take_along_axis(felt, frames[..., None], axis=1).reshape(frames.size, -1)[:, : len(EMOTIONS)]
    return torch.from_numpy(np.maximum(own, 0.0).astype(np.float32))
