"""A real Blender with a window: install the zip, click Generate, cancel, generate, undo, redo; screenshots on the way.

    python -m tools.gui_session CHROOT ZIP SPEECH.wav --own HEAD.glb -o PICTURES

Optional, as root, on Linux. CHROOT is a Debian with `blender xvfb libgl1-mesa-dri libegl1 python3-numpy`
(debootstrap --variant=minbase sid CHROOT, then apt-get install in it). Blender runs inside on a virtual screen, whose
framebuffer file is the screenshot. Recordings beside SPEECH become a table of lines, HEAD.glb (any mesh with shape
keys) an own character, linked, and in Rigify's face. The session's steps are in `gui_session_steps.py`; `--steps
install character material_preview` does only these.
"""

import argparse
import json
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from face_emote.core.png import png_bytes

STEPS = ("gui_session_steps.py", "gui_session_rigs.py")
WIDTH, HEIGHT = 1500, 1000
SECS, LINES = 2400, 3


def main() -> int:
    """Run the session; exit code 0 when every step's expectation was met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chroot", type=Path)
    parser.add_argument("zip", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--own", type=Path, help="a .glb with shape keys")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/gui"))
    parser.add_argument(
        "--steps", nargs="+", default=[], metavar="STEP", help="functions of the steps' file; all of them"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="face_emote_gui_", dir=options.chroot / "tmp") as folder:
        work = Path(folder)
        copies = [(options.zip, "face_emote.zip"), (options.speech, "speech.wav")]
        copies += [(Path(__file__).parent / name, name) for name in STEPS]
        copies += [(options.speech.with_suffix(".txt"), "speech.txt"), (options.own or Path(), "own.glb")]
        others = sorted(options.speech.parent.glob("*.wav"))[:LINES]
        copies += [(path, f"line_{number}.wav") for number, path in enumerate(others)]
        for source, name in copies:
            if source.is_file():
                shutil.copy(source, work / name)
        said = session(options.chroot, work, options.out, steps=options.steps)
    for line in said:
        print(json.dumps(line))
    failed = [line for line in said if not line["ok"]]
    print(f"{len(said)} steps, {len(failed)} failed")
    return 1 if failed or not said or said[-1]["step"] != "end" else 0


def session(chroot: Path, work: Path, out: Path, *, steps: list[str]) -> list[dict[str, object]]:
    """Start the screen and Blender; save a picture whenever the steps ask for one. Returns what the steps said."""
    inside = Path("/") / work.relative_to(chroot)
    screen = subprocess.Popen(
        ["chroot", str(chroot), "Xvfb", ":77", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "+extension", "GLX", "-nolisten",
         "tcp", "-fbdir", str(inside)],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(2.0)
        environment = {
            "DISPLAY": ":77", "LIBGL_ALWAYS_SOFTWARE": "1", "HOME": str(inside),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "BLENDER_USER_RESOURCES": str(inside / "user"), "FACE_EMOTE_GUI": str(inside),
            "FACE_EMOTE_GUI_STEPS": " ".join(steps),
        }  # fmt: skip
        (work / "user").mkdir()
        blender = subprocess.Popen(
            ["chroot", str(chroot), "blender", "--factory-startup", "--gpu-backend", "opengl", "--window-geometry", "0",
             "0", str(WIDTH), str(HEIGHT), "--enable-event-simulate", "--python", str(inside / STEPS[0])],
            env=environment, stdout=(out / "blender.log").open("w"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        watch(blender, work, out)
    finally:
        screen.terminate()
        screen.wait(10)
    log = work / "said.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def watch(blender: "subprocess.Popen[bytes]", work: Path, out: Path) -> None:
    """Answer requests for screenshots (files `NAME.shoot`) until Blender ends; end it when it takes too long."""
    until = time.monotonic() + SECS
    while blender.poll() is None:
        if time.monotonic() > until:
            blender.kill()
        for wish in work.glob("*.shoot"):
            picture = screenshot(work / "Xvfb_screen0")
            (out / f"{wish.stem}.png").write_bytes(png_bytes(picture))
            wish.replace(wish.with_suffix(".shot"))
        time.sleep(0.05)


def screenshot(path: Path) -> np.ndarray:
    """RGB of an X window dump (XWD version 7), 32 bits a pixel."""
    dump = path.read_bytes()
    header = struct.unpack(">25I", dump[:100])
    width, height, blue_first = header[4], header[5], header[7] == 0
    row_bytes, start = header[12], header[0] + 12 * header[19]
    rows = np.frombuffer(dump[start : start + row_bytes * height], np.uint8).reshape(height, row_bytes)
    pixels = rows[:, : 4 * width].reshape(height, width, 4)
    return np.ascontiguousarray(pixels[:, :, [2, 1, 0]] if blue_first else pixels[:, :, 1:])


if __name__ == "__main__":
    raise SystemExit(main())
