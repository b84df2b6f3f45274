"""Words and sounds as files, and what corrected ones do: all of it to the mouth, nothing to the rest of the face."""

import itertools
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.audio.cue_words import with_sounds
from face_emote.audio.examples import example_speech
from face_emote.audio.spoken_words import words_of
from face_emote.cli.main import main
from face_emote.core.cues import MouthCues, label_of
from face_emote.core.errors import CuesError, OptionError
from face_emote.core.names import BLOOD_REGIONS, CONTROLS
from face_emote.core.types import FaceMotion, Phone, SpokenWord
from face_emote.face.bundled import load_head
from face_emote.formats.cues_file import cues_text, parse_cues, read_cues, write_cues
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.motion.layering import mouth_gauge
from face_emote.verbs.animate import animate
from face_emote.verbs.export import export

LINE = example_speech()[1]
UPPER = [i for i, name in enumerate(CONTROLS) if name.startswith(("brow", "innerBrow", "eye", "cheekSquint"))]
UPPER_BLOOD = [BLOOD_REGIONS.index(name) for name in ("forehead", "nose", "ears", "periorbital")]
SHORT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"
0
1
<exists>
2
"IntervalTier"
"spk - words"
0
1
2
0
0.4
""
0.4
1
"ma"
"IntervalTier"
"spk - phones"
0
1
3
0
0.4
"sil"
0.4
0.5
"M"
0.5
1
"AA1"
"""


@cache
def performed(animator: str = "net") -> FaceMotion:
    return animate(LINE.path, emotion="joy", transcript=LINE.transcript, animator=animator)


def again(cues: MouthCues, animator: str = "net") -> FaceMotion:
    return animate(LINE.path, emotion="joy", transcript=LINE.transcript, animator=animator, cues=cues)


def cues_of(motion: FaceMotion) -> MouthCues:
    return parse_cues(motion.info.cues.encode())


def gap(motion: FaceMotion) -> np.ndarray:
    """Between the inner lips, metres."""
    gauge = mouth_gauge(load_head())
    y = gauge.head.pose_vertices(expression=motion.expression, jaw_pose=motion.jaw_pose)[:, :, 1].astype(np.float64)
    return y @ gauge.heights


def assert_same_but_for_the_mouth(motion: FaceMotion, plain: FaceMotion) -> None:
    for name in ("neck_pose", "eye_pose", "global_pose", "translation"):
        np.testing.assert_array_equal(getattr(motion, name), getattr(plain, name))
    # Pressed lips and raised cheeks have their blood from the mouth.
    np.testing.assert_array_equal(motion.blood_flow[:, UPPER_BLOOD], plain.blood_flow[:, UPPER_BLOOD])
    np.testing.assert_array_equal(motion.expression[:, UPPER], plain.expression[:, UPPER])


@pytest.mark.parametrize("animator", ["net", "rules"])
@pytest.mark.parametrize("name", ["line.cues.json", "line.TextGrid"])
def test_cues_that_were_exported_and_not_touched_change_no_byte(tmp_path: Path, name: str, animator: str):
    plain = performed(animator)
    motion = again(read_cues(export(plain, tmp_path / name)), animator)
    for rows in plain.row_names:
        np.testing.assert_array_equal(getattr(motion, rows), getattr(plain, rows))


def test_an_inserted_closure_closes_the_lips_and_nothing_else_moves():
    cues = cues_of(performed())
    open_frame = int(np.argmax(gap(performed())))
    secs = open_frame / 30.0
    phones = []
    for phone in cues.phones:
        if phone.start_secs <= secs < phone.end_secs:
            parts = replace(phone, end_secs=secs - 0.05), Phone("M", secs - 0.05, secs + 0.05)
            phones += [
                part for part in (*parts, replace(phone, start_secs=secs + 0.05)) if part.end_secs > part.start_secs
            ]
        elif phone.end_secs <= secs - 0.05 or phone.start_secs >= secs + 0.05:
            phones.append(phone)
    phones = [replace(b, start_secs=max(b.start_secs, a.end_secs)) for a, b in itertools.pairwise([phones[0], *phones])]
    motion = again(replace(cues, phones=tuple(p for p in phones if p.end_secs > p.start_secs)))
    assert gap(performed())[open_frame] > 0.004 and gap(motion)[open_frame] < 0.001
    assert_same_but_for_the_mouth(motion, performed())
    far = np.abs(np.arange(motion.num_frames) / 30.0 - secs) > 0.5
    np.testing.assert_allclose(motion.expression[far], performed().expression[far], atol=1e-6)


def test_a_strength_of_none_keeps_the_mouth_at_rest_and_more_of_it_opens_farther():
    cues = cues_of(performed())
    none, more = (
        again(replace(cues, phones=tuple(replace(phone, strength=strength) for phone in cues.phones)))
        for strength in (0.0, 1.3)
    )
    still, usual, wide = (float(gap(motion).mean()) for motion in (none, performed(), more))
    assert still < 0.3 * usual and 1.2 * usual < wide
    assert_same_but_for_the_mouth(none, performed())
    assert_same_but_for_the_mouth(more, performed())


def test_an_offset_and_moved_cues_take_the_same_mouth_with_them():
    cues = cues_of(performed())
    late = 0.1
    by_offset = again(replace(cues, offset_secs=late))
    moved = tuple(
        replace(
            p, start_secs=p.start_secs + late * (p.start_secs > 0), end_secs=min(p.end_secs + late, cues.duration_secs)
        )
        for p in cues.phones
    )
    by_hand = again(replace(cues, words=(), phones=moved))
    was = gap(performed())[3:-6]
    for motion in (by_offset, by_hand):
        assert np.corrcoef(was, gap(motion)[6:-3])[0, 1] > 0.97
        assert_same_but_for_the_mouth(motion, performed())


def test_a_word_without_sounds_gets_those_of_its_spelling():
    cues = cues_of(performed())
    word = cues.words[3]
    left = tuple(p for p in cues.phones if not word.start_secs <= p.centre_secs < word.end_secs)
    words = tuple(replace(w, text="mamba") if w is word else w for w in cues.words)
    filled = with_sounds(replace(cues, words=words, phones=left))
    own = [p.label for p in filled.phones if word.start_secs <= p.centre_secs < word.end_secs]
    assert own == "M AE M B AH".split()
    assert with_sounds(filled) == filled
    assert again(replace(cues, words=words, phones=left)).info.cues != performed().info.cues


def test_sounds_alone_or_words_alone_are_enough():
    words = MouthCues((SpokenWord("pop", 0.2, 0.5),), (), 1.0)
    assert [p.label for p in with_sounds(words).sounds] == ["SIL", "P", "AA", "P", "SIL"]
    assert [p.label for p in MouthCues((), (), 1.0).sounds] == ["SIL"]


def test_a_motion_carries_its_cues_and_a_part_of_it_does_not(tmp_path: Path):
    path = write_motion(performed(), tmp_path / "line.npz")
    assert read_motion(path).info == performed().info
    assert [word.text for word in cues_of(performed()).words] == list(words_of(LINE.transcript))
    with pytest.raises(OptionError, match="carries no words and sounds"):
        export(performed()[10:20], tmp_path / "part.cues.json")


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_motion(performed(), tmp_path / "line.npz")
    assert main(["export", str(tmp_path / "line.npz"), "-o", str(tmp_path / "line.cues.json")]) == 0
    text = (tmp_path / "line.cues.json").read_text()
    (tmp_path / "edited.json").write_text(text.replace('"offset": 0.0', '"offset": 0.1'))
    asked = ["animate", str(LINE.path), "-e", "joy", "-t", LINE.transcript, "--cues", str(tmp_path / "edited.json")]
    assert main([*asked, "-o", str(tmp_path / "again.npz")]) == 0
    assert_same_but_for_the_mouth(read_motion(tmp_path / "again.npz"), performed())
    capsys.readouterr()
    assert main(["animate", str(example_speech()[0].path), "--cues", str(tmp_path / "edited.json"), "-o", "x.npz"]) == 2
    assert "give those of this recording" in capsys.readouterr().err


def test_both_kinds_of_files_come_back(tmp_path: Path):
    cues = replace(cues_of(performed()), offset_secs=0.05)
    strong = replace(cues, phones=(replace(cues.phones[0], strength=0.5), *cues.phones[1:]))
    write_cues(strong, tmp_path / "a.json")
    assert read_cues(tmp_path / "a.json") == strong
    write_cues(cues, tmp_path / "a.TextGrid")
    grid = read_cues(tmp_path / "a.TextGrid")
    assert (grid.words, [p.label for p in grid.phones]) == (cues.words, [p.label for p in cues.phones])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_short_grids_of_other_programs_are_read(tmp_path: Path, encoding: str):
    (tmp_path / "a.TextGrid").write_text(SHORT_GRID, encoding)
    cues = read_cues(tmp_path / "a.TextGrid")
    assert cues.words == (SpokenWord("ma", 0.4, 1.0),)
    assert [(p.label, p.stress) for p in cues.phones] == [("SIL", 0), ("M", 0), ("AA", 1)]
    assert label_of("sp") == label_of("") == ("SIL", 0)


HEAD = '{"format": "face_emote cues", "version": 1, "duration": '
PHONE = '{"label": "M", "start": 0.2, "end": 0.3}'
DAMAGED = {
    "another format": '{"format": "x", "version": 1, "duration": 1}',
    "an unknown name": f'{HEAD}1, "word": []}}',
    "no number": f"{HEAD}NaN}}",
    "an unknown sound": f'{HEAD}1, "phones": [{PHONE.replace("M", "Q")}]}}',
    "sounds that overlap": f'{HEAD}1, "phones": [{PHONE}, {PHONE}]}}',
    "a sound behind the end": f'{HEAD}0.25, "phones": [{PHONE}]}}',
    "a strength beyond all": f'{HEAD}1, "phones": [{{"label": "M", "start": 0, "end": 1, "strength": 9}}]}}',
    "half a grid": SHORT_GRID[:120],
    "a grid of many tiers": SHORT_GRID.replace("<exists>\n2", "<exists>\n2000000000"),
    "text": "hello",
    "nothing": "",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_cues_are_refused_by_name(tmp_path: Path, name: str):
    path = tmp_path / "bad.json"
    path.write_text(DAMAGED[name])
    with pytest.raises(CuesError, match="no cues of a mouth") as caught:
        read_cues(path)
    assert str(caught.value).endswith(str(path))
    with pytest.raises(CuesError, match="cannot be read"):
        read_cues(tmp_path / "missing.json")


@given(st.sampled_from([SHORT_GRID, cues_text(MouthCues((SpokenWord("a", 0.0, 1.0),), (Phone("M", 0.0, 1.0),), 1.0))]),
       st.integers(0, 400), st.binary(max_size=8))  # fmt: skip
def test_any_damage_gives_cues_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, text: str, at: int, damage: bytes
):
    path = tmp_path_factory.mktemp("cues") / "a"
    data = text.encode()
    path.write_bytes(data[:at] + damage + data[at + len(damage) :])
    try:
        cues = read_cues(path)
    except CuesError:
        return
    assert all(a.end_secs <= b.start_secs + 1e-3 for a, b in itertools.pairwise(cues.sounds))
