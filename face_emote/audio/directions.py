"""What stands in a transcript beside the words that are said: stage directions, sound cues, who speaks, mark-up."""

import html
import re

LONGEST_DIRECTION = 200  # Letters; a longer parenthesis is a sentence that somebody says.
MOST_NAMES, MOST_ACTED = 4, 6  # Words in the name of a speaker, and in a direction in the middle of a sentence.
ASIDES = frozenset(
    "and or but which who whom whose that if because since unless although though i i'm i've i'd i'll you you're we "
    "we're my your our not maybe perhaps such namely including excluding regarding according concerning following "
    "meaning".split()
)
"""A parenthesis that starts with one of these is a part of the sentence."""
EMPHASISED = frozenset(
    "this is was his has does always us yes as its ours yours hers theirs less perhaps nothing something anything "
    "everything thing things during i you he she we they it my your do don't not so no never".split()
)
"""Between asterisks these are stressed, not acted."""
SOUNDS = frozenset(
    "applause beat chuckle cough crosstalk gasp groan gulp gunshot inaudible indistinct laugh laughter music pause "
    "sigh silence sniff sob unintelligible yawn".split()
)
MANNERS = frozenset("in with under to from into through".split())
"""How a direction of several words may start: `*in a low voice*`."""
LEAD_INS = frozenset(
    "remember listen look note notice warning caution danger attention question answer example result conclusion "
    "summary reminder tip hint fact update breaking news ps p.s fyi ok okay yes no or and but also so well now then "
    "first second third finally chapter part step lesson episode section rule day week number item problem solution "
    "think imagine plus today tonight verdict bonus spoiler disclaimer time date place name address phone subject "
    "title score total price cost location weather topic goal reason".split()
)
"""Words that are said before a colon, and no speakers."""
ROLES = frozenset(
    "narrator speaker man woman boy girl child host guest interviewer interviewee announcer reporter voice both all "
    "crowd operator moderator customer agent user assistant".split()
)

TITLES = frozenset("mr. mrs. ms. dr. prof. st. sgt. capt. lt. col. gen. rev. fr. sr. jr.".split())
"""A name goes on after these points; others end a sentence."""

_ENTITY = re.compile(r"&(?:#\w{1,8}|[A-Za-z]\w{1,20});")
_BREAK = re.compile(r"<(?:br|p|div)\b[^<>]{0,200}>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z0-9][^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_NAME = r"[^\W\d_][\w.'#&/ -]{0,40}?"
_HOW = r"(?:[ ]?\([^()\n]{0,60}\)|[ ]?\[[^\[\]\n]{0,60}\])"
_LEADING = r"\([^()\n]{1,60}\)|\[[^\[\]\n]{1,60}\]"  # Directions before who speaks.
_LABEL = re.compile(
    rf"^(?:[ \t>–—•*\"“-]|{_LEADING})*(?P<name>{_NAME})(?P<how>{_HOW}*)[ ]?:(?=[\s\"“'*(\[]|$)", re.MULTILINE
)
_LABEL_INSIDE = re.compile(rf"(?<=[.!?…\"”)\]*])[ \t]+(?P<name>[A-Z][A-Z .'#-]{{1,30}}\d{{0,2}}){_HOW}*[ ]?:(?=\s)")
_SCREENPLAY = re.compile(
    r"^[ \t]*(?:[A-Z][A-Z .'#\d-]{1,40}\((?:V\.?O|O\.?S|O\.?C|CONT['’]?D)\b[^()\n]*\)|(?:INT|EXT)\.[^\n]*"
    r"|FADE (?:IN|OUT)[.:]?)[ \t]*$",
    re.MULTILINE,
)
_TIMES = re.compile(r"^[ \t]*\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,3})?[ \t]*$", re.MULTILINE)
_BRACKETS = re.compile(r"\[[^\[\]]*\]|\{[^{}]*\}|【[^【】]*】")
_WORDS = re.compile(r"[^\W\d_][\w'’]*")
_ITEM = re.compile(r"\w|[ivx]{1,5}")  # What counts items: (a), (iii).
_ENDING = re.compile(r"(?<=[^\W\d_])\((e?s|e?d|e?r|e?n|ren)\)|\(([^\W\d_]{1,3})\)(?=[^\W\d_])")
_PARENTHESIS = re.compile(rf"\(([^()]{{0,{LONGEST_DIRECTION}}})\)")
_ASTERISKS = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]{1,80})(?<!\s)\*(?![\w*])")
_SUNG = re.compile(r"[♪♫♬♩]([^♪♫♬♩\n]{1,200}+)[♪♫♬♩]")
_ABOUT_MUSIC = re.compile(
    r"\b(?:music|instrumental|theme|melody|song|tune)\b.*\b(?:play\w*|continu\w*|stops?|ends?|fad\w+|swell\w*)\s*$"
    r"|\b(?:music|instrumental)\s*$",
    re.IGNORECASE,
)


