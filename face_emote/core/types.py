"""The values that flow through face_emote, in pipeline order. All are immutable; arrays are not to be written to.

Speech -> SpeechAnalysis --.
EmotionPlan -> EmotionTrack --animate--> FaceMotion --Head--> MeshSequence --render--> frames

Units: metres, +Y up, the face looks along +Z, +X to the character's left; radians (axis-angle); seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.fields import Kind, option
from face_emote.core.names import BLOOD_TIMINGS, NUM_CEPSTRA, NUM_EXPRESSION, NUM_SHAPE, SAMPLE_RATE_HZ

Progress = Callable[[float, float, str], None]
"""progress(done, total, what): seconds heard or frames made, of how many, and which of the two."""
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Speech:
    """One mono recording."""

    samples: Float[Array, " samples"]  # Amplitude in [-1, 1], float32.
    sample_rate: int = SAMPLE_RATE_HZ  # Samples per second.
    transcript: str | None = None
    """The words spoken, when known; sharpens the phones."""

    @property
    def duration_secs(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Phone:
    """One sound of the speech."""

    label: str  # One of `names.PHONES` (ARPAbet without stress; SIL is silence).
    start_secs: float
    end_secs: float
    stress: int = 0
    """0 unstressed, 1 primary, 2 secondary; vowels only. Without a dictionary it is judged from prosody."""
    confidence: float = 1.0
    """0..1; aligned phones have 1, phones heard without a transcript their mean posterior."""
    strength: float = 1.0
    """How far the mouth takes its shape, 0..2; somebody's choice."""

    @property
    def centre_secs(self) -> float:
        """Middle of the phone."""
        return 0.5 * (self.start_secs + self.end_secs)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word of the speech."""

    text: str
    start_secs: float
    end_secs: float


@dataclass(frozen=True, slots=True)
class Prosody:
    """How the words were said, every 10 ms (`names.FEATURE_HZ`); frame i is centred on i / FEATURE_HZ."""

    loudness_db: Float[Array, " feature_frames"]  # RMS level in dB relative to full scale, floored at -90.
    f0_hz: Float[Array, " feature_frames"]  # Fundamental frequency; NaN where unvoiced.
    voiced: Float[Array, " feature_frames"]  # Strength of voicing, 0..1.
    speaking: Float[Array, " feature_frames"]  # Speech against silence or noise, 0..1.
    tremor: Float[Array, " feature_frames"]  # Strength of 4-8 Hz modulation of the pitch, 0..1.
    timbre: Float[Array, f"rows cepstrum={NUM_CEPSTRA}"] = field(
        default_factory=lambda: np.zeros((0, NUM_CEPSTRA), np.float16)
    )
    """Shape of the spectrum whatever its level (`audio.features.timbre_of`); no rows: it is not known."""


@dataclass(frozen=True, slots=True)
class Talker:
    """Whose voice it is, known from other lines (`perception.talker`)."""

    shift: tuple[float, ...]
    """By how much each figure that the reader of voices sees lies above other people's."""
    num_lines: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A gap in the speech: a micropause (60-250 ms) or longer."""

    start_secs: float
    end_secs: float


@dataclass(frozen=True, slots=True)
class SpeechAnalysis:
    """All that the animator knows about a recording. Small: about 23 MB an hour."""

    duration_secs: float
    phones: tuple[Phone, ...]  # In order, gapless from 0 to `duration_secs`.
    prosody: Prosody
    pauses: tuple[Pause, ...]
    aligned: bool
    """Whether the phones come from a transcript (exact) or from the sound alone."""
    remarks: tuple[str, ...] = ()
    """What a person should know, in sentences: that no speech was found, that damage was left out."""
    words: tuple[SpokenWord, ...] = ()
    """Of the transcript, where they are spoken; empty without one."""
    text: str = ""  # The transcript as it is written.

    @property
    def has_speech(self) -> bool:
        """Whether anybody says anything."""
        return any(phone.label != "SIL" for phone in self.phones)


@dataclass(frozen=True, slots=True)
class Emotion:
    """One emotional state, not yet spread over time."""

    mix: Float[Array, " emotion=8"]  # Weights over `names.EMOTIONS`, summing to 1.
    vad: Float[Array, " vad=3"]  # Valence, arousal, dominance, each in [-1, 1].
    intensity: float = 1.0  # 0 nothing shows, 1 full.
    covert: Float[Array, " emotion=8"] = field(default_factory=lambda: np.zeros(8, np.float32))
    """Weights of the emotion that is hidden; zeros when nothing is."""
    leak: float = 0.0  # How much of the hidden emotion shows, 0..1.


@dataclass(frozen=True, slots=True)
class EmotionKey:
    """An emotion that is reached at an instant."""

    time_secs: float
    emotion: Emotion


@dataclass(frozen=True, slots=True)
class EmotionPlan:
    """What the user wants: emotion keys over time, some of it perhaps to be read from the voice."""

    keys: tuple[EmotionKey, ...]
    """In order of time, at least one. Between two keys the emotion blends; before and after them it holds."""
    auto: float = 0.0
    """Share of the emotion that is read from the voice, 0..1 (`auto` alone is 1)."""
    text: str = ""  # The description as the user wrote it.
    turns: tuple[str, ...] = ()
    """Words of feelings that follow each other, where nobody has said when: keys that `emotion.track.in_turn` lays over
    the speech."""


@dataclass(frozen=True, slots=True)
class EmotionTrack:
    """The emotion on every frame."""

    mix: Float[Array, "frames emotion=8"]
    vad: Float[Array, "frames vad=3"]
    intensity: Float[Array, " frames"]
    covert: Float[Array, "frames emotion=8"]
    leak: Float[Array, " frames"]
    fps: float


@dataclass(frozen=True, slots=True)
class MotionInfo:
    """Where a motion came from; travels in the header of the motion file."""

    basis: str
    """Id of the face model whose coefficients these are (`Head.basis`); nothing is applied to another one."""
    emotion: str = ""
    speech_name: str = ""
    speech_sha256: str = ""
    speech_secs: float = 0.0  # Exact length of the sound; 0 when there is none.
    animator: str = ""  # What made the motion, for example `rules`.
    seed: int = 0
    version: str = ""  # Version of face_emote that wrote it.
    cues: str = ""
    """What the mouth says: the text of a file of cues (`formats.cues_file`); empty where nobody knows."""
    consent: str = ""  # Of somebody whose style or moments are played: who agreed to it.
    moments: str = ""  # Which moments of a bank were played or drawn after, and where.


@dataclass(frozen=True, slots=True)
class FaceMotion:
    """What the face does, frame by frame: the contract between animator, renderer, exporters and Blender."""

    expression: Float[Array, f"frames expr={NUM_EXPRESSION}"]
    """Expression coefficients of the basis; 0..1 per unit on the bundled head (`names.CONTROLS`)."""
    jaw_pose: Float[Array, "frames 3"]
    neck_pose: Float[Array, "frames 3"]
    eye_pose: Float[Array, "frames eye=2 3"]  # Left eye, right eye.
    global_pose: Float[Array, "frames 3"]
    translation: Float[Array, "frames 3"]
    wrinkles: Float[Array, "frames wrinkle=16"]
    """Activation of each of `names.WRINKLES`, 0 smooth to 1 deepest."""
    blood_flow: Float[Array, "frames region=8"]
    """Per `names.BLOOD_REGIONS`: -1 pallor, 0 rest, +1 flush."""
    fps: float
    info: MotionInfo
    betas: Float[Array, f" shape={NUM_SHAPE}"] = field(default_factory=lambda: np.zeros(NUM_SHAPE, np.float32))
    """Identity of the head, in standard deviations."""
    character: str = "default"  # Name of the skin, eyes and hair to show it with.
    confidence: Float[Array, "frames area=2"] | None = None
    """Of a captured face, per `names.CONFIDENCE_AREAS`: 1 seen well, 0 not seen and made up."""

    @property
    def row_names(self) -> tuple[str, ...]:
        """The fields that have a row per frame."""
        return FRAME_ARRAYS if self.confidence is None else (*FRAME_ARRAYS, "confidence")

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.expression)

    def __len__(self) -> int:
        return self.num_frames

    def __getitem__(self, frames: int | slice) -> "FaceMotion":
        """Some of the frames (views of the same arrays): `motion[10:20]`, `motion[-1]`; `motion[::2]` at half the rate.

        They do not fit the sound any more, so that its length is forgotten, unless they are the whole motion.
        """
        if isinstance(frames, slice):
            first, stop, step = frames.indices(self.num_frames)
        else:
            first = range(self.num_frames)[frames]
            first, stop, step = first, first + 1, 1
        rows = {name: getattr(self, name)[first : stop if stop >= 0 else None : step] for name in self.row_names}
        part = replace(self, **rows, fps=self.fps / abs(step))
        whole = step == 1 and part.num_frames == self.num_frames
        return part if whole else replace(part, info=replace(self.info, speech_secs=0.0, cues=""))

    def part(self, first: int, stop: int) -> "FaceMotion":
        """Frames first..stop-1 (views of the same arrays)."""
        return replace(self, **{name: getattr(self, name)[first:stop] for name in self.row_names})

    def blocks(self, size: int = 256) -> Iterator["FaceMotion"]:
        """Consecutive parts of at most `size` frames."""
        for first in range(0, self.num_frames, size):
            yield self.part(first, min(first + size, self.num_frames))


FRAME_ARRAYS = (
    "expression", "jaw_pose", "neck_pose", "eye_pose", "global_pose", "translation", "wrinkles", "blood_flow",
)  # fmt: skip
"""The fields that every FaceMotion has a row of per frame; `row_names` are those of a particular one."""


@dataclass(frozen=True, slots=True)
class SkinParams:
    """What a character's skin, eyes and hair look like. Colours are linear sRGB."""

    melanin: float = 0.6
    """Pigment: 0.45 very fair, 0.7 medium, 1.0 olive, 1.9 dark, 2.6 very dark."""
    haemoglobin: float = 0.62  # Blood in the resting skin: 0.4 pale, 0.8 ruddy.
    age: float = 0.3  # 0 young adult, 1 old: resting wrinkles and uneven pigment.
    freckles: float = 0.0
    beard: float = 0.0  # Stubble, 0..1.
    lip_redness: float = 1.0
    """Of the lips themselves, beyond their skin's: 1 a young woman's, 0.5 a man's."""
    lip_colour: float = 0.0  # Lipstick, 0..1.
    iris_colour: tuple[float, float, float] = (0.09, 0.11, 0.10)
    hair_colour: tuple[float, float, float] = (0.05, 0.033, 0.022)
    hair_style: str = "crop"  # One of `names.HAIR_STYLES`.
    hair_length: float = 0.030  # Metres, of the style `crop`; 0 is bald.
    hair_curl: float = 0.0
    """Of the styles that are longer than a crop: 0 straight, 0.3 wavy, 1 tightly curled."""
    hair_grey: float = 0.0  # Share of white hairs, 0..1.
    hair_loss: float = 0.0  # 0 none, 0.5 bald at the crown, 1 a wreath is left.
    brow_density: float = 1.0  # 0 none, 1 usual, above it thicker hairs.
    lash_density: float = 0.8
    """0 none, 1 long and full; fewer are shorter and finer: 0.45 a man's, 0.35 an old person's."""
    garment_colour: tuple[float, float, float] = (0.035, 0.04, 0.055)


