"""Who vouches for a file, whom one may name for that, and what a file answers after all that can happen to it."""

import os
import shutil
import socket
import threading
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked import KINDS, installation, keep, marked, unmarked

import face_emote as fe
from face_emote.cli.main import main
from face_emote.core.errors import ProvenanceError
from face_emote.provenance import signer
from face_emote.provenance.certificate import certificate_chain
from face_emote.provenance.slot import find_slot, overwrite
from face_emote.provenance.store import layout_of
from face_emote.provenance.trust import MAX_BYTES, read_certificates
from face_emote.provenance.verification import Status, verify

pytest.importorskip("av")
pytest.importorskip("c2pa")


@pytest.fixture(scope="module", params=KINDS)
def ours(request, tmp_path_factory):
    """A file of each kind, marked here."""
    return marked(tmp_path_factory.mktemp("ours") / f"line.{request.param}", emotion="joy")


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A file marked elsewhere, and the certificates from there: the signer's, the root's."""
    with installation(tmp_path / "elsewhere", monkeypatch) as folder:
        path = marked(tmp_path / "theirs.glb")
        return path, read_certificates(folder / signer.CHAIN)


@pytest.fixture
def run(capsys):
    def run(*words):
        code = main(["verify", *map(str, words)])
        return code, *capsys.readouterr()

    return run


# Who vouches


def test_our_own_key_vouches_and_verifying_changes_nothing(ours, run):
    before = ours.read_bytes()
    first, second = run(ours), run(ours)
    assert first == second and first[0] == 0 and ours.read_bytes() == before
    assert first[1].startswith(f"{ours}: signed by the key of this installation: AI-generated, and not changed since\n")
    assert "covers    every byte of the file\n" in first[1] and "emotion   joy\n" in first[1]


def test_on_another_machine_the_signer_is_unknown_and_no_key_is_made(ours, run, tmp_path, monkeypatch):
    with installation(tmp_path / "new", monkeypatch) as folder:
        code, out, _ = run(ours)
        assert not folder.exists()
    assert code == 3 and verify(ours).status is Status.OWN
    assert out.startswith(
        f"{ours}: signed by SOMEBODY WE DO NOT KNOW, who says: AI-generated; not changed since then\n"
    )
    assert "which proves nothing" in out


def test_a_forgery_with_another_key_is_not_headlined_as_ours(theirs, run, tmp_path):
    path, _ = theirs
    strangers = tmp_path / "strangers.pem"
    strangers.write_bytes((signer.settings_folder() / signer.CHAIN).read_bytes())
    for words in ([path], ["--trust", strangers, path]):
        code, out, _ = run(*words)
        assert code == 3 and out.startswith(f"{path}: signed by SOMEBODY WE DO NOT KNOW")


@pytest.mark.parametrize("named", [0, 1], ids=["the signer alone", "the root above"])
def test_whom_the_user_names_vouches(theirs, run, tmp_path, named):
    path, certificates = theirs
    trust = tmp_path / "trust.pem"
    trust.write_bytes("Jürgen's certificate\n".encode() + certificates[named])
    code, out, _ = run("--trust", trust, path)
    assert code == 0 and out.startswith(f"{path}: signed by face_emote, self-signed, whom you trust: AI-generated")


def test_a_sibling_under_the_same_authority_is_neither_own_nor_the_named_signer(tmp_path, monkeypatch):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    authority = Ed25519PrivateKey.generate()
    files, certificates = [], []
    for name in ("one", "two"):
        with installation(tmp_path / name, monkeypatch) as folder:
            key = Ed25519PrivateKey.generate()
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            keep(folder, chain=certificate_chain(authority, key), key=private)
            files.append(marked(tmp_path / f"{name}.glb"))
            certificates.append(read_certificates(folder / signer.CHAIN))
            assert verify(files[-1]).status is Status.OWN
    with installation(tmp_path / "one", monkeypatch):
        assert verify(files[1]).status is Status.UNKNOWN
    assert verify(files[1], trust=certificates[0][:1]).status is Status.UNKNOWN
    assert verify(files[1], trust=certificates[1][:1]).status is Status.TRUSTED
    assert verify(files[1], trust=certificates[0][1:]).status is Status.TRUSTED


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "RSA"])
def test_certificates_from_an_authority_sign_and_vouch_as_our_own_do(kind, tmp_path, monkeypatch):
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    def key_of(kind):
        if kind == "RSA":
            return rsa.generate_private_key(65537, 2048)
        return ec.generate_private_key({"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}[kind]())

    key = key_of(kind)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with installation(tmp_path / "authority", monkeypatch) as folder:
        keep(folder, chain=certificate_chain(key_of("P-256"), key), key=private)
        path = marked(tmp_path / "line.glb")
        verdict = verify(path)
        assert verdict.status is Status.OWN and verdict.sealed
        trust = read_certificates(folder / signer.CHAIN)
        folder.rename(folder.with_name("away"))
        assert verify(path).status is Status.UNKNOWN
        assert {verify(path, trust=(certificate,)).status for certificate in trust} == {Status.TRUSTED}


def test_the_worst_of_several_files_counts(ours, theirs, run, tmp_path):
    plain, absent = unmarked(tmp_path / "plain.glb"), tmp_path / "absent.mp4"
    assert run(ours, ours)[0] == 0
    assert run(ours, theirs[0])[0] == 3
    assert run(theirs[0], absent, ours)[0] == 2
    code, out, err = run(plain, absent, theirs[0], ours)
    assert code == 4 and f"{plain}: no signed mark, so nobody vouches for it\n" in out
    assert err == f"face-emote: There is no such file; check its name: {absent}\n"


# Whom one may name

PEM = b"-----BEGIN CERTIFICATE-----\n"


def private_key() -> bytes:
    return (signer.settings_folder() / signer.KEY).read_bytes()


def own_chain() -> bytes:
    return (signer.settings_folder() / signer.CHAIN).read_bytes()


NO_CERTIFICATES = {
    "empty": (lambda: b"", "There is no certificate in this file; give a PEM file of certificates"),
    "white": (lambda: b" \n\n", "There is no certificate in this file"),
    "a private key": (private_key, "This file holds a private key, which nobody but its owner may see"),
    "both": (lambda: own_chain() + private_key(), "This file holds a private key"),
    "a public key": (
        lambda: b"-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n",
        "There is no certificate",
    ),
    "damaged": (lambda: PEM + b"MIIB\n-----END CERTIFICATE-----\n", "A certificate in this file is damaged"),
    "cut off": (lambda: own_chain()[:200], "A certificate in this file is damaged"),
    "one of two damaged": (lambda: own_chain().replace(b"MII", b"MIJ", 1), "A certificate in this file is damaged"),
    "bytes": (lambda: bytes(range(256)), "There is no certificate in this file"),
    "UTF-16": (lambda: own_chain().decode().encode("utf-16"), "There is no certificate in this file"),
    "huge": (lambda: own_chain() + bytes(MAX_BYTES), "This file is over 4 MB, no list of certificates"),
}


@pytest.mark.parametrize("case", NO_CERTIFICATES)
def test_what_holds_no_certificate_to_trust_is_refused_in_a_sentence(case, ours, run, tmp_path):
    content, message = NO_CERTIFICATES[case]
    trust = tmp_path / "trust.pem"
    trust.write_bytes(content())
    code, out, err = run("--trust", trust, ours, ours)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"face-emote: {message}") and err.endswith(f": {trust}\n")


def test_folders_devices_and_missing_files_are_no_certificates(ours, run, tmp_path):
    for place, message in (
        (tmp_path, "This is a folder"),
        (tmp_path / "absent", "There is no such file of certificates"),
    ):
        code, out, err = run("--trust", place, ours)
        assert (code, out) == (2, "") and err.startswith(f"face-emote: {message}") and err.endswith(f": {place}\n")
    if os.name != "nt":
        assert run("--trust", "/dev/zero", ours)[0] == run("--trust", "/proc/self/mem", ours)[0] == 2


def test_a_damaged_certificate_of_our_own_is_told_not_passed_over(ours, tmp_path, monkeypatch):
    with installation(tmp_path / "damaged", monkeypatch) as folder:
        keep(folder, chain=b"nothing", key=b"nothing")
        with pytest.raises(ProvenanceError, match=r"no certificate in this file.*chain\.pem$"):
            verify(ours)


# What can happen to a file


def test_a_renamed_copy_is_intact(ours, tmp_path):
    path = tmp_path / f"another name{ours.suffix}"
    shutil.copyfile(ours, path)
    assert verify(path).status is Status.OWN


@pytest.mark.parametrize("kept", [0.999, 0.9, 0.6, 0.4, 0.2, 0.1, 0.01, 0.0])
def test_a_file_that_was_cut_off_is_not_believed(ours, run, tmp_path, kept):
    path, data = tmp_path / f"cut{ours.suffix}", ours.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    code, out, err = run(path)
    assert (code, err, out.count("\n")) == (4, "", 1)
    slot = find_slot(ours)
    assert slot is not None
    if (ours.suffix != ".glb" and len(data) * kept > slot.start) or len(data) * kept > slot.stop + 100:
        assert "CHANGED since it was signed" in out


@pytest.mark.parametrize("more", [b"\0", b"\n", b"\0\0\0\x08free", b"\0\0\0\x08skip", b"\0\0\0\x08mfra"], ids=repr)
def test_bytes_behind_the_file_are_found(ours, tmp_path, more):
    path = tmp_path / f"longer{ours.suffix}"
    path.write_bytes(ours.read_bytes() + more)
    assert verify(path).status is Status.CHANGED


def test_a_file_put_behind_itself_is_found(ours, tmp_path):
    path = tmp_path / f"twice{ours.suffix}"
    path.write_bytes(2 * ours.read_bytes())
    assert verify(path).status is Status.CHANGED


def mark_of(data: bytes, path) -> tuple[int, int]:
    """The mark with what frames it in the file: a whole box, or a whole entry."""
    slot = find_slot(path)
    assert slot is not None
    return (slot.start - 8, slot.stop + 2) if path.suffix == ".glb" else (slot.start - 45, slot.stop)


def test_two_marks_in_one_file_are_not_believed(ours, tmp_path):
    data = ours.read_bytes()
    start, stop = mark_of(data, ours)
    for place in (start, stop, len(data)):
        path = tmp_path / f"two{ours.suffix}"
        path.write_bytes(data[:place] + data[start:stop] + data[place:])
        assert verify(path).status in (Status.CHANGED, Status.UNMARKED)


def test_a_mark_in_another_place_of_its_file_is_found(ours, tmp_path):
    data, path = ours.read_bytes(), tmp_path / f"moved{ours.suffix}"
    start, stop = mark_of(data, ours)
    mark, rest = data[start:stop], data[:start] + data[stop:]
    if ours.suffix == ".glb":
        place = rest.index(b'"character"') + len(b'"character":"default",') - (b'"default"}' in rest)
        rest = rest.replace(b'"default"}', b'"default",}')
        path.write_bytes(rest[: place + 1] + mark[:-1] + rest[place + 1 :])
    else:
        path.write_bytes(rest + mark)
    assert len(path.read_bytes()) == len(data) and verify(path).status is Status.CHANGED


def test_a_mark_moved_to_another_file_of_its_kind_is_found(ours, tmp_path):
    other = marked(tmp_path / f"other{ours.suffix}", emotion="joy")
    assert other.read_bytes() == ours.read_bytes()
    if ours.suffix == ".glb":
        other.write_bytes(other.read_bytes()[:-1] + b"\xff")  # another mesh
    else:
        from test_movie import still

        motion = still(1)
        motion.jaw_pose[:] = 0.2
        fe.render(motion, other, size=48, workers=1)
    own, target = find_slot(ours), find_slot(other)
    assert own is not None and target is not None
    data = other.read_bytes()
    start, stop = mark_of(data, other)
    first, last = mark_of(ours.read_bytes(), ours)
    other.write_bytes(data[:start] + ours.read_bytes()[first:last] + data[stop:])
    assert verify(other).status is Status.CHANGED


@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_another_program_that_signs_on_top_is_the_signer_then(kind, tmp_path, monkeypatch):
    """Our manifest stays inside as an ingredient, and lends the new signer nothing."""
    import c2pa

    ours, target = marked(tmp_path / f"line.{kind}"), tmp_path / f"edited.{kind}"
    with installation(tmp_path / "editor", monkeypatch):
        theirs = signer.own_signature()
    info = c2pa.C2paSignerInfo(theirs.algorithm.encode(), theirs.chain, theirs.key, None)
    builder = c2pa.Builder({"claim_generator_info": [{"name": "editor"}], "assertions": []})
    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    with c2pa.Signer.from_info(info) as sign, builder, ours.open("rb") as source, target.open("w+b") as out:
        builder.sign(sign, "video/mp4", source, out)
    verdict = verify(target)
    assert verdict.status is Status.UNKNOWN and not verdict.sealed
    assert verdict.tool.startswith("editor") and verdict.facts is None


def test_no_address_that_a_file_names_is_asked(run, tmp_path):
    import c2pa

    target, ours = tmp_path / "remote.mp4", signer.own_signature()
    info = c2pa.C2paSignerInfo(ours.algorithm.encode(), ours.chain, ours.key, None)
    builder = c2pa.Builder({"claim_generator_info": [{"name": "editor"}], "assertions": []})
    builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CREATION)
    builder.set_no_embed()
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with suppress(OSError):
                while True:
                    asked.append(server.accept()[0].close())

        threading.Thread(target=answer, daemon=True).start()
        builder.set_remote_url(f"http://127.0.0.1:{server.getsockname()[1]}/line.c2pa")
        plain = unmarked(tmp_path / "line.mp4")
        with c2pa.Signer.from_info(info) as sign, builder, plain.open("rb") as source, target.open("w+b") as out:
            builder.sign(sign, "video/mp4", source, out)
        assert b"http://127.0.0.1" in target.read_bytes()
        code, said, err = run(target)
        server.shutdown(socket.SHUT_RDWR)
    assert (code, err, asked) == (4, "", []) and "no signed mark" in said


def test_facts_cannot_be_rewritten(ours, tmp_path):
    slot, path = find_slot(ours), tmp_path / f"forged{ours.suffix}"
    assert slot is not None
    forged = slot.store.replace(b"cjoy", b"cwoe")
    assert forged != slot.store
    shutil.copyfile(ours, path)
    overwrite(path, slot, forged)
    assert verify(path).status is Status.CHANGED


@pytest.mark.parametrize("name", ["line.npz", "line.png", "line.usda", "line.csv", "line.txt"])
def test_kinds_that_carry_no_mark_are_a_users_mistake(name, run, tmp_path):
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"")
    code, out, err = run(path)
    assert (code, out) == (2, "") and "this one cannot carry any" in err and err.endswith(f": {path}\n")
    with pytest.raises(ProvenanceError, match="There is no such file"):
        verify(tmp_path / "absent.mp4")


@pytest.mark.parametrize(
    "content", [b"", b"glTF", b"glTF" + bytes(16), os.urandom(4000), b"\0\0\0\x20ftypisom" + bytes(99)]
)
def test_what_only_has_the_name_of_a_video_or_a_head_is_unmarked(run, tmp_path, content):
    for name in ("a.glb", "a.mp4", "a.mov"):
        path = tmp_path / name
        path.write_bytes(content)
        code, out, err = run(path)
        assert (code, err) == (4, "") and out.startswith(f"{path}: no signed mark, so nobody vouches for it")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_store_or_a_value_error(content):
    with pytest.raises(ValueError):
        layout_of(content)


@given(st.integers(0, 3700), st.binary(min_size=1, max_size=40))
def test_a_damaged_store_is_a_store_or_a_value_error(tmp_path_factory, place, content):
    path = tmp_path_factory.getbasetemp() / "damaged.glb"
    slot = find_slot(path if path.exists() else marked(path))
    assert slot is not None
    damaged = slot.store[:place] + content + slot.store[place + len(content) :]
    try:
        layout_of(damaged)
    except ValueError:
        pass


def test_items_without_end_are_refused():
    from face_emote.provenance.store import _item_end

    for content in (b"\x81" * 100_000, b"\x9b" + b"\xff" * 8, b"\xd2" * 100_000, b"\x5f\x41\x00\xff"):
        with pytest.raises(ValueError):
            _item_end(content, 0, 16)
