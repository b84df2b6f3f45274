"""How each emotion changes a voice, relative to the same talker's neutral speech: a table, and its mixture over time.

`assets/voice/manners.toml` holds it: what `tools.fit_manners` measured on acted sentences, and what is a choice. All
numbers are at full strength; half an emotion is half of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.assets import asset_table
from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionTrack
from face_emote.emotion.blending import PROTOTYPE_VAD

BANDS = 24
"""Evenly spaced in mel from 0 to `TOP_HZ`."""
TOP_HZ = 8000.0
SCALARS = ("pitch", "range", "slope", "level", "loudness", "jitter", "tremor", "pace")
"""semitones; ln of a ratio; semitones a second; ln of a ratio; dB; semitones (of cycle to cycle, and of 6 Hz); ln of
a ratio of how much of its movement the tone makes within a syllable: below 0 where speech is slack."""
CURVES = ("tone", "tilt", "spread", "breath")
"""dB in voiced sound; dB, how much more so a sound that is one neper louder than the median; ln of a ratio of the
liveliness of each band; dB of aperiodicity."""
AROUSAL, CALM = "arousal", "calm"
"""Rows of the table, for arousal that is felt beyond the mix of emotions: what a unit of it adds above that of neutral
speech, and what a unit less takes below it. A tired voice is no excited one turned round."""


@dataclass(frozen=True, slots=True, eq=False)
class Manner:
    """Changes of a voice, one row an instant."""

    scalars: Float[Array, "frame scalar"]
    """In the order of `SCALARS`."""
    curves: Float[Array, "frame curve band"]
    """In the order of `CURVES`."""
    strength: Float[Array, " frame"]
    """0 where nothing is changed, 1 where all is: a recording goes over into its re-tuned twin."""
    falters: Float[Array, " frame"]
    """How deep its micropauses are, 0..1."""

    def of(self, name: str) -> Array:
        """One column."""
        found: Array = self.scalars[:, SCALARS.index(name)] if name in SCALARS else self.curves[:, CURVES.index(name)]
        return found

    def no_louder_than(self, most_db: float) -> "Manner":
        """The same where a recording has no more room above it."""
        scalars = self.scalars.copy()
        column = SCALARS.index("loudness")
        scalars[:, column] = np.minimum(scalars[:, column], max(most_db, 0.0))
        return replace(self, scalars=scalars)


STRENGTH_AT = 0.05
"""Of felt strength, from which on the voice is wholly the re-tuned one; under it both are mixed."""
FEIGNED_SHARE = 0.6  # Of a feeling that is put on over a hidden one, that reaches the voice: a choice.
HIDDEN_SHARE = 1.0 / 3.0
"""Of what leaks, that is heard beside tremor and jitter: a choice."""
FALTERS_AT = 2.0  # A feeling that leaks by half makes the voice falter fully: a choice.


Table = tuple[Float[Array, "emotion number"], Float[Array, "way=2 number"]]
"""Rows in the order of `EMOTIONS` (neutral is zeros), and those of `AROUSAL` and `CALM`."""


def manner_of(track: EmotionTrack, table: Table | None = None) -> Manner:
    """What is felt at each instant as changes of the voice, by the bundled table or another.

    The shown mix is weighed by its intensity; put on over a hidden one it reaches the voice in part. Arousal beyond
    what the mix stands for (`calm anger`) moves along the table's rows for it. Of a hidden feeling only what leaks is
    heard: its tremor and jitter in full, micropauses, a third of the rest (the voice is harder to hold still than the
    words: Ekman, Friesen & Scherer 1976).
    """
    rows_of, arousal = table or manner_table()
    heard = 1.0 - (1.0 - FEIGNED_SHARE) * np.clip(track.covert.sum(axis=1), 0.0, 1.0)
    shown = track.mix * (heard * track.intensity)[:, None]
    hidden = track.covert * track.leak[:, None]
    expected = shown @ PROTOTYPE_VAD[:, 1]
    beyond = np.clip(heard * track.vad[:, 1] - expected, -1.0, 1.0) * (shown[:, 1:].sum(axis=1) > 0.0)
    ways = [np.maximum(way * (expected + beyond), 0.0) - np.maximum(way * expected, 0.0) for way in (1.0, -1.0)]
    voice = HIDDEN_SHARE * hidden + shown
    rows = voice @ rows_of + np.stack(ways, axis=1) @ arousal
    nerves = [SCALARS.index("jitter"), SCALARS.index("tremor")]
    rows[:, nerves] += (1.0 - HIDDEN_SHARE) * (hidden @ rows_of)[:, nerves]
    felt = voice[:, 1:].sum(axis=1) + np.abs(beyond)
    split = len(SCALARS)
    return Manner(
        scalars=rows[:, :split].astype(np.float32),
        curves=rows[:, split:].reshape(len(rows), len(CURVES), BANDS).astype(np.float32),
        strength=np.clip(felt / STRENGTH_AT, 0.0, 1.0).astype(np.float32),
        falters=np.clip(FALTERS_AT * hidden[:, 1:].sum(axis=1), 0.0, 1.0).astype(np.float32),
    )


@lru_cache(maxsize=1)
def manner_table() -> Table:
    """The bundled table."""
    return table_from(asset_table("voice/manners.toml"))


def table_from(entries: Mapping[str, Mapping[str, object]]) -> Table:
    """A table from what the `.toml` says: by emotion and name."""
    rows = {name: _row(entries[name]) for name in (*EMOTIONS[1:], AROUSAL, CALM)}
    felt = np.stack([np.zeros(len(rows[AROUSAL])), *(rows[name] for name in EMOTIONS[1:])])
    return felt, np.stack([rows[AROUSAL], rows[CALM]])


def _row(entry: Mapping[str, object]) -> Float[Array, " number"]:
    return np.concatenate([np.atleast_1d(np.asarray(entry[name], np.float64)) for name in (*SCALARS, *CURVES)])
