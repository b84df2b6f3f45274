"""How somebody moves is taken from clips of them, kept with their consent, and played."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from face_emote.audio.examples import example_speech
from face_emote.cli.main import cli
from face_emote.core.errors import OptionError
from face_emote.core.options import Performance
from face_emote.core.types import FaceMotion
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.generation.layout import STYLE
from face_emote.generation.net import load_draw_net
from face_emote.generation.seen import FPS, from_rest, manner_of, seen_of_performance
from face_emote.generation.style_file import MotionStyle, read_style, write_style
from face_emote.provenance.credential import Provenance, facts_of
from face_emote.verbs.animate import perform
from face_emote.verbs.clone import clone

CONSENT = "Jane Doe, own style, 2026-03-01"
USUAL = load_draw_net().manners.mean(axis=0)


def style(**more: float) -> MotionStyle:
    moves = USUAL + np.array([more.get(name, 0.0) for name in STYLE])
    return MotionStyle(tuple(moves.tolist()), secs=12.0, consent=CONSENT)


@pytest.fixture(scope="module")
def long_line() -> Path:
    return max((item.path for item in example_speech()), key=lambda path: path.stat().st_size)


def played(speech: Path, path: Path | None, *, strength: float = 1.0, seed: int = 0) -> FaceMotion:
    asked = Performance(speech, emotion="neutral", fps=FPS, seed=seed, moves_like=path, likeness=strength)
    return perform(asked).whole()


def test_a_style_file_holds_what_was_written(tmp_path: Path) -> None:
    path = write_style(style(), tmp_path / "jane.style")
    assert read_style(path) == style()
    assert path.stat().st_size < 2000


def test_who_moves_more_is_played_so(tmp_path: Path, long_line: Path) -> None:
    calm, lively = (
        write_style(style(brows=size, brows_apart=size, nod=size), tmp_path / f"{name}.style")
        for name, size in (("calm", -0.7), ("lively", 0.7))
    )
    still, moved = (from_rest(seen_of_performance(played(long_line, path))).std(axis=0) for path in (calm, lively))
    assert moved[:2].mean() > 2.0 * still[:2].mean()
    assert moved[5] > 1.5 * still[5]
    exaggerated = from_rest(seen_of_performance(played(long_line, lively, strength=2.0))).std(axis=0)
    nobody = from_rest(seen_of_performance(played(long_line, lively, strength=0.0))).std(axis=0)
    assert nobody[:2].mean() < moved[:2].mean() < exaggerated[:2].mean()


def test_a_style_that_was_played_is_cloned_back(tmp_path: Path, long_line: Path) -> None:
    found = []
    for size in (-0.7, 0.7):
        path = write_style(style(brows=size, brows_apart=size, nod=size), tmp_path / "their.style")
        clips = [write_motion(played(long_line, path, seed=k), tmp_path / f"{k}.npz") for k in range(2)]
        again = clone(clips, consent=CONSENT)
        assert again.secs > 10.0
        found.append(np.array(again.moves))
    more = found[1] - found[0]
    assert more[STYLE.index("brows")] > 0.5
    assert more[STYLE.index("nod")] > 0.3


def test_consent_is_needed_and_travels_into_the_mark(tmp_path: Path, long_line: Path) -> None:
    path = write_style(style(), tmp_path / "jane.style")
    motion = read_motion(write_motion(played(long_line, path), tmp_path / "line.npz"))
    assert facts_of(motion, Provenance()).consent == CONSENT
    assert facts_of(motion, Provenance(consent="Jane's voice")).consent == f"Jane's voice; {CONSENT}"
    for consent in ("", "  ", "x" * 2000):
        with pytest.raises(OptionError, match="say who agreed"):
            write_style(replace(style(), consent=consent), tmp_path / "other.style")
    assert not (tmp_path / "other.style").exists()


@pytest.mark.parametrize(
    "damage", [{"consent": ""}, {"moves": {}}, {"format": "x"}, {"secs": float("nan")}, {"moves": [1.0]}]
)
def test_a_damaged_style_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    path = write_style(style(), tmp_path / "jane.style")
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(OptionError, match="clone it again"):
        read_style(path)


def test_the_command_needs_words_of_consent_and_enough_seconds(tmp_path: Path, long_line: Path) -> None:
    clip = write_motion(played(long_line, None).part(0, 75), tmp_path / "short.npz")
    out = tmp_path / "jane.style"
    unsaid = CliRunner().invoke(cli, ["clone", str(clip), "-o", str(out)])
    assert "say who agreed" in str(unsaid.exception)
    short = CliRunner().invoke(cli, ["clone", str(clip), "--consent", CONSENT, "-o", str(out)])
    assert "at least 5 s" in str(short.exception)
    whole = CliRunner().invoke(cli, ["clone", *[str(clip)] * 3, "--consent", CONSENT, "-o", str(out)])
    assert whole.exit_code == 0, whole.output
    assert read_style(out).consent == CONSENT


def test_a_manner_does_not_hang_on_how_clips_are_cut() -> None:
    rng = np.random.default_rng(0)
    curve = np.cumsum(rng.standard_normal((800, 9)), axis=0)
    curve[:, 3:5] = 0.2 + 0.01 * rng.standard_normal((800, 2))
    whole, halves = manner_of([curve]), manner_of([curve[:400], curve[400:]])
    assert np.abs(whole - halves)[:6].max() < 0.3


def test_rules_have_no_style(tmp_path: Path, long_line: Path) -> None:
    with pytest.raises(OptionError, match="leave out the style"):
        Performance(long_line, animator="rules", moves_like=tmp_path / "jane.style")
