"""All readers of the product; docs/robustness.md says what is left out, and why."""

from tools.fuzz import command_readers, face_readers, heard_readers, motion_readers
from tools.fuzz.reader import Reader


def all_readers() -> dict[str, Reader]:
    """Every reader by its name."""
    rooms = (heard_readers, command_readers, motion_readers, face_readers)
    return {reader.name: reader for room in rooms for reader in room.READERS}


def quick_readers() -> dict[str, Reader]:
    """Those whose valid inputs are made at once, and whose cases take milliseconds."""
    return {name: reader for name, reader in all_readers().items() if reader.quick}
