"""Wrong valuations: `splgbench.testing.plain_value.PlainValuation` with one stage that is not right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

from splgbench.testing.mutants.base import Mutant
from splgbench.testing.plain_value import SCALE, PlainValuation, ValueTables, columns_from, half_up, rows_of


def _misread(
    table: str, rows: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> Callable[[ValueTables], ValueTables]:
    """Tables with the rows of one changed."""

    def read(tables: ValueTables) -> ValueTables:
        return {**tables, table: columns_from(rows(rows_of(tables[table])), tables[table])}

    return read


def directions_unread(tables: ValueTables) -> ValueTables:
    """More is always better."""
    return _misread("outcome_set", lambda rows: [row | {"direction": "higher"} for row in rows])(tables)


def weights_unread(tables: ValueTables) -> ValueTables:
    """All measures weigh the same."""
    return _misread("outcome_set", lambda rows: [row | {"weight": "1"} for row in rows])(tables)


def shares_unread(tables: ValueTables) -> ValueTables:
    """All conditions of a group have the same part of its cases."""

    def evenly(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        groups = [row["group"] for row in rows]
        return [row | {"share_bp": 10_000 // groups.count(row["group"])} for row in rows]

    return _misread("conditions", evenly)(tables)


def first_phase(tables: ValueTables) -> ValueTables:
    """The first phase alone is the cycle of care."""
    return _misread("cycle_costs", lambda rows: [row for row in rows if row["phase"] == "P1"])(tables)


def dearest_phase(tables: ValueTables) -> ValueTables:
    """The dearest phase alone is the cycle of care."""

    def dearest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        most: dict[tuple[str, str], dict[str, Any]] = {}
        for row in sorted(rows, key=lambda row: int(row["cost"])):
            most[row["hospital"], row["condition"]] = row
        return list(most.values())

    return _misread("cycle_costs", dearest)(tables)


def first_reference(tables: ValueTables) -> ValueTables:
    """The reference cost of the first condition is that of all."""
    first = tables["conditions"]["reference_cost"][0]
    return _misread("conditions", lambda rows: [row | {"reference_cost": first} for row in rows])(tables)


def missing_as_worst(tables: ValueTables) -> ValueTables:
    """What is missing counts no points."""
    rows = rows_of(tables["outcomes"])
    hospitals = sorted({row["hospital"] for row in rows_of(tables["cycle_costs"])})
    there = {(row["hospital"], row["condition"], row["measure"]) for row in rows}
    for measure in rows_of(tables["outcome_set"]):
        worst = measure["low" if measure["direction"] == "higher" else "high"]
        key = {name: measure[name] for name in ("condition", "measure")}
        missing = [h for h in hospitals if (h, key["condition"], key["measure"]) not in there]
        rows += [{"hospital": hospital, **key, "value": worst, "patients": 1} for hospital in missing]
    return {**tables, "outcomes": columns_from(rows, tables["outcomes"])}


def beyond_the_scale(value: Fraction, worst: Fraction, best: Fraction) -> Fraction:
    """The line of a scale goes on beyond its ends."""
    return 100 * (value - worst) / (best - worst)


def always_the_mean(_stated: Any, costs: Sequence[int]) -> Fraction:
    """A stated reference cost is not read."""
    return Fraction(sum(costs), len(costs))


def over_cost(points: Fraction, _reference: Fraction, cost: int) -> Fraction:
    """P / C, so that cases of dear conditions are worth less."""
    return points / cost


def cost_unread(points: Fraction, _reference: Fraction, _cost: int) -> Fraction:
    """Points alone."""
    return points


def times_cost(points: Fraction, reference: Fraction, cost: int) -> Fraction:
    """P C / R: the fraction upside down."""
    return points * cost / reference


def rounded_by_condition(worth: Fraction) -> Fraction:
    """Each condition is rounded by itself."""
    return Fraction(half_up(SCALE * worth), SCALE)


def _valuation(name: str, what_is_wrong: str, **stages: Any) -> Mutant:
    return Mutant(name, "valuation", what_is_wrong, lambda: replace(PlainValuation(), **stages))


VALUE_MUTANTS = (
    _valuation("value-more-is-better", "directions are not read", reads=directions_unread),
    _valuation("value-weights-unread", "all measures weigh the same", reads=weights_unread),
    _valuation("value-shares-unread", "all conditions of a group have the same share", reads=shares_unread),
    _valuation("value-first-phase", "the first phase alone is the cycle of care", reads=first_phase),
    _valuation("value-dearest-phase", "the dearest phase alone is the cycle of care", reads=dearest_phase),
    _valuation("value-first-reference", "the first reference cost is that of all conditions", reads=first_reference),
    _valuation("value-missing-worst", "what is missing counts no points", reads=missing_as_worst),
    _valuation("value-beyond-scale", "points go on beyond the ends of a scale", points=beyond_the_scale),
    _valuation("value-mean-reference", "stated reference costs are not read", reference=always_the_mean),
    _valuation("value-over-cost", "divides by cost, not by cost over its reference", worth=over_cost),
    _valuation("value-cost-unread", "leaves cost out", worth=cost_unread),
    _valuation("value-times-cost", "multiplies by cost", worth=times_cost),
    _valuation("value-rounded-early", "rounds each condition by itself", part=rounded_by_condition),
    _valuation("value-rounded-down", "rounds down", rounds=floor),
)

BY_VARIANT: Mapping[str, tuple[Mutant, ...]] = {"value": VALUE_MUTANTS}
"""By the variant that they are wrong of."""
