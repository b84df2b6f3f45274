import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech_scores import babble, spoken

from face_emote.core.arrays import Array
from face_emote.core.errors import OptionError
from face_emote.core.names import BILABIALS, CONTROLS, LABIODENTALS
from face_emote.core.types import PerformanceStyle, Phone, SpeechAnalysis
from face_emote.face.bundled import load_head
from face_emote.face.head import Head
from face_emote.face.rig import pose_from_controls
from face_emote.motion.mouth.lip_contacts import HOLD_SECS, phone_contacts, strength
from face_emote.motion.mouth.lip_rig import lip_edges
from face_emote.motion.mouth.lips import LipMotion, lip_score
from face_emote.motion.mouth.visemes import merged

STYLE = PerformanceStyle()
JAW, CLOSE = CONTROLS.index("jawOpen"), CONTROLS.index("mouthClose")
PUCKER = CONTROLS.index("mouthPucker")
SENTENCE = "SIL DH AH K W IH K B R AW N F AA K S JH AH M P S OW V ER DH AH L EY Z IY D AO G SIL"


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def times_of(analysis: SpeechAnalysis, *, fps: float) -> Array:
    return np.arange(int(np.ceil(analysis.duration_secs * fps))) / fps


def animated(analysis: SpeechAnalysis, *, head: Head, fps: float = 60.0, style: PerformanceStyle = STYLE) -> LipMotion:
    return lip_score(analysis, head=head, style=style, fps=fps).sample(times_of(analysis, fps=fps))


def lip_points(head: Head, controls: Array) -> tuple[Array, Array]:
    """Posed inner edges of the upper and lower lip, metres, the seal included."""
    edges = lip_edges(head)
    pose = pose_from_controls(controls.astype(np.float32), control_joints=head.control_joints)
    part = head.restricted_to(np.concatenate([edges.upper, edges.lower]))
    points = part.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)
    return points[:, : len(edges.upper)], points[:, len(edges.upper) :]


def gaps_mm(head: Head, controls: Array, *, reach: float = 0.8) -> Array:
    """Height between the edges, [frames, 17] along the inner `reach` of the mouth; negative where pressed."""
    upper, lower = lip_points(head, controls)
    half = 0.5 * (upper[:, -1, 0] - upper[:, 0, 0])
    out = np.empty((len(controls), 17))
    for i in range(len(controls)):
        x = 0.5 * (upper[i, 0, 0] + upper[i, -1, 0]) + np.linspace(-reach, reach, 17) * half[i]
        out[i] = height(upper[i], x) - height(lower[i], x)
    return 1000.0 * out


def height(edge: Array, x: Array) -> Array:
    order = np.argsort(edge[:, 0])
    return np.interp(x, edge[order, 0], edge[order, 1])


def people(head: Head) -> list[Head]:
    rng = np.random.default_rng(7)
    return [head, *(head.with_identity(rng.normal(0.0, 0.8, 300).astype(np.float32)) for _ in range(3))]


@pytest.mark.parametrize("fps", [12.0, 24.0, 30.0, 60.0, 120.0])
def test_lips_close_on_every_bilabial(head, fps):
    for seed in range(6):
        analysis = babble(seed)
        motion = animated(analysis, head=head, fps=fps)
        gaps = gaps_mm(head, motion.controls)
        times = times_of(analysis, fps=fps)
        for phone in analysis.phones:
            if phone.label in BILABIALS:
                near = np.abs(times - phone.centre_secs) <= 0.5 * (phone.end_secs - phone.start_secs) + 1.0 / fps
                assert gaps[near].max(axis=1).min() <= 0.2, (seed, phone)


def test_lips_close_on_every_person(head):
    analysis = spoken("SIL AA B AA P UW M IY B EY P OW M SIL", phone_secs=0.1)
    for person in people(head):
        motion = animated(analysis, head=person)
        shut = motion.closure == 1.0
        assert shut.any()
        assert gaps_mm(person, motion.controls[shut]).max() <= 0.2


