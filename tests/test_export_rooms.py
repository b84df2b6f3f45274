"""Writing a head is one walk through a few files, and whom it shows is asked once."""

from collections.abc import Callable

import pytest
from fabricated import lively_motion

from face_emote.face.bundled import load_head
from face_emote.formats.catalogue import FORMATS
from face_emote.formats.mesh.materials import maps_of, pictures_of
from face_emote.formats.mesh.person import person_of
from face_emote.verbs.export import export
from tools.walk import files_of, recorded_calls

MOST_FILES = 10


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".pc2", ".bvh", ".csv", ".json"])
def test_a_writer_walks_through_ten_files_at_most(suffix, tmp_path):
    motion, form = lively_motion(load_head(), 6), FORMATS[suffix]
    person = person_of(motion, head=load_head(), pictured=form.pictured, expressive=form.expressive)
    write: Callable[..., None] = form.writer()
    with recorded_calls() as calls:
        write(motion, tmp_path / f"a{suffix}", person=person)
    assert len(files_of(calls)) <= MOST_FILES, sorted(files_of(calls))


@pytest.mark.parametrize("options", [{}, {"blush": True}, {"lod": 1, "parts": ("all",)}])
def test_character_maps_and_surface_are_asked_once(options, tmp_path):
    motion = lively_motion(load_head(), 3)
    pictures_of.cache_clear()
    maps_of.cache_clear()
    with recorded_calls() as calls:
        export(motion, tmp_path / "a.glb", provenance=None, **options)
    for once in ("load_skin_maps", "character", "surface_of", "person_of", "morph_targets"):
        assert sum(count for (_, name), count in calls.items() if name == once) == 1, once


def test_the_count_notices_a_file_more(tmp_path):
    motion = lively_motion(load_head(), 3)
    maps_of.cache_clear()
    with recorded_calls() as calls:
        export(motion, tmp_path / "a.glb", provenance=None, blush=True)
    assert len(files_of(calls)) > MOST_FILES and calls["look/maps.py", "load_skin_maps"] == 1


def test_every_format_of_the_catalogue_has_its_writer():
    for suffix, form in FORMATS.items():
        assert suffix == ".npz" or callable(form.writer()), suffix
