"""A performance that goes to other programs as it is spoken: sound from anywhere, frames paced by its clock."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from face_emote.audio.microphone import microphone
from face_emote.audio.reader import SpeechSource, open_speech, regroup
from face_emote.audio.resampler import resample
from face_emote.cli.streaming import Folder, JsonLines, pcm_pieces, performer_of, require_piped, until_nobody_reads
from face_emote.core.arrays import Array, Float
from face_emote.core.errors import OptionError
from face_emote.core.names import SAMPLE_RATE_HZ
from face_emote.core.options import Performance
from face_emote.core.timing import frames_in
from face_emote.core.types import FaceMotion
from face_emote.face.head import Head
from face_emote.formats.arkit import ArkitCurves
from face_emote.formats.live_targets import LiveFrame, LiveLinkSender, LiveTarget, VmcSender, parse_target, vmc_names
from face_emote.formats.rig import RigCurves, found_rig
from face_emote.motion.live.pace import Pace
from face_emote.rigs.rig_file import Rig

VMC_RIG = "vrm"  # Whose names are sent by osc:// unless others are chosen.
PIECE_SECS, LONGEST_PIECE_SECS = 0.02, 0.13
"""In which sound is taken; programs that record give an eighth of a second at a time, unless they are told."""
STALL_SECS = 0.25  # After so long without any sound the face goes on in silence.
TAIL_SECS, REST_SECS = 0.6, 0.5  # Behind the end the mouth closes in silence, then the face goes to rest.
_STEP = round(PIECE_SECS * SAMPLE_RATE_HZ)
_WAITING = 300  # Pieces that may wait.
Piece = tuple[float, Float[Array, " _samples"]]  # Sound, and the instant at which it was complete (`time.monotonic`).

Sender = JsonLines | LiveLinkSender | VmcSender


@dataclass(frozen=True, slots=True)
class LiveWay:
    """From where to where."""

    targets: tuple[LiveTarget, ...]
    speech: Path | None = None
    mic: str | None = None  # A device; empty for the usual one.
    rate_hz: int = SAMPLE_RATE_HZ  # Of the sound on stdin, which is heard if there is no other.
    rig: str | None = None


def live_way(to: tuple[str, ...], *, speech: Path | None, mic: str | None, rate_hz: int, rig: str | None) -> LiveWay:
    """Read the options. Raises OptionError for an address that is none, or two places to hear."""
    if speech is not None and mic is not None:
        raise OptionError("--mic and SPEECH are both to be heard; leave one of them out")
    targets = tuple(dict.fromkeys(map(parse_target, to or ("json",))))
    if rig is not None and all(target.kind == "livelink" for target in targets):
        raise OptionError("livelink:// always has ARKit's curves; --rig is for osc:// and json")
    return LiveWay(targets, speech, mic, rate_hz, rig)


def perform_to(way: LiveWay, performance: Performance, *, output: Path | None, fps: float, latency_ms: int) -> None:
    """Perform what is heard until it ends, or until Ctrl-C; then the face goes to rest.

    AudioError: no sound can be heard there. OptionError: an address, rate, latency or fps cannot be used, or the folder
    holds motion files already. DependencyError: an address or the microphone needs a package that is not installed.
    """
    with until_nobody_reads(), _heard(way) as (rate_hz, pieces):
        performer = performer_of(performance, fps=fps, latency_ms=latency_ms)
        stage = _Stage(
            way,
            head=performer.head,
            pace=Pace(fps=fps, delay_secs=performer.delay_secs),
            fps=fps,
            latency_ms=latency_ms,
            folder=None if output is None else Folder(output, fps=fps),
        )
        try:
            for came_at, samples in _with_tail(_resampled(pieces, rate_hz)):
                if stage.hears(came_at, samples):
                    for first in range(0, len(samples), _STEP):
                        stage.play(performer.feed(samples[first : first + _STEP]))
            stage.play(performer.finish())
        except KeyboardInterrupt:
            pass  # This is how somebody who speaks comes to an end.
        finally:
            stage.rest()
            stage.close()


class _Stage:
    """Shows frames when they are due."""

    def __init__(
        self, way: LiveWay, *, head: Head, pace: Pace, fps: float, latency_ms: int, folder: Folder | None
    ) -> None:
        self._pace, self._fps, self._folder, self._way = pace, fps, folder, way
        rig = _rig_of(way)
        # Whoever reads stdout may go away; then the others have had their frame.
        targets = sorted(way.targets, key=lambda target: target.kind == "json")
        self._senders = [_sender(target, rig=rig, fps=fps, latency_ms=latency_ms) for target in targets]
        self._arkit = ArkitCurves(head)
        rig_curves = None if rig is None else RigCurves(head, rig=rig)
        self._names = () if rig_curves is None else rig_curves.names
        self._curves = None if rig_curves is None else rig_curves.frame_by_frame(fps=fps)
        self._frame = self._sent = 0
        self._last: FaceMotion | None = None
        self._midnight = _secs_of_day() - time.monotonic()

    def hears(self, came_at: float, samples: Float[Array, " _samples"]) -> bool:
        """Whether a piece of sound is performed."""
        secs = len(samples) / SAMPLE_RATE_HZ
        return self._pace.hears(came_at, secs=secs, frame=self._frame, now=time.monotonic())

    def play(self, motions: list[FaceMotion]) -> None:
        """Wait for each frame's time, and show it, unless it is over."""
        if self._folder is not None:
            self._folder.write(motions)
        for motion in motions:
            for i in range(motion.num_frames):
                due = self._pace.due(self._frame)
                if self._pace.shows(self._frame, now=max(due, time.monotonic())):
                    self._show(motion.part(i, i + 1), due=due)
                self._frame += 1

    def rest(self) -> None:
        """Ease from the last frame to a face at rest."""
        last, count = self._last, frames_in(REST_SECS, fps=self._fps)
        if last is None:
            return
        began = time.monotonic()
        for i in range(1, count + 1):
            left = np.float32(0.5 + 0.5 * np.cos(np.pi * i / count))
            rows = {name: getattr(last, name) * left for name in last.row_names}
            self._show(replace(last, **rows), due=began + i / self._fps)
            self._frame += 1
        late = self._frame - self._sent
        click.echo(f"face-emote: {self._sent} frames sent, {late} left out because they came late", err=True)

    def close(self) -> None:
        """There will be no more."""
        for taker in (*self._senders, *([] if self._folder is None else [self._folder])):
            taker.close()

    def _show(self, row: FaceMotion, *, due: float) -> None:
        arkit = self._arkit.of(row)[0]
        values = [] if self._curves is None else self._curves(row).tolist()
        frame = LiveFrame(
            motion=row,
            secs=self._frame / self._fps,
            day_secs=self._midnight + due,
            arkit=arkit,
            curves=dict(zip(self._names, values, strict=True)),
        )
        time.sleep(max(due - time.monotonic(), 0.0))
        for sender in self._senders:
            sender.send(frame)
        if not self._sent:
            places = ", ".join(map(str, self._way.targets))
            behind = 1000.0 * self._pace.behind_secs
            click.echo(f"face-emote: {places}: {self._fps:g} frames a second, {behind:.0f} ms behind the sound; "
                       "Ctrl-C ends it", err=True)  # fmt: skip
        self._last, self._sent = row, self._sent + 1


