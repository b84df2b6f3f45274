from dataclasses import replace

import numpy as np
import pytest
from speech_scores import babble

from face_emote.core.errors import HeadError
from face_emote.core.names import BILABIALS, CONTROLS, LABIODENTALS, PHONES
from face_emote.core.types import PerformanceStyle
from face_emote.face.bundled import load_head
from face_emote.motion.mouth.coarticulation import SMOOTHING, blend
from face_emote.motion.mouth.lip_rig import (
    BITE,
    NAMES,
    NUM_MEASURES,
    POSTURES,
    WIDTH,
    lip_edges,
    lip_rig,
    posture_controls,
)
from face_emote.motion.mouth.lip_solve import MouthTarget, lip_controls, measure
from face_emote.motion.mouth.viseme_table import (
    CHANNELS,
    DIPHTHONGS,
    DOMINANCE,
    FAMILY_OF_CHANNEL,
    GROUPS,
    MAX_RAMP_SECS,
    VISEMES,
    target_row,
)
from face_emote.motion.mouth.visemes import segments_from


def measured(head, *, controls, radians):
    """Middle gap, inner width and bite read off the mesh, in eye-corner units."""
    edges = lip_edges(head)
    jaw_pose = np.zeros((len(controls), 3))
    jaw_pose[:, 0] = radians
    points = head.pose_vertices(expression=controls.astype(np.float32), jaw_pose=jaw_pose)
    eyes = head.template[edges.eye_corners]
    unit = np.linalg.norm(eyes[0] - eyes[1])

    def middle(edge):
        x = head.template[edge, 0]
        centre = 0.5 * (head.template[edges.upper[0], 0] + head.template[edges.upper[-1], 0])
        return np.array([np.interp(centre, x, points[i, edge, 1]) for i in range(len(points))])

    gap = middle(edges.upper) - middle(edges.lower)
    width = points[:, edges.upper[-1], 0] - points[:, edges.upper[0], 0]
    return gap / unit, width / unit, (middle(edges.lower) - points[:, edges.tooth[0], 1]) / unit


def test_the_rig_says_what_the_mesh_does():
    rng = np.random.default_rng(0)
    for person in (load_head(), load_head().with_identity(rng.normal(0.0, 0.8, 300).astype(np.float32))):
        rig = lip_rig(person)
        jaw = rng.uniform(0.0, 1.0, 20)
        amounts = {name: rng.uniform(0.0, 1.0, 20) for name in NAMES if name != "neutral"}
        controls = sum(amounts[name][:, None] * posture_controls(name) for name in amounts)
        gap, width, bite = measured(person, controls=controls, radians=rig.jaw_angle * jaw)
        for which, seen in ((0, gap), (WIDTH, width), (BITE, bite)):
            assert np.abs(measure(rig.slopes(jaw), amounts, which=which) - seen).max() < 2e-4


def test_every_phone_has_a_viseme_of_a_known_group():
    for phone in PHONES:
        for label in DIPHTHONGS.get(phone, (phone,)):
            assert VISEMES[label].group in GROUPS
    assert all(len(target_row(label)) == len(CHANNELS) for label in VISEMES)


def blend_ref(segments, *, time_secs):
    """Slow twin of `blend` at one instant, before SMOOTHING: the formula, phone by phone."""
    rows, rest = DOMINANCE, target_row("SIL")
    out = np.zeros(len(CHANNELS))
    for channel, family in enumerate(FAMILY_OF_CHANNEL):
        claimed, total = 1e-6 * rest[channel], 1e-6
        for i in range(len(segments.start_secs)):
            start, end = float(segments.start_secs[i]), float(segments.end_secs[i])
            strength, before, after, rise, fall = rows[family, segments.group[i]]
            up = (time_secs - start + before) / (before + min(rise * (end - start), MAX_RAMP_SECS))
            down = (end + after - time_secs) / (after + min(fall * (end - start), MAX_RAMP_SECS))
            u, d = min(max(up, 0.0), 1.0), min(max(down, 0.0), 1.0)
            eased = u * u * (3.0 - 2.0 * u) * d * d * (3.0 - 2.0 * d)
            weight = strength * segments.strength[i] * eased
            claimed += weight * segments.targets[i, channel]
            total += weight
        out[channel] = claimed / total
    return out


@pytest.mark.parametrize("seed", range(3))
def test_open_phones_get_the_gap_they_ask_for(seed):
    head = load_head()
    if seed:
        head = head.with_identity(np.random.default_rng(seed).normal(0.0, 0.6, 300).astype(np.float32))
    rig = lip_rig(head)
    for label, viseme in VISEMES.items():
        if label in BILABIALS | LABIODENTALS:
            continue
        channel = {name: np.array([value]) for name, value in zip(CHANNELS, target_row(label), strict=True)}
        target = MouthTarget(**channel, closure=np.zeros(1), tuck=np.zeros(1))
        controls = lip_controls(rig, target, style=PerformanceStyle())
        jaw = controls[:, CONTROLS.index("jawOpen")].copy()
        controls[:, CONTROLS.index("jawOpen")] = 0.0
        gap, _, _ = measured(head, controls=controls, radians=rig.jaw_angle * jaw)
        assert abs(max(gap[0], 0.0) - max(viseme.gap, 0.0)) < 0.012, label


def test_lip_shapes_differ_between_visemes():
    rig = lip_rig(load_head())
    rows = []
    for label in ("SIL", "AA", "IY", "UW", "S", "SH", "F", "P"):
        channel = {name: np.array([value]) for name, value in zip(CHANNELS, target_row(label), strict=True)}
        contact = MouthTarget(**channel, closure=np.array([float(label == "P")]), tuck=np.array([float(label == "F")]))
        rows.append(lip_controls(rig, contact, style=PerformanceStyle())[0])
    distance = np.linalg.norm(np.array(rows)[:, None] - np.array(rows)[None], axis=2)
    assert distance[~np.eye(len(rows), dtype=bool)].min() > 0.15


def test_blend_equals_its_slow_twin():
    segments = segments_from(babble(5, num_phones=25))
    times = np.linspace(-0.3, float(segments.end_secs[-1]) + 0.3, 60)
    fast = blend(segments, times=times).channels
    for i, time in enumerate(times):
        slow = sum(share * blend_ref(segments, time_secs=time + shift) for shift, share in SMOOTHING)
        assert np.abs(fast[i] - slow).max() < 1e-12


def test_postures_name_real_controls():
    for name in POSTURES:
        assert np.count_nonzero(posture_controls(name)) >= len(POSTURES[name])
    assert lip_rig(load_head()).response.shape == (len(NAMES), 3, NUM_MEASURES)


def test_an_imported_head_is_refused():
    with pytest.raises(HeadError, match="bundled head"):
        lip_rig(replace(load_head(), control_joints=()))
