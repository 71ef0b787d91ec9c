"""A figure before anything draws it: the page and the papers' files show the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Told apart by the colour-blind (Okabe and Ito 2008, without yellow, which is faint on white)."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "triangle-down")
NEUTRAL = -1
"""The look of what belongs to no method."""

Kind = Literal["line", "step", "points", "line+points"]


@dataclass(frozen=True)
class Look:
    """Colour, dash and marker; they run through cycles of different lengths, so that 168 looks differ."""

    colour: str
    dash: str
    marker: str


def look(number: int) -> Look:
    """The look of the n-th method, the same in every figure."""
    if number == NEUTRAL:
        return Look("#767676", "dot", "circle")
    return Look(COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)], MARKERS[number % len(MARKERS)])


@dataclass(frozen=True)
class Series:
    """One method's part of a figure.

    Parameters
    ----------
    x, y : the points; a y of None is a gap.
    number : of its look; `NEUTRAL` for helping lines.
    low, high : a band around the line; empty for none.
    texts : one a point, shown beside it or when it is pointed at.
    dash : in place of the look's own; "" to keep that.
    labelled : show the texts beside the points.
    hint : shown behind the name where it is pointed at.
    in_legend : False for a further part of something that is there already.
    """

    name: str
    x: Sequence[float | str]
    y: Sequence[float | None]
    number: int
    kind: Kind = "line"
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    texts: Sequence[str] = ()
    dash: str = ""
    labelled: bool = False
    hint: str = ""
    in_legend: bool = True


@dataclass(frozen=True)
class Axis:
    """An axis.

    Parameters
    ----------
    log : logarithmic.
    percent : the values are fractions, shown as per cents.
    span : lowest and highest value shown; None for what the points need.
    hidden : without line, ticks and title.
    """

    title: str
    log: bool = False
    percent: bool = False
    span: tuple[float, float] | None = None
    hidden: bool = False


@dataclass(frozen=True)
class Chart:
    """A figure.

    Parameters
    ----------
    key : names its files and its place in the page.
    caption : what is shown, how it is measured, and what to beware of.
    """

    key: str
    title: str
    caption: str
    x: Axis
    y: Axis
    series: Sequence[Series] = field(default=())
