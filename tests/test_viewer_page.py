"""The page plays a .glb from disk, alone: read by an HTML parser, run by a real browser."""

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from fabricated import lively_motion
from PIL import Image

from face_emote.audio.examples import example_speech
from face_emote.cli.main import main
from face_emote.core.errors import OutputError
from face_emote.face.bundled import load_head
from face_emote.formats.mesh.person import under_garment
from face_emote.formats.mesh.surface import object_parts, surface_of
from face_emote.formats.motion_file import write_motion
from face_emote.formats.viewer import FOLDER, write_page
from face_emote.rendering.scene import LIGHTS
from face_emote.verbs.export import export


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A .glb and its page with sound."""
    place = tmp_path_factory.mktemp("view")
    export(lively_motion(load_head(), 20), place / "line.glb")
    write_page(place / "line.glb", place / "line.html", sound=example_speech()[0].path, light=LIGHTS["studio"])
    return place


def test_the_page_holds_everything_and_asks_for_nothing(folder):
    text = (folder / "line.html").read_text()
    glb = re.search(r'id="glb">([^<]*)<', text).group(1)
    assert base64.b64decode(glb) == (folder / "line.glb").read_bytes()
    assert "default-src 'none'" in text and 'src="data:audio/wav;base64,' in text
    assert not re.search(r"https?://", text) and not re.search(r'(src|href)="(?!data:)', text)
    skin = json.loads(re.search(r'id="skin">([^<]*)<', text).group(1))
    assert len(base64.b64decode(skin["masks"]["blood"])) == 9 * skin["masks"]["count"]
    assert len(base64.b64decode(skin["masks"]["wrinkles"])) == 16 * skin["masks"]["count"]


def test_the_same_file_gives_the_same_page_and_titles_are_only_text(folder, tmp_path):
    for name in "ab":
        write_page(
            folder / "line.glb", tmp_path / f"{name}.html", title="<script>alert(1)</script>", light=LIGHTS["studio"]
        )
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert "<script>alert" not in (tmp_path / "a.html").read_text()


def test_split_and_foreign_files_play_without_masks(tmp_path):
    export(lively_motion(load_head(), 2), tmp_path / "eyes.glb", parts=("eyes",))
    write_page(tmp_path / "eyes.glb", tmp_path / "eyes.html", light=LIGHTS["studio"])
    assert '"masks":null' in (tmp_path / "eyes.html").read_text()
    (tmp_path / "bad.glb").write_bytes(b"PK" + bytes(40))
    with pytest.raises(
        OutputError, match=r"plays \.glb files, and this is none that it can play: it does not begin as one"
    ):
        write_page(tmp_path / "bad.glb", tmp_path / "bad.html", light=LIGHTS["studio"])
    with pytest.raises(OutputError, match="Browsers play"):
        write_page(tmp_path / "eyes.glb", tmp_path / "bad.html", sound=tmp_path / "a.xyz", light=LIGHTS["studio"])
    assert not (tmp_path / "bad.html").exists()


def test_cut_damaged_and_compressed_files_are_refused_before_any_page_is_written(folder, tmp_path):
    whole = (folder / "line.glb").read_bytes()
    bad = tmp_path / "bad.glb"
    length = 20 + int.from_bytes(whole[12:16], "little")
    for stop in (*range(0, 48), 1000, length - 1, length, length + 4, length + 8, len(whole) // 2, len(whole) - 1):
        for data in (
            whole[:stop],
            whole[:8] + stop.to_bytes(4, "little") + whole[12:stop],
        ):  # Its length put right, too.
            bad.write_bytes(data)
            with pytest.raises(OutputError, match=r"none that it can play: .*: .*bad\.glb$"):
                write_page(bad, tmp_path / "bad.html", light=LIGHTS["studio"])
    for text in (
        b"{}",
        b"[1]",
        b"null",
        b"nonsense",
        b'{"accessors": [{"count": true}]}',
        b'{"accessors": [], "meshes": 3}',
    ):
        text += b" " * (-len(text) % 4)
        size = 20 + len(text) + len(whole) - length
        head = whole[:8] + size.to_bytes(4, "little") + len(text).to_bytes(4, "little") + b"JSON"
        bad.write_bytes(head + text + whole[length:])
        with pytest.raises(OutputError, match="none that it can play"):
            write_page(bad, tmp_path / "bad.html", light=LIGHTS["studio"])
    pytest.importorskip("meshopt")
    export(lively_motion(load_head(), 2), bad, compress=True)
    with pytest.raises(OutputError, match="needs EXT_meshopt_compression, which the page cannot unpack"):
        write_page(bad, tmp_path / "bad.html", light=LIGHTS["studio"])
    assert not list(tmp_path.glob("*.html"))


SHOWN = """
const fs = require("fs"), script = fs.readFileSync(process.argv[1], "utf8").replace(/^begin\\(\\).*$/m, "");
const { Glb, Performance } = new Function(script + "\\nreturn { Glb, Performance };")();
const shown = new Performance(new Glb(new Uint8Array(fs.readFileSync(process.argv[2]))));
const frames = JSON.parse(process.argv[3]).map((time) => {
  shown.at(time);
  return { wrinkles: [...shown.skin.wrinkles], blood: [...shown.skin.blood], points: [...shown.pieces[0].points] };
});
console.log(JSON.stringify(frames));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("skin_curves", [False, True])
def test_the_pages_player_moves_the_head_and_finds_its_wrinkles_and_blood(tmp_path, skin_curves):
    motion, path = lively_motion(load_head(), 20), tmp_path / "a.glb"
    export(motion, path, skin_curves=skin_curves)
    times = [0.0, 7 / 30.0, 0.5]
    words = ["node", "-e", SHOWN, str(FOLDER / "viewer.js"), str(path), json.dumps(times)]
    frames = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)
    surface = under_garment(surface_of(load_head()))
    part = object_parts(surface, surface.objects()[0])[0]
    vertices = load_head().vertices(motion)
    for frame, shown in zip((0, 7, 15), frames, strict=True):
        assert np.abs(np.array(shown["wrinkles"]) - motion.wrinkles[frame]).max() < 2e-5  # Steps of 1 / 32767.
        assert np.abs(np.array(shown["blood"]) - motion.blood_flow[frame]).max() < 2e-5  # Steps of 1 / 32767.
        gap = np.array(shown["points"]).reshape(-1, 3) - vertices[frame, part.vertex_index]
        assert np.linalg.norm(gap, axis=1).max() < 0.0005


