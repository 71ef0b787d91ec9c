"""What lies beside the page: tables, figures, logs; charts, lattice and traces as numbers."""

from __future__ import annotations

import csv
import hashlib
import html
import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.stores_for_tests import a_run, a_store, golden_runs, records_of

from splgbench.cli import main
from splgbench.report import lattice
from splgbench.report.axes import log_span, log_ticks
from splgbench.report.charts import COLOURS, DASHES, MARKERS, look
from splgbench.report.content import gather
from splgbench.report.figures import write_figure
from splgbench.report.lattice import LpBound
from splgbench.report.page import render
from splgbench.report.plotly_spec import as_plotly
from splgbench.report.tables import Column, Table, as_csv, as_latex
from splgbench.report.trace_plot import MOST_POINTS, Traced, gap_chart, trace_chart
from splgbench.report.write import WRITTEN


def test_the_command_writes_page_tables_figures_and_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command, and its exit code tells of wrong answers."""
    store = a_store(tmp_path / "golden.sqlite", golden_runs())
    assert main(["report", str(store), "-o", str(tmp_path / "one"), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["wrong"], said["contradictions"], said["failures"]) == (3, 3, 1)
    files = [path.relative_to(tmp_path / "one") for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()]
    names = set(map(str, files))
    for stem in ("profile", "gap-over-time", "cactus", "scatter", "scaling-time", "scaling-gap", "memory", "drift"):
        assert {f"figures/{stem}.svg", f"figures/{stem}.pdf"} <= names
    for stem in ("leaderboard", "virtual-best", "pairs", "honesty", "harness", "drift", "statuses", "accusations"):
        assert {f"tables/{stem}.csv", f"tables/{stem}.tex"} <= names
    assert sum(name.startswith("logs/") for name in names) == 19
    assert "logs/00000001-golden.txt" in names


def test_the_same_store_gives_the_same_bytes(tmp_path: Path) -> None:
    """Page and figures hold no time of day, and nothing of where they were made."""
    stems = (tmp_path / "one", tmp_path / "two")
    pages = []
    for stem in stems:
        content = gather(
            records_of(stem.with_suffix(".sqlite"), [{**r, "run_key": r["method"]} for r in _three()]), 10.0
        )
        pages.append(render(content, {}, plotly=""))
        write_figure(content.boards[0].charts[0], stem)
    assert pages[0] == pages[1]
    assert str(tmp_path) not in pages[0]
    for kind in (".svg", ".pdf"):
        assert stems[0].with_suffix(kind).read_bytes() == stems[1].with_suffix(kind).read_bytes()


def _three() -> list[dict[str, Any]]:
    return [a_run(method, wall=wall) for method, wall in (("a@x", 1.0), ("b@x", 2.0), ("c@x", 4.0))]


def test_bad_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No store, an empty one, a shift of 0, a folder that cannot be: exit code 2, nothing of a traceback."""
    store = a_store(tmp_path / "s.sqlite", [a_run("a@x")])
    empty = a_store(tmp_path / "empty.sqlite", [])
    (tmp_path / "file").write_text("")
    for given in (
        [str(tmp_path / "none.sqlite"), "-o", str(tmp_path / "r")],
        [str(empty), "-o", str(tmp_path / "r")],
        [str(store), "-o", str(tmp_path / "r"), "--shift", "0"],
        [str(store), "-o", str(tmp_path / "file" / "r")],
    ):
        assert main(["report", *given]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_method_without_anything_to_show(tmp_path: Path) -> None:
    """One method, one run, no trace, no log, no reference run: a page all the same."""
    records = records_of(tmp_path / "s.sqlite", [a_run("a@x", log="")])
    content = gather(records, 10.0)
    assert {chart.key for chart in content.boards[0].charts} == {"profile", "cactus", "scaling-time", "scaling-gap"}
    page = render(content, {}, plotly="")
    assert "No LP bounds were measured" in page
    assert "No wrong answers, no contradictions, no failures in 1 run." in page


def test_text_from_the_store_cannot_break_the_page(tmp_path: Path) -> None:
    """Names and messages are text wherever they stand."""
    hostile = "</script><script>alert(1)</script><b>&"
    runs = [a_run("a@x", hostile, "error", message=hostile), a_run("b@x", hostile)]
    page = render(gather(records_of(tmp_path / "s.sqlite", runs), 10.0), {}, plotly="")
    assert "<script>alert" not in page
    assert page.count("</script>") == 3


def test_tables_as_csv_and_latex() -> None:
    """Values in full for machines, short and escaped for papers."""
    table = Table("t", "A_table", "100 %", [Column("a & b"), Column("gap", "percent")], [("x_1", 0.12345), ("y", None)])
    assert list(csv.reader(as_csv(table).splitlines())) == [["a & b", "gap"], ["x_1", "0.12345"], ["y", ""]]
    latex = as_latex(table)
    for line in (r"\caption{A\_table. 100 \%}", r"a \& b & gap \\", r"x\_1 & 12.3 \% \\", r"y & - \\"):
        assert line in latex


def test_names_in_latex() -> None:
    """Nothing of a name ends a row, a paragraph or the caption, is an argument of what stands before it, or is lost."""
    names = (
        "[4pt] x",
        "*",
        "a\n\nb",
        "n\0l",
        "\\end{tabular}",
        "$x^2$ ~ # _ & {",
        "<a | b>",
        "--no",
        "?`",
        "z\u00fcrich",
    )
    table = Table("t", "[4pt]\n\nt", "c", [Column("[4pt]"), Column("p", "p")], [(name, 0.0001) for name in names])
    latex = as_latex(table)
    assert "\n\n" not in latex
    assert r"\caption{{[}4pt] t. c}" in latex
    body = latex.partition("\\toprule\n")[2].partition("\n    \\bottomrule")[0].splitlines()
    assert [line.partition(r" & \textless{} 0.001 \\")[0].strip() for line in body] == [
        r"{[}4pt] & p \\",
        r"\midrule",
        r"{[}4pt] x",
        r"{*}",
        r"a b",
        r"n?l",
        r"\textbackslash{}end\{tabular\}",
        r"\$x\textasciicircum{}2\$ \textasciitilde{} \# \_ \& \{",
        r"\textless{}a \textbar{} b\textgreater{}",
        r"-{}-no",
        r"?{`}",
        "z\u00fcrich",
    ]


def test_numbers_have_the_digits_they_mean() -> None:
    """Whole numbers in full, floats beyond their precision with an exponent: no cell has three hundred digits."""
    whole, gap, ratio = Column("", "whole"), Column("", "percent"), Column("", "seconds")
    assert [whole.shown(value) for value in (2**62, 1234.0, 1.5e300, -1e300)] == [
        "4,611,686,018,427,387,904",
        "1,234",
        "1.5e+300",
        "-1e+300",
    ]
    assert [gap.shown(value) for value in (0.0, 0.00031, 0.5, 12.5, 1e300)] == [
        "0 %",
        "0.031 %",
        "50.0 %",
        "1,250.0 %",
        "1e+302 %",
    ]
    assert [ratio.shown(value) for value in (1.5, 1e300)] == ["1.50", "1e+300"]


def test_what_an_earlier_report_left(tmp_path: Path) -> None:
    """Tables, figures and logs that the new report does not have go; what somebody else put or changed there stays."""
    folder = tmp_path / "r"
    golden = a_store(tmp_path / "golden.sqlite", golden_runs())
    plain = a_store(tmp_path / "plain.sqlite", [a_run("a@x", log="")])
    assert main(["report", str(golden), "-o", str(folder)]) == 1
    (folder / "tables" / "notes.csv").write_text("mine\n")
    (folder / "figures" / "drift.svg").write_text("changed by hand")
    (folder / "mine.txt").write_text("mine\n")
    assert main(["report", str(plain), "-o", str(folder)]) == 0
    assert main(["report", str(plain), "-o", str(tmp_path / "fresh")]) == 0
    theirs = {Path("tables/notes.csv"), Path("figures/drift.svg"), Path("mine.txt")}
    assert _files(folder) - theirs == _files(tmp_path / "fresh")
    assert theirs <= _files(folder)
    assert not (folder / "logs").exists()


def test_a_list_of_files_that_lies(tmp_path: Path) -> None:
    """What the list names outside of the report's own folders is not touched, and no list is no trouble."""
    store = a_store(tmp_path / "s.sqlite", [a_run("a@x", log="")])
    folder = tmp_path / "r"
    outside = [tmp_path / "outside.txt", folder / "mine.txt"]
    folder.mkdir()
    for text in ("{", '{"files": 3}'):
        (folder / WRITTEN).write_text(text)
        assert main(["report", str(store), "-o", str(folder)]) == 0
    for path in outside:
        path.write_text("mine")
    digest = hashlib.sha256(b"mine").hexdigest()
    names = ("../outside.txt", "tables/../mine.txt", "mine.txt", "tables/..", str(outside[0]))
    (folder / WRITTEN).write_text(json.dumps({"files": dict.fromkeys(names, digest)}))
    assert main(["report", str(store), "-o", str(folder)]) == 0
    assert all(path.read_text() == "mine" for path in outside)


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_names_in_figures(tmp_path: Path) -> None:
    """Names are drawn as they are: no formula, no markup, no line that is left out of the legend."""
    for name in ("_x", r"$\bad$", "<b>", "a\nb", "%{x}"):
        chart = trace_chart("k", "t", [Traced(name, name, 0, [(1.0, 5.0, 9.0, "s")], 2.0, 5, 9.0)])
        (svg, _) = write_figure(chart, tmp_path / "figure")
        assert f"<!-- {' '.join(name.split())} -->" in html.unescape(svg.read_text("utf-8"))
        drawn = as_plotly(chart)["data"][0]
        assert html.unescape(drawn["name"]) == " ".join(name.split())
        assert "<b>" not in drawn["name"]
        assert drawn["hovertemplate"].count("%{") == 2


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((0.015, 15.0), [0.03, 0.1, 0.3, 1, 3, 10]),
        ((76.0, 180.0), [80, 90, 100, 120, 140, 160, 180]),
        ((345, 3684), [500, 700, 1000, 1500, 2000, 3000]),
        ((100.0, 100.0), [50, 70, 100, 150, 200]),
        ((100.0, 103.0), [100, 100.5, 101, 101.5, 102, 102.5, 103]),
        ((0.0, None, -1.0), [1, 2, 5, 10]),
    ],
)
def test_logarithmic_axes_have_marks(values: tuple[float | None, ...], ticks: list[float]) -> None:
    """Within a decade, too, an axis has several round numbers, and all values lie on it."""
    low, high = log_span(values)
    assert log_ticks(low, high) == pytest.approx(ticks)
    assert all(low <= value <= high for value in values if value is not None and value > 0)


