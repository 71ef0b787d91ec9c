"""Two stores of the same campaign, before and after a change, cell by cell."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from splgbench.campaign.fairness import differing
from splgbench.report.boards import FEW_INSTANCES
from splgbench.report.measures import capped_gap
from splgbench.report.quarantine import Accusation, quarantine_of
from splgbench.report.records import Records, Run
from splgbench.report.significance import log_ratios, signed_rank
from splgbench.report.tables import Cell, Column, Table

Pair = tuple[Run, Run]
"""A cell's run before and after."""


@dataclass(frozen=True)
class Change:
    """What became of one method.

    Parameters
    ----------
    pairs : cells that both stores have, but for those in `refuted`.
    refuted : cells in which an answer of either store cannot be right; they enter nothing else.
    solved : tasks solved before and after.
    gap : mean gap at the limit before and after; None without a pair.
    ratio : of shifted times, after / before, geometric mean over cells under equal terms; None without any.
    p_value : Wilcoxon's signed-rank test over instances.
    counters : deterministic counters (nodes, iterations, ...) that moved: name, cells in which it did, median ratio.
    values : cells in which the checked value or the bound moved.
    """

    method: str
    pairs: int
    refuted: int
    solved: tuple[int, int]
    gap: tuple[float, float] | None
    ratio: float | None
    p_value: float | None
    counters: tuple[tuple[str, int, float], ...]
    values: int


@dataclass(frozen=True)
class Comparison:
    """Two stores against each other.

    Parameters
    ----------
    changes : by method.
    old_accusations, new_accusations : wrong and contradictory answers of the first store and of the second, each also
        against answers of the other.
    only_before, only_after : cells that one store alone has.
    differing : terms in which cells differ between the stores, with the values met.
    drift : median of the reference run after / before; None where a store has none.
    """

    changes: Sequence[Change]
    old_accusations: Sequence[Accusation]
    new_accusations: Sequence[Accusation]
    only_before: int
    only_after: int
    differing: dict[str, list[object]]
    drift: float | None


def compare(before: Records, after: Records, shift: float) -> Comparison:
    """Compare the cells that two stores share, whatever versions they ran under.

    Parameters
    ----------
    shift : of times, seconds.
    """
    first = {str(run.row["cell_key"]): run for run in before.runs}
    second = {str(run.row["cell_key"]): run for run in after.runs}
    pairs = [(first[key], run) for key, run in second.items() if key in first]
    old, new = _accusations(before, after)
    accused = {id(accusation.run) for accusation in (*old, *new)}
    by_method: dict[str, list[Pair]] = {run.method: [] for _, run in pairs}
    refuted: Counter[str] = Counter()
    unequal: dict[str, list[object]] = defaultdict(list)
    for pair in pairs:
        if any(id(run) in accused for run in pair):
            refuted[pair[1].method] += 1
            continue
        by_method[pair[1].method].append(pair)
        for term, values in _unequal(pair).items():
            unequal[term] += [value for value in values if value not in unequal[term]]
    references = [
        median([run.wall_time for run in records.references if run.ran and id(run) not in accused] or [0.0])
        for records in (before, after)
    ]
    return Comparison(
        changes=[_change(method, found, refuted[method], shift) for method, found in by_method.items()],
        old_accusations=old,
        new_accusations=new,
        only_before=len(first.keys() - second.keys()),
        only_after=len(second.keys() - first.keys()),
        differing=dict(unequal),
        drift=references[1] / references[0] if all(references) else None,
    )


def _unequal(pair: Pair) -> dict[str, list[object]]:
    return differing(run.row["terms"] for run in pair if run.ran)


def _change(method: str, pairs: Sequence[Pair], refuted: int, shift: float) -> Change:
    timed = [pair for pair in pairs if not _unequal(pair)]
    logs = log_ratios([b.seconds for _, b in timed], [a.seconds for a, _ in timed], shift)
    by_instance: dict[str, list[float]] = defaultdict(list)
    for (_, run), value in zip(timed, logs, strict=True):
        by_instance[run.instance_hash].append(value)
    return Change(
        method=method,
        pairs=len(pairs),
        refuted=refuted,
        solved=(sum(a.solved for a, _ in pairs), sum(b.solved for _, b in pairs)),
        gap=(fmean(capped_gap(a.gap) for a, _ in pairs), fmean(capped_gap(b.gap) for _, b in pairs)) if pairs else None,
        ratio=math.exp(fmean(logs)) if logs else None,
        p_value=signed_rank([fmean(values) for values in by_instance.values()]) if logs else None,
        counters=_counters(pairs),
        values=sum((a.primal, a.dual) != (b.primal, b.dual) for a, b in pairs),
    )


def _counters(pairs: Sequence[Pair]) -> tuple[tuple[str, int, float], ...]:
    """Of cells that both sides solved: where a limit cuts in, counters depend on the clock."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for before, after in pairs:
        if before.solved and after.solved:
            old, new = before.row["counters"], after.row["counters"]
            for name in old.keys() & new.keys():
                if old[name] != new[name]:
                    ratios[name].append((new[name] + 1) / (old[name] + 1))
    return tuple((name, len(values), median(values)) for name, values in sorted(ratios.items()))


def _accusations(before: Records, after: Records) -> tuple[list[Accusation], list[Accusation]]:
    """The runs of either store that are wrong or that any run of either store refutes."""
    ours = {id(run) for run in (*after.runs, *after.references)}
    runs = (*before.runs, *before.references, *after.runs, *after.references)
    found = quarantine_of(runs, lambda run: f"{'after' if id(run) in ours else 'before'}, {run.key[:8]}")
    accusations = (*found.wrong, *found.contradictory)
    return [one for one in accusations if id(one.run) not in ours], [one for one in accusations if id(one.run) in ours]


def change_table(comparison: Comparison, shift: float) -> Table:
    """The changes, method by method."""
    rows: list[list[Cell]] = [
        [
            change.method,
            change.pairs,
            change.refuted,
            *change.solved,
            *(change.gap or (None, None)),
            change.ratio,
            change.p_value,
            change.values,
            "; ".join(f"{name} in {cells}, median x {ratio:.3g}" for name, cells, ratio in change.counters) or None,
        ]
        for change in comparison.changes
    ]
    columns = [
        Column("method"),
        Column("cells", "whole"),
        Column("refuted", "whole"),
        Column("solved before", "whole"),
        Column("after", "whole"),
        Column("gap before", "percent"),
        Column("after", "percent"),
        Column("time ratio", "seconds"),
        Column("p", "p"),
        Column("answers moved", "whole"),
        Column("counters moved"),
    ]
    caption = (
        "Refuted: cells in which either answer cannot be right; they enter nothing else. "
        f"Time ratio: after / before, geometric mean of shifted times, shift {shift:g} s, time-outs included; p: "
        f"Wilcoxon's signed-rank test over instances (below {FEW_INSTANCES} instances it cannot reach 5 %). Counters "
        "are compared where both sides solve."
    )
    return Table("before-after", "Before and after", caption, columns, rows)
