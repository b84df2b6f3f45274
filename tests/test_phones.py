"""Phones heard without a transcript, held against the phones that forced alignment finds."""

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.audio.features import prosody_of
from face_emote.audio.logmel import log_mels
from face_emote.audio.phone_net import ASSET, PhoneNet, forward, lip_class_of, load_phone_net, normalised_mels
from face_emote.audio.phones import BIGRAM_SHARE, CHANGE_COST, _search, heard_phones
from face_emote.audio.reader import read_speech
from face_emote.core.names import BILABIALS, LABIODENTALS, PHONES
from face_emote.core.types import Phone, Speech, SpeechAnalysis

EXAMPLES = example_speech()


@cache
def heard(name: str) -> SpeechAnalysis:
    return analyse(next(e.path for e in EXAMPLES if e.name == name))


@cache
def aligned(name: str) -> SpeechAnalysis:
    example = next(e for e in EXAMPLES if e.name == name)
    return analyse(example.path, transcript=example.transcript)


def labels_at(phones: tuple[Phone, ...], times: np.ndarray) -> np.ndarray:
    ends = np.array([phone.end_secs for phone in phones])
    return np.array([phone.label for phone in phones])[np.searchsorted(ends, times, side="right")]


def share_near(these: list[Phone], those: list[Phone], *, within_secs: float = 0.04) -> float:
    """Share of phones that have one of the others within a tolerance."""
    near = [
        any(a.start_secs - within_secs < b.end_secs and b.start_secs < a.end_secs + within_secs for b in those)
        for a in these
    ]
    return float(np.mean(near))


def of(analyses: list[SpeechAnalysis], group: frozenset[str]) -> list[Phone]:
    """Phones of a group from several recordings, one after the other in time."""
    out, now = [], 0.0
    for analysis in analyses:
        for phone in analysis.phones:
            if phone.label in group:
                out.append(Phone(phone.label, now + phone.start_secs, now + phone.end_secs))
        now += analysis.duration_secs + 1.0
    return out


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_heard_phones_are_gapless_and_carry_a_confidence(example):
    analysis = heard(example.name)
    assert not analysis.aligned
    assert analysis.phones[0].start_secs == 0.0 and analysis.phones[-1].end_secs == analysis.duration_secs
    assert all(a.end_secs == b.start_secs for a, b in itertools.pairwise(analysis.phones))
    assert all(p.end_secs - p.start_secs > 0.02 for p in analysis.phones[1:-1])
    assert all(0.0 < phone.confidence <= 1.0 for phone in analysis.phones)
    assert any(phone.stress == 1 for phone in analysis.phones)


def test_most_frames_are_heard_as_they_are_aligned():
    hits, silence = [], []
    for example in EXAMPLES:
        times = np.arange(0.0, heard(example.name).duration_secs - 0.01, 0.01)
        guess, truth = (labels_at(a.phones, times) for a in (heard(example.name), aligned(example.name)))
        hits.append(guess == truth)
        silence.append((guess == "SIL") == (truth == "SIL"))
    assert np.concatenate(hits).mean() > 0.6
    assert np.concatenate(silence).mean() > 0.95


def test_most_bilabials_and_labiodentals_are_heard_without_a_transcript():
    names = [example.name for example in EXAMPLES]
    for group, recall, precision in ((BILABIALS, 0.7, 0.7), (LABIODENTALS, 0.8, 0.5)):
        guess, truth = of([heard(n) for n in names], group), of([aligned(n) for n in names], group)
        assert share_near(truth, guess) > recall
        assert share_near(guess, truth) >= precision


@settings(deadline=None, max_examples=10)
@given(st.lists(st.integers(0, 47_000), max_size=5))
def test_streamed_phones_equal_whole_ones(cuts: list[int]):
    x = read_speech(EXAMPLES[1].path).samples
    speaking = prosody_of([x]).speaking
    whole, streamed = (
        heard_phones(log_mels(pieces), speaking, duration_secs=len(x) / 16_000)
        for pieces in ([x], np.split(x, sorted(cuts)))
    )
    assert streamed == whole


def test_silence_and_noise_give_silence_alone():
    rng = np.random.default_rng(0)
    for level in (0.0, 1e-3, 0.05):
        samples = rng.normal(0.0, level, 50_000).astype(np.float32)
        analysis = analyse(Speech(samples))
        assert [(p.label, p.start_secs, p.end_secs) for p in analysis.phones] == [("SIL", 0.0, 3.125)]
        assert len(analysis.pauses) == 1


def test_long_silence_holds_no_phone_whatever_the_net_says():
    x = read_speech(EXAMPLES[0].path).samples
    speaking = prosody_of([x]).speaking.copy()
    speaking[200:300] = 0.0
    phones = heard_phones(log_mels([x]), speaking, duration_secs=len(x) / 16_000)
    assert set(labels_at(phones, np.arange(2.0, 2.99, 0.01))) == {"SIL"}


def test_the_gain_of_the_recording_does_not_matter():
    x = read_speech(EXAMPLES[3].path).samples
    times = np.arange(0.0, 6.0, 0.01)
    soft = analyse(Speech((0.2 * x).astype(np.float32)))
    assert (labels_at(soft.phones, times) == labels_at(heard("dashwood_4").phones, times)).mean() > 0.9


