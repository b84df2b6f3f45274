"""The motion file: one `.npz` that `animate` writes and Blender, `render` and `export` read.

A zip of plain arrays, so that `numpy.load(path)` opens it anywhere: `header` (uint8, a JSON text: format, version,
frame count, fps, MotionInfo, character, names of the wrinkles and blood regions), `betas` [300], and a float32 array
with a row per frame for each of `types.FRAME_ARRAYS`; of a captured face also `confidence` (the header then says
version 2). Same motion, same bytes.

Reading trusts nothing and raises MotionFileError for whatever is wrong. Reading and writing go block by block; memory
does not grow with the length.
"""

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedIOBase, BytesIO
from pathlib import Path
from types import TracebackType
from typing import cast

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import MotionFileError
from face_emote.core.motion import MotionSource, MotionStream, joined_motion, resampled
from face_emote.core.names import NUM_SHAPE
from face_emote.core.output import written_beside
from face_emote.core.reading import opened
from face_emote.core.timing import require_fps
from face_emote.core.types import FRAME_ARRAYS, FaceMotion
from face_emote.formats import motion_layout as layout
from face_emote.formats.array_file import COPY_BYTES, zip_entry
from face_emote.formats.captures import is_capture, read_capture
from face_emote.formats.catalogue import FORMATS
from face_emote.formats.motion_layout import ENTRIES, MotionHeader

MAX_FRAMES_IN_MEMORY = 2_000_000
"""`read_motion` takes no more (18 hours at 30 fps, 1.1 GB); longer files go block by block."""
MAX_VALUE = 1e4  # No coefficient, angle or distance of a face is beyond this; larger values would overflow further on.


def write_motion(motion: MotionSource, path: str | Path) -> Path:
    """Write a motion file; values are stored as float32. Raises OutputError when it cannot be written there."""
    with MotionWriter(path) as writer:
        for block in motion.blocks():
            writer.append(block)
    return writer.path


def read_motion(path: str | Path, *, fps: float | None = None) -> FaceMotion:
    """Read a whole motion file, or a face capture: Live Link Face `.csv`, ARKit `.json`, our coefficients (`.npz`).

    Args:
        path: The file.
        fps: As `read_capture` takes it; a motion file is resampled to it.

    Raises:
        MotionFileError: it is none of these, damaged, or of another version.
        OptionError: no such frame rate.
    """
    with opened_motion(path, fps=fps) as motion:
        if motion.num_frames > MAX_FRAMES_IN_MEMORY:
            raise MotionFileError(
                f"The motion has {motion.num_frames} frames, too many to hold at once; "
                f"go through it with open_motion: {path}"
            )
        return joined_motion(list(motion.blocks(motion.num_frames)))


@contextmanager
def opened_motion(
    path: str | Path, *, model: str | Path | None = None, fps: float | None = None
) -> Iterator[MotionSource]:
    """A motion file, which is streamed, or a capture; `model` and `fps` as `read_capture` takes them."""
    if is_capture(Path(path)):
        yield read_capture(path, model=model, fps=fps).motion
        return
    with open_motion(path) as motion:
        yield resampled(motion, fps=fps)


@contextmanager
def open_motion(path: str | Path) -> Iterator[MotionStream]:
    """A motion file that is read as it is gone through, as long as the `with` block lasts.

    Raises MotionFileError when the file is not a motion, is damaged, or has another version; damage inside the arrays
    shows when `blocks` reaches it.
    """
    suffix = Path(path).suffix.lower()
    if suffix and suffix in FORMATS and not FORMATS[suffix].readable:
        raise MotionFileError(
            f"A motion is exported to {suffix}, but not read back from it; give the motion file (.npz) that it was "
            f"made from: {path}"
        )
    with ExitStack() as files:
        reader = _Reader(Path(path), files)
        header = reader.header
        yield MotionStream(
            num_frames=header.num_frames, fps=header.fps, info=header.info, read=reader.blocks, betas=reader.betas,
            character=header.character,
        )  # fmt: skip


