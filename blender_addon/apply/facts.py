# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action knows of itself as a take."""

import functools
import json
import secrets
import time
from typing import Any

from ..names import TAKE_KEY


def new_id() -> str:
    """Ids sort by age, so that among copies the first can be told."""
    return f"{time.time_ns():016x}{secrets.token_hex(4)}"


def facts_of(action: Any) -> dict[str, Any]:
    """A take's ids, speech, emotion, style, seed, person, files, start frame and former values; not to be changed."""
    return _read(str(action.get(TAKE_KEY, "")))


def write_facts(action: Any, facts: dict[str, Any]) -> None:
    """Store them in the action."""
    action[TAKE_KEY] = json.dumps(facts)


@functools.lru_cache(maxsize=512)
def _read(text: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
