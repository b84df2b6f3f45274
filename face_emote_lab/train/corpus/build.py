"""Build a training corpus from your own data, or add it to one.

    python -m face_emote_lab.train.corpus.build --user KIND=FOLDER .. -o CORPUS [--flame FILE]

Finished sources are left as they are; a run that was killed goes on where it was. `manifest.json` beside the sources
says what they hold.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from face_emote.core.errors import FaceEmoteError, OptionError
from face_emote.core.names import MOTION_HZ
from face_emote.core.output import written_beside
from face_emote.core.reading import content_of
from face_emote.core.records import parsed_json
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.corpus.cache import Corpus, Job, read_corpus, write_source
from face_emote_lab.train.corpus.user_clips import motion_jobs
from face_emote_lab.train.corpus.user_flame import beat2_jobs, mead_jobs, vocaset_jobs

MANIFEST = "manifest.json"
OWN = "the user's own data"  # Licence of a source that no manifest tells of.
USER_KINDS: dict[str, Callable[[Path, Path | None], list[Job]]] = {
    "motions": lambda folder, _flame: motion_jobs(folder),
    "vocaset": lambda folder, _flame: vocaset_jobs(folder),
    "mead": lambda folder, flame: mead_jobs(folder, flame=flame),
    "beat2": lambda folder, flame: beat2_jobs(folder, flame=flame),
}


def user_source(kind: str, *, folder: Path, flame: Path | None) -> list[Job]:
    """Clips of a user's own data; raises OptionError when the kind is none of USER_KINDS."""
    if kind not in USER_KINDS:
        raise OptionError(f"{kind} is no kind of data that can be read; there are {', '.join(USER_KINDS)}")
    return USER_KINDS[kind](folder, flame)


def add_user_data(kind: str, *, folder: Path, out: Path, flame: Path | None = None) -> None:
    """Add a folder of the user's own data to the corpus, as the source `user_<kind>`."""
    jobs = user_source(kind, folder=folder, flame=flame)
    out.mkdir(parents=True, exist_ok=True)
    write_source(jobs, folder=out, source=f"user_{kind}")
    write_manifest(out)


def write_manifest(folder: Path, *, licences: Mapping[str, str] = {}) -> Path:
    """Describe all complete sources in `manifest.json`; raises CorpusError when there are none.

    Licences are those given by a source's name, or those that an earlier manifest tells of.
    """
    corpus = read_corpus(folder)
    path = folder / MANIFEST
    known = _licences_in(path) | dict(licences)
    sources = [_source(corpus, name, licence=known.get(name, OWN)) for name in corpus.arrays]
    with written_beside(path) as beside:
        beside.write_text(json.dumps({"format": 1, "sources": sources}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def _licences_in(path: Path) -> dict[str, str]:
    try:
        table: Any = parsed_json(content_of(path))
        return {str(entry["name"]): str(entry["licence"]) for entry in table["sources"]}
    except (OSError, ValueError, TypeError, LookupError):  # there is none, or it was not written here
        return {}


def describe(folder: Path) -> str:
    """A table of the sources: clips, hours, talkers, languages, and what is known of the lips."""
    corpus = read_corpus(folder)
    entries = [_source(corpus, name, licence="") for name in corpus.arrays]
    line = "{:12} {:>6} {:>8} {:>8} {:>8} {:>9} {:>10} {:>12}".format
    lines = [line("source", "clips", "hours", "test h", "talkers", "languages", "gap known", "phones known")]
    for e in entries:
        hours, test, gap, phones = (
            f"{v:.2f}" for v in (e["hours"], e["hours_test"], e["known"]["gap"], e["phones_known"])
        )
        lines.append(line(e["name"], e["clips"], hours, test, len(e["talkers"]), len(e["languages"]), gap, phones))
    total, test = (f"{sum(e[key] for e in entries):.2f}" for key in ("hours", "hours_test"))
    return "\n".join([*lines, line("all", len(corpus.clips), total, test, "", "", "", "").rstrip()])


def _source(corpus: Corpus, name: str, *, licence: str) -> dict[str, Any]:
    rows = [row for row in corpus.clips if row.source == name]
    arrays = corpus.arrays[name]
    hours = {
        split: sum(row.num_frames for row in rows if row.split == split) / MOTION_HZ / 3600.0
        for split in ("train", "test")
    }
    shares = arrays.known.mean(axis=0)
    return {
        "name": name,
        "licence": licence,
        "kind": rows[0].kind,
        "clips": len(rows),
        "hours": round(sum(hours.values()), 4),
        "hours_train": round(hours["train"], 4),
        "hours_test": round(hours["test"], 4),
        "clips_test": sum(row.split == "test" for row in rows),
        "talkers": sorted({row.talker for row in rows}),
        "talkers_test_only": sorted(
            {row.talker for row in rows if row.split == "test"} - {row.talker for row in rows if row.split == "train"}
        ),
        "languages": sorted({row.language for row in rows if row.language}),
        "emotions": sorted({row.emotion for row in rows if row.emotion}),
        "known": {channel: round(float(share), 4) for channel, share in zip(LIP_CHANNELS, shares, strict=True)},
        "phones_known": round(float((arrays.phones != 255).mean()), 4),
    }


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Build a training corpus from your own data.")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--user", action="append", required=True, metavar="KIND=FOLDER", help=", ".join(USER_KINDS))
    parser.add_argument("--flame", type=Path, metavar="FILE", help="to measure the lips of FLAME coefficients")
    options = parser.parse_args()
    try:
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
