"""A Blender with the extension registered from the checkout, for tests that run where `bpy` is (make test-blender)."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent.parent
SPEECH = ROOT / "assets" / "speech" / "dashwood_2.wav"
NO_BPY = "needs Blender as a module; run `make test-blender`"


@pytest.fixture(scope="module")
def fe() -> Iterator[SimpleNamespace]:
    """The extension's modules; an empty scene; unregistered at the end."""
    bpy = pytest.importorskip("bpy", reason=NO_BPY, exc_type=ImportError)
    for name in [name for name in sys.modules if name.split(".")[0] == "blender_addon"]:
        del sys.modules[name]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    sys.path.insert(0, str(ROOT))
    addon = importlib.import_module("blender_addon")
    locate = importlib.import_module("blender_addon.engine.locate")
    jobs = importlib.import_module("blender_addon.engine.jobs")
    jobs.SESSION._locate = lambda: locate.find_engine(
        str(ROOT), package_folders=[str(Path(np.__file__).parent.parent)], python=sys.executable
    )
    addon.register()
    modules = {
        name.rpartition(".")[2]: importlib.import_module(f"blender_addon.{name}")
        for name in (
            "apply.takes", "apply.channels", "apply.preview", "apply.mapping", "apply.sound", "reasons", "emotions",
            "compat", "names", "panels", "panels.main", "operators", "properties", "report", "migration", "folders",
        )
    }  # fmt: skip
    yield SimpleNamespace(bpy=bpy, addon=addon, jobs=jobs, **modules)
    addon.unregister()
    sys.path.remove(str(ROOT))


def emptied(fe: Any) -> Any:
    """Remove everything; returns the scene."""
    bpy = fe.bpy
    fe.preview.stop()
    for group in (bpy.data.objects, bpy.data.actions, bpy.data.meshes, bpy.data.armatures, bpy.data.collections):
        for item in list(group):
            group.remove(item)
    scene = bpy.context.scene
    if scene.sequence_editor is not None:
        scene.sequence_editor_clear()
    scene.timeline_markers.clear()
    scene.animation_data_clear()
    for item in scene.face_emote.bl_rna.properties:
        if not item.is_readonly and item.identifier != "rna_type":
            scene.face_emote.property_unset(item.identifier)
    scene.face_emote.lines.clear()
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.frame_start, scene.frame_end = 1, 250
    scene.frame_set(1)
    return scene


def added_head(fe: Any, character: str = "default") -> Any:
    """A head of ours, chosen as the character."""
    scene = emptied(fe)
    scene.face_emote.new_character = character
    assert fe.bpy.ops.face_emote.add_character() == {"FINISHED"}
    return scene.face_emote.target


def key_mesh(fe: Any, names: list[str], name: str = "Own") -> Any:
    """A small mesh with shape keys of these names."""
    mesh = fe.bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 0, 1)], [], [(0, 1, 2)])
    thing = fe.bpy.data.objects.new(name, mesh)
    fe.bpy.context.scene.collection.objects.link(thing)
    thing.shape_key_add(name="Basis")
    for key in names:
        thing.shape_key_add(name=key, from_mix=False).value = 0.0
    return thing


def spoken(fe: Any, *, name: str = "Own", emotion: str = "joy", **arguments: Any) -> Any:
    """A small mesh with ARKit's keys that has been given a take; the chosen character."""
    character = key_mesh(fe, list(fe.names.ARKIT), name)
    fe.bpy.context.scene.face_emote.target = character
    fe.bpy.ops.face_emote.map_character()
    fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion=emotion, **arguments)
    return character


def error_of(call: Any) -> str:
    """The sentence that an operator fails with."""
    with pytest.raises(RuntimeError) as caught:
        call()
    return str(caught.value)


def selected_only(fe: Any, *things: Any) -> None:
    """Select some objects, the first of them active."""
    for item in fe.bpy.context.view_layer.objects:
        item.select_set(item in things)
    fe.bpy.context.view_layer.objects.active = things[0]


def sounds(fe: Any) -> list[Any]:
    """The sequencer's sound strips."""
    return [item for item in fe.compat.strips_of(fe.bpy.context.scene) or () if item.type == "SOUND"]


def all_values(fe: Any, character: Any) -> dict[str, Any]:
    """Everything of a scene that a cancelled take could have touched."""
    bpy = fe.bpy
    keys = character.data.shape_keys
    return {
        "actions": sorted(action.name for action in bpy.data.actions),
        "objects": sorted(item.name for item in bpy.data.objects),
        "tracks": len(keys.animation_data.nla_tracks) if keys.animation_data else 0,
        "values": [round(block.value, 6) for block in keys.key_blocks],
        "strips": len(fe.compat.strips_of(bpy.context.scene) or ()),
    }
