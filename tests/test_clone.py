"""How somebody moves is taken from clips of them, kept with their consent, and played."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from face_emote.audio.analyse import heard_recording
from face_emote.audio.examples import example_speech
from face_emote.cli.main import cli
from face_emote.core.errors import FaceEmoteWarning, OptionError
from face_emote.core.names import BILABIALS, CONTROLS, NUM_SHAPE
from face_emote.core.options import Performance
from face_emote.core.signed_arrays import read_signed, with_header, write_signed
from face_emote.core.types import FaceMotion, Speech
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.generation.layout import STYLE
from face_emote.generation.net import load_draw_net
from face_emote.generation.seen import FPS, from_rest, manner_of, seen_of_performance
from face_emote.generation.style_file import NUM_HABITS, MotionStyle, read_style, style_arrays
from face_emote.motion.lip_learning import SeenLips, learnt_lips
from face_emote.motion.mouth.lip_habits import beside_speech
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote.motion.mouth.net_lips import gate, spoken_secs, surely_speaking
from face_emote.network.low_rank import low_rank
from face_emote.network.runtime import load_motion_net
from face_emote.provenance.credential import Provenance, facts_of
from face_emote.provenance.verification import Status, verify
from face_emote.verbs.animate import perform
from face_emote.verbs.clone import clone, keep_style
from face_emote_lab.evaluation.lip_figures import CLOSED

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


def whole_style() -> MotionStyle:
    rng = np.random.default_rng(0)
    head = load_motion_net().lips.lip_head
    change = low_rank(
        rng.standard_normal(head.weight.shape), bias=np.zeros(len(head.bias)), of=load_motion_net().sha256
    )
    return replace(
        style(),
        habits=0.01 * rng.standard_normal((NUM_HABITS, 3)),
        rest={"mouthSmileLeft": 0.1},
        lips=change,
    )


def test_a_style_file_holds_what_was_written(tmp_path: Path) -> None:
    path = keep_style(whole_style(), tmp_path / "jane.style")
    again = read_style(path)
    assert (again.moves, again.secs, again.consent) == (style().moves, style().secs, CONSENT)
    for name, array in style_arrays(whole_style()).items():
        np.testing.assert_array_equal(style_arrays(again)[name], array)
    assert path.stat().st_size < 300_000
    assert keep_style(again, tmp_path / "again.style").read_bytes() == path.read_bytes()


def test_files_without_lips_and_without_a_signature_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "old.style"
    moves = dict(zip(STYLE, style().moves, strict=True))
    old = {"format": "face_emote.style/1", "version": "0.1.0", "moves": moves, "secs": 12.0, "consent": CONSENT}
    path.write_text(json.dumps(old))
    assert read_style(path).moves == style().moves
    assert verify(path).status is Status.UNMARKED


def test_a_style_is_signed_with_who_agreed(tmp_path: Path) -> None:
    path = keep_style(whole_style(), tmp_path / "jane.style")
    verdict = verify(path)
    assert verdict.status is Status.OWN
    assert verdict.facts is not None and verdict.facts.consent == CONSENT
    signed = read_signed(path)
    for forged in (replace(whole_style(), consent="everybody"), replace(whole_style(), habits=None)):
        write_signed(style_arrays(forged), path, certificate=signed.certificate, signature=signed.signature)
        assert verify(path).status is Status.CHANGED


def test_who_moves_more_is_played_so(tmp_path: Path, long_line: Path) -> None:
    calm, lively = (
        keep_style(style(brows=size, brows_apart=size, nod=size), tmp_path / f"{name}.style")
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
        path = keep_style(style(brows=size, brows_apart=size, nod=size), tmp_path / "their.style")
        clips = [write_motion(played(long_line, path, seed=k), tmp_path / f"{k}.npz") for k in range(2)]
        again = clone(clips, consent=CONSENT)
        assert again.secs > 10.0
        found.append(np.array(again.moves))
    more = found[1] - found[0]
    assert more[STYLE.index("brows")] > 0.5
    assert more[STYLE.index("nod")] > 0.3


def test_consent_is_needed_and_travels_into_the_mark(tmp_path: Path, long_line: Path) -> None:
    path = keep_style(style(), tmp_path / "jane.style")
    motion = read_motion(write_motion(played(long_line, path), tmp_path / "line.npz"))
    assert facts_of(motion, Provenance()).consent == CONSENT
    assert facts_of(motion, Provenance(consent="Jane's voice")).consent == f"Jane's voice; {CONSENT}"
    for consent in ("", "  ", "x" * 2000):
        with pytest.raises(OptionError, match="say who agreed"):
            keep_style(replace(style(), consent=consent), tmp_path / "other.style")
    assert not (tmp_path / "other.style").exists()


@pytest.mark.parametrize(
    "damage",
    [{"consent": ""}, {"moves": {}}, {"format": "x"}, {"secs": float("nan")}, {"moves": [1.0]}, {"of": {"lips": "x"}}],
)
def test_a_damaged_style_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    path = keep_style(style(), tmp_path / "jane.style")
    signed = read_signed(path)
    write_signed(with_header(signed.header | damage, signed.arrays), path, certificate=b"", signature=b"")
    with pytest.raises(OptionError, match="clone it again"):
        read_style(path)


@pytest.mark.parametrize("name", ["habits", "lips_down", "lips_up", "lips_bias"])
@pytest.mark.parametrize(
    "array", [np.zeros(5, np.float32), np.full((1, 1), np.nan, np.float32), np.zeros((0, 3), np.float32)]
)
def test_arrays_of_a_style_that_do_not_fit_are_refused(tmp_path: Path, name: str, array: np.ndarray) -> None:
    path = tmp_path / "jane.style"
    write_signed({**style_arrays(whole_style()), name: array}, path, certificate=b"", signature=b"")
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


def test_lips_of_a_style_are_learnt_and_played(tmp_path: Path, long_line: Path) -> None:
    """Who parts the lips before every word, and twice as far while talking, is heard out and played so."""
    plain = played(long_line, None)
    meter = lip_meter(load_head())
    analysis, mels = heard_recording(long_line)
    rows, times = list(mels), np.arange(plain.num_frames) / FPS
    aims = meter.of_motion(plain)
    kept = times < analysis.duration_secs
    spoken = spoken_secs(surely_speaking(analysis))
    before = beside_speech(spoken, times)[:, 2] * (1.0 - gate(spoken, times))
    theirs = aims.copy()
    for column in (0, 2):
        theirs[:, column] += aims[:, column] * gate(spoken, times) + 0.1 * before
    clips = [SeenLips(analysis, rows, times[kept], theirs[kept])]
    lips = learnt_lips(clips, load_motion_net())
    assert lips.update is not None and lips.habits is not None
    assert lips.habits[2, 0] > 0.04
    path = keep_style(replace(style(), habits=lips.habits, lips=lips.update), tmp_path / "their.style")
    gaps = [meter.of_motion(played(long_line, path, strength=strength))[:, 0] for strength in (0.0, 1.0)]
    off = [np.abs(gap - theirs[:, 0])[kept].mean() for gap in gaps]
    assert off[1] < 0.6 * off[0]
    for phone in analysis.phones:
        near = np.abs(times - 0.5 * (phone.start_secs + phone.end_secs)) < 0.08
        if phone.label in BILABIALS and gaps[0][near].min() < CLOSED:
            assert gaps[1][near].min() < CLOSED, f"{phone.label} at {phone.start_secs:.2f} s"


@pytest.mark.filterwarnings("ignore:No speech was found")
def test_a_crooked_smile_at_rest_is_cloned_and_played_as_strongly_as_asked(tmp_path: Path, long_line: Path) -> None:
    left, right = (CONTROLS.index(f"mouthSmile{side}") for side in ("Left", "Right"))
    crooked = keep_style(replace(style(), rest={"mouthSmileLeft": 0.09, "mouthSmileRight": 0.02}), tmp_path / "a.style")
    silent = Speech(np.zeros(16_000, np.float32), 16_000)
    apart = []
    for strength in (0.0, 1.0, 2.0):
        asked = Performance(silent, emotion="neutral", fps=FPS, moves_like=crooked, likeness=strength)
        face = perform(asked).whole().expression
        apart.append(float((face[:, left] - face[:, right]).mean()))
    assert apart[0] < 0.01 < 0.04 < apart[1] < 0.9 * apart[2]
    clip = write_motion(played(long_line, crooked), tmp_path / "clip.npz")
    again = clone([clip, clip], consent=CONSENT).rest
    assert again["mouthSmileLeft"] > again.get("mouthSmileRight", 0.0) + 0.02


def test_a_style_without_a_network_of_its_lips_says_so(tmp_path: Path, long_line: Path) -> None:
    path = keep_style(whole_style(), tmp_path / "jane.style")
    asked = Performance(long_line, emotion="neutral", model="fast", moves_like=path)
    with pytest.warns(FaceEmoteWarning, match="another network"):
        perform(asked)


def test_a_face_is_played_only_where_it_was_cloned_and_asked_for(tmp_path: Path, long_line: Path) -> None:
    betas = np.linspace(-1.0, 1.0, NUM_SHAPE)
    path = keep_style(replace(style(), betas=betas), tmp_path / "jane.style")
    asked = Performance(long_line, emotion="neutral", moves_like=path)
    assert not np.array_equal(perform(asked).motion.betas, betas.astype(np.float32))
    np.testing.assert_array_equal(perform(replace(asked, looks_like=True)).motion.betas, betas.astype(np.float32))
    own = perform(replace(asked, looks_like=True, character="elena")).motion
    np.testing.assert_array_equal(own.betas, np.asarray(character("elena").betas, np.float32))
    faceless = keep_style(style(), tmp_path / "faceless.style")
    with pytest.raises(OptionError, match="clone it with --identity"):
        perform(replace(asked, moves_like=faceless, looks_like=True))
    with pytest.raises(OptionError, match="name the style"):
        replace(asked, moves_like=None, looks_like=True)
