"""How many light paths a pixel of the engine `cycles` is given."""

from face_emote.core.errors import OptionError

DEFAULT_SAMPLES = 16
MAX_SAMPLES = 4096


def require_samples(samples: int | None) -> int:
    """The number, or the default for None. Raises OptionError outside 1..4096."""
    number = DEFAULT_SAMPLES if samples is None else samples
    if not 1 <= number <= MAX_SAMPLES:
        raise OptionError(f"samples must lie in 1 to {MAX_SAMPLES}, got {number}")
    return number
