"""Lips of talkers that the network never met: three networks, each trained without a third of the talkers.

    python -m bench.folds DATA RUNS [--json FILE]

RUNS holds `fold_a`, `fold_b` and `fold_c`, runs of `face-emote train folds/a` and so on. Every clip of 11 talkers is
measured once, by the network that has not met its talker, and the clips are pooled. So are the voices of LibriSpeech
that none has heard, each by all three; they have no lips to agree with. Beside it: the rules, which were
fitted to s1 alone; the phone recogniser that they (and the network's contacts) use without a transcript has heard
other recordings of some of these talkers, see its card.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from bench.talkers import FACELESS, UNSEEN, VOICES, read_talkers
from face_emote.face.bundled import load_head
from face_emote_lab.evaluation.evaluate import lip_system
from face_emote_lab.evaluation.lip_figures import (
    ClipFigures,
    LipFigures,
    measure_clip,
    measure_human,
    ruler,
    summed,
    talker_figures,
)
from face_emote_lab.evaluation.report import HUMAN, LIP_ROWS, printed
from face_emote_lab.evaluation.systems import HeardClip
from face_emote_lab.train.config import BUNDLED, read_config
from tools.train_judges.experts import load_sync

FOLDS = ("a", "b", "c")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Lips of talkers that the network never met.")
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = measured(options.data, options.runs)
    groups: dict[str, dict[str, LipFigures]] = {UNSEEN: {}, VOICES: {}}
    for name, clips in found.items():
        for title, faceless in ((UNSEEN, False), (VOICES, True)):
            own = [clip for clip in clips if (clip.talker == FACELESS) == faceless]
            groups[title] |= {name: summed(name, own)} if own else {}
    for title, columns in groups.items():
        print_table(title, list(columns.values()))
    for talker in talker_figures(found["network"]):
        print(f"{talker.talker:12}{talker.clips:4} clips   r {printed(talker.correlation, '.3f')}")
    if options.json:
        kept = {title: [asdict(column) for column in columns.values()] for title, columns in groups.items()}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


def print_table(title: str, columns: list[LipFigures]) -> None:
    """One row a figure, one column a system."""
    print(f"{title:28}" + "".join(f"{column.system:>18}" for column in columns))
    for field, measure, form in LIP_ROWS:
        values = [getattr(column, field) for column in columns]
        if any(value is not None for value in values):
            print(f"{measure:28}" + "".join(f"{printed(value, form):>18}" for value in values))
    print()


def measured(data: Path, runs: Path) -> dict[str, list[ClipFigures]]:
    """Figures of all clips by system."""
    head = load_head()
    by = ruler(head, sync=load_sync())
    out: dict[str, list[ClipFigures]] = {}
    for fold in FOLDS:
        model = runs / f"fold_{fold}" / "model.safetensors"
        talkers = read_config(BUNDLED / "folds" / f"{fold}.toml").data.hold_out_talkers
        systems = {
            "network": lip_system("net", head=head, known_words=False, model=model),
            "network, aligned": lip_system("net", head=head, known_words=True, model=model),
            "rules, heard": lip_system("rules", head=head, known_words=False),
            "rules, aligned": lip_system("rules", head=head, known_words=True),
        }
        voices = (FACELESS,) if (data / FACELESS).is_dir() else ()
        for group in read_talkers(data, talkers=(*talkers, *voices)).groups:
            for clip in group.clips:
                heard = HeardClip(clip)
                for name, system in systems.items():
                    figures = measure_clip(heard, system, by=by)
                    out.setdefault(name, []).extend([] if figures is None else [figures])
                human = measure_human(heard, by=by)
                out.setdefault(HUMAN, []).extend([] if human is None else [human])
    return out


if __name__ == "__main__":
    main()
