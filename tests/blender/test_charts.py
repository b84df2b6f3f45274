"""Drawn mouths: the shapes of a chart from the sounds of a line, without Blender."""

import pytest

from face_emote.core.names import PHONES

from .test_protocol import extension_module

charts = extension_module("apply.charts")


def line(*sounds):
    """Cues of sounds that follow each other: label, seconds."""
    rows, now = [], 0.0
    for label, secs in sounds:
        if label != "SIL":
            rows.append({"label": label, "start": now, "end": now + secs})
        now += secs
    return {"phones": rows}


def track(*sounds, chart="RHUBARB", **more):
    return charts.cue_track(line(*sounds), chart=chart, fps=24.0, **({"num_frames": 48} | more))


def test_a_word_becomes_the_shapes_of_either_chart():
    said = (("SIL", 0.25), ("M", 0.125), ("AA", 0.25), ("P", 0.125), ("SIL", 1.25))
    assert track(*said) == [(0, "X"), (6, "A"), (9, "D"), (15, "A"), (18, "X")]
    assert track(*said, chart="BLAIR") == [(0, "rest"), (6, "M_B_P"), (9, "A_I"), (15, "M_B_P"), (18, "rest")]


def test_closed_lips_are_drawn_however_short_they_are():
    shapes = track(("AA", 0.25), ("B", 0.03), ("AA", 0.25), ("SIL", 1.0))
    assert [shape for _, shape in shapes] == ["D", "A", "D", "X"]


def test_other_shapes_last_two_frames_and_breaths_close_nothing():
    shapes = track(("AA", 0.25), ("T", 0.03), ("AA", 0.25), ("SIL", 0.1), ("AA", 0.25), ("SIL", 1.0))
    assert shapes[0] == (0, "D") and [shape for _, shape in shapes] == ["D", "X"]


def test_a_diphthong_has_two_shapes():
    assert [shape for _, shape in track(("AY", 0.4), ("SIL", 1.0))] == ["D", "B", "X"]


def test_every_sound_has_a_shape_of_every_chart():
    for chart, shapes in charts.SHAPES.items():
        assert set(PHONES) - {"SIL"} <= set(shapes) and set(shapes.values()) <= set(charts.CHARTS[chart])


@pytest.mark.parametrize(
    ("label", "name"),
    [("A", "mouth_A"), ("A", "Mouth.A.001"), ("M_B_P", "lips MBP"), ("M_B_P", "Mouth_M_B_P"), ("rest", "Rest"),
     ("X", "x")],
)  # fmt: skip
def test_names_of_drawings_are_recognised(label, name):
    assert charts.matched_name(label, ["tail", "area", "sample", name]) == name
    assert charts.matched_name(label, ["tail", "area", "sample"]) == ""
