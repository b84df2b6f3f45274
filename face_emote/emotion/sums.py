"""Members of a sum of emotions, and how much of each there is."""

from dataclasses import dataclass

from face_emote.core.errors import EmotionError
from face_emote.emotion.blending import State, combine


@dataclass(slots=True)
class Part:
    """One member of a sum."""

    state: State | None
    """None stands for `auto`."""
    amount: float | None
    """As written; None when it was left out."""
    relative: float | None
    """Default amount as a share of the first part's; None among equals."""


def filled_amounts(parts: list[Part]) -> list[float]:
    """The amount of every part, those that were left out filled in as the docstring of `grammar` says."""
    equals = [part for part in parts if part.relative is None]
    given = [part.amount for part in equals if part.amount is not None]
    missing = len(equals) - len(given)
    rest = 1.0 - sum(given)
    filled = 1.0 if not given else (rest / missing if missing and rest > 1e-6 else sum(given) / len(given))
    lead = parts[0].amount if parts[0].amount is not None else filled
    return [
        part.amount if part.amount is not None else (filled if part.relative is None else part.relative * lead)
        for part in parts
    ]


def sum_of(parts: list[Part]) -> State:
    """The one state that a sum without `auto` stands for.

    Raises:
        EmotionError: when one of the parts is `auto`.
    """
    states = [part.state for part in parts if part.state is not None]
    if len(states) < len(parts):
        raise EmotionError("auto can only be joined with + or a comma, as in auto + joy:0.3")
    return combine(list(zip(filled_amounts(parts), states, strict=True)))
