"""A layout that checks what panels ask of it, and tells which texts would be cut off."""

from typing import Any


class CheckedLayout:
    """Stands in for a UILayout: every property, operator, icon and method named must really exist.

    It also lays out: `text_too_long` lists what would be cut off in a sidebar of the narrowest default width.
    """

    def __init__(self, bpy: Any, log: list, kind: str = "column", *, parent: Any = None, **named: Any) -> None:
        self.__dict__.update(bpy=bpy, log=log, kind=kind, parent=parent, named=named, children=[], is_split=False)
        if parent is not None:
            self.__dict__["is_split"] = parent.is_split
            parent.children.append(self)

    def __setattr__(self, name: str, value: object) -> None:
        assert name in self.bpy.types.UILayout.bl_rna.properties, name
        if name == "use_property_split":
            self.__dict__["is_split"] = value

    def __getattr__(self, name: str) -> Any:
        bpy = self.bpy

        def call(*values: Any, **named: Any) -> Any:
            assert name in bpy.types.UILayout.bl_rna.functions or name in ("panel", "panel_prop"), f"no {name}"
            if name == "prop":
                owner, prop = values[:2]
                assert prop in owner.bl_rna.properties or prop.strip('[]"') in owner, (owner, prop)
            if name == "prop_search":
                assert values[1] in values[0].bl_rna.properties and values[3] in values[2].bl_rna.properties, values
            if name in ("operator", "operator_menu_enum"):
                kind = operator_of(bpy, values[0])
                assert name == "operator" or values[1] in kind.properties
            if name == "template_list":
                assert hasattr(bpy.types, values[0]) and values[3] in values[2].bl_rna.properties, values
            icon = named.get("icon")
            assert icon is None or icon in bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items
            self.log.append((name, values, named))
            if name in ("panel", "panel_prop"):
                return CheckedLayout(bpy, self.log, "row", parent=self), CheckedLayout(
                    bpy, self.log, "panel", parent=self
                )
            inner = CheckedLayout(bpy, self.log, name, parent=self, values=values, **named)
            return type("Arguments", (), {})() if name.startswith("operator") else inner

        return call

    def text_too_long(self, width: float) -> list[str]:
        """Texts that do not fit, when this has so many pixels."""
        if self.kind in ("row", "grid_flow", "split"):
            icons = [item for item in self.children if item.kind != "separator" and not item.texts()]
            columns = self.named.get("columns", 0) or max(1, len(self.children) - len(icons))
            width = (width - ICON * len(icons)) / columns
        own = [text for text, share, taken in self.texts() if self.pixels(text) > share * width - taken]
        return own + [text for item in self.children for text in item.text_too_long(width)]

    def names(self) -> list[list[str]]:
        """What the things in this panel are called, and those in every panel inside it."""
        inner: list[list[str]] = [[]]
        for item in self.children:
            first, *others = item.names()
            inner = [*inner, first, *others] if item.kind == "panel" else [inner[0] + first, *inner[1:], *others]
        if self.kind in ("prop", "prop_search", "operator", "operator_menu_enum"):
            inner[0] += [text for text, _share, _taken in self.texts()[:1] if text.strip()]
        return inner

    def texts(self) -> list[tuple[str, float, float]]:
        """What is written in this item: its name first; the share of the width it may fill, and pixels it may not."""
        icon = ICON if self.named.get("icon") else 0
        if self.kind in ("label", "progress"):
            return [(self.named.get("text", ""), 1.0, icon)]
        if self.kind in ("operator", "operator_menu_enum"):
            text = self.named.get("text", operator_of(self.bpy, self.named["values"][0]).name)
            return [(text, 1.0, icon + EDGES)] if text else []
        if self.kind not in ("prop", "prop_search"):
            return []
        owner, name = self.named["values"][:2]
        prop = owner.bl_rna.properties.get(name)
        text = self.named.get("text", prop.name if prop is not None else name)
        if prop is not None and prop.type == "BOOLEAN":
            return [(text, 0.6 if self.is_split else 1.0, ICON)]
        found = [(text, 0.4 if self.is_split else 0.6, GAP)] if text else [(BLANK, 1.0, 0)]
        if prop is not None and prop.type == "ENUM":
            share, is_row = 0.6 if text and self.is_split else 1.0, self.named.get("expand")
            number = len(prop.enum_items) if is_row else 1
            found += [(item.name, share / number, EDGES if is_row else 2 * ICON) for item in prop.enum_items]
        return found

    def pixels(self, text: str) -> float:
        """Width of a text in Blender's own letters."""
        import blf

        blf.size(0, 11)
        return float(blf.dimensions(0, text)[0])


ICON, EDGES, GAP, BLANK = 20, 10, 6, "\u00a0"
"""Pixels of an icon or a menu's arrow, of a button's edges, between a name and its field; a field without name."""


def operator_of(bpy: Any, name: str) -> Any:
    group, operator = name.split(".")
    return getattr(getattr(bpy.ops, group), operator).get_rna_type()
