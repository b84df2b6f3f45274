"""Protocol `face_emote/1`: one JSON object a line, requests on stdin, answers on stdout, log on stderr.

    request    {"id": 7, "method": "generate", "params": {..}}
    progress   {"id": 7, "event": "progress", "value": 0.4, "stage": "listening"}
    result     {"id": 7, "result": {..}}
    error      {"id": 7, "error": {"kind": "user" | "cancelled" | "bug", "message": "one sentence", "details": ".."}}

Methods: hello, load, read, say, generate, capture, transfer, lines, export, cancel, shutdown. Arrays never travel in
JSON: they lie in .npz files whose absolute paths do. A request that cannot be read is answered with id 0.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from face_emote.core.errors import OptionError
from face_emote.core.fields import Option, json_option, nearest, require_number, shown

PROTOCOL = "face_emote/1"
METHODS = ("hello", "load", "read", "say", "generate", "capture", "transfer", "lines", "export", "cancel", "shutdown")
MAX_LINE = 1_000_000  # Characters of a request; a longer line is refused.


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    id: int
    method: str
    params: "Params"


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of a request, read by name and checked for their type; every fault is an OptionError."""

    values: dict[str, Any]

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise OptionError(f"The request needs a text '{name}', got {shown(value)}")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings; empty when absent."""
        values: Any = self.values.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise OptionError(f"The request needs a list of texts '{name}', got {shown(values)}")
        return values

    def number(self, name: str, default: float, *, low: float = 0.0, high: float = 1.0) -> float:
        """A number in a range."""
        value: Any = self.values.get(name, default)
        require_number(name, value, low=low, high=high)
        return float(value)

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number that is not negative."""
        value: Any = self.values.get(name, default)
        require_number(name, value, low=0, high=2**63 - 1, whole=True)
        return int(value)

    def options(self, items: Iterable[Option]) -> dict[str, Any]:
        """Values of a record's fields, by the fields' names; those that are absent or null are left out."""
        found = {item.name: json_option(item, self.values.get(item.name)) for item in items}
        return {name: value for name, value in found.items() if value is not None}

    def require_known(self, names: Iterable[str], *, kind: str = "parameter") -> None:
        """Raise OptionError for the first value whose name is none of these; the nearest is named."""
        known = list(names)
        strange = next((name for name in self.values if name not in known), None)
        if strange is not None:
            raise OptionError(f"There is no {kind} {shown(strange)}; {nearest(strange, known)}")

    def part(self, name: str) -> "Params":
        """An object in its own right; empty when absent."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise OptionError(f"The request needs an object '{name}', got {shown(value)}")
        return Params(value)


def read_request(line: str) -> Request:
    """Raises OptionError, with what is wrong, for anything that is not a request."""
    if len(line) > MAX_LINE:
        raise OptionError(f"A request has at most {MAX_LINE} characters, this one has {len(line)}")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise OptionError(f"A request is one JSON object a line, got {line[:60]!r}") from None
    if not isinstance(message, dict):
        raise OptionError(f"A request is a JSON object, got {line[:60]!r}")
    number, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if isinstance(number, bool) or not isinstance(number, int):
        raise OptionError(f"A request has a whole number as its id, got {shown(number)}")
    if method not in METHODS:
        raise OptionError(f"There is no method {shown(method)}; there are {', '.join(METHODS)}")
    if not isinstance(params, dict):
        raise OptionError(f"The params of a request are an object, got {shown(params)}")
    return Request(number, method, Params(params))


def progress_line(request_id: int, *, value: float, stage: str) -> str:
    """How far a request is, 0..1, and what it is doing."""
    return json.dumps({"id": request_id, "event": "progress", "value": round(value, 4), "stage": stage})


def result_line(request_id: int, result: dict[str, Any]) -> str:
    """What a request has led to."""
    return json.dumps({"id": request_id, "result": result})


def error_line(request_id: int, *, kind: str, message: str, details: str = "") -> str:
    """Why a request has failed; `details` is for a report, not for the eye."""
    return json.dumps({"id": request_id, "error": {"kind": kind, "message": message, "details": details}})
