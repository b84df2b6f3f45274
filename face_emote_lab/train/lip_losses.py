"""Losses of the lip path on its nine channels.

Answers are raw (linear channels in units of LIP_SCALE, then three logits); targets are in natural units. Every term is
a mean, so weights do not depend on the size of a batch, and is 0 for an answer that equals a fitting target.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from face_emote.core.arrays import Bool, Float, Int
from face_emote.core.names import BILABIALS, OPEN_VOWELS, PHONES
from face_emote.network.config import LIP_CHANNELS, LIP_SCALE, NUM_LINEAR
from face_emote_lab.train.corpus.cache import UNKNOWN_PHONE


def mean_of(values: Float[Tensor, "*shape"], *, weights: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Weighted mean; 0 where nothing has weight."""
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)


def steps_of(values: Float[Tensor, "batch frames *rest"]) -> Float[Tensor, "batch steps *rest"]:
    """Change from each frame to the next."""
    return values[:, 1:] - values[:, :-1]


def dilated(values: Float[Tensor, "batch frames"], *, reach: int) -> Float[Tensor, "batch frames"]:
    """The greatest value within `reach` frames to either side; nothing is added beyond the ends."""
    return functional.max_pool1d(values[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0]


def soft_minimum(
    values: Float[Tensor, "batch frames"], *, reach: int, softness: float
) -> Float[Tensor, "batch frames"]:
    """Soft minimum over the frames within `reach`: -s log(mean(exp(-x / s))).

    Never below the true minimum, and above it by at most s log(2 reach + 1). Windows end where the clip ends.
    """
    padded = functional.pad(values, (reach, reach), value=float("inf"))
    windows = padded.unfold(1, 2 * reach + 1, 1)
    inside = functional.pad(torch.ones_like(values), (reach, reach)).unfold(1, 2 * reach + 1, 1).sum(-1)
    return -softness * (torch.logsumexp(-windows / softness, dim=-1) - inside.log())


def correlation(
    a: Float[Tensor, "batch frames"], b: Float[Tensor, "batch frames"], *, weights: Float[Tensor, "batch frames"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Pearson's r of each row, and the weighted variance of `b` (rows that hardly move have no meaningful r)."""
    total = weights.sum(dim=1, keepdim=True).clamp_min(1e-6)
    a = a - (a * weights).sum(dim=1, keepdim=True) / total
    b = b - (b * weights).sum(dim=1, keepdim=True) / total
    var_a = (a * a * weights).sum(dim=1) / total[:, 0]
    var_b = (b * b * weights).sum(dim=1) / total[:, 0]
    both = (a * b * weights).sum(dim=1) / total[:, 0]
    return both / ((var_a + 1e-8).sqrt() * (var_b + 1e-8).sqrt()), var_b


GAP = LIP_CHANNELS.index("gap")
CLOSURE = LIP_CHANNELS.index("closure")
GAP_SHARPNESS = 20.0  # k of exp(-k gap): an error at a gap of 0.035 counts half as much as at closed lips.
CLOSED_GAP = 0.03  # Lips nearer than this pass for closed.
OPEN_GAP = 0.045  # Lips wider than this pass for open.
CLOSURE_REACH = 2  # Frames (of 20 ms) to either side of a P, B or M within which the lips must have closed.
CLOSURE_SOFTNESS = 0.004
QUIET_REACH = 8  # Frames: lips may set off 160 ms before the sound and settle as long after it.
QUIET_SHARPNESS = 25.0  # k of exp(-k rms), rms against the loudness of this talker's speech: 0.1 of it counts for 0.08.
LEAST_VARIANCE = 1e-5
"""Of the target's gap, below which a clip has no correlation to speak of (a standard deviation of 0.003)."""


@dataclass(frozen=True, slots=True)
class LipLossWeights:
    """How much each term counts. 0 leaves a term out, and it is not computed.

    Off are those that `docs/ablations.md` found to change nothing, or to cost more than they bring.
    """

    params: float = 1.0
    velocity: float = 10.0
    gap: float = 0.5
    closure: float = 0.5
    opening: float = 0.0
    silence: float = 0.0
    phones: float = 0.0
    correlation: float = 0.1
    exchange: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class LipTruth:
    """What is known about the clips of a batch, at 50 Hz."""

    target: Float[Tensor, "batch frames 9"]  # `config.LIP_CHANNELS` in natural units.
    known: Float[Tensor, "batch frames 9"]  # 1 where that channel is known, 0 where not (padding too).
    loudness: Float[Tensor, "batch frames"]
    """RMS against the loudness of this talker's speech: 0 silent, about 1 speaking (`relative_loudness`)."""
    phones: Int[Tensor, "batch frames"]  # Index into `names.PHONES`; 255 where unknown.
    captured: Bool[Tensor, " batch"] | None = None  # Whose lips are a person's; None: nobody's.


def natural(pred: Float[Tensor, "batch frames 9"]) -> Float[Tensor, "batch frames 9"]:
    """Answers in natural units: linear ones times LIP_SCALE, logits through the sigmoid."""
    return torch.cat([pred[..., :NUM_LINEAR] * _scale(pred), torch.sigmoid(pred[..., NUM_LINEAR:])], dim=-1)


def opening(pred: Float[Tensor, "batch frames 9"]) -> Float[Tensor, "batch frames"]:
    """Gap that is left by the closure: what a viewer sees, but for the solve on the head."""
    return pred[..., GAP] * LIP_SCALE[GAP] * (1.0 - torch.sigmoid(pred[..., CLOSURE]))


def params_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """SmoothL1 of the linear channels in their scales, plus the contacts' cross-entropy above its least value."""
    scale = _scale(pred)
    linear = functional.smooth_l1_loss(pred[..., :NUM_LINEAR], truth.target[..., :NUM_LINEAR] / scale, reduction="none")
    aim = truth.target[..., NUM_LINEAR:].clamp(0.0, 1.0)
    logits = pred[..., NUM_LINEAR:]
    entropy = -torch.xlogy(aim, aim) - torch.xlogy(1.0 - aim, 1.0 - aim)
    contact = functional.binary_cross_entropy_with_logits(logits, aim, reduction="none") - entropy
    return mean_of(torch.cat([linear, contact], dim=-1), weights=truth.known)


def velocity_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """Squared error of the change per frame: linear channels in their scales, contacts in 0..1."""
    aim = torch.cat([truth.target[..., :NUM_LINEAR] / _scale(pred), truth.target[..., NUM_LINEAR:]], dim=-1)
    error = steps_of(_scaled(pred)) - steps_of(aim)
    return mean_of(error * error, weights=truth.known[:, 1:] * truth.known[:, :-1])


def gap_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """Error of the gap in its scale, SmoothL1 with its bend at 0.1, weighted by exp(-k gap) of the true gap."""
    aim = truth.target[..., GAP]
    error = functional.smooth_l1_loss(pred[..., GAP], aim / LIP_SCALE[GAP], reduction="none", beta=0.1)
    near = torch.exp(-GAP_SHARPNESS * aim.clamp_min(0.0))
    return mean_of(error * near, weights=truth.known[..., GAP])


def closure_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """At every frame of a P, B or M the gap falls below CLOSED_GAP within 40 ms: a hinge on the window's soft minimum.

    Where the true gap is known and does not close either, it only has to come as near. Captured lips do not count: they
    say themselves how they close, and a hinge that only pulls down would take from their agreement.
    In units of the gap's scale.
    """
    gap = soft_minimum(pred[..., GAP] * LIP_SCALE[GAP], reach=CLOSURE_REACH, softness=CLOSURE_SOFTNESS)
    aim = soft_minimum(truth.target[..., GAP], reach=CLOSURE_REACH, softness=CLOSURE_SOFTNESS)
    limit = torch.where(truth.known[..., GAP] > 0.0, aim.clamp_min(CLOSED_GAP), aim.new_tensor(CLOSED_GAP))
    over = (gap - limit).clamp_min(0.0) / LIP_SCALE[GAP]
    wanted = among(truth.phones, labels=BILABIALS)
    return mean_of(over, weights=wanted if truth.captured is None else wanted * ~truth.captured[:, None])


def opening_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """Lips stay apart in open vowels: what gap and closure leave open is at least OPEN_GAP, or half of the true one.

    Counts where gap and closure are known; in units of the gap's scale.
    """
    aim = truth.target[..., GAP] * (1.0 - truth.target[..., CLOSURE])
    limit = (0.5 * aim).clamp(0.0, OPEN_GAP)
    under = (limit - opening(pred)).clamp_min(0.0) / LIP_SCALE[GAP]
    known = truth.known[..., GAP] * truth.known[..., CLOSURE]
    return mean_of(under, weights=among(truth.phones, labels=OPEN_VOWELS) * known)


def silence_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """exp(-k rms) |v|^2: lips rest while nothing is heard within 160 ms (which leaves room to set off and to settle).

    v is the change per frame of all channels as in `velocity_loss`, and counts whether or not a target is known;
    frames of padding (no channel known, no phone) do not count.
    """
    speed = steps_of(_scaled(pred)).square().sum(dim=-1)
    real = ((truth.known.sum(dim=-1) > 0.0) | (truth.phones != UNKNOWN_PHONE)).to(pred.dtype)
    loud = dilated(truth.loudness, reach=QUIET_REACH)
    quiet = torch.exp(-QUIET_SHARPNESS * torch.maximum(loud[:, 1:], loud[:, :-1]))
    weights = real[:, 1:] * real[:, :-1]
    return mean_of(speed * quiet, weights=weights)


def phone_loss(logits: Float[Tensor, "batch frames 40"], phones: Int[Tensor, "batch frames"]) -> Float[Tensor, ""]:
    """Cross-entropy to the phones, where they are known."""
    flat = phones.reshape(-1).long()
    total = functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), flat, ignore_index=UNKNOWN_PHONE, reduction="sum"
    )
    return total / (flat != UNKNOWN_PHONE).sum().clamp_min(1)


def correlation_loss(pred: Float[Tensor, "batch frames 9"], truth: LipTruth) -> Float[Tensor, ""]:
    """1 - r of the gap, clip by clip: the movement whatever its size; clips that hardly move are left out."""
    known = truth.known[..., GAP]
    r, variance = correlation(pred[..., GAP] * LIP_SCALE[GAP], truth.target[..., GAP], weights=known)
    counts = ((variance > LEAST_VARIANCE) & (known.sum(dim=1) >= 10.0)).to(pred.dtype)
    return mean_of(1.0 - r, weights=counts)


def among(phones: Int[Tensor, "batch frames"], *, labels: frozenset[str]) -> Float[Tensor, "batch frames"]:
    """1 where the phone is one of these, 0 elsewhere."""
    wanted = torch.tensor([PHONES.index(label) for label in sorted(labels)], device=phones.device)
    return torch.isin(phones.long(), wanted).float()


def relative_loudness(mels: Float[Tensor, "batch rows 40"]) -> Float[Tensor, "batch frames"]:
    """Loudness for `LipTruth` from raw log-mels at 100 Hz (rows = 2 frames): amplitude over the clip's 95th percentile.

    Amplitudes are sqrt(mean over bands of exp(x)); the reference is at least 0.02, so that silence stays silent.
    Steady noise without speech counts as loud: give zeros for clips that are known to be silent.
    """
    amplitude = torch.exp(mels.float()).mean(dim=-1).sqrt()
    amplitude = functional.max_pool1d(amplitude[:, None], 2, stride=2)[:, 0]
    reference = torch.quantile(amplitude, 0.95, dim=1, keepdim=True).clamp_min(0.02)
    return amplitude / reference


def _scaled(pred: Tensor) -> Tensor:
    """Linear channels in their scales, contacts in 0..1."""
    return torch.cat([pred[..., :NUM_LINEAR], torch.sigmoid(pred[..., NUM_LINEAR:])], dim=-1)


def _scale(pred: Tensor) -> Tensor:
    return torch.tensor(LIP_SCALE, dtype=pred.dtype, device=pred.device)


def lip_exchange_loss(
    answers: Float[Tensor, "batch frames 9"], exchanged: Float[Tensor, "batch frames 9"]
) -> Float[Tensor, ""]:
    """How far the lips move when only the emotion is exchanged: mean square, linear channels in LIP_SCALE.

    Nothing is asked of a net whose lip path does not see the emotion: it gives 0.
    """
    return (_scaled(answers) - _scaled(exchanged)).square().mean()


LOSSES: dict[str, Callable[[Tensor, LipTruth], Tensor]] = {
    "params": params_loss, "velocity": velocity_loss, "gap": gap_loss, "closure": closure_loss,
    "opening": opening_loss, "silence": silence_loss, "correlation": correlation_loss,
}  # fmt: skip
"""Terms of the lips alone, by their names in `LipLossWeights`."""


def lip_terms(
    pred: Float[Tensor, "batch frames 9"],
    truth: LipTruth,
    *,
    weights: LipLossWeights,
    phone_logits: Float[Tensor, "batch frames 40"] | None = None,
) -> dict[str, Tensor]:
    """Weighted terms by name; those whose weight is 0 are left out."""
    pred = pred.float()
    terms = {
        name: getattr(weights, name) * loss(pred, truth) for name, loss in LOSSES.items() if getattr(weights, name)
    }
    if weights.phones and phone_logits is not None:
        terms["phones"] = weights.phones * phone_loss(phone_logits.float(), truth.phones)
    return terms