def forward_ref(rows: np.ndarray, net: PhoneNet) -> np.ndarray:
    """The net frame by frame and tap by tap, in double precision."""
    x = rows.astype(float)
    for kernel, bias, dilation in zip(net.kernels, net.biases, net.dilations, strict=True):
        reach = (len(kernel) // 2) * dilation
        out = []
        for t in range(reach, len(x) - reach):
            y = bias.astype(float)
            for k in range(len(kernel)):
                y = y + x[t + (k - len(kernel) // 2) * dilation] @ kernel[k].astype(float)
            y = np.maximum(y, 0.0)
            out.append(y + x[t] if kernel.shape[1] == kernel.shape[2] else y)
        x = np.array(out)
    return x @ net.head.astype(float) + net.head_bias


def test_the_fast_net_equals_its_definition():
    net = load_phone_net()
    rows = np.random.default_rng(0).normal(0.0, 1.0, (2 * net.reach + 7, 40)).astype(np.float32)
    np.testing.assert_allclose(forward(rows, net), forward_ref(rows, net), atol=2e-3)


def test_the_net_sees_exactly_its_reach():
    net = load_phone_net()
    rng = np.random.default_rng(1)
    rows = rng.normal(0.0, 1.0, (2 * net.reach + 60, 40)).astype(np.float32)
    changed = rows.copy()
    changed[70] += 1.0  # output t sees the rows t to t + 2 reach
    differs = np.flatnonzero(np.abs(forward(rows, net) - forward(changed, net)).max(axis=1) > 1e-6)
    assert (differs.min(), differs.max()) == (70 - 2 * net.reach, 59)


def test_normalised_mels_are_the_distance_to_the_local_speech_level():
    x = np.random.default_rng(0).normal(0.0, 0.1, 48_000).astype(np.float32)
    x *= np.repeat(np.random.default_rng(1).uniform(0.1, 1.0, 300), 160).astype(np.float32)
    rows, soft = (np.concatenate(list(normalised_mels(log_mels([g * x])))) for g in (np.float32(1.0), np.float32(0.5)))
    np.testing.assert_allclose(soft, rows, atol=0.02)
    tilted = np.concatenate(list(normalised_mels(log_mels([np.diff(x, prepend=x[:1])]))))
    assert np.abs(tilted - rows)[2:-2].mean() < 0.12  # a microphone that brightens the sound cancels, too
    assert np.abs(rows).max() <= 3.6001


def test_the_asset_is_small_and_its_statistics_are_probabilities():
    net = load_phone_net()
    assert ASSET.stat().st_size < 1_000_000
    assert sum(a.size for a in (*net.kernels, *net.biases, net.head, net.head_bias)) < 200_000
    np.testing.assert_allclose(np.exp(net.log_bigram).sum(axis=1), 1.0, atol=5e-3)
    assert np.exp(net.log_prior).sum() == pytest.approx(1.0, abs=5e-3)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1_000), st.integers(4, 8), st.booleans())
def test_the_search_finds_the_best_of_all_sequences(seed: int, frames: int, alone: bool):
    """Against every path through three phones of at least three frames: a whole sound, or between two silences."""
    rng = np.random.default_rng(seed)
    scores, change = np.full((frames, 40), -100.0), rng.normal(-1.0, 1.0, (40, 40)).astype(np.float32)
    scores[:, :3] = rng.normal(0.0, 1.0, (frames, 3))
    net = replace(load_phone_net(), log_bigram=(change + np.float32(CHANGE_COST)) / np.float32(BIGRAM_SHARE))
    phone, begins = np.zeros(frames, np.int8), np.zeros(frames, bool)
    _search(scores, np.array([[0, frames]]), path=(phone, begins), is_start=alone, is_end=alone, net=net)

    def worth(states: tuple[int, ...]) -> float:
        entered = sum(change[a // 3, b // 3] for a, b in itertools.pairwise(states) if b % 3 == 0)
        return float(sum(scores[t, states[t] // 3] for t in range(frames)) + entered)

    paths = _paths(frames, starts=(0, 3, 6, 2) if alone else (2,))
    shapes = {
        (tuple(s // 3 for s in path), tuple(s % 3 == 0 for s in path)): worth(path)
        for path in paths
        if alone or path[-1] == 2
    }
    found = (tuple(phone.tolist()), tuple(begins.tolist()))
    assert shapes[found] == pytest.approx(max(shapes.values()), abs=1e-4)


def _paths(frames: int, *, starts: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All state sequences: phone * 3 + place; places advance, the last one repeats, then any phone begins."""
    paths: list[tuple[int, ...]] = [(start,) for start in starts]
    for _ in range(frames - 1):
        paths = [
            (*path, after) for path in paths for after in ([path[-1] + 1] if path[-1] % 3 < 2 else [path[-1], 0, 3, 6])
        ]
    return paths


def test_every_phone_has_its_lip_class():
    classes = lip_class_of(np.arange(len(PHONES)))
    assert {PHONES[i] for i in np.flatnonzero(classes == 1)} == BILABIALS
    assert {PHONES[i] for i in np.flatnonzero(classes == 2)} == LABIODENTALS
    assert [PHONES[i] for i in np.flatnonzero(classes == 3)] == ["SIL"]
