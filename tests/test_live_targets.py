"""Live frames for other programs: addresses, packets as receivers written by others read them, nobody looked up."""

import socket
import struct
import threading
import warnings
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np
import pytest
from fabricated import lively_motion

from face_emote.core.errors import FaceEmoteWarning, OptionError
from face_emote.core.rotations import axis_angle, from_yaw_pitch_roll
from face_emote.face.bundled import load_head
from face_emote.formats.arkit import CURVES, ArkitCurves
from face_emote.formats.live_targets import (
    DATAGRAM_BYTES,
    LiveFrame,
    LiveLinkSender,
    LiveTarget,
    VmcSender,
    live_link_packet,
    parse_target,
    vmc_names,
)
from face_emote.formats.rig import RigCurves
from face_emote.rigs.rig_file import load_rig

ADDRESSES = {
    "livelink": LiveTarget("livelink", "127.0.0.1", 11111),
    "LiveLink://": LiveTarget("livelink", "127.0.0.1", 11111),
    "livelink://192.168.1.5": LiveTarget("livelink", "192.168.1.5", 11111),
    "livelink://192.168.1.5:54321/Heroine 2": LiveTarget("livelink", "192.168.1.5", 54321, "Heroine 2"),
    "livelink://:11112": LiveTarget("livelink", "127.0.0.1", 11112),
    "osc": LiveTarget("osc", "127.0.0.1", 39539),
    "osc://localhost:9000": LiveTarget("osc", "127.0.0.1", 9000),
    "osc://[::1]:9000": LiveTarget("osc", "::1", 9000),
    "json": LiveTarget("json"),
}
NO_ADDRESSES = {
    "": "--to takes livelink://HOST:11111",
    "udp://127.0.0.1:5": "--to takes livelink://HOST:11111",
    "osc:/127.0.0.1": "--to takes livelink://HOST:11111",
    "osc://1.2.3.4:5:6": "--to takes livelink://HOST:11111",
    "osc://me@1.2.3.4:9000": "names are not looked up",
    "osc://studio-pc:9000": "names are not looked up",
    "livelink://300.1.1.1": "names are not looked up",
    "osc://0.0.0.0:9000": "the number of one computer",
    "osc://255.255.255.255": "the number of one computer",
    "osc://224.0.0.1": "the number of one computer",
    "osc://127.0.0.1:0": "a port from 1 to 65535",
    "osc://127.0.0.1:70000": "a port from 1 to 65535",
    "osc://127.0.0.1:9000/Heroine": "Only livelink:// takes a name",
    "livelink://127.0.0.1:1/Zoë": "Only livelink:// takes a name behind its port, in plain letters",
    f"livelink://127.0.0.1:1/{'a' * 65}": "at most 64 letters",
}


@pytest.fixture
def nobody_asked(monkeypatch):
    """The network's directory."""

    def asked(*words):
        raise AssertionError(f"{words} were looked up")

    for name in ("getaddrinfo", "gethostbyname", "getfqdn"):
        monkeypatch.setattr(socket, name, asked)


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses_are_read(text, nobody_asked):
    assert parse_target(text) == ADDRESSES[text]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_told(text, nobody_asked):
    with pytest.raises(OptionError, match=NO_ADDRESSES[text]):
        parse_target(text)


@contextmanager
def listening(family=socket.AF_INET, host="127.0.0.1"):
    """A socket that hears, and its port."""
    with socket.socket(family, socket.SOCK_DGRAM) as heard:
        heard.bind((host, 0))
        heard.settimeout(5.0)
        yield heard, heard.getsockname()[1]


def frame_of(motion, *, rig=None, secs=0.5, day_secs=3600.25):
    head = load_head()
    curves = {}
    if rig is not None:
        values = RigCurves(head, rig=load_rig(rig)).of(motion)[0]
        curves = dict(zip((target.name for target in load_rig(rig).targets), values.tolist(), strict=True))
    return LiveFrame(motion, secs=secs, day_secs=day_secs, arkit=ArkitCurves(head).of(motion)[0], curves=curves)


@pytest.fixture(scope="module")
def motion():
    return lively_motion(load_head(), 3)[1]


def test_a_live_link_packet_is_read_by_a_receiver_of_others(motion, nobody_asked):
    receiver = pytest.importorskip("pylivelinkface.pylivelinkface")
    frame = frame_of(motion)
    with listening() as (heard, port):
        with closing(LiveLinkSender(LiveTarget("livelink", "127.0.0.1", port, "Heroine"), fps=50.0)) as sender:
            sender.send(frame)
        seen, face = receiver.PyLiveLinkFace.decode(heard.recv(4096))
    assert seen and (face.name, face.fps, face._denominator, face._version) == ("Heroine", 50, 1, 6)
    assert face._frames == 50 * 3600 + 12 and face._sub_frame == pytest.approx(0.5, abs=1e-3)
    shapes = receiver.FaceBlendShape
    for name, value in zip(CURVES, frame.arkit, strict=True):
        assert face.get_blendshape(shapes[name[0].upper() + name[1:]]) == np.float32(value)


