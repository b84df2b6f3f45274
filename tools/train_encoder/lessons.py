"""What the encoder is shown: moments cut to a chunk, senses put together, tokens left out and hidden at random."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from face_emote.core.arrays import Array, Float
from face_emote.core.names import EMOTIONS
from face_emote.perception.encoder_inputs import KINDS, SENSE_OF, Track, no_tokens
from face_emote.perception.evidence import SENSES
from face_emote.perception.voice import BURSTS, VOICE_CLASSES
from tools.train_encoder.moments import Moment
from tools.train_encoder.torch_encoder import Batch

SHARES = {
    "plain": 0.18, "grid": 0.2, "performed": 0.25, "emogator": 0.12, "facegood": 0.03, "tohoku": 0.02, "texts": 0.15,
    "emodb": 0.05,
}  # fmt: skip
"""Of moments with hidden tokens."""
TAUGHT = {"emodb": 30, "plain": 4, "tohoku": 2, "emogator": 8, "texts": 16, "performed": 12}
"""Moments of a batch whose feelings are named."""
TEXTS = ("goemotions", "xed_en", "xed")
HIDDEN_SHARE, SPAN = 0.45, 5
WHOLE_SENSE_HIDDEN = 0.25
JOINED = 0.5
"""Of actors' moments that get words or a face too."""
CASES = (0.55, 0.2, 0.1, 0.15)
"""All senses agree; words are neutral; the voice is neutral; they contradict each other and the voice is right."""
BOTH_KNOW = ("neutral", "joy", "sadness", "fear", "disgust", "anger")
POSITIVE = ("joy",)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A moment as it is shown, and what each sense and the whole of it feel; NaN where nobody knows."""

    tracks: tuple[Track, ...]
    voice: int = -1
    """Of `VOICE_CLASSES`."""
    burst: int = -1
    """Of `BURSTS`, then speech."""
    mixes: tuple[Float[Array, " emotion=8"], ...] = ()
    """Of words, face and the whole."""
    vads: tuple[Float[Array, " vad=3"], ...] = ()
    """Of voice, face and the whole."""
    fine: Float[Array, " fine=28"] | None = None


def cut(tracks: Sequence[Track], *, chunk: int, rng: np.random.Generator | None = None) -> tuple[Track, ...]:
    """A stretch of at most a chunk: the first, or a random one."""
    ends = [int(track.place[-1]) + 1 for track in tracks if len(track.place)]
    spare = max([*ends, 0]) - chunk
    first = 0 if spare <= 0 or rng is None else int(rng.integers(0, spare + 1))
    return tuple(track.part(first, first + chunk) for track in tracks)


class School:
    """Moments by corpus, drawn at random."""

    def __init__(self, moments: Sequence[Moment], *, without: Sequence[str], chunk: int) -> None:
        """`without`: talkers of EmoDB that nothing learns from."""
        self._chunk = chunk
        learnt = [m for m in moments if not m.measures and not (m.corpus == "emodb" and m.talker in without)]
        self.moments = {name: [m for m in learnt if m.corpus == name] for name in SHARES if name != "texts"}
        self.moments["texts"] = [m for m in learnt if m.corpus in TEXTS]
        self.acted = {name: [m for m in self.moments["emodb"] if m.label == name] for name in VOICE_CLASSES}
        self.bursts = {name: [m for m in self.moments["emogator"] if m.label == name] for name in BURSTS}
        named = [m for m in self.moments["texts"] if np.isfinite(m.mix).all()]
        self.said = {name: [m for m in named if m.label == name] for name in EMOTIONS}
        self.faces = {name: [m for m in self.moments["performed"] if m.label == name] for name in EMOTIONS}
        talkers = sorted({m.talker for m in self.moments["emodb"]})
        self._means = [[_mean_of(self.moments["emodb"], talker, kind=k) for talker in talkers] for k in (0, 1)]

    def hidden_lessons(self, rng: np.random.Generator, *, size: int) -> list[Lesson]:
        """Moments of any corpus."""
        names = [name for name, own in self.moments.items() if own]
        shares = np.array([SHARES[name] for name in names])
        drawn = rng.choice(len(names), size, p=shares / shares.sum())
        return [Lesson(cut(_any(self.moments[names[i]], rng).tracks, chunk=self._chunk, rng=rng)) for i in drawn]

    def taught_lessons(self, rng: np.random.Generator) -> list[Lesson]:
        """Moments whose feelings are named: every class of a corpus is as frequent as the others."""
        lessons = [self._acted(rng) for _ in range(TAUGHT["emodb"])] if self.moments["emodb"] else []
        for name in ("plain", "tohoku", "texts", "performed"):
            for _ in range(TAUGHT[name] if self.moments[name] else 0):
                own = (
                    self.moments[name]
                    if name != "texts" or rng.random() < 0.4
                    else self.said[str(rng.choice(EMOTIONS[:-1]))]
                )
                lessons.append(self._known(_any(own or self.moments[name], rng), rng))
        for _ in range(TAUGHT["emogator"]):
            lessons.append(self._known(_any(self.bursts[str(rng.choice(BURSTS))], rng), rng))
        return lessons

    def _known(self, moment: Moment, rng: np.random.Generator) -> Lesson:
        voiced, face = len(moment.tracks[0].place) > 0, moment.corpus == "performed"
        tracks = list(moment.tracks)
        if face:  # what is read aloud says nothing of the feeling that is performed over it
            tracks = [no_tokens(k) for k in range(4)] + tracks[4:]
            voiced = False
        label = moment.label or "neutral"
        nothing = np.full(8, np.nan, np.float32)
        return Lesson(
            self._thinned(cut(tracks, chunk=self._chunk, rng=rng), rng),
            voice=VOICE_CLASSES.index(label) if voiced and moment.corpus in ("plain", "tohoku") else -1,
            burst=BURSTS.index(label) if moment.corpus == "emogator" else len(BURSTS) if voiced else -1,
            mixes=(moment.mix if moment.corpus in TEXTS else nothing, moment.mix if face else nothing, moment.mix),
            vads=(moment.vad if voiced else nothing[:3], moment.vad if face else nothing[:3], moment.vad),
            fine=moment.fine,
        )

    def _acted(self, rng: np.random.Generator) -> Lesson:
        """An actor, alone or with words and a face that agree with the voice or do not."""
        name = str(rng.choice(VOICE_CLASSES))
        words, face = _nothing(), _nothing()
        if name in BOTH_KNOW and rng.random() < JOINED:
            case = int(rng.choice(len(CASES), p=CASES))
            said, seen, name = together(name, case=case, rng=rng)
            words = _any(self.said[said], rng) if rng.random() < 0.75 else words
            face = _any(self.faces[seen], rng) if rng.random() < 0.5 or not len(words.tracks[2].place) else face
            whole = said if case == 2 and len(words.tracks[2].place) + len(words.tracks[3].place) else name
            whole = seen if case == 2 and len(face.tracks[4].place) else whole
        else:
            whole = name
        voice = _any(self.acted[name], rng)
        of_whole = voice if whole == name else next(m for m in (face, words) if m.label == whole)
        tracks = self._thinned(alongside(voice, words, face, rng=rng, chunk=self._chunk), rng)
        return Lesson(
            tracks, voice=VOICE_CLASSES.index(name), burst=len(BURSTS), mixes=(words.mix, face.mix, of_whole.mix),
            vads=(voice.vad, face.vad, of_whole.vad), fine=words.fine,
        )  # fmt: skip

    def _thinned(self, tracks: Sequence[Track], rng: np.random.Generator) -> tuple[Track, ...]:
        """Some tokens are left out; a voice keeps one of its two kinds; its figures move towards another talker's."""
        voice, manner = tracks[:2]
        if len(voice.place):
            if self._means[0]:
                first, second = rng.integers(0, len(self._means[0]), 2)
                apart = [0.25 * rng.random() * (means[first] - means[second]) for means in self._means]
                voice, manner = (
                    replace(t, rows=(t.rows + more).astype(np.float32))
                    for t, more in zip(tracks[:2], apart, strict=True)
                )
            lost = rng.random()
            if lost < 0.15 and len(manner.place):
                voice = no_tokens(0)
            elif lost < 0.3:
                manner = no_tokens(1)
            voice, manner = _some(voice, rng.uniform(0.4, 1.0), rng), _some(manner, rng.uniform(0.2, 1.0), rng)
        words = [_some(track, rng.uniform(0.75, 1.0), rng) for track in tracks[2:4]]
        return (voice, manner, *words, _some(tracks[4], rng.uniform(0.3, 1.0), rng))


