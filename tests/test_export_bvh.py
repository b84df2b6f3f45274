"""A .bvh turns its joints as the head does."""

import numpy as np
import pytest
from fabricated import lively_motion

from face_emote.core.names import JOINT_PARENTS, JOINTS
from face_emote.face.bundled import load_head
from face_emote.face.skinning import skin_transforms
from face_emote.formats.mesh.person import rotations_of
from face_emote.verbs.export import export


def read_bvh(path):
    """Names, parents, offsets, channels of every joint; seconds a frame; rows."""
    words = iter(path.read_text().split())
    assert next(words) == "HIERARCHY"
    names, parents, offsets, channels, above = [], [], [], [], []
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            parents.append(above[-1] if above else -1)
            names.append(next(words))
            offsets.append(None)
            channels.append([])
        elif word == "{":
            above.append(len(names) - 1)
        elif word == "}":
            above.pop()
        elif word == "OFFSET":
            offsets[-1] = [float(next(words)) for _ in range(3)]
        elif word == "CHANNELS":
            channels[-1] = [next(words) for _ in range(int(next(words)))]
        elif word == "MOTION":
            break
    assert (next(words), not above) == ("Frames:", True)
    count = int(next(words))
    assert (next(words), next(words)) == ("Frame", "Time:")
    secs = float(next(words))
    return names, parents, np.array(offsets), channels, secs, np.array(list(words), float).reshape(count, -1)


def play(path):
    """World rotation and place of every joint on every frame, turn by turn as the channels say."""
    names, parents, offsets, channels, secs, rows = read_bvh(path)
    frames, width = rows.shape
    turns, places = [], []
    at = 0
    for joint, parent in enumerate(parents):
        turn, shift = np.tile(np.eye(3), (frames, 1, 1)), np.tile(offsets[joint], (frames, 1))
        for channel in channels[joint]:
            axis, values = "XYZ".index(channel[0]), rows[:, at]
            at += 1
            if channel.endswith("position"):
                shift[:, axis] = values
                continue
            one, other = (axis + 1) % 3, (axis + 2) % 3
            single = np.tile(np.eye(3), (frames, 1, 1))
            single[:, one, one] = single[:, other, other] = np.cos(np.radians(values))
            single[:, other, one] = np.sin(np.radians(values))
            single[:, one, other] = -single[:, other, one]
            turn = turn @ single
        if parent >= 0:
            shift = places[parent] + np.einsum("fij,fj->fi", turns[parent], shift)
            turn = turns[parent] @ turn
        turns.append(turn)
        places.append(shift)
    assert at == width
    keep = [i for i, name in enumerate(names) if name in JOINTS]
    assert [names[i] for i in keep] == list(JOINTS)
    assert [parents[i] for i in keep] == [keep[p] if p >= 0 else -1 for p in JOINT_PARENTS]
    return np.stack(turns, axis=1)[:, keep], np.stack(places, axis=1)[:, keep], secs


@pytest.mark.parametrize("fps", [30.0, 24.0])
def test_every_joint_turns_and_stands_as_in_the_head(tmp_path, fps):
    head = load_head()
    motion = lively_motion(head, 300, fps=fps)
    turns, places, secs = play(export(motion, tmp_path / "a.bvh"))
    assert secs == pytest.approx(1.0 / fps, abs=1e-8)
    rest = head.with_identity(motion.betas).joints()
    expected = skin_transforms(rotations_of(motion), np.tile(rest, (300, 1, 1)))
    stand = np.einsum("fjrc,jc->fjr", expected[..., :3], rest) + expected[..., 3] + motion.translation[:, None]
    assert np.abs(turns - expected[..., :3]).max() < 1e-6
    assert np.abs(places - stand).max() < 0.00001


def test_same_motion_same_bytes_and_nothing_half_written(tmp_path):
    motion = lively_motion(load_head(), 5)
    first, second = (export(motion, tmp_path / name).read_bytes() for name in ("a.bvh", "b.bvh"))
    assert first == second and b"-0.000000" not in first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bvh", "b.bvh"]
