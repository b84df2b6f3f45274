# SPDX-License-Identifier: GPL-3.0-or-later
"""What all operators share: a reason when they cannot be pressed, a sentence when they fail."""

from typing import Any

import bpy

from ..messages import tr
from ..report import attempt


class Button(bpy.types.Operator):
    """Something that can be pressed: a subclass says why it cannot (`_refusal`), and what it does (`_work`)."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether it can be pressed; the reason why not becomes its tooltip."""
        reason = cls._refusal(context)
        if reason:
            cls.poll_message_set(tr(reason))
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it."""
        return attempt(self, lambda: self._work(context))

    @staticmethod
    def _refusal(context: Any, /) -> str:
        return ""

    def _work(self, context: Any) -> None:
        raise NotImplementedError
