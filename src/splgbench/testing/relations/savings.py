"""What must hold of methods, checker and polish with shared savings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from splgbench.capabilities import Capability
from splgbench.extensions import with_extensions
from splgbench.instance import Instance
from splgbench.methods import Direct, Method
from splgbench.piecewise import ENCODINGS
from splgbench.testing.relations.agreement import AGREEMENT
from splgbench.testing.relations.base import Relation
from splgbench.testing.relations.contracts import POINTS_MOVED, differs_from_its_plain_form, other_points
from splgbench.testing.relations.monotonicity import falls
from splgbench.testing.relations.tools import TOOLS
from splgbench.testing.relations.variants import (
    by_change,
    common,
    differs,
    differs_from_plain,
    in_another_currency,
    knobs_with,
    of_variant,
)
from splgbench.testing.trial import Trial, judged, proved
from splgbench.transform import from_tables, to_tables

LP_ROUNDING = 1e-6
"""Relative allowance for LP bounds that are equal."""


def with_encoding(method: Direct, encoding: str) -> Direct:
    """The method with payments written in an encoding."""
    return replace(method, encoding=encoding, options={**method.options, "encoding": encoding})


def _encodings_differ(method: Method, trial: Trial, _: Any) -> str | None:
    if not isinstance(method, Direct):
        return None
    written = [with_encoding(method, encoding) for encoding in ENCODINGS]
    found = [trial.solve(each) for each in written]
    for result in found:
        if (broken := judged(result)) is not None:
            return broken
    optima = {each.name: result.primal for each, result in zip(written, found, strict=True) if proved(result)}
    if len(set(optima.values())) > 1:
        return f"one optimum in two encodings: {optima}"
    if Capability.RELAXATION not in method.backend.capabilities or method.formulation.needs:
        return None
    bounds = {each.name: each.lp_bound(trial.instance) for each in written}
    if max(bounds.values()) - min(bounds.values()) > LP_ROUNDING * max(1.0, *map(abs, bounds.values())):
        return f"both encodings are convex hulls, but their LP bounds are {bounds}"
    return None


def _rows(entries: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = entries["shared_savings"]["contracts"]
    return found


def easier(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """A larger share or limit, a smaller minimum or target, smaller losses."""
    row = draw(st.sampled_from(_rows(entries)))
    names = [name for name in row if name not in ("contract", "basis", "share_bp")] + ["share_bp"]
    name = draw(st.sampled_from(names))
    if name == "share_bp":
        row[name] = min(10_000, row[name] + draw(st.integers(1, 5000)))
    elif name == "most_cents":
        row[name] += draw(st.integers(1, 12))
    elif name == "loss_minimum_cents":
        row[name] += 1000
    else:
        row[name] = draw(st.integers(0, row[name] - 1)) if row[name] else 0
    return True


def unreachable(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Minima that nobody reaches, or shares of nothing."""
    for row in _rows(entries):
        losses = {"loss_minimum_cents": 10**6, "loss_share_bp": 5000}
        row |= {"minimum_cents": 10**6} if draw(st.booleans()) else {"share_bp": 0}
        row |= losses if draw(st.booleans()) else {"loss_share_bp": 0}
    return True


def out_of_place(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Norm and actual cost of a group up by the same."""
    row = draw(st.sampled_from(entries["shared_savings"]["group_costs"]))
    more = draw(st.integers(1, 9))
    own = [own for own in entries["shared_savings"].get("offer_costs", ()) if own["group"] == row["group"]]
    for each in (row, *own):
        each |= {name: each[name] + more for name in ("norm_cents", "cents") if name in each}
    return True


def in_full(draw: st.DrawFn, trial: Trial) -> tuple[Instance, Instance]:
    """All savings and losses shared in full, and the savings of a case as its utility."""
    instance = trial.instance
    units = draw(st.integers(1, 3))
    pairs = list(map(instance.offer_name, range(instance.n_offers)))
    worth = dict(zip(pairs, instance.utility.tolist(), strict=True))
    saved = {pair: draw(st.integers(-((worth[pair] - 1) // units), 4)) for pair in pairs}
    entry = {
        "group_costs": [{"group": group, "norm_cents": 20, "cents": 20} for group in instance.groups],
        "offer_costs": [{"hospital": h, "group": g, "cents": 20 - d} for (h, g), d in saved.items()],
        "contracts": [{"contract": "C", "share_bp": 10_000, "loss_share_bp": 10_000}],
        "members": [{"contract": "C"}],
        "worth_units": units,
        "worth_cents": 1,
    }
    tables = to_tables(instance.plain)
    keys = zip(tables["offers"]["hospital"], tables["offers"]["group"], strict=True)
    tables["offers"]["utility"] = [worth[pair] + units * saved[pair] for pair in keys]
    plain = from_tables(instance.plain, tables)
    return with_extensions(instance.plain, {"shared_savings": entry}), plain


SAVING = knobs_with("shared_savings", overrides=False)
SAVING_BY_YEAR = knobs_with("years", "shared_savings", overrides=False, regions=1, groups=2)
SAVINGS = (
    *common("shared_savings", SAVING),
    Relation(
        "shared savings: encodings",
        "A piecewise-linear payment is the same in every encoding, and so is its LP relaxation.",
        _encodings_differ,
        knobs=SAVING,
        own_draw=True,
    ),
    *by_change(
        "shared_savings",
        SAVING,
        ("easier", "Easier terms of a contract never lower the optimum.", falls, easier),
        ("unreachable", "What nobody reaches leaves the plain optimum.", differs_from_plain, unreachable),
        ("currency", "All cents times a whole number leave the optimum.", differs, in_another_currency),
        ("norm", "Savings alone count, not where norm and actual cost lie.", differs, out_of_place),
        ("points", POINTS_MOVED, differs, other_points("shared_savings", "contracts")),
    ),
    Relation(
        "shared savings: in full",
        "Savings and losses shared in full are utility of their cases.",
        differs_from_its_plain_form,
        in_full,
        replace(SAVING, extensions=()),
        own_draw=True,
    ),
)
IN_YEARS = (
    *of_variant(AGREEMENT, "savings by year", SAVING_BY_YEAR, "oracle"),
    *of_variant(TOOLS, "savings by year", SAVING_BY_YEAR, "checker judges"),
)

BY_VARIANT: dict[str, tuple[Relation, ...]] = {"shared_savings": SAVINGS, "savings_by_year": IN_YEARS}
"""By the extension that they are about, or several that meet."""
