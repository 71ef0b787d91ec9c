"""The leaderboard of a group of comparable runs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from splgbench.report.comparable import Group
from splgbench.report.integrals import gap_steps, integral, primal_steps
from splgbench.report.measures import (
    SHIFTS,
    capped_gap,
    geometric_interval,
    penalised_average,
    shifted_geometric_mean,
)
from splgbench.report.profiles import Contribution, contributions, virtual_best_mean
from splgbench.report.records import Records, Run, Task
from splgbench.report.significance import holm, log_ratios, signed_rank
from splgbench.result import Status


@dataclass(frozen=True)
class Standing:
    """One method's place.

    Parameters
    ----------
    rank : from 1.
    means : shifted geometric mean of the time by shift, seconds.
    interval : 95 % interval of the mean at the ranking's shift, from the seeds; None for fewer than three.
    spread : least and largest of the seeds' means.
    par10 : seconds.
    solved : tasks.
    gap : mean gap at the limit, a fraction.
    primal_integral, primal_dual_integral : mean, seconds; None without traces.
    common : mean time over what all methods solved; None where that is nothing.
    p_value : of the difference from the first, Holm-adjusted; None for the first.
    """

    method: str
    rank: int
    means: Mapping[float, float]
    interval: tuple[float, float] | None
    spread: tuple[float, float]
    par10: float
    solved: int
    gap: float
    primal_integral: float | None
    primal_dual_integral: float | None
    common: float | None
    p_value: float | None


@dataclass(frozen=True)
class Ranking:
    """Methods on the tasks that all of them ran.

    Parameters
    ----------
    group : the runs that are ranked, and their terms.
    records : the store.
    shift : seconds; what is ranked by.
    table : runs by method and task.
    tasks : what all methods ran, in the store's order.
    left_out : methods that are not ranked, with the reason.
    dropped : tasks that some method did not run.
    """

    group: Group
    records: Records
    shift: float
    table: Mapping[str, Mapping[Task, Run]]
    tasks: tuple[Task, ...]
    left_out: Mapping[str, str]
    dropped: int

    @property
    def methods(self) -> list[str]:
        """The ranked methods, the best first."""
        return [standing.method for standing in self.standings]

    def runs(self, method: str) -> list[Run]:
        """A method's runs in the order of the tasks."""
        return [self.table[method][task] for task in self.tasks]

    def seconds(self, method: str) -> list[float]:
        """Its times, the limit where unsolved."""
        return [run.seconds for run in self.runs(method)]

    @cached_property
    def times(self) -> dict[str, list[float]]:
        """Seconds by method and task; infinite where unsolved."""
        return {method: [r.seconds if r.solved else math.inf for r in self.runs(method)] for method in self.table}

    @cached_property
    def limits(self) -> list[float]:
        """The time limit of each task."""
        first = next(iter(self.table.values()))
        return [first[task].limit for task in self.tasks]

    @cached_property
    def n_instances(self) -> int:
        return len({task[0] for task in self.tasks})

    @cached_property
    def variations(self) -> list[tuple[int, int | None, int]]:
        """Seeds, permutations and repeats met."""
        return list(dict.fromkeys(task[1:] for task in self.tasks))

    @cached_property
    def contributions(self) -> dict[str, Contribution]:
        return contributions(self.times, self.limits, self.shift)

    @cached_property
    def virtual_best(self) -> float:
        """Its shifted geometric mean."""
        return virtual_best_mean(self.times, self.limits, self.shift)

    def by_variation(self, method: str) -> list[float]:
        """The shifted geometric mean of each variation."""
        found: dict[object, list[float]] = defaultdict(list)
        for task, seconds in zip(self.tasks, self.seconds(method), strict=True):
            found[task[1:]].append(seconds)
        return [shifted_geometric_mean(values, self.shift) for values in found.values()]

    def p_value(self, first: str, second: str) -> float:
        """Wilcoxon's signed-rank test; an instance's seeds are averaged first, for they are no independent pairs."""
        ratios: dict[str, list[float]] = defaultdict(list)
        logs = log_ratios(self.seconds(first), self.seconds(second), self.shift)
        for task, value in zip(self.tasks, logs, strict=True):
            ratios[task[0]].append(value)
        return signed_rank([fmean(values) for values in ratios.values()])

    @cached_property
    def standings(self) -> list[Standing]:
        """The leaderboard, the best first."""
        if not self.tasks:
            return []
        means = {m: shifted_geometric_mean(self.seconds(m), self.shift) for m in self.table}
        ordered = sorted(means, key=lambda method: (means[method], method))
        others = ordered[1:]
        adjusted = dict(zip(others, holm([self.p_value(ordered[0], other) for other in others]), strict=True))
        return [self._standing(method, rank, adjusted.get(method)) for rank, method in enumerate(ordered, 1)]

    def _standing(self, method: str, rank: int, p_value: float | None) -> Standing:
        runs, seconds = self.runs(method), self.seconds(method)
        everywhere = [
            i for i in range(len(self.tasks)) if all(math.isfinite(times[i]) for times in self.times.values())
        ]
        seeds = self.by_variation(method)
        balanced = len(self.tasks) == self.n_instances * len(self.variations)
        return Standing(
            method=method,
            rank=rank,
            means={s: shifted_geometric_mean(seconds, s) for s in sorted({*SHIFTS, self.shift})},
            interval=geometric_interval(seeds, self.shift) if balanced else None,
            spread=(min(seeds), max(seeds)),
            par10=penalised_average(seconds, [run.solved for run in runs], self.limits),
            solved=sum(run.solved for run in runs),
            gap=fmean(capped_gap(run.gap) for run in runs),
            primal_integral=fmean(map(self._primal_integral, runs)) if self.records.traced else None,
            primal_dual_integral=fmean(map(_primal_dual_integral, runs)) if self.records.traced else None,
            common=fmean(seconds[i] for i in everywhere) if everywhere else None,
            p_value=p_value,
        )

    def _primal_integral(self, run: Run) -> float:
        if run.status is Status.INFEASIBLE:
            return run.seconds
        best = self.records.best.get(run.instance_hash)
        return integral(primal_steps(run.trace, best, run.wall_time, run.primal), run.limit)


