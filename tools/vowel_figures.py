"""How truly a rig's vowels follow the sounds, and how near its mouths are to the performed ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face_emote.core.arrays import Array, Float, Int
from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.core.types import FaceMotion, Phone
from face_emote.face.bundled import load_head
from face_emote.face.rig import ControlPose, controls_from_pose, pose_from_controls
from face_emote.formats.rig import RigCurves
from face_emote.rigs.rig_file import Rig
from face_emote.rigs.vowels import VOWEL_SOUNDS

SOUND_OF: Mapping[str, tuple[str, ...]] = {
    "AA": ("aa",), "AE": ("aa",), "AH": ("aa",), "AO": ("oh",), "EH": ("ee",), "IH": ("ih",), "IY": ("ih",),
    "UH": ("ou",), "UW": ("ou",), "AW": ("aa", "ou"), "AY": ("aa", "ih"), "EY": ("ee", "ih"), "OW": ("oh", "ou"),
    "OY": ("oh", "ih"),
}  # fmt: skip
"""What each vowel is, and both halves of a diphthong. ER is none of the five."""
LIPS = 0.5
"""Of the lips' mask."""


@dataclass(frozen=True, slots=True)
class VowelFigures:
    """Of one rig on one or more clips."""

    leads: float
    """Share of vowel frames in which the right vowel's weight is the largest of the five."""
    leads_of: Mapping[str, float]
    """The same of each vowel's frames."""
    frames_of: Mapping[str, int]
    lip_error_mm: float
    """Mean distance of a vertex of the lips, over all frames, from where the performance has it."""


def vowel_frames(phones: tuple[Phone, ...], *, num_frames: int, fps: float) -> Int[Array, " frames"]:
    """The vowel that is said on every frame, as an index into `VOWEL_SOUNDS`; -1: none."""
    said = np.full(num_frames, -1)
    times = np.arange(num_frames) / fps
    for phone in phones:
        sounds = SOUND_OF.get(phone.label, ())
        edges = np.linspace(phone.start_secs, phone.end_secs, len(sounds) + 1)
        for sound, start, end in zip(sounds, edges[:-1], edges[1:], strict=True):
            said[(times >= start) & (times < end)] = VOWEL_SOUNDS.index(sound)
    return said


def mouth_controls(motion: FaceMotion) -> Float[Array, "frames control"]:
    """The controls of a motion of the bundled head, those of its joints too."""
    pose = ControlPose(expression=motion.expression, jaw_pose=motion.jaw_pose, eye_pose=motion.eye_pose)
    return controls_from_pose(pose, control_joints=load_head().control_joints)


def vowel_figures(clips: list[tuple[FaceMotion, tuple[Phone, ...]]], *, rig: Rig) -> VowelFigures:
    """Measure a rig that has `vowels`."""
    head = load_head()
    curves = RigCurves(head, rig=rig)
    columns = [curves.names.index(rig.vowels[sound]) for sound in VOWEL_SOUNDS]
    right, vowels, errors = [], [], []
    for motion, phones in clips:
        values = np.concatenate(list(curves.all_of(motion)))
        said = vowel_frames(phones, num_frames=motion.num_frames, fps=motion.fps)
        shown = values[:, columns]
        right.append((np.argmax(shown, axis=1) == said)[said >= 0] & (shown.max(axis=1) > 0.0)[said >= 0])
        vowels.append(said[said >= 0])
        errors.append(_lip_errors_mm(motion, values[:, len(rig.sums) :], rig=rig))
    hit, vowel = np.concatenate(right), np.concatenate(vowels)
    return VowelFigures(
        leads=float(hit.mean()),
        leads_of={name: float(hit[vowel == i].mean()) for i, name in enumerate(VOWEL_SOUNDS) if np.any(vowel == i)},
        frames_of={name: int(np.sum(vowel == i)) for i, name in enumerate(VOWEL_SOUNDS)},
        lip_error_mm=float(np.concatenate(errors).mean()),
    )


def _lip_errors_mm(motion: FaceMotion, weights: Float[Array, "frames shape"], *, rig: Rig) -> Float[Array, " frames"]:
    head = load_head()
    assert head.layout is not None
    recipes = np.zeros((len(rig.shapes), NUM_EXPRESSION))
    for row, target in enumerate(rig.shapes):
        for name, weight in target.weights.items():
            recipes[row, CONTROLS.index(name)] = weight
    lips = head.restricted_to(np.flatnonzero(head.layout.mask_lips > LIPS))
    pose = pose_from_controls((weights @ recipes).astype(np.float32), control_joints=head.control_joints)
    shown = lips.pose_vertices(expression=pose.expression, jaw_pose=pose.jaw_pose)
    performed = lips.pose_vertices(expression=motion.expression, jaw_pose=motion.jaw_pose)
    distances: Array = 1000.0 * np.linalg.norm(shown - performed, axis=2).mean(axis=1)
    return distances
