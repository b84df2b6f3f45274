"""What each method does. Results are small; arrays are in the files that they name."""

import shutil
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

from face_emote.audio.directions import spoken_part
from face_emote.core.errors import OptionError
from face_emote.core.names import ARKIT_ORDER, BLOOD_REGIONS, EMOTIONS, JOINTS, WRINKLES
from face_emote.core.output import require_writable, written_beside
from face_emote.core.version import VERSION
from face_emote.face.bundled import load_head
from face_emote.face.characters import characters
from face_emote.formats.catalogue import FORMATS
from face_emote.formats.motion_file import open_motion
from face_emote.lines.feeling import felt_in
from face_emote.lines.speakers import said, speakers
from face_emote.perception.evidence import SENSES
from face_emote.perception.phrases import each_sense, in_a_sentence
from face_emote.verbs.export import export, require_place
from face_emote.verbs.perceive import perceived
from face_emote.verbs.say import heard_as_said
from face_emote.worker.head_package import write_head
from face_emote.worker.person import person_from, talker_in
from face_emote.worker.protocol import PROTOCOL, Params, Request
from face_emote.worker.takes import write_capture, write_take
from face_emote.worker.transfer import write_transfer

Progress = Callable[[float, str], None]
"""progress(share done 0..1, what is being done); raises when the request was cancelled."""


def serve(request: Request, *, progress: Progress) -> dict[str, Any]:
    """Serve a request. FaceEmoteError: the request cannot be served; the message says why and what to do."""
    match request.method:
        case "hello":
            return hello()
        case "load":
            return load(request.params, progress=progress)
        case "read":
            return read(request.params, progress=progress)
        case "say":
            return say(request.params, progress=progress)
        case "generate":
            return write_take(request.params, progress=progress)
        case "capture":
            return write_capture(request.params, progress=progress)
        case "lines":
            from face_emote.worker.lines import read_lines  # It brings in all that batches need.

            return read_lines(request.params, progress=progress)
        case "transfer":
            return write_transfer(request.params, progress=progress)
        case "export":
            return export_motion(request.params, progress=progress)
    raise OptionError(f"The method {request.method!r} is not served here")


def read(params: Params, *, progress: Progress) -> dict[str, Any]:
    """What is felt in a speech: as emotion keys, in figures, and in a sentence and bars for a panel.

    Params: speech, transcript, and `others`: lines of the same voice, against which it is read.
    """
    params.require_known(("speech", "transcript", "others"))
    found = perceived(
        Path(params.text("speech")),
        text=params.text("transcript", "") or None,
        talker=talker_in(params),
        progress=lambda done, total, what: progress(min(done / max(total, 1e-9), 1.0), what),
    )
    whole = found.reading.overall
    return {
        "emotion": found.plan().text,
        "mix": {name: round(float(value), 3) for name, value in zip(EMOTIONS, whole.mix[0], strict=True)},
        "gates": {name: round(float(value), 3) for name, value in zip(SENSES, whole.gates[0], strict=True)},
        "senses": [[sense.name, round(sense.weight, 3), sense.says] for sense in each_sense(found.reading)],
        "sentence": in_a_sentence(found.reading),
    }


def say(params: Params, *, progress: Progress) -> dict[str, Any]:
    """A text, said by a speaker of this computer into `path`; what its words feel, as an emotion.

    Params: text, path, and `speaker` and `language`, which are found where they are empty. The answer's text is empty
    where it is not to be found in the sound.
    """
    params.require_known(("text", "path", "speaker", "language"))
    target = Path(params.text("path"))
    require_writable(target)
    progress(0.1, "speaking")
    speaker, language = (params.text(name, "") or None for name in ("speaker", "language"))
    line = said(spoken_part(params.text("text"), []), speaker=speaker, language=language)
    with written_beside(target) as beside:
        shutil.copyfile(line.path, beside)
    return {"speech": str(target), "text": heard_as_said(line)[0] or "", "emotion": felt_in(line.text).words}


def hello() -> dict[str, Any]:
    """Who answers and what it can do; panels draw their sliders from it."""
    return {
        "protocol": PROTOCOL,
        "version": VERSION,
        "emotions": EMOTIONS,
        "wrinkles": WRINKLES,
        "blood_regions": BLOOD_REGIONS,
        "joints": JOINTS,
        "arkit": ARKIT_ORDER,
        "characters": [person.name for person in characters()],
        "speakers": [one.name for one in speakers() if one.command],
        "retunes": util.find_spec("pyworld") is not None,
        "sound_files": util.find_spec("av") is not None,
        "formats": {suffix: item.title for suffix, item in FORMATS.items() if suffix not in ("", ".npz")},
    }


def load(params: Params, *, progress: Progress) -> dict[str, Any]:
    """A head with its shape keys, joints, masks, hair and pictures, in the folder `out_dir`."""
    params.require_known(("out_dir", "person"))
    folder = Path(params.text("out_dir"))
    person = person_from(params.part("person"))
    path = folder / "head.npz"
    require_writable(path)
    write_head(person, path, progress=progress)
    return {"path": str(path), "name": person.name, "basis": person.head.basis}


def export_motion(params: Params, *, progress: Progress) -> dict[str, Any]:
    """A motion file as any of our formats."""
    params.require_known(("motion", "path", "person"))
    source, target = Path(params.text("motion")), Path(params.text("path"))

    def written(done: float, total: float, what: str) -> None:
        progress(done / max(total, 1e-9), what)

    require_place(target)
    with open_motion(source) as motion:
        head = person_from(params.part("person")).head if params.part("person").values else load_head()
        export(motion, target, head=head, progress=written)
    return {"path": str(target)}
