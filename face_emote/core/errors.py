"""Errors a user can act on: what was found, what to do, and the path last; and warnings, after which work goes on."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class FaceEmoteError(Exception):
    """Base of every error that this package raises on purpose; the command line prints it and exits with 2."""


class AudioError(FaceEmoteError):
    """The speech file is missing, unreadable, empty or not sound."""


class AlignmentError(FaceEmoteError):
    """The transcript does not fit the speech, or holds nothing that can be spoken."""


class CuesError(FaceEmoteError):
    """A file of words and sounds is missing, damaged, or says what no mouth can do."""


class HeartError(FaceEmoteError):
    """A recording of a body is missing, damaged, or is not one of anybody who lives."""


class SpeakerError(FaceEmoteError):
    """Nobody here can say a text, or the one who should does not."""


class EmotionError(FaceEmoteError):
    """An emotion description cannot be read, or holds a word that the lexicon does not know."""


class MotionFileError(FaceEmoteError):
    """A motion file is missing, damaged, of another version or of another kind."""


class CaptureError(FaceEmoteError):
    """A film is missing or damaged, or shows no face that can be followed."""


class HeadError(FaceEmoteError):
    """A head file cannot be used, or a motion belongs to another face model."""


class OptionError(FaceEmoteError):
    """An option's value is out of its range, or options contradict each other."""


class OutputError(FaceEmoteError):
    """The result cannot be written there."""


class DependencyError(FaceEmoteError):
    """A feature needs an extra that is not installed; the message holds the command that installs it."""


class ConfigError(FaceEmoteError):
    """A training configuration cannot be used."""


class CorpusError(FaceEmoteError):
    """Training data are missing, damaged or do not fit each other."""


class CheckpointError(FaceEmoteError):
    """A file of network weights is missing, damaged, of another version or does not fit its own configuration."""


class BlenderError(FaceEmoteError):
    """Blender, in its own process, could not do its work; the message names its log."""


class ProvenanceError(FaceEmoteError):
    """A file cannot be signed, or its mark cannot be read."""


class BatchError(FaceEmoteError):
    """A batch cannot be started, or some of its rows failed."""


class FaceEmoteWarning(UserWarning):
    """What a person should know about the input, such as that nobody speaks in it."""


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Inside the block our warnings go to stderr as the sentence that they are, for people who see no code."""

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
        line: str | None = None,
    ) -> None:  # fmt: skip
        if issubclass(category, FaceEmoteWarning):
            sys.stderr.write(f"face-emote: {message}\n")
        else:
            usual(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", FaceEmoteWarning)
        warnings.showwarning = show
        yield
