"""Build the training corpus from a folder of data.

    python -m face_emote.train.corpus.build DATA -o CORPUS [--only NAME,..] [--hours H]
        [--user KIND=FOLDER ..] [--flame FILE]

Finished sources are left as they are; a run that was killed goes on where it was.
"""

import argparse
import logging
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from face_emote.core.errors import FaceEmoteError, OptionError
from face_emote.train.corpus.cache import Job, sources_in, write_source
from face_emote.train.corpus.emotional import emotional_jobs
from face_emote.train.corpus.espeak_voice import Espeak
from face_emote.train.corpus.facegood import facegood_jobs
from face_emote.train.corpus.grid import s1_jobs, talker_jobs
from face_emote.train.corpus.manifest import describe, write_manifest
from face_emote.train.corpus.silent import silent_jobs
from face_emote.train.corpus.stretched import stretched_jobs
from face_emote.train.corpus.synthetic import espeak_jobs, flite_jobs, jtalk_jobs
from face_emote.train.corpus.user_flame import beat2_jobs, mead_jobs, vocaset_jobs
from face_emote.train.corpus.user_motions import motion_jobs
from face_emote.train.corpus.voices import emodb_jobs, librispeech_jobs, vctk_jobs

logger = logging.getLogger(__name__)

SOURCES = (
    "grid_s1", "grid_talkers", "librispeech", "vctk", "emodb", "facegood", "flite", "espeak", "jtalk",
    "emotional", "silent", "stretched",
)  # fmt: skip
USER_KINDS = ("motions", "vocaset", "mead", "beat2")
DEFAULT_HOURS = 5.5
LINE_EVERY = 100
LIBRISPEECH_SECS, GRID_SECS = 12.5, 3.0
"""Mean lengths of clips."""


def jobs_of(source: str, *, data: Path, hours: float, stack: ExitStack) -> list[Job]:
    """The clips of a source; helper processes are closed with the stack."""
    readers = {
        "grid_s1": s1_jobs,
        "grid_talkers": talker_jobs,
        "librispeech": librispeech_jobs,
        "vctk": vctk_jobs,
        "emodb": emodb_jobs,
        "facegood": facegood_jobs,
    }
    if source in readers:
        return readers[source](data)
    if source == "flite":
        return flite_jobs(data, hours=hours)
    if source == "emotional":
        return emotional_jobs([(librispeech_jobs(data), LIBRISPEECH_SECS), (s1_jobs(data), GRID_SECS)])
    if source == "silent":
        return silent_jobs()
    if source == "stretched":
        return stretched_jobs([*s1_jobs(data), *talker_jobs(data)])
    if source == "jtalk":
        return jtalk_jobs(data, hours=hours)
    return espeak_jobs(data, hours=hours, espeak=stack.enter_context(Espeak()))


def build(data: Path, *, out: Path, only: Iterable[str] = (), hours: float = DEFAULT_HOURS) -> None:
    """Make all sources, or those named.

    Args:
        data: folder with a folder for each source of real data.
        out: the corpus.
        only: names of SOURCES.
        hours: of synthetic speech.
    """
    wanted = list(only) or list(SOURCES)
    strangers = [name for name in wanted if name not in SOURCES]
    if strangers:
        raise OptionError(f"No source is called {strangers[0]}; there are {', '.join(SOURCES)}")
    if not 0.0 < hours <= 1000.0:
        raise OptionError(f"{hours} hours of synthetic speech are not possible; give 0..1000")
    out.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        if name in sources_in(out):
            logger.info("%s is complete already", name)
            continue
        with ExitStack() as stack:
            jobs = jobs_of(name, data=data, hours=hours, stack=stack)

            def progress(done: int, total: int, hours_done: float, name: str = name) -> None:
                if done % LINE_EVERY == 0 or done == total:
                    logger.info("%s: %d of %d clips, %.2f h", name, done, total, hours_done)

            write_source(jobs, folder=out, source=name, progress=progress)
    write_manifest(out)


def user_source(kind: str, *, folder: Path, flame: Path | None) -> list[Job]:
    """Clips of a user's own data.

    Raises:
        OptionError: the kind is none of USER_KINDS.
    """
    if kind == "motions":
        return motion_jobs(folder)
    if kind == "vocaset":
        return vocaset_jobs(folder)
    if kind == "mead":
        return mead_jobs(folder, flame=flame)
    if kind == "beat2":
        return beat2_jobs(folder, flame=flame)
    raise OptionError(f"{kind} is no kind of data that can be read; there are {', '.join(USER_KINDS)}")


def add_user_data(kind: str, *, folder: Path, out: Path, flame: Path | None = None) -> None:
    """Add a folder of the user's own data to the corpus, as the source `user_<kind>`."""
    jobs = user_source(kind, folder=folder, flame=flame)
    out.mkdir(parents=True, exist_ok=True)
    write_source(jobs, folder=out, source=f"user_{kind}")
    write_manifest(out)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Build the training corpus.")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--only", default="", metavar="NAME,..", help=", ".join(SOURCES))
    parser.add_argument("--hours", type=float, default=DEFAULT_HOURS, help="of synthetic speech (default 5.5)")
    parser.add_argument("--user", action="append", default=[], metavar="KIND=FOLDER", help=", ".join(USER_KINDS))
    parser.add_argument("--flame", type=Path, metavar="FILE", help="to measure the lips of FLAME coefficients")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        only = [name for name in options.only.split(",") if name]
        if only or not options.user:
            build(options.data, out=options.out, only=only, hours=options.hours)
        for pair in options.user:
            kind, _, folder = pair.partition("=")
            add_user_data(kind, folder=Path(folder), out=options.out, flame=options.flame)
        sys.stdout.write(describe(options.out) + "\n")
    except FaceEmoteError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
