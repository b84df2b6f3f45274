"""Finished outputs are signed and put in their place, in a way that survives being stopped anywhere.

1. A signed copy is made beside the unsigned file. 2. Its hash is written down. 3. It is moved to its place. 4. That is
written down. Stopped before 2, all is done again from the unsigned file; stopped later, the file at its place is
recognised by its hash.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from face_emote.batch.rows import Row, output_hash
from face_emote.batch.state import BatchState, OutputState
from face_emote.batch.work import MOTION, output_file
from face_emote.core.errors import OutputError
from face_emote.core.reading import sha256_of
from face_emote.formats.motion_file import open_motion
from face_emote.provenance.credential import Provenance
from face_emote.provenance.marking import mark


def publish(row: Row, output: str, *, folder: Path, work: Path, state: BatchState) -> None:
    """Put one output of a row in its place.

    The state learns of it before and after. OutputError, ProvenanceError: it cannot be written, or not be signed.
    """
    final, source = folder / output, work / output_file(row, output)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.is_dir():
            raise OutputError(f"The output must be a file, but a folder has that name; move it away: {final}")
        with tempfile.TemporaryDirectory(dir=work, prefix="publish_") as place:
            ready = Path(place) / f"ready{final.suffix.lower()}"
            shutil.copyfile(source, ready)
            if row.marked:
                with open_motion(work / MOTION) as motion:
                    mark(ready, motion, Provenance(consent=row.consent))
            known = OutputState(
                path=output, row=row.name, hash=output_hash(row, output), published=False, sha256=sha256_of(ready),
                size=ready.stat().st_size, marked=row.marked,
            )  # fmt: skip
            state.put_output(known)
            ready.replace(final)
        state.put_output(replace(known, published=True))
    except OSError as error:
        raise OutputError(f"The result could not be written ({error.strerror}): {final}") from None


def is_there(known: OutputState | None, *, digest: str, folder: Path) -> bool:
    """Whether the very file that these inputs gave lies at its place."""
    if known is None or known.hash != digest:
        return False
    path = folder / known.path
    return path.is_file() and path.stat().st_size == known.size and sha256_of(path) == known.sha256
