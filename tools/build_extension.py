"""Pack the Blender extension: engine wheel, zip, Blender's own validation, static repository.

    python -m tools.build_extension -o dist/blender

The engine wheel is `face_emote` without what only the command line needs; it depends on numpy
alone. Wheel and zip are the same bytes for the same sources. Blender's packing tool comes with an installed `bpy`.
"""

import argparse
import ast
import base64
import hashlib
import io
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "blender_addon"
PARTS = {"face_emote": "face_emote", "assets": "face_emote/assets", "shaders": "face_emote/shaders"}
"""Folders of the checkout that the engine wheel holds, and where in it they lie."""
LEFT_OUT = (
    "face_emote/cli",
    "face_emote/__main__.py", "assets/experts", "assets/training", "assets/flame/README.md",
    "assets/speech/dashwood_5.wav", "assets/speech/dashwood_5.txt", "shaders/kernels", "assets/capture",
    "assets/network/fast.safetensors", "assets/perception/words_vad.npz",
    "assets/perception/words_other.npz", "assets/perception/encoder.safetensors", "assets/generation", "assets/bank",
    "assets/voice", "face_emote/lines/script.py", "face_emote/lines/script_files.py",
)  # fmt: skip
"""What of them it does not hold. Four of the sentences are what a head's lip seal is worked out from."""
BATCH = ("columns", "manifest_file", "naming", "plan", "rows", "state", "talkers", "__init__")
"""What reads a table of lines; the rest of batches is left out."""
EPOCH = (2020, 1, 1, 0, 0, 0)
"""Time stamp of every packed file, so that equal sources give equal bytes."""


def main() -> int:
    """Build everything into the output folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "dist" / "blender")
    parser.add_argument(
        "--blender-ext", type=Path, help="Blender's blender_ext.py; found in an installed bpy by default"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    archive = build(options.out)
    print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
    tool = options.blender_ext or find_tool()
    if tool is None:
        print("Not validated: there is no bpy here (pip install bpy==4.5.15), so no index was made either")
        return 1
    for arguments in (["validate", str(archive)], ["server-generate", "--repo-dir", str(options.out), "--html"]):
        done = subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False)
        print(done.stdout.strip() or done.stderr.strip())
        if done.returncode:
            return done.returncode
    return 0


def build(out: Path) -> Path:
    """Write the zip of the extension, engine wheel inside; returns its path."""
    manifest = (SOURCE / "blender_manifest.toml").read_text(encoding="utf-8")
    facts = tomllib.loads(manifest)
    wheel_name, wheel = engine_wheel()
    files = {
        path.relative_to(SOURCE).as_posix(): path.read_bytes()
        for path in sorted(SOURCE.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.parent.name != "wheels"
    }
    listed = manifest.replace("wheels = []", f'wheels = ["./wheels/{wheel_name}"]')
    assert listed != manifest, "the manifest has no empty list of wheels to fill"
    files["blender_manifest.toml"] = listed.encode()
    files[f"wheels/{wheel_name}"] = wheel
    archive = out / f"{facts['id']}-{facts['version']}.zip"
    with tempfile.TemporaryDirectory(dir=out) as folder:
        beside = Path(folder) / archive.name
        beside.write_bytes(zipped(files))
        beside.replace(archive)
    return archive


def engine_wheel() -> tuple[str, bytes]:
    """File name and bytes of the engine wheel (PEP 427), which needs numpy and nothing else."""
    version = package_version()
    info = f"face_emote-{version}.dist-info"
    files = {
        f"{place}/{path.relative_to(ROOT / part).as_posix()}": path.read_bytes()
        for part, place in PARTS.items()
        for path in sorted((ROOT / part).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and not is_left_out(path)
    }
    metadata = ["Metadata-Version: 2.1", "Name: face-emote", f"Version: {version}", "License: Apache-2.0",
                "Requires-Python: >=3.11", "Requires-Dist: numpy>=1.26"]  # fmt: skip
    files[f"{info}/METADATA"] = ("\n".join(metadata) + "\n").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: face_emote\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    for name in ("LICENSE", "NOTICE"):
        files[f"{info}/licenses/{name}"] = (ROOT / name).read_bytes()
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = ("\n".join([*record, f"{info}/RECORD,,"]) + "\n").encode()
    return f"face_emote-{version}-py3-none-any.whl", zipped(files)


def package_version() -> str:
    """The package's version, read without importing it."""
    tree = ast.parse((ROOT / "face_emote" / "core" / "version.py").read_text(encoding="utf-8"))
    out: str = next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
    return out


def is_left_out(path: Path) -> bool:
    """Whether a file of the checkout is not for the engine wheel."""
    inside = path.relative_to(ROOT).as_posix()
    if path.parent.name == "batch" and path.stem not in BATCH:
        return True
    return any(inside == name or inside.startswith(f"{name}/") for name in LEFT_OUT)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip whose bytes depend on names and contents alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            packed = name.endswith((".whl", ".npz", ".png"))
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def find_tool() -> Path | None:
    """Blender's packing tool in the site-packages of this Python."""
    for place in sys.path:
        found = sorted(Path(place).glob("bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
        if found:
            return found[-1]
    return None


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    raise SystemExit(main())
