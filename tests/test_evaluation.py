"""Measures of lips and faces on signals whose answers are known by hand, and the command that prints them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluated_takes import FPS, write_takes
from fabricated import lively_motion

from bench.performances import Judges, blinks, measure_faces
from bench.talkers import OTHERS, read_talkers, talkers_learnt_from, with_others_split
from face_emote.core.errors import FaceEmoteError
from face_emote.core.names import CONTROLS, OPEN_VOWELS
from face_emote.core.types import FRAME_ARRAYS, Phone
from face_emote.emotion.blending import at_intensity
from face_emote.emotion.grammar import describe
from face_emote.face.bundled import load_head
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote.motion.mouth.lip_rig import lip_rig
from face_emote.network.config import NetConfig, PathConfig
from face_emote.network.weights import weight_shapes
from face_emote.verbs.animate import perform as perform_speech
from face_emote_lab.evaluation.clips import Clip, ClipGroup, ClipSet, Lips, read_clips
from face_emote_lab.evaluation.evaluate import evaluate
from face_emote_lab.evaluation.lip_figures import measure_clip, measure_human, ruler, summed, talker_figures
from face_emote_lab.evaluation.report import lip_table, report_json
from face_emote_lab.evaluation.systems import Baseline, HeardClip, Network, Rules, baselines, true_controls
from face_emote_lab.evaluation.vertex_meter import vertex_meter
from face_emote_lab.train.checkpoint_file import write_checkpoint

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture
def folder(tmp_path, head):
    return write_takes(tmp_path / "takes", head)


@pytest.fixture(scope="module")
def by(head):
    return ruler(head)


class Copy:
    """A system that answers the truth itself."""

    name = "copy"

    def __init__(self, head, *, late_secs=0.0):
        self.rig, self.late_secs = lip_rig(head), late_secs

    def lips(self, heard, *, fps):
        return lambda times: true_controls(heard, heard.clip.lips, rig=self.rig, times=times - self.late_secs)


def test_the_meters_read_what_was_solved_for(head):
    meter, rig = lip_meter(head), lip_rig(head)
    lips = Lips(fps=FPS, gap=np.array([0.006, 0.08, 0.12]), rest_gap=0.006, width=np.zeros(3), jaw=np.full(3, 0.3))
    silent = HeardClip(Clip("a", "me", Path("none.wav"), (Phone("SIL", 0.0, 1.0),)))
    silent.__dict__["aligned"] = None
    controls = true_controls(silent, lips, rig=rig, times=lips.times)
    gap, width, jaw = meter.of_controls(controls).T
    assert np.allclose(gap[1:], lips.gap[1:], atol=0.004) and gap[0] < 0.01
    assert np.allclose(width[1:], 0.0, atol=0.01)
    assert np.allclose(jaw, 0.3, atol=1e-6)


def test_a_motion_is_measured_like_its_controls_and_of_another_model_refused(head):
    motion = lively_motion(head, 6)
    assert lip_meter(head).of_motion(motion).shape == (6, 3)
    other = replace(motion, info=replace(motion.info, basis="another"))
    with pytest.raises(FaceEmoteError, match="another"):
        lip_meter(head).of_motion(other)


def test_lips_and_upper_face_are_apart_on_the_mesh(head):
    meter = vertex_meter(head)
    assert 100 < meter.lips.sum() < 500
    assert meter.upper_face.sum() > 150
    assert not (meter.lips & meter.upper_face).any()
    brows = np.zeros((1, len(CONTROLS)))
    brows[0, CONTROLS.index("browInnerUp")] = 1.0
    moved = np.linalg.norm(meter.vertices(brows) - meter.vertices(np.zeros_like(brows)), axis=2)[0]
    assert moved[meter.upper_face].max() > 2.0 and moved[meter.lips].max() < 0.2


def test_a_perfect_copy_has_no_error(folder, head, by):
    for clip in read_clips(folder).clips:
        figures = measure_clip(HeardClip(clip), Copy(head), by=by)
        assert figures.lve_mm == 0.0 and figures.mve_mm == 0.0
        assert figures.correlation > 0.99 and figures.lag_ms == 0.0 and figures.mtm_ms == 0.0
        assert figures.mod_mm < 0.5
        assert (figures.bilabials, figures.closed) == (2, 2)
        assert (figures.open_vowels, figures.falsely_closed, figures.nearly_closed) == (2, 0, 0)
        assert figures.loud_gap == pytest.approx(figures.real_loud_gap, rel=0.1)


def test_a_late_copy_is_told_so(folder, head, by):
    clip = HeardClip(read_clips(folder).clips[0])
    figures = measure_clip(clip, Copy(head, late_secs=0.06), by=by)
    assert figures.lag_ms == pytest.approx(-60.0)
    assert figures.lve_mm > 0.5 and figures.mtm_ms > 20.0


def test_a_mouth_that_never_opens_closes_everywhere(folder, head, by):
    clips = [HeardClip(clip) for clip in read_clips(folder).clips]
    shut = [measure_clip(clip, Baseline("shut", by.rig, offset=0.0), by=by) for clip in clips]
    agape = [measure_clip(clip, Baseline("agape", by.rig, offset=0.1), by=by) for clip in clips]
    assert (summed("shut", shut).closure, summed("shut", shut).false_closure) == (1.0, 1.0)
    assert (summed("agape", agape).closure, summed("agape", agape).false_closure) == (0.0, 0.0)
    assert summed("agape", agape).loud_gap > 2.0 * summed("shut", shut).loud_gap
    constant = summed("shut", shut)
    assert constant.correlation is None and constant.lag_ms is None and constant.mtm_ms is None
    assert constant.silence_motion is None


def test_a_mouth_that_hardly_opens_at_a_vowel_is_told_by_its_own_range(folder, head, by):
    clip = HeardClip(read_clips(folder).clips[0])
    centres = np.array([phone.centre_secs for phone in clip.phones if phone.label in OPEN_VOWELS])

    class Mumbler:
        name = "mumbler"

        def lips(self, heard, *, fps):
            at_vowel = Baseline("vowel", by.rig, offset=0.04).lips(heard, fps=fps)
            wide = Baseline("wide", by.rig, offset=0.3).lips(heard, fps=fps)

            def sampler(times):
                near = np.abs(times[:, None] - centres).min(axis=1) < 0.08
                return np.where(near[:, None], at_vowel(times), wide(times))

            return sampler

    figures = measure_clip(clip, Mumbler(), by=by)
    assert (figures.falsely_closed, figures.nearly_closed) == (0, len(centres))


def test_the_human_is_measured_by_the_same_ruler(folder, by):
    human = measure_human(HeardClip(read_clips(folder).clips[0]), by=by)
    assert (human.bilabials, human.closed, human.falsely_closed) == (2, 2, 0)
    assert human.speech_velocity > 5.0 * human.silence_velocity


def test_talkers_count_alike_however_many_clips_they_have(folder, head, by):
    first, second = read_clips(folder).clips
    figures = [measure_clip(HeardClip(clip), Copy(head), by=by) for clip in (first, first, second)]
    mixed = [replace(f, talker=t, correlation=r) for f, t, r in zip(figures, "aab", (0.2, 0.4, 0.9), strict=True)]
    assert summed("x", mixed).correlation == pytest.approx(0.5)
    assert summed("x", mixed).correlation_by_talker == pytest.approx(0.6)
    assert [(row.talker, row.clips) for row in talker_figures(mixed)] == [("a", 2), ("b", 1)]


def test_the_energy_baseline_follows_the_loudness(folder, head, by):
    clips = tuple(HeardClip(clip) for clip in read_clips(folder).clips)
    energy, mean = baselines(head, fitting=clips)
    gaps = np.concatenate([clip.clip.lips.on_our_head for clip in clips])
    assert mean.offset == pytest.approx(gaps.mean())
    assert energy.slope > 0.0
    assert measure_clip(clips[0], energy, by=by).correlation > 0.6
    assert baselines(head, fitting=()) is None


def small_net(path: Path, *, card: str) -> Path:
    sizes = PathConfig(width=8, layers=1, heads=2, band=4, taps=3, growth=2)
    config = NetConfig(lips=sizes, expression=sizes, condition_width=8, lips_see_emotion=True)
    rng = np.random.default_rng(0)
    weights = {name: 0.3 * rng.standard_normal(shape) for name, shape in weight_shapes(config).items()}
    weights["x0"] = np.full(40, -9.0)
    write_checkpoint(path, weights, config=config, card=card)
    return path


def test_a_network_is_measured_and_its_card_says_who_is_new_to_it(tmp_path, folder, head, by):
    model = small_net(
        tmp_path / "small.safetensors", card="a net\nlearnt from: grid_s1, grid_talkers\nheld out: s4, s10"
    )
    clip = HeardClip(read_clips(folder).clips[0])
    system = Network(head, model=model, known_words=True)
    figures = measure_clip(clip, system, by=by)
    assert figures.correlation is not None and -1.0 <= figures.correlation <= 1.0
    talkers = frozenset({"s4", "s10", "s31"})
    assert talkers_learnt_from(system, talkers) == {"s31"}
    assert talkers_learnt_from(Rules(head, known_words=True), talkers) == frozenset()
    silent_card = small_net(tmp_path / "other.safetensors", card="nothing is known")
    assert talkers_learnt_from(Network(head, model=silent_card, known_words=False), talkers) is None
    groups = (ClipGroup(OTHERS, tuple(replace(clip.clip, talker=name) for name in ("s4", "s31", "s10"))),)
    split = with_others_split(groups, learnt=frozenset({"s31"}))
    assert [(group.name, [c.talker for c in group.clips]) for group in split] == [
        ("unseen talkers", ["s4", "s10"]),
        ("talkers it learnt from", ["s31"]),
    ]


def test_blinks_are_counted_once_each(head):
    motion = lively_motion(head, 40)
    motion.expression[:] = 0.0
    lids = [CONTROLS.index("eyeBlinkLeft"), CONTROLS.index("eyeBlinkRight")]
    for first in (3, 20, 38):
        motion.expression[first : first + 2, lids] = 0.9
    motion.expression[30, lids[0]] = 1.0
    assert blinks(motion) == 3


def test_an_emotion_is_asked_for_at_part_of_its_strength():
    plan = describe("joy+anger")
    half = at_intensity(plan, 0.5).keys[0].emotion
    assert half.intensity == pytest.approx(0.5 * plan.keys[0].emotion.intensity)
    assert np.allclose(half.mix, plan.keys[0].emotion.mix)


class Slow:
    """A judge that always hears the same."""

    emotions = ("neutral", "joy")

    def offset_and_confidence(self, log_mels, lips):
        assert log_mels.shape[1] == 40 and lips.shape[1] == 3 and lips[:, 0].min() >= 0.0
        assert abs(len(log_mels) - 2 * len(lips)) <= 2
        return 40.0, 2.5

    def classify(self, motion):
        return "joy" if motion.expression[:, CONTROLS.index("mouthSmileLeft")].mean() > 0.05 else "neutral"


def test_a_judge_of_sync_is_asked(folder, head):
    clips = read_clips(folder)
    report, pairs = evaluate(clips, Copy(head), head=head, data="takes", sync=Slow())
    by_name = {system.system: system for system in report.groups[0].systems}
    assert list(by_name) == ["copy", "rules, aligned", "rules, heard", "energy to jaw", "mean face", "human"]
    assert by_name["copy"].sync_offset_ms == by_name["human"].sync_offset_ms == 40.0
    assert by_name["copy"].lve_mm == 0.0 < by_name["rules, heard"].lve_mm < by_name["mean face"].lve_mm
    assert by_name["copy"].realtime_factor > 0.0
    assert {pair.clip for pair in pairs} == {"takes one", "takes two"}
    read_back = json.loads(report_json(report))
    assert read_back["groups"][0]["systems"][0]["closure"] == 1.0
    assert lip_table(report.groups[0])[0][1] == "copy"


def played_by_hand(head, speech, *, emotion, seed):
    """A smile for joy, half a frown for anger, nothing else; the seed turns the head; a blink a second."""
    frames = round(speech.duration_secs * 10.0)
    motion = lively_motion(head, frames)
    for name in FRAME_ARRAYS:
        getattr(motion, name)[:] = 0.0
    felt = emotion.keys[0].emotion
    smile, frown = felt.mix[1] * felt.intensity, felt.mix[6] * felt.intensity
    motion.expression[:, CONTROLS.index("mouthSmileLeft")] = smile
    motion.expression[:, CONTROLS.index("browDownLeft")] = 0.5 * frown
    motion.expression[::10, [CONTROLS.index("eyeBlinkLeft"), CONTROLS.index("eyeBlinkRight")]] = 1.0
    motion.jaw_pose[:, 0] = 0.1 + 0.1 * np.sin(np.arange(frames))
    motion.neck_pose[:, 1] = np.radians(3.0) * seed
    return replace(motion, fps=10.0)


def test_whole_performances_are_measured(folder, head):
    def perform(performance):
        emotion = at_intensity(describe(performance.emotion), performance.intensity)
        return played_by_hand(head, performance.speech, emotion=emotion, seed=performance.seed)

    clips = [HeardClip(clip) for clip in read_clips(folder).clips]
    figures = measure_faces(clips, perform, head=head, vertices=vertex_meter(head), judges=Judges(emotions=Slow()))
    rows = {row.emotion: row for row in figures.emotions}
    assert figures.seconds == pytest.approx(4.0)
    assert figures.blinks_per_minute == pytest.approx(60.0)
    assert rows["joy"].expression == pytest.approx(1.0) and rows["anger"].expression == pytest.approx(0.5)
    assert rows["joy"].monotonicity == pytest.approx(1.0) and rows["fear"].monotonicity is None
    assert figures.accuracy_8 == pytest.approx((1 + 3) / 22), "neutral and joy are the two that this judge knows"
    assert figures.accuracy_compounds is None and figures.fdd_mm is None
    assert figures.lip_diversity == 0.0 and figures.brow_diversity == 0.0
    assert figures.head_diversity_degrees == pytest.approx(3.0 * np.sqrt(2.0) / 3.0)
    assert rows["fear"].lip_change == 0.0 and rows["anger"].lip_change < 0.01


@pytest.mark.slow
def test_performances_of_the_rules_feel_what_they_are_told(folder, head):
    def perform(performance):
        return perform_speech(replace(performance, fps=25.0, animator="rules")).whole()

    clips = [HeardClip(clip) for clip in read_clips(folder).clips]
    figures = measure_faces(clips, perform, head=head, vertices=vertex_meter(head))
    assert all(row.monotonicity > 0.9 for row in figures.emotions)
    assert figures.lip_diversity < 1e-6 < figures.head_diversity_degrees


def test_the_command_prints_a_table_and_writes_figures_and_pictures(run, folder, tmp_path):
    pytest.importorskip("matplotlib", reason="plots need matplotlib: pip install 'face-emote[train]'")
    target, plots = tmp_path / "figures.json", tmp_path / "plots"
    words = ["--animator", "rules", "--transcripts", "--json", str(target), "--plots", str(plots)]
    code, out, err = run("evaluate", str(folder), *words)
    assert (code, err) == (0, "")
    assert re.search(r"gap correlation +1\.000", out) or re.search(r"gap correlation +0\.99", out)
    assert re.search(r"closes on P B M +100\.0%", out)
    report = json.loads(target.read_text())
    assert report["animator"] == "rules, aligned"
    assert [path.name for path in sorted(plots.iterdir())] == ["gap-1.png", "measures-1.png"]
    assert (plots / "gap-1.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent"], "There is no such folder of clips; check its name: absent"),
        (
            ["takes", "--animator", "rules", "--checkpoint", "a.safetensors"],
            "--model names a network, and --animator rules uses none; leave one of them out",
        ),
        (["takes", "--json", "absent/f.json"], "The output's folder does not exist; create it or choose another: "),
    ],
)
def test_mistakes_are_told_in_one_line(run, folder, monkeypatch, words, message):
    monkeypatch.chdir(folder.parent)
    code, out, err = run("evaluate", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"face-emote: {message}") and err.count("\n") == 1


@pytest.mark.skipif(not (DATA / "grid_talkers").is_dir(), reason="tracked real lips are not here (../shared/data)")
def test_real_lips_are_followed_better_by_rules_than_by_loudness(head):
    clips = read_talkers(DATA, talkers=("s30", "s31"), limit=2)
    assert [group.name for group in clips.groups] == ["other talkers"] and len(clips.clips) == 4
    small = ClipSet((ClipGroup("two talkers", clips.clips),), clips.fitting[:6], clips.fitting_note)
    report, _ = evaluate(small, Rules(head, known_words=True), head=head, data="grid")
    by_name = {system.system: system for system in report.groups[0].systems}
    ours, energy, mean, human = (by_name[n] for n in ("rules, aligned", "energy to jaw", "mean face", "human"))
    assert ours.correlation > 0.7 > energy.correlation
    assert ours.closure == 1.0 and human.closure > 0.8
    assert ours.lve_mm < energy.lve_mm < mean.lve_mm < 8.0
    assert ours.mtm_ms < 80.0
