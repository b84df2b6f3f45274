"""What the pages, `--help` and heads of programs tell a reader to type runs as it stands there."""

import re
import shutil
import tomllib
from importlib.util import find_spec

import click
import pytest
from documented import ROOT, Command, commands, python_blocks
from workshop import make_workshop, run

from face_emote.blender_side.process import blender_python
from face_emote.cli.main import cli
from face_emote.core.errors import DependencyError
from face_emote.lines.speakers import speakers

NOT_RUN = {
    r"make .*|sh \.ci/run": "what .ci/run consists of",
    r"pip .*|python3\.11 -m venv .*|export FACE_EMOTE_BLENDER_PYTHON=.*": "changes the environment it is typed in",
    r"face-emote (?!demo|doctor)[a-z]+|face-emote .* (NAME|\.\.|folds/a)( .*)?": "the name of a command",
    r"face-emote verify --trust [a-z]+\.pem|face-emote export --(rig controls|head)": "an option is named",
    r"ray start .*|.*--cluster.*": "needs a cluster of machines",
    r"torchrun .*": "four processes for a large network; tests/test_train_loop.py trains with two",
    r"python -m (pytest|tools\.test_blender) .*": "tests, which .ci/run runs",
    r"python -m bench\.ablations .*": "hours, and needs the corpus of the bundled network",
    r"python -m tools\.train_judges\.teach .*picture.*": "draws for minutes; tests/test_pictures.py",
    r"python -m (bench\.capture|tools\.capture_tables).*": "needs MediaPipe, and draws for minutes",
    r"face-emote (capture|animate --from) (take|film|01)\.(mp4|mov|npz) .*": "needs a film; tests/test_capture.py",
    r"face-emote animate --stream --mic .*": "needs a microphone; tests/test_live_stream.py fabricates one",
    r"arecord -F 20000": "an option is named",
    r"arecord .* perceive --stream -o - .*": "writes bytes; tests/test_live_tokens.py",
    r"face-emote perceive .* --one-talker .*": "needs many lines of one voice; tests/test_talker.py",
    r"python -m tools\.train_generation\..*": "needs faces that were tracked; tests/test_takes_training.py",
    r"python -m tools\.train_encoder\..*": "an hour, and needs recordings that are not distributed",
    r"python -m bench\.(faces|tokens) .*": "minutes, and needs faces and recordings that are not distributed",
    r"face-emote .*(rest\.mp4|jane\.character).*": "needs a filmed person; tests/test_enrolment.py",
    r"face-emote .*jane\.style.*": "needs films of a person; tests/test_clone.py",
    r"python -m bench\.engines.*": "needs a browser, three.js and MediaPipe; tests/test_engines.py",
    r"python -m bench\.recognised.*": "needs MediaPipe and its model, which is not distributed here",
    r"python -m tools\.build_extension .*": "needs bpy beside it; `make extension`, which .ci/run runs",
    r"python -m tools\.gui_session .*": "needs a Blender with a window",
    r"python -m bench\.in_extension.*": "needs bpy beside it; tests/blender measure what it does",
    r"python -m tools\.build_head .*": "needs MakeHuman's data; tests/test_head_build.py",
    r"python -m tools\.train_(phones|voice|words)\..*": "hours, and needs recordings that are not distributed",
    r"python -m bench\.covert .*": "minutes, and needs voices that are not distributed here",
    r"python -m bench\.perception .*": "minutes, and needs recordings that are not distributed",
    r"face-emote .*--partner other\.wav.*": "needs two tracks of one conversation; tests/test_listening.py",
    r"face-emote bank (add|forget) .*": "needs a take; tests/test_bank.py",
    r"face-emote .*cold-fury-interview-take.*": "needs an own moment; tests/test_bank.py",
    r"python -m tools\.build_bank .*": "needs faces that were tracked, which are not distributed here",
    r"python -m bench\.(real_or_drawn|bank|styled_lips|whose_style) .*": "minutes, and needs tracked faces",
    r"python -m bench\.liveliness .*": "needs faces that were tracked, which are not distributed here",
    r"python -m (bench\.voice.*|tools\.fit_manners) .*": "minutes, and needs recordings that are not distributed",
    r"python -m bench\.words .*": "needs sentences that people rated, which are not distributed here",
    r"python -m tools\.train_network\.train .*": "needs trained judges; tests/test_pictures.py",
    r"python -m face_emote_lab\.train\.corpus\.build --user KIND.*": "the form of a command",
    r"python -m tools\.train_network\.mean .*": "needs two rounds of a network; tests/test_mean_weights.py",
    r"python -m tools\.train_network\.retaught .*": "needs a trained network; tests/test_retaught.py",
    r"python -m tools\.train_letters .*": "minutes, and needs a dictionary that is not distributed",
    r"python -m tools\.fit_vowels .*": "minutes, and needs recordings that are not distributed",
    r"python -m tools\.bake_skin": "writes into the assets; tests/test_skin_maps.py bakes elsewhere",
    r"python -m tools\.bake_hair": "writes into the assets; tests/test_hair.py bakes elsewhere",
    r"python -m tools\.write_shaders": "writes into the sources; tests compare what it would write",
    r"python -m tools\.gallery.*": "the pictures of the pages, half an hour",
    r"python examples/.*": "tests/test_examples.py runs them",
}
"""Regular expressions of whole commands, and why they are not run here."""
NEEDS = {
    "--engine gl": "moderngl", "--plots": "matplotlib", r"\.train|bench\.folds| train ": "torch",
    r"bench\.legible": "fer", r"face-emote voice|--voice": "pyworld", r"--to osc": "pythonosc",
}  # fmt: skip
"""Packages without which a command only says what it needs."""
NEEDS_BLENDER = r"cycles|\.abc|\.fbx|bench\.reimport|compare_engines"
STAND_INS = {
    "NAME|FILE": "metahuman", "DATA": "data", "CORPUS": "corpus", "EXPERTS": "experts", "RUNS": "runs",
    "OUT": "out.csv", "FOLDER": "takes", "FILE": "line.mp4", "DIR": "out",
}  # fmt: skip
"""Words in capitals, and what a reader might put there."""
REPLACED = ((r"--cases \d+", "--cases 60"), (r"--size \d+", "--size 64"), (r"tools\.house$", f"tools.house {ROOT}"))
PICTURES = r"face-emote (demo|(animate|say) .*\.mp4|render .*|batch (lines|script|\").*)"
ADDED = (
    (rf"(?!.*--(size|dry-run)){PICTURES}", "--size 64"),
    (r"face-emote batch (lines|script|\").*", "--fps 6"),
    (r"face-emote render line\.wav .*cycles.*", "--fps 1"),
    (r".*--engine cycles.*", "--samples 1"),
    (r"face-emote train .*", "--steps 2"),
    (r"python -m tools\.train_judges\.teach .*", "--only sync --steps 2"),
    (r"python -m tools\.train_network\.corpus .*", "--only grid_s1,grid_talkers"),
    (r"python -m bench\.(?!folds|lip_quality|talkers).*", "--quick"),
    (r"python -m bench\.lip_quality", "--data data"),
    (r"python -m tools\.compare_engines .*", "--size 64 --samples 1 --faces 0"),
)
"""What makes a command quick."""
TOLD = commands()


