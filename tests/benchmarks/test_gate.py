"""The performance gate on planted numbers: intervals, comparisons, allowed changes, built revisions, blame."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from gate.allowed import FILE, Allowed, allowing, new_entries, parse
from gate.clocks import CONFIDENCE, PAIRS, interval, lost, ratio
from gate.compare import Kind, Move, moves
from gate.comparison import culprit, exactly, first_bad
from gate.figures import CLOCKS, COUNTERS, figures, tolerance
from gate.trees import GateError, built, commit_of, git, share_compiled, tree_of
from gate.verdict import Verdict

ROOT = Path(__file__).parents[2]


def test_the_interval_is_the_narrowest_pair_of_order_statistics_that_covers_enough() -> None:
    """Coverages of the sign test, counted out over all outcomes of n fair coins."""
    for n in range(1, 15):
        ratios = [float(i + 1) for i in range(n)]
        low, high, coverage = interval(random.Random(n).sample(ratios, n))
        rank = round(low)
        assert high == n + 1 - rank
        inside = sum(comb(n, heads) for heads in range(rank, n - rank + 1))
        assert Fraction(inside, 2**n) == Fraction(coverage)
        if coverage >= CONFIDENCE and rank < n // 2:
            assert Fraction(inside - comb(n, rank) - comb(n, n - rank), 2**n) < CONFIDENCE


def test_too_few_pairs_never_make_a_clock_slower() -> None:
    """Two pairs say nothing, however far apart the revisions are."""
    assert not ratio("clock", [1.0, 1.0], [9.0, 9.0]).slower()
    assert ratio("clock", [1.0] * PAIRS, [9.0] * PAIRS).slower()


def test_a_planted_slowdown_is_seen_through_noise_and_noise_alone_is_not() -> None:
    """Readings with 10 % of noise and an outlier of factor 5 on either side: 1.5 fails, 1.0 does not, in 300 draws."""
    draw = random.Random(7)
    for _ in range(300):
        before = [draw.lognormvariate(0, 0.1) for _ in range(PAIRS)]
        after = [draw.lognormvariate(0, 0.1) for _ in range(PAIRS)]
        before[draw.randrange(PAIRS)] *= 5
        after[draw.randrange(PAIRS)] *= 5
        assert not ratio("clock", before, after).slower()
        assert not ratio("clock", before, after).faster()
    slower = [
        ratio(
            "clock",
            [draw.lognormvariate(0, 0.05) for _ in range(PAIRS)],
            [1.5 * draw.lognormvariate(0, 0.05) for _ in range(PAIRS)],
        ).slower()
        for _ in range(300)
    ]
    assert sum(slower) == 300


@pytest.mark.parametrize(
    ("name", "before", "after", "kind", "fails"),
    [
        ("models.Sizes.track_rows(a, b, c)", 100, 100, Kind.SAME, False),
        ("models.Sizes.track_rows(a, b, c)", 100, 101, Kind.CHANGED, True),
        ("models.Sizes.track_rows(a, b, c)", 100, 99, Kind.CHANGED, True),
        ("models.Sizes.track_peak_memory(a, b, c)", 1_000_000, 1_019_000, Kind.SAME, False),
        ("models.Sizes.track_peak_memory(a, b, c)", 1_000_000, 1_030_000, Kind.CHANGED, True),
        ("solves.Relaxations.track_lp_gap(a, b, c)", 0.25, 0.25 + 1e-12, Kind.SAME, False),
        ("solves.Relaxations.track_lp_gap(a, b, c)", 0.25, 0.2501, Kind.CHANGED, True),
        ("solves.Trees.track_nodes(a, b, c)", "skipped: no such backend", 3, Kind.NEW, False),
        ("solves.Trees.track_nodes(a, b, c)", 3, "skipped: no such backend", Kind.GONE, True),
        ("solves.Trees.track_nodes(a, b, c)", "skipped: x", "skipped: y", Kind.SAME, False),
        ("solves.Trees.track_nodes(a, b, c)", "skipped: x", "failed: wrong", Kind.BROKEN, True),
        ("solves.Trees.track_nodes(a, b, c)", "failed: wrong", "failed: wrong", Kind.SAME, False),
    ],
)
def test_what_became_of_a_counter(name: str, before: float | str, after: float | str, kind: Kind, fails: bool) -> None:
    """Any change beyond the tolerance fails, for the better as for the worse; what is new cannot fail."""
    (move,) = moves({name: before}, {name: after})
    assert (move.kind, move.fails) == (kind, fails)


def test_a_counter_of_one_side_only_is_compared_too() -> None:
    """A figure that vanishes altogether is gone."""
    found = {move.name: move.kind for move in moves({"x": 1.0}, {"y": 2.0})}
    assert found == {"x": Kind.GONE, "y": Kind.NEW}


def test_a_clock_that_broke_fails() -> None:
    """One that could be read in neither revision does not."""
    assert lost({"a": ("read", "failed: x"), "b": ("skipped: y", "skipped: y")}) == {"a": "failed: x"}


def test_the_verdict_fails_for_what_is_not_allowed_only() -> None:
    """An entry with a reason accepts its figures, counters and clocks, and is told as unused where nothing needs it."""
    rows, nodes = Move("models.Sizes.track_rows(linked, highs, x)", 10, 12), Move("solves.Trees.track_nodes(a)", 1, 2)
    slow = ratio("engine.Judging.time_polish(basel)", [1.0] * PAIRS, [2.0] * PAIRS)
    entries = [Allowed("models.Sizes.track_rows(linked, *)", "a row more"), Allowed("nothing.*", "old")]
    verdict = Verdict("base", "head", [rows, nodes], [slow], {"gone.clock": "failed: x"}, entries)
    assert verdict.failing == [nodes.name, slow.name, "gone.clock"]
    assert not verdict.passed
    assert verdict.accepted() == [(rows.name, entries[0])]
    assert verdict.unused() == [entries[1]]
    more = [*entries, *(Allowed(name, "deliberate") for name in verdict.failing)]
    allowed = Verdict("base", "head", [rows, nodes], [slow], {"gone.clock": "failed: x"}, more)
    assert allowed.passed
    assert "gate passes" in allowed.as_markdown()
    told = verdict.as_markdown()
    assert "fails: 3 figures" in told
    assert f"| `{nodes.name}` | 1 | 2 | +100 % |" in told
    assert verdict.as_json()["failing"] == verdict.failing
    assert all(name in verdict.as_text() for name in verdict.failing)


@pytest.mark.parametrize(
    "text",
    [
        "[[allow]]\nfigures = 'a'\n",
        "[[allow]]\nfigures = 'a'\nreason = ' '\n",
        "[[allow]]\nfigures = ''\nreason = 'why'\n",
        "[[allow]]\nfigures = 'a'\nreason = 'why'\nuntil = 'ever'\n",
        "[[allow]]\nfigures = 1\nreason = 'why'\n",
        "allow = 'everything'\n",
        "[[allow",
    ],
)
def test_an_entry_needs_figures_and_a_reason(text: str) -> None:
    """A mistake in the file stops the gate; it never lets a change through."""
    with pytest.raises(GateError, match=r"allowed\.toml"):
        parse(text)


def test_patterns_of_entries_take_names_literally_but_for_their_stars() -> None:
    """Brackets in names are no sets of characters."""
    assert allowing([Allowed("a(x, [y])", "why")], "a(x, [y])")
    assert not allowing([Allowed("a(x, [y])", "why")], "a(x, y)")
    assert allowing([Allowed("a(*)", "why")], "a(x, y)")


def repository(root: Path) -> None:
    """A small project with one package, a mapped one, and a file outside both."""
    for name, text in {
        "pyproject.toml": (
            "[tool.setuptools.package-dir]\nsplgbench = 'src/splgbench'\n'splgbench.formulations' = 'formulations'\n"
        ),
        "src/splgbench/__init__.py": "ANSWER = 1\n",
        "src/splgbench/kernels.py": "# njit\n",
        "formulations/one.py": "ONE = 1\n",
        "tests/test_one.py": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    in_git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)


def in_git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments], cwd=root, check=True)


def commit(root: Path) -> None:
    in_git(root, "add", "--all")
    in_git(root, "commit", "--quiet", "--message", "c")


def test_a_revision_becomes_what_its_wheel_would_hold(tmp_path: Path) -> None:
    """Commits and the working copy, with files that git does not know yet; the index stays as it is."""
    root, cache = tmp_path / "project", tmp_path / "cache"
    root.mkdir()
    repository(root)
    first = built(root, tree_of(root, "HEAD"), cache)
    files = {str(file.relative_to(first)) for file in first.rglob("*") if file.is_file()}
    assert files == {"splgbench/__init__.py", "splgbench/kernels.py", "splgbench/formulations/one.py"}
    assert tree_of(root, None) == tree_of(root, "HEAD")
    (root / "formulations" / "two.py").write_text("TWO = 2\n")
    second = built(root, tree_of(root, None), cache)
    assert (second / "splgbench/formulations/two.py").read_text() == "TWO = 2\n"
    assert subprocess.run(["git", "diff", "--cached", "--quiet"], cwd=root, check=False).returncode == 0
    (first / "splgbench" / "kernels.cached.nbi").write_bytes(b"1")
    assert share_compiled(first, second)
    assert (second / "splgbench" / "kernels.cached.nbi").exists()
    (root / "src/splgbench/kernels.py").write_text("# njit, another way\n")
    third = built(root, tree_of(root, None), cache)
    assert not share_compiled(first, third)
    assert not (third / "splgbench" / "kernels.cached.nbi").exists()
    with pytest.raises(GateError, match="nowhere"):
        tree_of(root, "nowhere")
    (root / "pyproject.toml").unlink()
    with pytest.raises(GateError, match=r"no pyproject\.toml"):
        built(root, tree_of(root, None), cache)


def test_an_entry_counts_while_the_base_does_not_have_it(tmp_path: Path) -> None:
    """So a change is accepted once, and the entry hides nothing later."""
    repository(tmp_path)
    file = tmp_path / FILE
    file.parent.mkdir(parents=True)
    file.write_text("[[allow]]\nfigures = 'a'\nreason = 'first'\n")
    commit(tmp_path)
    file.write_text(file.read_text() + "[[allow]]\nfigures = 'b'\nreason = 'second'\n")
    trees = [tree_of(tmp_path, "HEAD~1"), tree_of(tmp_path, "HEAD"), tree_of(tmp_path, None)]
    assert new_entries(tmp_path, trees[1], trees[2]) == [Allowed("b", "second")]
    assert new_entries(tmp_path, trees[0], trees[1]) == [Allowed("a", "first")]
    assert new_entries(tmp_path, trees[2], trees[2]) == []


def test_the_commit_that_did_it_is_found() -> None:
    """Whatever its place, in few looks; with no commits there is nobody to blame."""
    commits = [str(i) for i in range(20)]
    for place in range(20):
        looks: list[str] = []

        def bad(commit: str, place: int = place, looks: list[str] = looks) -> bool:
            looks.append(commit)
            return int(commit) >= place

        assert first_bad(commits, bad) == str(place)
        assert len(looks) <= 5
    assert first_bad([], lambda _: True) is None


def test_a_merge_is_not_blamed_for_what_it_merged(tmp_path: Path) -> None:
    """The commit on the side branch is; where both sides are good, the merge itself."""
    repository(tmp_path)
    in_git(tmp_path, "branch", "side")
    for branch in ("main", "side"):
        in_git(tmp_path, "checkout", "--quiet", branch)
        for number in range(5):
            (tmp_path / f"{branch}{number}").write_text("")
            commit(tmp_path)
    in_git(tmp_path, "checkout", "--quiet", "main")
    in_git(tmp_path, "merge", "--quiet", "--message", "m", "side")
    (tmp_path / "after").write_text("")
    commit(tmp_path)

    def has(name: str) -> Callable[[str], bool]:
        return lambda at: bool(git(tmp_path, "ls-tree", "--name-only", at, name))

    def adding(name: str) -> str:
        return git(tmp_path, "log", "--format=%H", "--diff-filter=A", "--", name)

    base, head = commit_of(tmp_path, "main~7"), commit_of(tmp_path, "main")
    for name in ("main0", "main4", "side0", "side3", "after"):
        assert culprit(tmp_path, base, head, has(name)) == adding(name)
    assert culprit(tmp_path, base, head, lambda at: has("main4")(at) and has("side4")(at)) == commit_of(
        tmp_path, "main~1"
    )


def test_the_gate_takes_figures_of_every_kind() -> None:
    """Its patterns find counters of every suite, all formulations and decompositions, and every hot path."""
    counters = [figure.name for figure in figures("track_", COUNTERS)]
    assert len(counters) == len(set(counters))
    for folder in ("formulations", "decompositions"):
        for file in (ROOT / folder).glob("[a-z]*.py"):
            assert any(f"({file.stem}, " in name for name in counters), file.stem
    parts = ("rows", "columns", "nonzeros", "peak_memory", "lp_gap", "root_gap", "cuts", "nodes", "simplex_iterations")
    for part in (*parts, "value", "bound", "pricing_rounds"):
        assert any(f".track_{part}(" in name for name in counters), part
    clocks = [figure.name for figure in figures("time_", CLOCKS)]
    for part in ("build", "pass", "polish", "check", "validate", "load", "hash", "presolve", "pricing"):
        assert any(f".time_{part}(" in name for name in clocks), part
    assert [figure.name for figure in figures("time_", re.compile(exactly(clocks[:1])))] == clocks[:1]
    assert tolerance(counters[0]).allows(1, 1)
