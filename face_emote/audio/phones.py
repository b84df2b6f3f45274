"""Phones from the sound alone: the phone net, then the most probable sequence with a least duration."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from face_emote.audio.activity import runs
from face_emote.audio.best_path import BATCH_FRAMES, Stretches
from face_emote.audio.phone_net import PhoneNet, lip_class_of, load_phone_net, phone_logits
from face_emote.core.arrays import Array, Bool, Float, Int
from face_emote.core.names import FEATURE_HZ, PHONES
from face_emote.core.types import Phone

LEAST_FRAMES = 3  # Shortest phone, in frames of 10 ms.
PRIOR_SHARE = 0.3  # How much of the training prior is divided out of the posteriors; 1 would favour rare phones fully.
LIP_SHARE = 0.6  # Weight of the lip-class head beside the phone head.
BILABIAL_BONUS, LABIODENTAL_BONUS = 0.5, 0.7  # Natural log units in favour of the sounds whose miss is seen at once.
BIGRAM_SHARE = 0.7
CHANGE_COST = 0.5  # Natural log units per new phone, against chatter.
FORBIDDEN = 1e4
CLOSURES = ("SIL", "P", "B", "T", "D", "K", "G", "CH", "JH", "M")
"""What a short silence inside speech may be: the lips or the tongue may be closed there."""
LONGEST_CLOSURE = 15  # Frames: longer silence is nothing but silence.


def heard_phones(
    mels: Iterable[Float[Array, "_frames band"]],
    speaking: Float[Array, " feature_frames"],
    *,
    duration_secs: float,
    net: PhoneNet | None = None,
) -> tuple[Phone, ...]:
    """Phones of speech in any language that shares English's lip shapes, gapless from 0 to `duration_secs`.

    `mels` are the sound's log-mel rows, in chunks (`logmel.log_mels`). Where `speaking` is 0 for more than 150 ms there
    is only SIL. Confidence is the net's mean posterior.
    """
    path = _best_path(mels, _allowed(speaking), net=net or load_phone_net())
    first = np.flatnonzero(path.begins)
    first = first[np.append(True, (path.phone[first[1:]] != 0) | (path.phone[first[:-1]] != 0))]
    lengths = np.diff(np.append(first, len(path.phone)))
    confidence = np.minimum(np.add.reduceat(path.posterior, first, dtype=np.float64) / lengths, 1.0)
    starts = np.maximum(0.0, (first - 0.5) / FEATURE_HZ).tolist()
    ends = [*starts[1:], duration_secs]
    return tuple(
        Phone(PHONES[phone], start, end, confidence=sure)
        for phone, start, end, sure in zip(path.phone[first], starts, ends, confidence.tolist(), strict=True)
        if end > start
    )


def _allowed(speaking: Float[Array, " frames"]) -> Int[Array, " frames"]:
    """Per frame: 0 any phone, 1 closures and silence, 2 silence only."""
    out = np.zeros(len(speaking), np.int8)
    for first, stop in runs(speaking <= 0.0):
        inner = first > 0 and stop < len(speaking) and stop - first <= LONGEST_CLOSURE
        out[first:stop] = 1 if inner else 2
    return out


def _emissions(
    phone_log: Float[Array, "frames phone"],
    lip_log: Float[Array, "frames lip_class"],
    *,
    allowed: Int[Array, " frames"],
    net: PhoneNet,
) -> Float[Array, "frames phone"]:
    lips = lip_class_of(np.arange(len(PHONES)))
    bonus = np.array([0.0, BILABIAL_BONUS, LABIODENTAL_BONUS, 0.0])[lips] - PRIOR_SHARE * net.log_prior
    barred = np.zeros((3, len(PHONES)), np.float32)
    barred[1, [i for i, name in enumerate(PHONES) if name not in CLOSURES]] = FORBIDDEN
    barred[2, 1:] = FORBIDDEN
    scores = (np.float32(LIP_SHARE) * lip_log)[:, lips]
    scores += phone_log
    scores += (bonus - barred).astype(np.float32)[allowed]
    return scores


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """The most probable sequence of phones, frame by frame."""

    phone: Int[Array, " frames"]
    begins: Bool[Array, " frames"]  # A phone begins here, perhaps the same one again.
    posterior: Float[Array, " frames"]  # Of the phone, by the net.


def _best_path(mels: Iterable[Float[Array, "_frames band"]], allowed: Int[Array, " frames"], *, net: PhoneNet) -> _Path:
    """The best path; what was said between two silences is settled when the second one is heard."""
    num = len(allowed)
    path = _Path(np.zeros(num, np.int8), np.zeros(num, bool), np.zeros(num, np.float32))
    # In the silence between two stretches every path stays: they are searched apart, and together are the best path.
    # Each has as much silence around it as a phone has places.
    spans = runs(allowed < 2)
    coming = deque((max(0, first - LEAST_FRAMES), min(num, stop + LEAST_FRAMES)) for first, stop in spans)
    held: list[tuple[Array, Array]] = []
    settled = heard = 0
    for logits in phone_logits(mels, net):
        held.append(logits)
        heard += len(logits[0])
        if heard < num and heard - settled < BATCH_FRAMES:
            continue
        ready = []
        while coming and coming[0][1] <= heard:
            ready.append(coming.popleft())
        until = min(coming[0][0], heard) if coming else heard
        phone_log, lip_log = (np.concatenate(parts) for parts in zip(*held, strict=True))
        now = slice(settled, until)
        if ready:
            scores = _emissions(phone_log[: until - settled], lip_log[: until - settled], allowed=allowed[now], net=net)
            _search(scores, np.array(ready) - settled, path=(path.phone[now], path.begins[now]), is_start=settled == 0,
                    is_end=until == num, net=net)  # fmt: skip
        path.posterior[now] = np.exp(phone_log[np.arange(until - settled), path.phone[now]])
        held = [(phone_log[until - settled :], lip_log[until - settled :])]
        settled = until
    path.begins[0] = True
    return path


def _search(
    scores: Float[Array, "frames phone"], ready: Int[Array, "stretch 2"], *, path: tuple[Array, Array], is_start: bool,
    is_end: bool, net: PhoneNet,
) -> None:  # fmt: skip
    """Best phones and beginnings of stretches of frames, written into `path`.

    At the start of the sound (`is_start`) any phone may begin, at its end any may end; elsewhere there is silence.
    """
    num = scores.shape[1]
    change = BIGRAM_SHARE * net.log_bigram.astype(np.float64) - CHANGE_COST
    stretches = Stretches.of(ready[:, 0], ready[:, 1] - ready[:, 0])
    ended, stays = np.zeros(scores.shape), np.zeros(scores.shape, bool)
    total = np.full((LEAST_FRAMES, len(ready), num), -np.inf)
    total[-1, :, 0] = 0.0
    if is_start:
        total[0, stretches.first == 0] = 0.0
    steps = stretches.forward()
    total += scores[next(steps)]
    for rows in steps:
        now = total[:, : len(rows)]
        ended[rows] = last = now[-1].copy()
        entering = (last.T[:, :, None] + change[:, None]).max(axis=0)
        stays[rows] = stayed = last >= now[-2]
        now[-1] = np.where(stayed, last, now[-2])
        now[1:-1] = now[:-2].copy()
        now[0] = entering
        now += scores[rows]
    _trace(stretches, total, ended=ended, change=change.T, stays=stays, path=path,
           free_end=len(scores) if is_end else -1)  # fmt: skip


def _trace(
    stretches: Stretches, total: Float[Array, "place stretch phone"], *, ended: Float[Array, "frames phone"],
    change: Float[Array, "next_phone phone"], stays: Bool[Array, "frames phone"], path: tuple[Array, Array],
    free_end: int,
) -> None:  # fmt: skip
    """Follow the best paths back from their last frames: in silence, but for the stretch that ends at `free_end`.

    Which phone came before one that begins is asked along these paths alone: `ended` holds the totals of the phones
    that ended one frame earlier.
    """
    phones, begins = path
    place, phone = np.divmod(total.swapaxes(0, 1).reshape(total.shape[1], -1).argmax(axis=1), total.shape[2])
    silent = stretches.last + 1 != free_end
    place, phone = np.where(silent, LEAST_FRAMES - 1, place), np.where(silent, 0, phone)
    for rows in stretches.backward():
        here, at = phone[: len(rows)], place[: len(rows)]
        begin = at == 0
        phones[rows], begins[rows] = here, begin
        stay = (at == LEAST_FRAMES - 1) & stays[rows, here]
        at += stay - 1
        begun = np.flatnonzero(begin)
        if len(begun):
            here[begun] = (ended[rows[begun]] + change[here[begun]]).argmax(axis=1)
            at[begun] = LEAST_FRAMES - 1
