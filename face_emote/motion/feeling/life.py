"""How a felt expression lives while it lasts: a held one is a mask.

Every region of the face swells with the voice and on stressed words, sooner than it ebbs, and stirs on a clock of its
own; in a pause it holds what it feels. Only gains of the felt controls: what is not felt does not move.

    drive = voice (loudness - USUAL_LOUDNESS) + accent (stress claim - USUAL_STRESS) + STIR noise + bias
    wave  = 1 / (1 + exp(-drive)), followed fast upwards and slowly downwards
    gain  = talk (least + (most - least) wave) (1 + fine noise) + (1 - talk) (HELD + held noise)

The noise is fitted to the brows, lids and cheeks of twelve tracked readers (`bench.liveliness`): as much power in every
octave up to 2.4 Hz, and regions that move together as theirs do. A felt expression swings wider than a reader's face.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.lowpass import follow_twice
from face_emote.core.names import CONTROLS, MOTION_HZ
from face_emote.motion.events.curves import noises, octaves


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the face that moves as one, and by how much."""

    controls: tuple[str, ...]  # Beginnings of the names of its controls.
    voice: float
    accent: float
    bias: float  # Where its wave lies between two swells: above 0, so that the feeling is read at most instants.
    least: float = 0.2
    most: float = 1.22  # Gains between which its waves go.
    fine: float = 0.28  # Share of that span that stirs too fast for a wave.


REGIONS = (
    Region(("browInnerUp", "innerBrow"), voice=2.7, accent=7.8, bias=1.1),
    Region(("browOuterUp",), voice=2.7, accent=7.8, bias=1.0),
    Region(("browDown",), voice=3.0, accent=8.0, bias=0.9),
    Region(("eyeWide", "eyeOpen"), voice=3.0, accent=8.2, bias=0.8),
    Region(("eyeSquint", "eyeBlink"), voice=3.2, accent=8.0, bias=0.7),
    Region(("cheek",), voice=3.4, accent=8.0, bias=0.7, fine=0.16),
    Region(("nose",), voice=3.4, accent=8.0, bias=0.8),
    Region(("mouth", "jaw", "lips", "neck", "tongue"), voice=2.7, accent=0.0, bias=0.7, least=0.74, most=1.08),
)
"""Choices: brows follow the stress of words most, and the mouth, which speech moves anyway, least."""
_TOGETHER = np.array(
    [
        [1.0, 0.6, -0.4, 0.1, 0.0, -0.2, -0.1, 0.0],
        [0.6, 1.0, -0.4, 0.2, -0.1, -0.2, -0.1, 0.0],
        [-0.4, -0.4, 1.0, -0.1, 0.1, 0.3, 0.3, 0.0],
        [0.1, 0.2, -0.1, 1.0, -0.3, 0.1, 0.0, 0.0],
        [0.0, -0.1, 0.1, -0.3, 1.0, 0.3, 0.2, 0.0],
        [-0.2, -0.2, 0.3, 0.1, 0.3, 1.0, 0.5, 0.2],
        [-0.1, -0.1, 0.3, 0.0, 0.2, 0.5, 1.0, 0.2],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.2, 1.0],
    ]
)
"""Correlations of the regions' noise, those of the tracked readers; nose and mouth are choices. A felt brow may frown
and rise at once, so the readers' -0.8 between frown and raise is halved."""
_MIXED = np.linalg.cholesky(_TOGETHER)
_ONE_SIDED = 0.3  # Noise of one half of the face against what both share: halves correlate at 0.85, as the readers' do.
_STIR, _HELD_STIR = 2.0, 0.05
_STIR_HZ, _FINE_HZ = 0.5, 9.0
_FINE_KEYS = np.arange(1, len(REGIONS) + 1, dtype=np.uint64) * np.uint64(15_485_863)
_HELD = 0.97  # Where a region lies in a pause.
_USUAL_LOUDNESS, _USUAL_STRESS = 0.5, 0.3
_CLAIM_HZ = 0.9
"""How often it changes which regions take part in a stress: one word goes with the brows, the next with the lids."""
_ON_SECS, _OFF_SECS = 0.05, 0.1  # Time constants of rise and fall; a rise from 10 to 90 % takes 3.4 of them.
FORESEEN_SECS = 0.1
"""A word that is known beforehand is felt so long before its stress; what follows a voice comes after it."""


