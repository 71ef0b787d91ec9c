"""The page: one HTML file that needs nothing else, the verdict first."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files

from splgbench.report import markup
from splgbench.report.comparable import TITLED
from splgbench.report.content import Board, Content
from splgbench.report.page_data import page_data
from splgbench.report.records import Records
from splgbench.report.texts import counted
from splgbench.solver_libraries import load_optional

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
"""Nothing is fetched from anywhere."""


def render(content: Content, logs: Mapping[str, str], plotly: str | None = None) -> str:
    """The page as HTML.

    Parameters
    ----------
    logs : addresses of the runs' logs by run key.
    plotly : the plotting library's script; None for the installed one.
    """
    library = load_optional("plotly.offline", "plotly", "report").get_plotlyjs() if plotly is None else plotly
    charts = {f"{chart.key}-{n}": chart for n, board in enumerate(content.boards) for chart in board.charts}
    rankings = {n: board.ranking for n, board in enumerate(content.boards) if f"scatter-{n}" in charts}
    drawn = {key: chart for key, chart in {**charts, **content.charts}.items() if not chart.empty}
    data = page_data(content.records, content.quarantine, rankings, drawn, content.looks, logs)
    title = f"{content.records.name}: report"
    here = files("splgbench.report")
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{escape(title)}</title>",
            f"<style>{here.joinpath('page.css').read_text('utf-8')}</style>",
            "</head><body>",
            _header(content.records),
            _navigation(content),
            "<main>",
            _verdict(content),
            *(_board(board, number, content) for number, board in enumerate(content.boards)),
            _formulations(content),
            _machine(content),
            _instances(content),
            _manifest(content),
            "</main>",
            f'<script type="application/json" id="data">{markup.embedded(data)}</script>',
            f"<script>{library}</script>",
            f"<script>{here.joinpath('page.js').read_text('utf-8')}</script>",
            "</body></html>",
        ]
    )


def verdict_sentence(content: Content) -> str:
    """The verdict in one sentence."""
    found = content.quarantine
    unfinished = content.records.planned - len(content.records.runs) - len(content.records.references)
    parts = [
        _count(len(found.wrong), "wrong answer"),
        _count(len(found.contradictory), "contradiction"),
        _count(len(found.failed), "failure"),
    ]
    missing = f" {_count(unfinished, 'planned run')} still to do." if unfinished > 0 else ""
    words = ", ".join(parts)
    return f"{words[0].upper()}{words[1:]} in {_count(len(content.records.runs), 'run')}.{missing}"


def _count(number: int, noun: str) -> str:
    return counted(number, noun) if number else f"no {noun}s"


def _header(records: Records) -> str:
    began = min((str(session["began"]) for session in records.sessions), default="")[:10]
    instances = len({run.instance_hash for run in records.runs})
    line = (
        f"{counted(len(records.runs), 'run')} of {counted(len(records.methods), 'method')} on "
        f"{counted(instances, 'instance')}"
        f"{f', from {began} on' if began else ''}."
        " Every allocation is checked in whole numbers; claims are not believed."
    )
    return f"<header><h1>{escape(records.name)}</h1>{markup.paragraph(line, 'soft')}</header>"


def _navigation(content: Content) -> str:
    places = [("verdict", "verdict")]
    several = len(content.boards) > 1
    places += [(f"ranking-{n}", f"ranking {n + 1}" if several else "ranking") for n in range(len(content.boards))]
    places += [
        ("strength", "LP strength"),
        ("machine", "measurement"),
        ("instances", "instances"),
        ("manifest", "manifest"),
    ]
    items = "".join(f'<li><a href="#{anchor}">{escape(title)}</a></li>' for anchor, title in places)
    return f'<nav aria-label="Sections"><ul>{items}</ul></nav>'


def _verdict(content: Content) -> str:
    found = content.quarantine
    bad = bool(found.wrong or found.contradictory)
    parts = [
        markup.heading(2, "Verdict", "verdict"),
        markup.paragraph(verdict_sentence(content), f"verdict {'bad' if bad else 'good'}"),
    ]
    for key in ("accusations", "failures"):
        if content.tables[key].rows:
            parts += [markup.heading(3, content.tables[key].title), markup.table(content.tables[key])]
    parts += [markup.heading(3, "How runs ended"), markup.table(content.tables["statuses"])]
    if content.records.superseded:
        parts.append(markup.paragraph(f"{content.records.superseded} older runs of the same cells are left out."))
    if content.records.mixed:
        mixed = ", ".join(f"{method} ({number})" for method, number in content.records.mixed.items())
        parts.append(markup.paragraph(f"The runs of these methods are of several versions: {mixed}."))
    return f"<section>{''.join(parts)}</section>"


def _board(board: Board, number: int, content: Content) -> str:
    ranking = board.ranking
    several = len(content.boards) > 1
    title = f"Ranking {number + 1}: {_terms(board, content)}" if several else "Ranking"
    parts = [markup.heading(2, title, f"ranking-{number}")]
    if several:
        parts.append(markup.paragraph(_apart(board, content)))
    for method, reason in ranking.left_out.items():
        parts.append(markup.paragraph(f"Not ranked: {method}. {reason[0].upper()}{reason[1:]}.", "left-out"))
    if ranking.dropped:
        text = f"{_count(ranking.dropped, 'run')} of the grid are left out, for some method has not done them."
        parts.append(markup.paragraph(text))
    if not board.tables:
        left = "There is no run that all methods ran." if ranking.table else "No method is left to be ranked."
        parts.append(markup.paragraph(left))
    for table in board.tables[:2]:
        parts += [markup.heading(3, table.title), markup.table(table)]
    for chart in board.charts:
        controls = ""
        if chart.key == "scatter":
            names = [("x", "across"), ("y", "upright")]
            choices = [markup.choice(f"{axis}{number}", text, ranking.methods) for axis, text in names]
            controls = f'<div class="filters">{"".join(choices)}</div>'
        parts.append(markup.figure(chart, f"{chart.key}-{number}", controls))
    return f"<section>{''.join(parts)}</section>"


def _terms(board: Board, content: Content) -> str:
    """The terms in short, with those that differ and are not among them."""
    own = board.ranking.group
    further = [f"{term.replace('_', ' ')} {own.terms.get(term)}" for term in content.differing if term not in TITLED]
    return ", ".join([own.title, *further])


def _apart(board: Board, content: Content) -> str:
    own = board.ranking.group.terms
    words = [
        f"{term.replace('_', ' ')} ({own.get(term)} here; met: {', '.join(map(str, values))})"
        for term, values in content.differing.items()
    ]
    return f"Runs under different terms are not ranked together. What differs: {'; '.join(words)}."


def _formulations(content: Content) -> str:
    parts = [markup.heading(2, "LP strength of formulations", "strength")]
    chart = content.charts.get("lattice")
    if chart is None:
        text = "No LP bounds were measured; splgbench report --lp-bounds measures and draws them."
        parts.append(markup.paragraph(text))
    else:
        parts.append(markup.figure(chart, chart.key))
        if content.tables["lp-bounds"].rows:
            parts.append(markup.table(content.tables["lp-bounds"]))
    return f"<section>{''.join(parts)}</section>"


def _machine(content: Content) -> str:
    parts = [
        markup.heading(2, "The measurement itself", "machine"),
        markup.figure(content.charts["memory"], "memory"),
    ]
    if "drift" in content.charts:
        parts.append(markup.figure(content.charts["drift"], "drift"))
    for key in ("drift", "honesty", "harness"):
        table = content.tables[key]
        body = markup.table(table) if table.rows else markup.paragraph("The campaign has none.")
        parts += [markup.heading(3, table.title), body]
    return f"<section>{''.join(parts)}</section>"


def _instances(content: Content) -> str:
    records = content.records
    rows = records.instances.values()
    methods, statuses = records.methods, sorted({content.quarantine.status(run) for run in records.runs})
    filters = [
        markup.entry("text", "name contains", "search"),
        markup.choice("family", "family", sorted({row["family"] for row in rows}), "all"),
        markup.choice("capacity", "capacities", sorted({row["capacity_mode"] for row in rows}), "all"),
        markup.choice("without", "rules off", sorted({row["without"] or "none" for row in rows}), "all"),
        markup.entry("least", "offers from", "number"),
        markup.entry("most", "offers to", "number"),
        '<button type="button" id="reset">reset</button>',
    ]
    of_runs = [markup.choice("method", "method", methods, "all"), markup.choice("status", "status", statuses, "all")]
    return "".join(
        [
            "<section>",
            markup.heading(2, "Instances and runs", "instances"),
            markup.paragraph(
                "Choose an instance for all its runs and their bounds over time. The address of this page "
                "keeps filters, order and what is open. The filters hold for the plot of two methods, too."
            ),
            f'<div class="filters">{"".join(filters)}</div>',
            "<noscript><p>Here JavaScript is needed; splgbench store export writes the runs as tables.</p></noscript>",
            '<div id="instances-table" data-label="Instances"></div><div id="detail"></div>',
            markup.heading(3, "Runs"),
            f'<div class="filters">{"".join(of_runs)}</div>',
            '<div id="runs-table" data-label="Runs"></div>',
            "</section>",
        ]
    )


def _manifest(content: Content) -> str:
    return f"<section>{markup.heading(2, 'Manifest', 'manifest')}{markup.table(content.tables['manifest'])}</section>"
