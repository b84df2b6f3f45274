"""Registration, and every panel drawn on a layout that checks what is asked of it."""

from typing import Any

import pytest

from .layout import CheckedLayout
from .stage import SPEECH, added_head, emptied, fe, key_mesh

_ = fe


def drawn(fe: Any, panel: type) -> list:
    return laid_out(fe, panel).log


def laid_out(fe: Any, panel: type) -> CheckedLayout:
    layout = CheckedLayout(fe.bpy, [])
    stand_in = object.__new__(type("Stand", (), {k: v for k, v in panel.__dict__.items() if callable(v)}))
    type(stand_in).layout = layout
    stand_in.draw(fe.bpy.context)
    return layout


def panels(fe: Any) -> list[type]:
    """Those that are shown now."""
    every = [item for item in fe.panels.CLASSES if issubclass(item, fe.bpy.types.Panel)]
    return [item for item in every if "poll" not in item.__dict__ or item.poll(fe.bpy.context)]


def said(log: list) -> str:
    return " ".join(str(named.get("text", "")) for name, _values, named in log if name == "label")


def test_registering_twice_and_unregistering_leaves_nothing(fe):
    bpy = fe.bpy
    fe.addon.unregister()
    assert not hasattr(bpy.types.Scene, "face_emote") and not hasattr(bpy.types.Object, "face_emote")
    assert not [name for name in dir(bpy.types) if name.startswith("FACEEMOTE")]
    handlers = [h for group in (bpy.app.handlers.frame_change_post, bpy.app.handlers.load_post)
                for h in group if "blender_addon" in h.__module__]  # fmt: skip
    assert handlers == [] and fe.jobs.SESSION.pid is None and not bpy.app.timers.is_registered(fe.jobs.tick)
    fe.addon.register()
    fe.addon.unregister()
    fe.addon.register()
    assert hasattr(bpy.types.Scene, "face_emote")


@pytest.mark.parametrize("state", ["empty", "own mesh", "head with take", "sliders", "strip", "failed"])
def test_every_panel_draws_in_every_state(fe, state):
    scene = emptied(fe)
    settings = scene.face_emote
    if state == "own mesh":
        settings.target = key_mesh(fe, ["jawOpen", "mouthClose", "tail"])
    if state == "head with take":
        added_head(fe)
        fe.bpy.ops.face_emote.generate(speech=str(SPEECH), emotion="joy")
    if state == "sliders":
        settings.emotion_mode, settings.hidden, settings.use_identity = "SLIDERS", "anger", True
    if state == "strip":
        settings.speech_source = "STRIP"
        scene.sequence_editor_create()
    if state == "failed":
        fe.jobs.report_failure("It failed for a reason", "details")
    logs = {panel.__name__: drawn(fe, panel) for panel in panels(fe)}
    assert all(logs.values())
    if state == "empty":
        assert "Choose or add a character first" in said(logs["FACEEMOTE_PT_takes"])
        assert "First: choose a person" in said(logs["FACEEMOTE_PT_character"])
    if state == "failed":
        assert "It failed for a reason" in said(logs["FACEEMOTE_PT_takes"])
        assert "It failed" in open(fe.bpy.context.window_manager.face_emote_job.report_path).read()
        fe.jobs.SESSION.status = ""
    if state == "sliders":
        props = [values[1] for name, values, _named in logs["FACEEMOTE_PT_emotion"] if name == "prop"]
        assert {f"emo_{name}" for name in fe.names.EMOTIONS} <= set(props) and "leak" in props


def test_a_running_job_shows_progress_and_cancel(fe):
    session = fe.jobs.SESSION
    tasks = __import__("blender_addon.engine.session", fromlist=["Task"])
    session._task = tasks.Task("line for Maya", "hello", {}, done=print, failed=print)
    session.progress, session.stage = 0.4, "listening"
    try:
        log = drawn(fe, fe.bpy.types.FACEEMOTE_PT_takes)
    finally:
        session._task = None
    assert any(name == "progress" and named["factor"] == 0.4 for name, _values, named in log)
    assert ("face_emote.cancel",) in [values for name, values, _named in log if name == "operator"]


def test_what_was_read_is_shown_with_a_bar_for_every_sense(fe):
    settings = fe.bpy.context.scene.face_emote
    settings.emotion_mode, settings.what_was_read = "WORDS", "joy 60 %; even (believed: voice 70 %, words 30 %)"
    settings.senses_read = '[["voice", 0.7, "joy 58 %"], ["words", 0.3, "neutral 80 %"]]'
    log = drawn(fe, fe.bpy.types.FACEEMOTE_PT_emotion)
    bars = [named for name, _values, named in log if name == "progress"]
    assert bars == [{"factor": 0.7, "text": "voice 70%: joy 58 %"}, {"factor": 0.3, "text": "words 30%: neutral 80 %"}]
    settings.what_was_read = ""


def test_the_tab_has_five_roots_in_the_order_of_the_work(fe):
    roots = [panel.bl_label for panel in panels(fe) if not getattr(panel, "bl_parent_id", "")]
    assert roots == ["Character", "Speech", "Emotion", "Takes", "Export"]
    for panel in panels(fe):
        assert hasattr(fe.bpy.types, getattr(panel, "bl_parent_id", "") or panel.__name__)


