"""How fast the head is: loading, becoming a person, and turning frames into vertices."""

import numpy as np

from bench.common import QUICK, Figure, median_secs, options, report
from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.face.bundled import BUNDLED_HEAD, load_head
from face_emote.face.flame_file import read_flame
from face_emote.face.rig import pose_from_controls

FRAMES = 64 if QUICK else 640


def main() -> None:
    """Measure and report."""
    target = options(__doc__).json
    head = load_head()
    rng = np.random.default_rng(0)
    betas = rng.standard_normal((20, 300)).astype(np.float32)
    person = head.with_identity(betas[0])
    controls = np.zeros((FRAMES, NUM_EXPRESSION), np.float32)
    controls[:, rng.choice(81, 40, replace=False)] = rng.random((FRAMES, 40), dtype=np.float32)
    sealed = controls.copy()
    sealed[:, CONTROLS.index("lipSeal")] = 1.0

    def frames_of(rows: np.ndarray) -> float:
        pose = pose_from_controls(rows, control_joints=head.control_joints)
        starts = range(0, FRAMES, 64)

        def evaluate() -> None:
            for first in starts:
                part = slice(first, first + 64)
                person.pose_vertices(
                    expression=pose.expression[part], jaw_pose=pose.jaw_pose[part], eye_pose=pose.eye_pose[part]
                )

        return 1000.0 * median_secs(evaluate) / FRAMES

    identity = iter(betas[1:])
    report(
        f"Head of {head.num_vertices} vertices",
        [
            Figure("load", 1000.0 * median_secs(lambda: read_flame(BUNDLED_HEAD)), "ms"),
            Figure("new identity", 1000.0 * median_secs(lambda: head.with_identity(next(identity))), "ms"),
            Figure("frame, 40 controls", frames_of(controls), "ms"),
            Figure("frame, 40 controls, lips sealed", frames_of(sealed), "ms"),
            Figure("file", BUNDLED_HEAD.stat().st_size / 1e6, "MB"),
        ],
        target=target,
    )


if __name__ == "__main__":
    main()
