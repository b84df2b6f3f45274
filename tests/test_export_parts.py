"""Parts of a motion with their sound; a .glb in one file or in several; what engines ask of it."""

import json
import os
import shutil
import struct
import subprocess
import wave
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated import lively_motion
from glb_reader import Glb
from test_export_avatars import VALIDATOR, node_modules

from face_emote.core.errors import AudioError, OptionError, OutputError
from face_emote.core.fields import Kind, Option, read_option
from face_emote.core.options import Excerpt
from face_emote.core.types import FaceMotion, Speech
from face_emote.face.bundled import load_head
from face_emote.formats.motion_file import read_motion
from face_emote.verbs.excerpt import excerpt
from face_emote.verbs.export import export
from face_emote.verbs.render import render

RATE = 8000
JPEG_FRAME = 0xC0
TIME = Option(help="", name="from", kind=Kind.TIME)


@pytest.fixture(scope="module")
def motion() -> FaceMotion:
    made = lively_motion(load_head(), 60)
    return replace(made, info=replace(made.info, speech_secs=2.0, speech_name="line.wav", speech_sha256="0" * 64))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds, two channels; every sample says when it is heard."""
    path = tmp_path / "line.wav"
    ramp = np.arange(2 * RATE, dtype="<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.stack([ramp, ramp], axis=1).tobytes())
    return path


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE and file.getnchannels() == 2
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)[:, 0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2", 2.0), ("2s", 2.0), ("2.5 s", 2.5), ("1,5", 1.5), ("00:02", 2.0), ("01:02.5", 62.5), ("1:00:00", 3600.0)],
)
def test_an_instant_is_written_as_people_write_it(text, seconds):
    assert read_option(TIME, text) == seconds


@pytest.mark.parametrize("text", ["", "two", "-1", "2m", "1:2:3:4", "nan", "2 s s", "00:", "9" * 40])
def test_what_is_no_instant_is_said(text):
    with pytest.raises(OptionError, match=r"from takes an instant such as 2, 2\.5s or 00:02"):
        read_option(TIME, text)


def test_a_part_has_the_frames_that_are_shown_then(motion):
    part = excerpt(motion, Excerpt(0.5, 1.2))
    blocks = list(part.blocks(7))
    rows = np.concatenate([block.expression for block in blocks])
    assert part.num_frames == 21 and np.array_equal(rows, motion.expression[15:36])
    for info in (part.info, blocks[0].info):
        assert (info.speech_sha256, info.cues) == ("", "") and abs(info.speech_secs - 0.7) < 1e-9
    assert excerpt(motion, Excerpt()) is motion
    assert excerpt(motion, Excerpt(end=2.0)).num_frames == excerpt(motion, Excerpt(0.0)).num_frames == 60


@pytest.mark.parametrize(("start", "end", "said"), [
    (1.0, 1.0, "must be earlier than to"), (None, 0.0, "must be earlier"), (-1.0, None, "from must be a number from 0"),
    (2.0, None, "ends at 2.00 s, so there is nothing from 2 s"), (0.0, 9.0, "nothing to 9 s"),
])  # fmt: skip
def test_parts_that_are_none_are_said(motion, start, end, said, tmp_path):
    with pytest.raises(OptionError, match=said):
        export(motion, tmp_path / "a.npz", start=start, end=end)
    assert not list(tmp_path.iterdir())


def test_the_sound_beside_a_part_is_that_of_its_frames(motion, recording):
    target = export(motion, recording.with_name("part.csv"), start=0.51, end=1.0, speech=recording)
    assert len(target.read_text().splitlines()) == 16
    assert np.array_equal(samples(target.with_suffix(".wav")), np.arange(RATE // 2, RATE))


def test_a_whole_sound_goes_along_and_the_recording_itself_stays(motion, recording):
    before = recording.read_bytes()
    export(motion, recording.with_name("line.bvh"), speech=recording)
    export(motion, recording.with_name("other.bvh"), speech=str(recording))
    assert recording.read_bytes() == before and np.array_equal(
        samples(recording.with_name("other.wav")), np.arange(2 * RATE)
    )
    with pytest.raises(OptionError, match="would replace the recording"):
        export(motion, recording.with_name("line.glb"), start=1.0, speech=recording)
    assert recording.read_bytes() == before and not recording.with_name("line.glb").exists()


def test_a_recording_that_is_too_short_is_said_and_nothing_is_left(motion, recording):
    short = Speech(np.zeros(RATE // 2, np.float32), RATE)
    with pytest.raises(AudioError, match=r"ends at 0\.50 s, before the part begins"):
        export(motion, recording.with_name("a.csv"), start=1.0, speech=short)
    with pytest.raises(OptionError, match="no sound and no parts"):
        export(motion, recording.with_name("a.glb"), frame=1.0, speech=recording)
    assert [path.name for path in recording.parent.iterdir()] == ["line.wav"]


@pytest.mark.parametrize("suffix", [".usdz", ".usda"])
def test_usd_holds_the_sound(motion, recording, suffix):
    pytest.importorskip("pxr")
    from pxr import Usd, UsdMedia

    path = export(motion, recording.with_name(f"part{suffix}"), start=1.0, speech=recording)
    stage = Usd.Stage.Open(str(path))
    sound = UsdMedia.SpatialAudio(stage.GetPrimAtPath("/face/speech"))
    assert sound.GetFilePathAttr().Get().resolvedPath and sound.GetAuralModeAttr().Get() == "nonSpatial"
    assert path.with_suffix(".wav").exists() == (suffix == ".usda")
    if suffix == ".usdz":
        with zipfile.ZipFile(path) as archive:
            archive.extract("speech.wav", recording.parent)
        assert np.array_equal(samples(recording.with_name("speech.wav")), np.arange(RATE, 2 * RATE))


def test_a_video_of_a_part_has_the_sound_of_that_part(motion, recording, tmp_path):
    av = pytest.importorskip("av")
    path = render(
        motion, tmp_path / "part.mp4", speech=recording, start=1.0, end=1.2, size=32, workers=1, provenance=None
    )
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 6
    with av.open(str(path)) as film:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(audio=0)])
    assert abs(np.median(heard) - 1.1 * RATE / 32768) < 0.01, "loud as the ramp is after a second"


def test_a_motion_file_of_a_part_knows_no_recording(motion, tmp_path):
    part = read_motion(export(motion, tmp_path / "part.npz", start=1.0))
    assert part.num_frames == 30 and part.info.speech_sha256 == "" and part.info.speech_secs == 1.0


def test_a_gltf_is_the_glb_in_several_files(motion, tmp_path):
    whole = Glb(export(motion, tmp_path / "a.glb", end=0.5, provenance=None))
    place = tmp_path / "beside"
    place.mkdir()
    path = export(motion, place / "my line.gltf", end=0.5)
    scene = json.loads(path.read_text())
    pictures = {f"my line_{item['name']}" for item in whole.json["images"]}
    assert {item.stem for item in place.glob("*.jpg")} | {item.stem for item in place.glob("*.png")} == pictures
    assert len(list(place.iterdir())) == len(pictures) + 2
    assert scene["buffers"][0]["uri"] == "my%20line.bin" and len(scene["accessors"]) == len(whole.json["accessors"])
    assert (place / "my line.bin").stat().st_size == scene["buffers"][0]["byteLength"]
    skin = next(item for item in whole.json["images"] if item["name"] == "skin")
    assert (place / "my line_skin.jpg").read_bytes() == whole.view(skin["bufferView"])


def test_a_gltf_that_fails_leaves_nothing(motion, tmp_path):
    (tmp_path / "a.bin").mkdir()
    with pytest.raises((OutputError, OSError)):
        export(motion, tmp_path / "a.gltf")
    assert [item.name for item in tmp_path.iterdir()] == ["a.bin"]


def test_the_khronos_validator_finds_no_fault_in_dense_files(motion, tmp_path):
    modules = node_modules("gltf-validator")
    path = export(motion, tmp_path / "a.glb", end=0.2, dense=True, provenance=None)
    done = subprocess.run(
        ["node", "-e", VALIDATOR, str(path)],
        env=os.environ | {"NODE_PATH": modules}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    issues = json.loads(done.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


def test_dense_shapes_are_the_same_shapes(motion, tmp_path):
    sparse = Glb(export(motion, tmp_path / "a.glb", end=0.2, provenance=None))
    dense = Glb(export(motion, tmp_path / "b.glb", end=0.2, dense=True, provenance=None))
    assert not any("sparse" in item for item in dense.json["accessors"]) and "extensionsRequired" not in dense.json
    assert dense.target_names == sparse.target_names
    for i in range(0, len(sparse.target_names), 7):
        one, other = (glb.json["meshes"][0]["primitives"][0]["targets"][i] for glb in (sparse, dense))
        assert np.array_equal(sparse.array(one["POSITION"]), dense.array(other["POSITION"]))
        assert np.abs(sparse.array(one["NORMAL"]) - dense.array(other["NORMAL"])).max() < 0.006


def test_every_sparse_array_has_a_view_of_just_its_size(motion, tmp_path):
    glb = Glb(export(motion, tmp_path / "a.glb", end=0.2, provenance=None))
    sizes = {5121: 1, 5123: 2, 5125: 4, 5120: 1, 5126: 4}
    for item in glb.json["accessors"]:
        if sparse := item.get("sparse"):
            views = glb.json["bufferViews"]
            indices, values = (views[sparse[name]["bufferView"]]["byteLength"] for name in ("indices", "values"))
            assert indices == sparse["count"] * sizes[sparse["indices"]["componentType"]]
            parts = {"VEC2": 2, "VEC3": 3, "VEC4": 4}[item["type"]]
            assert values == parts * sparse["count"] * sizes[item["componentType"]]


def test_pictures_are_of_a_kind_that_every_reader_of_jpeg_takes(motion, tmp_path):
    """Readers such as Godot's refuse other factors than one for both colours."""
    glb = Glb(export(motion, tmp_path / "a.glb", end=0.2, provenance=None))
    seen, images = 0, [item for item in glb.json["images"] if item["mimeType"] == "image/jpeg"]
    for item in images:
        data = glb.view(item["bufferView"])
        place = 2
        while place < len(data):
            kind, length = struct.unpack_from(">xBH", data, place)
            if kind == JPEG_FRAME:
                assert data[place + 14] == data[place + 17] == 0x11, "of the second and third part"
                seen += 1
                break
            place += 2 + length
    assert seen == len(images) > 0


