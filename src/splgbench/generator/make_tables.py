"""Make the tables of `splgbench.generator.fixed_point`: ``python -m splgbench.generator.make_tables [FOLDER]``.

Every value is computed to 50 decimal digits with `decimal`, whose results are the same everywhere, and rounded once to
a whole number of units of 2^-32.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from pathlib import Path

from splgbench.files import write_text
from splgbench.generator.fixed_point import (
    NODES_PER_DOUBLING,
    NODES_PER_OCTAVE,
    ONE,
    POWERS_FILE,
    QUANTILES_FILE,
    TAIL_BITS,
)

DIGITS = 50
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
_ENOUGH = Decimal(10) ** -30


@contextmanager
def _digits() -> Iterator[None]:
    with localcontext(Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)):
        yield


def powers_of_two() -> list[int]:
    """2^(i / 256) for i = 0 .. 256, in units of 2^-32."""
    with _digits():
        log_two = Decimal(2).ln()
        return [_units((log_two * i / NODES_PER_DOUBLING).exp()) for i in range(NODES_PER_DOUBLING + 1)]


def normal_quantiles() -> list[int]:
    """Upper quantiles of the standard normal in units of 2^-32.

    Node i stands at the tail probability 2^(i // 64) (64 + i % 64) / 2^39; the last is 1/2.
    """
    nodes = TAIL_BITS * NODES_PER_OCTAVE
    values = []
    with _digits():
        z = Decimal(0)
        for i in range(nodes, -1, -1):
            octave, step = divmod(i, NODES_PER_OCTAVE)
            tail = Decimal(2**octave * (NODES_PER_OCTAVE + step)) / (NODES_PER_OCTAVE * 2 ** (TAIL_BITS + 1))
            z = _quantile(tail, z)
            values.append(_units(z))
    return values[::-1]


def _quantile(tail: Decimal, z: Decimal) -> Decimal:
    """Solve Q(z) = tail by Newton's method from a z on the left of the solution, where it rises steadily (Q convex)."""
    while True:
        upper, density = _upper_tail(z)
        step = (upper - tail) / density
        z += step
        if abs(step) < _ENOUGH:
            return z


def _upper_tail(z: Decimal) -> tuple[Decimal, Decimal]:
    """Q(z) = 1/2 - phi(z) (z + z^3 / 3 + z^5 / (3 5) + ...) and the density phi(z)."""
    density = (-z * z / 2).exp() / (2 * _PI).sqrt()
    term, total, n = z, z, 1
    while term > _ENOUGH * _ENOUGH:
        n += 2
        term = term * z * z / n
        total += term
    return Decimal("0.5") - density * total, density


def _units(value: Decimal) -> int:
    return int((value * ONE).to_integral_value())


def table_text(column: str, values: list[int]) -> str:
    """A table as CSV: the node's number and its value."""
    return f"node,{column}\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values))


def make_tables(folder: Path) -> None:
    """Write both tables."""
    write_text(folder / QUANTILES_FILE, table_text("quantile", normal_quantiles()))
    write_text(folder / POWERS_FILE, table_text("power", powers_of_two()))


if __name__ == "__main__":
    make_tables(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
