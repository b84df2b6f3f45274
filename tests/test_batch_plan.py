"""Manifests: every mistake is found before the first frame, and told with its row."""

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_emote.audio.examples import example_speech
from face_emote.batch.columns import COLUMNS, OTHERS, combinations
from face_emote.batch.manifest_file import read_manifest
from face_emote.batch.naming import filled, require_safe, slug
from face_emote.batch.plan import PlanOptions, plan_batch
from face_emote.batch.rows import Row, input_files, motion_hash, output_hash, work_key
from face_emote.batch.state import BatchState, OutputState
from face_emote.core.errors import BatchError, FaceEmoteError
from face_emote.core.fields import Kind
from face_emote.core.options import PERFORMANCE_OPTIONS, PICTURE_OPTIONS, Filming, Performance, Picture

SPEECH = [item.path for item in example_speech()]


def plan(source, *, sweep="", name="", contact_sheet=False, output=None, **defaults):
    options = PlanOptions(defaults, sweep=sweep, name=name, contact_sheet=contact_sheet, output=output)
    return plan_batch(source, options)


def csv(tmp_path, text, name="lines.csv"):
    path = tmp_path / name
    path.write_text(text.replace("A.wav", str(SPEECH[0])).replace("B.wav", str(SPEECH[1])), encoding="utf-8")
    return path


def test_every_mistake_is_told_at_once_with_its_row(tmp_path):
    manifest = csv(
        tmp_path,
        "speech,emotion,character,size,outputs,fps,name\n"
        "A.wav,joy,,,,,one\n"
        "A.wav,joyy,,,,,two\n"
        "absent.wav,joy,,,,,three\n"
        "A.wav,joy,maja,,,,four\n"
        "A.wav,joy,,333,,,five\n"
        "A.wav,joy,,,max,,six\n"
        "A.wav,joy,,,,0,seven\n"
        "A.wav,joy,,,,fast,eight\n"
        "B.wav,joy,,,,,one\n",
    )
    with pytest.raises(BatchError) as caught:
        plan(manifest)
    told = str(caught.value).splitlines()
    assert told[0] == "8 mistakes in the manifest; nothing was started:"
    for number, part in (
        (2, "joy"),
        (3, "no such file"),
        (4, "maya"),
        (5, "333"),
        (6, ".max"),
        (7, "fps"),
        (8, "fast"),
    ):
        assert any(line.strip().startswith(f"row {number}: ") and part in line for line in told), (number, told)
    assert any(line.strip().startswith("rows 1 and 9 would both write one") for line in told)


@pytest.mark.parametrize("kind", ["csv", "semicolons", "json", "json with defaults", "jsonl"])
def test_all_formats_mean_the_same(tmp_path, kind):
    rows = [
        {"speech": str(SPEECH[0]), "emotion": "calm anger", "seed": 3, "outputs": ["mp4", "glb"], "head-motion": 0.5},
        {"speech": str(SPEECH[1]), "emotion": "vad(-0.4, 0.7, 0.2)"},
    ]
    path = tmp_path / f"a.{'csv' if kind == 'semicolons' else kind.split()[0]}"
    if kind == "json":
        path.write_text(json.dumps(rows))
    elif kind == "json with defaults":
        path.write_text(json.dumps({"defaults": {"seed": None}, "rows": rows}))
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    else:
        mark = "," if kind == "csv" else ";"
        path.write_text(
            f"speech{mark}emotion{mark}seed{mark}outputs{mark}Head motion\n"
            f"{SPEECH[0]}{mark}calm anger{mark}3{mark}mp4 glb{mark}.5\n"
            f'{SPEECH[1]}{mark}"vad(-0.4, 0.7, 0.2)"{mark}{mark}{mark}\n\n'
        )
    first, second = plan(path).rows
    assert (first.name, first.number, first.performance.emotion) == ("dashwood_1", 1, "calm anger")
    assert (first.outputs, first.performance.seed) == (("dashwood_1.mp4", "dashwood_1.glb"), 3)
    assert first.performance.style.head == 0.5
    assert second.performance.emotion == "vad(-0.4, 0.7, 0.2)" and second.outputs == ("dashwood_2.mp4",)


def test_the_command_line_fills_empty_cells_only(tmp_path):
    rows = plan(csv(tmp_path, "speech,emotion\nA.wav,joy\nB.wav,\n"), emotion="fear", size="64", fps="12").rows
    assert [row.performance.emotion for row in rows] == ["joy", "fear"]
    assert {row.picture.sides for row in rows} == {(64, 64)} and {row.performance.fps for row in rows} == {12.0}


