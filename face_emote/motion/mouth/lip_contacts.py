"""Instants at which the lips must touch: each other (P B M) or the upper teeth (F V)."""

from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.names import BILABIALS, LABIODENTALS, OPEN_VOWELS
from face_emote.core.types import Phone
from face_emote.motion.events.curves import smoothstep
from face_emote.motion.mouth.visemes import merged

HOLD_SECS = 0.04  # A contact lasts at least this long (Rhubarb's floor for plosives).
LONGEST_HOLD_SECS = 0.12
FRAME_MARGIN_SECS = 0.004
ONSET_SECS = 0.08
"""From the first approach to contact; the blend sets the lips off earlier, 130-240 ms before the sound."""
RELEASE_SECS = 0.055
SHORTEST_RAMP_SECS = 0.035
SHORTEST_BESIDE_VOWEL_SECS = 0.01
"""Lips that part for an open vowel have done so at its middle, however short it is, if this leaves them the time."""
_BLOCK = 512

CENTRE_SHIFT_SECS = {"P": -0.020, "B": -0.020, "M": 0.015, "F": 0.015, "V": 0.015}
"""Middle of the contact relative to the phone's. GRID's gap minima: P and B -10 ms, F and V +30, M +40 (few)."""
HOLD_SHARE = {"P": 0.5, "B": 0.5, "M": 0.6, "F": 0.5, "V": 0.5}
"""Part of the phone during which the contact is complete; plosives burst before their end."""


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Contacts in order of time; each an eased trapezoid from 0 to 1 and back."""

    begin_secs: Float[Array, " contact"]
    full_secs: Float[Array, " contact"]
    release_secs: Float[Array, " contact"]
    end_secs: Float[Array, " contact"]


@dataclass(frozen=True, slots=True, eq=False)
class PhoneContacts:
    """Lips together, once for each run of P, B and M; lower lip at the upper teeth, once for each run of F and V."""

    closures: Contacts
    tucks: Contacts

    def at(self, times: Float[Array, " frames"]) -> tuple[Float[Array, " frames"], Float[Array, " frames"]]:
        """Strength of closure and tuck at ascending instants."""
        return strength(self.closures, times=times), strength(self.tucks, times=times)


def phone_contacts(phones: tuple[Phone, ...], *, frame_secs: float) -> PhoneContacts:
    """The contacts of a clip; `frame_secs` is the time between the frames to be shown."""
    runs = merged(phones)
    closures, tucks = (_contacts(runs, labels=labels, frame_secs=frame_secs) for labels in (BILABIALS, LABIODENTALS))
    return PhoneContacts(closures, tucks)


def strength(contacts: Contacts, *, times: Float[Array, " frames"]) -> Float[Array, " frames"]:
    """0 apart .. 1 in contact, C1. Where two overlap: 1 - (1 - a)(1 - b)."""
    out = np.empty(len(times))
    for first in range(0, len(times), _BLOCK):
        part = times[first : first + _BLOCK]
        lo = int(np.searchsorted(contacts.end_secs, part[0]))
        hi = int(np.searchsorted(contacts.begin_secs, part[-1], side="right"))
        apart = np.ones(len(part))
        for i in range(lo, hi):
            up = (part - contacts.begin_secs[i]) / (contacts.full_secs[i] - contacts.begin_secs[i])
            down = (contacts.end_secs[i] - part) / (contacts.end_secs[i] - contacts.release_secs[i])
            apart *= 1.0 - smoothstep(up) * smoothstep(down)
        out[first : first + _BLOCK] = 1.0 - apart
    return out


def _contacts(phones: list[Phone], *, labels: frozenset[str], frame_secs: float) -> Contacts:
    runs = _runs(phones, labels=labels)
    holds = [_hold(phones[run], frame_secs=frame_secs) for run in runs]
    rows: list[tuple[float, float, float, float]] = []
    for i, (full, release) in enumerate(holds):
        room_before = full - holds[i - 1][1] if i else np.inf
        room_after = holds[i + 1][0] - release if i + 1 < len(holds) else np.inf
        onset = max(SHORTEST_RAMP_SECS, min(ONSET_SECS, 0.55 * room_before))
        offset = max(SHORTEST_RAMP_SECS, min(RELEASE_SECS, 0.45 * room_after))
        before, after = phones[: runs[i].start][-1:], phones[runs[i].stop :][:1]
        if before and before[0].label in OPEN_VOWELS:
            onset = min(onset, max(SHORTEST_BESIDE_VOWEL_SECS, full - before[0].centre_secs))
        if after and after[0].label in OPEN_VOWELS:
            offset = min(offset, max(SHORTEST_BESIDE_VOWEL_SECS, after[0].centre_secs - release))
        rows.append((full - onset, full, release, release + offset))
    begin, full_at, release_at, end = np.array(rows).reshape(-1, 4).T
    return Contacts(
        begin_secs=np.minimum.accumulate(begin[::-1])[::-1],
        full_secs=full_at,
        release_secs=release_at,
        end_secs=np.maximum.accumulate(end),
    )


def _runs(phones: list[Phone], *, labels: frozenset[str]) -> list[slice]:
    """Neighbouring phones of the set, grouped."""
    runs: list[slice] = []
    for i, phone in enumerate(phones):
        if phone.label in labels:
            goes_on = runs and runs[-1].stop == i and phone.start_secs <= phones[i - 1].end_secs + 1e-6
            runs[-1:] = [slice(runs[-1].start, i + 1)] if goes_on else [*runs[-1:], slice(i, i + 1)]
    return runs


def _hold(run: list[Phone], *, frame_secs: float) -> tuple[float, float]:
    """When the contact is complete. Never shorter than the frames' spacing, so that no contact falls between two."""
    first, last = run[0], run[-1]
    start, end = first.start_secs, last.end_secs
    shift = 0.5 * (CENTRE_SHIFT_SECS[first.label] + CENTRE_SHIFT_SECS[last.label])
    share = max(HOLD_SHARE[phone.label] for phone in run)
    length = max(HOLD_SECS, frame_secs + FRAME_MARGIN_SECS, min(share * (end - start), LONGEST_HOLD_SECS * len(run)))
    centre = 0.5 * (start + end) + shift
    return centre - 0.5 * length, centre + 0.5 * length
