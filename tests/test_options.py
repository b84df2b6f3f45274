"""What is configured is stated once: every field knows its range, and every way in reads and refuses alike."""

import math
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.core import names
from face_emote.core.cameras import CAMERAS
from face_emote.core.errors import OptionError
from face_emote.core.fields import Kind, json_option, options_of, read_option, require_option
from face_emote.core.options import (
    PERFORMANCE_OPTIONS,
    PICTURE_OPTIONS,
    Performance,
    Picture,
    performance_from,
    picture_from,
)
from face_emote.core.timing import require_fps
from face_emote.core.types import PerformanceStyle
from face_emote.rendering.scene import LIGHTS
from face_emote.rendering.video import CODECS, DEFAULT_CODEC

OPTIONS = (*PERFORMANCE_OPTIONS, *PICTURE_OPTIONS)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(PLAIN, st.lists, max_leaves=4)


@pytest.mark.parametrize("record", [Performance, Picture, PerformanceStyle])
def test_every_field_describes_itself(record):
    described = {item.attribute for item in options_of(record) if not item.owner}
    assert {item.name for item in fields(record)} - described <= {"speech", "style", "talker", "eyes", "moments"}
    assert all(item.help and item.section for item in options_of(record))


def test_every_number_has_a_range_with_both_ends():
    numbers = [item for item in OPTIONS if item.kind in (Kind.NUMBER, Kind.WHOLE, Kind.SIZE)]
    assert len(numbers) > 12 and all(math.isfinite(item.low) and math.isfinite(item.high) for item in numbers)
    for value in (0.0, 0.999, 1000.1, 1e-320, math.nan, math.inf):
        with pytest.raises(OptionError, match="fps must be a number from 1 to 1000"):
            require_fps(value)
        with pytest.raises(OptionError, match="fps must be a number from 1 to 1000"):
            Performance(Path("a.wav"), fps=value)


def test_names_are_those_of_the_tables():
    assert (names.CAMERAS, names.LIGHTS, names.CODECS) == (tuple(CAMERAS), tuple(LIGHTS), tuple(CODECS))
    assert set(DEFAULT_CODEC.values()) <= set(names.CODECS)


def test_every_field_is_an_option_a_column_and_a_field_of_the_worker():
    from face_emote.batch.columns import COLUMNS
    from face_emote.cli.animate_command import command
    from face_emote.worker.takes import FIELDS

    known = {item.name for item in OPTIONS}
    assert known <= {item.name for item in command.params} and known <= set(COLUMNS)
    own = {item.name for item in PERFORMANCE_OPTIONS if item.owner != "style"}
    assert {item.name for item in FIELDS} == own - {"character"}, "who plays is the person of the request"


def test_defaults_are_what_the_records_have():
    assert performance_from({}, speech=Path("a.wav")) == Performance(Path("a.wav"))
    assert performance_from({"head_motion": 0.5, "fast": True}, speech=Path("a.wav")) == Performance(
        Path("a.wav"), style=PerformanceStyle(head=0.5), model="fast"
    )
    assert picture_from({"size": (64, 48), "hair": None}) == Picture(size=(64, 48))


def test_values_that_contradict_each_other_are_refused():
    for record, values, why in (
        (Performance, {"speech": Path("a"), "animator": "rules", "model": "fast"}, "rules need no network"),
        (Picture, {"samples": 4}, "Only the engine cycles counts samples"),
        (Picture, {"dof": 2.8, "engine": "gl"}, "no depth of field"),
        (Picture, {"size": (64, 47)}, "height must be an even number"),
        (Picture, {"camera": "fornt"}, "no camera 'fornt'; did you mean 'front'"),
    ):
        with pytest.raises(OptionError, match=why):
            record(**values)


@pytest.mark.parametrize("item", OPTIONS, ids=lambda item: item.name)
@given(text=st.text(max_size=30) | st.floats().map(str) | st.integers().map(str))
def test_any_text_is_a_value_in_its_range_or_refused_by_name(item, text):
    try:
        value = read_option(item, text)
        require_option(item, value)
    except OptionError as error:
        assert item.name in str(error) or "picture's" in str(error)
    else:
        if item.kind in (Kind.NUMBER, Kind.WHOLE):
            assert item.low <= value <= item.high


@pytest.mark.parametrize("item", OPTIONS, ids=lambda item: item.name)
@given(value=ANYTHING)
def test_any_json_is_a_value_in_its_range_or_refused_by_name(item, value):
    try:
        found = json_option(item, value)
    except OptionError as error:
        assert item.name in str(error) or "picture's" in str(error)
    else:
        if item.kind in (Kind.NUMBER, Kind.WHOLE):
            assert (value is None and found is None) or item.low <= found <= item.high
