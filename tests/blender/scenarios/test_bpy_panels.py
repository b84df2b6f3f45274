"""Registration, and every panel drawn on a layout that checks what is asked of it."""

from typing import Any

import pytest

from .stage import SPEECH, added_head, emptied, fe, key_mesh

_ = fe


class CheckedLayout:
    """Stands in for a UILayout: every property, operator, icon and method named must really exist."""

    def __init__(self, bpy: Any, log: list) -> None:
        self.__dict__.update(bpy=bpy, log=log)

    def __setattr__(self, name: str, value: object) -> None:
        assert name in self.bpy.types.UILayout.bl_rna.properties, name

    def __getattr__(self, name: str) -> Any:
        bpy = self.bpy

        def call(*values: Any, **named: Any) -> Any:
            assert name in bpy.types.UILayout.bl_rna.functions or name in ("panel", "panel_prop"), f"no {name}"
            if name == "prop":
                owner, prop = values[:2]
                assert prop in owner.bl_rna.properties or prop.strip('[]"') in owner, (owner, prop)
            if name == "prop_search":
                assert values[1] in values[0].bl_rna.properties and values[3] in values[2].bl_rna.properties, values
            if name in ("operator", "operator_menu_enum"):
                group, operator = values[0].split(".")
                kind = getattr(getattr(bpy.ops, group), operator).get_rna_type()
                assert name == "operator" or values[1] in kind.properties
            if name == "template_list":
                assert hasattr(bpy.types, values[0]) and values[3] in values[2].bl_rna.properties, values
            icon = named.get("icon")
            assert icon is None or icon in bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items
            self.log.append((name, values, named))
            if name in ("panel", "panel_prop"):
                return CheckedLayout(bpy, self.log), CheckedLayout(bpy, self.log)
            if name == "operator":
                return type("Arguments", (), {})()
            return CheckedLayout(bpy, self.log)

        return call


def drawn(fe: Any, panel: type) -> list:
    log: list = []
    fake = type("Fake", (panel,), {"layout": CheckedLayout(fe.bpy, log)})
    stand_in = object.__new__(type("Stand", (), {k: v for k, v in panel.__dict__.items() if callable(v)}))
    type(stand_in).layout = fake.layout
    stand_in.draw(fe.bpy.context)
    return log


def panels(fe: Any) -> list[type]:
    return [item for item in fe.panels.CLASSES if issubclass(item, fe.bpy.types.Panel)]


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
        assert "Choose or add a character first" in said(logs["FACEEMOTE_PT_main"])
    if state == "failed":
        assert "It failed for a reason" in said(logs["FACEEMOTE_PT_main"])
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
        log = drawn(fe, fe.bpy.types.FACEEMOTE_PT_main)
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
    assert len(log) >= 9


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
    german = {"'{name}' has no shape keys; choose a mesh that has some": "'{name}' hat keine Formschluessel"}
    monkeypatch.setattr(messages, "pgettext_rpt", lambda text: german.get(text, text))
    bare = fe.bpy.data.objects.new("Karl", fe.bpy.data.meshes.new("Karl"))
    scene.collection.objects.link(bare)
    assert fe.takes.refusal(bare) == "'Karl' hat keine Formschluessel"
