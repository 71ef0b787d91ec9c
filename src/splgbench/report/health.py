"""Does the measurement hold? Claims against checks, drift of the machine, overhead of the harness, manifest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from statistics import median

from splgbench.report.charts import NEUTRAL, Axis, Chart, Series
from splgbench.report.curves import size_axis
from splgbench.report.measures import RESOLUTION_S, quantile
from splgbench.report.quarantine import Quarantine
from splgbench.report.records import Records
from splgbench.report.tables import Cell, Column, Table
from splgbench.result import Status

BUDGET_S = 0.25
"""Seconds a run that the harness may cost, solve not counted."""


def statuses(records: Records) -> Table:
    """How the runs ended, by method."""
    counts = {method: Counter(run.status for run in records.runs if run.method == method) for method in records.methods}
    met = [status for status in reversed(Status) if any(status in count for count in counts.values())]
    rows: list[list[Cell]] = [[method, *(count[status] for status in met)] for method, count in counts.items()]
    columns = [Column("method"), *(Column(str(status), "whole") for status in met)]
    return Table("statuses", "How runs ended", "After the exact check, wrong answers first.", columns, rows)


def accusations(quarantine: Quarantine) -> Table:
    """Wrong and contradictory answers."""
    rows = [
        (kind, found.run.instance, found.run.label, found.text)
        for kind, several in (("wrong", quarantine.wrong), ("contradiction", quarantine.contradictory))
        for found in several
    ]
    columns = [Column("kind"), Column("instance"), Column("run"), Column("what cannot be right")]
    caption = "Their methods are ranked nowhere, and they enter no average."
    return Table("accusations", "Wrong and contradictory answers", caption, columns, rows)


def failures(quarantine: Quarantine) -> Table:
    """Runs that ended in an error or out of memory."""
    rows = [(str(run.status), run.instance, run.label, run.row["message"]) for run in quarantine.failed]
    columns = [Column("status"), Column("instance"), Column("run"), Column("message")]
    return Table("failures", "Failures", "They count as unsolved, at the limit.", columns, rows)


def honesty(records: Records) -> Table:
    """What methods claim minus what the check finds."""
    rows = []
    for method in records.methods:
        runs = [run for run in records.runs if run.method == method]
        value = [
            run.row["claimed_primal"] - run.primal
            for run in runs
            if run.row["claimed_primal"] is not None and run.primal is not None
        ]
        under = [
            run.primal - run.row["claimed_dual"]
            for run in runs
            if run.row["claimed_dual"] is not None and run.primal is not None
        ]
        unmet = sum(run.row["claimed_primal"] is not None and run.primal is None for run in runs)
        rows.append(
            (
                method,
                len(value),
                min(value, default=None),
                max(value, default=None),
                sum(difference > 0.5 for difference in value),
                unmet,
                sum(difference > 0.5 for difference in under),
            )
        )
    columns = [
        Column("method"),
        Column("values checked", "whole"),
        Column("least claimed minus checked", "number"),
        Column("largest claimed minus checked", "number"),
        Column("claims above the check", "whole"),
        Column("claims without an allocation", "whole"),
        Column("bounds below the checked value", "whole"),
    ]
    caption = (
        "In utility units. Below 0: the exact polish found more in the same mandates. Above 0: the solver's "
        "tolerances made the value better than it is. Differences of more than half a unit are counted."
    )
    return Table("honesty", "Honesty: claimed minus checked", caption, columns, rows)


def harness(records: Records) -> Table:
    """Planned cell to stored result, minus the solve."""
    taken = [run.row["harness_s"] for run in (*records.runs, *records.references) if run.ran]
    values = [value for value in taken if value is not None]
    rows = []
    if values:
        within = sum(value < BUDGET_S for value in values) / len(values)
        rows.append((len(values), median(values), quantile(values, 0.95), max(values), within))
    columns = [
        Column("runs", "whole"),
        Column("median s", "number"),
        Column("95 % below s", "number"),
        Column("largest s", "number"),
        Column(f"below {BUDGET_S} s", "percent"),
    ]
    caption = f"Seconds a run from planned cell to stored result, the solve not counted; the budget is {BUDGET_S} s."
    return Table("harness", "Overhead of the harness", caption, columns, rows)


def memory(records: Records, looks: Mapping[str, int]) -> Chart:
    """Peak memory against the number of offers."""
    sizes = {digest: row["offers"] for digest, row in records.instances.items()}
    names = {digest: row["instance"] for digest, row in records.instances.items()}
    series = []
    for method in records.methods:
        peaks: dict[str, list[float]] = defaultdict(list)
        for run in records.runs:
            if run.method == method and run.row["peak_memory_mb"] is not None and run.instance_hash in sizes:
                peaks[run.instance_hash].append(run.row["peak_memory_mb"])
        ordered = sorted(peaks, key=lambda digest: (sizes[digest], digest))
        x, y = [sizes[digest] for digest in ordered], [median(peaks[digest]) for digest in ordered]
        series.append(Series(method, x, y, looks[method], "points", texts=[names[digest] for digest in ordered]))
    return Chart(
        "memory",
        "Memory against size",
        "Largest resident memory of a run's processes, the median of an instance's runs.",
        size_axis(sizes[run.instance_hash] for run in records.runs if run.instance_hash in sizes),
        Axis("MB", log=True),
        series,
        "No run's memory was measured.",
    )


def drift_table(records: Records) -> Table:
    """The spread of the reference run."""
    runs = [run for run in records.references if run.ran]
    times = [max(run.wall_time, RESOLUTION_S) for run in runs]
    rows = []
    if times:
        first = runs[0]
        rows.append(
            (
                f"{first.method} on {first.instance}",
                len(times),
                min(times),
                median(times),
                max(times),
                max(times) / min(times),
            )
        )
    columns = [
        Column("reference run"),
        Column("runs", "whole"),
        Column("least s", "seconds"),
        Column("median s", "seconds"),
        Column("largest s", "seconds"),
        Column("largest / least", "seconds"),
    ]
    caption = "One fixed run at intervals; a spread means that the machine was not equally fast all the time."
    return Table("drift", "Drift of the reference run", caption, columns, rows)


def drift_chart(records: Records) -> Chart:
    """The reference run over the time of the campaign."""
    runs = [run for run in records.references if run.ran]
    begins = [datetime.fromisoformat(run.row["began"]) for run in runs]
    hours = [(moment - begins[0]).total_seconds() / 60 for moment in begins]
    times = [max(run.wall_time, RESOLUTION_S) for run in runs]
    middle = median(times)
    return Chart(
        "drift",
        "Drift of the reference run",
        "Wall time of the reference run, over its median.",
        Axis("minutes since the first"),
        Axis("time / median"),
        [
            Series("median", [min(hours), max(hours)], [1.0, 1.0], NEUTRAL),
            Series("reference run", hours, [time / middle for time in times], 0, "line+points", in_legend=False),
        ],
    )


def manifest(records: Records) -> Table:
    """What the sessions ran under."""
    rows: list[tuple[str, str]] = []
    for number, session in enumerate(records.sessions, 1):
        given = session["manifest"]
        machine = given["machine"]
        prefix = f"session {number}: " if len(records.sessions) > 1 else ""
        rows += [
            (f"{prefix}began", session["began"]),
            (f"{prefix}ended", session["ended"] or "killed"),
            (f"{prefix}command", given["command"]),
            (f"{prefix}executor", f"{given['executor']}, {given['workers']} at a time"),
            (f"{prefix}machine", f"{machine['processor']}, {machine['memory_mb']} MB, {machine['system']}"),
            (f"{prefix}versions", ", ".join(f"{name} {version}" for name, version in given["versions"].items())),
            (f"{prefix}git commit", str(given["git_commit"])),
            (f"{prefix}code", str(given["code"])),
            (f"{prefix}seeds", ", ".join(map(str, given["seeds"]))),
        ]
    caption = "What the runs can be repeated from; splgbench store export writes every run as a table."
    return Table("manifest", "Manifest", caption, [Column("what"), Column("value")], rows)
