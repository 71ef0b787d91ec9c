"""Numbers as people read them: never more digits than they mean."""

from __future__ import annotations

HUGE = 1e15
"""From here on a float's last digits are no longer those of the value."""


def amount(value: float) -> str:
    """A whole number with separators; 1.3e+300 where a float has more digits than it knows."""
    if isinstance(value, int):
        return f"{value:,d}"
    return f"{value:,.0f}" if abs(value) < HUGE else f"{value:.4g}"


def money(cents: int | None) -> str:
    """An amount in whole cents, with separators and two decimals; - where it is unknown."""
    if cents is None:
        return "-"
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,d}.{rest:02d}"


def percent(fraction: float | None) -> str | None:
    """A gap: 0 %, 0.0031 %, 12.3 %, 1.2e+12 %; None where it is unknown."""
    if fraction is None:
        return None
    if fraction == 0:
        return "0 %"
    shown = 100 * fraction
    form = ".2g" if abs(shown) < 1 or abs(shown) >= 1e9 else ",.1f"
    return f"{shown:{form}} %"
