"""The mouth against tracked lips of talkers who took no part in fitting it; needs ../shared/data."""

from pathlib import Path

import pytest

from bench.lip_quality import measure
from bench.talkers import FACELESS, read_talkers, read_tracked
from face_emote.face.bundled import load_head
from face_emote_lab.evaluation.evaluate import lip_system
from face_emote_lab.evaluation.lip_figures import measure_clip, ruler, summed
from face_emote_lab.evaluation.systems import HeardClip

DATA = Path(__file__).parents[2] / "shared" / "data"
TALKERS = DATA / "grid_talkers"

pytestmark = pytest.mark.skipif(not TALKERS.is_dir(), reason="tracked real lips are not here (../shared/data)")


@pytest.mark.parametrize(("talker", "correlation"), [("s30", 0.74), ("s31", 0.72), ("s16", 0.74)])
def test_lips_follow_real_lips_of_unseen_talkers(talker, correlation):
    clips = list(read_tracked(TALKERS / talker, talker=talker, motion="motion.npz", phones="phones.json"))[:4]
    quality = measure(clips, head=load_head(), heard=False)
    assert quality.correlation > correlation
    assert quality.closure >= 0.98
    assert quality.false_closure <= 0.05
    assert quality.silence_motion < 1e-3


@pytest.fixture(scope="module")
def by_network():
    """Figures of the bundled network: (talker, whether it is told the phones) -> figures."""
    head = load_head()
    by = ruler(head)
    known = {
        talker: [HeardClip(clip) for clip in read_talkers(DATA, talkers=(talker,), limit=limit).clips]
        for talker, limit in (("s1", 8), (FACELESS, None))
    }
    systems = {told: lip_system("net", head=head, known_words=told) for told in (False, True)}
    return {
        (talker, told): summed("", [found for clip in clips if (found := measure_clip(clip, system, by=by))])
        for talker, clips in known.items()
        for told, system in systems.items()
    }


@pytest.mark.parametrize("told", [False, True])
def test_the_network_moves_lips_as_the_talker_it_knows_and_as_far(by_network, told):
    figures = by_network["s1", told]
    assert figures.correlation > 0.88
    assert figures.closure >= 0.98
    assert figures.nearly_closed <= 0.05
    assert 0.9 <= figures.loud_gap <= 1.1


@pytest.mark.parametrize(("told", "closure", "nearly"), [(False, 0.87, 0.07), (True, 1.0, 0.05)])
def test_voices_that_it_never_heard_close_their_lips_on_closures_and_not_on_vowels(by_network, told, closure, nearly):
    figures = by_network[FACELESS, told]
    assert figures.closure >= closure
    assert figures.nearly_closed <= nearly
    assert figures.silence_motion <= (0.1 if told else 0.03)
