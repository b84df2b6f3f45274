"""The bank of moments: what is added is listed, used and forgotten; nothing in a folder is taken on faith."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.bank.moments import AUTHORED, FILMED, INDEX, OWN, Moment, add_moments, forget_moments, read_bank
from face_emote.bank.retrieval import BUNDLED, ELSEWHERE, library_of
from face_emote.core.errors import OptionError
from face_emote.core.names import CONTEXTS
from face_emote.core.options import BankUse, Performance
from face_emote.formats.motion_file import write_motion
from face_emote.generation.drawing import TakeStream, drawn_life
from face_emote.generation.layout import FACE, MOMENTS, VOICE, WINDOW
from face_emote.generation.net import load_draw_net
from face_emote.verbs.animate import perform

SPEECH = Path(__file__).parent.parent / "assets" / "speech"


def moment(name: str, *, seed: int = 0, context: str = "interview") -> Moment:
    rng = np.random.default_rng(seed)
    face = rng.normal(0.0, 1.0, (WINDOW, len(FACE))).astype(np.float16).astype(np.float32)
    face[:, 6:8] = 1.0
    return Moment(
        name, face, vad=np.array([0.5, 0.25, -0.5], np.float32), context=context,
        voice=np.full(len(VOICE), np.nan, np.float32), emotion="cold fury", source="take.npz", consent="Jane Doe",
    )  # fmt: skip


def test_what_is_added_is_read_back_and_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    add_moments(folder, [moment("a"), moment("b", seed=1)], file="first.npz")
    add_moments(folder, [moment("c", seed=2)], file="second.npz")
    found = read_bank(folder)
    assert [m.name for m in found.moments] == ["a", "b", "c"]
    for k, m in enumerate(found.moments):
        np.testing.assert_array_equal(m.face, moment(m.name, seed=k).face)
        assert (m.emotion, m.context, m.consent) == ("cold fury", "interview", "Jane Doe")
    (folder / "notes.txt").write_text("mine")
    forget_moments(folder, ["a", "c"])
    assert [m.name for m in read_bank(folder).moments] == ["b"]
    assert sorted(p.name for p in folder.iterdir()) == ["first.npz", INDEX, "notes.txt"]
    np.testing.assert_array_equal(read_bank(folder).moments[0].face, moment("b", seed=1).face)
    with pytest.raises(OptionError, match="no moment 'a'"):
        forget_moments(folder, ["a"])


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    add_moments(tmp_path / "bank", [moment("a")], file="first.npz")
    with pytest.raises(OptionError, match="already holds a"):
        add_moments(tmp_path / "bank", [moment("a")], file="second.npz")


def test_a_folder_without_a_bank_is_an_empty_one(tmp_path: Path) -> None:
    assert read_bank(tmp_path / "nowhere").moments == ()


@pytest.mark.parametrize("damage", [
    {"file": "../out.npz"}, {"file": "/etc/passwd"}, {"file": "gone.npz"}, {"row": 7}, {"row": -1}, {"row": True},
    {"name": "../a"}, {"name": 3}, {"context": "war"}, {"made": "stolen"}, {"consent": ""}, {"vad": [2.0, 0.0, 0.0]},
    {"vad": [0.0]}, {"vad": None}, {"voice": [1.0]}, {"emotion": "x" * 2000}, {"vad": ["1", 0.0, 0.0]},
])  # fmt: skip
def test_a_hostile_index_is_refused_in_a_line(tmp_path: Path, damage: dict[str, object]) -> None:
    folder = tmp_path / "bank"
    add_moments(folder, [moment("a")], file="first.npz")
    content = json.loads((folder / INDEX).read_text())
    content["moments"][0] |= damage
    (folder / INDEX).write_text(json.dumps(content))
    with pytest.raises(OptionError, match="no bank of moments, or a damaged one"):
        read_bank(folder)


@given(text=st.text(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=9), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=9), x)
).map(json.dumps))  # fmt: skip
def test_any_index_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("bank")
    (folder / INDEX).write_text(text, encoding="utf-8")
    with pytest.raises(OptionError):
        read_bank(folder)


def test_tokens_that_no_face_has_are_refused(tmp_path: Path) -> None:
    for face in (np.full((1, WINDOW, len(FACE)), np.nan), np.zeros((1, 3, len(FACE))), np.zeros((1, 4), "S9")):
        folder = tmp_path / f"bank{face.ndim}{face.shape[1]}"
        add_moments(folder, [moment("a")], file="first.npz")
        np.savez(folder / "first.npz", face=face)
        with pytest.raises(OptionError, match="damaged"):
            read_bank(folder)
    with pytest.raises(OptionError, match="consent"):
        add_moments(tmp_path / "other", [replace(moment("a"), consent="")], file="first.npz")


def said(text: str, **given: Any) -> Performance:
    return Performance(SPEECH / "dashwood_2.wav", emotion=text, animator="takes", moments=BankUse(**given), seed=5)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ELSEWHERE, str(tmp_path / "own"))
    return tmp_path / "own"


def test_the_bundled_bank_has_every_cell_and_context_and_says_what_is_filmed() -> None:
    moments = read_bank(BUNDLED).moments
    cells = {(tuple(np.sign(np.where(np.abs(m.vad) < 0.2, 0.0, m.vad))), m.context) for m in moments}
    assert len(cells) == 27 * len(CONTEXTS)
    filmed = [m for m in moments if m.made == FILMED]
    assert len(filmed) == 32 and {m.context for m in filmed} == {"monologue"} and not any(m.vad.any() for m in filmed)
    assert all(m.made in (FILMED, AUTHORED) and m.source and not m.consent for m in moments)
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 1_000_000


def test_moments_are_near_in_feeling_context_and_voice(own: Path) -> None:
    library = library_of(BankUse())
    fury, nobody = np.array([-0.6, 0.6, 0.4]), np.full(len(VOICE), np.nan)
    for context in CONTEXTS:
        near = library.nearest(vad=fury, context=context, voice=nobody, dice=np.random.default_rng(0))
        assert len(near) == MOMENTS and all(m.vad[0] < -0.3 and m.vad[1] > 0.3 for m in near)
        assert all((m.context == "listening") == (context == "listening") for m in near)
    filmed = next(m for m in library.moments if m.made == FILMED)
    first = [
        library.nearest(vad=filmed.vad, context="monologue", voice=filmed.voice, dice=np.random.default_rng(s))[0]
        for s in range(9)
    ]
    assert sum(m.name == filmed.name for m in first) >= 3, "its own voice is its nearest, whatever the seed adds"


def test_a_take_is_added_listed_used_pinned_forbidden_and_forgotten(own: Path, tmp_path: Path, run) -> None:
    take, speech = tmp_path / "take.npz", SPEECH / "dashwood_4.wav"
    write_motion(perform(Performance(speech, emotion="anger", seed=1)).motion, take)
    words = ("bank", "add", str(take), "-e", "cold fury", "--context", "interview")
    code, _, err = run(*words)
    assert code == 2 and "--consent" in err and not own.exists()
    assert run(*words, "--consent", "Jane Doe")[0] == 0
    added = read_bank(own).moments
    assert len(added) == 2 and all(m.made == OWN and m.consent == "Jane Doe" for m in added)
    assert [line.split()[0] for line in run("bank", "list", "--own")[1].splitlines()] == [m.name for m in added]
    used = perform(said("cold fury", context="interview"))
    names = {use.name for use in used.moments}
    assert names & {m.name for m in added} and "Jane Doe" in used.motion.info.consent
    assert all(name in used.motion.info.moments for name in names)
    spared = perform(said("cold fury", context="interview", forbid=",".join(m.name for m in added)))
    assert spared.moments and not {use.name for use in spared.moments} & {m.name for m in added}
    assert run("bank", "forget", *[m.name for m in added])[0] == 0
    assert not any(m.made == OWN for m in library_of(BankUse()).moments)
    assert [path.name for path in own.iterdir()] == [INDEX]


def test_a_pinned_moment_is_played_as_it_is_and_what_is_around_fits(own: Path) -> None:
    add_moments(own, [quiet("mine")], file="mine.npz")
    net, voice = load_draw_net(), np.zeros((80, len(VOICE)))
    pinned = np.full((80, len(FACE)), np.nan)
    pinned[30 : 30 + WINDOW] = quiet("mine").face
    life, free = (drawn_life(net, voice, seed=2, pinned=given) for given in (pinned, None))
    np.testing.assert_allclose(life.face[30 : 30 + WINDOW], quiet("mine").face, atol=2e-3)
    steps = np.abs(np.diff(life.face, axis=0)) / np.abs(np.diff(free.face, axis=0)).mean(axis=0)
    assert steps[[29, 29 + WINDOW], :6].mean() < 6.0, "no jump into it or out of it"
    stream = TakeStream(net, seed=2, pinned=pinned)
    cut = np.concatenate([stream.push(voice[:11]), stream.push(voice[11:70]), stream.push(voice[70:]), stream.finish()])
    np.testing.assert_array_equal(cut.astype(np.float32), life.face)


def quiet(name: str) -> Moment:
    """A slow nod."""
    face = np.zeros((WINDOW, len(FACE)), np.float32)
    face[:, 3] = 1.5 * np.sin(np.linspace(0.0, 2.0 * np.pi, WINDOW))
    face[:, 6:8] = 1.0
    return replace(moment(name), face=face)


def test_the_same_seed_is_drawn_after_the_same_moments_and_says_so(own: Path) -> None:
    one, two = (perform(said("joy", pin="0.5s triumph-dialogue-01")) for _ in range(2))
    assert one.moments == two.moments and one.motion.info.moments == two.motion.info.moments
    assert "0.48-2.99 s triumph-dialogue-01 (pinned)" in one.motion.info.moments
    np.testing.assert_array_equal(one.whole().neck_pose, two.whole().neck_pose)
    other = perform(replace(said("joy"), seed=6))
    assert [use.name for use in other.moments] != [use.name for use in one.moments if not use.pinned]


@pytest.mark.parametrize(("given", "why"), [
    ({"pin": "triumph-dialogue-01"}, "an instant and a moment"),
    ({"pin": "1s triunph-dialogue-01"}, "did you mean 'triumph-dialogue-01'"),
    ({"pin": "9s triumph-dialogue-01"}, "pin it earlier"),
    ({"pin": "0s triumph-dialogue-01; 1s triumph-dialogue-02"}, "pin it later"),
    ({"forbid": "nobody"}, "No bank holds"),
])  # fmt: skip
def test_what_cannot_be_pinned_or_forbidden_is_said_in_a_line(own: Path, given: dict[str, str], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        perform(said("joy", **given))
    with pytest.raises(OptionError, match="The rules play no moments"):
        replace(said("joy", **given), animator="rules")
