"""What one sense says at every instant, in the terms that all senses share."""

from dataclasses import dataclass, fields, replace

import numpy as np

from face_emote.core.arrays import Array, Float, Int

READING_HZ = 12.5
SENSES = ("voice", "text", "face")
VOICE, TEXT, FACE = range(len(SENSES))
LEAST = 1e-4  # Nothing is taken to be less probable than that.


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One sense at consecutive instants of `READING_HZ`."""

    mix: Float[Array, "frames emotion=8"]  # Probabilities over `names.EMOTIONS`.
    knows: Float[Array, "frames emotion=8"]  # How far it can tell each emotion, 0..1.
    vad: Float[Array, "frames vad=3"]
    vad_sd: Float[Array, "frames vad=3"]  # Standard deviations of `vad`.
    weight: Float[Array, " frames"]  # 0 nothing is sensed there .. 1.

    def __len__(self) -> int:
        return len(self.weight)

    def part(self, first: int, stop: int) -> "Evidence":
        """Some of the instants."""
        return self.at(np.arange(first, stop))

    def at(self, index: Int[Array, " rows"]) -> "Evidence":
        """The instants of these numbers."""
        return Evidence(**{f.name: getattr(self, f.name)[index] for f in fields(Evidence)})

    def held(self, count: int) -> "Evidence":
        """What is sensed lasts so many instants to either side, less and less: a closure of the lips is no silence."""
        reach = np.array(
            [np.roll(np.pad(self.weight, count), k) * (1.0 - abs(k) / (count + 1)) for k in range(-count, count + 1)]
        )
        return replace(self, weight=reach.max(axis=0)[count:-count])

    def lasting(self, count: int) -> "Evidence":
        """So many instants: cut, or with nothing sensed at the end."""
        if len(self) == count:
            return self
        held = self.at(np.minimum(np.arange(count), len(self) - 1))
        return replace(held, weight=np.where(np.arange(count) < len(self), held.weight, 0.0))

    def over(self, spans: list[tuple[int, int]]) -> "Evidence":
        """One instant for each span of frames: the mean of what is sensed in it, weighted by how much there is.

        Log-probabilities are averaged, so that a span says what its instants agree on. `weight` is the span's mean.
        """
        tracks = (np.log(np.maximum(self.mix, LEAST)), self.vad, self.vad_sd, self.knows)
        totals = [_running(values) for values in tracks]
        sums = [_running(values, weight=self.weight) for values in tracks]
        first, stop = np.array(spans, np.int64).reshape(-1, 2).T
        length = np.maximum(stop - first, 1)
        mass = _running(self.weight[:, None])
        heard = (mass[stop] - mass[first])[:, 0]
        means = [
            np.where(
                (heard > 1e-6)[:, None],
                (weighted[stop] - weighted[first]) / np.maximum(heard, 1e-6)[:, None],
                (total[stop] - total[first]) / length[:, None],
            )
            for weighted, total in zip(sums, totals, strict=True)
        ]
        mix = np.exp(means[0])
        mix = mix / mix.sum(axis=1, keepdims=True)
        return Evidence(mix, means[3], means[1], vad_sd=means[2], weight=np.minimum(heard / length, 1.0))


def _running(values: Float[Array, "frames column"], weight: Float[Array, " frames"] | None = None) -> Array:
    """Sums of the rows before each place, [frames + 1, column]."""
    weighted = values if weight is None else values * weight[:, None]
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(weighted, axis=0, dtype=np.float64)])


def frames_over(duration_secs: float) -> int:
    """Instants that cover so many seconds; the first is 0, at least one."""
    return max(1, int(np.ceil(duration_secs * READING_HZ)))
