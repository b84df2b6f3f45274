"""A recorded body plays the face: files are read by stated rules, and heart, sweat and breath show as they should."""

import importlib.util
import tracemalloc

import numpy as np
import pytest

import face_emote as fe
from face_emote.body.recording import read_recording
from face_emote.body.signals import signals_of
from face_emote.core.body import BODY_HZ, MEASURES, BodySignals
from face_emote.core.errors import DependencyError, FaceEmoteWarning, HeartError
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, MOTION_HZ
from face_emote.core.options import Performance
from face_emote.core.types import FaceMotion, MotionInfo, PerformanceStyle, Speech
from face_emote.face.characters import character
from face_emote.face.eyeball import MOST_WIDENED, eye_frame
from face_emote.formats.mesh.targets import morph_targets
from face_emote.motion.feeling.blood import PULSE, beat_shape, pulse_of, rested_blood
from face_emote.motion.feeling.body import body_bearing
from face_emote.rendering.base import Pose
from face_emote.rendering.engines import make_renderer
from face_emote.rendering.scene import make_scene
from face_emote.verbs.animate import perform

CHEEK, PUPIL = BLOOD_REGIONS.index("cheek_left"), CONTROLS.index("pupilDilate")
needs_neurokit = pytest.mark.skipif(not importlib.util.find_spec("neurokit2"), reason="needs NeuroKit2")
needs_pyedflib = pytest.mark.skipif(not importlib.util.find_spec("pyedflib"), reason="needs pyedflib")


def written(folder, text: str, name: str = "heart.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder, text: str, *, secs: float = 10.0) -> BodySignals:
    return signals_of(read_recording(written(folder, text)), duration_secs=secs)


def rates(*rows, heading: str = "time (s),hr (bpm)") -> str:
    return "\n".join([heading, *(",".join(f"{value:.12g}" for value in row) for row in rows)])


def bpm_of(body: BodySignals) -> float:
    return float(60.0 / np.diff(body.beats).mean())


@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        (rates(*((t, 72) for t in range(11))), 72),
        (rates(*((t, 1.2) for t in range(11)), heading="Time,Heart Rate [Hz]"), 72),
        (rates(*((1000 * t, 90) for t in range(11)), heading="time_ms,ECG_Rate"), 90),
        (rates(*((0.8 * t, 800) for t in range(14)), heading="t,RR_ms"), 75),
        (rates(*((0.8 * t, 0.8) for t in range(14)), heading="t,ibi (s)"), 75),
        (rates(*((0.8 * t, 800) for t in range(14)), heading="t,rri"), 75),
        ("\n".join(["750"] * 14), 80),
        ("# of a watch\ntime;hr\n" + "\n".join(f"{t},0;66,0" for t in range(11)), 66),
        ("Time\tPulse Rate\n" + "\n".join(f"12:30:{t:02d}\t84" for t in range(11)), 84),
        (rates(*((1.7e9 + t, 84) for t in range(11))), 84),
        (rates(*((t, 1000 * 60 / 96) for t in range(11)), heading="time,rr (ms)"), 96),
    ],
)  # fmt: skip
def test_a_heart_is_read_whatever_its_columns_and_units_are_called(tmp_path, text, bpm):
    body = read(tmp_path, text)
    assert abs(bpm_of(body) - bpm) < 1.0
    assert abs(float(body.levels[:, 0].mean()) - bpm) < 1.0
    assert not body.remarks