READ_IN_GODOT = """
extends SceneTree
func _init():
    var player = null
    var shapes = []
    var waiting = [load("res://line.glb").instance()]
    while waiting:
        var node = waiting.pop_back()
        waiting += node.get_children()
        if node is AnimationPlayer:
            player = node
        if node is MeshInstance and node.name == "head":
            for i in node.mesh.get_blend_shape_count():
                shapes.append(node.mesh.get_blend_shape_name(i))
    var clip = player.get_animation(player.get_animation_list()[0])
    var curves = {}
    for track in clip.get_track_count():
        var keys = []
        if clip.track_get_type(track) == Animation.TYPE_VALUE:
            for key in clip.track_get_key_count(track):
                keys.append(clip.track_get_key_value(track, key))
            curves[str(clip.track_get_path(track))] = keys
    print("READ" + to_json({"shapes": shapes, "curves": curves, "length": clip.length}))
    quit()
"""


@pytest.mark.slow
def test_godot_imports_a_dense_file_and_its_curves(motion, tmp_path):
    godot = shutil.which("godot3-server")
    if godot is None:
        pytest.skip("needs Godot 3 without a window (apt-get install godot3-server)")
    export(motion, tmp_path / "line.glb", dense=True)
    (tmp_path / "project.godot").write_text('config_version=4\n[application]\nconfig/name="read"\n')
    (tmp_path / "read.gd").write_text(READ_IN_GODOT.replace("    ", "\t"))
    alone = os.environ | {"HOME": str(tmp_path)}
    with subprocess.Popen([godot, "--path", str(tmp_path), "--editor", "--quit"], env=alone) as editor:
        try:  # It does not always end by itself.
            editor.wait(timeout=150)
        except subprocess.TimeoutExpired:
            editor.kill()
    done = subprocess.run(
        [godot, "--path", str(tmp_path), "-s", "read.gd"], capture_output=True, text=True, timeout=100, env=alone
    )
    read = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("READ"))[4:])
    glb = Glb(tmp_path / "line.glb")
    assert read["shapes"] == glb.target_names
    weights = glb.curve(0, "weights")
    assert abs(read["length"] - 59 / 30) < 1e-4
    for i, name in enumerate(glb.target_names):
        curve = next(keys for path, keys in read["curves"].items() if path.endswith(f"head:blend_shapes/{name}"))
        assert np.abs(np.array(curve) - weights[:, i]).max() < 1e-4, name
