"""The package from outside: its public names, what importing it costs, and the wheel on a fresh machine."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import face_emote

ROOT = Path(__file__).parent.parent


def python(code: str, *, cwd: Path | None = None) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_at_most_twenty_public_names_and_all_of_them_work():
    assert len(face_emote.__all__) <= 20
    for name in face_emote.__all__:
        assert callable(getattr(face_emote, name)), name
        assert name in dir(face_emote)


def test_a_name_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(AttributeError, match=r"no attribute 'sing'; it has .*animate"):
        _ = face_emote.sing


def test_type_checkers_see_the_same_names():
    tree = ast.parse((ROOT / "face_emote" / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: str(node.module) for node in block.body for alias in node.names}
    assert sorted(seen) == sorted(face_emote.__all__)
    homes = {name: f"face_emote.{home}" for name, home in face_emote._HOMES.items()}
    assert seen == homes


def test_importing_the_package_loads_nothing_but_its_version():
    ours = "sorted(m for m in sys.modules if m.startswith('face_emote'))"
    loaded = python(f"import sys, face_emote; print({ours}, 'numpy' in sys.modules)")
    assert loaded == "['face_emote', 'face_emote.core', 'face_emote.core.version'] False"


def test_no_module_takes_the_place_of_a_public_name():
    """`import face_emote.x` sets `face_emote.x` to the module; were x a public function, that would hide it."""
    folder = Path(face_emote.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir() if path.is_dir()}
    assert modules.isdisjoint(face_emote.__all__)
    first = "import face_emote.verbs.animate, face_emote.formats.glb.glb, face_emote.rendering.base, face_emote as fe"
    assert python(f"{first}; print(*(type(f).__name__ for f in (fe.animate, fe.export, fe.render)))").split() == [
        "function", "function", "function",
    ]  # fmt: skip


def test_the_engine_needs_numpy_alone():
    """Blender brings numpy and nothing else: block every other package and go through the engine."""
    code = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"numba", "av", "pocketsphinx", "click", "rich", "jaxtyping", "scipy", "torch"}:
            raise ModuleNotFoundError("blocked " + name)
sys.meta_path.insert(0, Blocked())
import face_emote as fe
motion = fe.animate(sys.argv[1] if len(sys.argv) > 1 else PATH, emotion="joy")
fe.write_motion(motion, OUT)
print(fe.read_motion(OUT).num_frames == motion.num_frames > 30)
"""
    speech = min((ROOT / "assets" / "speech").glob("*.wav"), key=lambda path: path.stat().st_size)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "m.npz"
        assert python(code.replace("PATH", repr(str(speech))).replace("OUT", repr(str(out)))) == "True"


def test_without_torch_everything_but_training_works_and_training_says_what_it_needs(tmp_path):
    code = """
import sys
sys.modules["torch"] = sys.modules["tensorboard"] = None
from face_emote.cli.main import main
for words in (["--help"], ["train", "--help"], ["evaluate", "--help"], WORDS):
    sys.argv = ["face-emote", *words]
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    print("code", code, file=sys.stderr)
"""
    words = ["train", "tiny", "--corpus", str(tmp_path), "-o", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-c", code.replace("WORDS", repr(words))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *helped, why, last = done.stderr.splitlines()
    assert [line in ("code 0", "code None") for line in helped] == [True] * 3
    assert "Training needs torch: pip install 'face-emote[train]'" in why and last == "code 2"
    assert not (tmp_path / "run").exists()


def test_the_command_line_lists_training_only_where_it_is_installed():
    code = """
import sys
if BLOCKED:
    sys.modules["face_emote_lab"] = None
from face_emote.cli.main import main
print(main(["--help"]), main(["train", "--help"]))
"""
    there, blocked = (python(code.replace("BLOCKED", str(out))).splitlines() for out in (False, True))
    for name in ("train", "evaluate"):
        listed = [any(line.strip().startswith(f"{name} ") for line in lines) for lines in (there, blocked)]
        assert listed == [True, False]
    assert (there[-1], blocked[-1]) == ("0 0", "0 2")


def test_version_and_notices_are_in_order():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", face_emote.__version__)
    assert f"## {face_emote.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    notice = (ROOT / "NOTICE").read_text()
    for name in ("MakeHuman", "Face Units 01", "LibriVox", "LibriSpeech", "GRID", "VCTK"):
        assert name in notice


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
    )
    (wheel,) = tmp_path.glob("face_emote-*.whl")
    assert wheel.stat().st_size < 40e6
    venv.create(tmp_path / "fresh", with_pip=True)
    fresh = tmp_path / "fresh" / ("Scripts" if os.name == "nt" else "bin")

    def told(*words: str) -> str:
        done = subprocess.run([str(fresh / words[0]), *words[1:]], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told("python", "-m", "pip", "install", "--quiet", "--no-deps", str(wheel))
    told("python", "-m", "pip", "install", "--quiet", "numpy")
    told(
        "python",
        "-c",
        "import face_emote as fe; fe.read_motion; fe.describe('calm anger'); print(fe.load_head().basis)",
    )
    told("python", "-m", "pip", "install", "--quiet", str(wheel))
    assert "animate" in told("face-emote", "--help")
    told("face-emote", "doctor")
    told("face-emote", "demo", "-o", "demo", "--size", "128")
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == [
        "demo.glb",
        "demo.mp4",
        "demo.npz",
        "demo_sheet.png",
    ]
