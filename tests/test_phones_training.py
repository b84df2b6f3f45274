"""The trainer of the phone net, run for real on a corpus made of the bundled sentences."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.audio.logmel import log_mels
from face_emote.audio.phone_net import forward, load_phone_net, normalised_mels
from face_emote.audio.reader import read_speech

ROOT = Path(__file__).parent.parent


def corpus(folder: Path) -> Path:
    """Twelve clips in the layout that the trainer reads, phones from the aligner."""
    phones: dict[str, dict[str, list[list[object]]]] = {"librispeech": {}, "vctk": {}, "grid_s1": {}}
    names = {
        "librispeech": [f"{i}-1-0000" for i in range(1, 4)],
        "vctk": ["p225_001", "p228_001"],
        "grid_s1": ["bbaf2n"],
    }
    for part in names:
        (folder / part / "audio").mkdir(parents=True)
        for i, name in enumerate(names[part]):
            example = example_speech()[i]
            rows = [
                [p.label, p.label, p.start_secs, p.end_secs, 0]
                for p in analyse(example.path, transcript=example.transcript).phones
            ]
            phones[part][name] = rows
            suffix = ".flac" if part == "vctk" else ".ogg"
            shutil.copyfile(example.path, folder / part / "audio" / f"{name}{suffix}")  # told by content
    for part, content in phones.items():
        name = "phones_train.json" if part == "grid_s1" else "phones.json"
        (folder / part / name).write_text(json.dumps(content))
    for talker in ("s4", "s33"):
        (folder / "grid_talkers" / talker / "audio").mkdir(parents=True)
        shutil.copyfile(example_speech()[1].path, folder / "grid_talkers" / talker / "audio" / "bbaf1p.flac")
        (folder / "grid_talkers" / talker / "phones.json").write_text(
            json.dumps({"bbaf1p": phones["vctk"]["p228_001"]})
        )
    for talker in ("03", "08"):
        (folder / "emodb" / "lablaut").mkdir(parents=True, exist_ok=True)
        (folder / "emodb" / "wav16").mkdir(exist_ok=True)
        shutil.copyfile(example_speech()[4].path, folder / "emodb" / "wav16" / f"{talker}a01Fa.flac")
        labels = "signal x\n#\n 0.2 -1 .\n 0.5 -1 m\n 0.6 -1 +nas\n 1.0 -1 aI\n 1.2 -1 !p\n"
        (folder / "emodb" / "lablaut" / f"{talker}a01Faxx.lablaut").write_text(labels)
    return folder


@pytest.mark.slow
def test_the_trainer_learns_and_its_net_runs_in_numpy(tmp_path: Path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("pocketsphinx")
    data, output = corpus(tmp_path / "data"), tmp_path / "net.npz"
    command = [sys.executable, "-m", "tools.train_phones.train", str(data), "-o", str(output), "--copies", "1"]
    done = subprocess.run(
        [*command, "--steps", "60"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    net = load_phone_net(output)
    rows = np.concatenate(list(normalised_mels(log_mels([read_speech(example_speech()[0].path).samples]))))
    fast = forward(rows, net)
    sys.path.insert(0, str(ROOT))
    try:
        from tools.train_phones.torch_net import TorchPhoneNet
    finally:
        sys.path.remove(str(ROOT))
    twin = TorchPhoneNet()
    twin.load_state_dict(torch.load(output.with_suffix(".pt")))
    twin.eval()
    with torch.no_grad():
        slow = twin(torch.from_numpy(rows)[None])[0].numpy()
    assert np.abs(fast - slow).max() < 0.05  # weights are stored as float16
    assert (fast[:, :40].argmax(axis=1) == slow[:, :40].argmax(axis=1)).mean() > 0.99