@pytest.mark.parametrize(
    ("text", "story"),
    [
        ("", "it is empty"),
        ("time,hr", "it has headings and no rows"),
        ("time,mood\n0,1\n1,2\n2,3", "none of its columns is called heart rate"),
        ("0,70\n1,71\n2,72", "its columns have no names"),
        (rates(*((t, 0) for t in range(9))), r"'hr \(bpm\)' holds 0 usable values from 20 to 250 bpm"),
        (rates(*((t, -70) for t in range(9))), "holds 0 usable values"),
        (rates((0, 70), (1, 71)), "holds 2 usable values"),
        ("time,hr\n" + "\n".join(f"{t},fast" for t in range(9)), "holds 0 usable values"),
        ("time,hr\n" + "\n".join(f"{t},nan" for t in range(9)), "holds 0 usable values"),
        (rates(*((t, 0.9) for t in range(9)), heading="time,hr"), "its median is 0.9. Say the unit"),
        (rates(*((t, 800) for t in range(9)), heading="time,hr"), "its median is 800. Say the unit"),
        (rates(*((t, 70) for t in range(9)), heading="time,hr (kg)"), r"the unit of 'hr \(kg\)' is not known"),
        (rates(*((t, 70) for t in range(9)), heading="time (kg),hr"), "times come in s, ms or min"),
        (rates(*((t, 4000) for t in range(9)), heading="time,eda"), "holds 0 usable values from 0.01 to 100 us"),
        ("hr\n70\n71\n72\n", "has no times beside it"),
        (rates(*((100000 * t, 70) for t in range(9))), "it lasts longer than a day; say the unit of its times"),
        (rates(*((0, 70) for _ in range(9))), "holds 1 instants"),
        (rates(*((t, 5) for t in range(9)), heading="time,alpha"), "EEG powers count as beta against alpha"),
    ],
)  # fmt: skip
def test_what_is_no_heart_is_a_mistake_that_says_why(tmp_path, text, story):
    with pytest.raises(HeartError, match=story) as fault:
        read(tmp_path, text)
    assert str(fault.value).endswith("heart.csv")


def test_bad_rows_are_left_out_in_one_line_and_gaps_are_bridged(tmp_path):
    rows = [f"{t},{70 if t % 5 else 'x'}" for t in range(12)] + [f"{t},90" for t in range(30, 40)]
    body = read(tmp_path, "time,hr\n" + "\n".join(rows), secs=40.0)
    assert body.remarks == (
        "3 of 22 values of 'hr' are no numbers from 20 to 250 bpm and left out: heart.csv",
        "'hr' has a gap of 19.0 s at 11.0 s, which is bridged: heart.csv",
    )
    middle = body.level("heart_bpm", np.array([20.5]))
    assert middle is not None and abs(middle[0] - 80.0) < 2.0


def test_rows_out_of_order_are_sorted_and_the_first_of_an_instant_counts(tmp_path):
    body = read(tmp_path, rates((2, 80), (0, 60), (1, 70), (3, 90), (3, 240), (10, 90)))
    assert "are not in order of time and were sorted" in body.remarks[0]
    level = body.level("heart_bpm", np.array([0.0, 10.0]))
    assert level is not None and level[0] < 75.0 and level[1] > 85.0


def test_a_file_shorter_than_the_sound_holds_its_ends_and_says_so(tmp_path):
    body = read(tmp_path, rates(*((t, 100) for t in range(5))), secs=30.0)
    assert "its ends hold where it has nothing" in body.remarks[0]
    phase = body.heartbeats(np.arange(0.0, 30.0, 0.02))
    assert np.all(np.diff(phase) > 0.0)
    assert abs(60.0 * (phase[-1] - phase[0]) / 29.98 - 100.0) < 1.0


def test_a_missed_beat_is_put_in_and_a_false_one_taken_out(tmp_path):
    beats = [0.8 * t for t in range(1, 30) if t not in (10, 11)] + [12.1]
    times = np.array(sorted(beats))
    text = rates(*zip(times[1:], np.clip(np.diff(times), 0.25, 3.0), strict=True), heading="time,rr")
    body = read(tmp_path, text, secs=24.0)
    assert np.abs(np.diff(body.beats) - 0.8).max() < 0.05


def test_variability_is_that_of_the_intervals(tmp_path):
    rng = np.random.default_rng(3)
    intervals = 0.8 + 0.04 * rng.standard_normal(60)
    body = read(tmp_path, rates(*zip(np.cumsum(intervals), intervals, strict=True), heading="time,rr"), secs=40.0)
    own = float(np.sqrt(np.mean(np.diff(intervals) ** 2)))
    level = body.level("rmssd_secs", np.array([20.0]))
    assert level is not None and abs(level[0] - own) < 0.25 * own
    assert read(tmp_path, rates(*((t, 70) for t in range(11)))).level("rmssd_secs", np.zeros(1)) is None


@pytest.mark.parametrize(("heading", "factor"), [("EDA (µS)", 1.0), ("gsr_nS", 1000.0), ("Skin Conductance [uS]", 1.0)])
def test_sweat_is_read_in_its_unit_and_its_responses_stand_out(tmp_path, heading, factor):
    secs = np.arange(0.0, 40.0, 0.25)
    level = 5.0 + 0.6 * np.exp(-0.5 * ((secs - 20.0) / 1.5) ** 2)
    body = read(tmp_path, rates(*zip(secs, factor * level, strict=True), heading=f"time,{heading}"), secs=40.0)
    phasic = body.level("phasic_us", np.array([5.0, 20.0]))
    assert phasic is not None and phasic[0] < 0.1 and phasic[1] > 0.4


