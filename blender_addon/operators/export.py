# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as files for other programs, and a quick video."""

import contextlib
from pathlib import Path
from typing import Any

import bpy

from .. import compat, reasons
from ..apply import own_mesh, takes
from ..engine import jobs
from ..engine.current import SESSION
from ..messages import tr
from ..report import UserError, attempt
from .button import Button

FORMATS = (".glb", ".csv", ".json", ".bvh", ".pc2", ".mdd", ".usda", ".usdc", ".npz")


class FACEEMOTE_OT_export_take(Button):
    """Write the take as glTF, USD, point cache, Live Link CSV, ARKit JSON or BVH. An own mesh with its corrections"""

    bl_idname = "face_emote.export_take"
    bl_label = "Export Take"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = reasons.no_motion(context)
        path = Path(bpy.path.abspath(context.scene.face_emote.export_path))
        if not reason and path.suffix.lower() not in FORMATS:
            reason = tr("The file's ending must be one of {names}", names=" ".join(FORMATS))
        character = context.scene.face_emote.target
        if not reason and own_mesh.exports(character, path):
            shown = takes.is_shown(reasons.chosen_take(context), character)
            reason = "" if shown else "Show the take first; the mesh is written as it plays"
        return reason

    def _work(self, context: Any) -> None:
        take = takes.require_take(reasons.chosen_take(context))
        facts, path = takes.facts_of(take), placed(context.scene.face_emote.export_path)
        character = context.scene.face_emote.target
        if own_mesh.exports(character, path):
            own_mesh.export(context, character, take, path=path)
            SESSION.status, SESSION.failed = tr("Wrote {path}", path=path), False
            return
        params = {"motion": facts["motion"], "path": str(path), "person": facts.get("person", {})}
        jobs.submit(tr("export {name}", name=path.name), method="export", params=params, done=_said(path))


class FACEEMOTE_OT_quick_video(Button):
    """Draw the timeline with Workbench, textured, into a video with sound; Blender can be used meanwhile"""

    bl_idname = "face_emote.quick_video"
    bl_label = "Quick Video"
    bl_options = {"REGISTER"}

    @staticmethod
    def _refusal(context: Any) -> str:
        reason = reasons.busy(context)
        if not reason and context.scene.camera is None:
            reason = "Add a camera first (Add Camera and Light)"
        if not reason and bpy.app.is_job_running("RENDER"):
            reason = "Another render runs"
        return reason

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Render as a job of the window; the scene's settings come back when it ends."""
        return attempt(self, lambda: self._render(context, "INVOKE_DEFAULT"))

    def _work(self, context: Any) -> None:
        self._render(context, "EXEC_DEFAULT")

    def _render(self, context: bpy.types.Context, way: str) -> None:
        path = placed(context.scene.face_emote.video_path)
        settings = VideoSettings(context.scene, path)
        try:
            bpy.ops.render.render(way, animation=True)
        except RuntimeError:
            settings.put_back()
            raise
        if way == "EXEC_DEFAULT" or bpy.app.background:
            settings.finish()
            if SESSION.failed:
                raise UserError(SESSION.status)
            self.report({"INFO"}, SESSION.status)


class VideoSettings:
    """A scene's settings for a quick video, and how they were: put back when the render ends or is cancelled."""

    def __init__(self, scene: Any, path: Path) -> None:
        self._scene_again, self._path = jobs.remembered(scene), path
        former, self._is_over = [_simple_values(owner) for owner in _owners(scene)], False
        compat.video_format(scene.render)
        scene.render.filepath, scene.render.use_file_extension = str(path), False
        scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 720, 720, 100
        scene.render.engine, scene.display.shading.color_type = "BLENDER_WORKBENCH", "TEXTURE"
        self._former = [
            {name: value for name, value in values.items() if getattr(owner, name) != value}
            for owner, values in zip(_owners(scene), former, strict=True)
        ]
        for handlers in (bpy.app.handlers.render_complete, bpy.app.handlers.render_cancel):
            handlers.append(self._ended)

    def _ended(self, *_arguments: Any) -> None:
        """Blender calls this from the render's thread; settings may only be changed in its own."""
        if not bpy.app.background:
            bpy.app.timers.register(self.finish, first_interval=0.1)

    def finish(self) -> None:
        """Put the settings back, and say what came out."""
        if self._is_over:
            return
        self.put_back()
        there = self._path.is_file()
        SESSION.failed = not there
        SESSION.status = (
            tr("Wrote {path}", path=self._path)
            if there
            else tr("Blender wrote no video; is the folder writable? {path}", path=self._path)
        )
        jobs.redraw()

    def put_back(self) -> None:
        """As it was before."""
        self._is_over = True
        for handlers in (bpy.app.handlers.render_complete, bpy.app.handlers.render_cancel):
            if self._ended in handlers:
                handlers.remove(self._ended)
        for _again in range(2):  # The file format decides which values the others may have.
            for owner, values in zip(_owners(self._scene_again()), self._former, strict=True):
                for name, value in values.items():
                    with contextlib.suppress(TypeError, AttributeError):
                        setattr(owner, name, value)


def _owners(scene: Any) -> list[Any]:
    return [scene.render.image_settings, scene.render.ffmpeg, scene.render, scene.display.shading]


def _simple_values(owner: Any) -> dict[str, Any]:
    """Whatever can be set and is no data-block."""
    return {
        item.identifier: getattr(owner, item.identifier)
        for item in owner.bl_rna.properties
        if not item.is_readonly
        and item.type in ("BOOLEAN", "INT", "FLOAT", "ENUM", "STRING")
        and not getattr(item, "is_array", False)
        and not getattr(item, "is_enum_flag", False)
    }


def placed(text: str) -> Path:
    """An absolute path; // needs a saved file."""
    if text.startswith("//") and not bpy.data.filepath:
        raise UserError("Save the .blend first, or give the file an absolute path")
    return Path(bpy.path.abspath(text))


def _said(path: Path) -> Any:
    def done(_result: dict[str, Any]) -> None:
        SESSION.status = tr("Wrote {path}", path=path)

    return done


CLASSES = (FACEEMOTE_OT_export_take, FACEEMOTE_OT_quick_video)
