"""What the words say is felt: eight emotions, valence, arousal and dominance, 28 fine words, and how much they say.

The net has learnt from labelled sentences; phrases, denials and turns of irony correct it by stated rules. Words alone
do not know how they are said: `evidence` and `irony` are there for whoever hears the voice as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_emote.audio.spoken_words import words_of
from face_emote.core.arrays import Array, Bool, Float
from face_emote.core.assets import ASSETS
from face_emote.core.names import EMOTIONS
from face_emote.core.types import SpokenWord
from face_emote.emotion.lexicon import find_word
from face_emote.perception.words_features import denied_in, is_known, sentences_of, tokens_of
from face_emote.perception.words_net import WordsNet, read_words_net
from face_emote.perception.words_phrases import irony_in, phrases_in

_FOLDER = ASSETS / "perception"
WEIGHTS = {"en": _FOLDER / "words.npz", "": _FOLDER / "words_other.npz"}
"""English, and all other languages; without the second file (as in Blender) only their phrases count."""
VAD_WEIGHTS = _FOLDER / "words_vad.npz"
"""English. From ratings whose licence asks for the same licence: a file of its own, without which the fine words give
the VAD."""
FINE_WORDS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip
"""The categories of GoEmotions (Demszky et al. 2020), in its order."""
FINE_MIXES: Mapping[str, str] = {
    "admiration": "joy:.8 surprise:.2", "amusement": "joy", "anger": "anger", "annoyance": "anger:.85 contempt:.15",
    "approval": "neutral:.6 joy:.4", "caring": "joy:.4 sadness:.3 neutral:.3",
    "confusion": "surprise:.6 fear:.2 neutral:.2", "curiosity": "surprise:.5 neutral:.5",
    "desire": "joy:.6 neutral:.4", "disappointment": "sadness:.85 anger:.15",
    "disapproval": "anger:.4 contempt:.35 neutral:.25", "disgust": "disgust",
    "embarrassment": "sadness:.5 fear:.3 joy:.2", "excitement": "joy:.75 surprise:.25", "fear": "fear",
    "gratitude": "joy", "grief": "sadness", "joy": "joy", "love": "joy", "nervousness": "fear:.9 sadness:.1",
    "optimism": "joy:.7 neutral:.3", "pride": "joy:.9 contempt:.1", "realization": "surprise:.6 neutral:.4",
    "relief": "joy:.8 surprise:.2", "remorse": "sadness:.9 fear:.1", "sadness": "sadness", "surprise": "surprise",
    "neutral": "neutral", "contempt": "contempt",
}  # fmt: skip
"""Which of the eight a fine word stands for; our choice. `contempt` is no category: it comes by rule and by phrases."""
_LEXICON_NAMES = {
    "approval": "acceptance",
    "disapproval": "displeasure",
    "realization": "wonder",
    "caring": "compassion",
}
FEELINGS = (*FINE_WORDS, "contempt")
NEUTRAL = FINE_WORDS.index("neutral")
CONTEMPT = len(FINE_WORDS)
BALANCE = 0.6
"""Power of a category's share of the training lines that its probability is divided by: 0 as frequent, 1 as telling."""
_CONTEMPT_SHARE = 0.02
_SD_WIDER = 1.3  # Deviations of held-out ratings against those that the net states.
_MISSED = np.array([0.1, 0.0, 0.5, 0.0, 0.0, 0.0, 0.25, 0.15])  # What the lack of something glad leaves.
_IRONY_MEANS = {"annoyance": 0.55, "contempt": 0.3, "disapproval": 0.15}
MOST_LETTERS = 10_000  # Of one text; what comes after them is not read.
LONGEST_CLAUSE = 30  # Spoken words that are read together at most.
PAUSE_SECS = 0.45  # A silence that ends a clause where the transcript's stops are not known.