def test_resistance_is_read_as_conductance(tmp_path):
    body = read(tmp_path, rates(*((t, 200) for t in range(11)), heading="time,gsr (kOhm)"))
    assert np.allclose(body.levels[:, MEASURES.index("conductance_us")], 5.0)


def steady(*, bpm: float = 68.0, phasic: float = np.nan, secs: float = 60.0, **levels: float) -> BodySignals:
    rows = np.full((int(secs * BODY_HZ) + 1, len(MEASURES)), np.nan)
    for name, value in {"heart_bpm": bpm, "phasic_us": phasic, **levels}.items():
        rows[:, MEASURES.index(name)] = value
    return BodySignals(np.arange(0.0, secs, 60.0 / bpm), rows)


def test_a_racing_heart_arouses_flushes_and_trembles_and_a_cold_sweat_pales():
    times = np.arange(3.0)
    calm, racing = body_bearing(steady(), times), body_bearing(steady(bpm=110.0), times)
    sweat = body_bearing(steady(phasic=0.5), times)
    assert np.all(calm.arousal == 0.0) and np.all(calm.flush == 0.0) and np.all(calm.tremor == 0.0)
    assert np.all(racing.arousal > 0.5) and np.all(racing.flush > 0.4) and np.all(racing.tremor > 0.5)
    assert np.all(racing.blinks > 1.2) and np.all(racing.breath > 1.2)
    assert np.all(sweat.pallor > 0.5) and np.all(sweat.pupil > 0.4) and np.all(sweat.flush == 0.0)
    relaxed = body_bearing(steady(bpm=60.0, rmssd_secs=0.08), times)
    assert np.all(relaxed.arousal < -0.1)
    assert np.allclose(body_bearing(steady(breath_bpm=30.0), times).breath, 2.0)


def test_a_beat_has_a_foot_a_steep_rise_and_a_dicrotic_wave():
    phase = np.arange(1000) / 1000.0
    shape = beat_shape(phase)
    assert abs(shape.mean()) < 1e-3 and np.ptp(shape) == pytest.approx(1.0, abs=1e-3)
    top = int(shape.argmax())
    assert shape.argmin() in (*range(5), *range(995, 1000)) and 100 < top < 300
    slopes = np.sign(np.diff(shape[top:]))
    turns = np.flatnonzero(np.diff(slopes) != 0) + top
    assert len(turns) >= 2, "no notch and no second wave"
    assert 1.01 < np.exp(PULSE * 0.8) < 1.02


def test_a_made_up_heart_breathes_when_calm_and_hardly_when_excited():
    times = np.arange(6000) / MOTION_HZ
    inhaled = 0.38 + 0.18 * np.sin(2.0 * np.pi * 0.25 * times)

    def spread(arousal: float) -> float:
        state = rested_blood("physiological", step_hz=MOTION_HZ)
        wave, _ = pulse_of(np.full(6000, arousal), state, preset="physiological", step_hz=MOTION_HZ, inhaled=inhaled)
        feet = np.flatnonzero((wave[1:-1] < wave[:-2]) & (wave[1:-1] <= wave[2:]) & (wave[1:-1] < -0.18 * PULSE))
        return float(np.ptp(60.0 / np.convolve(np.diff(times[feet]), [1 / 3] * 3, "valid")))

    assert spread(0.0) > 1.5 > spread(0.9)


@pytest.fixture(scope="module")
def sound() -> Speech:
    rng = np.random.default_rng(0)
    return Speech((0.001 * rng.standard_normal(16_000 * 12)).astype(np.float32))


def played(sound: Speech, path, *, blood: str = "physiological"):
    with pytest.warns(FaceEmoteWarning):
        return fe.animate(sound, emotion="neutral", animator="rules", style=PerformanceStyle(blood=blood), heart=path)