def reason_not_to_run(command: Command) -> str | None:
    return next((reason for pattern, reason in NOT_RUN.items() if re.fullmatch(pattern, command.text)), None)


def quick(text: str) -> str:
    for word, stand_in in STAND_INS.items():
        text = re.sub(rf"(?<![\w/.]){re.escape(word)}(?![\w/.|])", stand_in, text)
    for pattern, smaller in REPLACED:
        text = re.sub(pattern, smaller, text)
    return " ".join([text, *(added for pattern, added in ADDED if re.fullmatch(pattern, text))])


def require_what_it_needs(text: str) -> None:
    speaker = re.search(r"--speaker ([\w-]+)", text)
    if speaker is not None or re.search(r"face-emote say \"|batch script|fe\.say\(", text):
        here = [one.name for one in speakers() if one.command and not one.file_voice]
        if not here or (speaker is not None and speaker[1] not in here):
            pytest.skip("needs a speaker: face-emote say --list")
    for pattern, package in NEEDS.items():
        if re.search(pattern, text) and find_spec(package) is None:
            pytest.skip(f"needs {package}")
    if re.search(NEEDS_BLENDER, text):
        try:
            blender_python()
        except DependencyError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return make_workshop(tmp_path_factory.mktemp("workshop") / "made")


def test_the_pages_tell_many_commands():
    texts = [command.text for command in TOLD]
    assert len(texts) > 120
    assert 'face-emote animate line.wav --emotion "joy tinged with guilt" -o line.mp4' in texts
    assert "face-emote export line.npz -o line.tsv --rig rhubarb" in texts
    assert "python -m bench.render" in texts


