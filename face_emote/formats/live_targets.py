"""Where a live performance goes: Unreal's Live Link, and whatever understands the VMC protocol, by UDP.

A sender never waits for anybody: what the system cannot take at once is lost, as a late frame would be. Nothing is
looked up in the network: hosts are numbers.
"""

import ipaddress
import re
import socket
import struct
import uuid
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.errors import DependencyError, FaceEmoteWarning, OptionError
from face_emote.core.fields import shown
from face_emote.core.names import FACE_ANGLES
from face_emote.core.rotations import quaternions, rotation_matrix
from face_emote.core.types import FaceMotion
from face_emote.formats.arkit import CURVES
from face_emote.rigs.rig_file import Rig

LOOPBACK = "127.0.0.1"
PORTS = {"livelink": 11111, "osc": 39539}  # Where Unreal's plugin and receivers of VMC listen.
FORMS = "livelink://HOST:11111, osc://HOST:39539 or json; without HOST it is this computer"
SUBJECT = "face_emote"
LONGEST_SUBJECT = 64
PACKET_VERSION = 6
DAY_SECS = 86400.0
DATAGRAM_BYTES = 1400  # A larger one is cut on its way, and lost if any part of it is.
_ADDRESS = re.compile(
    r"(?P<kind>livelink|osc)(?:://(?P<host>\[[0-9a-f:.]*\]|[^:/\[\]]*)(?::(?P<port>[0-9]{1,5}))?(?:/(?P<subject>.*))?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class LiveTarget:
    """Somebody who is sent every frame."""

    kind: str  # `livelink`, `osc`, or `json`, which is stdout.
    host: str = LOOPBACK
    port: int = 0
    subject: str = SUBJECT  # Name of the face in Live Link.

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.kind if self.kind == "json" else f"{self.kind}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """One frame as it is sent."""

    motion: FaceMotion  # Of this frame alone.
    secs: float  # Its instant, from the first sample on.
    day_secs: float  # The same on the clock of the day.
    arkit: Float[Array, " curve=61"]
    curves: dict[str, float]  # Of the chosen rig, by name; empty without one.


def parse_target(text: str) -> LiveTarget:
    """Read an address. OptionError: it is none, or not one of a single computer."""
    if text.strip().lower() == "json":
        return LiveTarget("json")
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise OptionError(f"--to takes {FORMS}; got {shown(text)}")
    kind = found["kind"].lower()
    port = PORTS[kind] if found["port"] is None else int(found["port"])
    if not 0 < port < 65536:
        raise OptionError(f"--to needs a port from 1 to 65535, got {port}: {shown(text)}")
    subject = found["subject"] or SUBJECT
    if (kind != "livelink" and found["subject"]) or not (subject.isascii() and subject.isprintable()):
        raise OptionError(f"Only livelink:// takes a name behind its port, in plain letters; got {shown(text)}")
    if len(subject) > LONGEST_SUBJECT:
        raise OptionError(f"A name in Live Link has at most {LONGEST_SUBJECT} letters, got {len(subject)}")
    return LiveTarget(kind, _host(found["host"] or LOOPBACK, text), port, subject)


def _host(host: str, text: str) -> str:
    if host.lower() == "localhost":
        return LOOPBACK
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise OptionError(
            f"--to takes a host as its number, such as 192.168.1.5, since names are not looked up; got {shown(text)}"
        ) from None
    if address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255":
        raise OptionError(f"--to takes the number of one computer, and {address} is not: {shown(text)}")
    return str(address)


class Datagrams:
    """A way to one address; says once if nobody is there, and goes on."""

    def __init__(self, target: LiveTarget) -> None:
        """Raises OptionError when this computer has no way to that address."""
        self._target, self._reported = target, False
        self._socket = socket.socket(socket.AF_INET6 if ":" in target.host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect((target.host, target.port))
        except OSError as error:
            self._socket.close()
            raise OptionError(f"This computer has no way to that address ({error.strerror}): {target}") from None

    def send(self, data: bytes) -> None:
        """Send, or lose it."""
        try:
            self._socket.send(data)
        except BlockingIOError:
            pass
        except OSError as error:
            # A refusal is told of by the next call, and somebody may come to listen later.
            if not self._reported:
                sentence = f"Nobody takes the face yet ({error.strerror}); it is sent on: {self._target}"
                warnings.warn(sentence, FaceEmoteWarning, stacklevel=2)
            self._reported = True

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


class LiveLinkSender:
    """Frames as the Live Link Face app sends them."""

    def __init__(self, target: LiveTarget, *, fps: float) -> None:
        """Get ready. Raises OptionError as `Datagrams`."""
        self._way, self._subject, self._fps = Datagrams(target), target.subject, fps

    def send(self, frame: LiveFrame) -> None:
        """Send a frame."""
        self._way.send(live_link_packet(frame.arkit, subject=self._subject, day_secs=frame.day_secs, fps=self._fps))

    def close(self) -> None:
        """Give the socket back."""
        self._way.close()


def live_link_packet(curves: Float[Array, " curve=61"], *, subject: str, day_secs: float, fps: float) -> bytes:
    """A packet of version 6: version, device, subject, frame of the day, rate, number of curves, curves; big-endian.

    Unreal: `FNboSerializeToBuffer` of uint8, two strings (int32 length, letters), `FQualifiedFrameTime`, uint8, floats.
    """
    device = str(uuid.uuid5(uuid.NAMESPACE_OID, f"face_emote/{subject}")).upper()
    rate = Fraction(fps).limit_denominator(1001)
    whole, part = divmod(day_secs % DAY_SECS * float(rate), 1.0)
    time = struct.pack(">ifii", int(whole), part, rate.numerator, rate.denominator)
    head = struct.pack(">B", PACKET_VERSION) + _text(device) + _text(subject) + time
    return head + struct.pack(">B", len(CURVES)) + curves.astype(">f4").tobytes()


def _text(text: str) -> bytes:
    return struct.pack(">i", len(text)) + text.encode("ascii")


class VmcSender:
    """Frames in the VMC protocol: expressions by name, head and eyes as bones."""

    def __init__(self, target: LiveTarget, *, names: Mapping[str, str]) -> None:
        """Send the curves of these names, under those; raises DependencyError, and OptionError as `Datagrams`."""
        try:
            import pythonosc.osc_bundle_builder
            import pythonosc.osc_message_builder
        except ImportError:
            raise DependencyError("osc:// needs python-osc: pip install 'face-emote[live]'") from None
        self._osc, self._names = pythonosc, names
        self._way = Datagrams(target)

    def send(self, frame: LiveFrame) -> None:
        """Send a frame, in as many datagrams as it needs; its values count with the last one."""
        said: list[tuple[str, Sequence[str | float | int]]] = [("/VMC/Ext/OK", [1]), ("/VMC/Ext/T", [frame.secs])]
        said += [("/VMC/Ext/Bone/Pos", [name, 0.0, 0.0, 0.0, *turn]) for name, turn in _bones(frame.motion)]
        said += [("/VMC/Ext/Blend/Val", [label, frame.curves[name]]) for name, label in self._names.items()]
        builder = self._osc.osc_bundle_builder
        bundle, size = builder.OscBundleBuilder(builder.IMMEDIATELY), 0
        for address, values in [*said, ("/VMC/Ext/Blend/Apply", [])]:
            message = self._osc.osc_message_builder.OscMessageBuilder(address)
            for value in values:
                message.add_arg(value)
            built = message.build()
            if size + built.size > DATAGRAM_BYTES:
                self._way.send(bundle.build().dgram)
                bundle, size = builder.OscBundleBuilder(builder.IMMEDIATELY), 0
            bundle.add_content(built)
            size += built.size + 4
        self._way.send(bundle.build().dgram)

    def close(self) -> None:
        """Give the socket back."""
        self._way.close()


def vmc_names(rig: Rig) -> dict[str, str]:
    """What each target is called: as it is; ARKit's as the clips of perfect sync, which know no angles."""
    names = [target.name for target in rig.targets]
    if rig.name != "arkit":
        return {name: name for name in names}
    return {name: name[0].upper() + name[1:] for name in names if name not in FACE_ANGLES}


def _bones(motion: FaceMotion) -> list[tuple[str, list[float]]]:
    """Local turns x, y, z, w in Unity's axes, which mirror ours: X points to the character's right."""
    head = rotation_matrix(motion.global_pose[0].astype(np.float64)) @ rotation_matrix(
        motion.neck_pose[0].astype(np.float64)
    )
    eyes = rotation_matrix(motion.eye_pose[0].astype(np.float64))
    turns = quaternions(np.stack([head, *eyes])) * (1.0, -1.0, -1.0, 1.0)
    return list(zip(("Head", "LeftEye", "RightEye"), turns.tolist(), strict=True))