def _rig_of(way: LiveWay) -> Rig | None:
    name = way.rig or (VMC_RIG if any(target.kind == "osc" for target in way.targets) else None)
    if name is None:
        return None
    rig = found_rig(name)
    if not isinstance(rig, Rig) or not rig.targets:
        raise OptionError(
            f"Live there are curves with names, and {name} has none; choose vrm, vrm0, arkit or a mapping"
        )
    return rig


def _sender(
    target: LiveTarget, *, rig: Rig | None, fps: float, latency_ms: int
) -> JsonLines | LiveLinkSender | VmcSender:
    if target.kind == "json":
        return JsonLines(fps=fps, latency_ms=latency_ms)
    if target.kind == "livelink":
        return LiveLinkSender(target, fps=fps)
    assert rig is not None
    return VmcSender(target, names=vmc_names(rig))


def _secs_of_day() -> float:
    now = time.time()
    local = time.localtime(now)
    return 3600.0 * local.tm_hour + 60.0 * local.tm_min + local.tm_sec + now % 1.0


@contextmanager
def _heard(way: LiveWay) -> Iterator[tuple[int, Iterator[Piece]]]:
    """Samples a second, and the sound."""
    if way.speech is not None:
        # Opened before any package that an address needs: a mistyped name is told first.
        yield SAMPLE_RATE_HZ, _of_source(open_speech(way.speech))
        return
    inbox: queue.Queue[Piece | None] = queue.Queue(_WAITING)
    if way.mic is not None:

        def hear(came_at: float, samples: Array) -> None:
            if not inbox.full():
                inbox.put_nowait((came_at, samples))

        with microphone(way.mic, hear) as rate_hz:
            yield rate_hz, _taken(inbox, rate_hz, ended=threading.Event())
        return
    require_piped(way.rate_hz, command="animate --stream")
    # Not the buffer of stdin: a thread that waits in it would keep the program from ending.
    read: Callable[[int], bytes] = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer).read
    ended = threading.Event()

    def read_on() -> None:
        for samples in pcm_pieces(read, most=2 * round(LONGEST_PIECE_SECS * way.rate_hz)):
            inbox.put((time.monotonic(), samples))
        ended.set()
        inbox.put(None)

    threading.Thread(target=read_on, daemon=True).start()
    yield way.rate_hz, _taken(inbox, way.rate_hz, ended=ended)


def _of_source(source: SpeechSource) -> Iterator[Piece]:
    done, began = 0, None
    for samples in regroup(source.blocks(), _STEP):
        began = time.monotonic() if began is None else began
        done += len(samples)
        yield began + done / SAMPLE_RATE_HZ, samples


def _taken(inbox: "queue.Queue[Piece | None]", rate_hz: int, *, ended: threading.Event) -> Iterator[Piece]:
    """What comes in; silence where nothing does."""
    # Somebody has been speaking while the network was loaded, and that is over. What comes without a clock waits.
    while not (inbox.empty() or inbox.full() or ended.is_set()):
        inbox.get_nowait()
    ready_at = time.monotonic()
    while True:
        try:
            piece = inbox.get(timeout=STALL_SECS)
        except queue.Empty:
            piece = time.monotonic(), np.zeros(round(STALL_SECS * rate_hz), np.float32)
        if piece is None:
            return
        yield max(piece[0], ready_at), piece[1]


def _with_tail(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The sound, and silence behind it, if there was any."""
    ended_at = 0.0
    for came_at, samples in pieces:
        ended_at = came_at
        yield came_at, samples
    silence = np.zeros(_STEP, np.float32)
    for i in range(round(TAIL_SECS / PIECE_SECS) if ended_at else 0):
        yield ended_at + (i + 1) * PIECE_SECS, silence


def _resampled(pieces: Iterator[Piece], rate_hz: int) -> Iterator[Piece]:
    """At 16 kHz."""
    last = 0.0

    def samples_alone() -> Iterator[Array]:
        nonlocal last
        for came_at, samples in pieces:
            last = came_at
            yield samples

    for samples in resample(samples_alone(), rate_in=rate_hz):
        yield last, np.clip(samples, -1.0, 1.0)
