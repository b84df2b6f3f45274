"""The mouth against tracked lips of talkers who took no part in fitting it; needs ../shared/data."""

from pathlib import Path

import pytest

from bench.lip_quality import measure, read_clips
from face_emote.face.bundled import load_head

TALKERS = Path(__file__).parents[2] / "shared" / "data" / "grid_talkers"

pytestmark = pytest.mark.skipif(not TALKERS.is_dir(), reason="tracked real lips are not here (../shared/data)")


@pytest.mark.parametrize(("talker", "correlation"), [("s30", 0.74), ("s31", 0.72), ("s16", 0.74)])
def test_lips_follow_real_lips_of_unseen_talkers(talker, correlation):
    clips = list(read_clips(TALKERS / talker, talker=talker, motion="motion.npz", phones="phones.json"))[:4]
    quality = measure(clips, head=load_head(), heard=False)
    assert quality.correlation > correlation
    assert quality.closure >= 0.98
    assert quality.false_closure <= 0.05
    assert quality.silence_motion < 1e-3
