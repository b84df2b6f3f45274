"""Phones from the sound alone: the phone net, then the most probable sequence with a least duration."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from face_emote.audio.activity import runs
from face_emote.audio.best_path import Traceback
from face_emote.audio.logmel import log_mels
from face_emote.audio.phone_net import PhoneNet, lip_class_of, load_phone_net, phone_logits
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import FEATURE_HZ, PHONES
from face_emote.core.types import Phone

LEAST_FRAMES = 3
"""Shortest phone, in frames of 10 ms."""
PRIOR_SHARE = 0.3
"""How much of the training prior is divided out of the posteriors; 1 would favour rare phones fully."""
LIP_SHARE = 0.6
"""Weight of the lip-class head beside the phone head."""
BILABIAL_BONUS, LABIODENTAL_BONUS = 0.5, 0.7
"""Natural log units in favour of the sounds whose miss is seen at once."""
BIGRAM_SHARE = 0.7
CHANGE_COST = 0.5
"""Natural log units per new phone, against chatter."""
FORBIDDEN = 1e4
CLOSURES = ("SIL", "P", "B", "T", "D", "K", "G", "CH", "JH", "M")
"""What a short silence inside speech may be: the lips or the tongue may be closed there."""
LONGEST_CLOSURE = 15
"""Frames: longer silence is nothing but silence."""


def heard_phones(
    blocks: Iterable[Float[Array, " _samples"]],
    speaking: Float[Array, " feature_frames"],
    *,
    duration_secs: float,
    net: PhoneNet | None = None,
) -> tuple[Phone, ...]:
    """Phones of 16 kHz speech in any language that shares English's lip shapes, gapless from 0 to `duration_secs`.

    Where `speaking` is 0 for more than 150 ms there is only SIL. Confidence is the net's mean posterior. The result
    does not depend on how the sound is cut into blocks, and memory does not grow with its length.
    """
    net = net or load_phone_net()
    found: list[tuple[int, int, float]] = []
    for phone, first, posterior in _segments(_best_states(blocks, _allowed(speaking), net=net)):
        if found and found[-1][0] == phone == 0:
            continue
        found.append((phone, first, posterior))
    starts = [max(0.0, (first - 0.5) / FEATURE_HZ) for _, first, _ in found]
    ends = [*starts[1:], duration_secs]
    return tuple(
        Phone(PHONES[phone], start, end, confidence=min(1.0, posterior))
        for (phone, _, posterior), start, end in zip(found, starts, ends, strict=True)
        if end > start
    )


def agreement(
    blocks: Iterable[Float[Array, " _samples"]],
    phones: Sequence[Phone],
    *,
    speaking: Float[Array, " feature_frames"],
    net: PhoneNet | None = None,
) -> float:
    """How well phones fit the sound: the net's mean posterior of them while somebody speaks, 0..1.

    About 0.4 for a true transcript of clear speech, about 0.1 for a wrong one; 0 when nobody speaks.
    """
    net = net or load_phone_net()
    ends = np.array([phone.end_secs for phone in phones])
    labels = np.array([PHONES.index(phone.label) for phone in phones])
    total, count, done = 0.0, 0, 0
    for phone_log, _ in phone_logits(log_mels(blocks), net):
        frames = np.arange(done, done + len(phone_log))
        label = labels[np.minimum(np.searchsorted(ends, frames / FEATURE_HZ, side="right"), len(ends) - 1)]
        spoken = speaking[frames] > 0.5
        total += float(np.exp(phone_log[np.arange(len(label)), label][spoken]).sum())
        count, done = count + int(spoken.sum()), done + len(phone_log)
    return total / max(count, 1)


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
    bonus = np.array([0.0, BILABIAL_BONUS, LABIODENTAL_BONUS, 0.0])[lips]
    scores = phone_log - PRIOR_SHARE * net.log_prior + LIP_SHARE * lip_log[:, lips] + bonus
    barred = np.zeros((3, len(PHONES)))
    barred[1, [i for i, name in enumerate(PHONES) if name not in CLOSURES]] = FORBIDDEN
    barred[2, 1:] = FORBIDDEN
    allowed_scores: Array = scores - barred[allowed]
    return allowed_scores


def _segments(settled: Iterable[tuple[list[int], Float[Array, "_frames phone"]]]) -> Iterator[tuple[int, int, float]]:
    """Phone index, first frame and mean posterior of each sound on a path of states."""
    phone, first, total, now = -1, 0, 0.0, 0
    for path, posteriors in settled:
        for state, row in zip(path, posteriors, strict=True):
            if state // LEAST_FRAMES != phone or state % LEAST_FRAMES == 0:
                if phone >= 0:
                    yield phone, first, total / (now - first)
                phone, first, total = state // LEAST_FRAMES, now, 0.0
            total += float(row[phone])
            now += 1
    yield phone, first, total / (now - first)


def _best_states(
    blocks: Iterable[Float[Array, " _samples"]], allowed: Int[Array, " frames"], *, net: PhoneNet
) -> Iterator[tuple[list[int], Float[Array, "_frames phone"]]]:
    """The best path of states (phone * LEAST_FRAMES + place), as it settles, and the posteriors of its frames."""
    num = len(PHONES)
    change = BIGRAM_SHARE * net.log_bigram.astype(np.float64) - CHANGE_COST
    traceback = Traceback(num * LEAST_FRAMES)
    total = np.zeros((0, LEAST_FRAMES))
    held = np.zeros((0, num), np.float32)
    seen = 0
    for phone_log, lip_log in phone_logits(log_mels(blocks), net):
        scores = _emissions(phone_log, lip_log, allowed=allowed[seen : seen + len(phone_log)], net=net)
        held = np.concatenate([held, np.exp(phone_log)])
        seen += len(phone_log)
        for row in scores.astype(np.float64):
            if len(total):
                total, came_from = _step(total, row, change=change)
                traceback.push(came_from)
            else:  # any phone may begin; silence may have lasted for long
                total = np.full((num, LEAST_FRAMES), -10.0 * FORBIDDEN)
                total[:, 0] = row
                total[0, -1] = row[0]
        path = traceback.settled()
        yield path, held[: len(path)]
        held = held[len(path) :]
    path = traceback.finish(int(total.argmax()))
    yield path, held


def _step(
    total: Float[Array, "phone place"], row: Float[Array, " phone"], *, change: Float[Array, "phone next_phone"]
) -> tuple[Float[Array, "phone place"], Int[Array, " state"]]:
    """One Viterbi step over phones that each pass `LEAST_FRAMES` places and may stay in the last."""
    num = len(row)
    phones = np.arange(num)
    entering = total[:, -1:] + change
    best = entering.argmax(axis=0)
    out = np.empty_like(total)
    came = np.empty(total.shape, np.int64)
    out[:, 0], came[:, 0] = entering[best, phones], best * LEAST_FRAMES + LEAST_FRAMES - 1
    out[:, 1:] = total[:, :-1]
    came[:, 1:] = phones[:, None] * LEAST_FRAMES + np.arange(LEAST_FRAMES - 1)
    stays = total[:, -1] >= out[:, -1]
    out[:, -1] = np.where(stays, total[:, -1], out[:, -1])
    came[:, -1] += stays
    out += row[:, None]
    return out - out.max(), came.reshape(-1)
