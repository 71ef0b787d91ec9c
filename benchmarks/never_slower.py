"""Whether `auto` is anywhere slower than `strengthened` on HiGHS by more than a factor of 2 and a second.

    python benchmarks/never_slower.py            # runs what benchmarks/results/never_slower.csv lacks
    python benchmarks/never_slower.py --table    # only writes the table again

The instances are the benchmark set of the library, the easy ones included. Both methods get a minute and one thread and
are asked for a gap of 0.01 %, one after the other, each in its own process; the clock is as in `scale.py`. A run that
ends without that gap counts with the limit. A pair whose first runs come near the mark is run again, three times in
all, and the median of each method counts: on a shared machine a single time proves nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from resumable_csv import append, read
from scale import COLUMNS, METHODS, RESULTS, measured

INSTANCES = Path(__file__).parents[1] / "instances" / "sets" / "benchmark.csv"
LIMIT_S = 60.0
FACTOR, SECONDS = 2.0, 1.0
NEAR, REPEATS = 0.75, 3
"""Part of the time that `auto` may take from which on a pair is run as often as this."""
TO_GAP = "to_0.01_percent_s"

Runs = dict[tuple[str, str], list[Mapping[str, str]]]
"""Of an instance and a method, in the order in which they were made."""


def names() -> list[str]:
    """The benchmark set."""
    with INSTANCES.open(newline="") as stream:
        return [row["instance"] for row in csv.DictReader(stream)]


def run(clock: str, path: Path) -> None:
    """Run what the file lacks: everything once, then what came near the mark again."""
    for repeats in range(1, REPEATS + 1):
        for name in names():
            for method in reversed(METHODS):
                found = by_pair(read(path))
                if len(found.get((name, method), ())) >= repeats or (repeats > 1 and not _is_near(found, name)):
                    continue
                command = [sys.executable, __file__, "--one", name, method, "--clock", clock]
                answer = subprocess.run(command, check=True, capture_output=True, text=True)
                row = json.loads(answer.stdout.splitlines()[-1])
                append(path, COLUMNS, [row])
                print(name, method, row["status"], row["gap_percent"], row.get(TO_GAP, "-"), flush=True)


def by_pair(rows: Sequence[Mapping[str, str]]) -> Runs:
    """Runs by instance and method."""
    found: Runs = {}
    for row in rows:
        found.setdefault((row["instance"], row["method"]), []).append(row)
    return found


def _is_near(found: Runs, name: str) -> bool:
    one, other = (seconds(found[name, method][0]) for method in METHODS)
    return one > NEAR * allowed(other)


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """The committed page."""
    auto, direct = METHODS
    found = by_pair(rows)
    pairs = [
        (_middle(found[name, auto]), _middle(found[name, direct]), min(len(found[name, method]) for method in METHODS))
        for name in names()
        if {(name, auto), (name, direct)} <= set(found)
    ]
    late = [one["instance"] for one, other, _ in pairs if seconds(one) > allowed(seconds(other))]
    lines = [
        f"# `{auto}` against `{direct}`, the easy instances included",
        "",
        f"Command: `python benchmarks/never_slower.py`. One thread, {LIMIT_S:g} s, a gap of 0.01 % asked for. Seconds "
        "until it was there; where the clock is cpu the machine was shared and CPU seconds of the process stand for "
        f"wall time, in limits too. Where the first run of `{auto}` took more than {NEAR:.0%} of what the factor and "
        f"the second allow, there are {REPEATS} runs of each, and the one with the median time stands here.",
        "",
        f"Machine: {'; '.join(sorted({row['machine'] for row in rows}))}. "
        f"Versions: {'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        f"{len(pairs)} instances. Slower by more than a factor of {FACTOR:g} and {SECONDS:g} s: "
        f"{len(late)}{': ' + ', '.join(late) if late else ''}. The gap was reached by `{auto}` on "
        f"{sum(bool(one[TO_GAP]) for one, _, _ in pairs)}, by `{direct}` on "
        f"{sum(bool(other[TO_GAP]) for _, other, _ in pairs)}.",
        "",
        f"| instance | offers | `{auto}` s | `{direct}` s | `{auto}` gap % | `{direct}` gap % | runs | clock |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for one, other, runs in pairs:
        times = [f"{float(row[TO_GAP]):.2f}" if row[TO_GAP] else "-" for row in (one, other)]
        gaps = [row["gap_percent"] or "none" for row in (one, other)]
        offers = f"{int(one['offers']):,}"
        lines.append(f"| {' | '.join([one['instance'], offers, *times, *gaps, str(runs), one['clock']])} |")
    return "\n".join(lines) + "\n"


def _middle(runs: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """The run with the median time."""
    return sorted(runs, key=seconds)[(len(runs) - 1) // 2]


def allowed(direct: float) -> float:
    """Seconds that `auto` may take where the direct method takes so many."""
    return FACTOR * direct + SECONDS


def seconds(row: Mapping[str, str]) -> float:
    """Until the gap was there, or the limit."""
    return float(row[TO_GAP] or LIMIT_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what the process has for a clock")
    parser.add_argument("--one", nargs=2, metavar=("INSTANCE", "METHOD"), help="one run, its line as JSON")
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(*arguments.one, LIMIT_S, arguments.clock)))
        return
    path = RESULTS / "never_slower.csv"
    if not arguments.table:
        run(arguments.clock, path)
    (RESULTS / "never_slower.md").write_text(table(read(path)))


if __name__ == "__main__":
    main()
