"""Measure how emotions change a voice: `python -m tools.fit_manners EMODB -o assets/voice/manners.toml`.

EMODB is a folder of the Berlin database's recordings (`03a01Fa.wav` and so on: talker, sentence, emotion, version). Of
every talker the mean of each emotion's sentences is compared with the mean of the neutral ones, and the talkers'
differences are averaged. `--without 03` leaves a talker out, to judge on.
"""

import argparse
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.reader import read_speech
from face_emote.core.arrays import Array, Float
from face_emote.voice.manners import AROUSAL, CALM, CURVES, SCALARS
from face_emote.voice.tuning import DB, band_shapes, levels_of, smooth
from face_emote.voice.vocoder import FRAME_HZ, pitch_of, taken_apart

LETTERS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "joy", "T": "sadness", "N": "neutral"}
"""Of the emotion in a file's name (German)."""
SHARES = {
    "pitch": 0.8, "range": 1.6, "slope": 1.6, "level": 1.3, "loudness": 0.0, "jitter": 0.5, "tremor": 0.0, "pace": 1.7,
    "tone": 1.2, "tilt": 1.2, "spread": 1.7, "breath": 3.0,
}  # fmt: skip
"""Of the measured differences that a voice is given, chosen on talkers held out: what names a feeling without making
another person of it. What costs most of the person is pitch; the tone and the liveliness of the spectrum cost least.
Loudness is not measured: the recordings were levelled."""
OWN_SHARES = {
    "anger": {"pitch": 0.47, "range": 1.3, "slope": 1.1, "level": 0.72, "tone": 0.83, "tilt": 0.36, "spread": 1.1,
              "breath": 0.72, "pace": 0.72},
    "joy": {"pitch": 0.85, "range": 1.8, "slope": 0.8, "level": 1.6, "tone": 0.55, "tilt": 0.5, "spread": 1.2},
    "fear": {"pitch": 0.75, "range": 0.0, "slope": 0.6, "tone": 1.25, "spread": 1.35, "pace": 1.4},
    "disgust": {"pitch": 0.0, "range": 1.3, "slope": 0.5, "tone": 1.2, "tilt": 0.7},
    "sadness": {"pitch": 1.5, "slope": 0.0, "range": 0.0, "tone": 0.5, "tilt": 0.4, "spread": 1.35, "breath": 0.0,
                "jitter": 0.0, "pace": 4.0},
    "boredom": {"pitch": 0.5, "range": 0.5, "level": 0.0, "tone": 1.7, "tilt": 0.0, "pace": 2.8},
}  # fmt: skip
"""Of those shares again, by emotion, chosen on the third and fourth neutral sentence of each talker by what each names
and what it costs the talker: a voice that is lifted and brightened is heard as anger whatever was meant, joy is in the
melody; disgust and anger need little pitch; sadness is not heard to calm down while its melody rises."""
LOUDNESS = {"anger": 4.0, "joy": 2.0, "fear": 1.0, "sadness": -4.0, "boredom": -3.0}
"""dB; directions after Scherer 2003, sizes a choice that leaves a recording its headroom."""
TREMBLING = {"fear": 0.25, "sadness": 0.1}
"""Semitones of tremor: a choice; read sentences of two seconds do not tell it from melody."""
MIXED = {"surprise": {"joy": 0.6, "fear": 0.4}, "contempt": {"disgust": 0.5, "boredom": 0.5}}
"""Emotions that nobody acted there, from their neighbours: a choice."""
SURPRISE = {"range": 0.25, "slope": 2.0}
"""On top of its mixture: surprise rises."""
HIGH, LOW = ("anger", "fear", "joy"), "boredom"
HIGH_AROUSAL, LOW_AROUSAL = 0.57, -0.62
"""Theirs in the emotions' table (Russell & Mehrabian 1977)."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Of one sentence or their mean: numbers by the names of `SCALARS` and `CURVES`."""

    values: dict[str, Float[Array, "..."]]

    def minus(self, other: "Figures") -> "Figures":
        """The difference."""
        return Figures({name: self.values[name] - other.values[name] for name in self.values})


def mean_of(figures: Sequence[Figures]) -> Figures:
    """Their mean."""
    return Figures({name: np.mean([each.values[name] for each in figures], axis=0) for name in figures[0].values})