@pytest.mark.parametrize("pattern", NOT_RUN)
def test_every_exception_is_still_needed(pattern):
    assert any(re.fullmatch(pattern, command.text) for command in TOLD)


def test_what_is_not_run_names_what_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for command in TOLD:
        if reason_not_to_run(command) is None:
            continue
        words = command.text.split()
        if words[0] == "make":
            assert words[1] in targets, command
        if words[0] == "face-emote" and words[1:]:
            found = cli.get_command(click.Context(cli), words[1])
            if isinstance(found, click.Group) and words[2:]:
                found = found.get_command(click.Context(found), words[2])
            assert found is not None, command
            known = {name for item in found.params for name in (*item.opts, *item.secondary_opts)}
            assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= known, command
        for extra in re.findall(r"face-emote\[(\w+)\]", command.text):
            assert extra in extras, command
        for module in re.findall(r"python -m ((?:bench|tools|face_emote)\.[\w.]+)", command.text):
            assert find_spec(module) is not None, command
        for path in re.findall(r"(?:examples|tests)/\w+\.py", command.text):
            assert (ROOT / path).is_file(), command


def test_every_benchmark_is_told_about():
    told = {name for command in TOLD for name in re.findall(r"python -m bench\.(\w+)", command.text)}
    parts = {
        "__init__",
        "browser",
        "capture_films",
        "capture_people",
        "common",
        "in_blender",
        "judges",
        "liveliness_figures",
        "liveliness_plot",
        "moving_windows",
        "pairs",
        "two_samples",
        "units",
    }
    assert {path.stem for path in (ROOT / "bench").glob("*.py")} - parts == told


@pytest.mark.slow
@pytest.mark.parametrize("command", [item for item in TOLD if reason_not_to_run(item) is None], ids=lambda c: c.text)
def test_a_command_runs_as_it_is_told(command, workshop, tmp_path):
    text = quick(command.text)
    require_what_it_needs(text)
    folder = shutil.copytree(workshop, tmp_path / "here", symlinks=True)
    done = run(text, folder)
    assert done.returncode == 0, f"{command.page}: {text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    for target in [] if "--dry-run" in text else re.findall(r"(?:-o|--json) (\S+)", text):
        assert (folder / target).exists(), f"{command.page}: {text} wrote no {target}"


@pytest.mark.slow
@pytest.mark.parametrize("block", python_blocks(), ids=lambda block: block[0])
def test_a_block_of_python_runs_as_it_stands(block, workshop, tmp_path):
    _page, text = block
    folder = shutil.copytree(workshop, tmp_path / "here", symlinks=True)
    if "import bpy" in text:
        pytest.skip("typed into Blender with the extension installed; tests/blender/scenarios")
    for word, package in (("import torch", "torch"), (".trimeshes()", "trimesh")):
        if word in text and find_spec(package) is None:
            pytest.skip(f"needs {package}")
    require_what_it_needs(text)
    first = 'import face_emote as fe\nmotion = fe.read_motion("line.npz")\n' if "motion," in text else ""
    (folder / "block.py").write_text(first + text)
    done = run("python block.py", folder)
    assert done.returncode == 0, done.stderr[-2000:]
