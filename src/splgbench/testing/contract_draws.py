"""Draws of bundles and bonuses for tiny instances (`splgbench.testing.variant_draws`)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Tables = dict[str, dict[str, list[Any]]]
Entries = dict[str, Any]


def bundled_payment(draw: st.DrawFn, tables: Tables, _: Entries) -> dict[str, Any]:
    """One or two bundles of groups; prices of 0 to 6 cents a case, and of an episode between nothing and their sum."""
    groups = tables["groups"]["group"]
    dealt = {group: draw(st.sampled_from(["B1", "B1", "B2", ""])) if g else "B1" for g, group in enumerate(groups)}
    prices = {group: draw(st.integers(0, 6)) for group in groups}
    takes = {group: draw(st.sampled_from([1, 1, 2])) for group in groups}
    bundles = sorted({bundle for bundle in dealt.values() if bundle})
    single = {b: sum(takes[g] * prices[g] for g in groups if dealt[g] == b) for b in bundles}
    return {
        "bundles": [{"bundle": b, "cents": single[b] - draw(st.integers(0, single[b]))} for b in bundles],
        "members": [{"bundle": dealt[g], "group": g, "cases": takes[g]} for g in groups if dealt[g]],
        "group_prices": [{"group": group, "cents": cents} for group, cents in prices.items()],
        **_worth(draw),
    }


def pay_for_performance(draw: st.DrawFn, tables: Tables, entries: Entries) -> dict[str, Any]:
    """Up to three steps of one hospital or several, of 1 to 6 cases and up to 9 points, with bonuses up to 20 cents."""
    offers, groups = tables["offers"], tables["groups"]
    pairs = list(zip(offers["hospital"], offers["group"], strict=True))
    points = {pair: draw(st.integers(0, 9)) for pair in pairs}
    steps: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _ in range(draw(st.integers(1, 3))):
        step: dict[str, Any] = {"hospital": draw(st.sampled_from(tables["hospitals"]["hospital"]))}
        narrow = draw(st.sampled_from(["", "", "area", "group", "year"]))
        if narrow in ("area", "group"):
            step[narrow] = draw(st.sampled_from(groups[narrow]))
        elif narrow and "years" in entries:
            step["year"] = draw(st.sampled_from(entries["years"]["years"]))
        step["cases"] = draw(st.integers(1, 6))
        if draw(st.booleans()):
            step["points"] = draw(st.integers(0, 9))
        steps[tuple(sorted(step.items()))] = step | {"cents": draw(st.integers(0, 20))}
    return {
        "steps": list(steps.values()),
        "quality": [{"hospital": h, "group": g, "points": q} for (h, g), q in points.items()],
        **_worth(draw),
    }


def _worth(draw: st.DrawFn) -> dict[str, int]:
    return {"worth_units": draw(st.integers(1, 3)), "worth_cents": draw(st.integers(1, 3))}
