"""Contact sheets: pictures in a grid, each with a label in its corner."""

import numpy as np

from face_emote.core.arrays import Array, UInt8

GAP = 4  # Pixels between pictures.
GROUND = 18  # Grey level of the gaps.
INK = 235

_GLYPHS = {
    "0": "0110100110011001100110010110", "1": "0010011000100010001000100111", "2": "0110100100010010010010001111",
    "3": "1110000100010110000100011110", "4": "0001001101011001111100010001", "5": "1111100011100001000110010110",
    "6": "0110100010001110100110010110", "7": "1111000100100010010001000100", "8": "0110100110010110100110010110",
    "9": "0110100110010111000100010110", ".": "0000000000000000000001100110", " ": "0" * 28,
    "s": "0000000001111000011000011110", "-": "0000000000001111000000000000", ":": "0000011001100000011001100000",
    "%": "1001000100100010010001001001", "a": "0000000001100001011110010111", "b": "1000100011101001100110011110",
    "c": "0000000001111000100010000111", "d": "0001000101111001100110010111", "e": "0000000001101001111110000111",
    "f": "0011010011100100010001000100", "g": "0000000001111001011100010110", "h": "1000100011101001100110011001",
    "i": "0010000001100010001000100111", "j": "0001000000110001000110010110", "k": "1000100010011010110010101001",
    "l": "0110001000100010001000100111", "m": "0000000011111011101110011001", "n": "0000000011101001100110011001",
    "o": "0000000001101001100110010110", "p": "0000000011101001111010001000", "q": "0000000001111001011100010001",
    "r": "0000000010111100100010001000", "t": "0100010011100100010001000011", "u": "0000000010011001100110010111",
    "v": "0000000010011001100101100110", "w": "0000000010011001101110110110", "x": "0000000010010110011001101001",
    "y": "0000000010011001011100010110", "z": "0000000011110001011010001111", "+": "0000000001000111001000000000",
    ",": "0000000000000000011000100100", "(": "0010010001000100010001000010", ")": "0100001000100010001000100100",
}  # fmt: skip
"""4 x 7 pixels a letter, row by row."""


def draw_text(picture: UInt8[Array, "height width 3"], text: str, *, row: int, column: int, scale: int) -> None:
    """Write small letters into a picture, in place, with a dark edge so that they read on any ground."""
    mask = np.zeros((9, 5 * len(text) + 2), bool)
    for i, letter in enumerate(text.lower()):
        bits = _GLYPHS.get(letter, _GLYPHS["-"])
        mask[1:8, 5 * i + 1 : 5 * i + 5] = np.array([b == "1" for b in bits]).reshape(7, 4)
    edge = np.zeros_like(mask)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            edge |= np.roll(mask, (dr, dc), axis=(0, 1))
    mask, edge = (np.kron(m, np.ones((scale, scale), bool)) for m in (mask, edge))
    area = picture[row : row + mask.shape[0], column : column + mask.shape[1]]
    mask, edge = (m[: area.shape[0], : area.shape[1]] for m in (mask, edge))
    area[edge] = area[edge] // 3
    area[mask] = INK


def compose_sheet(
    pictures: UInt8[Array, "picture height width 3"], labels: list[str], *, columns: int
) -> UInt8[Array, "sheet_height sheet_width 3"]:
    """Pictures row by row, the last row padded; one label each."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), GROUND, np.uint8)
    scale = max(1, height // 200)
    for i in range(count):
        top = GAP + (i // columns) * (height + GAP)
        left = GAP + (i % columns) * (width + GAP)
        tile = pictures[i].copy()
        draw_text(tile, labels[i], row=4 * scale, column=3 * scale, scale=scale)
        sheet[top : top + height, left : left + width] = tile
    return sheet
