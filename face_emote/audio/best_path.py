"""The memory of a Viterbi search over a stream: back pointers that are let go as soon as all survivors agree."""

import numpy as np

from face_emote.core.arrays import Array, Int


class Traceback:
    """Exact best path through a stream of any length.

    All surviving paths share one past: from where they agree on, that past is settled and its pointers are dropped.
    Memory is thus bounded by how long rivals last (a fraction of a second in speech), and the result is the
    same as if everything had been kept.
    """

    def __init__(self, num_states: int) -> None:
        self._num_states = num_states
        self._pointers: list[Int[Array, " state"]] = []

    def push(self, came_from: Int[Array, " state"]) -> None:
        """Add a frame: for each state, the state of the frame before from which its best path came."""
        self._pointers.append(came_from)

    def settled(self) -> list[int]:
        """States of the frames that no future can change any more, in order; each frame is given out once.

        The first pushed pointers lead to the frame before the first push: that frame comes first.
        """
        survivors = np.arange(self._num_states)
        for t in range(len(self._pointers) - 1, -1, -1):
            survivors = np.unique(self._pointers[t][survivors])
            if len(survivors) == 1:
                path = self._back(int(survivors[0]), t)
                self._pointers = self._pointers[t + 1 :]
                return path
        return []

    def finish(self, last_state: int) -> list[int]:
        """States of all remaining frames, given the state of the last one."""
        path = self._back(last_state, len(self._pointers))
        self._pointers = []
        return path

    def _back(self, state: int, frame: int) -> list[int]:
        """The path that reaches `state` after `frame` pushes, from the first frame that was not given out yet."""
        path = [state]
        for pointers in reversed(self._pointers[:frame]):
            state = int(pointers[state])
            path.append(state)
        return path[::-1]
