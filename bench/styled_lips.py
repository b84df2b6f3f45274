"""Lips in a style: talkers as a network has them that never met them, and the same with what up to 30 s of them say.

    python -m bench.styled_lips DATA RUNS [--secs S]

DATA and RUNS are those of `bench.folds`. Every clip of a talker with at least `FEWEST` is measured once, in the style
of clips of the other half. s1 is measured with the bundled network, which learnt from others of his clips.
"""

import argparse
from pathlib import Path

import numpy as np

from bench.folds import FOLDS, print_table
from bench.talkers import FITTED_TALKER, read_talkers
from face_emote.audio.conditioning import listened_to
from face_emote.audio.logmel import log_mels
from face_emote.face.bundled import load_head
from face_emote.motion.lip_learning import SeenLips, learnt_lips
from face_emote.network.runtime import load_motion_net
from face_emote_lab.evaluation.clips import Lips
from face_emote_lab.evaluation.lip_figures import ClipFigures, Ruler, measure_clip, measure_human, ruler, summed
from face_emote_lab.evaluation.report import HUMAN
from face_emote_lab.evaluation.systems import HeardClip, Network
from face_emote_lab.train.config import BUNDLED, read_config
from tools.train_judges.experts import load_sync

FEWEST = 11
CLIP_SECS = 3.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Lips in the styles of their talkers.")
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--secs", type=float, default=30.0, help="to clone from (default 30)")
    options = parser.parse_args()
    head = load_head()
    by = ruler(head, sync=load_sync())
    found: dict[str, list[ClipFigures]] = {}
    models = networks_of(options.runs)
    for talker, model in models.items():
        clips = [
            HeardClip(clip) for group in read_talkers(options.data, talkers=(talker,)).groups for clip in group.clips
        ]
        if len(clips) < FEWEST:
            continue
        own = measured(clips, model, by=by, most=round(options.secs / CLIP_SECS))
        print_table(talker, [summed(name, figures) for name, figures in own.items()])
        for name, figures in own.items():
            found.setdefault(name, []).extend(figures)
    print_table("all", [summed(name, figures) for name, figures in found.items()])


def networks_of(runs: Path) -> dict[str, str]:
    """By talker: one that never met them; of s1, the bundled one."""
    return {FITTED_TALKER: "default"} | {
        talker: str(runs / f"fold_{fold}" / "model.safetensors")
        for fold in FOLDS
        for talker in read_config(BUNDLED / "folds" / f"{fold}.toml").data.hold_out_talkers
    }


def measured(clips: list[HeardClip], model: str, *, by: Ruler, most: int) -> dict[str, list[ClipFigures]]:
    """Figures of one talker's clips by system, in the style of at most so many of the other half."""
    head, out = load_head(), dict[str, list[ClipFigures]]()
    for half in (0, 1):
        others = clips[1 - half :: 2]
        chosen = [others[k] for k in np.linspace(0, len(others) - 1, min(most, len(others))).astype(int)]
        manner = learnt_lips([seen(heard) for heard in chosen], load_motion_net(model))
        systems = [
            Network(head, model, known_words=words, manner=own) for words in (False, True) for own in (None, manner)
        ]
        for heard in clips[half::2]:
            for system in systems:
                figures = measure_clip(heard, system, by=by)
                out.setdefault(system.name, []).extend([] if figures is None else [figures])
            human = measure_human(heard, by=by)
            out.setdefault(HUMAN, []).extend([] if human is None else [human])
    return out


def seen(heard: HeardClip) -> SeenLips:
    """A clip to learn from, by its sound alone."""
    lips = heard.clip.lips
    assert isinstance(lips, Lips) and lips.width is not None and lips.jaw is not None
    mels = list(log_mels(listened_to(heard.speech).blocks()))
    aims = np.column_stack([lips.on_our_head, lips.width, lips.jaw])
    return SeenLips(heard.heard, mels, times=lips.times, aims=aims)


if __name__ == "__main__":
    main()
