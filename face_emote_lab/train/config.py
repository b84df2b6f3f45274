"""What a training run does: a TOML file read into frozen dataclasses. Every field has the recommended default."""

import difflib
import tomllib
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from face_emote.core.assets import ASSETS
from face_emote.core.errors import ConfigError
from face_emote.core.reading import text_of
from face_emote.network.checkpoint import fault_of
from face_emote.network.config import NetConfig
from face_emote_lab.train.lip_losses import LipLossWeights

BUNDLED = ASSETS / "training"  # Configurations that come with the package; `face-emote train NAME` finds them by name.


@dataclass(frozen=True, slots=True)
class DataConfig:
    """What is learned from, and how much of each."""

    batch: int = 12  # Crops a step.
    crop_frames: int = 160  # Hidden frames of a crop, 50 a second; the look-ahead is part of them.
    shares: dict[str, float] = field(
        default_factory=lambda: {
            "grid_s1": 0.26, "grid_talkers": 0.16, "stretched": 0.12, "librispeech": 0.2, "vctk": 0.03, "emodb": 0.03,
            "facegood": 0.03, "flite": 0.04, "espeak": 0.06, "jtalk": 0.02, "emotional": 0.03, "silent": 0.02,
            "user_motions": 0.3, "user_vocaset": 0.3, "user_mead": 0.3, "user_beat2": 0.3,
        }
    )  # fmt: skip
    """How often a crop comes from each source of the corpus; sources that are missing are left out."""
    hold_out_talkers: tuple[str, ...] = ()
    """Talkers that are measured on and not learned from, beside the corpus's own test clips."""
    phones_known: float = 0.4
    """Share of crops whose phones the lip path is given (a transcript); the others teach it to listen."""
    style_known: float = 0.5  # Share of captured crops that are named after their talker; the others are `generic`.
    augment: float = 0.85  # Share of crops that are changed: gain, room, noise, throat, tempo, telephone.


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """AdamW with warm-up, cosine decay and a running mean of the weights."""

    steps: int = 6000
    rate: float = 2e-3
    warmup_steps: int = 150
    weight_decay: float = 0.02
    clip: float = 1.0  # Largest norm of the gradient.
    average: float = 0.998  # Of the running mean that is shipped, per step.
    bfloat16: bool = False
    """Multiply short numbers on a CPU too: almost twice as fast where it has AVX512-BF16. On CUDA it is always so."""


@dataclass(frozen=True, slots=True)
class ExpressionConfig:
    """The expression path learns what the authored expression does; its parameters are its own."""

    batch: int = 12
    crop_latents: int = 100  # Of 12.5 a second.


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One run."""

    name: str = "default"
    seed: int = 0
    parts: tuple[str, ...] = ("lips",)
    """Which paths are trained, `lips`, `expression` or both; what teaches the other one is in the source distribution
    (`tools.train_network.train`)."""
    net: NetConfig = NetConfig()  # noqa: RUF009 - frozen
    data: DataConfig = DataConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    losses: LipLossWeights = LipLossWeights()  # noqa: RUF009 - frozen
    expression: ExpressionConfig = ExpressionConfig()
    judges: dict[str, Any] = field(default_factory=dict)
    """Weights of losses that ask judges; for whoever brings them (`tools.train_judges.losses`)."""
    start_from: str = ""  # A checkpoint (.safetensors) whose weights the run begins with.
    save_minutes: float = 5.0  # Wall-clock time between checkpoints.
    measure_steps: int = 250  # Steps between measurements on held-out clips.


T = TypeVar("T")


def read_config(source: str | Path) -> TrainConfig:
    """Read a TOML file, or a bundled configuration by its name.

    ConfigError: no such file, not TOML, or a key or value that does not belong.
    """
    path = Path(source)
    if not path.suffix and not path.exists():
        names = sorted(p.relative_to(BUNDLED).with_suffix("").as_posix() for p in BUNDLED.rglob("*.toml"))
        if path.as_posix() not in names:
            raise ConfigError(f"No training configuration is called {source}; there are {', '.join(names)}, or a .toml")
        path = BUNDLED / f"{source}.toml"
    try:
        table = tomllib.loads(text_of(path))
    except FileNotFoundError:
        raise ConfigError(f"There is no such training configuration: {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"The training configuration cannot be read ({error}): {path}") from None
    return checked(from_table(TrainConfig, table, where=path.name))


def from_table(kind: type[T], table: dict[str, Any], *, where: str) -> T:
    """A frozen dataclass from nested tables; unknown keys and wrong types are the user's mistakes."""
    from dacite import Config, UnexpectedDataError, WrongTypeError, from_dict

    try:
        return from_dict(kind, table, Config(strict=True, cast=[tuple], type_hooks={int: _number, float: _decimal}))
    except UnexpectedDataError as error:
        key = min(error.keys)
        near = difflib.get_close_matches(key, _names(kind), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(_names(kind)))}"
        raise ConfigError(f"The key {key!r} in {where} is unknown{hint}") from None
    except WrongTypeError as error:
        raise ConfigError(f"{error.field_path} in {where} cannot be {error.value!r}") from None


def _number(value: Any) -> Any:
    """TOML's true is no number, though Python's is; as a word it is refused."""
    return str(value).lower() if isinstance(value, bool) else value


def _decimal(value: Any) -> Any:
    return float(value) if type(value) is int else _number(value)


def _names(kind: Any) -> set[str]:
    """Names of the fields of a dataclass, and of those in it."""
    hints = get_type_hints(kind)
    return set(hints).union(*(_names(inner) for inner in hints.values() if is_dataclass(inner)))


def checked(config: TrainConfig) -> TrainConfig:
    """The config, if it makes sense; raises ConfigError when a size or a share is out of range."""
    fault = fault_of(config.net)
    if fault:
        raise ConfigError(f"The training configuration {config.name!r} cannot be used: net: {fault}")
    data, longest = config.data, max(config.net.look_ahead_frames)
    rules = (
        (
            set(config.parts) <= {"lips", "expression"} and config.parts != (),
            "parts must name lips, expression or both",
        ),
        (data.batch >= 1 and config.expression.batch >= 1, "batches need at least one crop"),
        (data.crop_frames > longest + 25, f"data.crop_frames must exceed {longest + 25} frames"),
        (config.expression.crop_latents * 4 > longest + 25, "expression.crop_latents is too short"),
        (bool(data.shares) and min(data.shares.values()) >= 0.0 < sum(data.shares.values()), "data.shares add up to 0"),
        (config.optimiser.steps >= 1, "optimiser.steps must be at least 1"),
    )
    for holds, complaint in rules:
        if not holds:
            raise ConfigError(f"The training configuration {config.name!r} cannot be used: {complaint}")
    return config