@dataclass(frozen=True, slots=True)
class WordsReading:
    """What one stretch of text says."""

    mix: Float[Array, " emotion=8"]  # Probabilities over `names.EMOTIONS`.
    vad: Float[Array, " vad=3"]  # Valence, arousal, dominance, each in [-1, 1].
    vad_sd: Float[Array, " vad=3"]  # Standard deviation of each.
    fine: Float[Array, " fine=28"]  # Probability of each of `FINE_WORDS`; several may hold.
    evidence: float
    """How much the words say at all, 0..1: little of neutral sentences, of unknown languages, and of irony."""
    irony: float = 0.0
    """How likely they are meant the other way round, by how they are put; `mix` has taken it into account. Where the
    voice is flat or low, doubt positive words the more."""


@dataclass(frozen=True, slots=True)
class Reader:
    """All that is read from disk for one group of languages."""

    net: WordsNet
    prior: Float[Array, " feeling=29"]  # Share of the training lines of each of `FEELINGS`.
    known: Bool[Array, " bit"]
    vad_net: WordsNet | None
    vad_gain: Float[Array, " vad=3"]  # From the ratings' spread to that of the lexicon of emotion words.

    def share_known(self, tokens: Sequence[str]) -> float:
        """Share of the words that stood in the training lines; 0 where there are no words."""
        words = [token for token in tokens if token[0].isalpha()]
        return sum(is_known(word, self.known) for word in words) / max(len(words), 1)


def read_words(text: str) -> WordsReading:
    """What a text says as a whole: its sentences, weighted by their length and by how much they say."""
    sentences = [tokens for tokens in map(tokens_of, sentences_of(text[:MOST_LETTERS])) if tokens]
    if not sentences:
        return _nothing()
    readings = [_read(tokens, after) for tokens, after in zip(sentences, [*sentences[1:], []], strict=True)]
    weights = [len(tokens) * (0.15 + one.evidence) for tokens, one in zip(sentences, readings, strict=True)]
    return _together(readings, weights)


def read_timed_words(
    words: Sequence[SpokenWord], *, transcript: str | None = None
) -> list[tuple[float, float, WordsReading]]:
    """Start and end in seconds of each sentence that is spoken, and what it says.

    `transcript` is what the words were aligned from: it knows stops and capitals, which the aligned words lack. Without
    it, or where it holds other words, a clause ends before a silence of `PAUSE_SECS`, with a stop at the end of a word,
    or after `LONGEST_CLAUSE` words.
    """
    return [(start, end, read_words(text)) for start, end, text in timed_clauses(words, transcript=transcript)]


def timed_clauses(words: Sequence[SpokenWord], *, transcript: str | None = None) -> list[tuple[float, float, str]]:
    """What `read_timed_words` reads: start and end in seconds of each sentence that is spoken, and its text."""
    spoken = [word for word in words if word.text.strip()]
    clauses = _by_sentences(spoken, transcript) if transcript else None
    return [(clause[0].start_secs, clause[-1].end_secs, text) for clause, text in clauses or _by_pauses(spoken)]


Clause = tuple[list[SpokenWord], str]


def _by_sentences(words: Sequence[SpokenWord], transcript: str) -> list[Clause] | None:
    sentences = sentences_of(transcript)
    counts = [len(words_of(sentence)) for sentence in sentences]
    if sum(counts) != len(words):
        return None
    ends = np.cumsum(counts).tolist()
    parts = zip(sentences, counts, ends, strict=True)
    return [(list(words[end - count : end]), text) for text, count, end in parts if count]


def _by_pauses(words: Sequence[SpokenWord]) -> list[Clause]:
    clauses: list[list[SpokenWord]] = []
    for word in words:
        last = clauses[-1][-1] if clauses else None
        if (
            last is None
            or word.start_secs - last.end_secs >= PAUSE_SECS
            or last.text.rstrip("\"')”’").endswith((".", "!", "?", "…", ";"))
            or len(clauses[-1]) >= LONGEST_CLAUSE
        ):
            clauses.append([])
        clauses[-1].append(word)
    return [(clause, " ".join(word.text for word in clause)) for clause in clauses]


