"""`python -m tools.capture_tables -o FILE`: what capture has to know of MediaPipe, learnt on pictures of our own heads.

People of every origin and age, in the eight skins, from many sides, in several lights, make faces whose controls are
known. MediaPipe looks at them. Where it puts its landmarks beside ours, on average, is the bias; a small network from
the landmark fit, the irises and the scores to the controls knows what landmarks cannot tell. Needs torch. Nobody's
likeness is in it.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from face_emote.capturing.face_mesh import NUM_SKIN
from face_emote.capturing.film import FilmFacts
from face_emote.capturing.fit import FILM_MM, landmark_fit
from face_emote.capturing.landmarks import Detect, face_detector
from face_emote.capturing.points import FITTED, FITTED_INDEX
from face_emote.capturing.tables import MOST, NUM_GAZE, TABLES, Reader
from face_emote.capturing.watch import ROW, Watched
from face_emote.core.arrays import Array, Float
from face_emote.core.names import BLOOD_REGIONS, CONTROLS, NUM_EXPRESSION
from face_emote.core.types import Camera, SkinParams
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.face.head import Head
from face_emote.face.identity import GENDER, RACE, identity
from face_emote.face.rig import pose_from_controls
from face_emote.motion.feeling.wrinkles import folding, wrinkle_model
from face_emote.rendering.base import Pose
from face_emote.rendering.fast.engine import FastRenderer
from face_emote.rendering.scene import Scene, focal_pixels, make_scene, placed, view_matrix

SIZE = 384
POSES, RESTING = 24, 5
"""A person; the first ones nearly at rest, except of every second person, who is never without some expression."""
MOST_GROUPS = 8
HIDDEN, BATCH, EPOCHS = 128, 128, 150
LEARNING_RATE, DROPOUT, NOISE = 4e-3, 0.2, 0.2
"""Noise: of the features, in standard deviations."""
ANSWER_SCALE = np.r_[np.ones(len(FITTED)), np.full(NUM_GAZE, 6.0)]
"""A control is worth as much as a sixth of a radian of gaze."""
LIGHTS = ("soft", "studio", "warm")
_GROUPS = (
    ("browInnerUp",), ("browDown",), ("browOuterUp",), ("browInnerUp", "browDown"), ("eyeWide",), ("eyeSquint",),
    ("cheekSquint", "eyeSquint"), ("eyeBlink",), ("noseSneer",), ("mouthSmile",), ("mouthSmile", "cheekSquint"),
    ("mouthFrown",), ("mouthStretch",), ("mouthUpperUp",), ("mouthLowerDown",), ("mouthUpperUp", "mouthLowerDown"),
    ("mouthDimple",), ("mouthPress",), ("mouthPucker",), ("mouthFunnel",), ("mouthRollLower", "mouthRollUpper"),
    ("mouthShrugLower",), ("mouthShrugUpper",), ("jawForward",), ("mouthLeft",), ("mouthRight",),
)  # fmt: skip
"""What moves together; names without a side mean both."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person's pictures, as MediaPipe saw them, and the truth."""

    watched: Watched
    controls: Float[Array, "frames control"]
    beside: Float[Array, "landmark=478 2"]
    """Median offset of the landmarks in the head's x and y, metres."""
    focal_mm: float


def random_controls(rng: np.random.Generator, *, rests: bool) -> Float[Array, "pose control"]:
    """Faces: a few groups at once, both sides alike but for a little; often an open jaw; eyes that look about."""
    out = np.zeros((POSES, NUM_EXPRESSION), np.float32)
    always = (
        {} if rests else {int(group): rng.uniform(0.2, 0.8) for group in rng.choice(len(_GROUPS), 3, replace=False)}
    )
    for i, row in enumerate(out):
        strength = 0.08 if rests and i < RESTING else 1.0
        amounts = {group: amount * rng.uniform(0.6, 1.2) for group, amount in always.items()}
        for group in rng.choice(len(_GROUPS), rng.integers(1, MOST_GROUPS + 1), replace=False).tolist():
            amounts[group] = strength * rng.uniform(0.15, 1.0)
        for group, amount in amounts.items():
            for stem in _GROUPS[group]:
                for name in (stem, f"{stem}Left", f"{stem}Right"):
                    if name in CONTROLS:
                        row[CONTROLS.index(name)] = np.clip(amount * rng.normal(1.0, 0.08), 0.0, 1.0)
        jaw = strength * rng.uniform(0.0, 0.8) if rng.random() < 0.6 else 0.0
        row[CONTROLS.index("jawOpen")] = jaw
        row[CONTROLS.index("mouthClose")] = jaw * rng.uniform(0.0, 1.0) if rng.random() < 0.2 else 0.0
        row[CONTROLS.index("lipSeal")] = float(jaw < 0.05 and rng.random() < 0.7)
        side, height = np.clip(rng.normal(0.0, 0.35, 2), -1.0, 1.0)
        for eye, outward in (("Left", "Out"), ("Right", "In")):
            inward = "In" if outward == "Out" else "Out"
            row[CONTROLS.index(f"eyeLook{outward if side > 0 else inward}{eye}")] = abs(side)
            row[CONTROLS.index(f"eyeLook{'Up' if height > 0 else 'Down'}{eye}")] = abs(height)
    return out


