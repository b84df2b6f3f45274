"""Which moments a window of a take is drawn after: what was felt, to whom it was said, and how it sounded, nearest."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from face_emote.bank.moments import INDEX, OWN, Moment, read_bank
from face_emote.core.arrays import Array, Float
from face_emote.core.assets import ASSETS
from face_emote.core.errors import OptionError
from face_emote.core.fields import Kind, Option, read_option
from face_emote.core.names import CONTEXTS
from face_emote.core.options import BankUse
from face_emote.core.settings import user_folder
from face_emote.generation.layout import MOMENTS, TOKEN_HZ, VOICE, WINDOW

BUNDLED = ASSETS / "bank"
ELSEWHERE = "FACE_EMOTE_BANK"  # Environment variable: a folder instead of the user's own bank.
_VAD_SCALE = 0.4
_VOICE_SHARE, _UNKNOWN_VOICE = 0.6, 1.0
_OTHER_CONTEXT, _LISTENS = 0.7, 4.0
"""What another context counts as, beside a whole `_VAD_SCALE`; and one that talks in place of one that listens."""
_OWN = 0.6  # Somebody's own moment is that much nearer: they did not add it for nothing.
_CHANCE = 0.3  # Deviation of what the seed adds.
_INSTANT = Option(help="", name="pin", kind=Kind.TIME, low=0.0, high=1e5)


@dataclass(frozen=True, slots=True)
class Use:
    """A moment, and where it was played or drawn after."""

    name: str
    start_secs: float
    end_secs: float
    pinned: bool
    consent: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """All moments that may be used, as columns."""

    moments: tuple[Moment, ...]
    vad: Float[Array, "moment vad=3"]
    context: Array  # Index among `CONTEXTS`.
    voice: Float[Array, f"moment value={len(VOICE)}"]
    voice_scale: Float[Array, f" value={len(VOICE)}"]
    own: Array

    def named(self, name: str) -> Moment:
        """OptionError: there is none."""
        found = next((moment for moment in self.moments if moment.name == name), None)
        if found is None:
            near = get_close_matches(name, [moment.name for moment in self.moments], n=1, cutoff=0.0)
            raise OptionError(
                f"No bank holds a moment {name!r}; did you mean {near[0]!r}? face-emote bank list names all"
                if near
                else f"No bank holds a moment {name!r}; all of them are empty"
            )
        return found

    def nearest(
        self, *, vad: Float[Array, " vad=3"], context: str, voice: Float[Array, f" value={len(VOICE)}"],
        dice: np.random.Generator,
    ) -> list[Moment]:  # fmt: skip
        """At most `layout.MOMENTS`, the nearest first. A voice of NaN is nobody's."""
        if not self.moments:
            return []
        far = (((self.vad - vad) / _VAD_SCALE) ** 2).sum(axis=1) - _OWN * self.own
        unlike = (((self.voice - voice) / self.voice_scale) ** 2).mean(axis=1)
        far += _VOICE_SHARE * np.where(np.isfinite(unlike), np.minimum(unlike, 4.0), _UNKNOWN_VOICE)
        wanted, listening = CONTEXTS.index(context), CONTEXTS.index("listening")
        far += _OTHER_CONTEXT * (self.context != wanted)
        far += _LISTENS * ((self.context == listening) != (wanted == listening))
        far += _CHANCE * dice.standard_normal(len(far))
        return [self.moments[k] for k in np.argsort(far, kind="stable")[:MOMENTS]]


def bank_folders(folder: Path | None) -> tuple[Path, ...]:
    """Banks that are looked into: the bundled one, the user's, and a project's."""
    return (BUNDLED, own_bank()) if folder is None else (BUNDLED, own_bank(), folder)


def own_bank() -> Path:
    """The user's bank, which need not be there."""
    users = os.environ.get(ELSEWHERE)
    return Path(users) if users else user_folder() / "bank"


def library_of(use: BankUse) -> Library:
    """The moments of all banks without those that are forbidden; of two of one name, the project's.

    Raises OptionError for a damaged bank, or a name that none holds.
    """
    changed = [(f, (f / INDEX).stat().st_mtime_ns) for f in bank_folders(use.bank) if (f / INDEX).exists()]
    every = _library(tuple(changed))
    names = {name.strip() for name in use.forbid.split(",")} - {""}
    if names == {"all"}:
        return _columns([])
    for name in sorted(names):
        every.named(name)
    return every if not names else _columns([moment for moment in every.moments if moment.name not in names])


@lru_cache(maxsize=4)
def _library(folders: tuple[tuple[Path, int], ...]) -> Library:
    found = {moment.name: moment for folder, _ in folders for moment in read_bank(folder).moments}
    return _columns(list(found.values()))


def _columns(moments: Sequence[Moment]) -> Library:
    voice = np.array([m.voice for m in moments], np.float64).reshape(-1, len(VOICE))
    known = voice[np.isfinite(voice).all(axis=1)]
    return Library(
        tuple(moments),
        vad=np.array([m.vad for m in moments], np.float64).reshape(-1, 3),
        context=np.array([CONTEXTS.index(m.context) for m in moments], np.int64),
        voice=voice,
        voice_scale=np.maximum(known.std(axis=0), 1e-3) if len(known) else np.ones(len(VOICE)),
        own=np.array([m.made == OWN for m in moments], np.float64),
    )


def pins_in(text: str, library: Library) -> tuple[Use, ...]:
    """Pins as they are written: `1.2s NAME; 4s NAME`.

    Raises OptionError when it cannot be read, no bank holds one, or two overlap.
    """
    pins = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        when, _, name = part.partition(" ")
        if not name.strip():
            raise OptionError(f'A pin is an instant and a moment, such as "1.2s {part[:40]}"; got {part[:60]!r}')
        start = round(float(read_option(_INSTANT, when)) * TOKEN_HZ) / TOKEN_HZ
        moment = library.named(name.strip())
        pins.append(Use(moment.name, start, start + WINDOW / TOKEN_HZ, pinned=True, consent=moment.consent))
    pins.sort(key=lambda pin: pin.start_secs)
    for one, two in pairwise(pins):
        if two.start_secs < one.end_secs:
            raise OptionError(
                f"A moment lasts {WINDOW / TOKEN_HZ:.2f} s, so {two.name} at {two.start_secs:g} s would play over "
                f"{one.name}; pin it later"
            )
    return tuple(pins)
