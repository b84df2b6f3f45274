"""When each frame of a live performance is due, by the clock of the sound itself.

Two clocks never agree, so a schedule by ours alone would drift from the sound. The earliest arrivals of the last second
say when the sound began; a frame is due as long after its instant as it takes to be known, plus the usual piece of
sound, so that pieces of any length come out as even frames.
"""

from collections import deque
from statistics import median

WINDOW_SECS = 1.0
EARLIEST_SECS, DRIFT = 0.15, 0.001
"""Sound comes no earlier than its first piece said, but for jitter and this share of the time: else it has no clock."""
JUMP_SECS = 0.3  # Sound that comes so much later than the piece before is after a break.
SPARE_SECS = 0.012  # For the performance itself.
LONGEST_LAG_SECS = 0.5
OFTEN_SECS, CLOSEST = 0.1, 0.25
"""A face that lags shows a frame so often, instead of all of them ever later; and none sooner after another than this
share of a frame."""


class Pace:
    """Told of every piece of sound; says when frames are due, and which come too late. Times are a clock's seconds."""

    def __init__(self, *, fps: float, delay_secs: float) -> None:
        """`delay_secs` after its instant a frame is known."""
        self._fps, self._delay_secs = fps, delay_secs
        self._pieces: deque[tuple[float, float, float]] = deque()
        """Arrival less sound, sound so far, length."""
        self._first: float | None = None
        self._heard_secs, self._lost_secs, self._sent = 0.0, 0.0, -float("inf")

    def hears(self, came_at: float, *, secs: float, frame: int, now: float) -> bool:
        """A piece of sound has come, `secs` long: whether it is performed, for the next `frame`.

        Where the face lags too far sound is lost, and there are no frames of it.
        """
        self._heard_secs += secs
        began = came_at - self._heard_secs
        if self._first is None:
            self._first = began
        began = max(began, self._first - EARLIEST_SECS - DRIFT * self._heard_secs)
        if self._pieces and began > self._pieces[-1][0] + JUMP_SECS:
            self._pieces.clear()
        self._pieces.append((began, self._heard_secs, secs))
        while self._pieces[0][1] < self._heard_secs - max(WINDOW_SECS, secs):
            self._pieces.popleft()
        lags = now - self.due(frame) > LONGEST_LAG_SECS
        self._lost_secs += secs * lags
        return not lags

    @property
    def behind_secs(self) -> float:
        """How long after its instant a frame is shown."""
        return self._delay_secs + median(secs for _, _, secs in self._pieces) + SPARE_SECS

    def due(self, frame: int) -> float:
        """When to show a frame."""
        began = min(began for began, _, _ in self._pieces) + self._lost_secs
        return began + frame / self._fps + self.behind_secs

    def shows(self, frame: int, *, now: float) -> bool:
        """Whether a frame is to be shown now; it is left out if it is late and one was shown just before."""
        late = now - self.due(frame) > 1.0 / self._fps
        if now - self._sent < (OFTEN_SECS if late else CLOSEST / self._fps):
            return False
        self._sent = now
        return True
