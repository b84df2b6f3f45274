"""A small reader and player of `.glb` files for tests: an independent second opinion on what was written."""

import json
import struct
from pathlib import Path

import numpy as np

KINDS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}


class Glb:
    """An opened file; `json` is its scene."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, total = struct.unpack_from("<4sII", data)
        assert (magic, version, total) == (b"glTF", 2, len(data))
        length, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON" and length % 4 == 0
        self.json = json.loads(data[20 : 20 + length])
        size, kind = struct.unpack_from("<I4s", data, 20 + length)
        assert kind == b"BIN\0" and size == self.json["buffers"][0]["byteLength"]
        self.binary = data[28 + length : 28 + length + size]

    def view(self, index: int) -> bytes:
        view = self.json["bufferViews"][index]
        packed = view.get("extensions", {}).get("EXT_meshopt_compression")
        if packed is not None:
            import meshopt

            data = self.binary[packed["byteOffset"] : packed["byteOffset"] + packed["byteLength"]]
            count, stride, mode = (packed[name] for name in ("count", "byteStride", "mode"))
            return bytes(meshopt.decode_gltf_buffer(data, count, stride, mode, packed.get("filter")))
        start = view["byteOffset"]
        return self.binary[start : start + view["byteLength"]]

    def array(self, index: int) -> np.ndarray:
        item = self.json["accessors"][index]
        width, kind = KINDS[item["type"]], TYPES[item["componentType"]]
        if "bufferView" in item:
            out = np.frombuffer(self.view(item["bufferView"]), kind).reshape(item["count"], width).copy()
        else:
            out = np.zeros((item["count"], width), kind)
        if sparse := item.get("sparse"):
            count = sparse["count"]
            rows = self.numbers(sparse["indices"], TYPES[sparse["indices"]["componentType"]], count)
            assert np.all(np.diff(rows.astype(int)) > 0)
            out[rows] = self.numbers(sparse["values"], kind, count * width).reshape(-1, width)
        return np.maximum(out / float(np.iinfo(out.dtype).max), -1.0) if item.get("normalized") else out

    def numbers(self, place: dict, kind: type, count: int) -> np.ndarray:
        return np.frombuffer(self.view(place["bufferView"]), kind, count=count, offset=place.get("byteOffset", 0))

    @property
    def skin_curves(self) -> dict[str, np.ndarray]:
        """The curves of wrinkles and blood flow that travel with the animation, by name."""
        skin = self.json["animations"][0]["extras"]["skin"]
        values = self.array(skin["accessor"]).reshape(-1, len(skin["names"]))
        return dict(zip(skin["names"], values.T, strict=True))

    @property
    def target_names(self) -> list[str]:
        return self.names_of(0)

    def names_of(self, mesh: int) -> list[str]:
        return self.json["meshes"][mesh].get("extras", {}).get("targetNames", [])

    def curve(self, node: int, path: str) -> np.ndarray:
        animation = self.json["animations"][0]
        (channel,) = [c for c in animation["channels"] if c["target"] == {"node": node, "path": path}]
        values = self.array(animation["samplers"][channel["sampler"]]["output"])
        return values.reshape(-1, len(self.names_of(node))) if path == "weights" else values

    def times(self) -> np.ndarray:
        return self.array(self.json["animations"][0]["samplers"][0]["input"])[:, 0]

    def primitive_vertices(self, primitive: dict, frame: int, *, mesh: int = 0) -> np.ndarray:
        """Morph, then skin, straight from the specification, one frame. Node i wears mesh i."""
        weights = self.curve(mesh, "weights")[frame] if self.names_of(mesh) else []
        points = self.array(primitive["attributes"]["POSITION"]).astype(np.float64)
        for weight, target in zip(weights, primitive.get("targets", []), strict=True):
            if weight:
                points = points + weight * self.array(target["POSITION"])
        skin = self.json["skins"][0]
        binds = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        matrices = np.stack(
            [self.world(node, frame) @ bind for node, bind in zip(skin["joints"], binds, strict=True)]
        )  # fmt: skip
        joints, shares = (self.array(primitive["attributes"][name]) for name in ("JOINTS_0", "WEIGHTS_0"))
        blended = np.einsum("vi,virc->vrc", shares.astype(np.float64), matrices[joints])
        return np.einsum("vrc,vc->vr", blended, np.concatenate([points, np.ones((len(points), 1))], axis=1))[:, :3]

    def world(self, node: int, frame: int) -> np.ndarray:
        parents = {child: i for i, n in enumerate(self.json["nodes"]) for child in n.get("children", [])}
        x, y, z, w = self.curve(node, "rotation")[frame].astype(np.float64)
        local = np.eye(4)
        local[:3, :3] = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
        local[:3, 3] = self.curve(node, "translation")[frame]
        return self.world(parents[node], frame) @ local if node in parents else local
