# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a take made again with the take's own settings, the rest of the face as it was."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ..apply import gaze, identity, mouth, takes
from ..apply.facts import facts_of
from ..apply.writing import keep_layers, motion_curves
from ..engine import jobs
from ..engine.current import SESSION
from ..folders import user_folder
from ..messages import tr
from ..report import UserError


def directed(character: Any, request: dict[str, Any], *, action: Any | None, frames: list[float]) -> dict[str, Any]:
    """A request that says what the character looks at, and when it blinks, where somebody has decided that."""
    said = gaze.directions(
        character, user_folder("takes"), action=action, frames=frames, fps=float(request["fps"])
    )  # fmt: skip
    if said and character.face_emote.gaze_target is not None:
        sliders = request.get("sliders", {})
        said |= {"sliders": sliders | {"gaze": gaze.STEADY * sliders.get("gaze", 1.0)}}
    return request | said


def remake(scene: Any, take: Any, *, regions: tuple[str, ...], keep_others: bool = False) -> None:
    """Perform a take again with its stored cues, blinks and target, and write some layers of it.

    `keep_others` takes everything else from the file before; without it, what no mouth moves.
    """
    facts, folder, character = facts_of(take), user_folder("takes"), scene.face_emote.target
    request = facts.get("request")
    if not request or not Path(request["speech"]).is_file():
        raise UserError("The take's speech or settings are gone; re-bake the take first")
    if isinstance(request.get("style"), dict):  # As takes of 0.2 remember their sliders.
        request = {name: value for name, value in request.items() if name != "style"} | {"sliders": request["style"]}
    request = request | mouth.request_of(take, folder)
    request = directed(character, request, action=take, frames=gaze.frames_of(take, character))
    code = hashlib.sha256(json.dumps([request, regions, facts.get("motion")], sort_keys=True).encode()).hexdigest()[:16]
    request["path"] = str(folder / f"{code}.npz")
    uid, number, scene_again = identity.id_of(character), facts["id"], jobs.remembered(scene)

    def done(result: dict[str, Any]) -> None:
        if keep_others:
            keep_layers(Path(result["path"]), motion_curves(facts), regions=regions)
        else:
            mouth.keep_rest(Path(result["path"]), motion_curves(facts))
        changed = {name: result[name] for name in ("motion", "animator", "speech_sha256", "cues")}
        jobs.run_operator(
            "apply_take", scene=scene_again(), filepath=result["path"], facts=json.dumps(facts | changed),
            character=uid, first_frame=int(facts["first_frame"]), take=number, regions=",".join(regions),
        )  # fmt: skip
        again, owner = takes.take_by_id(number), scene_again()
        if again is not None and owner is not None and owner.face_emote.cues_take == number:
            mouth.unmark(owner)
            mouth.list_cues(owner.face_emote, again)
        SESSION.status = tr("{regions} of {name}: made again", regions=", ".join(regions).capitalize(), name=take.name)

    jobs.submit(
        tr("{regions} of {name}", regions=", ".join(regions), name=take.name),
        method="generate", params=request, done=done,
    )  # fmt: skip
