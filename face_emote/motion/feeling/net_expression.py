"""The feeling face by the network: its answers read at any instant, with the animator's sliders."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.lowpass import follow
from face_emote.core.names import CONTROLS, EMOTIONS, MOTION_HZ
from face_emote.core.types import EmotionTrack, PerformanceStyle
from face_emote.motion.events.curves import between
from face_emote.motion.feeling.affect import Affect, Display
from face_emote.motion.feeling.expression import MOST_DRIVEN, REST_BREATH_HZ, EmotionBias, response
from face_emote.motion.feeling.masks import behind_mask
from face_emote.motion.feeling.recipes import SIDES
from face_emote.motion.feeling.wrinkles import RESIDUAL
from face_emote.network import config

_FAINTEST = 0.025  # Intensity, covert share or valence, arousal, dominance at which something surely is felt.
_APPEARS_SECS, _FADES_SECS = 0.04, 0.6
_USUAL_INTENSITY = 0.7  # At which the slider `energy` does what it does to the rules.
COLUMNS = np.array([CONTROLS.index(name) for name in config.EXPRESSION_CONTROLS])
_BROWS = np.array([i for i, name in enumerate(config.EXPRESSION_CONTROLS) if "brow" in name.lower()])
_ZONES = (("brow", "innerBrow"), ("mouth",), ("nose", "mouthUpperUp"), ("eye", "cheek"))
"""Beginnings of the names of the controls that belong to the four numbers of `emotion_recipes.SIDES`."""


def _side_rows() -> Float[Array, f"emotion=8 control={len(config.EXPRESSION_CONTROLS)}"]:
    rows = np.zeros((len(EMOTIONS), len(config.EXPRESSION_CONTROLS)))
    for column, name in enumerate(config.EXPRESSION_CONTROLS):
        side = 1.0 if name.endswith("Left") else -1.0 if name.endswith("Right") else 0.0
        for zone, beginnings in enumerate(_ZONES):
            if name.startswith(beginnings):
                rows[:, column] = [side * SIDES[emotion][zone] for emotion in EMOTIONS]
    return rows


_LIMITS = {
    "frown": (0.0, 1.0), "motion_energy": (0.3, 2.0), "head_pitch": (-0.25, 0.25), "head_yaw": (-0.25, 0.25),
    "head_roll": (-0.2, 0.2), "gaze_pitch": (-0.3, 0.4), "gaze_avert": (0.0, 1.0), "gaze_scan": (0.0, 1.0),
    "blink_factor": (0.3, 2.0), "breath_factor": (0.4, 2.5),
}  # fmt: skip
"""Bearing beyond these is not believed."""
_LOWEST, _HIGHEST = np.array([_LIMITS[name] for name in config.BEARING]).T
_SIDES = _side_rows()  # How much each emotion's controls lead, -1..1: positive on the left half, negative on the right.
_AT_REST = np.array(
    [1.0 if name in ("motion_energy", "blink_factor", "breath_factor") else 0.0 for name in config.BEARING]
)


@dataclass(frozen=True, slots=True, eq=False)
class NetExpression:
    """What the network says of a clip's feeling, every `LATENT_FRAMES` frames of `MOTION_HZ`; linear between."""

    answers: Float[Array, f"latents answer={config.NUM_EXPRESSION_OUTPUTS}"]
    hidden: Float[Array, f"latents answer={config.NUM_EXPRESSION_OUTPUTS}"] | None
    """The same of the hidden emotion, as if it were shown; None when nothing is hidden."""
    first: int = 0  # Frame of `MOTION_HZ` at which the first row stands.

    def at(self, times: Float[Array, " frames"]) -> Float[Array, f"frames answer={config.NUM_EXPRESSION_OUTPUTS}"]:
        """All answers at instants; held after the end."""
        return between(self.answers, (times * MOTION_HZ - self.first) / config.LATENT_FRAMES)

    def hidden_at(
        self, times: Float[Array, " frames"]
    ) -> Float[Array, f"frames answer={config.NUM_EXPRESSION_OUTPUTS}"]:
        """Answers about the hidden emotion at instants; zeros when nothing is hidden."""
        if self.hidden is None:
            return np.zeros((len(times), config.NUM_EXPRESSION_OUTPUTS))
        return between(self.hidden, (times * MOTION_HZ - self.first) / config.LATENT_FRAMES)


