"""The tables of a ranking."""

from __future__ import annotations

from itertools import combinations

from splgbench.report.ranking import Ranking
from splgbench.report.tables import Column, Table
from splgbench.report.texts import counted

FEW_INSTANCES = 6
"""Below this many instances no signed-rank test of two sides reaches 5 %."""


def leaderboard(ranking: Ranking) -> Table:
    """Methods, the best first."""
    shift = ranking.shift
    standings = ranking.standings
    best = standings[0].means[shift] if standings else 0.0
    rows = [
        (
            s.rank,
            s.method,
            *s.means.values(),
            (s.means[shift] + shift) / (best + shift),
            None if s.interval is None else f"{s.interval[0]:.2f} to {s.interval[1]:.2f}",
            f"{s.spread[0]:.2f} to {s.spread[1]:.2f}",
            s.p_value,
            s.par10,
            s.solved,
            s.gap,
            s.primal_integral,
            s.primal_dual_integral,
            s.common,
        )
        for s in standings
    ]
    shifts = list(standings[0].means) if standings else [shift]
    columns = [
        Column("rank", "whole"),
        Column("method"),
        *(Column(f"time s, shift {one:g} s", "seconds") for one in shifts),
        Column("ratio to the first", "seconds"),
        Column("95 % interval"),
        Column("range of seeds"),
        Column("p against the first", "p"),
        Column("PAR-10 s", "seconds"),
        Column(f"solved of {len(ranking.tasks)}", "whole"),
        Column("gap at limit", "percent"),
        Column("primal integral s", "seconds"),
        Column("primal-dual integral s", "seconds"),
        Column("time s where all solved", "seconds"),
    ]
    return Table("leaderboard", "Leaderboard", _caption(ranking), columns, rows)


def _caption(ranking: Ranking) -> str:
    n = len(ranking.variations)
    shift = ranking.shift
    parts = [
        f"{counted(ranking.n_instances, 'instance')}, {counted(n, 'variation')} of seed and permutation, "
        f"{ranking.group.title}. "
        f"Ranked by the shifted geometric mean of the wall time, shift {shift:g} s; what is not solved counts at the "
        "limit, in PAR-10 at ten times the limit. The ratio is of shifted means. Gaps count as at most 100 %, unknown "
        "ones as 100 %."
    ]
    if n < 3:
        parts.append("An interval needs three seeds at least.")
    else:
        parts.append("The interval is Student's over the seeds, on logarithms.")
    parts.append(
        "p: Wilcoxon's signed-rank test on the logarithms of shifted time ratios of instances (their seeds averaged), "
        "time-outs included, adjusted by Holm."
    )
    if ranking.n_instances < FEW_INSTANCES:
        parts.append(f"With fewer than {FEW_INSTANCES} instances it cannot reach 5 %.")
    return " ".join(parts)


def virtual_best_table(ranking: Ranking) -> Table:
    """The virtual best method and what each method adds to it."""
    rows = [
        (
            method,
            ranking.contributions[method].fastest,
            ranking.contributions[method].alone,
            ranking.contributions[method].loss,
        )
        for method in sorted(ranking.methods, key=lambda name: -ranking.contributions[name].loss)
    ]
    caption = (
        f"The virtual best takes the fastest method on every run: {ranking.virtual_best:.2f} s (shift "
        f"{ranking.shift:g} s). Its loss without a method is by how much the shifted mean would grow."
    )
    columns = [
        Column("method"),
        Column("fastest on", "whole"),
        Column("solves alone", "whole"),
        Column("loss without it", "percent"),
    ]
    return Table("virtual-best", "Virtual best and contributions", caption, columns, rows)


def pairs_table(ranking: Ranking) -> Table:
    """Every two methods: the ratio of shifted means and the test."""
    by_method = {standing.method: standing.means[ranking.shift] for standing in ranking.standings}
    rows = [
        (a, b, (by_method[a] + ranking.shift) / (by_method[b] + ranking.shift), ranking.p_value(a, b))
        for a, b in combinations(ranking.methods, 2)
    ]
    columns = [Column("method"), Column("against"), Column("ratio of shifted means", "number"), Column("p", "p")]
    caption = "Wilcoxon's signed-rank test of every two methods, not adjusted for their number."
    return Table("pairs", "Pairs", caption, columns, rows)
