"""Piecewise-linear functions of a whole number, and the rows that state them, in two encodings.

A function of whole t in [first_0, last_n] is affine on segments [first_j, last_j] that follow one another, first_{j+1}
= last_j + 1. So jumps and kinks lie between two whole numbers: each argument belongs to one segment, and nothing is
left to say about the ends. With V_j the value at first_j, s_j the slope and L_j = last_j - first_j,

incremental (Markowitz and Manne 1957, Econometrica 25), with binary b_j and 0 <= d_j <= L_j filled in order:

    t = first_0 + sum_j d_j + sum_{j>0} b_j                                                                       (1)
    L_{j-1} b_j <= d_{j-1},   d_j <= L_j b_j   for j > 0      (b_j <= b_{j-1} where L_{j-1} = 0)                  (2)
    f = V_0 + sum_j s_j d_j + sum_{j>0} (V_j - V_{j-1} - s_{j-1} L_{j-1}) b_j                                     (3)

sos2 (Beale and Tomlin 1970, in Proceedings of the Fifth International Conference on Operational Research), with weights
on the 2n ends in their order of which two at most, and those adjacent, are not 0. Pairs across two segments hold no
whole number between them, so that adjacency is a binary z_j for each segment, and weights are counted in L_j-ths, which
makes them whole (u_j at first_j, v_j at last_j):

    t = sum_j (first_j z_j + v_j),   sum_j z_j = 1                                                                (4)
    u_j + v_j = L_j z_j,   u_j, v_j >= 0                                                                          (5)
    f = sum_j (V_j z_j + s_j v_j)                                                                                 (6)

Both are the convex hull of the segments (Vielma, Ahmed and Nemhauser 2010, Operations Research 58, for the two
families), so their LP relaxations have the same bound. No solver's own SOS2 is used: not all have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from splgbench.coupling import RowsBuilder

Terms = Mapping[int, int]
"""Columns to coefficients."""


@dataclass(frozen=True)
class Segment:
    """An affine piece.

    Parameters
    ----------
    first, last : its arguments, both included.
    value : at `first`.
    slope : a step.
    """

    first: int
    last: int
    value: int
    slope: int

    @property
    def length(self) -> int:
        return self.last - self.first

    @property
    def end(self) -> int:
        """Value at `last`."""
        return self.value + self.slope * self.length


def joined(pieces: Iterable[Segment], low: int, high: int) -> tuple[Segment, ...]:
    """Pieces that follow one another, cut to [low, high]; neighbours on one line become one."""
    found: list[Segment] = []
    for piece in pieces:
        first, last = max(piece.first, low), min(piece.last, high)
        if first > last:
            continue
        cut = Segment(first, last, piece.value + piece.slope * (first - piece.first), piece.slope)
        before = found[-1] if found else None
        if before is not None and before.slope == cut.slope and before.end + cut.slope == cut.value:
            found[-1] = replace(before, last=cut.last)
        else:
            found.append(cut)
    return tuple(found)


def incremental(
    rows: RowsBuilder, argument: Terms, segments: Sequence[Segment], bits: int, text: str
) -> tuple[int, Terms]:
    """(1) and (2); returns f as a constant and terms, (3).

    Parameters
    ----------
    argument : t in columns that are there.
    bits : solvers in floating point count arguments in units of two to the power of this.
    text : what the function is of, for the texts of rows.
    """
    total, value, terms = dict(argument), segments[0].value, dict[int, int]()
    filled, reached = None, None
    for position, segment in enumerate(segments):
        part = rows.column(0, segment.length, bits=bits) if segment.length else None
        if position:
            before, step = segments[position - 1], rows.column(0, 1)
            total[step] = -1
            terms[step] = segment.value - before.end
            if filled is not None:
                rows.row({step: before.length, filled: -1}, None, 0, f"{text}: order")
            elif reached is not None:
                rows.row({step: 1, reached: -1}, None, 0, f"{text}: order")
            if part is not None:
                rows.row({part: 1, step: -segment.length}, None, 0, f"{text}: order")
            reached = step
        if part is not None:
            total[part] = -1
            terms[part] = segment.slope
        filled = part
    rows.row(total, segments[0].first, segments[0].first, text)
    return value, terms


def sos2(rows: RowsBuilder, argument: Terms, segments: Sequence[Segment], bits: int, text: str) -> tuple[int, Terms]:
    """(4) and (5); returns f as a constant, 0, and terms, (6). Parameters as those of `incremental`."""
    whole = rows.column(segments[0].first, segments[-1].last, bits=bits)
    rows.row({**argument, whole: -1}, 0, 0, text)
    total, chosen, terms = {whole: 1}, dict[int, int](), dict[int, int]()
    for segment in segments:
        here = rows.column(0, 1)
        chosen[here] = 1
        total[here] = -segment.first
        terms[here] = segment.value
        if segment.length:
            at_first, at_last = (rows.column(0, segment.length, bits=bits) for _ in range(2))
            rows.row({at_first: 1, at_last: 1, here: -segment.length}, 0, 0, f"{text}: adjacency")
            total[at_last] = -1
            terms[at_last] = segment.slope
    rows.row(total, 0, 0, f"{text}: weights")
    rows.row(chosen, 1, 1, f"{text}: one segment")
    return 0, terms


ENCODINGS: Mapping[str, Callable[[RowsBuilder, Terms, Sequence[Segment], int, str], tuple[int, Terms]]] = {
    "incremental": incremental,
    "sos2": sos2,
}
"""By name; the first is the one where none is asked for."""
