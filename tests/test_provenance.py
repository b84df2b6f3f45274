"""Every video and head says, signed, that a machine made it; the same inputs give the same bytes; changes are found."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fabricated import lively_motion
from test_movie import click, still, write_wav

import face_emote as fe
from face_emote.core.errors import ProvenanceError
from face_emote.core.settings import SETTINGS
from face_emote.face.bundled import load_head
from face_emote.provenance import signer
from face_emote.provenance.credential import COMMENT, Provenance
from face_emote.provenance.slot import find_slot, without_entry
from face_emote.provenance.verification import Status, verify

av = pytest.importorskip("av")
pytest.importorskip("c2pa")

CONSENT = Provenance(consent="Jane Doe, own voice, 2026-03-01")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    sound = write_wav(folder / "line.wav", click(0.25, at=0.1))
    return fe.render(still(6, secs=0.25), folder / "line.mp4", speech=sound, size=48, workers=1, provenance=CONSENT)


@pytest.fixture(scope="module")
def glb(tmp_path_factory):
    path = tmp_path_factory.mktemp("glb") / "line.glb"
    return fe.export(lively_motion(load_head(), 4), path, provenance=CONSENT)


def test_a_video_says_what_it_is_and_who_agreed(video):
    verdict = verify(video)
    assert (verdict.status, verdict.signed, verdict.intact, verdict.generated) == (Status.OWN, True, True, True)
    assert verdict.tool.startswith("face_emote ") and verdict.facts is not None
    assert verdict.facts.consent == CONSENT.consent
    assert verdict.comment


def test_a_head_says_so_too_and_stays_a_valid_glb(glb):
    verdict = verify(glb)
    assert (verdict.status, verdict.signed, verdict.intact, verdict.generated) == (Status.OWN, True, True, True)
    assert verdict.facts is not None and verdict.facts.consent == CONSENT.consent
    from glb_reader import Glb

    read = Glb(glb)
    assert read.json["asset"]["extras"]["c2pa"] and read.json["asset"]["extras"]["character"] == "default"
    assert int.from_bytes(glb.read_bytes()[8:12], "little") == glb.stat().st_size


def test_taking_the_mark_out_of_a_head_gives_the_unmarked_file(glb, tmp_path):
    plain = fe.export(lively_motion(load_head(), 4), tmp_path / "plain.glb", provenance=None)
    slot = find_slot(glb)
    assert slot is not None
    with without_entry(glb, slot) as stream:
        assert stream.read() == plain.read_bytes()


def test_the_same_inputs_give_the_same_signed_bytes(video, glb, tmp_path):
    again = fe.render(
        still(6, secs=0.25), tmp_path / "b.mp4", speech=video.with_name("line.wav"), size=48, workers=1,
        provenance=CONSENT,
    )  # fmt: skip
    assert again.read_bytes() == video.read_bytes()
    assert fe.export(lively_motion(load_head(), 4), tmp_path / "b.glb", provenance=CONSENT).read_bytes() == (
        glb.read_bytes()
    )


def test_facts_cannot_be_rewritten(video, tmp_path):
    path = tmp_path / "forged.mp4"
    forged = video.read_bytes().replace(b"Jane Doe, own", b"John Doe, own")
    assert forged != video.read_bytes()
    path.write_bytes(forged)
    assert not verify(path).intact


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_the_key_is_made_once_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(SETTINGS, str(tmp_path / "new"))
    first = signer.own_signature()
    key = signer.settings_folder() / signer.KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    signer._signature_in.cache_clear()
    assert signer.own_signature() == first
    assert "PRIVATE" not in repr(first)


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    code = "from face_emote.provenance.signer import own_signature; print(hash(own_signature().chain))"
    environment = os.environ | {SETTINGS: str(tmp_path / "new"), "PYTHONHASHSEED": "0"}
    children = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = {child.communicate()[0] for child in children}
    assert len(told) == 1 and told.pop().strip()


def test_damaged_keys_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv(SETTINGS, str(tmp_path / "damaged"))
    signer.own_signature()
    signer._signature_in.cache_clear()
    (signer.settings_folder() / signer.KEY).write_bytes(b"-----BEGIN nothing")
    with pytest.raises(ProvenanceError, match=r"no PEM key without a password: .*key\.pem"):
        fe.export(lively_motion(load_head(), 1), tmp_path / "a.glb")
    assert not (tmp_path / "a.glb").exists()


def test_unmarked_files_are_unmarked_only_when_asked_for(tmp_path):
    plain = fe.export(lively_motion(load_head(), 1), tmp_path / "a.glb", provenance=None)
    assert not verify(plain).signed
    film = fe.render(still(2), tmp_path / "a.mp4", size=48, workers=1, provenance=None)
    verdict = verify(film)
    assert not verdict.signed and not verdict.comment


def test_without_c2pa_the_file_is_written_with_the_comment_and_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("face_emote.provenance.marking.find_spec", lambda name: None)
    film = fe.render(still(2), tmp_path / "a.mp4", size=48, workers=1)
    assert "carries no signed mark: a.mp4" in caplog.text
    assert not verify(film).signed and verify(film).comment


def test_matroska_carries_the_comment(tmp_path):
    film = fe.render(still(2), tmp_path / "a.mkv", size=48, workers=1)
    assert verify(film).comment and not verify(film).signed


def test_a_label_is_drawn_and_changes_nothing_else(tmp_path):
    plain, labelled = (
        fe.render(still(2), tmp_path / f"{i}.mp4", size=128, workers=1, label=text) for i, text in enumerate(("", "ai"))
    )
    first, second = (next(av.open(str(path)).decode(video=0)).to_ndarray(format="gray") for path in (plain, labelled))
    apart = np.abs(first.astype(int) - second) > 24
    assert apart[-14:, :20].any() and not apart[:-20].any()


def passed_on(path: Path, target: Path, *, how: str) -> Path:
    """The video as a tool or a site would pass it on, its metadata copied."""
    with av.open(str(path)) as source, av.open(str(target), "w") as out:
        out.metadata.update(source.metadata)
        pictures = source.streams.video[0]
        if how == "remux":
            stream = out.add_stream_from_template(pictures)
            for packet in source.demux(pictures):
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
            return target
        side = 32 if how == "crop" else 48
        stream = out.add_stream("libx264", rate=25)
        stream.width = stream.height = side
        for frame in source.decode(pictures):
            shown = np.ascontiguousarray(frame.to_ndarray(format="rgb24")[:side, :side])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        out.mux(stream.encode(None))
    return target


@pytest.mark.parametrize("how", ["remux", "re-encode", "crop"])
def test_what_a_mark_survives_is_what_the_ethics_page_says(how, video, tmp_path):
    verdict = verify(passed_on(video, tmp_path / "passed.mp4", how=how))
    assert not verdict.signed and verdict.comment
    page = (Path(__file__).parent.parent / "docs" / "ethics.md").read_text("utf-8")
    assert f"| {how}" in page and COMMENT.startswith("AI-generated")
