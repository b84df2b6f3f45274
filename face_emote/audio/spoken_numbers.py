"""Figures in a transcript, as they are said in American English: years, prices, telephones."""

import re

LONGEST_NUMBER = 15  # Digits; longer ones are said one by one.
SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
LARGE = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
RANKS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mio": "million", "b": "billion", "bn": "billion",
    "t": "trillion", "tn": "trillion",
}  # fmt: skip
CURRENCIES = {
    "$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent"), "¥": ("yen", ""), "₹": ("rupee", "paisa"),
    "¢": ("cent", ""),
}  # fmt: skip
UNITS = {
    "km/h": "kilometer per hour", "kmh": "kilometer per hour", "kph": "kilometer per hour", "mph": "mile per hour",
    "m/s": "meter per second", "kg": "kilogram", "mg": "milligram", "g": "gram", "km": "kilometer", "cm": "centimeter",
    "mm": "millimeter", "m": "meter", "mi": "mile", "ft": "foot", "lbs": "pound", "lb": "pound", "oz": "ounce",
    "ml": "milliliter", "l": "liter", "hrs": "hour", "hr": "hour", "h": "hour", "mins": "minute", "min": "minute",
    "secs": "second", "sec": "second", "ms": "millisecond", "°C": "degree celsius", "°F": "degree fahrenheit",
    "°": "degree", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "Hz": "hertz", "kW": "kilowatt",
}  # fmt: skip
PLURALS = {"penny": "pence", "paisa": "paise", "foot": "feet", "yen": "yen", "six": "sixes"}
POWERS = {"²": "square ", "³": "cubic "}

_PHONE = re.compile(
    r"""(?<![\w.,:/+-])(?<!\d[ ])(?:
        \+\d{1,3}(?:[ .-]?\(?\d{2,4}\)?){2,5}
      | (?:\+?1[ .-])?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}
      | \d{3}-\d{4}
      | 0\d{1,4}(?:[ -]\d{2,8}){1,4}
    )(?!\w|[.,:/-]\d)""",
    re.VERBOSE,
)
_SLASHED = re.compile(r"(?<![\d/.,])([1-7])/([2-58])(?![\w/]|[.,]\d)")
_RANGE = re.compile(r"(?<=\d)\s?–\s?(?=[$£€]?\d)")
_RANK = re.compile(r"#\s?(?=\d)|(?:\bNo|(?<=the )no)\.\s?(?=\d)")
_NUMBER = re.compile(
    rf"""
    (?:(?<![\w.)\]-])(?P<minus>[-−])(?=[$£€¥₹]?\d))?
    (?:(?P<sign>[$£€¥₹])[ ]?(?P<less>[-−])?)?
    (?P<figure>
        (?:\d{{1,3}}[ ])?\d{{1,3}}⁄\d{{1,3}}
      | [1-9]\d{{0,2}}(?:[ ]\d{{3}}){{1,6}}(?:[.,]\d+)?(?![ ]?\d)
      | \d+(?:[.,:]\d+)*
    )
    (?P<scale>(?i:[ -]?(?:hundred|thousand|million|billion|trillion)\b|[ ]?(?:bn|mn|tn|mio)\b|[kmbt]\b))?
    (?: [ ]?(?P<after>[$£€¥₹¢])(?!\d)
      | [ ]?(?P<percent>%)
      | [ ]?(?P<half>(?i:[ap]\.?m))\b\.?
      | (?P<ordinal>(?i:st|nd|rd|th))\b
      | (?P<plural>'?s)\b
      | [ ]?(?P<unit>{"|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?P<power>[²³])?(?![\w/])
    )?
    """,
    re.VERBOSE,
)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?: \d{3})+(?:[.,]\d+)?")
_POINTED_GROUPS = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3}){2,}(?:,\d+)?|\.\d{3},\d+)")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")


def cardinal(number: int | str) -> str:
    """A whole number in words: 121 is `one hundred twenty one`. From 10^15 on the digits are said one by one."""
    digits = str(number)
    if len(digits) > LONGEST_NUMBER:
        return " ".join(_in_words(int(digit)) for digit in digits)
    return _in_words(int(digits))