def test_the_lips_alone_nearly_close_before_the_seal_trims_them(head):
    analysis = spoken("SIL AA B AA P UW M IY B EY P OW M SIL", phone_secs=0.1)
    for person in people(head):
        motion = animated(analysis, head=person)
        controls = motion.controls[motion.closure == 1.0].copy()
        controls[:, CONTROLS.index("lipSeal")] = 0.0
        middle = gaps_mm(person, controls, reach=0.4)
        assert middle.max() <= 0.3
        assert middle.min() >= -6.0


def test_a_closure_is_complete_on_some_frame_at_any_rate_and_phase():
    phones = merged(spoken("SIL AA P IY M AA B SIL", phone_secs=0.09).phones)
    for fps in (12.0, 24.0, 25.0, 30.0, 60.0):
        contacts = phone_contacts(tuple(phones), frame_secs=1.0 / fps).closures
        for phase in np.linspace(0.0, 1.0, 23):
            times = (np.arange(int(1.6 * fps)) + phase) / fps
            shut = times[strength(contacts, times=times) == 1.0]
            for full, release in zip(contacts.full_secs, contacts.release_secs, strict=True):
                assert np.any((shut >= full) & (shut <= release)), (fps, phase)


def test_closures_hold_forty_milliseconds(head):
    motion = animated(spoken("SIL AA P AA M AA B AA SIL", phone_secs=0.08), head=head, fps=1000.0)
    shut = np.flatnonzero(np.diff(np.concatenate([[0], (motion.closure >= 0.999).astype(int), [0]])))
    lengths = np.diff(shut)[::2] / 1000.0
    assert len(lengths) == 3
    assert lengths.min() >= HOLD_SECS - 0.002


