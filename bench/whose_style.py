"""Is somebody known by how they move? A judge that learnt from one half of talkers' clips names the talkers of the
rest, and of performances in the style of that rest.

    python -m bench.whose_style DATA RUNS

DATA and RUNS as of `bench.folds`: lips are answered by networks that never met the talker, but for s1. What is drawn
and answered is judged before it is put on a head, in seconds; `bench.real_or_drawn` judges whole performances.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bench.moving_windows import ALL, figures_of, windows_of
from bench.styled_lips import networks_of, seen
from bench.talkers import read_tracked
from face_emote.core.arrays import Array, Float
from face_emote.face.bundled import load_head
from face_emote.generation.drawing import drawn_life
from face_emote.generation.layout import VOICE_COLUMNS
from face_emote.generation.net import load_draw_net
from face_emote.generation.seen import FPS, manner_of
from face_emote.motion.lip_learning import learnt_lips
from face_emote.network.runtime import load_motion_net
from face_emote.perception.encoder_inputs import voice_tokens
from face_emote_lab.evaluation.systems import HeardClip, Network
from tools.train_generation.seen import Filmed, tracked_talkers

EVERY = {"s1": 14, "s4": 2}
"""Of these talkers, who have many clips, every so many-th is measured."""
LIPS = (8, 9, 10)
"""The width of the mouth in place of the last channel of `generation.seen`, and behind those gap and jaw."""
_LID = 0.2  # Of the distance of the eyes, an open lid; clips are held against their own.
MOST_CLIPS = 10  # Of three seconds, to clone lips from.
_FEWEST = 8
"""Clips of a talker who can be known."""
_STEPS, _BATCH, _DROPPED = 400, 128, 0.5


def whose_rows(
    talkers: Sequence[Filmed], played: Mapping[str, Sequence[Float[Array, "_frames channel"]]], *,
    channels: tuple[int, ...] = ALL,
) -> dict[str, float]:  # fmt: skip
    """Share of clips whose talker is named, mean of the talkers; of people, and of what was `played` of every clip."""
    known = [talker for talker in talkers if len(talker.clips) >= _FEWEST]
    right: dict[str, list[float]] = {"people": [], "played": []}
    for half in (0, 1):
        judge = _Judge([talker.curves[half::2] for talker in known], channels=channels)
        for number, talker in enumerate(known):
            # What is played of a clip of this half is in the style of the other one.
            for name, curves in (("people", talker.curves[1 - half :: 2]), ("played", played[talker.name][half::2])):
                right[name].append(float(np.mean([judge.names(curve) == number for curve in curves])))
    return {
        f"talker named, of {len(known)}": float(np.mean(right["played"])),
        "the same of their other films": float(np.mean(right["people"])),
    }


class _Judge:
    """Names talkers by the figures of windows."""

    def __init__(
        self, clips: Sequence[Sequence[Float[Array, "_frames channel"]]], *, channels: tuple[int, ...]
    ) -> None:
        self._channels = channels
        figures = [figures_of(windows_of(curves)[:, :, channels]) for curves in clips]
        every = np.concatenate(figures)
        self._middle, self._spread = every.mean(axis=0), every.std(axis=0) + 1e-6
        whose = torch.from_numpy(np.repeat(np.arange(len(figures)), [len(rows) for rows in figures]))
        chance = torch.from_numpy(np.repeat([1.0 / len(rows) for rows in figures], [len(rows) for rows in figures]))
        taught = self._tensor(every)
        torch.manual_seed(0)
        self._net = nn.Sequential(nn.Dropout(_DROPPED), nn.Linear(every.shape[1], len(figures)))
        steps = torch.optim.AdamW(self._net.parameters(), lr=5e-3, weight_decay=0.1)
        for _ in range(_STEPS):
            some = torch.multinomial(chance, _BATCH, replacement=True)
            loss = nn.functional.cross_entropy(self._net(taught[some]), whose[some])
            steps.zero_grad()
            loss.backward()
            steps.step()
        self._net.eval()

    def names(self, curve: Float[Array, "frames channel"]) -> int:
        """Number of the talker of a clip."""
        with torch.no_grad():
            scores = self._net(self._tensor(figures_of(windows_of([curve])[:, :, self._channels]))).log_softmax(1)
        return int(scores.mean(dim=0).argmax())

    def _tensor(self, figures: Float[Array, "window figure"]) -> torch.Tensor:
        return torch.from_numpy(np.clip((figures - self._middle) / self._spread, -4.0, 4.0)).float()


@dataclass(frozen=True, slots=True)
class Seen:
    """Clips with their lips."""

    filmed: Filmed
    heard: tuple[HeardClip, ...]


def with_lips(data: Path, talker: Filmed) -> Seen:
    """The clips whose lips are known, with those."""
    ending, folder = ("_train", data / "grid_s1") if talker.name == "s1" else ("", data / "grid_talkers" / talker.name)
    tracked = read_tracked(folder, talker=talker.name, motion=f"motion{ending}.npz", phones=f"phones{ending}.json")
    clips = {clip.name: HeardClip(clip) for clip in tracked}
    kept = [k for k, name in enumerate(talker.clips) if name in clips]
    heard = tuple(clips[talker.clips[k]] for k in kept)
    curves = tuple(
        _wider(_by_width(talker.curves[k], seen(clip).aims[:, 1]), seen(clip).aims[:, [0, 2]])
        for k, clip in zip(kept, heard, strict=True)
    )
    names, sounds = tuple(talker.clips[k] for k in kept), tuple(talker.sounds[k] for k in kept)
    return Seen(Filmed(talker.name, names, curves, sounds), heard)


def _by_width(curve: Float[Array, "frames channel=9"], width: Float[Array, " _frames"]) -> Float[Array, "_ channel=9"]:
    count = min(len(curve), len(width))
    return np.column_stack([curve[:count, :8], 1000.0 * width[:count]])


def _wider(curve: Float[Array, "frames channel=9"], lips: Float[Array, "_frames 2"]) -> Float[Array, "_all channel=11"]:
    count = min(len(curve), len(lips))
    return np.column_stack([curve[:count], lips[:count] * [1000.0, 100.0]])


def _played(talker: Seen, model: str, *, moves: bool, lips: bool) -> list[Float[Array, "_frames channel=11"]]:
    """What is drawn and answered for every clip before it is put on a head; in the style of the other half's."""
    out, draws = [np.zeros((0, 11))] * len(talker.heard), load_draw_net()
    for half in (0, 1):
        others = range(1 - half, len(talker.heard), 2)
        chosen = np.array(others)[np.linspace(0, len(others) - 1, min(MOST_CLIPS, len(others))).astype(int)]
        own = learnt_lips([seen(talker.heard[k]) for k in chosen], load_motion_net(model)) if lips else None
        system = Network(load_head(), model, known_words=False, manner=own)
        manner = manner_of([talker.filmed.curves[k][:, :9] for k in others])
        like = draws.manner(tuple(manner), strength=1.0) if moves else None
        for k in range(half, len(talker.heard), 2):
            heard, frames = talker.heard[k], len(talker.filmed.curves[k])
            voice = voice_tokens(heard.heard.prosody)[0].rows[:, VOICE_COLUMNS]
            life, times = drawn_life(draws, voice, seed=k, style=like), np.arange(frames) / FPS
            mouth = system.mouth(heard, fps=FPS)
            assert mouth is not None
            answered = mouth.aims(times)
            gap = np.maximum(answered[:, 0], 0.0) * (1.0 - answered[:, 6])
            face = [life.brows_at(times), _LID * life.lids_at(times), np.degrees(life.head_at(times))]
            out[k] = _wider(np.column_stack([*face, 1000.0 * answered[:, 1]]), np.column_stack([gap, answered[:, 2]]))
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Are talkers known by how they move?")
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    options = parser.parse_args()
    found = [talker for talker in tracked_talkers(options.data, every=EVERY) if len(talker.clips) >= _FEWEST]
    talkers, networks = [with_lips(options.data, talker) for talker in found], networks_of(options.runs)
    ways = {"without a style": (False, False), "how they move": (True, False), "and their lips": (True, True)}
    for name, (moves, lips) in ways.items():
        played = {one.filmed.name: _played(one, networks[one.filmed.name], moves=moves, lips=lips) for one in talkers}
        for view, channels in (("brows, lids, head", ALL), ("lips", LIPS), ("all", (*ALL, *LIPS))):
            print(name, view, whose_rows([one.filmed for one in talkers], played, channels=channels), flush=True)


if __name__ == "__main__":
    main()