@dataclass(frozen=True, slots=True)
class Manner:
    """How one person moves beside others: factors on the sliders of that name, 1 is the mean of people."""

    energy: float = 1.0  # How much of what is felt shows.
    brows: float = 1.0  # The brows' part in talking; old ones have less play.
    head: float = 1.0
    gaze: float = 1.0  # How far and often the eyes leave the listener.
    blinks: float = 1.0


@dataclass(frozen=True, slots=True)
class Character:
    """A ready person: a shape, a skin, a manner; of a real one, who agreed to it."""

    name: str
    betas: Float[Array, f" shape={NUM_SHAPE}"]
    skin: SkinParams
    manner: Manner = Manner()
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera. Pixel centres lie at half-integers, rows run down."""

    position: Vector
    target: Vector
    field_of_view: float = 0.42  # Of the shorter side of the picture, radians.


@dataclass(frozen=True, slots=True)
class Light:
    """A distant light."""

    direction: Vector  # Points to the light; any length.
    colour: Vector  # Irradiance on a facing surface divided by pi, linear sRGB.


@dataclass(frozen=True, slots=True)
class LightRig:
    """Three lights, sky light and the backdrop."""

    key: Light
    fill: Light
    rim: Light
    ambient: Vector = (0.40, 0.43, 0.49)
    """Sky colour overhead; it falls to a tenth at the nadir."""
    backdrop_centre: Vector = (0.105, 0.108, 0.118)
    backdrop_edge: Vector = (0.022, 0.023, 0.026)
    exposure: float = 0.78
    softness: float = 0.0030
    """Blur of the key light's shadow to either side, metres: 0.002 a bare lamp, 0.006 a large softbox."""


