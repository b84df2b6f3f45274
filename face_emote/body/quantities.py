"""What a column of a body's recording can be, known by its name, and in which units it comes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_PER_MINUTE = {"bpm": 1.0, "1/min": 1.0, "/min": 1.0, "beats/min": 1.0, "min-1": 1.0, "hz": 60.0, "1/s": 60.0}
_SECONDS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "min": 60.0}


@dataclass(frozen=True, slots=True)
class Quantity:
    """One kind of column."""

    name: str
    words: str
    """Pattern that the whole name matches once units and devices are taken off."""
    units: Mapping[str, float]
    """Factors to the first of them; none: any unit will do."""
    low: float = float("-inf")
    high: float = float("inf")
    """Beyond these nobody lives."""
    resistances: Mapping[str, float] = field(default_factory=dict)
    """Units of the reciprocal, as what a value of 1 is in the first of `units`."""


QUANTITIES = (
    Quantity("time", r"t|times?|timestamps?|secs?|seconds|elapsed( time)?", _SECONDS),
    Quantity("heart rate", r"hr|bpm|heart ?rate|pulse( rate)?|(ecg|ppg) rate", _PER_MINUTE, 20.0, 250.0),
    Quantity("rr", r"rri?|ibi|nni?|rr intervals?|r r( intervals?)?|inter ?beat intervals?", _SECONDS, 0.24, 3.0),
    Quantity("ecg", r"ecg|ekg", {}),
    Quantity("ppg", r"ppg|bvp|pleth(ysmogra\w+)?", {}),
    Quantity(
        "eda",
        r"eda|gsr|scl|skin conductance( level)?|conductance|electrodermal activity",
        {"us": 1.0, "usiemens": 1.0, "microsiemens": 1.0, "umho": 1.0, "ns": 1e-3, "ms": 1e3, "s": 1e6, "siemens": 1e6},
        0.01,
        100.0,
        {"kohm": 1e3, "ohm": 1e6, "mohm": 1.0},
    ),
    Quantity("breath rate", r"(resp(iration|iratory)?|rsp|breath(ing)?) rate|breaths", _PER_MINUTE, 3.0, 80.0),
    Quantity("respiration", r"resp(iration)?|rsp|breath(ing)?", {}),
    Quantity("theta", r"theta( power)?", {}, 0.0),
    Quantity("alpha", r"alpha( power)?", {}, 0.0),
    Quantity("beta", r"beta( power)?", {}, 0.0),
)
"""Ranges: Task Force of the ESC and NASPE 1996 (intervals), Boucsein 2012 (conductance)."""
KNOWN = "heart rate, rr, ecg, ppg, eda, respiration, breath rate, and the EEG powers theta, alpha and beta"
_DEVICE = re.compile(r"\b(eeg|signal|raw|clean(ed)?|sensor|channel|polar|tonic|mean|value|the)\b")


def quantity_in(heading: str) -> tuple[Quantity, str] | None:
    """What a heading names, and its unit as it is written there (empty: none); None for what is not read."""
    text = heading.strip().lower().replace("µ", "u").replace("μ", "u").replace("ω", "ohm")
    bracketed = re.search(r"[(\[]\s*([^)\]]*?)\s*[)\]]", text)
    unit = "" if bracketed is None else bracketed[1].replace(" ", "")
    plain = re.sub(r"[(\[].*?[)\]]", " ", text)
    plain = " ".join(re.sub(r"[^a-z0-9/]+", " ", plain).split())
    for name in (plain, " ".join(_DEVICE.sub(" ", plain).split())):
        *words, last = name.split() or [""]
        for quantity in QUANTITIES:
            if re.fullmatch(quantity.words, name):
                return quantity, unit
            if words and not unit and last in {*quantity.units, *quantity.resistances}:
                if re.fullmatch(quantity.words, " ".join(words)):
                    return quantity, last
    return None
