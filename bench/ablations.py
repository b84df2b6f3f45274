"""What each loss is worth: train every configuration of `assets/training/ablations`, measure, write the table.

    python -m bench.ablations CORPUS DATA -o RUNS [--experts DIR] [--only NAME,..] [--steps N] [--table FILE]

Goes on where it was interrupted: a finished run is only measured, a row that was measured is only printed. One
process, one thread. Figures are those of `bench.talkers`, without transcripts, on talkers that no row has heard.
A row trains one path; the other is the bundled network's, so that whole performances can be measured.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bench.performances import FACE_CLIPS, bundled_judges, measure_faces, performer
from bench.talkers import known_apart, read_talkers
from face_emote.core.names import EMOTIONS
from face_emote.emotion.grammar import describe
from face_emote.face.bundled import load_head
from face_emote.motion.net_listening import emotion_rows
from face_emote.network.checkpoint import read_checkpoint
from face_emote.network.hearing import normalised
from face_emote.network.runtime import FOLDER
from face_emote_lab.evaluation.clips import ClipSet
from face_emote_lab.evaluation.evaluate import evaluate, lip_system
from face_emote_lab.evaluation.lip_figures import LipFigures
from face_emote_lab.evaluation.systems import HeardClip
from face_emote_lab.evaluation.vertex_meter import vertex_meter
from face_emote_lab.train.checkpoint_file import write_checkpoint
from face_emote_lab.train.config import BUNDLED, TrainConfig, read_config
from face_emote_lab.train.corpus.cache import Corpus, read_corpus
from face_emote_lab.train.lip_losses import opening
from face_emote_lab.train.measure import measured
from face_emote_lab.train.torch_net import TorchMotionNet
from tools.train_judges.experts import load_sync
from tools.train_network.join import joined
from tools.train_network.teacher_expression import plan_track
from tools.train_network.train import train_network

COLUMNS = (
    ("correlation", "gap r, unseen talkers", ".3f"),
    ("correlation_seen", "gap r, held-out clips", ".3f"),
    ("lve_mm", "LVE, mm", ".2f"),
    ("closure", "P B M closed", ".1%"),
    ("closure_voices", "P B M closed, unseen voices", ".1%"),
    ("false_closure", "closed at open vowels", ".1%"),
    ("within_40_ms", "sync within 40 ms", ".0%"),
    ("silence_motion", "motion in silence", ".1%"),
    ("jerk_ratio", "jerk ratio", ".2f"),
    ("lip_change", "lips' answers change with the emotion", ".1%"),
    ("accuracy_8", "emotion named, of 8", ".0%"),
    ("accuracy_compounds", "of 15 compounds", ".0%"),
)
VOICES = ("librispeech", "vctk")
"""Sources whose test clips are voices that no row has heard; they have phones, but no face."""


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration."""

    name: str
    what: str
    figures: dict[str, float | None]


def rows(options: argparse.Namespace, *, corpus: Corpus) -> Iterator[Row]:
    """Train and measure, one configuration after the other."""
    for path in sorted((BUNDLED / "ablations").glob("*.toml"), key=lambda p: (p.stem != "all", p.stem)):
        if options.only and path.stem not in options.only:
            continue
        run = options.output / path.stem
        done = run / "figures.json"
        if not done.is_file():
            figures = _measured(
                _trained(path, run, options=options), config=read_config(path), options=options, corpus=corpus
            )
            done.write_text(json.dumps(figures, indent=1) + "\n")
        what = path.read_text("utf-8").splitlines()[0].removeprefix("# ")
        yield Row(name=path.stem, what=what, figures=json.loads(done.read_text()))


def _trained(path: Path, run: Path, *, options: argparse.Namespace) -> Path:
    """The weights of a row, joined with the bundled network's other path."""
    config = read_config(path)
    if options.steps:
        config = replace(config, optimiser=replace(config.optimiser, steps=options.steps))
    own = read_checkpoint(train_network(config, corpus=options.corpus, output=run, experts=options.experts))
    bundled = read_checkpoint(FOLDER / "default.safetensors")
    lips, expression = (own, bundled) if "lips" in config.parts else (bundled, own)
    whole, weights = joined(lips, expression)
    write_checkpoint(run / "whole.safetensors", weights, config=whole, card=own.card)
    return run / "whole.safetensors"


