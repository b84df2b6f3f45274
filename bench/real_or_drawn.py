"""Can performances be told from real talkers whom nobody learnt from? Each way of animating beside them, figure by
figure.

python -m bench.real_or_drawn DATA [--ways rules,net] [--keep FOLDER] [--json FILE] [--quick]

DATA holds the tracked GRID talkers (`grid_s1`, `grid_talkers`). Every clip's own sound is performed, neutral and
without its words, and seen as the tracker sees a face (`generation.seen`). Talkers are in four folds;
what is asked of a fold was learnt from the others. KEEP holds the curves of performances from one call to the next.
"""

import argparse
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from bench.moving_windows import ALL, HEAD, HEAD_AND_LIDS, UPPER, gist_of, windows_of
from bench.two_samples import frechet, told_apart
from bench.whose_style import EVERY, whose_rows
from face_emote.audio.analyse import analyse
from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import EMOTIONS, FEATURE_HZ
from face_emote.core.options import Performance
from face_emote.generation.seen import CHANNELS, FPS, SETTLED, from_rest, manner_of, seen_of_performance
from face_emote.generation.style_file import MotionStyle
from face_emote.verbs.animate import perform
from face_emote.verbs.clone import keep_style
from tools.train_generation.seen import Filmed, tracked_talkers
from tools.train_judges.experts import EMOTIONS_JUDGE, load_classifier

