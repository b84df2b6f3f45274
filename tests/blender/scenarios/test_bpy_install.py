"""The zip as a user gets it: validated, installed through Blender's own extension manager, used with its own engine."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from .stage import NO_BPY, ROOT, SPEECH

SCRIPT = """
import os, sys
import bpy, addon_utils
addon_utils.enable("bl_pkg", default_set=True)
install = bpy.ops.extensions.package_install_files
install(filepath=sys.argv[1], repo="user_default", enable_on_install=True, overwrite=True)
module = "bl_ext.user_default.face_emote"
assert module in bpy.context.preferences.addons, "not enabled"
scene = bpy.context.scene
assert bpy.ops.face_emote.add_character() == {"FINISHED"}
scene.face_emote.transcript = "He was not an ill-disposed young man"
assert bpy.ops.face_emote.generate(speech=sys.argv[2], emotion="calm joy") == {"FINISHED"}
assert bpy.ops.face_emote.list_mouth() == {"FINISHED"}
said = [row.text for row in scene.face_emote.cues if row.kind == "WORD"]
assert said == "he was not an ill disposed young man".split(), said
import importlib
jobs = importlib.import_module(module + ".engine.jobs")
assert jobs.SESSION._client.command.origin == "bundled engine", jobs.SESSION._client.command
folder = importlib.import_module(module + ".folders").user_folder()
assert os.environ["BLENDER_USER_RESOURCES"] in str(folder), folder
keys = scene.face_emote.target.data.shape_keys
assert keys.animation_data.nla_tracks[0].name.startswith("Face Emote ")
addon_utils.disable(module, default_set=True)
assert not hasattr(bpy.types.Scene, "face_emote")
print("INSTALLED AND USED")
"""


def test_the_zip_installs_and_performs_with_its_own_engine(tmp_path):
    pytest.importorskip("bpy", reason=NO_BPY, exc_type=ImportError)
    sys.path.insert(0, str(ROOT))
    tool = importlib.import_module("tools.build_extension")
    sys.path.remove(str(ROOT))
    archive = tool.build(tmp_path)
    blender_ext = tool.find_tool()
    checked = subprocess.run(
        [sys.executable, str(blender_ext), "validate", str(archive)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    script = tmp_path / "install.py"
    script.write_text(SCRIPT)
    user = tmp_path / "user"
    user.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(user), "BLENDER_USER_RESOURCES": str(user)}
    done = subprocess.run(
        [sys.executable, str(script), str(archive), str(SPEECH)], capture_output=True, text=True, env=environment,
        cwd=tmp_path, timeout=300, check=False,
    )  # fmt: skip
    assert "INSTALLED AND USED" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    index = subprocess.run(
        [sys.executable, str(blender_ext), "server-generate", "--repo-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert index.returncode == 0 and '"face_emote"' in Path(tmp_path / "index.json").read_text()