def _measured(
    model: Path, *, config: TrainConfig, options: argparse.Namespace, corpus: Corpus
) -> dict[str, float | None]:
    """Figures by the name of their column."""
    head = load_head()
    system = lip_system("net", head=head, known_words=False, model=model)

    def clips(talkers: tuple[str, ...], *, every: int) -> ClipSet:
        return known_apart(read_talkers(options.data, talkers=talkers, every=every), system)

    def lips_of(talkers: tuple[str, ...], *, every: int) -> LipFigures:
        known = clips(talkers, every=every)
        report, _ = evaluate(known, system, head=head, data="data", sync=load_sync(), with_baselines=False)
        return report.groups[0].systems[0]

    if "lips" not in config.parts:
        some = [HeardClip(clip) for clip in clips(("s31",), every=1).clips[:FACE_CLIPS]]
        makes = performer("net", model=model)
        face = measure_faces(some, makes, head=head, vertices=vertex_meter(head), judges=bundled_judges())
        return {"accuracy_8": face.accuracy_8, "accuracy_compounds": face.accuracy_compounds}
    lips = lips_of(config.data.hold_out_talkers, every=1)
    seen = lips_of(("s1",), every=20)
    same = ("correlation", "lve_mm", "closure", "false_closure", "within_40_ms", "silence_motion", "jerk_ratio")
    return {name: getattr(lips, name) for name in same} | {
        "correlation_seen": seen.correlation,
        "closure_voices": _closure_on_voices(model, corpus=corpus),
        "lip_change": _lip_change(model, corpus=corpus),
    }


def _closure_on_voices(model: Path, *, corpus: Corpus) -> float:
    clips = [i for i, clip in enumerate(corpus.clips) if clip.source in VOICES and clip.split == "test"]
    return measured(_torch_net(model), corpus, clips=np.array(clips), limit=len(clips)).closure


@torch.no_grad()
def _lip_change(model: Path, *, corpus: Corpus) -> float:
    """Mean change of the answered gap from neutral to each other emotion, over the mean opening."""
    net = _torch_net(model)
    if not net.config.lips_see_emotion:
        return 0.0
    clips = [i for i, clip in enumerate(corpus.clips) if clip.source == "grid_talkers"][:20]
    changed, opened = [], []
    for i in clips:
        rows = torch.from_numpy(normalised(np.asarray(corpus.mels(i), np.float32), net.x0.numpy()))[None]
        frames = (rows.shape[1] + 1) // 2
        gaps = []
        for emotion in EMOTIONS:
            plan = describe(emotion)
            felt = torch.from_numpy(emotion_rows(plan_track(plan, num_frames=frames)))[None]
            answers, _ = net.lips(rows, look_ahead=torch.tensor([len(net.config.look_ahead_frames) - 1]), emotion=felt)
            gaps.append(opening(answers)[0].numpy())
        opened.append(np.abs(gaps[0] - np.percentile(gaps[0], 5.0)).mean())
        changed.append(np.mean([np.abs(gap - gaps[0]).mean() for gap in gaps[1:]]))
    return float(np.mean(changed) / np.mean(opened))


def _torch_net(model: Path) -> TorchMotionNet:
    known = read_checkpoint(model)
    net = TorchMotionNet(known.config)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in known.weights.items()})
    return net


def table(found: list[Row]) -> str:
    """Markdown; the first row is what the others are compared with."""
    head = ["losses", *(title for _, title, _ in COLUMNS)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in found:
        values = [row.figures.get(name) for name, _, _ in COLUMNS]
        cells = ["-" if v is None else format(v, form) for v, (_, _, form) in zip(values, COLUMNS, strict=True)]
        lines.append(f"| [{row.name}](../assets/training/ablations/{row.name}.toml) | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="What each loss is worth.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RUNS")
    parser.add_argument("--experts", type=Path, metavar="DIR")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument("--steps", type=int, help="instead of the configurations' own number")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table there too")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    found = list(rows(options, corpus=read_corpus(options.corpus)))
    print(table(found))
    if options.table:
        options.table.write_text(table(found) + "\n")


if __name__ == "__main__":
    main()
