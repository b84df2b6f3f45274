"""The two things that people configure: a performance, and the pictures of it. Each is one record.

The verbs build a record once from their keywords; command line, manifests and worker requests are made from the table
that `fields.options_of` reads out of these classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from face_emote.core.cameras import is_faced
from face_emote.core.cues import MouthCues
from face_emote.core.errors import OptionError
from face_emote.core.eyes import EyeDirection
from face_emote.core.fields import Kind, Option, Sides, built, option, options_of, require_fields, sides_of
from face_emote.core.names import (
    ANIMATORS,
    CAMERAS,
    CODECS,
    CONTEXTS,
    DEFAULT_FPS,
    ENGINES,
    HAIR_STYLES,
    LIGHTS,
    NETWORKS,
)
from face_emote.core.timing import MAX_FPS, MIN_FPS, USUAL_FPS, frame_at, frames_in
from face_emote.core.types import (
    FINE_POINTS,
    Camera,
    EmotionPlan,
    LightRig,
    PerformanceStyle,
    SkinParams,
    Speech,
    Talker,
)

FILM = "Film"
PERFORMANCE, ANIMATOR, PICTURE, MARK = "Performance", "Animator", "Picture (for video)", "Mark (for video and .glb)"
MIN_SIDE, MAX_SIDE = 16, 8192
DEFAULT_SAMPLES = 16
LONGEST_FILM_SECS = 1e5


@dataclass(frozen=True, slots=True)
class BankUse:
    """Which moments of a bank takes are drawn after (`bank.moments`)."""

    bank: Path | None = option(
        None, "A bank of moments beside the bundled one: a folder that `face-emote bank add` made.",
        kind=Kind.FOLDER, section=ANIMATOR, metavar="FOLDER", usual="yours",
    )  # fmt: skip
    pin: str = option(
        "", 'Moments to be played as they are, and when: "1.2s NAME; 4s NAME"; see `face-emote bank list`.',
        section=ANIMATOR, metavar="WORDS",
    )  # fmt: skip
    forbid: str = option(
        "", "Moments that no take is to be drawn after: their names, with commas between; or all.",
        section=ANIMATOR, metavar="NAMES",
    )  # fmt: skip
    context: str | None = option(
        None, "Who is spoken to; it decides which moments suit.", choices=CONTEXTS[:-1], section=ANIMATOR,
        usual="monologue; with a partner dialogue or interview",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Performance:
    """How a speech is to be performed: all that decides the motion."""

    speech: Speech | str | Path
    """A recording, or the path of one."""
    emotion: str | EmotionPlan = option(
        "auto",
        'In words: "joy", "calm anger", "joy 70% + guilt 30%", "anger hidden under a smile", '
        '"0s neutral; 1.5s surprise". auto reads it from the voice.',
        section=PERFORMANCE, letter="e", metavar="WORDS",
    )  # fmt: skip
    intensity: float = option(
        1.0, 'How strongly an emotion that is named is felt, 0 to 1: "joy" at .5 is "joy:0.5".',
        kind=Kind.NUMBER, low=0.0, high=1.0, section=PERFORMANCE, metavar="SHARE",
    )  # fmt: skip
    transcript: str | Path | None = option(
        None, "What is said, as text or as a file of text or subtitles; makes the lips exact.",
        kind=Kind.WORDS, section=PERFORMANCE, letter="t", metavar="TEXT",
    )  # fmt: skip
    language: str | None = option(
        None, "Of the transcript: en, de, es, fr, it, pt, nl, pl, fi, tr or id; in others the sound alone is heard.",
        section=PERFORMANCE, metavar="CODE", usual="told by its words",
    )  # fmt: skip
    cues: Path | MouthCues | None = option(
        None, "Corrected words and sounds (.json as `export` writes it, or .TextGrid); they change the mouth alone.",
        kind=Kind.FILE, section=PERFORMANCE, metavar="FILE",
    )  # fmt: skip
    heart: Path | None = option(
        None,
        "A recorded body: heart rate, RR intervals, ECG, PPG, EDA, breath or EEG powers, from the sound's start (.csv, "
        ".edf).",
        kind=Kind.FILE, section=PERFORMANCE, metavar="FILE", usual="a heart that follows the emotion",
    )  # fmt: skip
    partner: Path | None = option(
        None,
        "What a partner says meanwhile: a recording of the same length. Where only the partner talks, the character "
        "listens.",
        kind=Kind.FILE, section=PERFORMANCE, metavar="FILE",
    )  # fmt: skip
    fps: float = option(
        DEFAULT_FPS, "Frames per second, 1 to 1000.",
        kind=Kind.NUMBER, low=MIN_FPS, high=MAX_FPS, hint=USUAL_FPS, section=PERFORMANCE, metavar="RATE",
    )  # fmt: skip
    seed: int = option(
        0, "Another number, another take.",
        kind=Kind.WHOLE, low=0, high=2**63 - 1, section=PERFORMANCE, metavar="NUMBER",
    )  # fmt: skip
    character: str = option(
        "default", "Who speaks; see `face-emote head list`.", section=PERFORMANCE, letter="c", metavar="NAME"
    )
    look_at: str | Camera | None = option(
        None, "Camera whose lens the eyes meet.", choices=CAMERAS, section=PERFORMANCE,
        usual="the one that draws, unless it stands far aside; else portrait",
    )  # fmt: skip
    animator: str = option(
        "net",
        "net has learnt from recorded lips and hears any language; rules follow the phones they recognise; takes are "
        "net with head, brows and blinks drawn anew for every seed, as filmed readers move.",
        choices=ANIMATORS, section=ANIMATOR,
    )  # fmt: skip
    model: str | Path = option(
        "default", "Another network: a .safetensors checkpoint.",
        kind=Kind.FILE, choices=NETWORKS, section=ANIMATOR, metavar="FILE",
    )  # fmt: skip
    moves_like: Path | None = option(
        None, "Somebody's way to move, a .style file that `clone` wrote; played by the animator takes.",
        kind=Kind.FILE, name="style", section=ANIMATOR, metavar="FILE",
    )  # fmt: skip
    likeness: float = option(
        1.0, "How far the style is followed: 0 is how people move on the whole, 2 exaggerates.",
        kind=Kind.NUMBER, low=0.0, high=2.0, name="style_strength", section=ANIMATOR, metavar="FACTOR",
    )  # fmt: skip
    moments: BankUse = BankUse()
    looks_like: bool = option(
        False, "Play with the face of the style, too, where it was cloned with one and no other character is named.",
        kind=Kind.FLAG, name="identity", section=ANIMATOR,
    )  # fmt: skip
    style: PerformanceStyle = PerformanceStyle()  # noqa: RUF009 - frozen
    eyes: EyeDirection | None = None
    """Blinks and what is looked at, where somebody has decided them."""
    talker: Talker | None = None
    """Whose voice it is: what `auto` reads is read against that voice's other lines."""
    head: Path | None = option(
        None, "Another face model than the bundled one: a file made by `face-emote head import`, or a FLAME file.",
        kind=Kind.FILE, section=FINE_POINTS, metavar="FILE",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Raise OptionError for a value out of its range, or values that contradict each other."""
        require_fields(self)
        if self.animator == "rules" and self.model != "default":
            raise OptionError("The rules need no network; leave out the network, or the animator rules")
        if self.animator == "rules" and self.moves_like is not None:
            raise OptionError("The rules move like nobody in particular; leave out the style, or the animator rules")
        if self.animator == "rules" and self.moments != BankUse():
            raise OptionError(
                "The rules play no moments; leave out bank, pin, forbid and context, or the animator rules"
            )
        if self.looks_like and self.moves_like is None:
            raise OptionError("Only a style has an identity to look like; name the style, or leave out the identity")

    @property
    def is_drawn(self) -> bool:
        """Whether a take of head, brows and blinks is drawn for it."""
        return self.animator == "takes" or self.moves_like is not None or bool(self.moments.pin)


@dataclass(frozen=True, slots=True)
class Filming:
    """How a filmed face is to be read."""

    face: str | None = option(
        None, "Which face, where there are several: left, right or its number from the left.",
        section=FILM, metavar="WHICH", usual="the largest",
    )  # fmt: skip
    neutral: float | None = option(
        None, "An instant at which the face is really at rest; everything is measured from there.",
        kind=Kind.NUMBER, low=0.0, high=LONGEST_FILM_SECS, section=FILM, metavar="SECONDS", usual="guessed",
    )  # fmt: skip
    focal: float | None = option(
        None, "Focal length of the camera, as on 35 mm film.",
        kind=Kind.NUMBER, low=10.0, high=800.0, hint="a phone's selfie camera has about 28", section=FILM,
        metavar="MM", usual="58",
    )  # fmt: skip
    lips: str = option(
        "video", "Whose lips: the film's, its sound's, or the film's with the closures of the sound.",
        choices=("video", "sound", "both"), section=FILM,
    )  # fmt: skip
    fps: float | None = option(
        None, "Frames per second of the motion.",
        kind=Kind.NUMBER, low=MIN_FPS, high=MAX_FPS, hint=USUAL_FPS, section=FILM, metavar="RATE", usual="the film's",
    )  # fmt: skip
    person: Path | None = option(
        None, "Who is filmed: somebody who was enrolled before, a .character file; read more exactly.",
        kind=Kind.FILE, section=FILM, metavar="FILE",
    )  # fmt: skip
    character: str = option(
        "default", "Who plays it; see `face-emote head list`.", section=FILM, letter="c", metavar="NAME"
    )

    def __post_init__(self) -> None:
        """Raise OptionError for a value out of its range."""
        require_fields(self)


@dataclass(frozen=True, slots=True)
class Picture:
    """How a motion is to be drawn."""

    size: int | Sides = option(
        512, "512, or 1280x720.", kind=Kind.SIZE, low=MIN_SIDE, high=MAX_SIDE, section=PICTURE, metavar="PIXELS"
    )
    camera: str | Camera = option("portrait", "Where from.", choices=CAMERAS, section=PICTURE)
    light: str | LightRig = option("studio", "Mood of the light.", choices=LIGHTS, section=PICTURE)
    skin: str | SkinParams | None = option(
        None, "Wear another character's skin, eyes and hair.", section=PICTURE, metavar="NAME"
    )
    hair: str | None = option(None, "Hair style.", choices=HAIR_STYLES, section=PICTURE, usual="the character's own")
    dof: float | None = option(
        None,
        "Depth of field: blur what is not near the eyes, as a lens of this f-number does; 2.8 is a soft portrait.",
        kind=Kind.NUMBER, low=0.7, high=64.0, hint="2.8 is a soft portrait",
        section=PICTURE, metavar="F-NUMBER", usual="all sharp",
    )  # fmt: skip
    codec: str | None = option(None, "Video codec; by default what suits the file.", choices=CODECS, section=PICTURE)
    engine: str = option(
        "fast",
        "What draws; gl uses a graphics card; cycles is slow, most like a photograph and needs Blender's module; "
        "differentiable has no shadows and no hair and needs torch.",
        choices=ENGINES, section=PICTURE,
    )  # fmt: skip
    samples: int | None = option(
        None, "Light paths per pixel of cycles.",
        kind=Kind.WHOLE, low=1, high=4096, section=PICTURE, metavar="NUMBER", usual=str(DEFAULT_SAMPLES),
    )  # fmt: skip
    label: str = option(
        "", 'Words in the corner of every frame, such as "AI-generated".', section=MARK, metavar="WORDS"
    )

    def __post_init__(self) -> None:
        """Raise OptionError for a value out of its range, or values that contradict each other."""
        require_fields(self)
        if self.samples is not None and self.engine != "cycles":
            raise OptionError(f"Only the engine cycles counts samples; leave them out for {self.engine}")
        if self.dof is not None and self.engine != "fast":
            raise OptionError(f"The {self.engine} engine has no depth of field; leave out dof, or take the fast engine")

    @property
    def sides(self) -> Sides:
        """Width and height in pixels."""
        return sides_of(self.size)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which part of a motion is meant."""

    start: float | None = option(
        None, "Leave out what comes before this instant: 2, 2.5s or 00:02; the sound's, too.",
        kind=Kind.TIME, low=0.0, high=LONGEST_FILM_SECS, name="from", metavar="TIME",
    )  # fmt: skip
    end: float | None = option(
        None, "And what comes after this one.",
        kind=Kind.TIME, low=0.0, high=LONGEST_FILM_SECS, name="to", metavar="TIME",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Raise OptionError for an instant out of its range, or an end that is no later than the start."""
        require_fields(self)
        if self.end is not None and self.end <= (self.start or 0.0):
            raise OptionError(f"from, {self.start or 0.0:g} s, must be earlier than to, {self.end:g} s")

    def frames(self, count: int, *, fps: float) -> tuple[int, int]:
        """First frame and the one after the last, of so many. Raises OptionError when the motion has ended by then."""
        secs = count / fps
        late = next(
            (
                f"{name} {at:g} s"
                for name, at, most in (
                    ("from", self.start or 0.0, secs - 1e-6),
                    ("to", self.end or 0.0, secs + 1.0 / fps),
                )
                if at > most
            ),
            None,
        )
        if late is not None:
            raise OptionError(f"The motion ends at {secs:.2f} s, so there is nothing {late}; give an earlier instant")
        stop = count if self.end is None else min(count, frames_in(self.end, fps=fps))
        return frame_at(self.start or 0.0, fps=fps), stop


OVER_CAPTURE = ("emotion", "intensity", "fps", "character", "head", "energy", "brows", "asymmetry", "wrinkles", "blood")
"""Options of a performance that a recorded face has a use for; its lips and its timing stay as they are."""
FAST = Option(
    help="The smaller network: quicker, a little less exact.", kind=Kind.FLAG, section=ANIMATOR, name="fast",
    default=False,
)  # fmt: skip
"""The same as the model `fast`."""
_MODEL_AT = [item.name for item in options_of(Performance)].index("model")
PERFORMANCE_OPTIONS = (*options_of(Performance)[:_MODEL_AT], FAST, *options_of(Performance)[_MODEL_AT:])
PICTURE_OPTIONS = options_of(Picture)


def performance_from(values: Mapping[str, Any], **fixed: Any) -> Performance:
    """A performance from values by the names of `PERFORMANCE_OPTIONS`; `fixed` are fields of the record."""
    if not values.get("fast"):
        return built(Performance, values, **fixed)
    if values.get("model") not in (None, "default", "fast"):
        raise OptionError("fast and model name two networks; give one of them")
    return built(Performance, {**values, "model": "fast"}, **fixed)


def facing(performance: Performance, picture: Picture) -> Performance:
    """The performance with its eyes on the camera that draws it, unless it says where they look, or that is aside."""
    if performance.look_at is not None or not is_faced(picture.camera):
        return performance
    return replace(performance, look_at=picture.camera)


def picture_from(values: Mapping[str, Any], **fixed: Any) -> Picture:
    """A picture from values by the names of `PICTURE_OPTIONS`; `fixed` are fields of the record."""
    return built(Picture, values, **fixed)
