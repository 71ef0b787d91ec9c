"""Pictures of the library: demand against capacity by area, curves of what a recipe was fitted to, heat maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from splgbench.errors import InputError
from splgbench.files import written_whole
from splgbench.instance import Instance
from splgbench.solver_libraries import load_optional
from splgbench.volumes import pairs

SUFFIXES = (".svg", ".png")
_STYLE: dict[str, Any] = {"font.family": "DejaVu Sans", "font.size": 8, "text.usetex": False, "svg.fonttype": "none"}
_DEMAND, _CAPACITY = "#4c72b0", "#c9cfd8"
_WIDTH = 48
"""Characters of the longest bar."""


@dataclass(frozen=True)
class AreaLoad:
    """One area's demand and the capacity that stands against it, in cases.

    Parameters
    ----------
    demand : sum of B_c over the area's cells.
    capacity : sum over its hospital-areas of what they can treat: the least of Q_{h,a} (modes area, both) and the sum
        of K_k (modes group, both); the demand itself in the mode none.
    """

    area: str
    demand: int
    capacity: int


def area_loads(instance: Instance) -> list[AreaLoad]:
    """Demand and capacity of every area, the largest demand first."""
    demand, capacity = (np.zeros(instance.n_areas, dtype=np.int64) for _ in range(2))
    np.add.at(demand, instance.group_area[instance.cell_group], instance.demand)
    pair = pairs(instance)
    room = np.full(len(pair.capacity), np.iinfo(np.int64).max)
    if instance.limits_groups:
        room = np.zeros(len(pair.capacity), dtype=np.int64)
        np.add.at(room, pair.of_offer, instance.capacity)
    if instance.limits_areas:
        room = np.minimum(room, pair.capacity)
    if instance.capacity_mode == "none":
        capacity = demand
    else:
        np.add.at(capacity, pair.area, room)
    loads = map(AreaLoad, instance.areas, demand.tolist(), capacity.tolist())
    return sorted(loads, key=lambda load: (-load.demand, load.area))


def text_bars(loads: Sequence[AreaLoad]) -> Iterator[str]:
    """A line an area: demand as full blocks, capacity beyond it as light ones, a bar where demand exceeds capacity."""
    most = max((max(load.demand, load.capacity) for load in loads), default=0)
    width = max((len(load.area) for load in loads), default=0)
    for load in loads:
        needed, there = (-(-value * _WIDTH // max(1, most)) for value in (load.demand, load.capacity))
        bar = "█" * min(needed, there) + "░" * max(0, there - needed) + "▒" * max(0, needed - there)
        times = f"{load.capacity / load.demand:.2f}" if load.demand else "-"
        yield f"  {load.area:<{width}}  {bar:<{_WIDTH}}  {load.demand:>9,} needed {load.capacity:>9,} there  {times:>5}"


def draw_bars(loads: Sequence[AreaLoad], title: str, path: Path) -> None:
    """Demand against capacity by area as a figure.

    Raises
    ------
    InputError
        Another suffix than those of `SUFFIXES`.
    MissingSolverError
        Matplotlib is not installed.
    """
    with _figure(path, (5.2, 1.1 + 0.19 * len(loads))) as figure:
        axes = figure.add_subplot()
        places = np.arange(len(loads))
        axes.barh(places, [load.capacity for load in loads], height=0.8, color=_CAPACITY, label="capacity")
        axes.barh(places, [load.demand for load in loads], height=0.45, color=_DEMAND, label="demand")
        axes.set_yticks(places, [load.area for load in loads])
        axes.invert_yaxis()
        axes.set_xlabel("cases")
        axes.set_title(title, fontsize=8, loc="left")
        axes.legend(frameon=False, fontsize=7, loc="lower right")
        for text in axes.get_yticklabels():
            text.set_parse_math(False)


def draw_curves(panels: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """Empirical distributions, one panel a quantity, one curve an instance; raises as `draw_bars` does.

    Parameters
    ----------
    panels : by the quantity's name, by the curve's name, the values.
    """
    with _figure(path, (2.5 * len(panels), 2.6)) as figure:
        for number, (title, curves) in enumerate(panels.items(), 1):
            axes = figure.add_subplot(1, len(panels), number)
            for position, (name, values) in enumerate(curves.items()):
                ranked = sorted(values)
                heights = [(rank + 1) / len(ranked) for rank in range(len(ranked))]
                axes.step(ranked, heights, where="post", label=name, linewidth=1.6 if position == 0 else 0.9)
            if min(min(values) for values in curves.values()) > 0:
                axes.set_xscale("log")
            axes.set_title(title, fontsize=8)
            if number == 1:
                axes.set_ylabel("share at most so large")
                axes.legend(frameon=False, fontsize=6)


def draw_maps(
    maps: Mapping[str, Sequence[Sequence[float | None]]],
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    written: Callable[[float], str],
    path: Path,
    per_row: int,
) -> None:
    """Heat maps on one logarithmic scale of gaps from 0.001 % to 100 %; raises as `draw_bars` does.

    Parameters
    ----------
    maps : by title, rows of values as fractions; None where nothing was measured.
    rows, columns : name and labels of the two axes.
    written : a value as text.
    per_row : maps beside each other.
    """
    colours = load_optional("matplotlib.colors", "matplotlib", "report")
    lines = -(-len(maps) // per_row)
    with _figure(path, (2.45 * per_row, 2.5 * lines)) as figure:
        for number, (title, values) in enumerate(maps.items(), 1):
            axes = figure.add_subplot(lines, per_row, number)
            shown = [[math.nan if value is None else min(1.0, max(1e-5, value)) for value in row] for row in values]
            axes.imshow(shown, norm=colours.LogNorm(1e-5, 1), cmap="YlOrRd", aspect="auto", origin="lower")
            for i, row in enumerate(values):
                for j, value in enumerate(row):
                    text = "-" if value is None else written(value)
                    axes.text(j, i, text, ha="center", va="center", fontsize=5.5, color="#222222")
            axes.set_xticks(range(len(columns[1])), columns[1])
            axes.set_yticks(range(len(rows[1])), rows[1])
            if number > len(maps) - per_row:
                axes.set_xlabel(columns[0])
            if number % per_row == 1:
                axes.set_ylabel(rows[0])
            axes.set_title(title, fontsize=7.5)


@contextmanager
def _figure(path: Path, size: tuple[float, float]) -> Iterator[Any]:
    """A figure that is written to `path` when the block ends; the same figure gives the same bytes."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"must end in {' or '.join(SUFFIXES)}", str(path))
    matplotlib = load_optional("matplotlib", "matplotlib", "report")
    figure_module = load_optional("matplotlib.figure", "matplotlib", "report")
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": path.name}):
        figure = figure_module.Figure(figsize=size, layout="constrained")
        yield figure
        with written_whole(path) as draft:
            kind = path.suffix.removeprefix(".")
            figure.savefig(draft, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else {})
