"""The main path: a recording and an emotion in words become a performance."""

import inspect
from dataclasses import fields, replace

import numpy as np
import pytest
from fabricated_flame import write_flame
from spoken import spoken

import face_emote as fe
from face_emote import animate as public_animate
from face_emote.audio.examples import example_speech
from face_emote.core.errors import AudioError, EmotionError, FaceEmoteError, OptionError
from face_emote.core.motion import MotionSource, joined_motion
from face_emote.core.names import CONTROLS
from face_emote.core.options import Performance, Picture
from face_emote.core.timing import frames_in
from face_emote.core.types import FRAME_ARRAYS, PerformanceStyle, Speech
from face_emote.face.bundled import load_head
from face_emote.face.rig import ControlPose, controls_from_pose
from face_emote.motion.layering import lip_gap, mouth_gauge
from face_emote.rigs.retarget import retargeted
from face_emote.verbs.animate import animate, perform

LINE = example_speech()[0]


def tone(secs: float) -> Speech:
    rng = np.random.default_rng(0)
    t = np.arange(int(secs * 16_000)) / 16_000
    buzz = np.sign(np.sin(2 * np.pi * 130 * t)) * (np.sin(2 * np.pi * 2 * t) > 0)
    return Speech((0.2 * buzz + 0.001 * rng.standard_normal(len(t))).astype(np.float32))


@pytest.fixture(scope="module")
def performed():
    return animate(LINE.path, emotion="joy tinged with guilt", transcript=LINE.transcript, fps=30.0)


def test_a_recording_becomes_a_performance(performed):
    head = load_head()
    assert performed.num_frames == frames_in(performed.info.speech_secs, fps=30.0)
    assert performed.info.basis == head.basis
    assert performed.info.speech_name == LINE.path.name
    assert len(performed.info.speech_sha256) == 64
    assert performed.info.emotion == "joy tinged with guilt"
    assert performed.info.animator.split()[0] == "net"
    assert performed.info.version == fe.__version__
    assert performed.character == "default"
    for name in FRAME_ARRAYS:
        assert np.all(np.isfinite(getattr(performed, name)))
    assert np.all(np.isfinite(head.vertices(performed.part(0, 10))))


def test_lips_close_on_every_bilabial_of_the_real_line(performed):
    take = perform(Performance(LINE.path, emotion="neutral", transcript=LINE.transcript))
    gauge = mouth_gauge(load_head().with_identity(performed.betas))
    pose = ControlPose(performed.expression, performed.jaw_pose, performed.eye_pose)
    gap = 1e3 * lip_gap(gauge, controls_from_pose(pose, control_joints=load_head().control_joints))
    times = np.arange(len(gap)) / 30.0
    wanted = [p for p in take.analysis.phones if p.label in ("P", "B", "M")]
    assert wanted
    closed = [gap[np.abs(times - p.centre_secs) <= 0.06].min() < 0.3 for p in wanted]
    assert np.mean(closed) >= 0.98


def test_blocks_give_the_bytes_of_the_whole(performed):
    record = Performance(LINE.path, emotion="joy tinged with guilt", transcript=LINE.transcript, fps=30.0)
    stream = perform(record).motion
    for _ in range(2):  # may be read as often as wanted
        blocks = list(stream.blocks(50))
        assert [b.num_frames for b in blocks[:-1]] == [50] * (len(blocks) - 1)
        for name in FRAME_ARRAYS:
            assert np.concatenate([getattr(b, name) for b in blocks]).tobytes() == getattr(performed, name).tobytes()


def test_a_stream_can_stand_wherever_a_motion_can():
    stream: MotionSource = perform(Performance(tone(1.0))).motion
    assert stream.num_frames == 30 and stream.fps == 30.0 and stream.character == "default"
    assert stream.betas.shape == (300,)
    assert next(iter(stream.blocks())).info == stream.info


def test_a_recording_in_memory_needs_no_file():
    motion = animate(tone(1.5), emotion="calm anger", fps=24.0, seed=3)
    assert motion.num_frames == 36
    assert motion.info.speech_name == "" and motion.info.seed == 3
    again = animate(tone(1.5), emotion="calm anger", fps=24.0, seed=3)
    assert motion.expression.tobytes() == again.expression.tobytes()
    assert motion.info == again.info


@pytest.mark.filterwarnings("ignore:No speech was found")
def test_digital_silence_keeps_the_lips_still():
    motion = animate(Speech(np.zeros(48_000, np.float32)), emotion="neutral")
    assert np.ptp(motion.jaw_pose[:, 0]) < 1e-4
    assert (
        np.ptp(motion.expression[:, [i for i, n in enumerate(CONTROLS) if n.startswith("mouth")]], axis=0).max() < 1e-3
    )


