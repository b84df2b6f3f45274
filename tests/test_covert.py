"""The reader of what is hidden (`bench.covert`): it finds what is there, and says nothing of what is not."""

import numpy as np
import pytest

pytest.importorskip("torch")

from bench.covert import ASKED, KNOWN_WORDS, NEW_WORDS, Asked, area, resized, rows
from face_emote.core.names import EMOTIONS
from face_emote.emotion.grammar import describe
from face_emote.perception.face import FACE_CONTROLS, NUM_FACE_FEATURES
from tools.train_judges.covert_reader import HIDDEN, SHOWN, WINDOW_FRAMES, Performed, read, taught

FRAMES = WINDOW_FRAMES + 12
SMILE, NOSE = FACE_CONTROLS.index("mouthSmileLeft"), FACE_CONTROLS.index("noseSneerLeft")
JOY, DISGUST = EMOTIONS.index("joy"), HIDDEN.index("disgust")


def smiles(count: int, *, seed: int) -> Performed:
    """Faces that smile or do not; every other one wrinkles the nose for a fifth of a second, twice."""
    rng = np.random.default_rng(seed)
    faces = np.zeros((count, FRAMES, NUM_FACE_FEATURES), np.float32)
    shown, hidden = np.zeros(count, np.int64), np.zeros(count, np.int64)
    shown[::2], hidden[(np.arange(count) // 2) % 2 == 1] = JOY, DISGUST
    faces[shown == JOY, :, SMILE : SMILE + 2] = 0.7
    for clip in np.flatnonzero(hidden):
        for start in rng.integers(12, WINDOW_FRAMES - 4, 2):
            faces[clip, start : start + 3, NOSE : NOSE + 2] = 0.5
    return Performed(faces, shown, hidden)


def test_a_reader_finds_flashes_under_a_smile_in_faces_that_it_never_saw():
    net = taught(smiles(64, seed=0), steps=100, seed=0, report=lambda line: None)
    asked = smiles(40, seed=1)
    shown, hidden = read(net, asked.faces, looks=2, seed=0)
    found = {row.what: row for row in rows(asked, shown=shown, hidden=hidden)}
    pairs = found["X hidden under Y, all 49"]
    assert pairs.hidden_named > 0.75 and pairs.told_apart > 0.9
    assert pairs.shown_first > 0.95 and found["hides nothing, one feeling"].shown_first > 0.95


def test_the_area_is_one_half_where_nothing_tells_and_one_where_everything_does():
    same = np.random.default_rng(0).uniform(size=2000)
    assert area(same + 2.0, same) == 1.0 and abs(area(same[::-1], same) - 0.5) < 0.01


def test_the_reader_is_asked_in_words_that_it_did_not_learn_from():
    rng = np.random.default_rng(0)
    new = {name for name in EMOTIONS[1:] if not set(NEW_WORDS[name]) & set(KNOWN_WORDS[name])}
    assert new == set(EMOTIONS[1:]) - {"contempt"}  # The one word for it.
    felt = describe(Asked("joy", "fear").in_words(NEW_WORDS, rng)).keys[0].emotion
    assert felt.mix[JOY] > 0.9 and felt.covert[EMOTIONS.index("fear")] >= 0.8 and felt.leak == 0.25
    assert len(ASKED) == len(SHOWN) + 49
    assert len({(one.shown, one.hidden) for one in ASKED}) == len(ASKED)


def test_short_performances_are_held_at_their_end():
    seen = np.arange(6.0).reshape(3, 2)
    held = resized(seen)
    assert np.array_equal(held[:3], seen) and (held[3:] == seen[-1]).all()
