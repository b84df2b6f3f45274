# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are saved with the .blend: of the scene, of each character; and the state of the running job."""

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)  # fmt: skip

from . import list_items as items
from . import migration
from .apply import takes
from .engine.current import SESSION
from .list_items import INSERTABLE, OVERRIDABLE, STATIC_ITEMS, is_character, slider
from .names import SCHEMA, SHOWN_REGIONS, SKIN_PROPERTY


def show_region(character: Any, _context: Any) -> None:
    """Write the chosen region to where the shader reads it."""
    owner = character.id_data
    if SKIN_PROPERTY in owner:
        owner[SKIN_PROPERTY][2] = float(SHOWN_REGIONS.index(character.shown_region))
        owner.update_tag()


def listed_take(settings: Any) -> int:
    """Place of the chosen take among all actions, as the list wants it: other actions come and go."""
    take = takes.chosen_take(settings)
    return -1 if take is None else int(bpy.data.actions.find(take.name))


def choose_listed(settings: Any, index: int) -> None:
    """Choose a take by its place among all actions."""
    settings.take_id = takes.facts_of(bpy.data.actions[index]).get("id", "") if index < len(bpy.data.actions) else ""


class FACEEMOTE_PG_drawn(bpy.types.PropertyGroup):
    """A mouth that is swapped instead of moved."""

    chart: EnumProperty(
        name="Chart",
        items=[
            ("RHUBARB", "Rhubarb", "Nine shapes A to X, as Rhubarb Lip Sync draws them"),
            ("BLAIR", "Blair", "Preston Blair's ten shapes"),
        ],
    )
    kind: EnumProperty(
        name="Shown by",
        items=[
            ("OBJECTS", "Objects", "Members of a collection, one of which is seen"),
            ("PICTURES", "Pictures", "An image sequence in a material"),
            ("PENCIL", "Pencil", "Frames of a Grease Pencil object"),
        ],
    )
    members: PointerProperty(name="Collection", type=bpy.types.Collection)
    material: PointerProperty(name="Material", type=bpy.types.Material)
    pencil: PointerProperty(
        name="Object", type=bpy.types.Object, poll=lambda _self, candidate: candidate.type == "GREASEPENCIL"
    )
    shapes: CollectionProperty(type=items.FACEEMOTE_PG_shape)
    active_shape: IntProperty()


class FACEEMOTE_PG_character(bpy.types.PropertyGroup):
    """What is known about a character; saved with the object."""

    kind: EnumProperty(
        name="Kind",
        items=[
            ("NONE", "Not set up", ""),
            ("HEAD", "Face Emote head", "Made by this extension"),
            ("OWN", "Own mesh", "Shape keys mapped"),
            ("PART", "Part", "Driven together with another mesh: teeth, lashes, tongue, brows"),
        ],
        override=OVERRIDABLE,
    )
    uid: StringProperty(description="Ties takes to this character, whatever it is called", override=OVERRIDABLE)
    person: StringProperty(description="Character and identity as JSON", override=OVERRIDABLE)
    rig: PointerProperty(
        name="Rig",
        type=bpy.types.Object,
        description="Armature with bones for neck, jaw and eyes",
        poll=lambda _self, candidate: candidate.type == "ARMATURE",
        override=OVERRIDABLE,
    )
    neck: StringProperty(name="Neck", description="Bone that nods and turns the head", override=OVERRIDABLE)
    jaw: StringProperty(
        name="Jaw", description="Bone that opens the mouth; shape keys then leave it alone", override=OVERRIDABLE
    )
    eye_left: StringProperty(name="Left Eye", description="The character's left", override=OVERRIDABLE)
    eye_right: StringProperty(name="Right Eye", description="The character's right", override=OVERRIDABLE)
    facing: EnumProperty(
        name="Looks Along",
        description="Where the face looks when the rig is at rest",
        items=[("-Y", "-Y", ""), ("+Y", "+Y", ""), ("+X", "+X", ""), ("-X", "-X", "")],
        override=OVERRIDABLE,
    )
    rows: CollectionProperty(type=items.FACEEMOTE_PG_row, override=INSERTABLE)
    active_row: IntProperty()
    gaze_target: PointerProperty(
        name="Looks at",
        type=bpy.types.Object,
        description="Object or camera that the eyes of takes follow",
        override=OVERRIDABLE,
    )
    gaze_head: FloatProperty(
        name="Head", description="Share of the way that the head turns too", default=0.3, min=0.0, max=1.0,
        subtype="FACTOR", override=OVERRIDABLE,
    )  # fmt: skip
    parts: CollectionProperty(type=items.FACEEMOTE_PG_part, override=INSERTABLE)
    mark: StringProperty(description="The place of a face that this empty marks")
    match: StringProperty(description="How well shape keys were transferred")
    poses: CollectionProperty(type=items.FACEEMOTE_PG_pose, override=INSERTABLE)
    shown_region: EnumProperty(
        name="Show",
        description="Colour a region instead of the skin",
        items=STATIC_ITEMS["regions"],
        update=show_region,
    )


