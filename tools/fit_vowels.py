"""Fit the reading of vowels (`face_emote.rigs.vowels`) to recordings with transcripts.

    python -m tools.fit_vowels FOLDER --every 5 -o assets/rigs/vowels.npz

FOLDER holds `transcripts.json` (words by the recording's name) and `audio/*.ogg`. The bundled network performs every
recording, and the frames of each vowel are those that the alignment of its transcript says.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from face_emote.audio.analyse import analyse
from face_emote.core.arrays import Array, Float, Int
from face_emote.core.errors import FaceEmoteError
from face_emote.core.types import FaceMotion, Phone
from face_emote.rigs.vowels import VowelReading, mouth_features
from face_emote.verbs.animate import animate
from tools.vowel_figures import mouth_controls, vowel_frames

FEELINGS = ("joy", "anger", "sadness", "surprise", "fear", "disgust")

OFTEN = 0.5
"""How much it counts which sounds are said often: 1 is fewest errors, at 0 rare sounds are heard as well as others."""


def performed(folder: Path, *, every: int) -> Iterator[tuple[FaceMotion, tuple[Phone, ...]]]:
    """Motions and phones of every so many-th recording, if its transcript fits: with it, and without it but felt."""
    words = json.loads((folder / "transcripts.json").read_text(encoding="utf-8"))
    for number, path in enumerate(sorted((folder / "audio").glob("*.ogg"))[::every]):
        try:
            phones = analyse(path, transcript=words[path.stem]).phones
            yield animate(path, transcript=words[path.stem], emotion="neutral"), phones
            yield animate(path, emotion=FEELINGS[number % len(FEELINGS)]), phones
        except FaceEmoteError as error:
            print(error)


def rows_of(motion: FaceMotion, phones: tuple[Phone, ...]) -> tuple[Array, Array]:
    """Features of every frame, and the vowel that is said on it."""
    said = vowel_frames(phones, num_frames=motion.num_frames, fps=motion.fps)
    return mouth_features(mouth_controls(motion), fps=motion.fps), said


def main() -> None:
    """Fit, and write the arrays."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    features, vowels = zip(*(rows_of(*item) for item in performed(given.folder, every=given.every)), strict=True)
    reading = fitted_reading(np.concatenate(features), np.concatenate(vowels))
    np.savez(given.output, weights=reading.weights.astype(np.float32), offsets=reading.offsets.astype(np.float32))


def fitted_reading(features: Float[Array, "frame feature"], vowels: Int[Array, " frame"]) -> VowelReading:
    """Linear discriminants of frames whose vowel (an index into `VOWEL_SOUNDS`, -1: none) is known."""
    said = vowels >= 0
    of_vowels, offsets = _discriminant(features[said], vowels[said])
    of_speech, ends = _discriminant(features, said.astype(np.int64))
    return VowelReading(
        np.column_stack([of_vowels, of_speech[:, 1] - of_speech[:, 0]]), np.append(offsets, ends[1] - ends[0])
    )


def _discriminant(
    features: Float[Array, "frame feature"], classes: Int[Array, " frame"]
) -> tuple[Float[Array, "feature class"], Float[Array, " class"]]:
    """Fisher's, for classes of one covariance."""
    often = np.bincount(classes) / len(classes)
    means = np.stack([features[classes == item].mean(axis=0) for item in range(len(often))])
    within = np.cov((features - means[classes]).T) + 1e-4 * np.eye(features.shape[1])
    weights = np.linalg.solve(within, means.T)
    return weights, OFTEN * np.log(often) - 0.5 * np.sum(means.T * weights, axis=0)


if __name__ == "__main__":
    main()
