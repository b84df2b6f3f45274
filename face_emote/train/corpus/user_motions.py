"""A folder of sound files, each with a motion file (.npz) of this package beside it; `.txt` transcripts help."""

from functools import partial
from pathlib import Path

import numpy as np

from face_emote.core.errors import CorpusError
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.train.corpus.cache import Job
from face_emote.train.corpus.lip_meter import lip_meter
from face_emote.train.corpus.user_clips import Measured, UserClip, sounds_in, user_jobs


def motion_jobs(folder: Path) -> list[Job]:
    """All sounds of the folder that have a motion of the same name. A sub-folder's name is the talker's.

    Raises:
        CorpusError: the folder is missing or holds no such pairs.
    """
    clips = []
    for name, sound in sounds_in(folder).items():
        motion, words = sound.with_suffix(".npz"), sound.with_suffix(".txt")
        if motion.is_file():
            clips.append(
                UserClip(
                    name=name,
                    talker="user" if sound.parent == folder else sound.parent.name,
                    sound=sound,
                    measure=partial(measured_motion, motion),
                    transcript=words if words.is_file() else None,
                )
            )
    return user_jobs(clips, root=folder)


def measured_motion(path: Path) -> Measured:
    """Gap, width and jaw of a motion on its own head.

    Raises:
        MotionFileError: the file is missing or damaged.
        CorpusError: the motion belongs to another face model.
    """
    motion = read_motion(path)
    head = load_head()
    if motion.info.basis != head.basis:
        raise CorpusError(f"The motion is for the face model {motion.info.basis}, not the bundled one: {path}")
    person = head.with_identity(motion.betas.astype(np.float32))
    aims = lip_meter(person).measure(motion.expression, jaw_pose=motion.jaw_pose)
    return Measured(aims=aims, known=(True, True, True), fps=motion.fps)
