"""Print the formulas of face_emote/look for every engine: `python -m tools.write_shaders` rewrites `shaders`."""

from face_emote.core.assets import SHADERS
from tools.write_shaders.files import printed_files


def main() -> None:
    """Write what differs."""
    for name, text in printed_files().items():
        path = SHADERS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(path)


if __name__ == "__main__":
    main()
