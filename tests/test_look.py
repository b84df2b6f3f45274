"""One look: every engine answers every point as the formula does, and every number of it is used."""

import json
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from look_points import COUNT, KINDS, expected, rows_of, shared_of, unit

from face_emote.core.assets import ASSETS, SHADERS
from face_emote.look import cloth, colour, eyes, hair_reflection, reflection, teeth, tone, viewed
from face_emote.look.formula.hair import strand_light
from face_emote.look.formula.materials import FORMULAS, HAIR, MOUTH, SKY, SURFACES, VIEWED
from face_emote.look.formula.ops import Vec
from face_emote.look.formula.printed import uniform_values
from face_emote.look.formula.records import Strand, leaves
from face_emote.look.lights import shared_numbers
from face_emote.rendering.gl.engine import GlThread, gl_missing
from face_emote.rendering.gl.shaders import shader_source
from face_emote.rendering.stage.generated import run_back, run_rows
from tools.write_shaders import files
from tools.write_shaders.files import EXTENSION_FILE, printed_files
from tools.write_shaders.symbols import Traced

MATERIALS = [*(formula.name for formula in FORMULAS), "lips"]
NO_GL = gl_missing()
ROOT = Path(__file__).parent.parent
NUMBERS = (reflection, colour, eyes, teeth, cloth, hair_reflection, tone, viewed)
PREPARED = {
    "reflection.MAX_WRINKLE", "colour.SCALP_SHADE", "eyes.IRIS", "eyes.PUPIL_DARK", "eyes.PUPIL_BRIGHT",
    "eyes.PERIORBITAL", "teeth.AROUND", "teeth.LEVELS", "teeth.CROWN_POINTS", "teeth.TEETH_PER_SIDE",
}  # fmt: skip
"""Read when a person or a pose is prepared, before any formula."""


def formula_of(material):
    return KINDS["skin" if material == "lips" else material]


@pytest.mark.parametrize("material", MATERIALS)
def test_kernels_shade_every_point_as_the_formula_does(material):
    formula, rows = formula_of(material), rows_of(material)
    wanted = expected(formula.name, rows)
    assert wanted.std() > 0.01, "the points differ"
    found = run_rows(formula, rows, shared_numbers(*shared_of(formula.name)))
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.skipif(NO_GL is not None, reason=str(NO_GL))
@pytest.mark.parametrize("material", [*(formula.name for formula in (*SURFACES, HAIR, *VIEWED)), "lips"])
def test_shaders_shade_every_point_as_the_formula_does(material):
    formula, rows = formula_of(material), rows_of(material)
    thread = GlThread()
    found = thread.call(lambda: shaded_by_gl(thread.context, formula, rows))
    np.testing.assert_allclose(found, expected(formula.name, rows), atol=1e-4)


def shaded_by_gl(context, formula, rows):
    """Display light by the printed shader, one vertex a point."""
    arguments, at = [], 0
    files = ("glsl/viewer",) if formula in VIEWED else ("glsl/lights", f"glsl/{formula.name}")
    for kind in re.search(rf"shade_{formula.name}\((.*?)\)", shader_source(*files))[1].split(", "):
        width = 3 if kind.startswith("vec3") else 1
        numbers = ", ".join(f"at({at + k})" for k in range(width))
        arguments.append(f"vec3({numbers})" if width == 3 else numbers)
        at += width
    main = f"""uniform sampler2D rows;
        out vec4 display;
        float at(int k) {{ return texelFetch(rows, ivec2(k, int(gl_FragCoord.x)), 0).r; }}
        void main() {{ display = vec4(shade_{formula.name}({", ".join(arguments)}), 1.0); }}"""
    source = f"{shader_source('common', *files)}\n{main}"
    whole = "#version 330 core\nin vec2 corner; void main() { gl_Position = vec4(corner, 0.0, 1.0); }"
    program = context.program(vertex_shader=whole, fragment_shader=source)
    texture = context.texture((rows.shape[1], len(rows)), 1, rows.astype(np.float32).tobytes(), dtype="f4")
    texture.use(0)
    for name, values in uniform_values(formula, shared_numbers(*shared_of(formula.name))).items():
        if name in program:
            program[name].write(np.asarray(values, np.float32).tobytes())
    canvas = context.framebuffer([context.renderbuffer((len(rows), 1), 4, dtype="f4")])
    canvas.use()
    corners = context.buffer(np.array([-1.0, -1.0, 3.0, -1.0, -1.0, 3.0], np.float32).tobytes())
    context.vertex_array(program, [(corners, "2f", "corner")]).render()
    return np.frombuffer(canvas.read(components=4, dtype="f4"), np.float32).reshape(-1, 4)[:, :3]


