"""Figures in a transcript, as they are said in English."""

import re

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
CURRENCIES = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
PLURALS = {"penny": "pence"}
NUMBER = re.compile(
    r"(?P<currency>[$£€])?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:(?P<mark>[.:])(?P<part>\d+))?"
    r"(?P<ending>st|nd|rd|th|s|%)?(?![\d])"
)


def cardinal(number: int) -> str:
    """A whole number in words: 121 is `one hundred twenty one`. From 10^15 on the digits are said one by one."""
    if number >= 10**15:
        return " ".join(ONES[int(digit)] for digit in str(number))
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    size, name = next((size, name) for size, name in SCALES if number >= size)
    return f"{cardinal(number // size)} {name}" + (f" {cardinal(number % size)}" if number % size else "")


def ordinal(number: int) -> str:
    """A rank in words: 21 is `twenty first`."""
    before, _, last = cardinal(number).rpartition(" ")
    if last in ORDINALS:
        last = ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return f"{before} {last}".strip()


def year(number: int) -> str:
    """A year as it is said: 1984 is `nineteen eighty four`, 1906 `nineteen oh six`, 2024 `twenty twenty four`."""
    century, rest = divmod(number, 100)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def spell_numbers(text: str) -> str:
    """Replace every number in a text by words: whole and decimal numbers, ranks, years, money, shares, clock times."""
    return NUMBER.sub(lambda match: f" {_said(match)} ", text)


def _said(match: re.Match[str]) -> str:
    currency, whole, mark, part, ending = match.group("currency", "whole", "mark", "part", "ending")
    number = int(whole.replace(",", ""))
    if currency:
        return _money(currency, number, part if mark == "." else None)
    if mark == ":" and part is not None:
        minutes = int(part)
        return f"{cardinal(number)} {'oh ' if 0 < minutes < 10 else ''}{cardinal(minutes) if minutes else ''}".strip()
    if mark == "." and part is not None:
        said = f"{cardinal(number)} point {' '.join(ONES[int(digit)] for digit in part)}"
    elif ending in ("st", "nd", "rd", "th"):
        return ordinal(number)
    elif len(whole) == 4 and (1100 <= number < 2000 or 2010 <= number < 2100) and ending != "%":
        said = year(number)
    elif len(whole) > 1 and whole.startswith("0"):
        said = " ".join(ONES[int(digit)] for digit in whole)
    else:
        said = cardinal(number)
    if ending == "%":
        return f"{said} percent"
    if ending == "s":  # the 1990s, the 20s
        return said[:-1] + "ies" if said.endswith("y") else said + ("es" if said.endswith("x") else "s")
    return said


def _money(sign: str, number: int, part: str | None) -> str:
    unit, small = CURRENCIES[sign]
    said = f"{cardinal(number)} {_counted(unit, number)}"
    if part is not None and len(part) == 2 and int(part):
        said += f" {cardinal(int(part))} {_counted(small, int(part))}"
    return said


def _counted(unit: str, number: int) -> str:
    return unit if number == 1 else PLURALS.get(unit, unit + "s")
