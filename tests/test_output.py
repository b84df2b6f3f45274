"""Results appear whole or not at all, and nobody's file is lost on the way."""

import errno
import os
import re

import pytest

from face_emote.core.errors import OutputError
from face_emote.core.output import folder_written_beside, require_writable, written_beside

OWN = re.compile(r"frame_\d+\.obj")


def test_a_file_takes_its_place_at_the_end_only(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_beside(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old" and beside.suffix == ".txt"
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_error_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), written_beside(path) as beside:
        beside.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_the_users_matter_and_other_errors_are_not(tmp_path):
    with (
        pytest.raises(OutputError, match=f"{os.strerror(errno.ENOSPC)}.*free some space"),
        written_beside(tmp_path / "a"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), written_beside(tmp_path / "a"):
        (tmp_path / "input").read_text()
    assert not list(tmp_path.iterdir())


def test_a_folder_is_replaced_only_when_all_in_it_is_ours(tmp_path):
    folder = tmp_path / "frames"
    for text in ("first", "second"):
        with folder_written_beside(folder, own_names=OWN) as beside:
            (beside / "frame_1.obj").write_text(text)
    assert (folder / "frame_1.obj").read_text() == "second"
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"other files \(notes.txt\)"), folder_written_beside(folder, own_names=OWN):
        pass
    assert sorted(entry.name for entry in folder.iterdir()) == ["frame_1.obj", "notes.txt"]


def test_places_that_cannot_take_a_result_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    cases = [
        (tmp_path / "absent" / "a.txt", False, "does not exist"),
        (tmp_path, False, "a folder has that name"),
        (tmp_path / "file", True, "a file has that name"),
        (tmp_path / "file" / "a", False, "does not exist"),
    ]
    for path, folder, reason in cases:
        with pytest.raises(OutputError, match=reason):
            require_writable(path, folder=folder)
    require_writable(tmp_path / "new", folder=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_found_out_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Nothing can be written there"):
        require_writable(tmp_path / "a.txt")
    tmp_path.chmod(0o700)
