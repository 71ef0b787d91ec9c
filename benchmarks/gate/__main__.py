"""make perf-gate BASE=<rev>, or: PYTHONPATH=benchmarks python -m gate BASE [HEAD].

Exit codes: 0 nothing got worse, 1 something did, 2 the gate could not tell.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gate.clocks import PAIRS, THRESHOLD
from gate.comparison import compared
from gate.trees import GateError

ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="gate", description=__doc__)
    parser.add_argument("base", help="the revision to compare with")
    parser.add_argument("head", nargs="?", help="the revision in question; the working copy where none is named")
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, help=f"pairs of processes for the clocks ({PAIRS}); 0: none"
    )
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help=f"ratio of clocks that fails ({THRESHOLD})")
    parser.add_argument("--figures", metavar="REGEX", help="compare these figures of the suites instead of the gate's")
    parser.add_argument("--blame", action="store_true", help="find the commit that moved what fails (needs HEAD)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything, for machines")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report, for a pull request")
    arguments = parser.parse_args()
    if arguments.blame and arguments.head is None:
        parser.error("--blame needs HEAD")
    try:
        verdict = compared(
            ROOT,
            arguments.base,
            arguments.head,
            pairs=arguments.pairs,
            threshold=arguments.threshold,
            only=arguments.figures,
            blame=arguments.blame,
        )
    except GateError as error:
        print(f"the gate cannot tell: {error}", file=sys.stderr)
        return 2
    print(verdict.as_text())
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(verdict.as_json(), indent=1) + "\n")
    if arguments.markdown is not None:
        arguments.markdown.write_text(verdict.as_markdown())
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
