"""Re-tuned voices before judges that never saw the talker: `python -m bench.voice EMODB [--similarity]`.

Of every talker of the Berlin database a table of manners is measured without that talker, some neutral sentences are
re-tuned to each emotion, and a classifier taught on the real recordings of the others names them; the talker's real
emotional recordings are named by the same one. `--similarity` asks Resemblyzer (`pip install resemblyzer`) whether it
is still the same person, beside what it says of the talker's real recordings.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.conditioning import listened_to
from face_emote.audio.features import prosody_of
from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.types import Speech
from face_emote.emotion.grammar import describe
from face_emote.emotion.track import track
from face_emote.perception.functionals import functionals_of
from face_emote.voice import manners
from face_emote.voice.retuned import Survey, retuned, surveyed
from face_emote.voice.vocoder import FRAME_HZ
from tools.fit_manners import LETTERS, manners_from

CLASSES = tuple(LETTERS.values())
SHRINK = 0.3
"""Of the within-class covariance towards its mean variance."""
STEPS = (0.25, 0.5, 0.75, 1.0)
AROUSALS = {
    "anger": 0.59,
    "fear": 0.60,
    "joy": 0.51,
    "disgust": 0.35,
    "neutral": 0.0,
    "sadness": -0.27,
    "boredom": -0.62,
}
"""Russell & Mehrabian 1977."""
Named = tuple[str, str]
"""What was asked for or acted, and what the classifier says."""


def figures_of(speech: Speech | Path) -> Float[Array, " figure"] | None:
    """Functionals of a sentence, independent of its level."""
    prosody = prosody_of(listened_to(speech).blocks())
    found, usable = functionals_of(prosody, first=np.array([0]), length=len(prosody.speaking))
    return found[0].astype(np.float64) if usable[0] else None


def taught(figures: Float[Array, "clip figure"], labels: Sequence[str]) -> Callable[[Array], str]:
    """Linear discriminants with a shrunk covariance, every class as likely."""
    said = np.array(labels)
    means = np.stack([figures[said == name].mean(axis=0) for name in CLASSES])
    size = figures.std(axis=0) + 1e-6
    around = np.concatenate([(figures[said == name] - mean) / size for name, mean in zip(CLASSES, means, strict=True)])
    spread = around.T @ around / len(around)
    spread = (1.0 - SHRINK) * spread + SHRINK * np.eye(len(spread)) * np.trace(spread) / len(spread)
    towards = np.linalg.solve(spread, (means / size).T)
    offset = -0.5 * ((means / size).T * towards).sum(axis=0)
    return lambda row: CLASSES[int(((row / size) @ towards + offset).argmax())]


def balanced(named: Sequence[Named]) -> float:
    """Mean over the classes of the share that is named right."""
    kinds = sorted({asked for asked, _ in named})
    return float(np.mean([np.mean([said == asked for asked, said in named if asked == kind]) for kind in kinds]))


def retuned_by(table: manners.Table, speech: Speech, words: str) -> Speech:
    """`fe.retune` with another table of manners."""

    def felt(secs: Array) -> manners.Manner:
        return manners.manner_of(track(describe(words), times=secs, fps=float(FRAME_HZ)), table)

    blocks = retuned(
        lambda: [speech.samples], _survey(speech), felt, rate_hz=speech.sample_rate, seed=0, passed=_silent
    )
    return Speech(np.concatenate(list(blocks)), speech.sample_rate)


def _survey(speech: Speech) -> Survey:
    """The same for every feeling, and most of the work."""
    return _surveyed(speech.samples.tobytes(), speech.sample_rate)


@lru_cache(maxsize=2)
def _surveyed(sound: bytes, rate_hz: int) -> Survey:
    return surveyed(lambda: [np.frombuffer(sound, np.float32)], rate_hz=rate_hz, passed=_silent)


def _silent(secs: float) -> None:
    del secs


class Encoder:
    """Resemblyzer's d-vector."""

    def __init__(self) -> None:
        from resemblyzer import VoiceEncoder, preprocess_wav

        self._net, self._ready = VoiceEncoder("cpu", verbose=False), preprocess_wav

    def __call__(self, speech: Speech) -> Array:
        """A unit vector."""
        found: Array = self._net.embed_utterance(self._ready(speech.samples, speech.sample_rate))
        return found


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("emodb", type=Path, help="folder of recordings")
    parser.add_argument("--similarity", action="store_true", help="ask Resemblyzer as well")
    parser.add_argument("--each", type=int, default=3, metavar="N", help="neutral sentences a talker")
    parser.add_argument("--talkers", type=int, default=99, metavar="N", help="so many alone are judged")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    clips = [path for path in sorted(given.emodb.iterdir()) if path.stem[5:6] in LETTERS]
    heard = {path: found for path in clips if (found := figures_of(path)) is not None}
    encoder = Encoder() if given.similarity else None
    real: list[Named] = []
    made: list[Named] = []
    orders: dict[str, list[float]] = {}
    alike: dict[str, list[float]] = {"re-tuned": [], "real": []}
    talkers = sorted({path.stem[:2] for path in heard})[: given.talkers]
    for talker in talkers:
        classify, excited, usual = _judge(heard, talker)
        real += [(kind(path), classify(heard[path] - usual)) for path in heard if path.stem[:2] == talker]
        table = manners.table_from(manners_from(given.emodb, without=[talker]))
        own = [path for path in heard if path.stem[:2] == talker]
        for path in [path for path in own if kind(path) == "neutral"][: given.each]:
            speech = read_speech(path)
            whose = encoder(speech) if encoder else None
            for name in CLASSES:
                changed = speech if name == "neutral" else retuned_by(table, speech, f"{name}:1")
                found = figures_of(changed)
                made.append((name, "nothing" if found is None else classify(found - usual)))
                if encoder is not None and whose is not None and name != "neutral":
                    alike["re-tuned"].append(float(whose @ encoder(changed)))
            if path == next(each for each in own if kind(each) == "neutral"):
                for name, rho in _ordered(table, speech, excited).items():
                    orders.setdefault(name, []).append(rho)
        if encoder is not None:
            first = encoder(read_speech(next(path for path in own if kind(path) == "neutral")))
            others = [path for path in own if kind(path) != "neutral"][:6]
            alike["real"] += [float(first @ encoder(read_speech(path))) for path in others]
        print(f"{talker}: real {balanced(real):.2f}, re-tuned {balanced(made):.2f}", flush=True)
    _say(real, made, orders, alike, target=given.json)
    return 0