def _read(tokens: Sequence[str], after: Sequence[str]) -> WordsReading:
    language, known = language_of(tokens)
    reader, denied = load_reader(language), denied_in(tokens)
    fine = _sigmoid(reader.net(tokens, denied))
    vad, sd = _felt(reader, tokens, denied, fine=fine)
    feelings, sure = _with_phrases(np.append(fine, _contempt(fine)), tokens, denied)
    vad = (1.0 - sure) * vad + sure * mean_vad(feelings)
    irony = irony_in(tokens, after)
    mix = _mix_of(feelings, prior=reader.prior)
    mix, vad = _denied(mix, vad, meanings=_what_is_denied(reader, tokens, denied), sure=sure)
    other = _meanings(_IRONY_MEANS)
    mix = (1.0 - irony) * mix + irony * (other @ mixes_of_feelings())
    vad = (1.0 - irony) * vad + irony * mean_vad(other)
    evidence = (1.0 - float(mix[0])) * max(known, sure) * (1.0 - 0.5 * irony)
    spread = np.maximum(sd, 0.1) * (1.0 + irony)
    return WordsReading(
        mix=(mix / mix.sum()).astype(np.float32),
        vad=np.clip(vad, -1.0, 1.0).astype(np.float32),
        vad_sd=spread.astype(np.float32),
        fine=feelings[:CONTEMPT].astype(np.float32),
        evidence=float(np.clip(evidence, 0.0, 1.0)),
        irony=irony,
    )


def language_of(tokens: Sequence[str]) -> tuple[str, float]:
    """One of `WEIGHTS`, and the share of the words that its reader knows."""
    there = [language for language, path in WEIGHTS.items() if path.is_file()]
    shares = {language: load_reader(language).share_known(tokens) for language in there}
    language = max(shares, key=lambda name: shares[name])  # English where they are equal
    return language, shares[language]


def _contempt(fine: Float[Array, " fine=28"]) -> float:
    """Nobody has labelled it: disapproval, or anger that is disgusted as well (Plutchik's dyad)."""
    p = dict(zip(FINE_WORDS, fine.tolist(), strict=True))
    dyad = np.sqrt(max(p["anger"], p["annoyance"]) * p["disgust"])
    return float(1.0 - (1.0 - 0.3 * p["disapproval"]) * (1.0 - 0.5 * dyad))


def _with_phrases(
    feelings: Float[Array, " feeling=29"], tokens: Sequence[str], denied: Bool[Array, " token"]
) -> tuple[Float[Array, " feeling=29"], float]:
    """What phrases say pushes aside what they do not; and how sure the surest one is."""
    sure = 0.0
    for found in phrases_in(tokens, denied):
        meaning = _meanings(found.phrase.meaning)
        weight = float(meaning.max())
        feelings = (
            np.maximum(feelings * (1.0 - 0.8 * weight), meaning) if weight > sure else np.maximum(feelings, meaning)
        )
        sure = max(sure, weight)
    return feelings, sure


def _denied(
    mix: Float[Array, " emotion=8"],
    vad: Float[Array, " vad=3"],
    *,
    meanings: Sequence[tuple[Float[Array, " emotion=8"], float]],
    sure: float,
) -> tuple[Float[Array, " emotion=8"], Float[Array, " vad=3"]]:
    """`Not happy` is not joy, and rather sad; `not afraid` is not fear, and nothing in particular.

    `meanings` are the mix and the valence of what is denied; what a phrase says for sure is not touched.
    """
    for said, valence in meanings:
        freed = 0.8 * (1.0 - 0.5 * sure) * mix * said
        freed[0] = 0.0
        if valence > 0.0:
            freed[0] = 0.5 * (1.0 - sure) * mix[0] * min(1.0, 2.0 * valence)
        mix = mix - freed + freed.sum() * (_MISSED if valence > 0.0 else np.eye(len(EMOTIONS))[0])
        vad = vad - (1.0 - sure) * np.array([0.5 * valence + 0.5 * vad[0], 0.0, 0.0])
    return mix, vad


def _what_is_denied(
    reader: Reader, tokens: Sequence[str], denied: Bool[Array, " token"]
) -> list[tuple[Float[Array, " emotion=8"], float]]:
    """Mix and valence of the feelings that are named and denied; where none is named, of all that is denied."""
    away = [token for token, is_denied in zip(tokens, denied, strict=True) if is_denied]
    words = [word for word in map(find_word, away) if word is not None and word.intensity > 0.0]
    if words or not away:
        return [(word.mix, float(word.vad[0])) for word in words]
    plain = np.zeros(len(away), bool)
    fine = _sigmoid(reader.net(away, plain))
    mix = _mix_of(np.append(fine, _contempt(fine)), prior=reader.prior)
    return [(mix, float(_felt(reader, away, plain, fine=fine)[0][0]) * (1.0 - mix[0]))]


