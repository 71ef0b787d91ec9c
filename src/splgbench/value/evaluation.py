"""Does a contract change the outcome? Difference-in-differences with case mix, clustered errors and a test of trends.

For unit i in period t, with cohort g(i) the period in which the unit's contract begins:

    y_it = a_i + l_t + sum_{g, t >= g} tau_{g,t} 1[g(i) = g] + x_it b + e_it          (effect)
    y_it = a_i + l_t + sum_{g, t != g - 1} d_{g,t} 1[g(i) = g] + x_it b + e_it         (event study)

a_i and l_t are effects of units and periods, x_it the case mix. Each cohort and period has an effect of its own, so
that staggered starts do not bias their mean (Goodman-Bacon 2021 shows how one common coefficient does; Wooldridge
2021 and Sun and Abraham 2021, Journal of Econometrics 225, write the two regressions). The effect of the contract is
the mean of tau over the observations under contract. The event study groups d by time since the start; the period
before the start is 0. Parallel trends: the leads, all d before that, are jointly 0 (Wald test, F with clusters - 1
degrees of freedom).

Errors are clustered (Liang and Zeger 1986, with the correction G/(G-1) (N-1)/(N-K), unit effects not counted in K);
intervals are of Student's t with G - 1 degrees of freedom (Cameron and Miller 2015, Journal of Human Resources 50).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splgbench.errors import InputError, SplgbenchError
from splgbench.instance import BoolArray, IntArray
from splgbench.planning.tables import Columns, Sheet, columns_of, sheet
from splgbench.solver_libraries import load_optional
from splgbench.value.schemas import PANEL

FloatArray = NDArray[np.float64]
Cell = tuple[int, int]
"""A cohort and a period, by their numbers."""
FEW_CLUSTERS, FEW_TREATED = 30, 10
"""Below these, clustered errors tend to be too small."""
EFFECT_COLUMNS = ("term", "estimate", "error", "low", "high", "p")


@dataclass(frozen=True)
class Estimate:
    """A coefficient or a mean of some, with its clustered error, interval and two-sided p-value."""

    term: str
    value: float
    error: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class TrendTest:
    """Joint Wald test that all leads are 0: `f` with `leads` and `degrees` degrees of freedom."""

    f: float
    leads: int
    degrees: int
    p: float


@dataclass(frozen=True)
class Evaluation:
    """What the panel says of the contract.

    Parameters
    ----------
    effect : mean effect on observations under contract, adjusted for case mix; unadjusted : without.
    events : by time since the start, from the first lead to the last period; -1, the reference, is not among them.
    case_mix : coefficients of the case mix, of the regression of the effect.
    trends : None where no unit has two periods before its start.
    level : of the intervals.
    notes : what to beware of, in words.
    """

    effect: Estimate
    unadjusted: Estimate
    events: Mapping[int, Estimate]
    case_mix: tuple[Estimate, ...]
    trends: TrendTest | None
    level: float
    observations: int
    units: int
    treated_units: int
    clusters: int
    notes: tuple[str, ...]

    def table(self) -> Columns:
        """All estimates, one a row; the test of parallel trends as its last row, with F in place of an estimate."""
        estimates = (self.effect, self.unadjusted, *self.events.values(), *self.case_mix)
        rows: list[tuple[Any, ...]] = [
            (each.term, each.value, each.error, each.low, each.high, each.p) for each in estimates
        ]
        if self.trends is not None:
            told = f"parallel trends, F({self.trends.leads}, {self.trends.degrees})"
            rows.append((told, self.trends.f, None, None, None, self.trends.p))
        return columns_of(EFFECT_COLUMNS, rows)


@dataclass(frozen=True)
class _Panel:
    """The panel as arrays over its rows; cohort -1 is never treated."""

    outcome: FloatArray
    weight: FloatArray
    unit: IntArray
    period: IntArray
    cohort: IntArray
    cluster: IntArray
    covariates: FloatArray
    names: tuple[str, ...]

    def treated(self) -> BoolArray:
        under: BoolArray = (self.cohort >= 0) & (self.period >= self.cohort)
        return under

    def cells(self, event_study: bool) -> list[Cell]:
        """Cohorts and periods that have an effect of their own."""
        rows = (self.cohort >= 0) & (self.period != self.cohort - 1) if event_study else self.treated()
        return sorted(set(zip(self.cohort[rows].tolist(), self.period[rows].tolist(), strict=True)))

    def held(self, cell: Cell) -> BoolArray:
        rows: BoolArray = (self.cohort == cell[0]) & (self.period == cell[1])
        return rows

    def within(self, columns: FloatArray) -> FloatArray:
        """Columns less their weighted means by unit: what is left when unit effects are taken out."""
        total = np.bincount(self.unit, self.weight)
        sums = np.zeros((len(total), columns.shape[1]))
        np.add.at(sums, self.unit, columns * self.weight[:, None])
        left: FloatArray = columns - (sums / total[:, None])[self.unit]
        return left


def evaluate(panel: Any, case_mix: Sequence[str] = (), level: float = 0.95) -> Evaluation:
    """Estimate the effect of the contract, its course, and whether trends were parallel before.

    Parameters
    ----------
    panel : table of this schema, with the case-mix columns as further ones.
    case_mix : names of those.
    level : of intervals, between 0 and 1.

    Raises
    ------
    InputError
        The panel breaks its schema; a contract ends; a unit is under contract from its first period on, or has no
        period under it; a unit changes its cluster; fewer than two units are under contract, or never are.
    SplgbenchError
        A case-mix column does not vary within units, or depends on others; too few clusters.
    MissingSolverError
        statsmodels is not installed.
    """
    if not 0 < level < 1:
        raise InputError(f"the level must lie between 0 and 1, not {level:g}", "evaluation")
    table = sheet(PANEL, panel, case_mix)
    data = _panel(table, tuple(case_mix))
    post, event = data.cells(event_study=False), data.cells(event_study=True)
    adjusted = _Regression(data, post, level)
    plain = adjusted if not case_mix else _Regression(data, post, level, with_case_mix=False)
    course = _Regression(data, event, level)
    events = {
        since: course.mean(f"{since:+d} periods", [cell for cell in event if cell[1] - cell[0] == since])
        for since in sorted({period - cohort for cohort, period in event})
    }
    leads = [since for since in events if since < -1]
    treated_clusters = len(set(data.cluster[data.cohort >= 0].tolist()))
    return Evaluation(
        effect=adjusted.mean("effect", post),
        unadjusted=plain.mean("effect without case mix", post),
        events=events,
        case_mix=tuple(adjusted.covariate(name) for name in case_mix),
        trends=course.trends(event, leads) if leads else None,
        level=level,
        observations=len(data.outcome),
        units=len(set(data.unit.tolist())),
        treated_units=len(set(data.unit[data.cohort >= 0].tolist())),
        clusters=adjusted.clusters,
        notes=tuple(_notes(adjusted.clusters, treated_clusters, bool(leads))),
    )


def _notes(clusters: int, treated: int, has_leads: bool) -> Iterator[str]:
    if clusters < FEW_CLUSTERS or treated < FEW_TREATED:
        yield (
            f"{clusters} clusters, {treated} of them under contract: errors may be too small below "
            f"{FEW_CLUSTERS} and {FEW_TREATED}"
        )
    if has_leads:
        yield "leads that are not rejected do not prove parallel trends: look at the width of their intervals"
    else:
        yield "no unit has two periods before its start: parallel trends cannot be tested"


def _panel(table: Sheet, names: tuple[str, ...]) -> _Panel:
    """Check what rows must hold together, and number units, periods and clusters."""
    periods = sorted(set(table["period"]))
    number = {period: at for at, period in enumerate(periods)}
    units = {unit: at for at, unit in enumerate(dict.fromkeys(table["unit"]))}
    rows_of: dict[str, list[tuple[int, int, int]]] = {}
    for row, unit, period, treated, weight in table.rows("unit", "period", "treated", "weight"):
        rows_of.setdefault(unit, []).append((period, row, treated))
        if weight <= 0:
            table.report(row, "weight", "must be above 0", weight)
    start: dict[str, int] = {}
    for unit, rows in rows_of.items():
        rows.sort()
        clusters = {table["cluster"][row] for _, row, _ in rows}
        if len(clusters) > 1:
            table.report(
                rows[0][1], "cluster", "must be the same in all periods of a unit", ", ".join(sorted(clusters))
            )
        begun = [period for period, _, treated in rows if treated]
        start[unit] = number[begun[0]] if begun else -1
        if begun and begun[0] == rows[0][0]:
            table.report(rows[0][1], "treated", "a unit must have a period before its contract", unit)
        for period, row, treated in rows:
            if begun and period > begun[0] and not treated:
                table.report(row, "treated", "a contract that has begun must not end", 0)
    contracted = sum(at >= 0 for at in start.values())
    for count, told in ((contracted, "be under contract"), (len(start) - contracted, "never be under contract")):
        if count < 2:
            table.report(None, "treated", f"at least 2 units must {told}", count)
    table.finish()
    clusters_of = [own or f"unit {unit}" for unit, own in zip(table["unit"], table["cluster"], strict=True)]
    cluster_number = {cluster: at for at, cluster in enumerate(dict.fromkeys(clusters_of))}
    return _Panel(
        outcome=np.array(table["outcome"], dtype=np.float64),
        weight=np.array(table["weight"], dtype=np.float64),
        unit=np.array([units[unit] for unit in table["unit"]], dtype=np.int64),
        period=np.array([number[period] for period in table["period"]], dtype=np.int64),
        cohort=np.array([start[unit] for unit in table["unit"]], dtype=np.int64),
        cluster=np.array([cluster_number[cluster] for cluster in clusters_of], dtype=np.int64),
        covariates=np.array([table[name] for name in names], dtype=np.float64).reshape(len(names), len(table)).T,
        names=names,
    )


class _Regression:
    """One of the two regressions, unit effects taken out; columns: effects of cells, case mix, periods."""

    def __init__(self, data: _Panel, cells: Sequence[Cell], level: float, with_case_mix: bool = True) -> None:
        self.data, self.level = data, level
        self.cells = {cell: at for at, cell in enumerate(cells)}
        self.names = data.names if with_case_mix else ()
        n_periods = int(data.period.max()) + 1
        effects = np.column_stack([data.held(cell) for cell in cells]).astype(np.float64)
        covariates = data.covariates[:, : len(self.names)]
        periods = (data.period[:, None] == np.arange(1, n_periods)).astype(np.float64)
        design = data.within(np.column_stack([effects, covariates, periods]))
        outcome = data.within(data.outcome[:, None])[:, 0]
        self._check_rank(design, len(cells))
        self.clusters = len(set(data.cluster.tolist()))
        api = load_optional("statsmodels.api", "statsmodels", "planning")
        self.fit = api.WLS(outcome, design, weights=data.weight).fit(
            cov_type="cluster", cov_kwds={"groups": data.cluster, "df_correction": True}, use_t=True
        )

    def _check_rank(self, design: FloatArray, n_effects: int) -> None:
        scale = np.abs(design).max(axis=0)
        spans = {name: scale[n_effects + at] for at, name in enumerate(self.names)}
        for name, span in spans.items():
            at = self.data.names.index(name)
            if span <= 1e-9 * max(1.0, float(np.abs(self.data.covariates[:, at]).max())):
                raise SplgbenchError(f"the case mix {name} does not vary within units: their effects hold it already")
        if np.linalg.matrix_rank(design / scale.clip(1e-300)) < design.shape[1]:
            told = (
                f"the case mix {', '.join(self.names)} depends on itself, on periods or on the contract; or "
                if self.names
                else ""
            )
            raise SplgbenchError(f"{told}a period has only units of one cohort: the effect cannot be told from it")

    def mean(self, term: str, cells: Sequence[Cell]) -> Estimate:
        """The mean of the effects of some cells, by the weight of their rows."""
        return self._estimate(term, self._weights(cells))

    def covariate(self, name: str) -> Estimate:
        """The coefficient of one column of the case mix."""
        weights = np.zeros(len(self.fit.params))
        weights[len(self.cells) + self.names.index(name)] = 1.0
        return self._estimate(name, weights)

    def trends(self, cells: Sequence[Cell], leads: Sequence[int]) -> TrendTest:
        """The joint test of the leads, grouped by time to the start."""
        degrees = self.clusters - 1
        if len(leads) > degrees:
            raise SplgbenchError(f"{len(leads)} leads cannot be tested with {self.clusters} clusters")
        rows = [self._weights([cell for cell in cells if cell[1] - cell[0] == lead]) for lead in leads]
        test = self.fit.f_test(np.array(rows))
        return TrendTest(float(test.fvalue), len(leads), degrees, float(test.pvalue))

    def _weights(self, cells: Sequence[Cell]) -> FloatArray:
        weights = np.zeros(len(self.fit.params))
        for cell in cells:
            weights[self.cells[cell]] = self.data.weight[self.data.held(cell)].sum()
        shares: FloatArray = weights / weights.sum()
        return shares

    def _estimate(self, term: str, weights: FloatArray) -> Estimate:
        test = self.fit.t_test(weights)
        low, high = test.conf_int(1 - self.level)[0]
        return Estimate(term, float(test.effect[0]), float(test.sd[0, 0]), float(low), float(high), float(test.pvalue))
