"""Who a request is about: one of the characters, perhaps with another shape."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from face_emote.audio.examples import example_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.motion import joined_motion
from face_emote.core.names import CONTROLS, NUM_SHAPE
from face_emote.core.types import FaceMotion, SkinParams, Talker
from face_emote.face.bundled import load_head
from face_emote.face.characters import character
from face_emote.face.head import Head
from face_emote.face.identity import RACE, identity
from face_emote.formats.mesh.targets import TargetSet, morph_targets
from face_emote.perception.talker import talker_from
from face_emote.verbs.animate import animate
from face_emote.verbs.perceive import figures_heard
from face_emote.worker.protocol import Params

BODY = {"gender": 0.5, "age": 0.66, "muscle": 0.5, "weight": 0.5}
"""Sliders of a shape beside its origin, and their usual values."""
CANON_EMOTIONS = ("neutral", "joy", "anger", "sadness")
"""What the canonical motion is spoken with; lips are sealed differently by a smile and by a frown."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A head with an identity, and its skin."""

    name: str
    head: Head
    betas: Float[Array, f" shape={NUM_SHAPE}"]
    skin: SkinParams
    targets: TargetSet  # Shape keys that serve every performance of this person.

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the shape keys, in the order of `TargetSet.weights`."""
        return tuple(target.name for target in self.targets.targets)


def person_from(params: Params) -> Person:
    """The person of a request: {"character": name, "identity": {race.., gender, age, ..}}; identity is optional.

    OptionError: no such character, or a slider out of its range.
    """
    params.require_known(("character", "identity"))
    return _person(params.text("character", "default"), json.dumps(params.part("identity").values, sort_keys=True))


def talker_in(params: Params) -> Talker | None:
    """Whose voice a request's speech is, from the recordings `others`; None for too few of them.

    AudioError: one of them cannot be read.
    """
    paths = [Path(path) for path in params.texts("others")]
    heard = [_figures(path, path.stat().st_mtime_ns) for path in paths if path.is_file()]
    return talker_from([figures for figures in heard if figures is not None])


@lru_cache(maxsize=1024)
def _figures(path: Path, _changed_ns: int) -> Float[Array, " figure"] | None:
    return figures_heard(path)


@lru_cache(maxsize=4)
def _person(name: str, identity_json: str) -> Person:
    known = character(name)
    sliders = Params(json.loads(identity_json))
    betas = known.betas
    if sliders.values:
        sliders.require_known((*RACE, *BODY, "seed"), kind="slider of a person")
        gender, age, muscle, weight = (sliders.number(slider, usual) for slider, usual in BODY.items())
        african, asian, caucasian = (sliders.number(race, 1.0) for race in RACE)
        race, seed = (african, asian, caucasian), sliders.whole("seed", 0)
        betas = identity(race=race, gender=gender, age=age, muscle=muscle, weight=weight, seed=seed)
    betas = np.asarray(betas, np.float32)
    head = load_head().with_identity(betas)
    return Person(name, head, betas, known.skin, morph_targets(_canonical_motion(head, name), head))


def _canonical_motion(head: Head, name: str) -> FaceMotion:
    """Bundled sentences under several emotions, then one frame in which everything that can move does.

    The lip seal is not linear: its shape keys are the principal components of what it does, and they are found on
    this motion once, so that all takes of a person share them.
    """
    spoken = example_speech()
    parts = [
        animate(speech.path, emotion=emotion, fps=25.0, head=head, character=name, animator="rules")
        for speech, emotion in zip(spoken, CANON_EMOTIONS, strict=False)
    ]
    first = parts[0]
    all_moved = replace(
        first.part(0, 1),
        expression=np.where(np.arange(len(CONTROLS)) == CONTROLS.index("lipSeal"), 0.0, 0.01)[None].astype(np.float32),
        jaw_pose=np.full((1, 3), 0.05, np.float32),
        neck_pose=np.full((1, 3), 0.05, np.float32),
        eye_pose=np.full((1, 2, 3), 0.05, np.float32),
    )
    return joined_motion([*parts, all_moved])
