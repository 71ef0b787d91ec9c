"""Everything a report shows, gathered once: the page and the papers' files are made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from splgbench.report import boards, curves, health, lattice
from splgbench.report.charts import Chart
from splgbench.report.comparable import comparable_groups, differences
from splgbench.report.lattice import LpBound
from splgbench.report.quarantine import Quarantine, quarantine
from splgbench.report.ranking import Ranking, rank
from splgbench.report.records import Records
from splgbench.report.tables import Table


@dataclass(frozen=True)
class Board:
    """A ranking with its tables and figures."""

    ranking: Ranking
    tables: Sequence[Table]
    charts: Sequence[Chart]


@dataclass(frozen=True)
class Content:
    """What a report shows.

    Parameters
    ----------
    boards : one for each group of comparable runs, the largest first.
    differing : the terms that keep the groups apart, with the values met.
    charts, tables : of the whole store, by key.
    looks : number of each method's look.
    """

    records: Records
    quarantine: Quarantine
    boards: Sequence[Board]
    differing: Mapping[str, Sequence[object]]
    charts: Mapping[str, Chart]
    tables: Mapping[str, Table]
    looks: Mapping[str, int] = field(default_factory=dict)


def gather(records: Records, shift: float, relaxations: Sequence[LpBound] | None = None) -> Content:
    """Compute everything.

    Parameters
    ----------
    shift : of the geometric mean that is ranked by, seconds.
    relaxations : measured LP bounds; None where they were not asked for.
    """
    looks = {method: number for number, method in enumerate(records.methods)}
    found = quarantine(records)
    groups = comparable_groups(records.runs)
    rankings = [rank(group, records, shift, found.methods) for group in groups]
    charts = [health.memory(records, looks)]
    if any(run.ran for run in records.references):
        charts.append(health.drift_chart(records))
    tables = [
        health.accusations(found),
        health.failures(found),
        health.statuses(records),
        health.drift_table(records),
        health.honesty(records),
        health.harness(records),
        health.manifest(records),
    ]
    if relaxations is not None:
        charts.append(lattice.lattice_chart(relaxations, records.best))
        tables.append(lattice.bounds_table(relaxations))
    return Content(
        records,
        found,
        [_board(ranking, looks) for ranking in rankings],
        differences(groups),
        {chart.key: chart for chart in charts},
        {table.key: table for table in tables},
        looks,
    )


def _board(ranking: Ranking, looks: Mapping[str, int]) -> Board:
    if not ranking.standings:
        return Board(ranking, (), ())
    methods = ranking.methods
    charts = [curves.performance_profile(ranking, looks)]
    if ranking.records.traced:
        charts.append(curves.gap_bands(ranking, looks))
    charts.append(curves.cactus(ranking, looks))
    if len(methods) > 1:
        charts.append(curves.scatter(ranking, methods[0], methods[1]))
    charts += curves.scaling(ranking, looks)
    tables = [boards.leaderboard(ranking), boards.virtual_best_table(ranking), boards.pairs_table(ranking)]
    return Board(ranking, tables, charts)
