"""What the imputed cases imply, hospital by hospital, against the published figures."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from splgbench.hashing import csv_line
from splgbench.instance import IntArray
from splgbench.sources.switzerland_offers import Offers

_COLUMNS = (
    "hospital",
    "type",
    "discharges",
    "case_mix_published",
    "case_mix_start",
    "case_mix_imputed",
    "case_mix_start_error_percent",
    "case_mix_error_percent",
    "days_published",
    "days_start",
    "days_imputed",
    "days_start_error_percent",
    "days_error_percent",
    "beds_published",
    "beds_imputed",
)


def error_table(offers: Offers) -> str:
    """CSV text: a row a hospital, then a row of means.

    `start` is the mix before fitting. The case-mix index was fitted to, within limits; the days were not, so they test
    the mix. Weights and stays are of other years than the figures: one factor each brings their sums over the country
    to the published ones. Beds are those of the imputed days at the hospital's own occupancy. Errors are in percent of
    the published figure; their means, without sign, are weighted by discharges.
    """
    imputation = offers.imputation
    hospitals = imputation.hospitals
    indices = [Fraction(hospital.case_mix, 10**6) for hospital in hospitals]
    days = [Fraction(hospital.days) for hospital in hospitals]
    discharges = [hospital.discharges for hospital in hospitals]
    mixes = (imputation.start, imputation.cases)
    implied_indices = [_levelled(_means(mix, imputation.weight), indices, discharges) for mix in mixes]
    implied_days = [
        [value * cases for value, cases in zip(per_case, discharges, strict=True)]
        for per_case in (
            _levelled(_means(mix, imputation.stay), [d / n for d, n in zip(days, discharges, strict=True)], discharges)
            for mix in mixes
        )
    ]
    errors = [
        [_error(value, published) for value, published in zip(values, figures, strict=True)]
        for values, figures in (
            (implied_indices[0], indices),
            (implied_indices[1], indices),
            (implied_days[0], days),
            (implied_days[1], days),
        )
    ]
    lines: list[tuple[str, ...]] = [_COLUMNS]
    for row, hospital in enumerate(hospitals):
        beds = Fraction(hospital.beds, 1000)
        lines.append(
            (
                hospital.key,
                hospital.kind,
                str(hospital.discharges),
                _decimal(indices[row] or None, 3),
                *(_decimal(values[row], 3) for values in implied_indices),
                *(_decimal(column[row], 1) for column in errors[:2]),
                str(hospital.days),
                *(_decimal(values[row], 0) for values in implied_days),
                *(_decimal(column[row], 1) for column in errors[2:]),
                _decimal(beds, 0),
                _decimal(beds * implied_days[1][row] / days[row] if days[row] else None, 0),
            )
        )
    means = [_decimal(_mean_error(column, discharges), 1) for column in errors]
    lines.append(("(mean error)", "", str(sum(discharges)), "", "", "", *means[:2], "", "", "", *means[2:], "", ""))
    return "".join(f"{csv_line(line)}\n" for line in lines)


def _means(mix: IntArray, per_case: IntArray) -> list[Fraction]:
    """Mean of a quantity per case over each hospital's mix."""
    return [
        Fraction(int(total), int(cases))
        for total, cases in zip((mix * per_case).sum(axis=1), mix.sum(axis=1), strict=True)
    ]


def _levelled(means: Iterable[Fraction], published: Iterable[Fraction], discharges: Iterable[int]) -> list[Fraction]:
    """Means times the factor that brings their sum over all cases to the published one, where that is known."""
    rows = list(zip(means, published, discharges, strict=True))
    have = sum(mean * cases for mean, figure, cases in rows if figure)
    want = sum(figure * cases for _, figure, cases in rows)
    return [mean * want / have for mean, _, _ in rows]


def _error(value: Fraction, published: Fraction) -> Fraction | None:
    return 100 * (value - published) / published if published else None


def _mean_error(errors: Iterable[Fraction | None], discharges: Iterable[int]) -> Fraction:
    known = [(abs(error), cases) for error, cases in zip(errors, discharges, strict=True) if error is not None]
    return sum((error * cases for error, cases in known), Fraction()) / sum(cases for _, cases in known)


def _decimal(value: Fraction | None, places: int) -> str:
    """A fraction with so many decimals, half away from zero; empty for None."""
    if value is None:
        return ""
    scale = 10**places
    units = (2 * abs(value.numerator) * scale + value.denominator) // (2 * value.denominator)
    sign = "-" if value < 0 and units else ""
    return f"{sign}{units // scale}" + (f".{units % scale:0{places}d}" if places else "")
