"""Mistakes on the command line: one line that says what was found and what to do, exit code 2."""

import os
import re

import pytest

from face_emote.audio.examples import example_speech
from face_emote.cli import main as cli_main

MISTAKES = {
    "no such command": (["sing"], "No such command 'sing'; see face-emote --help"),
    "no output": (["animate", "a.wav"], "Missing option '-o' / '--output'; see face-emote animate --help"),
    "no number": (
        ["animate", "a.wav", "-o", "a.npz", "--fps", "fast"],
        "fps must be a number from 1 to 1000, got 'fast'; usual are 24, 25, 30, 60",
    ),
    "unknown hair": (
        ["render", "a.npz", "-o", "a.mp4", "--hair", "mullet"],
        "Invalid value for '--hair': 'mullet' is not one of 'none', 'crop', 'short', 'medium', 'tied'; "
        "see face-emote render --help",
    ),
    "unknown format": (
        ["animate", "a.wav", "-o", "a.ma"],
        "Cannot write '.ma' files; end the output in .npz, .glb, .gltf, .usda, .usdc, .usdz, .abc, .fbx, .csv, .json, "
        ".a2f.json, .skin.png, .vrm, .vrma, .bvh, .pc2, .mdd, .ply, .obj, .mp4, .mov, .mkv, .webm, or in nothing for "
        "a folder of .obj: a.ma",
    ),
    "no such folder": (
        ["animate", "a.wav", "-o", "absent/a.npz"],
        "The output's folder does not exist; create it or choose another: {cwd}/absent",
    ),
    "no such transcript": (
        ["animate", "a.wav", "-o", "a.npz", "-t", "words.srt"],
        "transcript: there is no such file: words.srt",
    ),
    "odd size": (
        ["animate", "a.wav", "-o", "a.mp4", "--size", "big"],
        "size takes pixels such as 512 or 1280x720, got 'big'",
    ),
    "wrong codec": (
        ["animate", "a.wav", "-o", "a.webm", "--codec", "h264"],
        "h264 does not go into .webm files; use .mp4 or .mov or .mkv: a.webm",
    ),
    "odd picture": (
        ["demo", "-o", "demo", "--size", "333"],
        "The picture's width must be an even number from 16 to 8192, got 333",
    ),
    "no motion file": (
        ["export", "absent.npz", "-o", "a.glb"],
        "There is no such motion file; check the name: absent.npz",
    ),
    "not for export": (
        ["export", "line.npz", "-o", "a.ma"],
        "Cannot write '.ma' files; give the output one of .npz (motion file), .glb (glTF with morph targets and "
        "joints), .gltf (glTF as text, arrays (.bin) and pictures beside it), .usda (USD text with blend shapes and "
        "joints), .usdc (USD in binary), .usdz (USD in one package), .abc (Alembic vertex cache), .fbx (FBX with "
        "shape keys and bones), .csv (Live Link Face recording), .json (ARKit curves), .a2f.json (weights as "
        "Audio2Face writes them), .skin.png (where each wrinkle and blood region lies, for shaders), .vrm (the "
        "character as a VRM 1.0 avatar), .vrma (VRM animation, for any VRM), .bvh (skeleton in motion), .pc2 (point "
        "cache), .mdd (LightWave point cache), .ply (folder of .ply, one a frame), .obj (folder of .obj, one a "
        "frame), no suffix (the same): a.ma",
    ),
    "a part that is none": (
        ["export", "line.npz", "--from", "2s", "--to", "00:01", "-o", "a.glb"],
        "from, 2 s, must be earlier than to, 1 s",
    ),
    "a part after the end": (
        ["render", "line.npz", "--from", "50s", "-o", "a.mp4"],
        "The motion ends at 0.10 s, so there is nothing from 50 s; give an earlier instant",
    ),
    "no instant": (
        ["export", "line.npz", "--to", "soon", "-o", "a.glb"],
        "to takes an instant such as 2, 2.5s or 00:02, got 'soon'",
    ),
    "no such avatar": (
        ["export", "line.npz", "--avatar", "vrm", "-o", "a.glb"],
        "There is no kind of avatar 'vrm'; choose talkinghead",
    ),
    "a label on a picture": (
        ["render", "line.npz", "--label", "synthetic", "-o", "a.png"],
        "--label is drawn into videos; leave it out for a picture: a.png",
    ),
    "a still as a video": (
        ["render", "line.npz", "--frame", "1", "-o", "a.mp4"],
        "--frame draws one picture; end the output in .png: a.mp4",
    ),
    "samples of another engine": (
        ["render", "line.npz", "--samples", "8", "-o", "a.mp4"],
        "Only the engine cycles counts samples; leave them out for fast",
    ),
    "no samples": (
        ["render", "line.npz", "--engine", "cycles", "--samples", "0", "-o", "a.mp4"],
        "samples must be a whole number from 1 to 4096, got 0",
    ),
    "axes of a glTF": (
        ["export", "line.npz", "-o", "a.glb", "--up", "z"],
        "Up-axis and unit of .glb files are fixed; leave them out, or write one of .pc2, .mdd, .ply, .obj, "
        "no suffix: a.glb",
    ),
    "odd unit": (
        ["export", "line.npz", "-o", "a.pc2", "--unit", "inch"],
        "unit must be m or cm, got 'inch'",
    ),
    "odd rate": (
        ["export", "line.npz", "-o", "a.pc2", "--fps", "-3"],
        "fps must be a number from 1 to 1000, got -3; usual are 24, 25, 30, 60",
    ),
    "export over itself": (
        ["export", "line.npz", "-o", "line.npz"],
        "The output would replace the input; choose another name: line.npz",
    ),
    "no capture": (
        ["export", "absent.csv", "-o", "a.glb"],
        "There is no such capture; check the name: absent.csv",
    ),
    "performed already": (
        ["render", "line.npz", "-o", "a.mp4", "--emotion", "joy"],
        "A motion file is performed already, --emotion cannot change it; use animate on the speech",
    ),
    "not a video": (
        ["render", "line.npz", "-o", "a.gif"],
        "A video must end in .mp4, .mov, .mkv, .webm; rename the output: a.gif",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_exits_with_2(run, case, tmp_path, monkeypatch, motion_path):
    monkeypatch.chdir(tmp_path)
    words, message = MISTAKES[case]
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err == f"face-emote: {message.format(cwd=tmp_path)}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.npz"]


LONG, HALF = "x" * 300, "half\udcff"


ODD_PLACES = {
    "a long speech": ["animate", f"{LONG}.wav", "-o", "a.npz"],
    "a long output": ["animate", "line.npz", "-o", f"{LONG}.npz"],
    "a long folder": ["export", "line.npz", "-o", f"{LONG}/a.glb"],
    "a long motion": ["export", f"{LONG}.npz", "-o", "a.glb"],
    "a long capture": ["animate", "--from", f"{LONG}.csv", "-o", "a.npz"],
    "a long head": ["animate", "line.npz", "--head", LONG, "-o", "a.npz"],
    "a long rig": ["export", "line.npz", "--rig", f"{LONG}.toml", "-o", "a.csv"],
    "a long network": ["animate", "line.npz", "--model", LONG, "-o", "a.npz"],
    "a long transcript": ["animate", "line.npz", "-t", f"{LONG}.txt", "-o", "a.npz"],
    "a long manifest": ["batch", f"{LONG}.csv", "-o", "out"],
    "a long batch": ["batch", ".", "-o", LONG],
    "a long view": ["view", f"{LONG}.glb", "-o", "a.html"],
    "a long film": ["verify", f"{LONG}.mp4"],
    "a long sheet": ["render", "line.npz", "-o", f"{LONG}.png"],
    "memory as a speech": ["animate", "/proc/self/mem", "-o", "a.npz"],
    "memory as a motion": ["export", "/proc/self/mem", "-o", "a.glb"],
    "memory as a head": ["animate", "line.npz", "--head", "/proc/self/mem", "-o", "a.npz"],
    "memory as a transcript": ["animate", "line.npz", "-t", "/proc/self/mem", "-o", "a.npz"],
    "memory as a network": ["animate", "line.npz", "--model", "/proc/self/mem", "-o", "a.npz"],
    "memory as a rig": ["export", "line.npz", "--rig", "/proc/self/mem", "-o", "a.csv"],
    "memory as a film": ["verify", "/proc/self/mem"],
    "a device as an output": ["export", "line.npz", "-o", "/dev/null"],
    "half a letter as a speech": ["animate", f"{HALF}.wav", "-o", "a.npz"],
    "half a letter as an emotion": ["animate", "line.npz", "-e", HALF, "-o", "a.npz"],
    "half a letter as consent": ["animate", "line.npz", "--consent", HALF, "-o", "a.npz"],
    "half a letter as a label": ["render", "line.npz", "--label", HALF, "-o", "a.mp4"],
    "half a letter as a character": ["animate", "line.npz", "-c", HALF, "-o", "a.npz"],
    "half a letter as a rig": ["export", "line.npz", "--rig", HALF, "-o", "a.csv"],
    "a rate of almost nothing": ["export", "line.npz", "--fps", "1e-320", "-o", "a.npz"],
    "a rate of almost nothing, animated": ["animate", "line.npz", "--fps", "1e-320", "-o", "a.npz"],
}


@pytest.mark.skipif(os.name == "nt", reason="these places are those of POSIX")
@pytest.mark.parametrize("case", ODD_PLACES)
def test_places_that_cannot_be_are_a_users_mistake(run, case, tmp_path, monkeypatch, motion_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*ODD_PLACES[case])
    assert (code, out) == (2, ""), err
    assert err.startswith("face-emote: ") and err.count("\n") == 1 and len(err) < 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.npz"]


def test_an_unknown_option_is_told_in_one_line(run):
    code, out, err = run("render", "--loud")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"face-emote: No such option.*--loud.*; see face-emote render --help\n", err)