def test_a_folder_is_searched_through_and_transcripts_lie_beside(tmp_path):
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / "a{1}.wav").write_bytes(SPEECH[0].read_bytes())
    (tmp_path / "b.wav").write_bytes(SPEECH[1].read_bytes())
    (tmp_path / "b.txt").write_text("Words.")
    (tmp_path / "notes.md").write_text("none")
    rows = plan(tmp_path).rows
    assert [row.name for row in rows] == ["b", "scene/a{1}"]
    assert rows[0].performance.transcript == tmp_path / "b.txt" and rows[1].performance.transcript is None
    assert [row.name for row in plan(Path(f"{tmp_path}/*/*.wav")).rows] == ["a-1"]


def test_results_and_hidden_files_are_no_recordings(tmp_path):
    (tmp_path / "a.wav").write_bytes(SPEECH[0].read_bytes())
    (tmp_path / "._a.wav").write_bytes(b"")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.wav").write_bytes(SPEECH[0].read_bytes())
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    (out / "deep" / "a.mp4").write_bytes(b"a video of ours")
    for source in (tmp_path, Path(f"{tmp_path}/**/*.*")):
        assert [row.name for row in plan(source, output=out).rows] == ["a"]
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / "a.mp4").write_bytes(b"a video of another batch")
    (earlier / "mine.wav").write_bytes(SPEECH[1].read_bytes())
    with closing(BatchState(earlier)) as state:
        state.put_output(OutputState("a.mp4", "a", "", published=True, sha256="", size=1, marked=True))
    assert [row.name for row in plan(tmp_path, output=out).rows] == ["a"]
    assert [row.name for row in plan(earlier, output=earlier).rows] == ["mine"], "what is no result is a recording"


def test_no_result_replaces_a_recording(tmp_path):
    (tmp_path / "a.mp4").write_bytes(SPEECH[0].read_bytes())
    with pytest.raises(BatchError, match=r"row 1: a\.mp4 would replace a recording"):
        plan(csv(tmp_path, "speech\na.mp4\n"), output=tmp_path)
    assert plan(csv(tmp_path, "speech\na.mp4\n"), output=tmp_path / "out").rows


ODD_NAMES = {
    "What did he say?": "What did he say",
    "con": "_con",
    "a<b>:c|d": "a-b-c-d",
    "dots..": "dots",
    "re\u0301sume\u0301": "r\u00e9sum\u00e9",
}


@pytest.mark.skipif(os.name == "nt", reason="these names cannot be there")
def test_recordings_of_any_name_are_done_under_one_that_is_a_files_everywhere(tmp_path):
    for name in (*ODD_NAMES, "\u97f3" * 70, "\u97f3" * 71, "\u97f3" * 70 + "\u58f0"):
        (tmp_path / f"{name}.wav").write_bytes(SPEECH[0].read_bytes())
    made = plan(tmp_path, outputs="mp4 sheet")
    names = [row.name for row in made.rows]
    assert set(ODD_NAMES.values()) <= set(names) and len(set(names)) == len(names) == 8
    assert all(len(output.encode()) <= 200 for row in made.rows for output in row.outputs)
    assert made.renamed["What did he say?"] == "What did he say" and made.renamed["con"] == "_con"
    assert plan(tmp_path, name="{row}").rows[0].name == "0001", "--name is heeded in folders too"


