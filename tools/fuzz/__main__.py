"""Try damaged inputs on every reader: python -m tools.fuzz [--cases N] [--seed S] [--reader NAME] [--json OUT].

One case again: python -m tools.fuzz --reader NAME --seed S --only K
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

from tools.fuzz.campaign import OUTCOMES, Campaign, Tally, orders_of
from tools.fuzz.readers import all_readers
from tools.fuzz.worker import Result

WIDTH = 22


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 when anything was found."""
    known = all_readers()
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1500, help="in all; each reader gets its share")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--reader", action="append", choices=sorted(known), metavar="NAME", help="only this one (again)"
    )
    parser.add_argument("--kind", choices=sorted({reader.kind for reader in known.values()}), help="only readers of it")
    parser.add_argument("--only", type=int, metavar="K", help="only the case of this number; says all about it")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write counts and findings there too")
    parser.add_argument("--list", action="store_true", help="name the readers and end")
    chosen = parser.parse_args(arguments)
    readers = [
        reader
        for reader in known.values()
        if (not chosen.reader or reader.name in chosen.reader) and (not chosen.kind or reader.kind == chosen.kind)
    ]
    if chosen.list:
        print("\n".join(f"{reader.name:<{WIDTH}}{reader.kind}" for reader in readers))
        return 0
    orders = orders_of(readers, cases=chosen.cases, seed=chosen.seed)
    if chosen.only is not None:
        orders = [(reader.name, chosen.seed, chosen.only) for reader in readers]
    tallies, findings = defaultdict[str, Tally](Tally), list[Result]()
    with tempfile.TemporaryDirectory(prefix="fuzz_") as stock, Campaign(all_readers, Path(stock)) as campaign:
        for result in campaign.results(orders):
            tallies[result.reader].add(result)
            if result.finding:
                findings.append(result)
                print(_told(result), file=sys.stderr, flush=True)
            if chosen.only is not None:
                print(f"{result.outcome} in {result.secs:.2f} s, {result.megabytes:.0f} MB: {result.story}")
        for why in campaign.untriable.values():
            print(f"cannot be tried: {why}", file=sys.stderr)
    print(_table(tallies, kinds={name: reader.kind for name, reader in known.items()}))
    if chosen.json:
        counts = {name: asdict(tally) | {"counts": dict(tally.counts)} for name, tally in tallies.items()}
        text = json.dumps(
            {"seed": chosen.seed, "readers": counts, "findings": [asdict(one) for one in findings]}, indent=1
        )
        chosen.json.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    return 1 if findings or campaign.untriable else 0


def _told(result: Result) -> str:
    """A finding, and how to see it again."""
    last = result.story.strip().splitlines()[-1:] or [""]
    size = f"{result.secs:.1f} s, {result.megabytes:.0f} MB"
    return (
        f"{result.finding}: {last[0][:200]} {' '.join(result.left[:3])} ({size}); "
        f"--reader {result.reader} --seed {result.seed} --only {result.number}"
    )


def _table(tallies: dict[str, Tally], *, kinds: dict[str, str]) -> str:
    """A line for each reader, for each kind, and for all."""
    whole, of_kind = Tally(), defaultdict[str, Tally](Tally)
    for name, tally in tallies.items():
        for sum_there in (whole, of_kind[kinds[name]]):
            sum_there.join(tally)
    heading = "".join(
        [f"{'reader':<{WIDTH}}", *(f"{name:>12}" for name in ("cases", *OUTCOMES, "busiest s", "most MB"))]
    )
    parts = ([*tallies.items()], [*of_kind.items(), ("all", whole)])
    return "\n\n".join("\n".join([heading, *(_line(*item) for item in part)]) for part in parts)


def _line(name: str, tally: Tally) -> str:
    numbers = [tally.cases, *(tally.counts[outcome] for outcome in OUTCOMES)]
    rest = f"{tally.busiest_secs:>12.1f}{tally.most_megabytes:>12.0f}"
    return f"{name:<{WIDTH}}" + "".join(f"{number:>12}" for number in numbers) + rest


if __name__ == "__main__":
    raise SystemExit(main())
