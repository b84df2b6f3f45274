"""Whoever listens to a partner shows it, where the partner leaves room, and no other layer's dice change for it."""

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face_emote.audio.analyse import analyse
from face_emote.core.errors import OptionError
from face_emote.core.motion import joined_motion
from face_emote.core.names import CONTROLS
from face_emote.core.options import BankUse, Performance
from face_emote.core.types import FaceMotion
from face_emote.motion.events.cues import SpeechCues
from face_emote.motion.events.listening import (
    ListeningScore,
    listening_controls,
    listening_score,
    listening_spans,
)  # fmt: skip
from face_emote.verbs.animate import perform
from face_emote.verbs.company import contexts_of

SPEECH = Path(__file__).parent.parent / "assets" / "speech"
RATE_HZ = 16_000


def cues(*phrases: tuple[float, float], secs: float, rising: float = 0.0) -> SpeechCues:
    rows = np.array(phrases, np.float64).reshape(-1, 2)
    flat = np.zeros(int(secs * 100), np.float32)
    accents = np.concatenate([np.arange(start + 0.4, end, 0.7) for start, end in phrases] or [np.zeros(0)])
    return SpeechCues(secs, rows, np.full(len(rows), rising), accents, np.full(len(accents), 0.5), flat, flat)


def heard(partner: SpeechCues, *, own: SpeechCues | None = None, seed: int = 0, glad: float = 0.0) -> ListeningScore:
    own = cues(secs=partner.duration_secs) if own is None else own
    pleasure = np.full(int(partner.duration_secs * 10) + 1, glad)
    return listening_score(own, partner, pleasure=pleasure, grid_hz=10.0, rng=np.random.default_rng(seed))


def talk(secs: float, *, phrase: float = 2.4, gap: float = 0.5) -> SpeechCues:
    starts = np.arange(0.5, secs - phrase, phrase + gap)
    return cues(*((start, start + phrase) for start in starts), secs=secs)


def test_one_listens_where_the_partner_has_the_turn_and_nothing_is_said_here():
    partner, own = cues((1.0, 3.0), (3.5, 6.0), (14.0, 16.0), secs=20.0), cues((8.0, 12.0), (14.5, 15.0), secs=20.0)
    spans = listening_spans(own, partner)
    np.testing.assert_allclose(spans, [[1.0, 6.8], [15.25, 16.8]])


def test_answers_come_after_phrases_about_ten_a_minute_and_not_to_a_beat():
    partner, starts = talk(120.0), []
    for seed in range(8):
        score = heard(partner, seed=seed)
        nods = score.nods.start
        first = nods[np.diff(nods, prepend=-9.0) > 1.2]
        starts.append(len(first) / 2.0)
        since = first[:, None] - partner.phrases[:, 1]
        near = np.where(since >= 0.0, since, np.inf).min(axis=1)
        assert (near >= 0.19).all(), "nobody nods at once"
        assert ((near < 1.0).mean()) > 0.6, "most nods answer the end of a phrase"
        apart = np.diff(first)
        assert apart.std() > 0.25 * apart.mean(), "no metronome"
        depth = np.degrees(score.nods.at(np.arange(0.0, 120.0, 0.02)))
        assert 0.8 < depth.max() < 5.5 and depth.min() >= -1e-9
    assert 5.0 < np.mean(starts) < 14.0


def test_smiles_come_with_pleasure_and_leave_the_talking_mouth_alone():
    partner = talk(60.0)
    glad, sad = (sum(len(heard(partner, seed=s, glad=g).smiles.start) for s in range(6)) for g in (0.8, -0.5))
    assert sad == 0 and glad > 10
    score, times = heard(partner, glad=0.8), np.arange(0.0, 60.0, 0.04)
    mouth = [k for k, name in enumerate(CONTROLS) if name.startswith(("mouth", "jaw"))]
    talking = listening_controls(score, times, leisure=np.zeros(len(times)), amount=1.0)
    assert not talking[:, mouth].any()
    at_rest = listening_controls(score, times, leisure=np.ones(len(times)), amount=1.0)
    assert 0.05 < at_rest[:, mouth].max() < 0.45