def test_the_blood_of_a_face_beats_with_the_file(sound, tmp_path):
    path = written(tmp_path, rates(*((t, 90) for t in range(13))))
    for blood in ("physiological", "stage"):
        motion = played(sound, path, blood=blood)
        flow = motion.blood_flow[:, CHEEK] - np.convolve(motion.blood_flow[:, CHEEK], np.ones(41) / 41, "same")
        inside = flow[40:-40]
        power = np.abs(np.fft.rfft(inside * np.hanning(len(inside)), 4096)) ** 2
        assert abs(60.0 * np.fft.rfftfreq(4096, 1.0 / motion.fps)[power.argmax()] - 90.0) < 2.0
        assert 0.5 * PULSE < np.ptp(inside) < 2.0 * PULSE
    assert not np.ptp(played(sound, path, blood="off").blood_flow)


def test_sweat_widens_the_pupils_and_nothing_does_without_it(sound, tmp_path):
    secs = np.arange(0.0, 12.0, 0.25)
    level = 5.0 + 0.9 * (1.0 / (1.0 + np.exp(-(secs - 6.0) / 0.3)))
    startled = played(sound, written(tmp_path, rates(*zip(secs, level, strict=True), heading="time,eda")))
    pupil = startled.expression[:, PUPIL]
    assert pupil[30] < 0.2 and pupil[240] > 0.3 and np.abs(np.diff(pupil)).max() < 0.1
    with pytest.warns(FaceEmoteWarning):
        still = fe.animate(sound, emotion="neutral", animator="rules")
        fear = fe.animate(sound, emotion="fear", animator="rules")
    assert not still.expression[:, PUPIL].any() and fear.expression[100:, PUPIL].min() > 0.2


@pytest.mark.parametrize("engine", ["fast", "differentiable", "gl"])
def test_wide_pupils_are_wider_in_every_engine(engine):
    if engine == "differentiable":
        pytest.importorskip("torch")
    if engine == "gl":
        pytest.importorskip("moderngl")
    head, person = fe.load_head(), character("default")
    scene = make_scene(camera="eyes", light="studio", width=256, height=128)
    try:
        renderer = make_renderer(engine, head, betas=person.betas, skin=person.skin, scene=scene, samples=None)
    except DependencyError as fault:
        pytest.skip(str(fault))
    rest = head.with_identity(person.betas).template.astype(np.float32)
    still = (np.zeros(16, np.float32), np.zeros(8, np.float32))
    narrow, wide = (renderer.render(Pose(rest, *still, pupil)).astype(float) for pupil in (0.0, 1.0))
    changed = np.abs(wide - narrow).max(axis=2) > 12.0
    assert 4 < changed.sum() < 200
    assert wide[changed].mean() < narrow[changed].mean() - 15.0


def test_the_picture_of_cycles_eyes_has_the_pupil_of_the_frame():
    pytest.importorskip("numba")
    from face_emote.rendering.cycles.engine import posed
    from face_emote.rendering.cycles.job import prepare

    person, head = character("default"), fe.load_head()
    scene = make_scene(camera="eyes", light="studio", width=64, height=64)
    prepared = prepare(head, betas=person.betas, skin=person.skin, scene=scene, samples=1)
    still = (np.zeros(16, np.float32), np.zeros(8, np.float32))
    maps = [posed(prepared, Pose(head.template, *still, pupil)).eye_map for pupil in (0.0, 1.0)]
    radii = [np.sqrt((eye.max(axis=2) < 0.01).sum() / np.pi) for eye in maps]
    assert radii[1] == pytest.approx(MOST_WIDENED * radii[0], rel=0.06)


def test_a_file_of_shapes_widens_the_painted_pupils(tmp_path):
    head = fe.load_head()
    assert head.layout is not None
    still = np.zeros((3, 100), np.float32)
    still[:, PUPIL] = (0.0, 0.5, 1.0)
    rest = np.zeros((3, 3), np.float32)
    motion = FaceMotion(
        still, rest, rest, np.zeros((3, 2, 3), np.float32), rest, rest, np.zeros((3, 16), np.float32),
        np.zeros((3, 8), np.float32), 30.0, MotionInfo(head.basis),
    )  # fmt: skip
    targets = morph_targets(motion, head)
    names = [target.name for target in targets.targets]
    assert np.allclose(targets.weights(motion)[:, names.index("pupilDilate")], (0.0, 0.5, 1.0))
    moved = head.vertices(motion)
    for side, part in enumerate(("eyeL", "eyeR")):
        index = head.layout.vertices_of(part)
        middle = 0.5 * (head.template[index].min(axis=0) + head.template[index].max(axis=0))
        before, after = ((moved[frame, index] - middle) @ eye_frame(side) for frame in (0, 2))
        angles = [np.arctan2(np.hypot(*place.T[:2]), place[:, 2]) for place in (before, after)]
        ring = angles[0] < 0.3
        assert ring.sum() == 8 and np.allclose(angles[1][ring], MOST_WIDENED * angles[0][ring], rtol=0.02)
        assert np.allclose(np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1), atol=2e-5)
    others = np.setdiff1d(
        np.arange(head.num_vertices), [*head.layout.vertices_of("eyeL"), *head.layout.vertices_of("eyeR")]
    )
    assert np.abs(moved[2, others] - moved[0, others]).max() < 1e-6


