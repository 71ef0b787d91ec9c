"""The figures of the project's own past, as asv results and as asv's site.

    python benchmarks/perf_history.py               # eight commits, the first and the last among them
    python benchmarks/perf_history.py --commits 20 --bench 'track.*tiny'

Each commit's splgbench is taken from git into a folder and measured by this checkout's suites in this environment, so a
commit costs seconds beyond its measurements. What a commit does not have yet is skipped.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gate.comparison import CACHE
from gate.trees import built, git, share_compiled, tree_of

ROOT = Path(__file__).parents[1]
BENCH = r"track_.*\('(strengthened|linked|\w+_hospital|auto)', .*tiny-(linked|real)"


def chosen(commits: Sequence[str], count: int) -> list[str]:
    """Commits at even distances, the first and the last among them."""
    count = max(2, min(count, len(commits)))
    if len(commits) < 2:
        return list(commits)
    return [commits[round(i * (len(commits) - 1) / (count - 1))] for i in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=8, help="how many, at even distances (8)")
    parser.add_argument("--bench", default=BENCH, help=f"figures, a regular expression ({BENCH})")
    arguments = parser.parse_args()
    asv = [sys.executable, "-m", "asv"]
    subprocess.run([*asv, "machine", "--yes"], cwd=ROOT, check=True)
    commits = git(ROOT, "rev-list", "--reverse", "--first-parent", "HEAD").split()
    before: Path | None = None
    for commit in chosen(commits, arguments.commits):
        tree = built(ROOT, tree_of(ROOT, commit), ROOT / CACHE)
        if before is not None:
            share_compiled(before, tree)
        before = tree
        print(git(ROOT, "show", "--no-patch", "--format=%h %s", commit), flush=True)
        run = ["run", "--quick", "--environment", f"existing:{sys.executable}", "--set-commit-hash", commit]
        # asv ends with 2 where a figure fails, which an old commit may do.
        done = subprocess.run(
            [*asv, *run, "--bench", arguments.bench],
            cwd=ROOT,
            env={**os.environ, "ASV_PYTHONPATH": str(tree)},
            check=False,
        )
        if done.returncode not in (0, 2):
            sys.exit(done.returncode)
    subprocess.run([*asv, "publish"], cwd=ROOT, check=True)
    print(f"the site is {ROOT / '.asv' / 'html' / 'index.html'}; asv preview serves it")


if __name__ == "__main__":
    main()
