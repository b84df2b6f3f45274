"""Shader nodes as expressions: every function adds one node and returns its output."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Source = Any  # A node's output, a number or three numbers.


@dataclass(frozen=True, slots=True)
class Nodes:
    """Writes into one node tree."""

    tree: Any

    def node(
        self, kind: str, *, output: int | str = 0, settings: dict[str, Any] | None = None, **inputs: Source
    ) -> Any:
        """A node of this type; inputs by name with `_` for a space. Returns the chosen output."""
        made = self.tree.nodes.new(kind)
        for name, value in (settings or {}).items():
            setattr(made, name, value)
        for name, value in inputs.items():
            self.put(made.inputs[name.replace("_", " ")], value)
        return made.outputs[output]

    def put(self, socket: Any, value: Source) -> None:
        """Connect or set one input."""
        if hasattr(value, "is_linked"):
            self.tree.links.new(value, socket)
        elif isinstance(value, Sequence) and socket.type == "RGBA":
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Source, clamp: bool = False) -> Any:
        """Scalar arithmetic."""
        made = self.tree.nodes.new("ShaderNodeMath")
        made.operation, made.use_clamp = operation, clamp
        for socket, value in zip(made.inputs, values, strict=False):
            self.put(socket, value)
        return made.outputs[0]

    def vector(self, operation: str, *values: Source) -> Any:
        """Vector arithmetic; the value of operations that give a number."""
        made = self.tree.nodes.new("ShaderNodeVectorMath")
        made.operation = operation
        sockets = [made.inputs[0], made.inputs["Scale"]] if operation == "SCALE" else made.inputs
        for socket, value in zip(sockets, values, strict=False):
            self.put(socket, value)
        return made.outputs["Value" if operation in ("DOT_PRODUCT", "LENGTH") else "Vector"]

    def split(self, vector: Source) -> tuple[Any, Any, Any]:
        """Three components."""
        made = self.tree.nodes.new("ShaderNodeSeparateXYZ")
        self.put(made.inputs[0], vector)
        return made.outputs[0], made.outputs[1], made.outputs[2]

    def join(self, x: Source, y: Source, z: Source) -> Any:
        """Three numbers to a vector."""
        made = self.tree.nodes.new("ShaderNodeCombineXYZ")
        for socket, value in zip(made.inputs, (x, y, z), strict=True):
            self.put(socket, value)
        return made.outputs[0]

    def mix(self, share: Source, first: Source, second: Source) -> Any:
        """Between two vectors: first * (1 - share) + second * share."""
        keep = self.math("SUBTRACT", 1.0, share)
        return self.vector("ADD", self.vector("SCALE", first, keep), self.vector("SCALE", second, share))

    def mix_shaders(self, share: Source, first: Source, second: Source) -> Any:
        """Between two shaders."""
        made = self.tree.nodes.new("ShaderNodeMixShader")
        for socket, value in zip(made.inputs, (share, first, second), strict=True):
            self.put(socket, value)
        return made.outputs[0]

    def attribute(self, name: str, *, output: str = "Fac") -> Any:
        """An attribute of the mesh or curves: `Fac` a number, `Vector` three."""
        return self.node("ShaderNodeAttribute", output=output, settings={"attribute_name": name})

    def image(self, image: Any, uv: Source, *, extension: str = "EXTEND") -> Any:
        """Colour of a picture."""
        made = self.tree.nodes.new("ShaderNodeTexImage")
        made.image, made.extension = image, extension
        self.tree.links.new(uv, made.inputs["Vector"])
        return made.outputs["Color"]

    def finish(self, shader: Source) -> None:
        """Make this the surface."""
        made = self.tree.nodes.new("ShaderNodeOutputMaterial")
        self.tree.links.new(shader, made.inputs["Surface"])
