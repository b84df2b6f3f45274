"""Sentences for synthetic speech, composed from `assets/phrases` and from the transcripts of LibriSpeech."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.core.assets import ASSETS
from face_emote.core.errors import CorpusError

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "ru", "ja")
OPTIONAL = ("when", "where")
LEAVE_OUT = 0.35
SHORT_SHARE = 0.1
PIECE_WORDS = (5, 13)


def sentence(language: str, *, rng: np.random.Generator) -> str:
    """One sentence of a language of LANGUAGES."""
    slots = phrases(language)
    if rng.random() < SHORT_SHARE:
        return _pick(slots["short"], rng)
    chosen = [
        _pick(choices, rng)
        for name, choices in slots.items()
        if name != "short" and not (name in OPTIONAL and rng.random() < LEAVE_OUT)
    ]
    if language == "ja":
        return "、".join(chosen[:1]) + "".join(chosen[1:]) + "。"
    text = " ".join(chosen) + "."
    return text[0].upper() + text[1:]


@lru_cache(maxsize=len(LANGUAGES))
def phrases(language: str) -> dict[str, tuple[str, ...]]:
    """Choices by slot, in the order in which a sentence takes them."""
    text = (ASSETS / "phrases" / f"{language}.txt").read_text("utf-8")
    rows = [line.partition(":") for line in text.splitlines() if line.strip()]
    return {name.strip(): tuple(part.strip() for part in rest.split("|")) for name, _, rest in rows}


def read_pieces(path: Path) -> list[str]:
    """Pieces of 5 to 13 words of English transcripts (`{clip: text}`); nothing when the file is missing.

    Raises:
        CorpusError: the file is of another form.
    """
    if not path.is_file():
        return []
    try:
        texts = [str(text).lower() for _, text in sorted(json.loads(path.read_text("utf-8")).items())]
    except (ValueError, AttributeError) as error:
        raise CorpusError(f"These are not transcripts ({error}); check the data folder: {path}") from None
    rng = np.random.default_rng(0)
    pieces = []
    for text in texts:
        words = text.split()
        while len(words) >= PIECE_WORDS[0]:
            size = int(rng.integers(PIECE_WORDS[0], PIECE_WORDS[1] + 1))
            pieces.append(" ".join(words[:size]))
            words = words[size:]
    return pieces


def _pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
