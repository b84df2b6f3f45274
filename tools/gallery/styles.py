"""One line in three styles, and how its face moves beside their owners'.

    python -m tools.gallery.styles DATA [-o docs/gallery/styles.jpg]

DATA is the folder of tracked GRID talkers (`bench.talkers`).
"""

import argparse
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import numpy as np
from PIL import Image

from bench.styled_lips import seen
from bench.whose_style import EVERY, Seen, with_lips
from face_emote.audio.examples import example_speech
from face_emote.core.arrays import Array, Float
from face_emote.core.options import Performance, Picture
from face_emote.core.types import FaceMotion
from face_emote.face.bundled import load_head
from face_emote.generation.seen import FPS, from_rest, manner_of, seen_of_performance
from face_emote.generation.style_file import MotionStyle
from face_emote.motion.lip_learning import learnt_lips
from face_emote.motion.mouth.lip_meter import lip_meter
from face_emote.network.runtime import load_motion_net
from face_emote.rendering.sheet import compose_sheet
from face_emote.verbs.animate import perform
from face_emote.verbs.clone import keep_style
from face_emote.verbs.render import render_frames
from tools.train_generation.seen import tracked_talkers

TALKERS = ("s4", "s31", "s33")
INSTANTS = (0.1, 0.6, 1.1, 1.6, 2.1, 2.6)
MOST_CLIPS = 10
SECS = 3.0
CELL = 220
CURVES = {"lips apart, 1/1000": (9,), "brows, 1/1000": (0, 1), "nod, turn, tilt, degrees": (5, 6, 7), "lids": (3, 4)}
LIMITS = ((-30.0, 200.0), (-30.0, 30.0), (-4.0, 4.0), (0.0, 1.4))


def in_style(talker: Seen) -> FaceMotion:
    """The line, as they move."""
    lips = learnt_lips([seen(heard) for heard in talker.heard[:MOST_CLIPS]], load_motion_net())
    style = MotionStyle(
        tuple(manner_of([curve[:, :9] for curve in talker.filmed.curves])), secs=3.0 * len(talker.heard),
        consent="GRID, CC BY 4.0", habits=lips.habits, lips=lips.update,
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        path = keep_style(style, Path(folder) / "their.style")
        line = example_speech()[1]
        return perform(Performance(line.path, emotion="neutral", fps=FPS, seed=3, moves_like=path)).whole()


def curves_of(motion: FaceMotion) -> Float[Array, "frames channel=11"]:
    """As a clip of a talker has them."""
    lips = lip_meter(load_head()).of_motion(motion)[:, [0, 2]]
    return np.column_stack([seen_of_performance(motion), lips * [1000.0, 100.0]])


def charts(rows: dict[str, Float[Array, "frames channel=11"]], *, width: int) -> Image.Image:
    """A row for each of `rows`, a column for each of `CURVES`."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(rows), len(CURVES), figsize=(width / 100.0, 1.15 * len(rows)), dpi=100)
    for places, (name, curve) in zip(axes, rows.items(), strict=True):
        moved = from_rest(curve)[: round(SECS * FPS)]
        moved[:, 9] = curve[len(curve) - len(from_rest(curve)) :, 9][: len(moved)]
        for place, (title, channels), limits in zip(places, CURVES.items(), LIMITS, strict=True):
            place.plot(np.arange(len(moved)) / FPS, moved[:, channels], linewidth=1.0)
            place.set(ylim=limits, xlim=(0.0, SECS))
            place.tick_params(labelsize=6)
            place.set_title(f"{name}: {title}", fontsize=7, pad=2)
    figure.tight_layout(pad=0.4)
    held = BytesIO()
    figure.savefig(held, format="png")
    plt.close(figure)
    return Image.open(held).convert("RGB").resize((width, round(115 * len(rows))))


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description="One line in three styles.")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/gallery/styles.jpg"))
    options = parser.parse_args()
    found = {one.name: one for one in tracked_talkers(options.data, every=EVERY) if one.name in TALKERS}
    pictures, labels, rows = [], [], dict[str, Array]()
    for name in TALKERS:
        talker = with_lips(options.data, found[name])
        motion = in_style(talker)
        frames = [round(secs * FPS) for secs in INSTANTS]
        pictures.append(render_frames(motion, frames, picture=Picture(size=CELL)))
        labels += [f"in the style of {name}, {secs:g} s" for secs in INSTANTS]
        rows |= {f"{name}, filmed": talker.filmed.curves[3], f"in the style of {name}": curves_of(motion)}
    sheet = Image.fromarray(compose_sheet(np.concatenate(pictures), labels, columns=len(INSTANTS)))
    below = charts(rows, width=sheet.width)
    whole = Image.new("RGB", (sheet.width, sheet.height + below.height))
    whole.paste(sheet, (0, 0))
    whole.paste(below, (0, sheet.height))
    whole.save(options.output, quality=88)


if __name__ == "__main__":
    main()