def test_another_character_has_another_head():
    names = [person.name for person in fe.characters()]
    other = next(name for name in names if name != "default")
    motion = animate(tone(1.0), character=other)
    assert motion.character == other
    assert motion.betas.any()


def test_progress_is_told_in_order_and_ends_complete():
    told: list[tuple[float, float, str]] = []
    animate(tone(2.0), progress=lambda *args: told.append(args))
    assert [what for _, _, what in told[:1]] == ["listening"] and told[-1][2] == "animating"
    made = [done for done, _, what in told if what == "animating"]
    assert made == sorted(made) and made[-1] == told[-1][1] == 60


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"fps": 0.0}, OptionError, "fps must be a number from 1 to 1000, got 0; usual are"),
        ({"seed": -1}, OptionError, "seed must be a whole number from 0"),
        ({"seed": 2**63}, OptionError, "seed must be a whole number"),
        ({"style": PerformanceStyle(head=float("nan"))}, OptionError, "head_motion must be a number from 0 to 4"),
        ({"style": PerformanceStyle(lips=100.0)}, OptionError, "lips must be a number from 0 to 4, got 100; 1 is"),
        ({"style": PerformanceStyle(asymmetry=0.5)}, OptionError, "asymmetry must be a number from 0 to 0.25"),
        (
            {"style": PerformanceStyle(blood="fast")},
            OptionError,
            "no blood 'fast'; choose one of: stage",
        ),
        ({"emotion": "joi"}, EmotionError, "joy"),
        ({"character": "nobodyy"}, FaceEmoteError, "nobodyy"),
    ],
)
def test_mistakes_are_told_before_the_work(options, error, says):
    with pytest.raises(error, match=says):
        perform(Performance(tone(0.5), **options))


def test_a_missing_recording_is_told_plainly(tmp_path):
    with pytest.raises(AudioError, match=r"no such speech file.*missing\.wav"):
        animate(tmp_path / "missing.wav")


def test_an_imported_head_plays_the_bundled_ones_performance(tmp_path):
    file = write_flame(tmp_path / "flame.npz")
    head = load_head(file)
    record = Performance(tone(0.5), emotion="joy", fps=12.0, animator="rules")
    shown = joined_motion(list(perform(replace(record, head=file)).motion.blocks()))
    assert shown.info.basis == head.basis != load_head().basis
    own = animate(tone(0.5), emotion="joy", fps=12.0, animator="rules")
    assert shown.expression.tobytes() == next(iter(retargeted(own, head).blocks())).expression.tobytes()
    again = animate(tone(0.5), emotion="joy", fps=12.0, animator="rules", head=head)
    assert shown.expression.tobytes() == again.expression.tobytes()


def test_intensity_is_what_the_grammar_means_by_it():
    half = animate(tone(0.5), emotion="joy", intensity=0.5, fps=12.0, animator="rules")
    written = animate(tone(0.5), emotion="joy:0.5", fps=12.0, animator="rules")
    assert np.allclose(half.expression, written.expression, atol=1e-6)
    assert np.allclose(half.neck_pose, written.neck_pose, atol=1e-6)
    with pytest.raises(EmotionError, match="intensity needs an emotion by name"):
        perform(Performance(tone(0.5), intensity=0.5))


VERBS = [(animate, Performance), (fe.render, Picture), (fe.contact_sheet, Picture)]


@pytest.mark.parametrize(("verb", "record"), VERBS)
def test_keywords_of_the_verbs_have_the_defaults_of_the_records(verb, record):
    known = {item.name: item.default for item in fields(record)}
    given = {name: item.default for name, item in inspect.signature(verb).parameters.items() if name in known}
    given.pop("size", None) if verb is fe.contact_sheet else None
    assert given.pop("speech", None) in (None, inspect.Parameter.empty)
    assert given == {name: known[name] for name in given} and len(given) > 5


def test_the_public_name_is_the_function():
    assert public_animate is animate
    assert fe.animate is animate


def test_made_up_speech_is_like_real_speech():
    """The fabricated analyses that other tests use have the order of size of a real one."""
    real = perform(Performance(LINE.path, transcript=LINE.transcript)).analysis
    fake = spoken(real.duration_secs)
    rate = lambda a: sum(p.label != "SIL" for p in a.phones) / a.duration_secs  # noqa: E731
    assert 0.5 < rate(fake) / rate(real) < 2.0