def _judge(heard: dict[Path, Array], talker: str) -> tuple[Callable[[Array], str], Callable[[Array], float], Array]:
    """A classifier and a scale of arousal taught on the others, and the talker's own neutral voice."""
    rows, labels = [], []
    for other in {path.stem[:2] for path in heard} - {talker}:
        usual = neutral_of(heard, other)
        own = [path for path in heard if path.stem[:2] == other]
        rows += [heard[path] - usual for path in own]
        labels += [kind(path) for path in own]
    figures = np.stack(rows)
    return taught(figures, labels), _scale(figures, labels), neutral_of(heard, talker)


def _scale(figures: Float[Array, "clip figure"], labels: Sequence[str]) -> Callable[[Array], float]:
    """Arousal by ridge regression."""
    size = figures.std(axis=0) + 1e-6
    known, asked = figures / size, np.array([AROUSALS[label] for label in labels])
    towards = np.linalg.solve(known.T @ known + len(known) * np.eye(known.shape[1]), known.T @ asked)
    return lambda row: float(row / size @ towards)


def neutral_of(heard: dict[Path, Array], talker: str) -> Array:
    """Mean figures of a talker's neutral sentences."""
    found: Array = np.mean(
        [row for path, row in heard.items() if path.stem[:2] == talker and kind(path) == "neutral"], axis=0
    )
    return found


def kind(path: Path) -> str:
    """The acted emotion."""
    return LETTERS[path.stem[5]]


def _ordered(table: manners.Table, speech: Speech, excited: Callable[[Array], float]) -> dict[str, float]:
    """Spearman's rho of arousal and intensity, from nothing to all of a feeling; sadness falls."""
    found = {}
    for name in ("anger", "fear", "joy", "sadness"):
        read = [figures_of(speech), *(figures_of(retuned_by(table, speech, f"{name}:{share}")) for share in STEPS)]
        levels = [excited(row) for row in read if row is not None]
        ranks = np.argsort(np.argsort(levels))
        rho = float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])
        found[name] = -rho if name == "sadness" else rho
    return found


def _say(
    real: list[Named],
    made: list[Named],
    orders: dict[str, list[float]],
    alike: dict[str, list[float]],
    *,
    target: Path | None,
) -> None:
    figures = {
        "real recordings, balanced of 7": balanced(real),
        "re-tuned neutral ones, balanced of 7": balanced(made),
        **{f"arousal with intensity of {name}, rho": float(np.mean(found)) for name, found in orders.items()},
        **{f"same person, {name}": float(np.mean(found)) for name, found in alike.items() if found},
    }
    for name, value in figures.items():
        print(f"{name:>38}: {value:.3f}")
    for name in CLASSES:
        shares = [np.mean([said == name for asked, said in named if asked == name]) for named in (real, made)]
        print(f"{name:>10}: real {shares[0]:.2f}, re-tuned {shares[1]:.2f}")
    if target is not None:
        target.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