def test_recordings_of_one_name_have_results_of_two(tmp_path):
    for name in ("a.wav", "a.flac", "x/a.wav", "y/a.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(SPEECH[0].read_bytes())
    names = [row.name for row in plan(tmp_path).rows]
    assert "a" in names and {"x/a", "y/a"} < set(names) and len(set(names)) == 4
    assert len({row.name for row in plan(Path(f"{tmp_path}/*/*.wav")).rows}) == 2


SHEETS = {
    "trailing columns": "speech,seed,dof,,\nA.wav,3,2.8,,\n,,,,\n",
    "a separator": 'sep=;\nspeech;seed;dof\nA.wav;"3,0";2,8\n',
    "numbers of spreadsheets": "speech\tseed\tdof\nA.wav\t3.0\t2.80\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", SHEETS.values(), ids=SHEETS)
def test_sheets_are_read_as_spreadsheets_write_them(tmp_path, text, encoding):
    path = csv(tmp_path, text)
    path.write_bytes(path.read_text("utf-8").replace("\n", "\r\n").encode(encoding))
    (row,) = plan(path).rows
    assert (row.performance.seed, row.picture.dof, row.name) == (3, 2.8, "dashwood_1")


def test_a_cell_without_heading_is_named(tmp_path):
    with pytest.raises(BatchError, match="line 2: 'joy' in column 2 has no heading"):
        plan(csv(tmp_path, "speech,\nA.wav,joy\n"))


NUMBERS = [item for item in (*PERFORMANCE_OPTIONS, *PICTURE_OPTIONS) if item.kind in (Kind.NUMBER, Kind.WHOLE)]


@pytest.mark.parametrize("item", NUMBERS, ids=lambda item: item.name)
@pytest.mark.parametrize("text", ["many", "nan", "inf", "1_0", "-1", "9" * 400, "1e400", "1,2,3"])
def test_every_number_of_a_sheet_is_refused_with_row_column_value_and_range(tmp_path, item, text):
    with pytest.raises(BatchError) as caught:
        plan(csv(tmp_path, f'speech,emotion,engine,{item.name}\nA.wav,joy,cycles,"{text}"\n'))
    kind = "whole number" if item.kind is Kind.WHOLE else "number"
    assert f"row 1: {item.name} must be a {kind} from {item.low:g} to" in str(caught.value), str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_pattern_in_a_row_makes_a_row_for_each_file(tmp_path):
    for name in ("x1.wav", "x2.wav"):
        (tmp_path / name).write_bytes(SPEECH[0].read_bytes())
    rows = plan(csv(tmp_path, "speech,emotion\nx*.wav,joy\n")).rows
    assert [(row.number, row.name) for row in rows] == [(1, "x1"), (1, "x2")]
    with pytest.raises(BatchError, match=r"row 1: speech: no file is found by y\*\.wav"):
        plan(csv(tmp_path, "speech\ny*.wav\n"))


def test_recordings_that_cannot_be_opened_do_not_stop_the_others(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF" + bytes(40))
    made = plan(csv(tmp_path, "speech\nA.wav\nbroken.wav\n"))
    assert set(made.unreadable) == {"broken"} and "broken.wav" in made.unreadable["broken"]
    assert made.secs["dashwood_1"] > 3.0


def test_a_sweep_makes_the_grid_and_names_it(tmp_path):
    made = plan(csv(tmp_path, "speech\nA.wav\n"), sweep="emotion=joy,vad(-0.4, 0.7, 0.2); intensity=.3,1; fps=12")
    assert [row.name for row in made.rows] == [
        "dashwood_1_joy_0.3", "dashwood_1_joy_1", "dashwood_1_vad-0.4-0.7-0.2_0.3", "dashwood_1_vad-0.4-0.7-0.2_1",
    ]  # fmt: skip
    assert {row.performance.fps for row in made.rows} == {12.0}
    assert combinations("") == ({},)
    for wrong, why in (
        ("emotion", "no values"), ("speech=a", "cannot go over"), ("emoton=a", "did you mean 'emotion'"),
        ("emotion=joy,joy", "each once"), ("seed=1;seed=2", "twice"), 
        ("seed=" + ",".join(map(str, range(10_001))), "10001"),
    ):  # fmt: skip
        with pytest.raises(BatchError, match=why):
            combinations(wrong)


def test_intensity_needs_a_named_emotion_within_its_range(tmp_path):
    with pytest.raises(BatchError, match="intensity needs an emotion by name"):
        plan(csv(tmp_path, "speech,intensity\nA.wav,.5\n"))
    with pytest.raises(BatchError, match="intensity must be a number from 0 to 1, got 50"):
        plan(csv(tmp_path, "speech,emotion,intensity\nA.wav,joy,50\n"))


def test_a_sheet_is_one_more_output(tmp_path):
    (row,) = plan(csv(tmp_path, "speech,outputs\nA.wav,mp4 {name}_b.csv\n"), contact_sheet=True).rows
    assert row.outputs == ("dashwood_1.mp4", "dashwood_1_b.csv", "dashwood_1_sheet.png")


def test_outputs_stay_in_their_folder():
    for name in ("../a", "/a", "a/../../b", "a\\b", "C:/a", "", ".", "a//../..", "batch.sqlite", ".work/a", "con", "a.",
                 "x" * 300, "a\nb", "a?b"):  # fmt: skip
        with pytest.raises(BatchError):
            require_safe(name)
    assert require_safe("scene/line 1.mp4") == "scene/line 1.mp4"


@given(st.text(max_size=80))
def test_any_text_becomes_part_of_a_safe_name(text):
    assert require_safe(filled("{speech}", {"speech": text}) + "_") and "/" not in slug(text)


def test_unknown_fields_and_broken_templates_are_named():
    for text in ("{speech:>999999999}", "{speech!r}", "{speech:{speech}}"):
        with pytest.raises(BatchError, match="have no format"):
            filled(text, {"speech": "a"})
    with pytest.raises(BatchError, match=r"field \{mood\}; choose one of: speech"):
        filled("{mood}", {"speech": "a"})
    with pytest.raises(BatchError, match="cannot be read"):
        filled("{speech", {"speech": "a"})
    with pytest.raises(BatchError, match="field"):
        filled("{speech.__class__}", {"speech": "a"})


BROKEN = {
    "a.csv": ["", "speech\n", 'speech\n"a', "speech\na,b\n", "mood\nx\n", "speech,speech\na,b\n", "\0"],
    "a.json": ["", "{", "[]", "3", '{"rows": 3}', '{"row": []}', "[3]", '[{"speech": {}}]', "[" * 100_000],
    "a.jsonl": ["", "{", "[]\n", '{"speech": [1]}\n'],
    "a.txt": ["speech\n"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BROKEN.items() for text in texts])
def test_broken_manifests_are_refused_in_words(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(BatchError) as caught:
        plan(path)
    assert str(caught.value) and "Traceback" not in str(caught.value)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(data):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".csv", ".json", ".jsonl"):
            path = Path(folder) / f"a{suffix}"
            path.write_bytes(data)
            try:
                read_manifest(path)
            except FaceEmoteError as error:
                assert str(path) in str(error)


def test_absent_and_empty_sources_are_named(tmp_path):
    for source, why in (
        (tmp_path / "absent.csv", "no such manifest"), (tmp_path, "No recordings"),
        (tmp_path / "*.wav", "No recordings"),
    ):  # fmt: skip
        with pytest.raises(BatchError, match=why):
            plan(source)


def test_every_option_of_render_is_a_column():
    from face_emote.cli.animate_command import command

    live = {
        "speech",
        "output",
        "stream",
        "stream_rate",
        "latency",
        "help",
        "capture",
        "flame",
        "print_emotion",
        "tokens",
        "to",
        "mic",
        "rig",
        "takes",
        "bank_report",
        "voice",
    }
    options = {option.name for option in command.params} - live
    of_films = {"face", "neutral", "focal", "person"}
    assert options == set(COLUMNS) - set(OTHERS) - of_films | {"consent", "no_provenance"}


def test_columns_are_documented():
    text = (Path(__file__).parent.parent / "docs" / "batch.md").read_text("utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in text] == []


def test_hashes_change_with_what_counts_and_with_nothing_else(tmp_path):
    sound = tmp_path / "a.wav"
    sound.write_bytes(SPEECH[0].read_bytes())

    def row(**cells):
        (found,) = plan(csv(tmp_path, "speech,outputs\na.wav,mp4 npz\n"), **cells).rows
        return found

    first, again, warm, seed = row(), row(), row(light="warm"), row(seed="1")
    assert motion_hash(first) == motion_hash(again) == motion_hash(warm) != motion_hash(seed)
    assert work_key(first) == work_key(again) != work_key(warm)
    assert output_hash(first, "a.mp4") != output_hash(warm, "a.mp4")
    assert output_hash(first, "a.npz") == output_hash(warm, "a.npz") != output_hash(seed, "a.npz")
    before = motion_hash(first)
    sound.write_bytes(SPEECH[1].read_bytes())
    assert motion_hash(row()) != before


def test_all_files_that_a_row_reads_travel_with_it_and_decide_its_motion(tmp_path):
    names = ("speech", "transcript", "heart", "moves_like", "character", "person")
    paths = {name: tmp_path / f"{name}.character" for name in names}
    for path in paths.values():
        path.write_text("first")
    facts = {name: paths[name] for name in names[:4]} | {"character": str(paths["character"]), "animator": "takes"}
    row = Row(1, "line", Performance(**facts), Picture(), ("line.npz",), filming=Filming(person=paths["person"]))
    assert input_files(row) == paths
    for path in paths.values():
        before = motion_hash(row)
        path.write_text("another")
        os.utime(path, ns=(1, 1))
        assert motion_hash(row) != before
