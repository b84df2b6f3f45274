"""A folder with every file that the pages' commands name, so that they can be typed as they stand."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
from fabricated_flame import fabricated_flame
from random_net import write_random_net
from tiny_corpus import make_corpus

import face_emote as fe
from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.core.assets import ASSETS
from face_emote.provenance.signer import CHAIN, settings_folder

ROOT = Path(__file__).parent.parent
LINE = min(example_speech(), key=lambda item: item.path.stat().st_size)
FOLDS = [tomllib.loads(path.read_text()) for path in sorted((ASSETS / "training/folds").glob("*.toml"))]
TALKERS = [talker for fold in FOLDS for talker in fold["data"]["hold_out_talkers"]]
PROGRAMS = {
    "face-emote": f'exec "{sys.executable}" -m face_emote "$@"',
    "python": f'exec "{sys.executable}" "$@"',
    "arecord": "exec tail -c +45 line.wav",  # The samples of a plain wav.
    "your-engine": "exec cat > engine.jsonl",
    "browser": "exit 0",
}


def make_workshop(folder: Path) -> Path:
    """Fill `folder`."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    for name in ("line", "lines/01", "lines/02", "lines/02b", "takes/line", "SPEECH"):
        say(folder / name)
    motion = fe.animate(folder / "line.wav", emotion="joy", fps=10.0)
    fe.write_motion(motion, folder / "line.npz")
    for name in ("take.npz", "MOTION.npz", "takes/line.npz"):
        shutil.copy(folder / "line.npz", folder / name)
    fe.export(folder / "line.npz", folder / "line.glb")
    fe.export(folder / "line.npz", folder / "take.csv")
    fe.export(folder / "line.npz", folder / "line.cues.json")
    fe.render(motion, folder / "line.mp4", speech=folder / "line.wav", size=64)
    (folder / "lines.csv").write_text("speech,emotion,outputs\nlines/01.wav,calm anger,mp4\nlines/02.wav,joy,csv\n")
    (folder / "watch.csv").write_text("time (s),hr (bpm)\n" + "".join(f"{t},{80 + t}\n" for t in range(4)))
    run("face-emote batch lines.csv -o out --size 64 --fps 10", folder)
    (folder / "script.fountain").write_text("INT. HOME - DAY\n\nJANE\n(hurt, then cold)\nI never said that.\n")
    (folder / "script.txt").write_text("JANE: (hurt, then cold) I never said that.\n")
    (folder / "script.srt").write_text("1\n00:00:01,000 --> 00:00:02,500\nJANE: I never said that.\n")
    (folder / "script.csv").write_text("speaker,text,emotion\nJANE,I never said that.,calm anger\n")
    shutil.copy(settings_folder() / CHAIN, folder / "authorities.pem")
    flame = folder.parent / "flame.pkl"  # Large, hence linked.
    flame.write_bytes(pickle.dumps(dict(fabricated_flame().arrays)))
    for name in ("generic_model.pkl", "flame2023_Open.pkl"):
        (folder / name).symlink_to(flame)
    for name in ("mine", "default", "fold_a", "fold_b", "fold_c"):
        (folder / "runs" / name).mkdir(parents=True)
        write_random_net(folder / "runs" / name / "model.safetensors")
    for name in ("LIPS", "EXPRESSION"):
        write_random_net(folder / f"{name}.safetensors")
    make_corpus(folder / "corpus", talkers=("s1", "s31"))
    tracked_talkers(folder / "data")
    return folder


def run(text: str, folder: Path) -> subprocess.CompletedProcess:
    """Type a line there."""
    paths = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "BROWSER": "browser"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", text], cwd=folder, env=os.environ | paths, capture_output=True, text=True
    )


def say(name: Path) -> None:
    """A recording and its words beside it."""
    name.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(LINE.path, name.with_suffix(".wav"))
    shutil.copy(LINE.path.with_suffix(".txt"), name.with_suffix(".txt"))


def tracked_talkers(folder: Path) -> None:
    """`grid_s1` and `grid_talkers`: the same line said by everybody, with lips that open on its loudness."""
    speech = analyse(LINE.path, transcript=LINE.transcript)
    phones = [["word", phone.label, phone.start_secs, phone.end_secs] for phone in speech.phones]
    for own, motion, aligned, clips in (
        (folder / "grid_s1", "motion_train.npz", "phones_train.json", 2),
        *((folder / "grid_talkers" / talker, "motion.npz", "phones.json", 1) for talker in TALKERS),
    ):
        names = [f"clip{k}" for k in range(clips)]
        for name in names:
            say(own / "audio" / name)
            (own / "audio" / f"{name}.txt").unlink()
        (own / aligned).write_text(json.dumps(dict.fromkeys(names, phones)))
        at = np.arange(75)
        opened = 0.05 + 0.05 * np.sin(0.9 * at + np.arange(clips)[:, None])
        feat = np.stack([opened, 0.4 + 0.1 * opened, 0.5 * opened], axis=-1).astype(np.float32)
        np.savez(
            own / motion, clips=np.array(names), feat=feat, feat_names=np.array(["gap", "inwidth", "jaw"]), fps=25.0,
            bs=np.zeros((clips, 75, 1), np.float32), bs_names=np.array(["jawOpen"]),
        )  # fmt: skip