class FACEEMOTE_PG_settings(bpy.types.PropertyGroup):
    """The panel's settings; floats can be keyed."""

    schema: IntProperty(default=SCHEMA)
    target: PointerProperty(
        type=bpy.types.Object,
        name="Character",
        description="Mesh with shape keys, or rig with poses, that speaks",
        poll=is_character,
    )
    new_character: EnumProperty(name="Person", items=STATIC_ITEMS["characters"])
    use_identity: BoolProperty(
        name="Own Identity", description="Another shape than the person's own; skin and hair stay"
    )
    african: slider("African", "Share of origin", default=1.0)
    asian: slider("Asian", "Share of origin", default=1.0)
    caucasian: slider("Caucasian", "Share of origin", default=1.0)
    gender: slider("Female", "0 male, 1 female", default=0.5)
    age: slider("Age", "1/3 child, 2/3 young adult, 1 very old", default=0.66, low=0.34)
    muscle: slider("Muscle", "0.5 is the average", default=0.5)
    weight: slider("Weight", "0.5 is the average", default=0.5)
    identity_seed: IntProperty(name="Individual", description="Another number, another face", min=0)

    speech_source: EnumProperty(
        name="From a",
        items=[
            ("FILE", "File", "A sound file"),
            ("STRIP", "Strip", "A sound strip of the sequencer"),
            ("TEXT", "Text", "A text that nobody has recorded: a speaker of this computer says it"),
        ],
    )
    speech_file: StringProperty(
        name="Sound File", description="Speech, any sound file that Blender plays", subtype="FILE_PATH"
    )
    speech_strip: StringProperty(name="Sound Strip", description="Sound strip; its start, trim and length are kept")
    transcript: StringProperty(
        name="Transcript",
        description="What is said, or a file of text or subtitles; makes the lips exact. Optional",
    )
    say: StringProperty(name="Say", description="What is said. [Directions] in brackets are not")
    said_by: StringProperty(
        name="Speaker",
        description="Who says it, perhaps with a voice: flite:rms. Empty: the first here who knows the language",
        search=lambda _self, _context, typed: [
            name for name in SESSION.capabilities.get("speakers", ()) if typed in name
        ],
    )
    said: StringProperty(description="What was said, as JSON", default="{}")
    use_range: BoolProperty(name="A Part Only", description="Use a part of the file")
    range_start: FloatProperty(name="From", description="Seconds into the file", min=0.0, unit="TIME_ABSOLUTE")
    range_end: FloatProperty(
        name="To", description="Seconds into the file", min=0.0, default=10.0, unit="TIME_ABSOLUTE"
    )
    start_at: EnumProperty(
        name="Start At",
        description="Where the take of a file starts, whole or in part; a strip's take starts with its sound",
        items=[("SCENE", "Scene", "The scene's first frame"), ("PLAYHEAD", "Playhead", "The current frame")],
    )
    place_sound: BoolProperty(name="Place Sound", description="Add a sound strip with the take", default=True)
    voice_follows: BoolProperty(
        name="Re-tune Voice",
        description="Re-tune the sound to the emotion, and play that: the take gets a strip with it, and the strip it "
        "was made from is muted",
    )

    emotion_mode: EnumProperty(
        name="Given In",
        items=[
            ("WORDS", "Words", "Write it as you would say it"),
            ("SLIDERS", "Sliders", "Eight emotions and a mood; keyframes become emotion keys"),
        ],
    )
    emotion: StringProperty(
        name="Emotion",
        description="For example: joy tinged with guilt, anger hidden under a smile, 0s neutral; 1.5s surprise, auto",
        default="auto",
    )
    what_was_read: StringProperty(name="Read", description="What was read in the speech, and which sense was believed")
    senses_read: StringProperty(description="Name, weight and what it says of each sense, as JSON", default="[]")
    use_markers: BoolProperty(
        name="Markers",
        description="Timeline markers named 'fe: joy' and so on are emotions reached there",
        default=True,
    )
    emo_neutral: slider("Neutral", "Amount")
    emo_joy: slider("Joy", "Amount")
    emo_sadness: slider("Sadness", "Amount")
    emo_surprise: slider("Surprise", "Amount")
    emo_fear: slider("Fear", "Amount")
    emo_disgust: slider("Disgust", "Amount")
    emo_anger: slider("Anger", "Amount")
    emo_contempt: slider("Contempt", "Amount")
    vad_amount: slider("Mood", "How much of the mood below is mixed in")
    valence: slider("Valence", "Unpleasant to pleasant", low=-1.0)
    arousal: slider("Arousal", "Calm to excited", low=-1.0)
    dominance: slider("Dominance", "Submissive to in control", low=-1.0)
    hidden: EnumProperty(name="Hidden", description="Felt, but not to be shown", items=STATIC_ITEMS["emotions"])
    hidden_amount: slider("Felt", "How strongly the hidden emotion is felt", default=0.8)
    leak: slider("Leak", "How much of the hidden emotion shows nevertheless", default=0.25)

    lips: slider("Lip Shapes", "Strength of lip shapes; closures stay closed", default=1.0, high=2.0)
    jaw: slider("Jaw Drop", "How far the jaw opens", default=1.0, high=2.0)
    brows: slider("Brow Lifts", "Brow accents", default=1.0, high=2.0)
    head: slider("Nods", "Nods and sway", default=1.0, high=2.0)
    gaze: slider("Glances", "Glances away from the viewer", default=1.0, high=2.0)
    blinks: slider("Blink Rate", "Factor on the blink rate; 0 never blinks", default=1.0, high=3.0)
    energy: slider("Energy", "Factor on the expression of the emotion", default=1.0, high=2.0)
    asymmetry: slider("Asymmetry", "Left-right difference of the expression", default=0.08, high=0.25)
    wrinkles: slider("Wrinkling", "Depth of expression wrinkles", default=1.0, high=2.0)
    blood: EnumProperty(
        name="Blood Pace",
        items=[
            ("stage", "Stage", "Quick, for short shots"),
            ("physiological", "True Speed", "Physiological: a blush takes seconds"),
            ("off", "Off", "No blood flow"),
        ],
    )
    heart: StringProperty(
        name="Heart",
        description="Heart rate, RR intervals, ECG, PPG, skin conductance or breath, from the sound's start. Optional",
        subtype="FILE_PATH",
    )
    partner: StringProperty(
        name="Partner",
        description="What a partner says meanwhile, as long as the speech; this one listens. Optional",
        subtype="FILE_PATH",
    )
    moves_like: StringProperty(
        name="Style",
        description="Somebody's way to move, a .style file that face-emote clone wrote. Optional",
        subtype="FILE_PATH",
    )
    seed: IntProperty(name="Seed", description="Another number: other blinks, glances and nods", min=0)

    take_id: StringProperty(description="The take that is chosen in the list")
    compared_id: StringProperty(description="The take that was shown before")
    active_take: IntProperty(name="Take", get=listed_take, set=choose_listed)
    key_tolerance: FloatProperty(
        name="Tolerance",
        description="Takes have as few keys as keep the surface within so many millimetres; 0: a key a frame",
        default=0.05, min=0.0, max=2.0, precision=3, step=1,
    )  # fmt: skip
    cues: CollectionProperty(type=items.FACEEMOTE_PG_cue)
    active_cue: IntProperty()
    cues_take: StringProperty(description="The take whose mouth is listed")
    cues_follow: BoolProperty(name="Follow Playhead", description="The list shows what is said now", default=True)
    cues_offset: FloatProperty(
        name="Offset", description="Frames by which the mouth plays everything later", precision=1, step=50
    )
    new_sound: EnumProperty(name="Sound", items=STATIC_ITEMS["sounds"], default="M")
    blink_rows: CollectionProperty(type=items.FACEEMOTE_PG_blink)
    active_blink: IntProperty()
    blinks_take: StringProperty(description="The take whose blinks are listed")
    drawn: PointerProperty(type=FACEEMOTE_PG_drawn)
    lines: CollectionProperty(type=items.FACEEMOTE_PG_line)
    active_line: IntProperty()
    lines_read: StringProperty(description="State of the table when it was read")
    lines_table: StringProperty(
        name="Table",
        description="Lines of a batch: CSV, JSON or a folder of recordings. Columns: speech, and if wanted transcript, "
        "emotion, character, speaker, name, seed and more",
        subtype="FILE_PATH",
    )
    export_path: StringProperty(
        name="Export File", description="Its ending chooses the format", subtype="FILE_PATH", default="//take.glb"
    )
    video_path: StringProperty(
        name="Video File", description="H.264 video with the sound", subtype="FILE_PATH", default="//take.mp4"
    )