def test_blocks_equal_the_whole_bit_by_bit(head):
    analysis = babble(3, num_phones=120)
    score = lip_score(analysis, head=head, style=STYLE)
    times = times_of(analysis, fps=30.0)
    whole = score.sample(times)
    for block in (3, 64, 256):
        parts = [score.sample(times[i : i + block]) for i in range(0, len(times), block)]
        for name in ("controls", "closure", "tuck", "ownership"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            assert joined.tobytes() == getattr(whole, name).tobytes(), (block, name)


def test_silence_keeps_the_lips_still(head):
    analysis = spoken("SIL B AA D SIL AA SIL", silence_secs=2.0)
    motion = animated(analysis, head=head)
    times = times_of(analysis, fps=60.0)
    for phone in analysis.phones:
        if phone.label == "SIL":
            still = (times > phone.start_secs + 0.5) & (times < phone.end_secs - 0.8)
            assert np.ptp(motion.controls[still], axis=0).max() <= 1e-6
            assert motion.ownership[still].max() <= 1e-6
            assert 0.0 <= gaps_mm(head, motion.controls[still])[0, 8] <= 1.5


def test_silence_alone_never_moves(head):
    motion = animated(spoken("SIL", silence_secs=3.0), head=head)
    assert np.ptp(motion.controls, axis=0).max() <= 1e-6


def test_no_phones_at_all_rest(head):
    score = lip_score(spoken("", silence_secs=1.0), head=head, style=STYLE)
    assert np.ptp(score.sample(np.arange(5) / 5.0).controls, axis=0).max() == 0.0


def test_the_mouth_opens_to_breathe_before_speech(head):
    analysis = spoken("SIL N AA SIL", silence_secs=1.2)
    motion = animated(analysis, head=head)
    middle = gaps_mm(head, motion.controls)[:, 8]
    assert middle[int(1.1 * 60)] > middle[int(0.5 * 60)] + 1.0


def test_a_short_pause_leaves_the_mouth_open(head):
    analysis = spoken("SIL N AA SIL N AA SIL", silence_secs=0.15)
    gaps = gaps_mm(head, animated(analysis, head=head).controls)[:, 8]
    pause = analysis.phones[3]
    assert gaps[round(pause.centre_secs * 60)] > gaps_mm(head, np.zeros((1, 100)))[0, 8] + 1.5


def test_lips_touch_the_teeth_in_f_and_v(head):
    for person in people(head):
        analysis = spoken("SIL AA F AA V IY F SIL", phone_secs=0.12)
        score = lip_score(analysis, head=person, style=STYLE)
        for phone in analysis.phones:
            if phone.label in LABIODENTALS:
                times = np.array([phone.centre_secs + 0.015])
                motion = score.sample(times)
                assert motion.tuck[0] > 0.99
                _, lower = lip_points(person, motion.controls)
                tooth = person.template[lip_edges(person).tooth[0], 1]
                middle = np.argmin(np.abs(lower[0, :, 0]))
                assert -0.0015 <= lower[0, middle, 1] - tooth <= 0.003


def test_tongue_only_phones_leave_the_lip_shape_alone(head):
    width = {}
    for word in ("UW UW UW", "UW T UW", "UW AE UW"):
        analysis = spoken(f"SIL {word} SIL", phone_secs=0.13)
        score = lip_score(analysis, head=head, style=STYLE)
        centre = 0.5 * (analysis.phones[1].start_secs + analysis.phones[-2].end_secs)
        width[word] = score.target(np.array([centre])).rounding[0]
    assert width["UW T UW"] > 0.8 * width["UW UW UW"]
    assert width["UW AE UW"] < 0.8 * width["UW UW UW"]


def test_lips_set_off_for_a_bilabial_well_before_its_sound(head):
    analysis = spoken("SIL AA AA AA P AA SIL", phone_secs=0.15)
    start = next(phone.start_secs for phone in analysis.phones if phone.label == "P")
    times = start + np.arange(-0.3, 0.0, 0.005)
    score = lip_score(analysis, head=head, style=STYLE)
    gap = gaps_mm(head, score.sample(times).controls)[:, 8]
    moving = times[np.flatnonzero(gap < gap.max() - 0.5)]
    first = moving[moving > times[np.argmax(gap)]][0]
    assert 0.03 <= start - first <= 0.24


def test_rounding_starts_before_the_sound(head):
    analysis = spoken("SIL S T R UW SIL")
    score = lip_score(analysis, head=head, style=STYLE)
    vowel = analysis.phones[4]
    rounding = score.target(np.array([vowel.start_secs - 0.1, vowel.centre_secs])).rounding
    assert rounding[0] > 0.25 * rounding[1]


def test_sliders_scale_shapes_but_never_open_a_closure(head):
    analysis = spoken(SENTENCE)
    plain = animated(analysis, head=head)
    strong = animated(analysis, head=head, style=PerformanceStyle(lips=1.4, jaw=1.4))
    still = animated(analysis, head=head, style=PerformanceStyle(lips=0.0, jaw=0.0))
    assert strong.controls[:, JAW].max() > 1.3 * plain.controls[:, JAW].max()
    assert strong.controls[:, PUCKER].mean() > 1.1 * plain.controls[:, PUCKER].mean()
    assert still.controls[:, JAW].max() == 0.0
    for motion in (plain, strong, still):
        shut = motion.closure == 1.0
        assert shut.any()
        assert gaps_mm(head, motion.controls[shut]).max() <= 0.2


def test_louder_vowels_open_wider(head):
    labels = ["SIL", "D", "AA", "D", "AA", "D", "AA", "SIL"]
    analysis = spoken(labels, loudness_db=[-60, -30, -32, -30, -24, -30, -16, -60])
    score = lip_score(analysis, head=head, style=STYLE)
    jaw = score.target(np.array([analysis.phones[i].centre_secs for i in (2, 4, 6)])).jaw
    assert jaw[0] < jaw[1] < jaw[2]


def test_fast_speech_undershoots_vowels_but_not_closures(head):
    peaks = []
    for secs in (0.05, 0.2):
        analysis = spoken("SIL B AA B AA B SIL", phone_secs=secs)
        motion = animated(analysis, head=head, fps=120.0)
        times = times_of(analysis, fps=120.0)
        spoken_now = (times > analysis.phones[1].start_secs) & (times < analysis.phones[-1].start_secs)
        peaks.append(gaps_mm(head, motion.controls)[spoken_now, 8].max())
        assert np.count_nonzero(np.diff((motion.closure > 0.999).astype(int)) == 1) == 3
    assert peaks[0] < 0.9 * peaks[1]


def test_unsure_phones_are_mumbled_but_their_closures_stay(head):
    sure = animated(spoken("SIL N AA B IY SIL", aligned=False, confidence=1.0), head=head)
    unsure = animated(spoken("SIL N AA B IY SIL", aligned=False, confidence=0.1), head=head)
    assert unsure.controls[:, JAW].max() < 0.85 * sure.controls[:, JAW].max()
    assert np.array_equal(sure.closure, unsure.closure)
    assert gaps_mm(head, unsure.controls[unsure.closure == 1.0]).max() <= 0.2


def test_curves_are_smooth(head):
    """Velocity is continuous: on a 1 ms grid it changes little from step to step, and is never faster than lips are."""
    analysis = spoken(SENTENCE)
    motion = animated(analysis, head=head, fps=1000.0)
    velocity = np.diff(motion.controls, axis=0) * 1000.0
    jolts = np.abs(np.diff(velocity, axis=0)).max(axis=0)
    assert np.delete(jolts, CONTROLS.index("lipSeal")).max() < 3.0
    assert jolts.max() < 12.0
    unsealed = motion.controls.copy()
    unsealed[:, CONTROLS.index("lipSeal")] = 0.0
    gap_speed = np.abs(np.diff(gaps_mm(head, unsealed)[:, 8])) * 1000.0
    assert gap_speed.max() < 450.0


def test_speech_owns_the_mouth_while_it_speaks(head):
    analysis = spoken(SENTENCE)
    motion = animated(analysis, head=head)
    times = times_of(analysis, fps=60.0)
    speaking = (times > analysis.phones[1].start_secs) & (times < analysis.phones[-1].start_secs)
    assert motion.ownership[speaking].min() > 0.6
    assert motion.ownership[motion.closure == 1.0].min() == 1.0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), lips=st.floats(0.0, 2.0), jaw=st.floats(0.0, 2.0))
