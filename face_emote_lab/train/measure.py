"""A quick look at the lip path on held-out captured clips while it trains: `face-emote evaluate` measures in full."""

from dataclasses import dataclass

import numpy as np
import torch

from face_emote.core.arrays import Array, Bool, Float, Int, UInt8
from face_emote.core.names import BILABIALS, OPEN_VOWELS, PHONES
from face_emote.network.config import EMOTION_COLUMNS, LIP_CHANNELS
from face_emote.network.hearing import normalised
from face_emote.network.weights import UNKNOWN_PHONE
from face_emote_lab.train.augment import FLOOR
from face_emote_lab.train.config import DataConfig
from face_emote_lab.train.corpus.cache import UNKNOWN_PHONE as NO_LABEL
from face_emote_lab.train.corpus.cache import Corpus
from face_emote_lab.train.lip_losses import CLOSED_GAP, CLOSURE_REACH, natural
from face_emote_lab.train.torch_net import TorchMotionNet

_GAP, _CLOSURE = LIP_CHANNELS.index("gap"), LIP_CHANNELS.index("closure")
_BILABIAL = np.isin(np.arange(256), [PHONES.index(p) for p in sorted(BILABIALS)])
_OPEN = np.isin(np.arange(256), [PHONES.index(p) for p in sorted(OPEN_VOWELS)])


@dataclass(frozen=True, slots=True)
class LipFigures:
    """Figures of one set of clips."""

    correlation: float
    correlation_by_talker: float
    closure: float
    false_closure: float
    clips: int


def held_out_clips(corpus: Corpus, data: DataConfig) -> dict[str, Int[Array, " clip"]]:
    """Sets to measure on: test clips of trained talkers, talkers held out, and voices without a face."""
    sets: dict[str, list[int]] = {"clips": [], "talkers": [], "voices": []}
    for i, clip in enumerate(corpus.clips):
        if clip.source not in ("grid_s1", "grid_talkers", "librispeech", "vctk") and not clip.source.startswith(
            "user_"
        ):
            continue
        if clip.kind == "capture" and clip.talker in data.hold_out_talkers:
            sets["talkers"].append(i)
        elif clip.split == "test":
            sets["clips" if clip.kind == "capture" else "voices"].append(i)
    return {name: np.array(found, np.int64) for name, found in sets.items() if found}


@torch.no_grad()
def whole_answers(
    net: TorchMotionNet, corpus: Corpus, *, index: int, look_ahead: int = 2, aligned: bool = False
) -> Float[Array, "frames lip=9"]:
    """What the lips do in a whole clip as `generic`, in natural units; `aligned`: the network is given the phones."""
    device, frames = next(net.parameters()).device, corpus.clips[index].num_frames
    late = net.config.look_ahead_frames[look_ahead]
    rows = np.full((2 * (frames + late), 40), FLOOR, np.float32)
    mels = np.asarray(corpus.mels(index), np.float32)[: len(rows)]
    rows[: len(mels)] = mels
    given = np.full(frames + late, UNKNOWN_PHONE, np.int64)
    if aligned:
        phones = np.asarray(corpus.phones(index)).astype(np.int64)
        given[:frames] = np.where(phones == NO_LABEL, UNKNOWN_PHONE, phones)
    heard = torch.from_numpy(normalised(rows, net.x0.cpu().numpy()))[None].to(device)
    answers, _ = net.lips(
        heard,
        look_ahead=torch.tensor([look_ahead], device=device),
        phones=torch.from_numpy(given)[None].to(device),
        emotion=_neutral(heard, device) if net.config.lips_see_emotion else None,
    )
    lips: Array = natural(answers.float())[0, late : late + frames].cpu().numpy()
    return lips


def measured(
    net: TorchMotionNet, corpus: Corpus, *, clips: Int[Array, " clip"], look_ahead: int = 2, limit: int = 60
) -> LipFigures:
    """Run whole clips, without phones and as `generic`, and compare the gap with the known one."""
    fits: list[tuple[str, float]] = []
    closed: list[bool] = []
    shut: list[bool] = []
    for index in clips[:: max(1, len(clips) // limit)]:
        i = int(index)
        lips = whole_answers(net, corpus, index=i, look_ahead=look_ahead)
        gap = lips[:, _GAP] * (1.0 - lips[:, _CLOSURE])
        truth = np.asarray(corpus.lips(i), np.float32)
        phones = np.asarray(corpus.phones(i))
        if np.asarray(corpus.known(i))[:, _GAP].all():
            fits.append((corpus.clips[i].talker, correlation(gap, truth[:, _GAP])))
        for centre in _centres(phones, _BILABIAL):
            closed.append(bool(gap[max(0, centre - CLOSURE_REACH) : centre + CLOSURE_REACH + 1].min() < CLOSED_GAP))
        shut += [bool(gap[centre] < CLOSED_GAP) for centre in _centres(phones, _OPEN)]
    talkers = sorted({name for name, _ in fits})
    by_talker = [np.mean([r for own, r in fits if own == name]) for name in talkers]
    return LipFigures(
        correlation=float(np.mean([r for _, r in fits])) if fits else float("nan"),
        correlation_by_talker=float(np.mean(by_talker)) if fits else float("nan"),
        closure=float(np.mean(closed)) if closed else float("nan"),
        false_closure=float(np.mean(shut)) if shut else float("nan"),
        clips=len(clips),
    )


def _neutral(rows: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Nothing felt, for every hidden frame of the rows."""
    emotion = torch.zeros((len(rows), (rows.shape[1] + 1) // 2, len(EMOTION_COLUMNS)), device=device)
    emotion[..., 0] = 1.0
    return emotion


def correlation(a: Float[Array, " frames"], b: Float[Array, " frames"]) -> float:
    """Pearson's r; 0 where either hardly moves."""
    if a.std() < 1e-6 or b.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _centres(phones: UInt8[Array, " frames"], wanted: Bool[Array, " phone"]) -> list[int]:
    """Middle frame of every run of one wanted phone."""
    edges = np.flatnonzero(np.diff(phones.astype(np.int64)) != 0) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(phones)]])
    return [int((a + b - 1) // 2) for a, b in zip(starts, ends, strict=True) if wanted[phones[a]]]
