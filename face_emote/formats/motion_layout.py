"""Bytes of a motion file, checked strictly: the zip's directory, the JSON header, the head of each `.npy` inside.

Nothing here trusts a file: no pickles, no `eval`, no size taken on faith. Whatever is wrong raises ValueError with
the reason as a clause ("it holds ..."); `motion_file` makes a MotionFileError of it.
"""

import dataclasses
import json
import os
import re
import struct
from collections.abc import Mapping
from io import BufferedIOBase

from face_emote.core.names import BLOOD_REGIONS, CONFIDENCE_AREAS, NUM_EXPRESSION, WRINKLES
from face_emote.core.records import Record, parsed_json
from face_emote.core.timing import MAX_FPS, MIN_FPS
from face_emote.core.types import MotionInfo

FORMAT = "face_emote motion"
VERSION, WITH_CONFIDENCE = 1, 2
"""Of a motion, and of one that was captured and says how far each frame is to be believed."""
ROW_SHAPES: Mapping[str, tuple[int, ...]] = {
    "expression": (NUM_EXPRESSION,),
    "jaw_pose": (3,),
    "neck_pose": (3,),
    "eye_pose": (2, 3),
    "global_pose": (3,),
    "translation": (3,),
    "wrinkles": (len(WRINKLES),),
    "blood_flow": (len(BLOOD_REGIONS),),
}
"""Shape of one frame of each array that has a row per frame."""
CONFIDENCE_SHAPE = (len(CONFIDENCE_AREAS),)
ENTRIES = ("header", "betas", *ROW_SHAPES)  # Of version 1; version 2 has `confidence` too.
MAX_FRAMES = 7_500_000  # 69 hours at 30 fps. Keeps the file below 4 GiB, hence free of zip64 and its second directory.
MAX_HEADER_BYTES = 2**26  # Nearly all of it are cues: 60 bytes a sound.
MAX_DIRECTORY_BYTES = 64 * 1024
MAX_NPY_HEAD = 1024
_SAME_SHAPES = {"face_emote-1:f611e2bb": "face_emote-1:e41c1894"}
"""A former head, of which the second is one with shapes for controls that did nothing: its motions are the second's."""
LARGEST = 10**40  # Of whole numbers that have no range of their own.
ZIP_END = struct.Struct("<4s4H2LH")
"""Last record of a zip: signature, disk numbers (2), entries (2), size and offset of the directory, comment length."""
NPY_MAGIC = b"\x93NUMPY\x01\x00"
NPY_HEAD = re.compile(
    rb"\{'descr': '(?P<descr>[^']{1,20})', 'fortran_order': False, "
    rb"'shape': \((?P<shape>(\d{1,12}, )*(\d{1,12},?)?)\), \} *\n"
)
"""All that numpy writes for a plain array."""


