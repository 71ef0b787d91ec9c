"""Whether `auto` is anywhere slower than `strengthened` on HiGHS by more than a factor of 2 and a second.

    python benchmarks/never_slower.py            # runs what benchmarks/results/never_slower.csv lacks
    python benchmarks/never_slower.py --table    # only writes the table again

The instances are the benchmark set of the library, the easy ones included. Both methods get a minute and one thread and
are asked for a gap of 0.01 %, one after the other, each in its own process; the clock is as in `scale.py`. A run that
ends without that gap counts with the limit.
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
TO_GAP = "to_0.01_percent_s"


def names() -> list[str]:
    """The benchmark set."""
    with INSTANCES.open(newline="") as stream:
        return [row["instance"] for row in csv.DictReader(stream)]


def run(clock: str, path: Path) -> None:
    """Run what the file lacks."""
    for name in names():
        for method in reversed(METHODS):
            if (name, method) in {(row["instance"], row["method"]) for row in read(path)}:
                continue
            command = [sys.executable, __file__, "--one", name, method, "--clock", clock]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            row = json.loads(answer.stdout.splitlines()[-1])
            append(path, COLUMNS, [row])
            print(name, method, row["status"], row["gap_percent"], row.get(TO_GAP, "-"), flush=True)


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """The committed page."""
    found = {(row["instance"], row["method"]): row for row in rows}
    auto, direct = METHODS
    pairs = [
        (found[name, auto], found[name, direct]) for name in names() if {(name, auto), (name, direct)} <= set(found)
    ]
    late = [one["instance"] for one, other in pairs if seconds(one) > FACTOR * seconds(other) + SECONDS]
    lines = [
        f"# `{auto}` against `{direct}`, the easy instances included",
        "",
        f"Command: `python benchmarks/never_slower.py`. One thread, {LIMIT_S:g} s, a gap of 0.01 % asked for. Seconds "
        "until it was there; where the clock is cpu the machine was shared and CPU seconds of the process stand for "
        "wall time, in limits too.",
        "",
        f"Machine: {'; '.join(sorted({row['machine'] for row in rows}))}. "
        f"Versions: {'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        f"{len(pairs)} instances. Slower by more than a factor of {FACTOR:g} and {SECONDS:g} s: "
        f"{len(late)}{': ' + ', '.join(late) if late else ''}. The gap was reached by `{auto}` on "
        f"{sum(bool(one[TO_GAP]) for one, _ in pairs)}, by `{direct}` on "
        f"{sum(bool(other[TO_GAP]) for _, other in pairs)}.",
        "",
        f"| instance | offers | `{auto}` s | `{direct}` s | `{auto}` gap % | `{direct}` gap % | clock |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for one, other in pairs:
        times = [f"{float(row[TO_GAP]):.2f}" if row[TO_GAP] else "-" for row in (one, other)]
        gaps = [row["gap_percent"] or "none" for row in (one, other)]
        offers = f"{int(one['offers']):,}"
        lines.append(f"| {' | '.join([one['instance'], offers, *times, *gaps, one['clock']])} |")
    return "\n".join(lines) + "\n"


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