def together(voice: str, *, case: int, rng: np.random.Generator) -> tuple[str, str, str]:
    """What words, face and voice feel in one of `CASES`."""
    other = str(rng.choice([n for n in BOTH_KNOW[1:] if (n in POSITIVE) != (voice in POSITIVE)]))
    if voice == "neutral" or case == 0:
        return voice, voice, voice
    return {1: ("neutral", voice, voice), 2: (voice, voice, "neutral"), 3: (other, voice, voice)}[case]


def alongside(voice: Moment, words: Moment, face: Moment, *, rng: np.random.Generator, chunk: int) -> tuple[Track, ...]:
    """A voice with the words of one moment, as fast as they must be, and a stretch of the face of another one."""
    frames = min(len(voice.tracks[0].place), chunk)
    said = [Track(t.rows, t.place * (frames / max(_frames(words), 1))) for t in words.tracks[2:4]]
    first = int(rng.integers(0, max(len(face.tracks[4].place) - frames, 0) + 1))
    heard = [track.part(0, frames) for track in (*voice.tracks[:2], *said)]
    return (*heard, face.tracks[4].part(first, first + frames))


def _mean_of(moments: Sequence[Moment], talker: str, *, kind: int) -> Float[Array, " figure"]:
    """A talker's mean figures."""
    own = [m.tracks[kind].rows for m in moments if m.talker == talker and len(m.tracks[kind].rows)]
    return np.asarray(np.mean([rows.mean(axis=0, dtype=np.float32) for rows in own], axis=0))


