"""A run of the gate: build both revisions, counters once, clocks in pairs, and the commit that did it."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from gate.allowed import new_entries
from gate.clocks import PAIRS, THRESHOLD, Ratio, lost, measured
from gate.compare import Move, Value, moves
from gate.trees import built, commit_of, git, share_compiled, tree_of
from gate.verdict import Verdict
from gate.workers import Worker, processor_seconds
from splgbench.generator.screening import machine
from splgbench.solver_libraries import version_of

CACHE = Path(".benchmarks") / "gate"
_SOLVERS = ("highspy", "pyscipopt", "ortools", "numpy")


def counted(tree: Path, scratch: Path, only: str | None = None) -> dict[str, Value]:
    """The counters of a revision.

    Parameters
    ----------
    tree : its folder.
    scratch : where nobody has counted yet.
    only : pattern of the counters; None takes the gate's.
    """
    with Worker(tree, scratch) as worker:
        values: dict[str, Value] = worker.ask(do="counters", only=only)
    return values


def compared(
    root: Path,
    base: str,
    head: str | None = None,
    *,
    pairs: int = PAIRS,
    threshold: float = THRESHOLD,
    only: str | None = None,
    blame: bool = False,
) -> Verdict:
    """Compare two revisions.

    Parameters
    ----------
    root : of the repository.
    base, head : revisions; a head of None is the working copy with what is not committed.
    pairs : of processes for the clocks; 0 leaves them out.
    threshold : ratio beyond which a clock is slower.
    only : pattern of the suites' figures to compare; None takes the gate's.
    blame : look for the commit that moved what fails; the head must be a revision.

    Raises
    ------
    GateError
        A revision cannot be built or measured.
    """
    began, spent = time.perf_counter(), processor_seconds()
    trees = [tree_of(root, base), tree_of(root, head)]
    before, after = (built(root, tree, root / CACHE) for tree in trees)
    share_compiled(before, after)
    share_compiled(after, before)
    sides = ((before, "base"), (after, "head"))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        with ThreadPoolExecutor(2) as both:
            # What is counted does not depend on what else the machine does.
            found = list(both.map(lambda side: counted(side[0], scratch / side[1], only), sides))
        ratios, gone = _clocks(before, after, scratch, pairs, threshold, only)
        verdict = Verdict(
            base=_shown(root, base),
            head="working copy" if head is None else _shown(root, head),
            moves=moves(*found),
            ratios=ratios,
            lost=gone,
            entries=new_entries(root, trees[0], trees[1]),
            threshold=threshold,
            terms=f"{machine()}; " + ", ".join(f"{name} {version_of(name)}" for name in _SOLVERS),
        )
        blamed = _blamed(root, base, head, verdict, pairs, scratch) if blame and head is not None else {}
    return replace(
        verdict,
        blame=blamed,
        processor_s=processor_seconds() - spent,
        wall_s=time.perf_counter() - began,
    )


def _clocks(
    before: Path, after: Path, scratch: Path, pairs: int, threshold: float, only: str | None
) -> tuple[list[Ratio], dict[str, str]]:
    """All clocks; those that seem slower are measured a second time, alone, and only what is slower again counts."""
    if not pairs:
        return [], {}
    ratios, unread = measured(before, after, scratch, pairs, only)
    slow = [each.name for each in ratios if each.slower(threshold)]
    if slow:
        again, _ = measured(before, after, scratch, pairs, only=exactly(slow))
        second = {each.name: each for each in again}
        ratios = [min(each, second.get(each.name, each), key=lambda one: one.low) for each in ratios]
    return ratios, lost(unread)


def exactly(names: Sequence[str]) -> str:
    """A pattern for these figures and no other."""
    return "^(" + "|".join(re.escape(name) for name in names) + ")$"


def _blamed(root: Path, base: str, head: str, verdict: Verdict, pairs: int, scratch: Path) -> dict[str, str]:
    """For every figure that fails, the commit after which it does."""
    first, last = commit_of(root, base), commit_of(root, head)
    before = built(root, tree_of(root, base), root / CACHE)

    def tree(commit: str) -> Path:
        folder = built(root, tree_of(root, commit), root / CACHE)
        share_compiled(before, folder)
        return folder

    moved = verdict.failing_moves()
    names = exactly([move.name for move in moved])
    known: dict[str, dict[str, Value]] = {}

    def has_moved(move: Move, commit: str) -> bool:
        if commit not in known:
            known[commit] = counted(tree(commit), scratch / commit, names)
        return Move(move.name, move.before, known[commit].get(move.name, move.before)).fails

    def is_slower(clock: str, commit: str) -> bool:
        ratios, _ = measured(before, tree(commit), scratch / commit, pairs, exactly([clock]))
        return any(each.slower(verdict.threshold) for each in ratios)

    bad = {move.name: partial(has_moved, move) for move in moved}
    bad |= {each.name: partial(is_slower, each.name) for each in verdict.failing_clocks()}
    found = {name: culprit(root, first, last, is_bad) for name, is_bad in bad.items()}
    return {name: _shown(root, commit) for name, commit in found.items() if commit is not None}


def culprit(root: Path, base: str, head: str, bad: Callable[[str], bool]) -> str | None:
    """The commit that made it bad: along first parents, and into what was merged where a merge did it.

    Parameters
    ----------
    root : of the repository.
    base, head : commits, a good and a bad one.
    """

    def line(start: str, end: str) -> list[str]:
        return git(root, "rev-list", "--reverse", "--first-parent", f"{start}..{end}").split()

    found = first_bad(line(base, head), bad)
    while found is not None:
        parents = git(root, "rev-list", "--parents", "--max-count=1", found).split()[1:]
        if len(parents) < 2 or not bad(parents[1]):
            return found
        found = first_bad(line(parents[0], parents[1]), bad)
    return None


def first_bad(commits: Sequence[str], bad: Callable[[str], bool]) -> str | None:
    """The first bad one of commits that are good up to some point and bad from there on, the last one taken to be bad.

    None where there are no commits.
    """
    if not commits:
        return None
    low, high = 0, len(commits) - 1
    while low < high:
        middle = (low + high) // 2
        if bad(commits[middle]):
            high = middle
        else:
            low = middle + 1
    return commits[low]


def _shown(root: Path, revision: str) -> str:
    return git(root, "show", "--no-patch", "--format=%h %s", commit_of(root, revision))