def test_a_packet_begins_as_unreal_writes_it():
    packet = live_link_packet(np.zeros(61), subject="A", day_secs=86_400.0 + 1.0, fps=30_000 / 1001)
    assert packet[:5] == b"\x06\x00\x00\x00\x24" and packet[41:46] == b"\x00\x00\x00\x01A"
    frame, part, numerator, denominator = struct.unpack(">ifii", packet[46:62])
    assert (frame, numerator, denominator) == (29, 30_000, 1001) and part == pytest.approx(0.97, abs=1e-4)
    assert packet[62] == 61 and len(packet) == 63 + 4 * 61
    other = live_link_packet(np.zeros(61), subject="B", day_secs=0.0, fps=60.0)
    assert other[5:41] != packet[5:41], "two faces of one computer are two devices"


@contextmanager
def osc_server():
    """python-osc's own server: (port, what it has heard)."""
    dispatcher = pytest.importorskip("pythonosc.dispatcher").Dispatcher()
    servers = pytest.importorskip("pythonosc.osc_server")
    heard, applied = [], threading.Event()

    def hear(address, *values):
        heard.append((address, *values))
        if address == "/VMC/Ext/Blend/Apply":
            applied.set()

    dispatcher.set_default_handler(hear)
    with servers.BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], heard, applied
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("rig", "one"), [("vrm", "blinkLeft"), ("vrm0", "Blink_L"), ("arkit", "EyeBlinkLeft")])
def test_vmc_messages_are_heard_by_a_server_of_others(motion, rig, one):
    frame = frame_of(motion, rig=rig)
    with osc_server() as (port, heard, applied):
        with closing(VmcSender(LiveTarget("osc", "127.0.0.1", port), names=vmc_names(load_rig(rig)))) as sender:
            sender.send(frame)
        assert applied.wait(5.0)
    assert heard[:2] == [("/VMC/Ext/OK", 1), ("/VMC/Ext/T", 0.5)] and heard[-1] == ("/VMC/Ext/Blend/Apply",)
    values = {message[1]: message[2] for message in heard if message[0] == "/VMC/Ext/Blend/Val"}
    assert values == {told: np.float32(frame.curves[name]) for name, told in vmc_names(load_rig(rig)).items()}
    assert one in values and values[one] > 0.0
    assert len(values) == {"vrm": 16, "vrm0": 15, "arkit": 52}[rig]
    assert [m[1] for m in heard if m[0] == "/VMC/Ext/Bone/Pos"] == ["Head", "LeftEye", "RightEye"]


def test_no_datagram_is_cut_on_its_way(motion):
    pytest.importorskip("pythonosc")
    with listening() as (heard, port):
        with closing(VmcSender(LiveTarget("osc", "127.0.0.1", port), names=vmc_names(load_rig("arkit")))) as sender:
            sender.send(frame_of(motion, rig="arkit"))
        sizes = [len(heard.recv(1 << 16)) for _ in range(2)]
    assert max(sizes) <= DATAGRAM_BYTES + 16 and sum(sizes) > DATAGRAM_BYTES


def test_bones_turn_in_unitys_axes(motion):
    """There X points to the character's right and turns are left-handed: a head to its left turns about -Y."""
    still = {name: getattr(motion, name) * 0.0 for name in ("neck_pose", "eye_pose", "global_pose")}
    for angles, axis in (((0.3, 0.0, 0.0), (0, -1, 0)), ((0.0, 0.3, 0.0), (1, 0, 0)), ((0.0, 0.0, 0.3), (0, 0, -1))):
        turn = axis_angle(from_yaw_pitch_roll(np.array([angles]))).astype(np.float32)
        turned = replace(motion, **still | {"neck_pose": turn})
        with osc_server() as (port, heard, applied):
            with closing(VmcSender(LiveTarget("osc", "127.0.0.1", port), names={})) as sender:
                sender.send(frame_of(turned))
            assert applied.wait(5.0)
        head = next(message[2:] for message in heard if message[1:2] == ("Head",))
        assert head == pytest.approx((0, 0, 0, *(np.sin(0.15) * np.array(axis)), np.cos(0.15)), abs=1e-6)


def test_a_target_that_is_not_there_is_told_once_and_stops_nobody(motion):
    with listening() as (_, port):
        pass
    frame, target = frame_of(motion), LiveTarget("livelink", "127.0.0.1", port)
    with closing(LiveLinkSender(target, fps=50.0)) as sender, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(5):
            sender.send(frame)
    assert [entry.category for entry in said] == [FaceEmoteWarning]
    assert str(said[0].message).startswith("Nobody takes the face yet (Connection refused)")
    assert str(said[0].message).endswith(f": livelink://127.0.0.1:{port}")