def _frames(moment: Moment) -> int:
    return moment.inputs().num_frames


def _nothing() -> Moment:
    nan = np.full(28, np.nan, np.float32)
    tracks = tuple(no_tokens(kind) for kind in range(len(KINDS)))
    return Moment("", "", "", "", True, tracks=tracks, mix=nan[:8], vad=nan[:3], fine=nan)


def _any(moments: Sequence[Moment], rng: np.random.Generator) -> Moment:
    return moments[int(rng.integers(len(moments)))]


def _some(track: Track, share: float, rng: np.random.Generator) -> Track:
    kept = rng.random(len(track.place)) < share
    if len(kept) and not kept.any():
        kept[int(rng.integers(len(kept)))] = True
    return replace(track, rows=track.rows[kept], place=track.place[kept])


def hidden_tokens(batch: Batch, rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Which tokens of each kind are hidden: spans of frames, single words, and now and then a whole sense."""
    found = []
    there = np.zeros((batch.size, len(SENSES)))
    for k in range(len(KINDS)):
        there[batch.moment[k].numpy(), SENSE_OF[k]] = 1.0
    away = (rng.random((batch.size, len(KINDS))) < WHOLE_SENSE_HIDDEN) & (there.sum(axis=1, keepdims=True) > 1.0)
    away[:, 1] |= rng.random(batch.size) < 0.5  # windows overlap: one would tell of the others
    for k in range(len(KINDS)):
        count = len(batch.place[k])
        if k in (0, 4) and count:
            starts = rng.random(count) < HIDDEN_SHARE / SPAN
            hidden = np.convolve(starts, np.ones(SPAN), "full")[:count] > 0
        else:
            hidden = rng.random(count) < (0.25 if k > 1 else 0.0)
        found.append(torch.from_numpy(hidden | away[batch.moment[k].numpy(), k]))
    return tuple(found)


def in_buckets(lessons: Sequence[Lesson], size: int) -> Iterator[list[Lesson]]:
    """Lessons of like length together."""
    order = sorted(range(len(lessons)), key=lambda i: sum(len(t.place) for t in lessons[i].tracks))
    for first in range(0, len(order), size):
        yield [lessons[i] for i in order[first : first + size]]
