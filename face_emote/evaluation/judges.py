"""Independent judges: small nets of another seed than any that taught, and what they must be able to do."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from face_emote.core.arrays import Array, Float
from face_emote.core.types import FaceMotion
from face_emote.network.experts import COMPOUNDS_JUDGE, EMOTIONS_JUDGE, SYNC_JUDGE, load_classifier, load_sync


@runtime_checkable
class SyncJudge(Protocol):
    """Measures how far lips are off the sound."""

    def offset_and_confidence(
        self, log_mels: Float[Array, "rows band=40"], lips: Float[Array, "frames channel=3"]
    ) -> tuple[float, float]:
        """As `network.experts.SyncExpert.offset_and_confidence`."""
        ...


@runtime_checkable
class EmotionJudge(Protocol):
    """Names the emotion of a performance."""

    @property
    def emotions(self) -> tuple[str, ...]:
        """The names that it distinguishes."""
        ...

    def classify(self, motion: FaceMotion) -> str:
        """One of `emotions`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Judges:
    """Whoever is there; a judge that is missing leaves its measures out, and says why."""

    sync: SyncJudge | None = None
    emotions: EmotionJudge | None = None
    compounds: EmotionJudge | None = None
    absent: tuple[str, ...] = ()
    """Why some are missing, one sentence each."""


def bundled_judges() -> Judges:
    """The judges that come with the package; raises CheckpointError when one of their files is damaged."""
    there = [path.is_file() for path in (SYNC_JUDGE, EMOTIONS_JUDGE, COMPOUNDS_JUDGE)]
    names = ("sync", "emotions", "compound emotions")
    missing = ", ".join(name for name, found in zip(names, there, strict=True) if not found)
    return Judges(
        sync=load_sync() if there[0] else None,
        emotions=load_classifier() if there[1] else None,
        compounds=load_classifier(COMPOUNDS_JUDGE) if there[2] else None,
        absent=(f"no judge of {missing} is in this installation; its measures are left out",) if missing else (),
    )