def _slider(text: str, **about: Any) -> Any:
    hint = "1 is the natural amount"
    return option(1.0, text, kind=Kind.NUMBER, low=0.0, high=4.0, hint=hint, section=SLIDERS, metavar="FACTOR", **about)


SLIDERS, FINE_POINTS = "Sliders (1 is natural, 0 none, 4 the most)", "Fine points"
"""Titles of groups of options."""


@dataclass(frozen=True, slots=True)
class PerformanceStyle:
    """The animator's sliders. 1 is the natural amount; the defaults are recommended."""

    lips: float = _slider("Lip shapes; closed sounds stay closed.")
    jaw: float = _slider("How far the jaw opens.")
    brows: float = _slider("Brow accents on stressed words.")
    head: float = _slider("Nods, tilts and sway of the head.", name="head_motion")
    gaze: float = _slider("Eye movements.")
    blinks: float = _slider("Blinks per minute; 0 never blinks.")
    energy: float = _slider("The emotion's expression.")
    asymmetry: float = option(
        0.08, "Difference between the left and the right half of the face, 0 to 0.25.",
        kind=Kind.NUMBER, low=0.0, high=0.25, section=FINE_POINTS, metavar="SHARE",
    )  # fmt: skip
    blood: str = option(
        "stage", "Blushes and pallor: quick, for short shots; at their true speed, which takes seconds; or none.",
        choices=BLOOD_TIMINGS, section=FINE_POINTS,
    )  # fmt: skip
    wrinkles: float = _slider("Depth of the moving wrinkles.")

    def as_played_by(self, person: Character) -> "PerformanceStyle":
        """The sliders with what is natural for this person at 1."""
        own = {item.name: getattr(self, item.name) * getattr(person.manner, item.name) for item in fields(Manner)}
        return replace(self, **own)