def affect_by_net(
    answers: Float[Array, f"steps answer={config.NUM_EXPRESSION_OUTPUTS}"],
    hidden: Float[Array, f"steps answer={config.NUM_EXPRESSION_OUTPUTS}"],
    *,
    plan: EmotionTrack,
    presence: Float[Array, " steps"],
    style: PerformanceStyle,
) -> Affect:
    """The feeling at consecutive steps.

    `plan` is the emotion that is wanted, `dynamics.LEAD_SECS` ahead of the steps; `presence` says whether anything is
    felt (`step_presence`).
    """
    share = presence[:, None]
    bearing = _bearing(answers)
    bearing = _AT_REST + share * (bearing - _AT_REST)
    column = {name: bearing[:, i] for i, name in enumerate(config.BEARING)}
    # Blood follows the hidden emotion: what is posed does not blush (`blood.blood_drives`).
    posed = np.clip(plan.covert.astype(np.float64).sum(axis=1), 0.0, 1.0)[:, None]
    drives = (1.0 - posed) * answers[:, config.BLOOD_SLICE] + hidden[:, config.BLOOD_SLICE]
    taught = _on_face(np.clip(answers[:, config.CONTROL_SLICE], 0.0, 1.0))
    shown, breaking = behind_mask(
        _on_face(_shown(answers[:, config.CONTROL_SLICE], mix=plan.mix, presence=share, style=style)),
        _on_face(_shown(hidden[:, config.CONTROL_SLICE], mix=plan.covert, presence=share, style=style)),
        track=plan,
    )
    display = Display(
        emotion=shown,
        hidden=breaking,
        leak=plan.leak,
        energy=column["motion_energy"],
        frown=column["frown"],
        head_tendency=np.stack([column[f"head_{name}"] for name in ("pitch", "yaw", "roll")], axis=-1),
    )
    return Affect(
        display,
        drives=np.clip(share * drives, 0.0, 1.0),
        arousal=plan.vad[:, 1],
        # `folding` adds what the controls explain by itself; the network's word counts where it says otherwise.
        residual=energy_gain(style.energy) * share * (answers[:, config.WRINKLE_SLICE] - taught @ RESIDUAL),
    )


def step_presence(
    plan: EmotionTrack, level: Float[Array, " one"] | None
) -> tuple[Float[Array, " steps"], Float[Array, " one"]]:
    """Whether anything is felt at all, 0..1 at each step, and the level to go on from (None: before the first step).

    A network's nothing is never quite nothing. Where the plan has wanted nothing for a while, this is 0, and a
    neutral face in silence stays exactly still; 1 as soon as it wants anything.
    """
    strength = np.maximum(plan.intensity.astype(np.float64), plan.covert.sum(axis=1))
    goal = np.clip(np.maximum(strength, np.abs(plan.vad).max(axis=1)) / _FAINTEST, 0.0, 1.0)[:, None]
    present, level = follow(
        goal, goal[0] if level is None else level, on_secs=_APPEARS_SECS, off_secs=_FADES_SECS, step_hz=MOTION_HZ
    )
    return present[:, 0], level


def bias_by_net(answers: Float[Array, f"frames answer={config.NUM_EXPRESSION_OUTPUTS}"]) -> EmotionBias:
    """How the feeling bears on gaze, head, breath and blinks where the network answered so."""
    rows = _bearing(answers)
    column = {name: rows[:, i] for i, name in enumerate(config.BEARING)}
    return EmotionBias(
        breath_rate_hz=REST_BREATH_HZ * column["breath_factor"],
        **{
            name: column[name]
            for name in (
                "gaze_pitch", "gaze_avert", "gaze_scan", "head_pitch", "head_yaw", "head_roll", "blink_factor",
                "motion_energy",
            )
        },
    )  # fmt: skip


def energy_gain(energy: float) -> float:
    """Factor on the controls that the slider `energy` stands for: that of the rules at the usual intensity."""
    driven, usual = response(np.array([min(_USUAL_INTENSITY * energy, MOST_DRIVEN), _USUAL_INTENSITY]))
    return float(driven / usual)


def with_asymmetry(
    controls: Float[Array, f"steps control={len(config.EXPRESSION_CONTROLS)}"],
    *,
    mix: Float[Array, "steps emotion=8"],
    asymmetry: float,
) -> Float[Array, f"steps control={len(config.EXPRESSION_CONTROLS)}"]:
    """One half leads a little, as in the rules (`emotion_recipes.SIDES`); the network learnt from even faces.

    What an emotion shows on one side alone, such as the smirk of contempt, the network answers itself.
    """
    felt = mix[:, 1:].astype(np.float64)
    lead = felt @ _SIDES[1:] / np.maximum(felt.sum(axis=1, keepdims=True), 1e-6)
    uneven: Array = controls * (1.0 + asymmetry * lead)
    return uneven


def _shown(controls: Array, *, mix: Array, presence: Array, style: PerformanceStyle) -> Array:
    controls = with_asymmetry(np.clip(controls, 0.0, 1.0), mix=mix, asymmetry=style.asymmetry)
    controls = controls * (energy_gain(style.energy) * presence)
    controls[:, _BROWS] *= style.brows
    within: Array = np.clip(controls, 0.0, 1.0)
    return within


def _bearing(answers: Array) -> Array:
    bearing: Array = np.clip(answers[:, config.BEARING_SLICE], _LOWEST, _HIGHEST)
    return bearing


def _on_face(controls: Array) -> Float[Array, "steps control=100"]:
    out = np.zeros((len(controls), len(CONTROLS)))
    out[:, COLUMNS] = controls
    return out
