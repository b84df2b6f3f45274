"""Damage that knows what it damages: texts, tables, JSON, words of a command line."""

import json
import random
import re
from typing import Any

from tools.fuzz.damage import Edit

NUMBERS = (
    "nan", "inf", "-inf", "1e400", "-1e400", "1e-320", "-0", "0", "1", "-1", "0x10", "1_000", "٣", "9" * 400, "1,5",
    "--5", "", " ", "4294967296", "18446744073709551616", "0.1.2", "½", "1e5", "1e-5", "true", "null", "1e9",
    "2147483648",    "1000001", "-2147483649", "0.0000001", "1e308", "+.5", "5.", "Infinity", "NaN", "[]", "{}", '""',
)  # fmt: skip
WORDS = (
    "", " ", "\0", "\ud800", "a" * 100_000, "x" * 256, "a/" * 3000, "../outside", "/dev/zero", "/proc/self/mem", "CON",
    "e\u0301", "\u202e\u202d", "%s%n{0}", "{speech}", "{speech:>999999999}", "~nobody/x", "~", "'\"", "\r\n", "\u200b",
    "\U0001d11e", "$(id)", "http:x.wav", "file:///etc/passwd", "-", "--", "-o", "**/*", "[", "[a-", "?", "\x1b[2J", "=",
    ";", "sep=;", "\ufeff", "\u0660", "None", "nan", "__class__", "(" * 5000, ("joy + " * 3000) + "joy", "\n" * 1000,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, 1e308, 10**400, -(10**400), 2**31, 2**63, 2**64, -0.0, float("inf"), float("nan"),
    [], {}, [[]], {"": {}}, [None], [1, "a", None], "", "a" * 70_000, "\0", "\ud800", "1", "true", 1e-320,
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:[.,]\d+)?(?:e-?\d+)?")
_WORD = re.compile(rb"[A-Za-z_]{2,}")
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp1252", "utf-7", "cp037")


def encoded(text: str) -> bytes:
    """Bytes of a text, whatever is in it: halves of letters too."""
    return text.encode("utf-8", "surrogatepass")


def number_replaced(data: bytes, rng: random.Random) -> bytes:
    """A number is another, or none."""
    return _replaced(data, rng, _NUMBER, rng.choice(NUMBERS))


def word_replaced(data: bytes, rng: random.Random) -> bytes:
    """A word is another, or none."""
    return _replaced(data, rng, _WORD, rng.choice(WORDS))


def _replaced(data: bytes, rng: random.Random, pattern: re.Pattern[bytes], text: str) -> bytes:
    found = rng.choice(list(pattern.finditer(data))[:4000] or [None])
    if found is None:
        raise ValueError("none there")
    return data[: found.start()] + encoded(text) + data[found.end() :]


def recoded(data: bytes, rng: random.Random) -> bytes:
    """The same text in another encoding."""
    return data.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def lines_moved(data: bytes, rng: random.Random) -> bytes:
    """Lines come twice, in another order, without end, or not at all."""
    lines = data.split(b"\n")
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            lines[place] *= rng.choice((2, 1000))
        case 1:
            lines[place], lines[other] = lines[other], lines[place]
        case 2:
            lines[place:place] = lines[place : place + 1] * rng.choice((1, 2000))
        case 3:
            del lines[place]
        case _:
            return rng.choice((b"", b"\r", b"\r\n", b"\x85", b" ")).join(lines)
    return b"\n".join(lines)


def signs_moved(data: bytes, rng: random.Random) -> bytes:
    """A sign that has a meaning comes once more, is missing, or is another."""
    places = [i for i, letter in enumerate(data[:200_000]) if letter in b",;:=\"'[](){}<>|\t-+%./#*_&"]
    if not places:
        raise ValueError("no signs")
    place, sign = rng.choice(places), rng.choice((b"", b",", b'"', b";", b"[", b"]", b"{", b"\t", b"=", b"(", b"\\"))
    return data[:place] + sign * rng.choice((1, 1, 3, 3000)) + data[place + rng.randrange(2) :]


TEXT: tuple[Edit, ...] = (number_replaced, number_replaced, word_replaced, recoded, lines_moved, signs_moved)


def json_edited(data: bytes, rng: random.Random) -> bytes:
    """Somewhere in the tree: a value of another kind, a name that is missing or strange, a deep nest."""
    tree = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        tree = _edited(tree, rng)
    return encoded(json.dumps(tree, ensure_ascii=rng.random() < 0.5))


def json_nested(data: bytes, rng: random.Random) -> bytes:
    """A value becomes a nest of a hundred thousand brackets, or a number beyond all numbers."""
    tree = json.loads(data)
    marked = encoded(json.dumps(_edited(tree, rng, value="@@@@"), ensure_ascii=False))
    opened, closed = rng.choice((("[", "]"), ('{"a":', "}"), ("", "")))
    nest = (opened * 100_000 + "1" + closed * 100_000) if opened else rng.choice(("1e400", "-1e999", "9" * 5000, "NaN"))
    return marked.replace(b'"@@@@"', nest.encode(), 1)


def json_lines_edited(data: bytes, rng: random.Random) -> bytes:
    """As `json_edited`, in one of many lines."""
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    lines[place] = rng.choice((json_edited, json_edited, json_nested))(lines[place], rng)
    return b"\n".join(lines)


JSON: tuple[Edit, ...] = (json_edited, json_edited, json_edited, json_nested, *TEXT)
JSON_LINES: tuple[Edit, ...] = (json_lines_edited, json_lines_edited, *TEXT)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container with every key of it; not more than fit a moment."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting and len(found) < 20_000:
        part = waiting.pop()
        if isinstance(part, dict | list):
            keys = list(part) if isinstance(part, dict) else range(len(part))
            found += [(part, key) for key in keys]
            waiting += [part[key] for key in keys]
    return found


def _edited(tree: Any, rng: random.Random, *, value: Any = None) -> Any:
    places = _places(tree)
    if not places or rng.random() < 0.03:
        return rng.choice(VALUES) if value is None else value
    # Half of the time near the root, where the names are that a reader asks for.
    holder, key = rng.choice(places[: rng.choice((12, len(places)))])
    choice = rng.randrange(10) if value is None else 0
    if choice == 7:
        del holder[key]
    elif choice == 8 and isinstance(holder, dict):
        holder[rng.choice(WORDS)] = holder.pop(key)
    elif choice == 9 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 2, 500))
    else:
        holder[key] = value if value is not None else rng.choice((*VALUES, rng.choice(WORDS)))
    return tree


def arguments_edited(data: bytes, rng: random.Random) -> bytes:
    """A command line, as a JSON list: a word is another, is missing, or comes twice."""
    words = json.loads(data)
    for _ in range(rng.choice((1, 1, 2))):
        place = rng.randrange(1, len(words) + 1)
        match rng.randrange(6):
            case 0 if place < len(words):
                del words[place]
            case 1:
                words[place:place] = words[place - 1 : place] if place > 1 else []
            case 2 if place < len(words):
                words[place] = words[place] + rng.choice((rng.choice(WORDS), rng.choice(NUMBERS)))
            case _ if place < len(words):
                words[place] = rng.choice((rng.choice(WORDS), rng.choice(NUMBERS)))
    return encoded(json.dumps([word.replace("\0", "") for word in words], ensure_ascii=False))


ARGUMENTS: tuple[Edit, ...] = (arguments_edited,)
