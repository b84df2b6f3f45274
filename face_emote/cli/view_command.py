"""`face-emote view`: a talking head in the browser, with its sound and sliders for blood and wrinkles."""

from pathlib import Path

import click

from face_emote.cli.options import PathType, fps_option, head_option

HELP = """\
Show FILE in the browser: the head in motion with its sound, to turn and zoom, with sliders for blood flow, blush and
wrinkles.

FILE is a .glb, a motion file, or a face capture. The page is one .html that holds everything and works from
disk; nothing is sent anywhere, and no server runs.

\b
Examples:
  face-emote view line.npz
  face-emote view line.glb --speech line.wav
  face-emote view line.npz -o line.html
"""


@click.command("view", help=HELP, short_help="Show a motion or a .glb in the browser.")
@click.argument("file", metavar="FILE", type=PathType)
@click.option(
    "--speech",
    metavar="FILE",
    type=PathType,
    help="The sound. If left out, the recording of a motion file that lies beside it.",
)
@click.option("-o", "--output", metavar="OUT.html", type=PathType, help="Write the page there and open nothing.")
@fps_option
@head_option
def command(*, file: Path, speech: Path | None, output: Path | None, fps: float | None, head: Path | None) -> None:
    """Show FILE in the browser."""
    import tempfile
    import webbrowser

    from face_emote.cli.performing import require_other_file, sound_of
    from face_emote.cli.progress import progress_shown
    from face_emote.core.errors import OptionError
    from face_emote.core.output import require_writable
    from face_emote.face.bundled import load_head
    from face_emote.formats.captures import is_capture
    from face_emote.formats.motion_file import open_motion
    from face_emote.formats.viewer import write_page
    from face_emote.rendering.scene import LIGHTS
    from face_emote.verbs.export import export

    if output is not None and output.suffix.lower() != ".html":
        raise OptionError(f"The page is an .html file; give the output that ending: {output}")
    if output is not None:
        require_writable(output)
        require_other_file(output, file)
    sound = speech
    with tempfile.TemporaryDirectory() as folder:
        glb = file
        if file.suffix.lower() != ".glb":
            if speech is None and not is_capture(file):
                with open_motion(file) as reader:
                    sound = sound_of(file, reader.info)
            glb = Path(folder) / f"{file.stem}.glb"
            person = load_head(head)
            with progress_shown() as progress:
                export(file, glb, head=person, fps=fps, lod=1 if person.layout is not None else 0, progress=progress)
        page = output or _kept_folder() / f"{file.stem}.html"
        write_page(glb, page, light=LIGHTS["studio"], sound=sound, title=file.stem)
    click.echo(f"{page}: {'with' if sound is not None else 'without'} sound")
    if output is None and not webbrowser.open(page.absolute().as_uri()):
        click.echo("no browser could be opened; open the page yourself", err=True)


def _kept_folder() -> Path:
    """Where pages lie that nobody wants to keep: the browser reads them after this program has ended."""
    import getpass
    import tempfile

    folder = Path(tempfile.gettempdir()) / f"face_emote-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