@lru_cache(maxsize=1024)
def figures_of(path: Path) -> Figures | None:
    """What one sentence is like; None where hardly any of it is voiced."""
    speech = read_speech(path)
    pitch = pitch_of(speech.samples, speech.sample_rate)
    voice = taken_apart(speech.samples, pitch, speech.sample_rate)
    level, bands = levels_of(voice, speech.sample_rate)
    sung = (pitch > 0.0) & (level > np.percentile(level[pitch > 0.0], 10) - 1.0) if (pitch > 0.0).any() else pitch > 0.0
    if sung.sum() < FRAME_HZ // 4:
        return None
    tone, secs, loud = (
        12.0 * np.log2(pitch[sung]),
        np.flatnonzero(sung) / FRAME_HZ,
        level[sung] - np.median(level[sung]),
    )
    line = np.polyfit(secs - secs.mean(), tone, 1)
    around = tone - np.polyval(line, secs - secs.mean())
    settled = np.convolve(np.pad(tone, 4, mode="edge"), np.ones(9) / 9.0, "valid")
    shapes = band_shapes(voice.breath.shape[1], speech.sample_rate)
    noise = 20.0 * np.log10(voice.breath[sung] + 1e-6) @ (shapes / shapes.sum(axis=1, keepdims=True)).T
    steps = bands[sung][loud >= 0.0].mean(axis=0) - bands[sung][loud < 0.0].mean(axis=0)
    apart = loud[loud >= 0.0].mean() - loud[loud < 0.0].mean()
    return Figures({
        "pitch": np.median(tone), "range": np.log(around.std() + 0.1), "slope": line[0], "level": np.log(loud.std()),
        "loudness": np.zeros(()), "jitter": (tone - settled).std(), "tremor": np.zeros(()),
        "pace": np.log((bands - smooth(bands, pitch > 0.0))[sung].std(axis=0) / bands[sung].std(axis=0)).mean(),
        "tone": bands[sung].mean(axis=0) / DB, "tilt": steps / apart / DB, "spread": np.log(bands[sung].std(axis=0)),
        "breath": noise.mean(axis=0),
    })  # fmt: skip


def manners_from(folder: Path, *, without: Collection[str] = ()) -> dict[str, dict[str, Array]]:
    """The table that `voice.manners` reads, by emotion and name."""
    files = [path for path in sorted(folder.iterdir()) if path.stem[5:6] in LETTERS and path.stem[:2] not in without]
    differences: dict[str, list[Figures]] = {}
    for talker in sorted({path.stem[:2] for path in files}):
        heard: dict[str, list[Figures]] = {}
        for path in files:
            found = figures_of(path) if path.stem[:2] == talker else None
            if found is not None:
                heard.setdefault(LETTERS[path.stem[5]], []).append(found)
        for name in set(heard) - {"neutral"} if "neutral" in heard else ():
            differences.setdefault(name, []).append(mean_of(heard[name]).minus(mean_of(heard["neutral"])))
    rows = {name: _given(mean_of(found), name) for name, found in differences.items()}
    for name, shares in MIXED.items():
        rows[name] = {
            key: np.sum([share * rows[of][key] for of, share in shares.items()], axis=0) for key in (*SCALARS, *CURVES)
        }
    for key, more in SURPRISE.items():
        rows["surprise"][key] = rows["surprise"][key] + more
    high = {key: np.mean([rows[name][key] for name in HIGH], axis=0) for key in rows["joy"]}
    rows[AROUSAL] = {key: (value - rows[LOW][key]) / (HIGH_AROUSAL - LOW_AROUSAL) for key, value in high.items()}
    rows[CALM] = {key: value / -LOW_AROUSAL for key, value in rows[LOW].items()}
    del rows[LOW]
    return rows


def _given(found: Figures, name: str) -> dict[str, Array]:
    values = {key: OWN_SHARES.get(name, {}).get(key, 1.0) * SHARES[key] * value for key, value in found.values.items()}
    values["loudness"] = np.asarray(LOUDNESS.get(name, 0.0))
    return {**values, "jitter": np.maximum(values["jitter"], 0.0), "tremor": np.asarray(TREMBLING.get(name, 0.0))}


def written(rows: dict[str, dict[str, Array]]) -> str:
    """As .toml."""
    lines = [
        "# How each emotion changes a voice at full strength, relative to neutral speech; face_emote/voice/manners.py",
        "# says the units. Made by `python -m tools.fit_manners`; README.md says from what.",
    ]
    for name in sorted(rows):
        lines += ["", f"[{name}]"]
        for key in (*SCALARS, *CURVES):
            value = np.round(rows[name][key], 3) + 0.0
            lines.append(f"{key} = {value.tolist()}")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("emodb", type=Path, help="folder of recordings")
    parser.add_argument("--without", nargs="*", default=[], metavar="TALKER", help="talkers to leave out")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .toml")
    given = parser.parse_args()
    given.output.write_text(written(manners_from(given.emodb, without=given.without)), encoding="utf-8")
    print(f"{given.output}: written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
