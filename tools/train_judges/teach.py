"""Train the experts: `python -m tools.train_judges.teach CORPUS -o DIR [--judges] [--only NAME] [--minutes M]`.

Files are named after expert and role: `sync_train.safetensors` teaches (`--experts DIR` of a training run), and
`sync_judge.safetensors`, of another seed, only measures. Without `--minutes` the same corpus and seed give the same
files.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array
from face_emote.core.errors import CorpusError, FaceEmoteError
from face_emote.core.names import EMOTIONS
from face_emote.face.bundled import load_head
from face_emote.network.convnet import ExpertFile
from face_emote.network.hearing import normalised
from face_emote_lab.train.corpus.cache import read_corpus
from face_emote_lab.train.lip_losses import phone_loss
from tools.train_judges.batches import (
    FeelingBatch,
    feeling_batch,
    geometry_known,
    labelled_clips,
    speech_pool,
)
from tools.train_judges.emotional_sync import EmotionalSyncNet, concordance, feeling, soft_targets
from tools.train_judges.experts import COMPOUNDS, load_classifier, load_sync
from tools.train_judges.lip_judges import (
    MOTION,
    READER,
    SyncNet,
    frame_accuracy,
    geometry_of,
    lip_features,
    random_anchors,
    read_sync,
    reader_features,
    shift_logits,
    sync_file,
)
from tools.train_judges.motion_classifier import (
    LEAST_INTENSITY,
    Performances,
    as_captured,
    classifier_net,
    clip_accuracy,
    performances,
)
from tools.train_judges.torch_convnet import (
    Assignment,
    FitConfig,
    Lesson,
    Student,
    TorchConvNet,
    fit,
    set_normalisation,
    write_expert,
)

NUM_ANCHORS = 10
CROP_FRAMES = 104
FAINT_INTENSITY = 0.2
"""From which on the reader of faces (`perception.face`) is to tell a feeling."""
SYNC_TRIALS = 3
"""Random shifts per held-out clip."""
TEACHERS = ("lip_reader", "sync", "emotional_sync")
JUDGES = ("sync", "emotions", "compounds")

logger = logging.getLogger(__name__)


LESSONS = {
    "sync": Lesson(FitConfig(steps=1600), batch=28),
    "lip_reader": Lesson(FitConfig(steps=700), batch=24),
    "emotional_sync": Lesson(FitConfig(steps=500), batch=32),
    "emotions": Lesson(FitConfig(steps=700, rate=1e-3, weight_decay=0.05), batch=64, performances=70),
    "picture_sync": Lesson(FitConfig(steps=400, rate=1e-3), batch=16),
    "picture_feeling": Lesson(FitConfig(steps=400, rate=1e-3), batch=48),
    "face": Lesson(FitConfig(steps=900, rate=1e-3, weight_decay=0.05), batch=64, performances=90),
    "compounds": Lesson(FitConfig(steps=1000, rate=1e-3, weight_decay=0.05), batch=64, performances=60),
}


def teach(task: Assignment) -> dict[str, float]:
    """Train one of `LESSONS`, write it, and return its held-out figures (they also stand in the file's card).

    Raises:
        CorpusError: the corpus holds nothing that this expert could learn from.
    """
    student = STUDENTS[task.name](task)
    steps = fit(student.net, loss_at=student.loss, config=task.lesson.fit, report=task.report)
    write_expert(student.file())
    figures = student.figures()
    lines = [
        f"{task.name}, seed {task.seed}, {steps} steps.",
        *(f"{key}: {value:.3f}" for key, value in figures.items()),
    ]
    write_expert(replace(student.file(), card="\n".join(lines)))
    return figures


def _sync(task: Assignment) -> Student:
    net, lesson = SyncNet(seed=task.seed), task.lesson
    pool = speech_pool(task.corpus, batch=lesson.batch, frames=CROP_FRAMES, hold_out=lesson.hold_out)

    def batch(step: int) -> tuple[Tensor, Tensor, Tensor]:
        crops = pool.crops(np.random.default_rng([task.seed, 1, step]))
        parts = (crops.rows, geometry_of(crops.lips).astype(np.float32), geometry_known(crops))
        rows, lips, known = map(torch.from_numpy, parts)
        return rows, lips, known

    rows, lips, _ = batch(0)
    set_normalisation(net.audio, rows)
    set_normalisation(net.motion, lip_features(lips))

    def loss(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(task.seed * 1_000_003 + step)
        windows = CROP_FRAMES - MOTION.window + 1
        anchors = random_anchors(lesson.batch, count=NUM_ANCHORS, num_windows=windows, generator=generator)
        rows, lips, known = batch(step)
        return net.loss(rows, lips, known=known, anchors=anchors)

    file = partial(sync_file, net, path=task.path, x0=pool.pool.x0)
    return Student(net, loss, file=file, figures=lambda: _sync_figures(task))


def _sync_figures(task: Assignment) -> dict[str, float]:
    """On held-out captured clips: how well an offset of up to 200 ms is found, and each moment's own sound."""
    expert = load_sync(task.path)
    rng = np.random.default_rng(0)
    errors: list[float] = []
    confidence: list[float] = []
    first: list[Array] = []
    net = read_sync(task.path)
    for i, row in task.held_out():
        if row.kind != "capture" or row.num_frames < 75 or len(errors) >= 240:
            continue
        mels, lips = (
            np.asarray(task.corpus.mels(i), np.float32),
            geometry_of(np.asarray(task.corpus.lips(i), np.float32)),
        )
        rows = torch.from_numpy(normalised(mels, expert.x0))[None]
        scores = shift_logits(net, torch.from_numpy(lips)[None], rows=rows, late=torch.zeros(1, dtype=torch.int64))
        first.append((scores.argmax(dim=-1) == 0).numpy().ravel())
        for _ in range(SYNC_TRIALS):
            shift = int(rng.integers(-10, 11))
            late = lips[np.clip(np.arange(len(lips)) - shift, 0, len(lips) - 1)]
            offset, sure = expert.offset_and_confidence(mels, late)
            errors.append(offset - 20.0 * shift)
            confidence.append(sure)
    found = np.abs(np.array(errors)) if errors else np.full(1, np.nan)
    return {
        "offset within 20 ms": float((found <= 20.0).mean()),
        "offset within 40 ms": float((found <= 40.0).mean()),
        "median error ms": float(np.median(found)),
        "mean confidence": float(np.mean(confidence)) if confidence else float("nan"),
        "own sound first of eleven": float(np.concatenate(first).mean()) if first else float("nan"),
        "shifted clips": float(len(errors)),
    }


def _lip_reader(task: Assignment) -> Student:
    net, lesson = TorchConvNet(READER, generator=torch.Generator().manual_seed(task.seed)), task.lesson
    pool = speech_pool(task.corpus, batch=lesson.batch, frames=CROP_FRAMES, hold_out=lesson.hold_out)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([task.seed, 2, step])
        now = pool.crops(rng)
        noise = rng.normal(0.0, 0.004, now.lips.shape) * (rng.random((lesson.batch, 1, 1)) < 0.5)
        lips = torch.from_numpy((now.lips + noise).astype(np.float32))
        whole = torch.from_numpy(now.known.min(axis=-1)) > 0.0
        return reader_features(lips), torch.where(whole, torch.from_numpy(now.phones), 255)

    set_normalisation(net, batch(0)[0])

    def loss(step: int) -> Tensor:
        features, phones = batch(step)
        return phone_loss(net(features), phones)

    def file() -> ExpertFile:
        return ExpertFile(task.path, kind="lip_reader", stacks={"net": net.in_numpy()})

    return Student(net, loss, file=file, figures=lambda: _reader_figures(task, net))


@torch.no_grad()
def _reader_figures(task: Assignment, net: TorchConvNet) -> dict[str, float]:
    """Share of held-out speech frames whose phone is read right, of tracked lips and of taught lips."""
    figures = {}
    for name, kinds in (("captured", ("capture",)), ("taught", ("voice", "tts"))):
        right = spoken = 0
        for i, row in task.held_out():
            if row.kind in kinds and row.num_frames < 1500:
                lips = torch.from_numpy(np.asarray(task.corpus.lips(i), np.float32))
                phones = torch.from_numpy(np.asarray(task.corpus.phones(i), np.int64))
                own_right, own_spoken = frame_accuracy(net(reader_features(lips[None]))[0], phones)
                right, spoken = right + own_right, spoken + own_spoken
        figures[f"frame accuracy, {name} lips"] = right / spoken if spoken else float("nan")
    return figures


def _emotional_sync(task: Assignment) -> Student:
    clips = labelled_clips(task.corpus, split="train")
    if not len(clips):
        folder = task.corpus.folder
        raise CorpusError(f"No clip names the emotion of its voice; add emodb or jtalk to the corpus: {folder}")
    net = EmotionalSyncNet(seed=task.seed)
    x0 = speech_pool(task.corpus, batch=1, frames=CROP_FRAMES).pool.x0

    def batch(step: int) -> FeelingBatch:
        rng = np.random.default_rng([task.seed, 3, step])
        return feeling_batch(task.corpus, clips, x0=x0, size=task.lesson.batch, rng=rng)

    first = batch(0)
    set_normalisation(net.voice, torch.from_numpy(first.rows))
    set_normalisation(net.face, torch.from_numpy(first.face))

    def loss(step: int) -> Tensor:
        now = batch(step)
        rows, face, heard, seen = map(torch.from_numpy, (now.rows, now.face, now.voice_vad, now.face_vad))
        return net.loss(rows, face, voice_vad=heard, face_vad=seen)

    def file() -> ExpertFile:
        match = np.array([float(net.log_steepness.detach().exp()), float(net.reach.detach())])
        stacks = {"voice": net.voice.in_numpy(), "face": net.face.in_numpy()}
        return ExpertFile(task.path, kind="emotional_sync", stacks=stacks, extras={"x0": x0, "match": match})

    return Student(net, loss, file=file, figures=lambda: _feeling_figures(task, net, x0=x0))


@torch.no_grad()
def _feeling_figures(task: Assignment, net: EmotionalSyncNet, *, x0: Array) -> dict[str, float]:
    """On held-out voices: CCC of both VAD heads, and how often a match beats a mismatch (area under the curve)."""
    clips = labelled_clips(task.corpus, split="test")
    if not len(clips):
        return {}
    now = feeling_batch(task.corpus, clips, x0=x0, size=6 * task.lesson.batch, rng=np.random.default_rng(4))
    rows, face, voice_vad, face_vad = map(torch.from_numpy, (now.rows, now.face, now.voice_vad, now.face_vad))
    heard, seen = feeling(net.voice, rows), feeling(net.face, face)
    scores, targets = net.matching(heard, seen).numpy(), soft_targets(voice_vad, face_vad).numpy()
    names = ("valence", "arousal", "dominance")
    figures = {f"CCC {n}, face": float(c) for n, c in zip(names, concordance(seen.vad, face_vad), strict=True)}
    figures |= {f"CCC {n}, voice": float(c) for n, c in zip(names, concordance(heard.vad, voice_vad), strict=True)}
    return figures | {"matches above mismatches": _area_under_curve(scores[targets > 0.7], scores[targets < 0.1])}


def _area_under_curve(better: Array, worse: Array) -> float:
    """Probability that a random one of the first beats one of the second."""
    if not len(better) or not len(worse):
        return float("nan")
    place = np.searchsorted(np.sort(worse), better)
    return float(place.mean() / len(worse))


def _classifier(task: Assignment) -> Student:
    labels, lesson = COMPOUNDS if task.name == "compounds" else EMOTIONS, task.lesson
    least = FAINT_INTENSITY if task.name == "face" else LEAST_INTENSITY
    task.report(f"performing {lesson.performances * len(labels)} clips")

    def performed(count: int, *, seed: int, split: str) -> Performances:
        return performances(task.corpus, labels=labels, count=count, head=load_head(), seed=seed, split=split,
                            least=least)  # fmt: skip

    known = performed(lesson.performances, seed=task.seed, split="train")
    net = classifier_net(len(labels), seed=task.seed)
    set_normalisation(net, torch.from_numpy(known.windows))

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([task.seed, 5, step])
        chosen = rng.choice(len(known.label), size=lesson.batch)
        spread = rng.normal(0.0, 0.1, (lesson.batch, 1, known.windows.shape[2])) * net.scale.numpy()
        seen = as_captured(known.windows[chosen], rng) if task.name == "face" else known.windows[chosen]
        windows = torch.from_numpy((seen + spread).astype(np.float32))
        return functional.cross_entropy(net(windows), torch.from_numpy(known.label[chosen]), label_smoothing=0.05)

    def file() -> ExpertFile:
        return ExpertFile(task.path, kind="motion_classifier", stacks={"net": net.in_numpy()}, labels=labels)

    def figures() -> dict[str, float]:
        count = max(lesson.performances // 6, 2)
        fresh = performed(count, seed=task.seed + 1, split="test")
        accuracy = clip_accuracy(load_classifier(task.path).net(fresh.windows), fresh)
        return {"accuracy, other speech and seeds": accuracy, "performances": 1.0 * count * len(labels)}

    return Student(net, loss, file=file, figures=figures)


def _pictures(task: Assignment) -> Student:
    """Imported here: the judges of pictures need the renderer."""
    from tools.train_judges import picture_lessons as lessons

    return lessons.feeling_student(task) if task.name == "picture_feeling" else lessons.sync_student(task)


STUDENTS: dict[str, Callable[[Assignment], Student]] = {
    "sync": _sync, "lip_reader": _lip_reader, "emotional_sync": _emotional_sync,
    "emotions": _classifier, "face": _classifier, "compounds": _classifier,
    "picture_sync": _pictures, "picture_feeling": _pictures,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 2 for a user's mistake."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_judges.teach", description="Train the experts.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the trained experts")
    parser.add_argument("--only", action="append", choices=sorted(LESSONS), help="train this one; may be repeated")
    parser.add_argument("--judges", action="store_true", help="train the instances that measure")
    parser.add_argument("--seed", type=int, default=None, help="0 for those who teach, 7 for judges")
    parser.add_argument("--steps", type=int, default=0, help="instead of each expert's own number")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop each one after so long")
    parser.add_argument("--hold-out", default="", help="talkers not to learn from, separated by commas")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    hold_out = tuple(filter(None, given.hold_out.split(",")))
    role, seed = ("judge", 7) if given.judges else ("train", 0)
    seed = seed if given.seed is None else given.seed
    try:
        corpus = read_corpus(given.corpus)
        given.output.mkdir(parents=True, exist_ok=True)
        for name in given.only or (JUDGES if given.judges else TEACHERS):
            lesson = LESSONS[name]
            fitting = replace(lesson.fit, steps=given.steps or lesson.fit.steps, minutes=given.minutes)
            path = given.output / f"{name}_{role}.safetensors"
            lesson, report = replace(lesson, fit=fitting, hold_out=hold_out), partial(logger.info, "%s: %s", name)
            figures = teach(Assignment(name, corpus, lesson=lesson, seed=seed, path=path, report=report))
            logger.info("%s: %s", path.name, ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    except FaceEmoteError as error:
        logger.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