def ordinal(number: int | str) -> str:
    """A rank in words: 21 is `twenty first`."""
    digits = str(number)
    *before, last = cardinal(digits).split()
    if last in RANKS:
        return " ".join([*before, RANKS[last]])
    return " ".join([*before, f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"])


def spell_numbers(text: str) -> str:
    """Replace every number in a text by words: ranks, years, money, shares, fractions, times, telephones, units."""
    if not re.search(r"\d", text):
        return text
    text = _RANK.sub(" number ", text)
    text = _RANGE.sub(" to ", text)
    text = re.sub(r"(?<=[$£€])\.(?=\d)", "0.", text)
    text = re.sub(r"(?<![\w.])\.(?=\d)", " point ", text)
    text = _SLASHED.sub(lambda match: "⁄".join(match.groups()) if match[1] < match[2] else match[0], text)
    text = _PHONE.sub(lambda match: f" {'plus ' * match[0].startswith('+')}{_one_by_one(match[0])} ", text)
    return _NUMBER.sub(lambda match: f" {_said(match)} ", text)


def _in_words(number: int) -> str:
    """Without hyphens, commas and `and`."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return f"{TENS[number // 10]} {SMALL[number % 10]}" if number % 10 else TENS[number // 10]
    size, name = next(scale for scale in LARGE if number >= scale[0])
    rest = f" {_in_words(number % size)}" if number % size else ""
    return f"{_in_words(number // size)} {name}{rest}"


def _year(number: int) -> str:
    century, year = divmod(number, 100)
    return f"{_in_words(century)} {_minutes(year) or 'hundred'}"


def _said(match: re.Match[str]) -> str:
    figure, scale, unit = match["figure"], match["scale"] or "", match["unit"]
    before = "minus " if match["minus"] or match["less"] else ""
    currency = CURRENCIES.get(match["sign"] or match["after"] or "")
    large = SCALES.get(scale.strip(" -").lower(), scale.strip(" -").lower())
    if currency is not None:
        return before + _money(figure, large, currency)
    if scale == "m":
        unit, large = scale, ""
    elif scale in ("k", "K", "b", "B", "t", "T"):  # the lens, the pencil and the race of 10k are said so
        large = scale
    if match["ordinal"] and not large:
        digits = re.sub(r"\D", "", figure)
        return before + ordinal(digits)
    said = _amount(figure, may_be_year=not (unit or large)) + f" {large}".rstrip()
    if unit:
        alone = figure == "1" or (figure.count("⁄") == 1 and " " not in figure)
        said += f" {POWERS.get(match['power'] or '', '')}{UNITS[unit] if alone and not large else _plural(UNITS[unit])}"
    elif match["percent"]:
        said += " percent"
    elif match["half"]:
        said += f" {match['half'][0].lower()} m"
    elif match["plural"]:  # the 1990s, the 20s
        said = _plural(said, whole=True)
    return before + said


def _amount(figure: str, *, may_be_year: bool) -> str:
    """A figure without what stands about it."""
    whole, _, part = _parts(figure)
    if "⁄" in figure:
        return _fraction(figure)
    clock = _CLOCK.fullmatch(figure)
    if clock:
        hours, *rest = (int(part) for part in clock.groups() if part)
        return " ".join([cardinal(hours), *(_minutes(part) for part in rest)]).strip()
    if whole == "":  # 1.2.3, 192.168.0.1 or 1,2,3
        series = re.split(r"([.,:])", figure)
        return " ".join("point" if part == "." else _digits(part) for part in series if part not in ",:")
    if part:
        return f"{_digits(whole) if whole != '0' else cardinal(0)} point {_one_by_one(part)}"
    is_year = may_be_year and len(figure) == 4 and figure.isdecimal()
    if is_year and (1100 <= int(whole) < 2000 or 2010 <= int(whole) < 2100):
        return _year(int(whole))
    return _digits(whole)


def _parts(figure: str) -> tuple[str, str, str]:
    """Digits before the decimal point, the point, the digits after it; all empty when the figure is no one number."""
    if _GROUPED.fullmatch(figure):
        figure = re.sub(r"(?<=\d)[ ,](?=\d{3}(?!\d))", "", figure)
    elif _POINTED_GROUPS.fullmatch(figure):
        figure = figure.replace(".", "")
    whole, point, part = figure.replace(",", ".").partition(".")
    return (whole, point, part) if whole.isdecimal() and (part.isdecimal() or not point) else ("", "", "")


def _money(figure: str, large: str, currency: tuple[str, str]) -> str:
    unit, small = currency
    whole, _, part = _parts(figure)
    if large or not whole or (part and not (small and len(part) == 2)):
        return f"{_amount(figure, may_be_year=False)} {large} {_plural(unit)}".replace("  ", " ")
    pounds, pence = _counted(whole, unit), _counted(part, small)
    if not part.strip("0"):
        return pounds
    return f"{pounds} {pence}" if whole.strip("0") else pence


def _counted(digits: str, unit: str) -> str:
    return f"{cardinal(digits)} {unit if digits.lstrip('0') == '1' else _plural(unit)}" if digits else ""


def _fraction(figure: str) -> str:
    *whole, fraction = figure.split(" ")
    top, bottom = (int(part) for part in fraction.split("⁄"))
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    if top != 1:
        name = f"{cardinal(top)} {name}s"
    elif whole:
        name = f"{'an' if name.startswith('e') else 'a'} {name}"
    else:
        name = f"one {name}"
    return f"{cardinal(whole[0])} and {name}" if whole else name


def _digits(digits: str) -> str:
    """A whole number, digit by digit where it starts with a zero: 007."""
    return _one_by_one(digits) if len(digits) > 1 and digits.startswith("0") else cardinal(digits)


def _one_by_one(text: str) -> str:
    return " ".join(_in_words(int(digit)) for digit in text if digit.isdecimal())


def _minutes(number: int) -> str:
    return f"{'oh ' if 0 < number < 10 else ''}{cardinal(number) if number else ''}"


def _plural(name: str, *, whole: bool = False) -> str:
    """The first word of a unit in the plural (`miles per hour`), or the last one of a number (`nineteen nineties`)."""
    before, word, after = (*name.rpartition(" ")[::2], "") if whole else ("", *name.partition(" ")[::2])
    if word in PLURALS or word.endswith("hertz"):
        many = PLURALS.get(word, word)
    else:
        many = word[:-1] + "ies" if word.endswith("ty") else word + "s"
    return " ".join(part for part in (before, many, after) if part)
