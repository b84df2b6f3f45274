# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as files for other programs, and a quick video."""

from pathlib import Path
from typing import Any

import bpy

from .. import compat, reasons
from ..apply import own_mesh, takes
from ..engine import jobs
from ..engine.current import SESSION
from ..report import UserError, attempt

FORMATS = (".glb", ".csv", ".json", ".bvh", ".pc2", ".mdd", ".usda", ".usdc", ".npz")


class FACEEMOTE_OT_export_take(bpy.types.Operator):
    """Write the take as glTF, USD, point cache, Live Link CSV, ARKit JSON or BVH. An own mesh with its corrections"""

    bl_idname = "face_emote.export_take"
    bl_label = "Export Take"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A take, a file name."""
        reason = reasons.no_motion(context)
        path = Path(bpy.path.abspath(context.scene.face_emote.export_path))
        if not reason and path.suffix.lower() not in FORMATS:
            reason = f"The file's ending must be one of {' '.join(FORMATS)}"
        character = context.scene.face_emote.target
        if not reason and own_mesh.exports(character, path):
            shown = takes.is_shown(reasons.chosen_take(context), character)
            reason = "" if shown else "Show the take first; the mesh is written as it plays"
        return reasons.allowed(cls, reason)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the engine."""

        def work() -> None:
            take = takes.require_take(reasons.chosen_take(context))
            facts, path = takes.facts_of(take), placed(context.scene.face_emote.export_path)
            character = context.scene.face_emote.target
            if own_mesh.exports(character, path):
                own_mesh.export(context, character, take, path=path)
                SESSION.status, SESSION.failed = f"Wrote {path}", False
                return
            params = {"motion": facts["motion"], "path": str(path), "person": facts.get("person", {})}
            jobs.submit(f"export {path.name}", method="export", params=params, done=_said(path))

        return attempt(self, work)


class FACEEMOTE_OT_quick_video(bpy.types.Operator):
    """Draw the timeline with the viewport's shading into a video with sound (Workbench when there is no window)"""

    bl_idname = "face_emote.quick_video"
    bl_label = "Quick Video"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A camera."""
        reason = reasons.busy(context)
        if not reason and context.scene.camera is None:
            reason = "Add a camera first (Add Camera and Light)"
        return reasons.allowed(cls, reason)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Render with the scene's settings set aside."""

        def work() -> None:
            path = placed(context.scene.face_emote.video_path)
            with kept_settings(context.scene):
                render = context.scene.render
                compat.video_format(render)
                render.filepath, render.use_file_extension = str(path), False
                render.resolution_x, render.resolution_y, render.resolution_percentage = 720, 720, 100
                if bpy.app.background:
                    render.engine = "BLENDER_WORKBENCH"
                    context.scene.display.shading.color_type = "TEXTURE"
                    bpy.ops.render.render(animation=True)
                else:
                    bpy.ops.render.opengl(animation=True, view_context=False)
            if not path.is_file():
                raise UserError(f"Blender wrote no video; is the folder writable? {path}")
            self.report({"INFO"}, f"Wrote {path}")

        return attempt(self, work)


class kept_settings:
    """Puts a scene's render settings back at the end, also after an error."""

    NAMES = ("filepath", "use_file_extension", "resolution_x", "resolution_y", "resolution_percentage", "engine")

    def __init__(self, scene: Any) -> None:
        self.render, self.display = scene.render, scene.display

    def __enter__(self) -> None:
        self.values = {name: getattr(self.render, name) for name in self.NAMES}
        image = self.render.image_settings
        self.media = getattr(image, "media_type", None)
        self.format, self.colours = image.file_format, image.color_mode
        self.shading = self.display.shading.color_type

    def __exit__(self, *_: object) -> None:
        image = self.render.image_settings
        if self.media is not None:
            image.media_type = self.media
        image.file_format, image.color_mode = self.format, self.colours
        for name, value in self.values.items():
            setattr(self.render, name, value)
        self.display.shading.color_type = self.shading


def placed(text: str) -> Path:
    """An absolute path; // needs a saved file."""
    if text.startswith("//") and not bpy.data.filepath:
        raise UserError("Save the .blend first, or give the file an absolute path")
    return Path(bpy.path.abspath(text))


def _said(path: Path) -> Any:
    def done(_result: dict[str, Any]) -> None:
        SESSION.status = f"Wrote {path}"

    return done


CLASSES = (FACEEMOTE_OT_export_take, FACEEMOTE_OT_quick_video)