class MotionWriter:
    """Writes a motion file block by block: `with MotionWriter(path) as writer: writer.append(block)`.

    Rows are spooled to one file per array beside the target, then zipped. The file appears when the `with` block ends
    well; on an error nothing is left behind.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.num_frames = 0
        self._frameless: FaceMotion | None = None
        self._spools: dict[str, BufferedIOBase] = {}
        self._context = self._writing()

    def append(self, block: FaceMotion) -> None:
        """Add the next frames. All blocks must share fps, info, betas and character.

        Raises MotionFileError when they do not, when a value is not finite, or past 7.5 million frames; OptionError for
        another fps than 1 to 1000.
        """
        if self._frameless is None:
            require_fps(block.fps)
            self._frameless = block.part(0, 0)
            _require_sane(block.betas, name="betas", path=self.path)
        if not _same_clip(self._frameless, block):
            raise MotionFileError(f"The parts of a motion differ in fps, info, betas or character: {self.path}")
        self.num_frames += block.num_frames
        if self.num_frames > layout.MAX_FRAMES:
            raise MotionFileError(f"A motion has at most {layout.MAX_FRAMES} frames; split the clip: {self.path}")
        for name in block.row_names:
            rows = np.ascontiguousarray(getattr(block, name), "<f4")
            _require_sane(rows, name=name, path=self.path)
            self._spools[name].write(rows.tobytes())

    def __enter__(self) -> "MotionWriter":
        self._context.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._context.__exit__(kind, error, trace)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with written_beside(self.path) as target, ExitStack() as files:
            for name in (*FRAME_ARRAYS, "confidence"):
                self._spools[name] = files.enter_context(target.with_name(f"{name}.spool").open("w+b"))
            yield
            self._zip(target)

    def _zip(self, target: Path) -> None:
        clip = self._frameless
        if clip is None or self.num_frames == 0:
            raise MotionFileError(f"The motion has no frames, there is nothing to write: {self.path}")
        facts = MotionHeader(
            num_frames=self.num_frames, fps=float(clip.fps), info=clip.info, character=clip.character,
            version=layout.VERSION if clip.confidence is None else layout.WITH_CONFIDENCE,
        )  # fmt: skip
        header = layout.header_json(facts)
        with zipfile.ZipFile(target, "w", allowZip64=False) as archive:
            _write_entry(archive, "header", head=layout.npy_head((len(header),), descr="|u1"), rows=BytesIO(header))
            betas = BytesIO(clip.betas.astype("<f4").tobytes())
            _write_entry(archive, "betas", head=layout.npy_head((NUM_SHAPE,), descr="<f4"), rows=betas)
            for name, shape in facts.row_shapes.items():
                self._spools[name].seek(0)
                head = layout.npy_head((self.num_frames, *shape), descr="<f4")
                _write_entry(archive, name, head=head, rows=self._spools[name])


class _Reader:
    """An open motion file; `files` closes it."""

    def __init__(self, path: Path, files: ExitStack) -> None:
        self.path = path
        with _faults_named(path):
            file = files.enter_context(opened(path))
            layout.require_plain_zip(file)
            self._archive = files.enter_context(zipfile.ZipFile(file, allowZip64=False))
            self._require_entries((ENTRIES, (*ENTRIES, "confidence")))
            self.header = self._read_header()
            self._require_entries((("header", "betas", *self.header.row_shapes),))
            with self._open("betas", (NUM_SHAPE,)) as stream:
                self.betas = self._floats(stream, (NUM_SHAPE,), name="betas")
                self.betas.setflags(write=False)
            for name in self.header.row_shapes:
                self._open_rows(name).close()

    def blocks(self, size: int) -> Iterator[FaceMotion]:
        """Consecutive parts of at most `size` frames, from the first frame on; as often as wanted."""
        header = self.header
        with _faults_named(self.path), ExitStack() as stack:
            streams = {name: stack.enter_context(self._open_rows(name)) for name in header.row_shapes}
            for first in range(0, header.num_frames, size):
                count = min(size, header.num_frames - first)
                rows = {
                    name: self._floats(stream, (count, *header.row_shapes[name]), name=name)
                    for name, stream in streams.items()
                }
                yield FaceMotion(
                    **rows, fps=header.fps, info=header.info, betas=self.betas, character=header.character
                )  # fmt: skip
            for name, stream in streams.items():
                if stream.read(1):  # Reading on to the end also makes zipfile compare the checksum.
                    raise ValueError(f"array '{name}' is longer than it says")

    def _require_entries(self, allowed: tuple[tuple[str, ...], ...]) -> None:
        """Check every entry's name, kind and size before one is decompressed."""
        entries = {entry.filename: entry for entry in self._archive.infolist()}
        if sorted(entries) not in [sorted(f"{name}.npy" for name in names) for names in allowed]:
            raise ValueError("its arrays have other names than those of a motion")
        for entry in entries.values():
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                raise ValueError("its arrays are encrypted or compressed in an unusual way")

    def _read_header(self) -> MotionHeader:
        length = self._archive.getinfo("header.npy").file_size
        if length > layout.MAX_HEADER_BYTES:
            raise ValueError("its header is too long")
        with self._open("header", None, descr="|u1") as stream:
            return layout.parse_header(stream.read(length))

    def _open_rows(self, name: str) -> zipfile.ZipExtFile:
        return self._open(name, (self.header.num_frames, *self.header.row_shapes[name]))

    def _open(self, name: str, shape: tuple[int, ...] | None, *, descr: str = "<f4") -> zipfile.ZipExtFile:
        """Open an array behind its description, which must announce `shape` (None: any row) and fit its size."""
        with ExitStack() as stack:
            stream = stack.enter_context(cast(zipfile.ZipExtFile, self._archive.open(f"{name}.npy")))
            try:
                found_descr, found_shape, head = layout.read_npy_head(stream)
            except ValueError as error:
                raise ValueError(f"array '{name}' {error}") from None
            if found_descr != descr or (len(found_shape) != 1 if shape is None else found_shape != shape):
                raise ValueError(f"array '{name}' is {found_descr} of shape {found_shape}, not {descr} of {shape}")
            size = self._archive.getinfo(f"{name}.npy").file_size
            if size != head + np.dtype(descr).itemsize * math.prod(found_shape):
                raise ValueError(f"array '{name}' has another size than it says")
            stack.pop_all()
            return stream

    def _floats(self, stream: zipfile.ZipExtFile, shape: tuple[int, ...], *, name: str) -> Float[Array, "..."]:
        values = np.empty(shape, "<f4")
        room = values.reshape(-1).view(np.uint8)
        filled = 0
        while filled < len(room):
            piece = stream.read(min(COPY_BYTES, len(room) - filled))
            if not piece:
                raise ValueError(f"array '{name}' ends too early")
            room[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        _require_sane(values, name=name, path=self.path)
        return values


def _write_entry(archive: zipfile.ZipFile, name: str, *, head: bytes, rows: BufferedIOBase) -> None:
    with archive.open(zip_entry(name), "w") as stream:
        stream.write(head)
        while piece := rows.read(COPY_BYTES):
            stream.write(piece)


def _same_clip(first: FaceMotion, other: FaceMotion) -> bool:
    own, others = ((part.fps, part.info, part.character, part.row_names) for part in (first, other))
    return own == others and np.array_equal(first.betas, other.betas)


def _require_sane(values: Float[Array, "..."], *, name: str, path: Path) -> None:
    """Refuse NaN, infinities and absurd sizes (a comparison with NaN is false)."""
    if values.size and not (np.abs(values).max() <= MAX_VALUE):
        raise MotionFileError(f"Array '{name}' of the motion holds values that are no numbers or beyond 1e4: {path}")


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    """Whatever a broken file makes zipfile, zlib, json and us raise becomes one MotionFileError."""
    try:
        yield
    except FileNotFoundError:
        raise MotionFileError(f"There is no such motion file; check the name: {path}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise MotionFileError(f"The motion file cannot be opened ({error.strerror}); check it: {path}") from None
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise MotionFileError(f"Not a usable motion file: {error}; make it anew with animate: {path}") from error