def test_any_speech_stays_within_the_controls(seed, lips, jaw):
    motion = animated(babble(seed), head=load_head(), fps=30.0, style=PerformanceStyle(lips=lips, jaw=jaw))
    assert np.isfinite(motion.controls).all()
    assert motion.controls.min() >= 0.0
    assert motion.controls.max() <= 1.0
    assert (motion.controls[:, CLOSE] <= motion.controls[:, JAW] + 1e-12).all()
    for track in (motion.closure, motion.tuck, motion.ownership):
        assert track.min() >= 0.0
        assert track.max() <= 1.0


def test_a_wrong_rate_is_refused(head):
    with pytest.raises(OptionError, match="fps"):
        lip_score(spoken("SIL"), head=head, style=STYLE, fps=0.0)


@pytest.mark.parametrize("vowel_secs", [0.04, 0.06, 0.1, 0.3])
def test_lips_are_open_in_the_middle_of_an_open_vowel_between_closures(vowel_secs):
    spans = np.cumsum([0.2, 0.06, vowel_secs, 0.06, vowel_secs, 0.06, 0.2])
    labels = ("SIL", "P", "AH", "B", "AE", "P", "SIL")
    phones = tuple(Phone(*row) for row in zip(labels, [0.0, *spans[:-1]], spans, strict=True))
    contacts = phone_contacts(phones, frame_secs=1.0 / 50.0)
    middles = np.array([phone.centre_secs for phone in phones])
    closure, _ = contacts.at(middles)
    assert closure[[2, 4]].max() < 0.2
    ends, _ = contacts.at(np.sort(np.concatenate([contacts.closures.full_secs, contacts.closures.release_secs])))
    assert ends.min() > 0.99
