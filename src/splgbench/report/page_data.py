"""What the page's script works with: instances, runs, rankings, figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from splgbench.report.charts import Chart
from splgbench.report.curves import LONGEST_TITLE
from splgbench.report.measures import RESOLUTION_S
from splgbench.report.plotly_spec import CONFIG, as_plotly
from splgbench.report.quarantine import Quarantine
from splgbench.report.ranking import Ranking
from splgbench.report.records import Records, Run
from splgbench.report.texts import unbroken
from splgbench.report.trace_plot import MOST_POINTS, Traced, trace_chart

_POINTS = 160_000
"""Of traces that a page holds: many runs are drawn with fewer points each."""

FEATURES = (
    ("family", "family", "text"),
    ("offers", "offers", "whole"),
    ("hospitals", "hospitals", "whole"),
    ("groups", "groups", "whole"),
    ("areas", "areas", "whole"),
    ("regions", "regions", "whole"),
    ("cells", "cells", "whole"),
    ("clauses", "link clauses", "whole"),
    ("capacity_mode", "capacities", "text"),
    ("without", "rules switched off", "text"),
    ("best", "best checked value", "whole"),
    ("bound", "least bound", "whole"),
    ("instance_hash", "content hash", "text"),
)

_INSTANCE_COLUMNS = (
    ("instance", "instance", "text"),
    ("family", "family", "text"),
    ("offers", "offers", "whole"),
    ("hospitals", "hospitals", "whole"),
    ("groups", "groups", "whole"),
    ("clauses", "link clauses", "whole"),
    ("capacity_mode", "capacities", "text"),
    ("without", "rules off", "text"),
    ("best", "best value", "whole"),
    ("bound", "least bound", "whole"),
    ("gap", "gap of these", "percent"),
    ("solved", "runs solved", "whole"),
    ("of", "of", "whole"),
)

_RUN_COLUMNS = (
    ("instance", "instance", "text"),
    ("offers", "offers", "whole"),
    ("method", "method", "text"),
    ("seed", "seed", "whole"),
    ("permutation", "permutation", "whole"),
    ("limit", "limit s", "seconds"),
    ("status", "status", "text"),
    ("primal", "value", "whole"),
    ("dual", "bound", "whole"),
    ("gap", "gap", "percent"),
    ("wall", "wall s", "seconds"),
    ("build", "build s", "seconds"),
    ("memory", "MB", "whole"),
    ("log", "log", "text"),
    ("message", "message", "text"),
)


def page_data(
    records: Records,
    quarantine: Quarantine,
    rankings: Mapping[int, Ranking],
    charts: Mapping[str, Chart],
    looks: Mapping[str, int],
    logs: Mapping[str, str],
) -> dict[str, Any]:
    """Everything the script shows.

    Parameters
    ----------
    rankings : those that have two methods to choose, by their place in the page.
    charts : by their place in the page.
    logs : addresses of the runs' logs by run key.
    """
    accused = quarantine.accused
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in records.runs:
        grouped[run.instance_hash].append(run)
    place = {digest: position for position, digest in enumerate(grouped)}
    most = max(12, min(MOST_POINTS, _POINTS // max(1, sum(bool(run.trace) for run in records.runs))))
    return {
        "config": CONFIG,
        "charts": {key: as_plotly(chart) for key, chart in charts.items()},
        "rankings": {str(number): _board(ranking, place) for number, ranking in rankings.items()},
        "features": _columns(FEATURES),
        "instances": [_instance(records, runs, accused, looks, most) for runs in grouped.values()],
        "instanceColumns": _columns(_INSTANCE_COLUMNS),
        "runColumns": _columns(_RUN_COLUMNS),
        "longestTitle": LONGEST_TITLE,
        "traceCaption": trace_chart("", "", ()).caption,
        "runs": {
            "columns": ["at", "key", *(key for key, _, _ in _RUN_COLUMNS if key not in ("instance", "offers"))],
            "rows": [_run(run, place, quarantine.status(run), logs) for run in records.runs],
        },
    }


def _columns(given: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"key": key, "title": unbroken(title), "form": form} for key, title, form in given]


def _board(ranking: Ranking, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "methods": ranking.methods,
        "tasks": [place[task[0]] for task in ranking.tasks],
        "seconds": {m: [max(round(one, 3), RESOLUTION_S) for one in ranking.seconds(m)] for m in ranking.methods},
    }


def _instance(
    records: Records, runs: Sequence[Run], accused: frozenset[str], looks: Mapping[str, int], most: int
) -> dict[str, Any]:
    first = runs[0]
    features = records.instances.get(first.instance_hash, {})
    sound = [run for run in runs if run.key not in accused]
    best = records.best.get(first.instance_hash)
    bound = min((run.dual for run in sound if run.dual is not None), default=None)
    traced = [
        Traced(run.method, run.hint, looks[run.method], run.trace, run.wall_time, run.primal, run.dual)
        for run in runs
        if run.trace and run.key not in accused
    ]
    trace = trace_chart("trace", first.instance, traced, most)
    return {
        "instance": first.instance,
        **{key: features.get(key) for key, _, _ in FEATURES if key not in ("best", "bound")},
        "best": best,
        "bound": bound,
        "gap": None if best is None or bound is None or not best else max(0.0, bound - best) / abs(best),
        "solved": sum(run.solved for run in sound),
        "of": len(runs),
        "trace": None if trace.empty else as_plotly(trace),
    }


def _run(run: Run, place: Mapping[str, int], status: str, logs: Mapping[str, str]) -> list[Any]:
    row = run.row
    return [
        place[run.instance_hash],
        run.key[:8],
        run.method,
        row["seed"],
        row["permutation"],
        row["wall_time_limit_s"],
        status,
        run.primal,
        run.dual,
        None if row["gap"] is None else float(f"{row['gap']:.6g}"),
        round(run.wall_time, 3),
        round(row["build_time_s"] or 0.0, 3),
        row["peak_memory_mb"] and round(row["peak_memory_mb"], 1),
        logs.get(run.key),
        row["message"],
    ]