def test_a_bug_is_admitted_in_one_line_and_debug_shows_where(run, monkeypatch):
    def broken(name: str) -> None:
        raise ZeroDivisionError("planted\nhere")

    monkeypatch.setattr(cli_main, "import_module", broken)
    code, out, err = run("doctor")
    assert (code, out) == (1, "")
    story = "a bug of ours, sorry (ZeroDivisionError: planted here); please report it with what --debug shows"
    assert err == f"face-emote: {story}\n"
    code, _, err = run("doctor", "--debug")
    assert code == 1 and "Traceback" in err and "in broken" in err


def test_an_unknown_emotion_or_character_is_told_before_any_work(run, tmp_path):
    speech, out = str(example_speech()[0].path), str(tmp_path / "a.npz")
    code, _, err = run("animate", speech, "-e", "joyy", "-o", out)
    assert code == 2 and "joy" in err and err.count("\n") == 1
    code, _, err = run("animate", speech, "-c", "jamse", "-o", out)
    assert (code, err) == (2, "face-emote: There is no character 'jamse'; did you mean 'james'?\n")
    code, _, err = run("animate", speech, "--lips", "50", "-o", out)
    assert code == 2 and "lips must be a number from 0 to 4, got 50" in err
    assert not list(tmp_path.iterdir())


def test_the_input_is_never_overwritten(run, tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"the only copy")
    for command in ("animate", "render"):
        code, _, err = run(command, str(film), "-o", str(film))
        assert (code, err) == (2, f"face-emote: The output would replace the input; choose another name: {film}\n")
    assert film.read_bytes() == b"the only copy"