@dataclasses.dataclass(frozen=True, slots=True)
class MotionHeader:
    """What the JSON header of a motion file says."""

    num_frames: int
    fps: float
    info: MotionInfo
    character: str
    version: int = VERSION

    @property
    def row_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Of the arrays that have a row per frame."""
        return ROW_SHAPES if self.version == VERSION else {**ROW_SHAPES, "confidence": CONFIDENCE_SHAPE}


_WHERE_KNOWN = ("cues", "consent", "moments")  # Facts that a header has where they are not empty.


def header_json(header: MotionHeader) -> bytes:
    """The header as UTF-8 JSON, keys in a fixed order."""
    facts = dataclasses.asdict(header)
    for name in _WHERE_KNOWN:
        if not facts["info"][name]:
            del facts["info"][name]
    content = {
        "format": FORMAT,
        "version": facts.pop("version"),
        **facts,
        "wrinkles": WRINKLES,
        "blood_flow": BLOOD_REGIONS,
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode()


def parse_header(text: bytes) -> MotionHeader:
    """Read what `header_json` wrote. Unknown keys, missing keys and wrong types raise ValueError."""
    content = parsed_json(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError("its header is not that of a face_emote motion")
    header = Record.of(content, "its header")
    version = header.whole("version", low=0, high=LARGEST)
    if version not in (VERSION, WITH_CONFIDENCE):
        raise ValueError(f"it has version {version}, this face_emote reads versions {VERSION} and {WITH_CONFIDENCE}")
    names = [field.name for field in dataclasses.fields(MotionHeader) if field.name != "version"]
    if list(content) != ["format", "version", *names, "wrinkles", "blood_flow"]:
        raise ValueError("its header has other entries than version 1 demands")
    if content["wrinkles"] != list(WRINKLES) or content["blood_flow"] != list(BLOOD_REGIONS):
        raise ValueError("its wrinkles or blood regions have other names than those of version 1")
    return MotionHeader(
        num_frames=header.whole("num_frames", low=1, high=MAX_FRAMES),
        fps=header.number("fps", low=MIN_FPS, high=MAX_FPS),
        info=_parse_info(header.table("info")),
        character=header.text("character"),
        version=version,
    )


def _parse_info(record: Record) -> MotionInfo:
    fields = [field.name for field in dataclasses.fields(MotionInfo)]
    if list(record.values) != [name for name in fields if name in record.values or name not in _WHERE_KNOWN]:
        raise ValueError("its header has other facts about the motion's origin than version 1 demands")
    basis = record.text("basis")
    return MotionInfo(
        basis=_SAME_SHAPES.get(basis, basis),
        emotion=record.text("emotion"),
        speech_name=record.text("speech_name"),
        speech_sha256=record.text("speech_sha256"),
        speech_secs=record.number("speech_secs"),
        animator=record.text("animator"),
        seed=record.whole("seed", low=-LARGEST, high=LARGEST),
        version=record.text("version"),
        cues=record.text("cues", ""),
        consent=record.text("consent", ""),
        moments=record.text("moments", ""),
    )


def npy_head(shape: tuple[int, ...], *, descr: str) -> bytes:
    """The bytes that open a version 1.0 `.npy` of C order, padded to 64 as numpy does; the same for every numpy."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape!r}, }}"
    padding = -(len(NPY_MAGIC) + 2 + len(text) + 1) % 64
    body = text.encode() + b" " * padding + b"\n"
    return NPY_MAGIC + struct.pack("<H", len(body)) + body


def read_npy_head(stream: BufferedIOBase) -> tuple[str, tuple[int, ...], int]:
    """Read the head of a `.npy`: its number type, its shape, and the length of the head itself."""
    start = stream.read(len(NPY_MAGIC) + 2)
    if not start.startswith(NPY_MAGIC) or len(start) != len(NPY_MAGIC) + 2:
        raise ValueError("is not of the .npy format, version 1.0")
    (length,) = struct.unpack("<H", start[-2:])
    match = NPY_HEAD.fullmatch(stream.read(length)) if length <= MAX_NPY_HEAD else None
    if match is None:
        raise ValueError("has a description that cannot be read")
    numbers = re.findall(rb"\d+", match["shape"])
    return match["descr"].decode("ascii", "replace"), tuple(int(number) for number in numbers), len(start) + length


def require_plain_zip(file: BufferedIOBase) -> None:
    """Check the end record of a zip before `zipfile` reads its directory into memory.

    Refused are comments, zip64, many disks, and directories that are large or not where the record says.
    """
    size = file.seek(0, os.SEEK_END)
    if size < ZIP_END.size:
        raise ValueError("it is too short to be a .npz")
    file.seek(size - ZIP_END.size)
    mark, disk, first_disk, here, entries, length, offset, comment = ZIP_END.unpack(file.read(ZIP_END.size))
    if mark != b"PK\x05\x06" or comment:
        raise ValueError("it does not end as a .npz does: it is damaged, cut short or of another kind")
    if (
        disk
        or first_disk
        or here != entries
        or entries not in (len(ENTRIES), len(ENTRIES) + 1)
        or length > MAX_DIRECTORY_BYTES
    ):
        raise ValueError(f"it holds {entries} arrays, a motion has {len(ENTRIES)}")
    if offset + length + ZIP_END.size != size:
        raise ValueError("its directory is not where it should be")
