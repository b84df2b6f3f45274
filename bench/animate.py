"""How fast a speech is performed, as seconds of speech per second of work."""

import tempfile
from pathlib import Path

from bench.common import Figure, median_secs, options, report
from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.formats.motion_file import read_motion, write_motion
from face_emote.verbs.animate import animate
from face_emote.verbs.export import export


def main() -> None:
    """Measure and report."""
    target = options(__doc__).json
    speech = max(example_speech(), key=lambda item: item.path.stat().st_size)
    motion = animate(speech.path)
    secs = motion.num_frames / motion.fps

    def times_real(work_secs: float) -> float:
        return secs / work_secs

    heard = median_secs(lambda: analyse(speech.path), repeats=3)
    aligned = median_secs(lambda: analyse(speech.path, transcript=speech.transcript), repeats=3)
    performed = median_secs(lambda: animate(speech.path), repeats=3)
    with tempfile.TemporaryDirectory() as folder:
        npz, glb = Path(folder) / "m.npz", Path(folder) / "m.glb"
        writing = median_secs(lambda: write_motion(motion, npz))
        reading = median_secs(lambda: read_motion(npz))
        exporting = median_secs(lambda: export(motion, glb), repeats=3)
        sizes = npz.stat().st_size / 1e3, glb.stat().st_size / 1e6
    report(
        f"Performing {secs:.1f} s of speech at {motion.fps:g} fps",
        [
            Figure("listen, no transcript", times_real(heard), "x real time"),
            Figure("listen, with transcript", times_real(aligned), "x real time"),
            Figure("animate, listening included", times_real(performed), "x real time"),
            Figure("write motion file", 1000.0 * writing, "ms"),
            Figure("read motion file", 1000.0 * reading, "ms"),
            Figure("export .glb", 1000.0 * exporting, "ms"),
            Figure("motion file", sizes[0] / secs, "kB/s", "per second of speech"),
            Figure(".glb", sizes[1], "MB"),
        ],
        target=target,
    )


if __name__ == "__main__":
    main()