def test_a_question_raises_the_brows_more_often_than_a_statement():
    asked, said = cues(*talk(60.0).phrases, secs=60.0, rising=0.9), talk(60.0)
    raises = [sum(len(heard(partner, seed=s).brows.start) for s in range(6)) for partner in (asked, said)]
    assert raises[0] > 1.5 * raises[1]


@pytest.fixture(scope="module")
def tracks(tmp_path_factory) -> tuple[Path, Path]:
    """An answer and what it answers, on one timeline."""
    folder, count = tmp_path_factory.mktemp("talk"), int(11.0 * RATE_HZ)
    own, other = np.random.default_rng(0).normal(0.0, 2.0, (2, count))
    for samples, line, start in ((other, 3, 0.3), (own, 2, 7.0)):
        with wave.open(str(SPEECH / f"dashwood_{line}.wav")) as file:
            said = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        samples[int(start * RATE_HZ) : int(start * RATE_HZ) + len(said)] += said
    paths = folder / "answer.wav", folder / "other.wav"
    for path, samples in zip(paths, (own, other), strict=True):
        _write(path, samples)
    return paths


def _write(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.astype(np.int16).tobytes())


def played(tracks: tuple[Path, Path], *, partner: bool = True, size: int | None = None, **given) -> FaceMotion:
    asked = Performance(tracks[0], emotion="joy:0.3", partner=tracks[1] if partner else None, **given)
    motion = perform(asked).motion
    return joined_motion(list(motion.blocks() if size is None else motion.blocks(size)))


@pytest.mark.parametrize("animator", ["net", "rules", "takes"])
def test_a_listener_nods_while_the_partner_talks_and_performs_the_same_lines_alike(tracks, animator):
    seed = 4
    with_partner = played(tracks, animator=animator, seed=seed)
    alone = played(tracks, animator=animator, seed=seed, partner=False)
    times = np.arange(len(alone)) / alone.fps
    nods = np.degrees(with_partner.neck_pose[:, 0] - alone.neck_pose[:, 0])
    listens, talks = times < 6.3, times > 7.6
    assert nods[listens].max() > 0.8 and (animator == "takes" or np.abs(nods[talks]).max() < 0.5)
    np.testing.assert_array_equal(with_partner.jaw_pose[talks], alone.jaw_pose[talks])
    again = played(tracks, animator=animator, seed=seed, size=37)
    for name in with_partner.row_names:
        np.testing.assert_array_equal(getattr(with_partner, name), getattr(again, name))


def test_a_partner_that_cannot_be_one_is_refused_in_a_line(tracks, tmp_path):
    own, other = tracks
    _write(tmp_path / "silent.wav", np.random.default_rng(1).normal(0.0, 2.0, int(11.0 * RATE_HZ)))
    _write(tmp_path / "short.wav", np.zeros(3 * RATE_HZ))
    asked = Performance(own, emotion="neutral")
    for path, why in (
        (own, "very recording"), (tmp_path / "silent.wav", "Nobody talks"), (tmp_path / "short.wav", "lasts 3.00 s"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=why):
            perform(replace(asked, partner=path))
    assert perform(replace(asked, partner=other)).analysis.has_speech


def test_who_is_spoken_to_is_told_by_who_talks(tracks):
    own, other = (analyse(path) for path in tracks)

    def contexts(here, there, **given):
        return contexts_of(BankUse(**given), analysis=here, partner=there, count=9)

    assert set(contexts(own, None)) == {"monologue"}
    assert set(contexts(own, other)) == {"listening", "dialogue"}
    assert set(contexts(other, own)) == {"listening", "interview"}, "two thirds of what is said are answers"
    assert set(contexts(own, other, context="interview")) == {"listening", "interview"}
    drawn = perform(Performance(tracks[0], emotion="joy:0.3", partner=tracks[1], animator="takes", seed=4))
    for use in drawn.moments:
        assert ("listening" in use.name) == (0.5 < use.start_secs + 0.64 < 6.3), use