def test_view_finds_the_sound_beside_a_motion_and_writes_the_page(tmp_path, capsys):
    speech = example_speech()[0].path
    shutil.copy(speech, tmp_path / speech.name)
    from face_emote.audio.reader import sha256_of

    motion = lively_motion(load_head(), 3)
    motion = replace(motion, info=replace(motion.info, speech_name=speech.name, speech_sha256=sha256_of(speech)))
    path = write_motion(motion, tmp_path / "line.npz")
    assert main(["view", str(path), "-o", str(tmp_path / "line.html")]) == 0
    assert "line.html: with sound" in capsys.readouterr().out
    assert main(["view", str(path), "-o", str(tmp_path / "line.txt")]) == 2
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted([speech.name, "line.html", "line.npz"])


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if shutil.which(name):
            return name
    pytest.skip("no Chromium is installed (apt install chromium)")


FACE = (slice(60, 430), slice(280, 500))


def picture_of(page, hash_text, target):
    """What the browser shows; a busy machine may take the picture before the first frame, so it is asked again."""
    for budget_ms in (6_000, 30_000, 120_000):
        subprocess.run(
            [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader",
             "--enable-unsafe-swiftshader", "--hide-scrollbars", "--window-size=800,600",
             f"--virtual-time-budget={budget_ms}", f"--screenshot={target}", f"{page.as_uri()}#{hash_text}"],
            capture_output=True, check=True, timeout=150,
        )  # fmt: skip
        shown = np.asarray(Image.open(target).convert("RGB")).astype(np.int64)
        if shown[FACE].std() > 20:
            break
    return shown


@pytest.mark.slow
def test_a_real_browser_shows_the_face_and_the_sliders_change_it(tmp_path):
    """Of a head without hair, which covers skin that the sliders change."""
    page, glb = tmp_path / "line.html", tmp_path / "line.glb"
    export(lively_motion(load_head(), 20), glb, hair="none")
    write_page(glb, page, sound=example_speech()[0].path, light=LIGHTS["studio"])
    plain = picture_of(page, "t=0.2", tmp_path / "plain.png")
    red = picture_of(page, "t=0.2&blush=1", tmp_path / "red.png")
    creased = picture_of(page, "t=0.2&creases=1", tmp_path / "creased.png")
    later = picture_of(page, "t=0.5", tmp_path / "later.png")
    assert plain[FACE].mean() > 60 and plain[FACE].std() > 20  # Somebody is there.
    warmer = (red - plain)[FACE]
    assert (warmer[..., 0] - warmer[..., 1]).mean() > 3.0
    assert np.abs(creased - plain)[FACE].mean() > 0.5 and np.abs(later - plain)[FACE].mean() > 1.0
