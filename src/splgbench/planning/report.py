"""The report of a project: one HTML file that needs nothing else, with the tables and plots of every step."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from splgbench.errors import OutputError
from splgbench.files import parse_csv, read_text, write_text
from splgbench.planning.hospital_list import TOTAL
from splgbench.planning.project import Project
from splgbench.planning.schemas import SCENARIOS
from splgbench.readable import amount, percent
from splgbench.report import markup
from splgbench.report.charts import NEUTRAL, Axis, Chart, Series
from splgbench.report.figures import write_figure
from splgbench.report.tables import Cell, Column, Form, Table

PAGE = "index.html"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
_FRACTIONS = {"coverage", "largest_share", "share", "part", "r2", "cost_share"}
_PROBABILITIES = {"overdispersion_p"}
_SECTIONS = (
    ("need", "Need"),
    ("forecast", "Forecast"),
    ("eligibility", "Eligibility"),
    ("benefit", "Benefit"),
    ("list", "Hospital list"),
    ("overrides", "Decisions"),
    ("dialogue", "Volume dialogue"),
    ("stability", "Stability"),
)
Rows = dict[str, list[Cell]]


def write_report(project: Project, out: Path, folder: Path) -> Path:
    """Write `index.html` and the plots; returns the page.

    Parameters
    ----------
    out : where the steps wrote. folder : where the report goes.

    Raises
    ------
    OutputError
        A file cannot be written.
    MissingSolverError
        Matplotlib is not installed.
    """
    page = folder / PAGE
    write_text(page, _page(project, out, folder))
    return page


def _page(project: Project, out: Path, folder: Path) -> str:
    bodies = {
        "need": lambda: _need(project, out, folder),
        "forecast": lambda: _forecast(out, folder),
        "eligibility": lambda: _eligibility(out),
        "benefit": lambda: _benefit(out),
        "list": lambda: _list(out, folder),
        "overrides": lambda: _overrides(out),
        "dialogue": lambda: _dialogue(out),
        "stability": lambda: _stability(project, out, folder),
    }
    style = files("splgbench.report").joinpath("page.css").read_text("utf-8")
    items = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in _SECTIONS)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(project.title)}: plan</title>",
        f"<style>{style} figure img {{ max-width: 100%; height: auto; }}</style>",
        f"</head><body><header><h1>{escape(project.title)}</h1>{_kind(project)}</header>",
        f'<nav aria-label="Sections"><ul>{items}</ul></nav><main>',
        _verdict(project, out),
    ]
    for anchor, title in _SECTIONS:
        parts.append(f"<section>{markup.heading(2, title, anchor)}{''.join(bodies[anchor]())}</section>")
    return "\n".join([*parts, "</main></body></html>\n"])


def _kind(project: Project) -> str:
    told = {
        "real": "The project says that its data are real.",
        "semi-synthetic": "Semi-synthetic: real figures beside assumed and generated ones. Not a plan for anyone.",
        "synthetic": "Synthetic: generated figures. Not a plan for anyone.",
    }[project.kind]
    sources = f" Sources: {'; '.join(project.sources)}." if project.sources else ""
    return markup.paragraph(told + sources, "soft")


def _verdict(project: Project, out: Path) -> str:
    rules = project.allocation
    coverage = _read(out / "overrides" / "coverage.csv")
    solution = json.loads(read_text(out / "overrides" / "solution.json"))
    last = {name: cells[-1] for name, cells in coverage.items()}
    proof = "proved optimal" if solution["dual"] == solution["primal"] else f"bound {solution['dual']}"
    share = percent(last["coverage"] if isinstance(last["coverage"], float | int) else None)
    words = (
        f"{last['mandates']} mandates cover {share} of {amount(_number(last['need']))} cases needed in {rules.year} "
        f"(scenario {rules.scenario}); benefit {solution['primal'] / solution['utility_scale']:,.0f} points, {proof}, "
        f"by {solution['method']}."
    )
    costs = _read(out / "overrides" / "costs.csv")
    if costs.get("effect"):
        effect, canton = _number(costs["effect"][-1]), _number(costs["canton_effect"][-1])
        words += f" Against the status quo: CHF {amount(effect)} a year, of which the canton {amount(canton)}."
    return f"<section>{markup.heading(2, 'Verdict', 'verdict')}{markup.paragraph(words, 'verdict good')}</section>"


# Sections


def _need(project: Project, out: Path, folder: Path) -> Iterator[str]:
    rules = project.need
    caption = (
        f"Specification {rules.specification}, fitted on {rules.fitted_on} regions; interval {rules.level:.0%} of the "
        "residual. Over-use counts where it is screened; reductions are rounded down."
    )
    found = _read(out / "need" / "need.csv")
    yield markup.table(_table("need", "Need", caption, _with_totals(found, "group")))
    diagnostics = _read(out / "need" / "diagnostics.csv")
    numbers = sorted({int(_number(cell)) for cell in diagnostics["specification"]})
    points = [
        Series(
            f"specification {number}",
            [str(g) for g, n in zip(diagnostics["group"], diagnostics["specification"], strict=True) if n == number],
            [_optional(r) for r, n in zip(diagnostics["r2"], diagnostics["specification"], strict=True) if n == number],
            number - 1,
            "points",
        )
        for number in numbers
    ]
    yield _figure(
        Chart(
            "need-r2",
            "Deviance explained by specification",
            "Share of the deviance of a constant rate (Poisson) that each specification explains.",
            Axis("group"),
            Axis("deviance explained", percent=True),
            points,
            least_width=900,
        ),
        folder,
    )
    low, high = min(map(_number, found["observed"])), max(map(_number, found["observed"]))
    yield _figure(
        Chart(
            "need-residual",
            "Observed and expected cases of the planning region",
            "A group above the line has more cases than its population explains.",
            Axis("expected cases", log=True),
            Axis("observed cases", log=True),
            [
                Series("as expected", [max(low, 1), max(high, 1)], [max(low, 1), max(high, 1)], NEUTRAL),
                Series(
                    "groups", list(map(_number, found["expected"])), list(map(_number, found["observed"])), 0, "points"
                ),
            ],
        ),
        folder,
    )
    yield markup.table(
        _table(
            "diagnostics",
            "Regressions",
            "Dispersion: Pearson's chi-squared by degrees of freedom; p: test for overdispersion; Cook's distance of "
            "the region that pulls most.",
            diagnostics,
        )
    )


def _forecast(out: Path, folder: Path) -> Iterator[str]:
    found = _read(out / "forecast" / "forecast.csv")
    sums: dict[tuple[str, int], list[float]] = {}
    for scenario, year, mean, days, beds in zip(
        *(found[name] for name in ("scenario", "year", "mean", "bed_days", "beds")), strict=True
    ):
        held = sums.setdefault((str(scenario), int(_number(year))), [0.0, 0.0, 0.0])
        for at, cell in enumerate((mean, days, beds)):
            held[at] += _number(cell)
    years = sorted({year for _, year in sums})
    yield _figure(
        Chart(
            "forecast",
            "Cases by scenario, all groups",
            "Sum of the expected cases of all groups.",
            Axis("year"),
            Axis("cases"),
            [
                Series(name, years, [sums[name, year][0] for year in years], number, "line+points")
                for number, name in enumerate(SCENARIOS)
            ],
        ),
        folder,
    )
    rows: list[list[Cell]] = [[name, year, round(h[0]), round(h[1]), h[2]] for (name, year), h in sums.items()]
    columns = [Column("scenario"), Column("year"), Column("cases", "whole"), Column("bed days", "whole")]
    beds = [*columns, Column("beds", "number")]
    yield markup.table(Table("scenarios", "Scenarios", "Sums over all groups.", beds, rows))
    yield markup.table(_table("forecast", "Forecast", "Interval by simulation.", found))


def _eligibility(out: Path) -> Iterator[str]:
    offers = _read(out / "eligibility" / "offers.csv")
    refusals = _read(out / "eligibility" / "refusals.csv")
    refused = len(
        {*zip(refusals["hospital"], refusals["group"], strict=True)}
        - {*zip(offers["hospital"], offers["group"], strict=True)}
    )
    yield markup.paragraph(f"{len(offers['group'])} applications are offers, {refused} are refused.")
    yield markup.table(
        _table("refusals", "Requirements that are not met", "Waived: a planner admitted the application.", refusals)
    )
    rows = [row for row, waived in enumerate(offers["exemption"]) if waived]
    admitted = {name: [cells[row] for row in rows] for name, cells in offers.items()}
    if rows:
        yield markup.table(_table("admitted", "Admitted applications", "With exemption, reason and author.", admitted))


def _benefit(out: Path) -> Iterator[str]:
    found = _read(out / "benefit" / "scores.csv")
    caption = "Points a case. explained.txt beside this table takes every score apart."
    yield markup.table(_table("scores", "Benefit of offers", caption, found))


def _list(out: Path, folder: Path) -> Iterator[str]:
    mandates = _read(out / "overrides" / "mandates.csv")
    caption = "Volumes are agreed only under volume dialogue; cases are those of the allocation."
    yield markup.table(_table("mandates", "Mandates", caption, mandates))
    coverage = _read(out / "overrides" / "coverage.csv")
    yield markup.table(
        _table("coverage", "Coverage and concentration", "HHI: sum of squared shares, 1 for one hospital.", coverage)
    )
    rows = [row for row, group in enumerate(coverage["group"]) if group != TOTAL]
    yield _figure(
        Chart(
            "unmet",
            "Need and allotted cases by group",
            "What lies between the two is unmet.",
            Axis("group"),
            Axis("cases", log=True),
            [
                Series(
                    name,
                    [str(coverage["group"][row]) for row in rows],
                    [_number(coverage[name][row]) for row in rows],
                    number,
                    "points",
                )
                for number, name in enumerate(("need", "allotted"))
            ],
            least_width=900,
        ),
        folder,
    )
    for name, title, told in (
        ("travel", "Travel", "Mean minutes of a case from home; a hospital's patients are taken to live as all do."),
        (
            "costs",
            "Cost effect",
            "CHF a year against the status quo; negative is a saving. Cases times the hospital's cost.",
        ),
    ):
        table = _read(out / "overrides" / f"{name}.csv")
        if table["group"]:
            yield markup.table(_table(name, title, told, table))


def _overrides(out: Path) -> Iterator[str]:
    found = _read(out / "overrides" / "prices.csv")
    if not found["decision"]:
        yield markup.paragraph("No decision deviates from the allocation.")
        return
    caption = "Cost: benefit lost against the allocation without decisions, in utility units; below 0 it is a gain."
    yield markup.table(_table("decisions", "What decisions cost", caption, found))


def _dialogue(out: Path) -> Iterator[str]:
    path = out / "volume_dialogue" / "monitor.csv"
    if path.is_file():
        caption = (
            "Rows without a hospital are the region's. Exceeded in: month in which the projection passes the target."
        )
        yield markup.table(_table("monitor", "Volumes so far", caption, _read(path)))
    else:
        yield markup.paragraph("There are no actual cases yet.")
    found = _read(out / "volume_dialogue" / "withdrawals.csv")
    if found["hospital"]:
        yield markup.table(_table("withdrawals", "What if a hospital withdraws", "Against the plan.", found))


def _stability(project: Project, out: Path, folder: Path) -> Iterator[str]:
    found = _read(out / "stability" / "prices.csv")
    order = sorted(
        range(len(found["price"])), key=lambda row: -_number(found["price"][row]) if found["mandate"][row] else 1
    )
    held = {name: [cells[row] for row in order if found["mandate"][row]] for name, cells in found.items()}
    caption = (
        f"Benefit lost if the mandate is refused, in utility units; it flips within "
        f"{percent(project.stability.epsilon)} of the optimum."
    )
    yield markup.table(_table("prices", "Price of each mandate", caption, held))
    loose = {
        name: [
            cell
            for cell, mandate, flips in zip(cells, found["mandate"], found["flips"], strict=True)
            if flips and not mandate
        ]
        for name, cells in found.items()
    }
    if loose["group"]:
        told = "Offers without a mandate that could hold one at a loss within the same margin."
        yield markup.table(_table("near", "Offers in the balance", told, loose))
    yield markup.table(
        _table(
            "sensitivity",
            "Weights and scenarios",
            "Gained and lost mandates against the plan.",
            _read(out / "stability" / "sensitivity.csv"),
        )
    )
    spread = _read(out / "stability" / "across.csv")
    loose = {
        name: [cell for cell, steady in zip(cells, spread["steady"], strict=True) if not steady]
        for name, cells in spread.items()
    }
    if loose["group"]:
        told = "Part of these settings in which an offer holds a mandate, where that is neither none nor all."
        yield markup.table(_table("across", "Mandates that depend on weights and scenarios", told, loose))


# Parts


def _figure(chart: Chart, folder: Path) -> str:
    """A plot as SVG inside the page; its files stand beside it for papers."""
    if chart.empty:
        return markup.paragraph(chart.if_empty)
    try:
        (folder / "figures").mkdir(exist_ok=True)
        written = write_figure(chart, folder / "figures" / chart.key)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None
    data = base64.b64encode(written[0].read_bytes()).decode()
    image = f'<img alt="{escape(chart.title)}" src="data:image/svg+xml;base64,{data}">'
    caption = f"<figcaption>{escape(chart.caption)}</figcaption>"
    return f"<figure><h3>{escape(chart.title)}</h3>{markup.scrolled(chart.title, image)}{caption}</figure>"


def _table(key: str, title: str, caption: str, columns: Mapping[str, Sequence[Cell]]) -> Table:
    shown = [Column(name.replace("_", " "), _form(name, cells)) for name, cells in columns.items()]
    return Table(key, title, caption, shown, list(zip(*columns.values(), strict=True)))


def _form(name: str, cells: Sequence[Cell]) -> Form:
    known = [cell for cell in cells if cell is not None]
    if not known or any(isinstance(cell, str) for cell in known) or name == "year":
        return "text"
    if name in _FRACTIONS:
        return "percent"
    if name in _PROBABILITIES:
        return "p"
    return "whole" if all(isinstance(cell, int) for cell in known) else "number"


def _with_totals(columns: Rows, key: str) -> Rows:
    """A last row of the sums of what are cases."""
    summed = ("observed", "expected", "residual", "overuse", "reduction", "need")
    return {
        name: [*cells, TOTAL if name == key else sum(map(_number, cells)) if name in summed else None]
        for name, cells in columns.items()
    }


def _read(path: Path) -> Rows:
    """A table that a step wrote, numbers as numbers, empty cells as None."""
    table = parse_csv(path.stem, str(path), read_text(path))
    texts = {"hospital", "group", "region"}
    return {name: [_parsed(cell, name in texts) for cell in cells] for name, cells in table.columns.items()}


def _parsed(cell: str, is_text: bool) -> Cell:
    if cell == "":
        return None
    if is_text:
        return cell
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _NUMBER.fullmatch(cell) else cell


def _number(cell: Cell) -> float:
    return cell if isinstance(cell, int | float) else 0.0


def _optional(cell: Cell) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None