def random_scene(rng: np.random.Generator) -> Scene:
    """From in front, up to 20 degrees to the side, near or far, so that the face fills the same part of the picture."""
    distance = rng.uniform(0.35, 1.0)
    yaw, pitch = rng.normal(0.0, 0.16), rng.normal(0.0, 0.09)
    place = distance * np.array([np.sin(yaw), np.sin(pitch), np.cos(yaw)])
    camera = Camera(
        (float(place[0]), float(place[1]), float(place[2])), (0.0, -0.02, 0.0), 2.0 * float(np.arctan(0.145 / distance))
    )
    return make_scene(camera=camera, light=str(rng.choice(LIGHTS)), width=SIZE, height=SIZE)


def people(count: int, detect: Detect, *, seed: int) -> Iterator[Person]:
    """Make them one after the other; whoever is not found as a face is left out."""
    head, skins = load_head(), characters()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        betas = identity(
            race=RACE[number % 3],
            gender=GENDER[number // 3 % 2],
            age=float(rng.uniform(0.55, 0.95)),
            weight=float(rng.uniform(0.3, 0.7)),
            seed=number + 1000,
        )
        skin, controls = skins[number % len(skins)].skin, random_controls(rng, rests=number % 2 == 0)
        made = _person(head, detect, betas=betas, skin=skin, controls=controls, scene=random_scene(rng))
        if made is not None:
            yield made


def _person(
    head: Head, detect: Detect, *, betas: Array, skin: SkinParams, controls: Float[Array, "pose control"], scene: Scene
) -> Person | None:
    person = head.with_identity(betas)
    renderer = FastRenderer(head, betas=betas, skin=skin, scene=scene)
    posed = pose_from_controls(controls, control_joints=head.control_joints)
    vertices = person.pose_vertices(expression=posed.expression, jaw_pose=posed.jaw_pose, eye_pose=posed.eye_pose)
    wrinkles = folding(wrinkle_model(person), controls).astype(np.float32)
    points = head.landmark478_points
    assert points is not None
    truth = points.of(np.asarray(vertices, np.float64))
    view = view_matrix(placed(scene.camera, origin=person.eyes_middle()))
    focal = focal_pixels(scene.camera, width=SIZE, height=SIZE)
    rows, offsets, kept = np.zeros(POSES, ROW), [], []
    for i in range(POSES):
        pose = Pose(np.asarray(vertices[i], np.float32), wrinkles[i], np.zeros(len(BLOOD_REGIONS), np.float32))
        faces = detect(renderer.render(pose))
        if not faces:
            continue
        rows[i]["time"], rows[i]["found"] = i, True
        rows[i]["landmarks"], rows[i]["scores"] = faces[0].landmarks, faces[0].scores
        camera = truth[i] @ view[:, :3].T + view[:, 3]
        seen_at = SIZE / 2.0 + focal * camera[:, :2] / -camera[:, 2:] * [1.0, -1.0]
        beside = (faces[0].landmarks - seen_at) * (-camera[:, 2:] / focal) * [1.0, -1.0]
        offsets.append(beside @ np.linalg.inv(view[:2, :2]).T)
        kept.append(i)
    if len(kept) < POSES // 2:
        return None
    facts = FilmFacts(Path("made"), POSES, 25.0, 1.0, 0.0, 0.0)
    watched = Watched(facts=facts, rows=rows[kept], width=SIZE, height=SIZE, remarks=())
    return Person(watched, controls[kept], np.median(offsets, axis=0), focal / SIZE * FILM_MM)


def answers_of(person: Person) -> Float[Array, "frames answer"]:
    """What the reader is to say of each picture."""
    pose = pose_from_controls(person.controls, control_joints=load_head().control_joints)
    answers: Array = np.c_[person.controls[:, FITTED_INDEX], pose.eye_pose[:, 0, :NUM_GAZE]].astype(np.float64)
    return answers


def learnt(features: Array, answers: Array, *, seed: int) -> Reader:
    """Mean error, not its square: most controls of a face are exactly at rest, and are to stay there."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 0.02
    x = torch.tensor(((features - mean) / scale).clip(-MOST, MOST), dtype=torch.float32)
    y = torch.tensor(answers * ANSWER_SCALE, dtype=torch.float32)
    hidden = [torch.nn.Linear(a, HIDDEN) for a in (x.shape[1], HIDDEN)]
    last, straight = torch.nn.Linear(HIDDEN, y.shape[1]), torch.nn.Linear(x.shape[1], y.shape[1], bias=False)
    net = torch.nn.ModuleList([*hidden, last, straight])
    steps = EPOCHS * (len(x) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    bounded = torch.arange(y.shape[1]) < len(FITTED)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH)[: len(x) // BATCH]:
            seen = x[batch] + NOISE * torch.randn(len(batch), x.shape[1])
            inner = seen
            for layer in hidden:
                inner = torch.nn.functional.dropout(torch.tanh(layer(inner)), DROPOUT)
            said = last(inner) + straight(seen)
            # Beyond a bound is as good as at it: the answer is clipped.
            said = torch.where(bounded & (y[batch] <= 0.0), said.clamp(min=0.0), said)
            said = torch.where(bounded & (y[batch] >= 1.0), said.clamp(max=1.0), said)
            loss = torch.nn.functional.smooth_l1_loss(said, y[batch], beta=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    rows = [torch.cat([layer.weight.T, layer.bias[None]]).detach().numpy() for layer in (*hidden, last)]
    return Reader(
        mean, scale, rows[0], rows[1], rows[2] / ANSWER_SCALE, straight.weight.T.detach().numpy() / ANSWER_SCALE
    )


def told(read: Array, real: Array) -> None:
    """Print error and correlation of each answer."""
    for i, name in enumerate((*FITTED, "gaze pitch", "gaze yaw")):
        r = np.corrcoef(read[:, i], real[:, i])[0, 1] if real[:, i].std() > 0.01 else np.nan
        print(f"  {name:<20} error {np.abs(read[:, i] - real[:, i]).mean():.3f}  r {r:.2f}")


def main() -> None:
    """Make the people, learn from three quarters of them, say how well the others are known, then learn from all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=TABLES, metavar="FILE")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with face_detector() as detect:
        everybody = list(people(asked.people, detect, seed=asked.seed))
    bias = np.mean([person.beside for person in everybody], axis=0)
    bias[NUM_SKIN:] = 0.0
    head, features = load_head(), []
    for number, person in enumerate(everybody):
        fit = landmark_fit(person.watched, head, focal_mm=person.focal_mm, bias=bias)
        features.append(fit.features)
        print(f"person {number}: {100 * fit.fitted.who.error:.2f} % of the eye distance", flush=True)
    answers = [answers_of(person) for person in everybody]
    split = max(1, 3 * len(everybody) // 4)
    if split < len(everybody):
        reader = learnt(np.concatenate(features[:split]), np.concatenate(answers[:split]), seed=asked.seed)
        told(reader(np.concatenate(features[split:])), np.concatenate(answers[split:]))
    reader = learnt(np.concatenate(features), np.concatenate(answers), seed=asked.seed)
    arrays = {"bias": bias, **{name: getattr(reader, name) for name in Reader.__dataclass_fields__}}
    np.savez(
        asked.output, fitted=np.array(FITTED), **{name: value.astype(np.float32) for name, value in arrays.items()}
    )
    print(f"{asked.output}: {len(everybody)} people, {sum(map(len, answers))} pictures, mean bias "
          f"{1e3 * np.abs(bias).mean():.2f} mm")  # fmt: skip


if __name__ == "__main__":
    main()
