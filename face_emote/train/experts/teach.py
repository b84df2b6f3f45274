"""Training of each expert: batches, loss, held-out figures, file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Array
from face_emote.core.errors import CorpusError
from face_emote.face.bundled import load_head
from face_emote.network.convnet import ConvNetSpec, write_expert
from face_emote.network.experts import geometry_of, load_classifier, load_emotional_sync, load_lip_reader, load_sync
from face_emote.train.corpus.cache import Corpus
from face_emote.train.experts.batches import (
    FeelingBatch,
    SpeechCrops,
    feeling_batch,
    labelled_clips,
    speech_crops,
    speech_pool,
)
from face_emote.train.experts.emotional_sync import (
    FACE,
    VOICE,
    EmotionalSyncNet,
    concordance,
    feeling,
    matching_logits,
    soft_targets,
)
from face_emote.train.experts.lip_judges import (
    AUDIO,
    MOTION,
    READER,
    SyncNet,
    frame_accuracy,
    lip_features,
    lip_reader_net,
    random_anchors,
    reader_features,
)
from face_emote.train.experts.motion_classifier import (
    Performances,
    classifier_net,
    classifier_spec,
    clip_accuracy,
    labels_of,
    performances,
)
from face_emote.train.experts.torch_convnet import FitConfig, Report, fit, set_normalisation
from face_emote.train.lip_losses import phone_loss

NUM_ANCHORS = 10
CROP_FRAMES = 104
SYNC_TRIALS = 3
"""Random shifts per held-out clip."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """How one expert is trained."""

    fit: FitConfig
    batch: int
    performances: int = 0
    """Per label, for those who judge performances."""
    hold_out: tuple[str, ...] = ()
    """Talkers that are not learnt from."""


LESSONS = {
    "sync": Lesson(FitConfig(steps=1600), batch=28),
    "lip_reader": Lesson(FitConfig(steps=700), batch=24),
    "emotional_sync": Lesson(FitConfig(steps=500), batch=32),
    "emotions": Lesson(FitConfig(steps=700, rate=1e-3), batch=64, performances=70),
    "picture_sync": Lesson(FitConfig(steps=400, rate=1e-3), batch=16),
    "picture_feeling": Lesson(FitConfig(steps=400, rate=1e-3), batch=48),
    "compounds": Lesson(FitConfig(steps=1000, rate=1e-3), batch=64, performances=60),
}


def teach(name: str, corpus: Corpus, *, lesson: Lesson, seed: int, path: Path, report: Report) -> dict[str, float]:
    """Train one of `LESSONS`, write it, and return its held-out figures (they also stand in the file's card).

    Raises:
        CorpusError: the corpus holds nothing that this expert could learn from.
    """
    teachers: dict[str, Callable[..., dict[str, float]]] = {
        "sync": _sync, "lip_reader": _lip_reader, "emotional_sync": _emotional_sync,
        "emotions": _classifier, "compounds": _classifier, "picture_sync": _pictures, "picture_feeling": _pictures,
    }  # fmt: skip
    return teachers[name](name, corpus, lesson=lesson, seed=seed, path=path, report=report)


def _sync(name: str, corpus: Corpus, *, lesson: Lesson, seed: int, path: Path, report: Report) -> dict[str, float]:
    net = SyncNet(seed=seed)
    pool = speech_pool(corpus, batch=lesson.batch, frames=CROP_FRAMES, hold_out=lesson.hold_out)

    def crops(step: int) -> SpeechCrops:
        return speech_crops(pool, np.random.default_rng([seed, 1, step]))

    first = crops(0)
    set_normalisation(net.audio, torch.from_numpy(first.rows))
    set_normalisation(net.motion, lip_features(torch.from_numpy(first.geometry())))

    def loss(step: int) -> Tensor:
        now = crops(step)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        anchors = random_anchors(
            lesson.batch, count=NUM_ANCHORS, num_windows=CROP_FRAMES - MOTION.window + 1, generator=generator
        )
        return net.loss(
            torch.from_numpy(now.rows),
            torch.from_numpy(now.geometry()),
            known=torch.from_numpy(now.geometry_known()),
            anchors=anchors,
        )

    steps = fit(net, loss_at=loss, config=lesson.fit, report=report)
    weights = net.audio.weights(prefix="audio.") | net.motion.weights(prefix="motion.")
    write = _writer(path, kind="sync", specs={"audio": AUDIO, "motion": MOTION}, weights=weights)
    write({"x0": pool.pool.x0}, card="")
    figures = sync_figures(corpus, path, hold_out=lesson.hold_out)
    write({"x0": pool.pool.x0}, card=_card(name, seed=seed, steps=steps, figures=figures))
    return figures


def sync_figures(corpus: Corpus, path: Path, *, hold_out: tuple[str, ...] = ()) -> dict[str, float]:
    """On held-out captured clips, each moved by random offsets within 200 ms: how well the offset is found."""
    expert = load_sync(path)
    rng = np.random.default_rng(0)
    errors: list[float] = []
    confidence: list[float] = []
    for i, row in enumerate(corpus.clips):
        held = row.split == "test" or row.talker in hold_out
        if not held or row.kind != "capture" or row.num_frames < 75 or len(errors) >= 240:
            continue
        lips = geometry_of(np.asarray(corpus.lips(i), np.float32))
        for _ in range(SYNC_TRIALS):
            shift = int(rng.integers(-10, 11))
            late = lips[np.clip(np.arange(len(lips)) - shift, 0, len(lips) - 1)]
            offset, sure = expert.offset_and_confidence(np.asarray(corpus.mels(i), np.float32), late)
            errors.append(offset - 20.0 * shift)
            confidence.append(sure)
    found = np.abs(np.array(errors)) if errors else np.full(1, np.nan)
    return {
        "offset within 20 ms": float((found <= 20.0).mean()),
        "offset within 40 ms": float((found <= 40.0).mean()),
        "median error ms": float(np.median(found)),
        "mean confidence": float(np.mean(confidence)) if confidence else float("nan"),
        "shifted clips": float(len(errors)),
    }


def _lip_reader(
    name: str, corpus: Corpus, *, lesson: Lesson, seed: int, path: Path, report: Report
) -> dict[str, float]:
    net = lip_reader_net(seed=seed)
    pool = speech_pool(corpus, batch=lesson.batch, frames=CROP_FRAMES, hold_out=lesson.hold_out)

    def seen(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([seed, 2, step])
        now = speech_crops(pool, rng)
        noise = rng.normal(0.0, 0.004, now.lips.shape) * (rng.random((lesson.batch, 1, 1)) < 0.5)
        lips = torch.from_numpy((now.lips + noise).astype(np.float32))
        whole = torch.from_numpy(now.known.min(axis=-1)) > 0.0
        return reader_features(lips), torch.where(whole, torch.from_numpy(now.phones), 255)

    set_normalisation(net, seen(0)[0])

    def loss(step: int) -> Tensor:
        features, phones = seen(step)
        return phone_loss(net(features), phones)

    steps = fit(net, loss_at=loss, config=lesson.fit, report=report)
    write = _writer(path, kind="lip_reader", specs={"net": READER}, weights=net.weights(prefix="net."))
    write({}, card="")
    figures = reader_figures(corpus, path, hold_out=lesson.hold_out)
    write({}, card=_card(name, seed=seed, steps=steps, figures=figures))
    return figures


def reader_figures(corpus: Corpus, path: Path, *, hold_out: tuple[str, ...] = ()) -> dict[str, float]:
    """Share of held-out speech frames whose phone is read right, of tracked lips and of taught lips."""
    reader = load_lip_reader(path)
    figures = {}
    for kind, kinds in (("captured", ("capture",)), ("taught", ("voice", "tts"))):
        right = asked = 0
        for i, row in enumerate(corpus.clips):
            if (row.split == "test" or row.talker in hold_out) and row.kind in kinds and row.num_frames < 1500:
                logits = torch.from_numpy(reader.logits(np.asarray(corpus.lips(i), np.float32)))
                phones = torch.from_numpy(np.asarray(corpus.phones(i), np.int64))
                told, all_of = frame_accuracy(logits, phones)
                right, asked = right + told, asked + all_of
        figures[f"frame accuracy, {kind} lips"] = right / asked if asked else float("nan")
    return figures


def _emotional_sync(
    name: str, corpus: Corpus, *, lesson: Lesson, seed: int, path: Path, report: Report
) -> dict[str, float]:
    clips = labelled_clips(corpus, split="train")
    if not len(clips):
        raise CorpusError(f"No clip names the emotion of its voice; add emodb or jtalk to the corpus: {corpus.folder}")
    net = EmotionalSyncNet(seed=seed)
    x0 = speech_pool(corpus, batch=1, frames=CROP_FRAMES).pool.x0

    def batch(step: int) -> FeelingBatch:
        return feeling_batch(corpus, clips, x0=x0, size=lesson.batch, rng=np.random.default_rng([seed, 3, step]))

    first = batch(0)
    set_normalisation(net.voice, torch.from_numpy(first.rows))
    set_normalisation(net.face, torch.from_numpy(first.face))

    def loss(step: int) -> Tensor:
        now = batch(step)
        return net.loss(
            torch.from_numpy(now.rows),
            torch.from_numpy(now.face),
            voice_vad=torch.from_numpy(now.voice_vad),
            face_vad=torch.from_numpy(now.face_vad),
        )

    steps = fit(net, loss_at=loss, config=lesson.fit, report=report)
    match = np.array([float(net.log_steepness.detach().exp()), float(net.reach.detach())])
    weights = net.voice.weights(prefix="voice.") | net.face.weights(prefix="face.")
    write = _writer(path, kind="emotional_sync", specs={"voice": VOICE, "face": FACE}, weights=weights)
    figures = feeling_figures(corpus, net, x0=x0, size=6 * lesson.batch)
    write({"x0": x0, "match": match}, card=_card(name, seed=seed, steps=steps, figures=figures))
    load_emotional_sync(path)
    return figures


def feeling_figures(corpus: Corpus, net: EmotionalSyncNet, *, x0: Array, size: int) -> dict[str, float]:
    """On held-out voices: CCC of both VAD heads, and how often a match beats a mismatch (area under the curve)."""
    clips = labelled_clips(corpus, split="test")
    if not len(clips):
        return {}
    now = feeling_batch(corpus, clips, x0=x0, size=size, rng=np.random.default_rng(4))
    with torch.no_grad():
        heard, seen = feeling(net.voice, torch.from_numpy(now.rows)), feeling(net.face, torch.from_numpy(now.face))
        logits = matching_logits(heard, seen, steepness=net.log_steepness.exp(), reach=net.reach)
    voice_vad, face_vad = torch.from_numpy(now.voice_vad), torch.from_numpy(now.face_vad)
    targets = soft_targets(voice_vad, face_vad).numpy()
    scores = logits.numpy()
    names = ("valence", "arousal", "dominance")
    figures = {f"CCC {n}, face": float(c) for n, c in zip(names, concordance(seen.vad, face_vad), strict=True)}
    figures |= {f"CCC {n}, voice": float(c) for n, c in zip(names, concordance(heard.vad, voice_vad), strict=True)}
    return figures | {"match told from mismatch": _area_under_curve(scores[targets > 0.7], scores[targets < 0.1])}


def _area_under_curve(better: Array, worse: Array) -> float:
    """Probability that a random one of the first beats one of the second."""
    if not len(better) or not len(worse):
        return float("nan")
    place = np.searchsorted(np.sort(worse), better)
    return float(place.mean() / len(worse))


def _pictures(name: str, corpus: Corpus, *, lesson: Lesson, seed: int, path: Path, report: Report) -> dict[str, float]:
    """Imported here: the judges of pictures need the renderer."""
    from face_emote.train.pictures import lessons

    if name == "picture_feeling":
        return lessons.teach_picture_feeling(
            corpus, fit_config=lesson.fit, batch=lesson.batch, seed=seed, path=path, report=report
        )
    return lessons.teach_picture_sync(
        corpus, fit_config=lesson.fit, batch=lesson.batch, seed=seed, path=path, report=report,
        hold_out=lesson.hold_out,
    )  # fmt: skip


def _classifier(
    name: str, corpus: Corpus, *, lesson: Lesson, seed: int, path: Path, report: Report
) -> dict[str, float]:
    labels, head = labels_of(name), load_head()
    report(f"performing {lesson.performances * len(labels)} clips")
    known = performances(corpus, labels=labels, count=lesson.performances, head=head, seed=seed)
    net = classifier_net(len(labels), seed=seed)
    set_normalisation(net, torch.from_numpy(known.windows))

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng([seed, 5, step])
        chosen = rng.choice(len(known.label), size=lesson.batch)
        spread = rng.normal(0.0, 0.1, (lesson.batch, 1, known.windows.shape[2])) * net.scale.numpy()
        windows = torch.from_numpy((known.windows[chosen] + spread).astype(np.float32))
        return functional.cross_entropy(net(windows), torch.from_numpy(known.label[chosen]), label_smoothing=0.05)

    steps = fit(net, loss_at=loss, config=replace(lesson.fit, weight_decay=0.05), report=report)
    write = _writer(
        path, kind="motion_classifier", specs={"net": classifier_spec(len(labels))},
        weights=net.weights(prefix="net."), labels=labels,
    )  # fmt: skip
    write({}, card="")
    count = max(lesson.performances // 6, 2)
    fresh = performances(corpus, labels=labels, count=count, head=head, seed=seed + 1, split="test")
    figures = {
        "accuracy, other speech and seeds": classifier_accuracy(fresh, path),
        "performances": 1.0 * count * len(labels),
    }
    write({}, card=_card(name, seed=seed, steps=steps, figures=figures))
    return figures


def classifier_accuracy(judged: Performances, path: Path) -> float:
    """Share of performances that the expert in a file names right."""
    return clip_accuracy(load_classifier(path).net(judged.windows), judged)


def _writer(
    path: Path,
    *,
    kind: str,
    specs: Mapping[str, ConvNetSpec],
    weights: Mapping[str, Array],
    labels: tuple[str, ...] = (),
) -> Callable[..., str]:
    def write(extras: Mapping[str, Array], *, card: str) -> str:
        return write_expert(path, kind=kind, specs=specs, weights=weights, extras=extras, labels=labels, card=card)

    return write


def _card(name: str, *, seed: int, steps: int, figures: Mapping[str, float]) -> str:
    lines = [f"{name}, seed {seed}, {steps} steps.", *(f"{key}: {value:.3f}" for key, value in figures.items())]
    return "\n".join(lines)