@pytest.mark.parametrize("state", ["words", "sliders", "strip", "own mesh", "head"])
def test_nothing_is_cut_off_at_the_default_width(fe, state):
    settings = in_state(fe, state)
    cut = {panel.__name__: laid_out(fe, panel).text_too_long(fe.main.NARROW) for panel in panels(fe)}
    assert {name: texts for name, texts in cut.items() if texts} == {}
    assert laid_out(fe, fe.bpy.types.FACEEMOTE_PT_takes).text_too_long(60.0), "this test cannot fail"
    settings.speech_file = ""


@pytest.mark.parametrize("state", ["words", "sliders", "strip", "own mesh", "head"])
def test_no_two_things_in_a_panel_have_the_same_name(fe, state):
    in_state(fe, state)
    for panel in panels(fe):
        own, *others = laid_out(fe, panel).names()
        own += [] if getattr(panel, "bl_parent_id", "") else [panel.bl_label]
        for names in (own, *others):
            assert len(set(names)) == len(names), (panel.__name__, sorted(names))


def in_state(fe, state):
    settings = emptied(fe).face_emote
    if state == "own mesh":
        settings.target = key_mesh(fe, ["jawOpen", "mouthClose", "tail"])
    if state == "head":
        added_head(fe)
        settings.speech_file, settings.use_range, settings.use_identity = str(SPEECH), True, True
    if state == "sliders":
        settings.emotion_mode, settings.hidden = "SLIDERS", "anger"
    if state == "strip":
        settings.speech_source = "STRIP"
        fe.bpy.context.scene.sequence_editor_create()
    return settings


def test_a_path_in_a_sentence_is_broken_where_the_line_ends(fe):
    path = "/home/somebody/a_long_name_of_a_folder/another_long_name_of_a_folder/speech_of_the_second_scene.wav"
    layout = CheckedLayout(fe.bpy, [])
    fe.main.say(layout, f"There is no such file: {path}")
    assert layout.text_too_long(fe.main.NARROW) == []
    assert path in said(layout.log).replace(" ", "").replace("Thereisnosuchfile:", "")


def test_every_button_that_can_be_disabled_says_why(fe):
    scene = emptied(fe)
    assert fe.reasons.cannot_generate(fe.bpy.context) == "Choose or add a character first"
    scene.face_emote.target = key_mesh(fe, ["jawOpen"])
    assert "Map Shape Keys" in fe.reasons.cannot_generate(fe.bpy.context)
    for item in fe.operators.CLASSES:
        if "poll" in item.__dict__ and "INTERNAL" not in getattr(item, "bl_options", set()):
            source = item.poll.__func__.__code__
            assert "allowed" in source.co_names, f"{item.__name__} is disabled without a reason"


def test_lists_draw_their_items(fe):
    scene = emptied(fe)
    character = key_mesh(fe, ["jawOpen", "mouthClose", "browInnerUp"])
    scene.face_emote.target = character
    fe.bpy.ops.face_emote.map_character()
    log: list = []
    layout = CheckedLayout(fe.bpy, log)
    row = character.face_emote.rows[0]
    fe.bpy.types.FACEEMOTE_UL_rows.draw_item(None, fe.bpy.context, layout, None, row, 0, None, "")
    line = scene.face_emote.lines.add()
    fe.bpy.types.FACEEMOTE_UL_lines.draw_item(None, fe.bpy.context, layout, None, line, 0, None, "")
    action = fe.bpy.data.actions.new("FE x")
    fe.bpy.types.FACEEMOTE_UL_takes.draw_item(None, fe.bpy.context, layout, None, action, 0, None, "")
    settings, count = scene.face_emote, len(log)
    blink, shape = settings.blink_rows.add(), settings.drawn.shapes.add()
    fe.bpy.types.FACEEMOTE_UL_blinks.draw_item(None, fe.bpy.context, layout, settings, blink, 0, None, "")
    fe.bpy.types.FACEEMOTE_UL_shapes.draw_item(None, fe.bpy.context, layout, settings.drawn, shape, 0, None, "")
    assert count >= 9 and len(log) >= count + 7


def test_settings_of_a_newer_version_are_left_alone_and_older_ones_migrated(fe):
    settings = emptied(fe).face_emote
    settings.schema = 99
    fe.migration.migrate(settings)
    assert settings.schema == 99
    settings.schema = 0
    fe.migration.migrate(settings)
    assert settings.schema == fe.names.SCHEMA


def test_a_reason_is_shown_in_the_interfaces_language_with_its_values(fe, monkeypatch):
    scene = emptied(fe)
    messages = __import__("blender_addon.messages", fromlist=["tr"])
    german = {
        "'{name}' has no shape keys; press Find Marks, then Create Shape Keys": "'{name}' hat keine Formschluessel"
    }
    monkeypatch.setattr(messages, "pgettext_rpt", lambda text: german.get(text, text))
    bare = fe.bpy.data.objects.new("Karl", fe.bpy.data.meshes.new("Karl"))
    scene.collection.objects.link(bare)
    assert fe.takes.refusal(bare) == "'Karl' hat keine Formschluessel"