FOLDS = (("s1",), ("s4",), ("s31", "s33", "s10", "s14", "s16"), ("s30", "s34", "s24", "s25", "s27"))
VIEWS = {"brows, lids, head": ALL, "head and lids": HEAD_AND_LIDS, "brows and lids": UPPER, "head": HEAD}
SEEDS = 5
STYLED = "styled"
"""A way: takes in the style of other clips of the same talker."""
WINDOWS_PER_CLIP = 3
_JUDGED = (0.6, 1.0)
_PEAK_SEMITONES, _NEAR_SECS, _MOST_LAG = 1.0, 0.2, 4
Curves = tuple[Float[Array, "_frames channel=9"], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """Curves of performances on disk, by what made them."""

    folder: Path | None

    def curves(self, way: str, sound: Path, *, seed: int, style: MotionStyle | None = None) -> Array:
        """Of one neutral performance."""
        name = f"{way}_{zlib.crc32(str(sound).encode()):08x}_{seed}.npy"
        if self.folder is not None and (self.folder / name).is_file():
            return np.asarray(np.load(self.folder / name))
        asked = Performance(sound, emotion="neutral", animator="takes" if way == STYLED else way, fps=FPS, seed=seed)
        with TemporaryDirectory() as folder:
            if style is not None:
                asked = replace(asked, moves_like=keep_style(style, Path(folder) / "their.style"))
            found = seen_of_performance(perform(asked).whole())
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            np.save(self.folder / name, found)
        return found

    def played(self, way: str, talker: Filmed) -> Curves:
        """All clips of a talker; styled, each in the style of every other clip of theirs than its half's."""
        styles = other_halves(talker) if way == STYLED else (None, None)
        return tuple(self.curves(way, s, seed=k, style=styles[k % 2]) for k, s in enumerate(talker.sounds))


def other_halves(talker: Filmed) -> tuple[MotionStyle | None, MotionStyle | None]:
    """Styles of the odd and of the even clips; None of somebody with one clip."""
    if len(talker.clips) < 2:
        return None, None
    manners = (manner_of(talker.curves[first::2]) for first in (1, 0))
    odd, even = (MotionStyle(tuple(manner), secs=0.0, consent="measured, not kept") for manner in manners)
    return odd, even


def folds_of(
    talkers: list[Filmed], curves: Callable[[Filmed], Curves]
) -> list[Float[Array, "_window frames channel=9"]]:
    """Windows fold by fold."""
    return [np.concatenate([windows_of(curves(t)) for t in talkers if t.name in names]) for names in FOLDS]


def rows_of(real: list[Array], drawn: list[Array], *, asked_of: tuple[int, ...]) -> dict[str, float]:
    """Figures of windows beside real ones."""
    rows = {}
    for view, channels in VIEWS.items():
        found = told_apart([w[:, :, channels] for w in real], [w[:, :, channels] for w in drawn], measured=asked_of)
        rows[f"told from people by {view}: AUC"] = float(np.mean(found))
    asked = [np.concatenate([part[k] for k in asked_of])[:, :, ALL] for part in (real, drawn)]
    scale = gist_of(np.concatenate(real)[:, :, ALL]).std(axis=0) + 1e-6
    rows["Frechet distance of windows"] = frechet(gist_of(asked[0]), gist_of(asked[1]), scale=scale)
    for channel, name in enumerate(CHANNELS[:-1]):
        theirs, ours = (float(np.median(part[:, :, channel].std(axis=1))) for part in asked)
        rows[f"{name}: spread over people's"] = ours / theirs
    return rows


def people_rows(real: list[Array], *, asked_of: tuple[int, ...]) -> dict[str, float]:
    """What a judge that cannot tell says, and how far half of the same people's clips lie from the other half."""
    scale = gist_of(np.concatenate(real)[:, :, ALL]).std(axis=0) + 1e-6
    asked = gist_of(np.concatenate([real[k] for k in asked_of])[:, :, ALL])
    odd = np.arange(len(asked)) // WINDOWS_PER_CLIP % 2 == 1
    rows = {f"told from people by {view}: AUC": 0.5 for view in VIEWS}
    rows["Frechet distance of windows"] = frechet(asked[odd], asked[~odd], scale=scale)
    return rows | {f"{name}: spread over people's": 1.0 for name in CHANNELS[:-1]}


@cache
def _pitch(sound: Path) -> tuple[Float[Array, " frames"], Float[Array, " peak"]]:
    """Semitones at `FPS` against the clip's median, 0 where nobody sings, and the instants of its peaks."""
    f0 = analyse(sound).prosody.f0_hz.astype(np.float64)
    voiced = np.isfinite(f0)
    tone = np.zeros(len(f0))
    tone[voiced] = 12.0 * np.log2(f0[voiced] / np.median(f0[voiced]))
    smooth = gaussian_filter1d(tone, 3.0)
    peaks = find_peaks(smooth, prominence=_PEAK_SEMITONES)[0]
    return tone[:: round(FEATURE_HZ / FPS)], peaks / FEATURE_HZ


def prosody_rows(pairs: list[tuple[Array, Path]]) -> dict[str, float]:
    """How brows, head and the corners of the mouth go with the pitch."""
    near: dict[str, list[float]] = {"brows": [], "nod": []}
    lags = []
    for seen, sound in pairs:
        curve, (tone, peaks) = from_rest(seen), _pitch(sound)
        tone, peaks = tone[SETTLED:], peaks - SETTLED / FPS
        times = np.arange(len(curve) - 1) / FPS
        beside = (np.abs(times[:, None] - peaks) < _NEAR_SECS).any(axis=1)
        for name, columns in (("brows", [0, 1]), ("nod", [5])):
            speed = np.abs(np.diff(curve[:, columns], axis=0)).mean(axis=1)
            if beside.any() and not beside.all():
                near[name].append(float(speed[beside].mean() / max(speed[~beside].mean(), 1e-9)))
        lags.append(_corner_correlations(np.diff(curve[:, 8]), np.diff(tone)))
    shift = int(np.argmax(np.mean(lags, axis=0))) - _MOST_LAG
    rows = {f"{name}: speed at peaks of pitch over elsewhere": float(np.median(v)) for name, v in near.items()}
    return rows | {"corners after the pitch, ms": 1000.0 * shift / FPS}


def _corner_correlations(corners: Array, tone: Array) -> Float[Array, " lag=9"]:
    """How the corners of the mouth part while the pitch rises, so many frames earlier or later."""
    most = _MOST_LAG
    count = min(len(corners), len(tone)) - 2 * most
    own = corners[most : most + count]
    shifts = range(-most, most + 1)
    return np.array([np.nan_to_num(np.corrcoef(own, tone[most - k : most - k + count])[0, 1]) for k in shifts])


def seed_rows(kept: Kept, way: str, sounds: list[Path]) -> dict[str, float]:
    """How far takes of one sound lie apart."""
    takes = [
        np.stack([from_rest(kept.curves(way, sound, seed=1000 + seed)) for seed in range(SEEDS)]) for sound in sounds
    ]
    spread = np.sqrt(np.mean([take.var(axis=0).mean(axis=0) for take in takes], axis=0))
    return {"between seeds: brows, permille": float(spread[:2].mean()), "between seeds: nod, degrees": float(spread[5])}


def named_row(way: str, *, quick: bool) -> dict[str, float]:
    """How often a judge names the feeling."""
    judge, sentences = (
        load_classifier(EMOTIONS_JUDGE),
        sorted((ASSETS / "speech").glob("dashwood_*.wav"))[: 1 if quick else 2],
    )
    right = [
        judge.classify(perform(Performance(s, emotion=e, intensity=i, animator=way, seed=k)).whole()) == e
        for k, s in enumerate(sentences) for e in EMOTIONS[1 : 2 if quick else None] for i in _JUDGED
    ]  # fmt: skip
    return {"emotion named, of 8": float(np.mean(right))}


def main() -> int:
    """Print people and every way of animating side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the tracked talkers")
    parser.add_argument(
        "--ways", default="rules,net", help=f"animators, of animate's; {STYLED}: takes in the talker's own style"
    )
    parser.add_argument("--asked", default="2,3", help="folds that are asked about; talkers whom no way has met")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="a few clips: only to see that it works")
    given = parser.parse_args()
    talkers, kept = tracked_talkers(given.data, every=EVERY), Kept(given.keep)
    if given.quick:
        talkers = [Filmed(t.name, t.clips[:4], t.curves[:4], t.sounds[:4]) for t in talkers]
    real = folds_of(talkers, lambda talker: talker.curves)
    asked_of = tuple(int(k) for k in given.asked.split(","))
    asked = [t for t in talkers if any(t.name in FOLDS[k] for k in asked_of)]
    columns = {
        "people": people_rows(real, asked_of=asked_of)
        | prosody_rows([p for t in talkers for p in zip(t.curves, t.sounds, strict=True)])
    }
    for name in given.ways.split(","):
        played = {t.name: kept.played(name, t) for t in talkers}
        drawn = folds_of(talkers, lambda talker, of=played: of[talker.name])  # type: ignore[misc]
        rows = rows_of(real, drawn, asked_of=asked_of)
        rows |= prosody_rows([p for t in talkers for p in zip(played[t.name], t.sounds, strict=True)])
        if name != STYLED:
            rows |= seed_rows(kept, name, [t.sounds[0] for t in asked][: 2 if given.quick else 6])
            rows |= named_row(name, quick=given.quick)
        else:
            rows |= whose_rows(talkers, played)
        columns[name] = rows
    print_columns(columns)
    if given.json is not None:
        given.json.write_text(json.dumps(columns, indent=1) + "\n", encoding="utf-8")
    return 0


def print_columns(columns: dict[str, dict[str, float]]) -> None:
    """A table for people."""
    labels = list(dict.fromkeys(label for rows in columns.values() for label in rows))
    width = max(map(len, labels))
    print(f"{'':{width}}" + "".join(f"{name[:9]:>10}" for name in columns))
    for label in labels:
        cells = (f"{rows[label]:>10.2f}" if label in rows else f"{'-':>10}" for rows in columns.values())
        print(f"{label:{width}}" + "".join(cells))


if __name__ == "__main__":
    raise SystemExit(main())