def _primal_dual_integral(run: Run) -> float:
    return integral(gap_steps(run.trace, run.wall_time, run.gap), run.limit)


def rank(group: Group, records: Records, shift: float, banned: frozenset[str] = frozenset()) -> Ranking:
    """Rank the methods of a group on the tasks that all of them ran.

    Parameters
    ----------
    shift : seconds.
    banned : methods with wrong or contradictory answers: they are named, but enter nothing.
    """
    table: dict[str, dict[Task, Run]] = defaultdict(dict)
    for run in group.runs:
        table[run.method][run.task] = run
    left_out = _left_out(table, banned)
    for method in left_out:
        del table[method]
    everything = list(dict.fromkeys(run.task for run in group.runs if run.method in table))
    tasks = tuple(task for task in everything if all(task in column for column in table.values()))
    ordered = {method: table[method] for method in records.methods if method in table}
    return Ranking(group, records, shift, ordered, tasks, left_out, len(everything) - len(tasks))


def _left_out(table: Mapping[str, Mapping[Task, Run]], banned: frozenset[str]) -> dict[str, str]:
    """Methods that are not ranked, with the reason."""
    most = max(len(column) for column in table.values())
    found = {}
    for method, column in table.items():
        if method in banned:
            found[method] = "it has wrong or contradictory answers"
        elif all(run.status is Status.UNSUPPORTED for run in column.values()):
            found[method] = f"unsupported: {next(iter(column.values())).row['message']}"
        elif 2 * len(column) < most:
            found[method] = f"it has {len(column)} of {most} runs, too few to be compared on what all have run"
    return found