def test_the_same_file_gives_the_same_bytes_whole_or_in_blocks(sound, tmp_path):
    path = written(tmp_path, rates(*((t, 70 + 3 * t) for t in range(13))))
    performance = Performance(sound, emotion="joy", animator="rules", heart=path)
    with pytest.warns(FaceEmoteWarning):
        take = perform(performance)
        again = perform(performance).whole()
    blocks = list(take.motion.blocks(37))
    for name in again.row_names:
        whole = np.concatenate([getattr(block, name) for block in blocks])
        assert whole.tobytes() == getattr(again, name).tobytes(), name


def test_ten_minutes_of_a_heart_need_no_more_memory_than_one(tmp_path):
    def peak(minutes: int) -> float:
        rng = np.random.default_rng(1)
        intervals = 0.8 + 0.03 * rng.standard_normal(75 * minutes)
        text = rates(*zip(np.cumsum(intervals), intervals, strict=True), heading="time,rr")
        body = signals_of(read_recording(written(tmp_path, text)), duration_secs=60.0 * minutes)
        tracemalloc.start()
        for first in range(0, int(60 * minutes * MOTION_HZ), 512):
            times = (first + np.arange(512)) / MOTION_HZ
            body_bearing(body, times)
            body.heartbeats(times)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(10) < peak(1) + 300_000


@needs_neurokit
@pytest.mark.parametrize("kind", ["ecg", "ppg"])
def test_raw_signals_give_the_heart_that_made_them(tmp_path, kind):
    import neurokit2

    make = {"ecg": neurokit2.ecg_simulate, "ppg": neurokit2.ppg_simulate}[kind]
    signal = make(duration=30, sampling_rate=200, heart_rate=84, random_state=1)
    text = rates(*zip(np.arange(len(signal)) / 200.0, signal, strict=True), heading=f"time,{kind.upper()} (mV)")
    assert abs(bpm_of(read(tmp_path, text, secs=30.0)) - 84.0) < 2.0


@needs_neurokit
def test_a_chest_that_breathes_twenty_times_a_minute_is_heard(tmp_path):
    secs = np.arange(0.0, 40.0, 0.04)
    wave = np.sin(2.0 * np.pi * secs / 3.0)
    level = read(tmp_path, rates(*zip(secs, wave, strict=True), heading="time,RSP"), secs=40.0).level(
        "breath_bpm", np.array([20.0])
    )
    assert level is not None and abs(level[0] - 20.0) < 1.0


@pytest.mark.parametrize("values", [np.zeros(1000), np.linspace(0.0, 1.0, 40)])
def test_a_flat_or_coarse_raw_signal_is_a_mistake(tmp_path, values):
    secs = np.linspace(0.0, 10.0, len(values))
    with pytest.raises(HeartError, match=r"is flat|it takes 50 a second"):
        read(tmp_path, rates(*zip(secs, values, strict=True), heading="time,ecg"))


@needs_pyedflib
def test_edf_is_read_by_its_labels(tmp_path):
    import pyedflib

    path = tmp_path / "night.edf"
    with pyedflib.EdfWriter(str(path), 1) as file:
        file.setSignalHeader(0, {"label": "Heart Rate", "dimension": "bpm", "sample_frequency": 1,
                                 "physical_min": 0.0, "physical_max": 250.0, "digital_min": -32768,
                                 "digital_max": 32767, "transducer": "", "prefilter": ""})  # fmt: skip
        file.writeSamples([np.full(20, 78.0)])
    assert abs(bpm_of(signals_of(read_recording(path), duration_secs=20.0)) - 78.0) < 1.0
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(HeartError, match="night"):
        read_recording(path)