@pytest.mark.skipif(find_spec("torch") is None, reason="the differentiable renderer needs torch")
@pytest.mark.parametrize("material", MATERIALS)
def test_columns_of_torch_shade_every_point_as_the_formula_does(material):
    import torch

    from face_emote_lab.differentiable.columns import columns, compiled_rows

    formula, rows = formula_of(material), rows_of(material)
    wanted, shared = expected(formula.name, rows), shared_of(formula.name)
    exact = torch.tensor([value for record in shared for _, value in leaves(record)], dtype=torch.float64)
    np.testing.assert_allclose(columns(formula, torch.from_numpy(rows), exact).numpy(), wanted, atol=1e-9)
    compiled = compiled_rows(formula, torch.from_numpy(rows).float(), exact.float())
    np.testing.assert_allclose(compiled.numpy(), wanted, atol=1e-4)


@pytest.mark.skipif(find_spec("torch") is None, reason="the differentiable renderer needs torch")
@pytest.mark.parametrize("material", [formula.name for formula in (*SURFACES, MOUTH, SKY)])
def test_printed_gradients_are_those_of_torch(material):
    import torch

    from face_emote_lab.differentiable.columns import columns

    formula, shared = KINDS[material], shared_of(material)
    rows = torch.from_numpy(rows_of(material, seed=1)).requires_grad_()
    given = np.random.default_rng(2).normal(size=(COUNT, formula.num_outputs))
    light = columns(formula, rows, torch.from_numpy(shared_numbers(*shared)).double())
    (wanted,) = torch.autograd.grad((light * torch.from_numpy(given)).sum(), rows)
    found = run_back(formula, rows.detach().numpy(), shared_numbers(*shared), given=given)
    shadows = [name in ("spot.seen", "spot.rim_seen") for name in formula.names(formula.rows)]
    wanted = np.where(shadows, 0.0, wanted.numpy())
    error, size = np.abs(found[:, : rows.shape[1]] - wanted), np.abs(wanted)
    assert size.max() > 0.0
    # Single precision may take the other side of a kink here and there.
    assert np.quantile(error / (size.max(axis=0) + 1e-3), 0.995) < 2e-3


@pytest.mark.skipif(find_spec("torch") is None, reason="the differentiable renderer needs torch")
@pytest.mark.parametrize("material", [formula.name for formula in FORMULAS])
def test_every_formula_has_gradients(material):
    import torch

    from face_emote_lab.differentiable.columns import columns

    rows = torch.from_numpy(rows_of(material, seed=3, count=4)).requires_grad_()
    shared = torch.from_numpy(shared_numbers(*shared_of(material))).double()

    def light(values):
        return columns(KINDS[material], values, shared)

    # Places know nothing of each other, so that one step shows the change at all of them.
    step, drawn = 1e-8, light(rows)
    found = torch.stack([torch.autograd.grad(one.sum(), rows, retain_graph=True)[0] for one in drawn.unbind(1)])
    with torch.no_grad():
        for number, way in enumerate(step * torch.eye(rows.shape[1], dtype=torch.float64)):
            slope = (light(rows + way) - light(rows - way)) / (2.0 * step)
            torch.testing.assert_close(found[:, :, number].T, slope, atol=1e-3, rtol=1e-3)
    assert found.abs().max() > 0.0