def spoken_part(text: str, left_out: list[str]) -> str:
    """A text without what no lips say; the directions go to `left_out`, mark-up is just dropped.

    Brackets, braces, parentheses and `*what is acted*` are directions, except parentheses that carry on the sentence
    (`(and I mean it)`), figures in them, and words between asterisks that are only stressed.
    """

    def taken(match: re.Match[str], *, kept: str | None = None) -> str:
        if kept is not None:
            return kept
        left_out.append(" ".join(match[0].split()))
        return " "

    text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = _SCREENPLAY.sub(taken, text)
    text = _LABEL_INSIDE.sub(lambda match: taken(match, kept=None if _is_speaker(match) else match[0]), text)
    text = _LABEL.sub(lambda match: taken(match, kept=None if _is_speaker(match) else match[0]), text)
    if len(_TIMES.findall(text)) > 1:  # where somebody copied the transcript with its times
        text = _TIMES.sub(" ", text)
    for _ in range(3):  # one in another
        text = _BRACKETS.sub(taken, text)
        text = _PARENTHESIS.sub(lambda match: taken(match, kept=_said_aside(match)), _ENDING.sub(r"\1\2", text))
    text = _ASTERISKS.sub(lambda match: taken(match, kept=None if _is_acted(match) else match[1]), text)
    return _SUNG.sub(lambda match: taken(match, kept=None if _ABOUT_MUSIC.search(match[1]) else match[1]), text)


def _is_speaker(label: re.Match[str]) -> bool:
    name = label["name"].strip()
    words = name.split()
    first = words[0].lower().strip(".")
    sentence_ends = any(word.endswith(".") and len(word) > 2 and word.lower() not in TITLES for word in words[:-1])
    if len(words) > MOST_NAMES or first in LEAD_INS or sentence_ends:
        return False
    if name.isupper():
        return True
    rest = words[1:] if first in ROLES else words
    numbered = first in ROLES and all(word.strip("#").isdecimal() for word in rest)
    return numbered or all(word[0].isupper() or word in ("of", "the", "de", "van", "von") for word in rest)


def _said_aside(parenthesis: re.Match[str]) -> str | None:
    """What is said of a parenthesis; None for a direction.

    One that stands where a sentence starts or halts is a direction; in the middle of one it must look acted.
    """
    inside = parenthesis[1]
    words = _WORDS.findall(inside)
    first = words[0].lower() if words else ""
    if not words:  # a figure, perhaps of a telephone number
        return parenthesis[0]
    if first not in ASIDES and not _ITEM.fullmatch(inside) and "\n\n" not in inside:
        acts = first in MANNERS or any(map(_is_act, words[:3])) or (first.endswith("ly") and len(words) < 3)
        if _starts_something(parenthesis) or inside.isupper() or (acts and len(words) <= MOST_ACTED):
            return None
    return f" {inside} "


def _is_acted(stars: re.Match[str]) -> bool:
    words = _WORDS.findall(stars[1].lower())
    if not words or words[0] in EMPHASISED:
        return False
    manner = words[0].endswith("ly") or (len(words) > 1 and words[0] in MANNERS)
    return any(map(_is_act, words)) or (manner and _starts_something(stars))


def _is_act(word: str) -> bool:
    """Whether a word may be a sound, or what somebody does: `coughs`, `laughing`."""
    plain = word.lower()
    return plain in SOUNDS or (plain.endswith(("s", "ing")) and not plain.endswith("'s") and plain not in EMPHASISED)


def _starts_something(found: re.Match[str]) -> bool:
    """Whether it stands at the start of a text or a line, or after a mark that halts the sentence."""
    before = found.string[max(found.start() - 8, 0) : found.start()].rstrip(" \t")
    return not before or before[-1] in '.!?,;:…\n-–—"”'
