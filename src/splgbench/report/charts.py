"""A figure before anything draws it: the page and the papers' files show the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

COLOURS = ("#0D4095", "#7E2600", "#08A361", "#E665B2", "#975BFF", "#A99300", "#1A1A1A")
"""Told apart by the colour-blind, and each at a contrast of 3 to 1 against white (WCAG 2.1, non-text contrast)."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "triangle-down")
BAND = 0.15
"""Opacity of a band."""
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
    x, y : the points; a y of None is a gap, and so is what is not above 0 on a logarithmic axis.
    number : of its look; `NEUTRAL` for helping lines.
    low, high : a band around the line; empty for none.
    texts : one a point, shown beside it or when it is pointed at; "\n" parts lines.
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

    def shows(self, value: float | str | None) -> bool:
        """Whether there is a place for a value."""
        return value is not None and (not self.log or (isinstance(value, int | float) and value > 0))


@dataclass(frozen=True)
class Chart:
    """A figure.

    Parameters
    ----------
    key : names its files and its place in the page.
    caption : what is shown, how it is measured, and what to beware of.
    if_empty : said in place of a figure without a point.
    least_width : pixels that the page gives it even where it is narrower.
    """

    key: str
    title: str
    caption: str
    x: Axis
    y: Axis
    series: Sequence[Series] = field(default=())
    if_empty: str = "There is nothing to draw."
    least_width: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is no point that the axes can show, helping lines not counted."""
        return not any(self._shown())

    @property
    def all_x(self) -> list[float | str]:
        """The x of all series."""
        return [value for series in self.series for value in series.x]

    @property
    def all_y(self) -> list[float | None]:
        """The y of all series."""
        return [value for series in self.series for value in series.y]

    def _shown(self) -> Iterator[bool]:
        for series in self.series:
            if series.number != NEUTRAL:
                for x, y in zip(series.x, series.y, strict=True):
                    yield self.x.shows(x) and self.y.shows(y)