class FACEEMOTE_PG_job(bpy.types.PropertyGroup):
    """State of this Blender, not of the file."""

    report_path: StringProperty(options={"SKIP_SAVE"})
    previewing: BoolProperty(options={"SKIP_SAVE"})


CLASSES = (
    items.FACEEMOTE_PG_row,
    items.FACEEMOTE_PG_line,
    items.FACEEMOTE_PG_part,
    items.FACEEMOTE_PG_pose,
    items.FACEEMOTE_PG_cue,
    items.FACEEMOTE_PG_blink,
    items.FACEEMOTE_PG_shape,
    FACEEMOTE_PG_drawn,
    FACEEMOTE_PG_character,
    FACEEMOTE_PG_settings,
    FACEEMOTE_PG_job,
)
_register, _unregister = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    """Add the settings to Blender's types."""
    _register()
    bpy.types.Scene.face_emote = PointerProperty(type=FACEEMOTE_PG_settings)
    bpy.types.Object.face_emote = PointerProperty(type=FACEEMOTE_PG_character, override=OVERRIDABLE)
    bpy.types.WindowManager.face_emote_job = PointerProperty(type=FACEEMOTE_PG_job)
    bpy.app.handlers.load_post.append(migration.after_load)


def unregister() -> None:
    """Take them away again."""
    bpy.app.handlers.load_post.remove(migration.after_load)
    del bpy.types.WindowManager.face_emote_job
    del bpy.types.Object.face_emote
    del bpy.types.Scene.face_emote
    _unregister()