def _mix_of(feelings: Float[Array, " feeling=29"], *, prior: Float[Array, " feeling=29"]) -> Float[Array, " emotion=8"]:
    mix = (feelings / prior**BALANCE) @ mixes_of_feelings()
    return np.asarray(mix / mix.sum())


def _felt(
    reader: Reader, tokens: Sequence[str], denied: Bool[Array, " token"], *, fine: Float[Array, " fine=28"]
) -> tuple[Float[Array, " vad=3"], Float[Array, " vad=3"]]:
    if reader.vad_net is None:
        return mean_vad(np.append(fine, 0.0)), np.full(3, 0.4)
    answer = reader.vad_net(tokens, denied)
    return answer[:3] * reader.vad_gain, _SD_WIDER * np.exp(0.5 * answer[3:]) * reader.vad_gain


def mean_vad(feelings: Float[Array, " feeling=29"]) -> Float[Array, " vad=3"]:
    """Of the feelings of a line, as the lexicon of emotion words has them."""
    return np.asarray(feelings @ _vads() / max(float(feelings.sum()), 1e-6))


def _meanings(meaning: Mapping[str, float]) -> Float[Array, " feeling=29"]:
    return np.array([meaning.get(name, 0.0) for name in FEELINGS])


def _together(readings: Sequence[WordsReading], weights: Sequence[float]) -> WordsReading:
    if len(readings) == 1:
        return readings[0]
    share = np.asarray(weights) / sum(weights)

    def mean(name: str) -> Array:
        return np.tensordot(share, np.stack([getattr(one, name) for one in readings]), axes=1).astype(np.float32)

    return WordsReading(
        mix=mean("mix"),
        vad=mean("vad"),
        vad_sd=mean("vad_sd"),
        fine=mean("fine"),
        evidence=float(sum(s * one.evidence for s, one in zip(share, readings, strict=True))),
        irony=max(one.irony for one in readings),
    )


def _nothing() -> WordsReading:
    fine = np.zeros(len(FINE_WORDS), np.float32)
    fine[NEUTRAL] = 1.0
    sd = np.full(3, 0.5, np.float32)
    return WordsReading(np.eye(8, dtype=np.float32)[0], np.zeros(3, np.float32), vad_sd=sd, fine=fine, evidence=0.0)


def _sigmoid(logits: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))))


@lru_cache(maxsize=1)
def mixes_of_feelings() -> Float[Array, "feeling=29 emotion=8"]:
    """What each of `FEELINGS` stands for."""
    rows = np.zeros((len(FEELINGS), len(EMOTIONS)))
    for row, name in zip(rows, FEELINGS, strict=True):
        for part in FINE_MIXES[name].split():
            emotion, _, weight = part.partition(":")
            row[EMOTIONS.index(emotion)] = float(weight or 1.0)
    return rows


@lru_cache(maxsize=1)
def _vads() -> Float[Array, "feeling=29 vad=3"]:
    """Of each feeling, from the lexicon of emotion words."""
    words = [find_word(_LEXICON_NAMES.get(name, name)) for name in FEELINGS]
    return np.stack([np.zeros(3) if word is None else word.vad for word in words])


@lru_cache(maxsize=len(WEIGHTS))
def load_reader(language: str) -> Reader:
    """What reads a group of languages, one of `WEIGHTS`."""
    net, extra = read_words_net(WEIGHTS[language])
    rated = language == "en" and VAD_WEIGHTS.is_file()
    vad_net, vad_extra = read_words_net(VAD_WEIGHTS) if rated else (None, {})
    prior = np.append(extra["prior"], _CONTEMPT_SHARE).astype(np.float64)
    known = np.unpackbits(extra["known"]).astype(bool)
    return Reader(net, prior, known=known, vad_net=vad_net, vad_gain=vad_extra.get("gain", np.ones(3)))