def differing(printed):
    """Generated files that are not as they would be printed now."""
    known = {name: SHADERS / name for name in printed}
    return {name for name, path in known.items() if not path.exists() or path.read_text("utf-8") != printed[name]}


def test_printed_files_are_those_of_the_formulas():
    printed = printed_files()
    assert not differing(printed), "run python -m tools.write_shaders"
    there = {
        str(path.relative_to(SHADERS)) for folder in ("kernels", "glsl") for path in (SHADERS / folder).glob("*.*")
    }
    assert there == {name for name in printed if name.startswith(("kernels/", "glsl/"))}


def test_a_changed_number_is_noticed(monkeypatch):
    monkeypatch.setattr(eyes, "LID_GLOW", (0.5, 0.040, 0.026))
    assert differing(printed_files()) == {"kernels/eye.py", "kernels/eye_back.py", "glsl/eye.glsl"}


READERS = {
    "reflection": ("skin", "eye", "mouth", "sky"), "colour": ("skin",), "eyes": ("eye",),
    "teeth": ("tooth", "gum", "tongue", "mouth"),
    "cloth": ("cloth",), "hair_reflection": ("hair",), "tone": ("skin",),
    "viewed": ("viewed_skin", "viewed_part"),
}  # fmt: skip
"""Formulas that read a file's numbers, the likeliest first."""


@lru_cache
def steps_at_rest(formula):
    return Traced(KINDS[formula]).program.steps


def is_read(module, name, value):
    """Whether every component of a constant changes the steps of some formula."""
    readers = [KINDS[reader] for reader in READERS[module.__name__.rsplit(".", 1)[-1]]]
    before = {formula.name: steps_at_rest(formula.name) for formula in readers}
    for index in np.ndindex(np.shape(value)):
        moved = np.array(value, float)
        moved[index] = moved[index] * 1.001 + 1e-6
        table = tuple(map(tuple, moved.tolist())) if moved.ndim == 2 else tuple(moved) if moved.ndim else float(moved)
        setattr(module, name, table)
        try:
            reader = next((one for one in readers if Traced(one).program.steps != before[one.name]), None)
            if reader is None:
                return False
            readers = [reader, *(one for one in readers if one is not reader)]  # It may read the next one, too.
        finally:
            setattr(module, name, value)
    return True


def unused_numbers(modules):
    found = set()
    for module in modules:
        for name, value in vars(module).items():
            own = f"{module.__name__.rsplit('.', 1)[-1]}.{name}"
            is_number = (
                name.isupper() and isinstance(value, float | int | tuple) and np.asarray(value).dtype.kind in "fi"
            )
            if is_number and own not in PREPARED and not is_read(module, name, value):
                found.add(own)
    return found


def test_every_number_of_the_look_is_used():
    """Kernels, shaders and columns are all printed or run from the same steps: what changes those changes all."""
    assert not unused_numbers(NUMBERS)


def test_a_number_that_nobody_uses_is_found(monkeypatch):
    monkeypatch.setattr(cloth, "SHEEN", 0.3, raising=False)
    assert unused_numbers([cloth]) == {"cloth.SHEEN"}


NODES = {
    EXTENSION_FILE: "blender_addon/apply/skin_nodes.py", "cycles.json": "face_emote/blender_side/cycles_materials.py",
}  # fmt: skip
"""Who reads which numbers where formulas cannot be printed."""


def unread(file, source):
    return {name for name in json.loads(printed_files()[file]) if f'LOOK["{name}"]' not in source}