@dataclass(frozen=True, slots=True, eq=False)
class Tempo:
    """What the speech is doing at consecutive steps, each 0..1."""

    accent: Float[Array, " steps"]  # Prominence of the words.
    activity: Float[Array, " steps"]  # 1 while speaking.
    energy: Float[Array, " steps"]  # Loudness against this talker's own range.


LifeState = Float[Array, "stage=2 wave=24"]
"""The waves as they ring on: of each region on the midline, the left and the right."""


def step_life(
    tempo: Tempo, state: LifeState | None, *, times: Float[Array, " steps"], key: int
) -> tuple[Float[Array, "steps control=100"], LifeState]:
    """Gains of the felt controls at steps of `names.MOTION_HZ`, and the state to go on from (None: at the start).

    `key` names the noise.
    """
    stress, loudness = tempo.accent.astype(np.float64), tempo.energy.astype(np.float64) - _USUAL_LOUDNESS
    noise, claim = _stir(times, key=key), _claims(times, key=key)
    drive = np.stack(
        [
            region.bias
            + region.accent * (stress * claim[number] - _USUAL_STRESS)
            + region.voice * loudness
            + _STIR * noise[number]
            for number, region in enumerate(REGIONS)
        ]
    )
    aims = np.ascontiguousarray(1.0 / (1.0 + np.exp(-drive.reshape(-1, len(times)).T)))
    begun = np.repeat(aims[:1], 2, axis=0) if state is None else state
    waves, state = follow_twice(aims, begun, on_secs=_ON_SECS, off_secs=_OFF_SECS, step_hz=MOTION_HZ)
    fine = noises(times, rates_hz=np.full(len(REGIONS), _FINE_HZ), keys=np.uint64(key) + _FINE_KEYS)
    talk = tempo.activity.astype(np.float64)
    gains = np.ones((len(times), len(CONTROLS)))
    for place, columns in enumerate(_COLUMNS):
        number, side = divmod(place, 3)
        region = REGIONS[number]
        span = region.most - region.least
        holding = _HELD + span * _HELD_STIR * noise[number, side]
        speaking = (region.least + span * waves[:, place]) * (1.0 + span * region.fine * fine[number])
        gains[:, columns] = (talk * speaking + (1.0 - talk) * holding)[:, None]
    return gains, state


def _stir(times: Float[Array, " steps"], *, key: int) -> Float[Array, "region side=3 steps"]:
    """Noise of every region on the midline, the left and the right, standard deviation 1."""
    count = len(REGIONS)
    own = octaves(times, key=key, channels=2 * count, lowest_hz=_STIR_HZ, fall=0.0).T
    both = np.zeros((count, len(times)))
    for other in range(count):  # a product of matrices would round by the length of the block
        both += _MIXED[:, other, None] * own[other]
    uneven = _ONE_SIDED * own[count:]
    scale = 1.0 / np.sqrt(1.0 + _ONE_SIDED**2)
    return np.stack([both, scale * (both + uneven), scale * (both - uneven)], axis=1)


def _claims(times: Float[Array, " steps"], *, key: int) -> Float[Array, "region steps"]:
    """How much of the stress of a word each region takes, 0..2, about 1."""
    wander = octaves(times, key=key ^ 0x2545F491, channels=len(REGIONS), lowest_hz=_CLAIM_HZ, fall=1.0).T
    return np.clip(1.0 + 0.7 * wander, 0.0, 2.0)


def _columns(region: Region) -> tuple[Array, Array, Array]:
    """Its controls on the midline, on the left and on the right; the mouth is all midline."""
    mine = [i for i, name in enumerate(CONTROLS) if name.startswith(region.controls)]
    sided = [CONTROLS[i].endswith(("Left", "Right")) and not CONTROLS[i].startswith("mouth") for i in mine]
    left = [i for i, one in zip(mine, sided, strict=True) if one and CONTROLS[i].endswith("Left")]
    right = [i for i, one in zip(mine, sided, strict=True) if one and CONTROLS[i].endswith("Right")]
    middle = [i for i, one in zip(mine, sided, strict=True) if not one]
    return np.array(middle, np.int64), np.array(left, np.int64), np.array(right, np.int64)


_COLUMNS = tuple(columns for region in REGIONS for columns in _columns(region))
"""Region by region: midline, left, right."""