def test_logarithmic_axes_never_have_many_marks() -> None:
    """From three hundredths of a per cent to six hundred decades."""
    for exponent in range(-12, 300):
        low, high = log_span([1.0, 1.0 + 10.0**exponent])
        assert 3 <= len(log_ticks(low, high)) <= 15
    assert len(log_ticks(1e-300, 1e300)) <= 10


def test_colours_are_seen() -> None:
    """WCAG 2.1 asks for 3 to 1 against the ground; the colour-blind tell the colours apart (Machado et al. 2009)."""
    dichromats = {
        "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
        "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
        "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    }
    linear = {colour: _linear(colour) for colour in COLOURS}
    assert all(1.05 / (_luminance(rgb) + 0.05) >= 3 for rgb in linear.values())
    for matrix in dichromats.values():
        seen = [_lab(np.clip(np.array(matrix) @ rgb, 0, 1)) for rgb in linear.values()]
        assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 25


def _linear(colour: str) -> np.ndarray:
    coded = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def _luminance(rgb: np.ndarray) -> float:
    return float(rgb @ [0.2126, 0.7152, 0.0722])


def _lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB from linear sRGB, D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ rgb / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_looks_differ() -> None:
    """Methods differ in more than colour: of a hundred looks no two are the same; neighbours differ in all three."""
    looks = [look(number) for number in range(100)]
    assert len({(one.colour, one.dash, one.marker) for one in looks}) == 100
    assert all(a.colour != b.colour and a.dash != b.dash and a.marker != b.marker for a, b in pairwise(looks))
    assert len(set(DASHES)) == 6
    assert len(set(MARKERS)) == 8


def test_a_trace_as_a_chart() -> None:
    """Primal solid, dual dotted, one entry a method; the judged result ends it, and long traces are thinned."""
    trace = [(float(i), float(i), 2000.0 - i, "s") for i in range(1, 1000)]
    chart = trace_chart("k", "t", [Traced("a", f"seed {s}", 0, trace, 1000.0, 1100, 1150.0) for s in (0, 1)])
    assert [series.in_legend for series in chart.series] == [True, False, False, False]
    assert [series.dash for series in chart.series] == ["solid", "dot"] * 2
    assert all(len(series.x) == MOST_POINTS + 1 for series in chart.series)
    assert (chart.series[0].x[-1], chart.series[0].y[-1]) == (1000.0, 1100)
    assert chart.y.span == (1000.0, 1250.0)
    assert as_plotly(chart)["data"][1]["line"]["dash"] == "dot"


def test_a_trace_that_is_still_going() -> None:
    """Without an end it stops at its last event; without any event there is nothing to draw."""
    running = Traced("a", "", 0, [(1.0, None, 50.0, "s"), (2.0, 10.0, 50.0, "s")])
    assert [list(series.x) for series in trace_chart("k", "t", [running]).series] == [[2.0], [1.0]]
    assert trace_chart("k", "t", [Traced("a", "", 0, [])]).series == []
    close = Traced("a", "", 0, [(1.0, None, 9e9, "s"), (2.0, 1000.0, 1001.0, "s")])
    assert trace_chart("k", "t", [close], margin=0.01).y.span == (990.0, 1011.0)


def test_gaps_over_time() -> None:
    """By hand: unknown until there are both bounds, then per cents of the value; a judged gap of 0 ends the line."""
    trace = [(1.0, None, 150.0, "s"), (2.0, 100.0, 150.0, "s"), (3.0, 100.0, 150.0, "s"), (4.0, 100.0, 110.0, "s")]
    going = gap_chart("k", "t", [Traced("a", "", 0, trace)]).series[0]
    assert (list(going.x), list(going.y)) == ([2.0, 4.0], [50.0, 10.0])
    done = gap_chart("k", "t", [Traced("a", "", 0, trace, 5.0, 105, 105.0)]).series[0]
    assert (list(done.x), list(done.y)) == ([2.0, 4.0, 5.0], [50.0, 10.0, None])
    assert gap_chart("k", "t", [Traced("a", "", 0, trace[:1], 5.0)]).empty


def _bounds(**given: tuple[float, ...]) -> list[LpBound]:
    return [LpBound(f"i{i}", f"i{i}", name, b, 0.0) for name, bounds in given.items() for i, b in enumerate(bounds)]


def test_the_order_of_lp_bounds() -> None:
    """d below b and c, which no one ranks, below a; e is a's equal; nothing leads from a straight to d."""
    relaxations = _bounds(a=(10, 10), b=(10, 20), c=(20, 10), d=(30, 30), e=(10, 10))
    bounds = lattice.by_formulation(relaxations)
    assert lattice.classes(bounds) == [["a", "e"], ["b"], ["c"], ["d"]]
    assert lattice.covering(bounds, list("abcd")) == [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
    chart = lattice.lattice_chart([*relaxations, LpBound("i0", "i0", "f", None, 0.0, "has no LP")], {"i0": 10, "i1": 8})
    nodes = chart.series[-1]
    assert nodes.texts[0] == "a, e\n12.50 % above the best value"
    assert list(nodes.y) == [0.0, -1.0, -1.0, -2.0]
    assert len(chart.series) == 5


def test_a_declared_order_that_measurement_breaks_is_told() -> None:
    """`strengthened` says it is nowhere weaker than `linked`; bounds that say otherwise stand in the caption."""
    relaxations = _bounds(linked=(10,), strengthened=(11,))
    assert ("strengthened", "linked") in lattice.broken_claims(lattice.by_formulation(relaxations))
    assert "measured weaker: strengthened than linked" in lattice.lattice_chart(relaxations, {}).caption


def test_lp_bounds_are_measured_on_the_campaigns_instances(tmp_path: Path) -> None:
    """The instance is made again from the stored campaign file, and only if it still is what ran."""
    from splgbench import load

    campaign = (
        'name = "c"\n[[instances]]\nnames = "easy"\n[[methods]]\nnames = "linked@highs"\n[limits]\nwall_time = 1\n'
    )
    digest = load("easy").instance_hash
    runs = [a_run("linked@highs", "easy", instance_hash=digest, primal=112_391_421)]
    records = records_of(tmp_path / "s.sqlite", runs, campaign_file=campaign)
    (bound,) = lattice.measure(records)
    assert bound.formulation == "linked"
    assert bound.bound is not None
    assert 112_391_421 <= bound.bound < 112_500_000
    changed = records_of(tmp_path / "t.sqlite", [a_run("linked@highs", "easy")], campaign_file=campaign)
    assert lattice.measure(changed) == []


def test_instances_of_one_size_are_told_apart(tmp_path: Path) -> None:
    """Two instances with as many offers are two points of the scaling plot."""
    runs = [a_run("a@x", instance) for instance in ("one", "two")]
    content = gather(records_of(tmp_path / "s.sqlite", runs), 10.0)
    scaling = next(chart for chart in content.boards[0].charts if chart.key == "scaling-time")
    assert scaling.series[0].texts == ["one", "two"]