@pytest.mark.parametrize("file", NODES)
def test_blenders_nodes_read_every_number_they_are_given_and_have_none_of_their_own(file, monkeypatch):
    source = (ROOT / NODES[file]).read_text(encoding="utf-8")
    assert not unread(file, source)
    monkeypatch.setattr(files, "CYCLES", (*files.CYCLES, "cloth.WRAP"))
    monkeypatch.setattr(files, "EXTENSION", (*files.EXTENSION, "cloth.WRAP"))
    assert unread(file, source) == {"cloth.WRAP"}


@pytest.mark.skipif(NO_GL is not None, reason=str(NO_GL))
def test_the_pages_shader_compiles_with_the_printed_formulas():
    script = (ASSETS / "viewer" / "viewer.js").read_text(encoding="utf-8")
    vertex, fragment = (
        re.search(rf"const {name} `(.*?)`;", script, re.S)[1] for name in ("VERTEX =", r"fragment = \(\) =>")
    )
    assert not re.search(r"GAIN|exp\(|vec3\(0\.\d", fragment), "no formula and no colour is the page's own"
    printed = (SHADERS / "glsl" / "viewer.glsl").read_text(encoding="utf-8")
    fragment = fragment.replace('${$("formulas").textContent}', printed)
    old, new = "#version 300 es", "#version 330 core"
    thread = GlThread()
    program = thread.call(
        lambda: list(
            thread.context.program(vertex_shader=vertex.replace(old, new), fragment_shader=fragment.replace(old, new))
        )
    )
    given = uniform_values(VIEWED[0], shared_numbers(*shared_of("viewed_skin")))
    assert set(given) <= set(program), "the page sets every lamp that its shader reads"


def strand_ref(t, to, v, n, c, *, jitter):
    """Kajiya and Kay's body and three lobes of Marschner et al., vector by vector."""
    along, ahead = t @ to, t @ v
    across, around_view = np.sqrt(1.0 - along**2), np.sqrt(1.0 - ahead**2)
    facing = max(0.0, (n @ to + hair_reflection.WRAP) / (1.0 + hair_reflection.WRAP))
    near = np.clip(0.5 + 0.5 * (to @ v - along * ahead) / max(across * around_view, 1e-3), 0.0, 1.0)
    h = 0.5 * (along + ahead) - jitter * hair_reflection.SHIFT_SPREAD

    def lobe(kind):
        gain, shift, width = (getattr(hair_reflection, f"{kind}_{part}") for part in ("GAIN", "SHIFT", "WIDTH"))
        x = ((h - shift) / width) ** 2
        return gain * np.exp(-0.5 * x) * (x < 9.2)

    body = c * hair_reflection.BODY * across * facing
    inside = np.sqrt(c) * lobe("INSIDE") * near**2 * facing
    return body + lobe("SURFACE") * np.sqrt(near) * facing + inside + c * lobe("THROUGH") * (1.0 - near) ** 3


def test_strands_reflect_as_is_written():
    rng = np.random.default_rng(3)
    for _ in range(50):
        t, to, v, n = unit(rng.normal(size=(4, 3)))
        c, jitter = rng.uniform(0.01, 0.5, 3), float(rng.uniform(-0.5, 0.5))
        none = Vec(0.0, 0.0, 0.0)
        strand = Strand(none, Vec(*t), Vec(*n), Vec(*c), 1.0, 1.0, jitter, none, -1.0, none, 0.0)
        found = np.array(list(strand_light(strand, Vec(*to), Vec(*v))))
        np.testing.assert_allclose(found, strand_ref(t, to, v, n, c, jitter=jitter), atol=1e-5)


def test_records_are_filled_and_read_in_one_order():
    for formula in FORMULAS:
        names = formula.names((*formula.rows, *formula.shared))
        assert len(names) == len(set(names))
        values = [value for record in shared_of(formula.name) for _, value in leaves(record)]
        assert len(values) == len(formula.names(formula.shared))
    assert HAIR.names(HAIR.rows)[:3] == ["strand.from_camera.x", "strand.from_camera.y", "strand.from_camera.z"]
