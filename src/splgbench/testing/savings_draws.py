"""Draws of shared savings for tiny instances (`splgbench.testing.variant_draws`)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Tables = dict[str, dict[str, list[Any]]]
Entries = dict[str, Any]


def shared_savings(draw: st.DrawFn, tables: Tables, entries: Entries) -> dict[str, Any]:
    """One or two contracts over cases that save up to 6 cents or lose up to 4, with every field now and then."""
    offers, groups = tables["offers"], tables["groups"]
    pairs = list(zip(offers["hospital"], offers["group"], strict=True))
    factor = draw(st.sampled_from([1, 1, 2, 3]))
    cents = {group: factor * draw(st.integers(4, 9)) for group in groups["group"]}
    norm = {group: max(0, cents[group] + factor * draw(st.integers(-2, 4))) for group in groups["group"]}
    own = []
    for h, g in pairs:
        if draw(st.booleans()):
            own.append({"hospital": h, "group": g, "cents": cents[g] + factor * draw(st.integers(-2, 2))})
        elif draw(st.integers(0, 3)) == 3:
            own.append({"hospital": h, "group": g, "norm_cents": norm[g] + draw(st.integers(0, 2))})
    names = ["C1", "C2"][: draw(st.sampled_from([1, 1, 2]))]
    return {
        "group_costs": [{"group": g, "norm_cents": norm[g], "cents": cents[g]} for g in groups["group"]],
        "offer_costs": own,
        "quality": [{"hospital": h, "group": g, "points": draw(st.integers(0, 9))} for h, g in pairs],
        "contracts": [_contract(draw, name, factor) for name in names],
        "members": _members(draw, names, tables, entries),
        "worth_units": draw(st.integers(1, 3)),
        "worth_cents": draw(st.integers(1, 3)),
    }


def _contract(draw: st.DrawFn, name: str, factor: int) -> dict[str, Any]:
    share = st.sampled_from([10_000, 7500, 5000, 3333])
    row: dict[str, Any] = {"contract": name, "share_bp": draw(share)}
    if draw(st.integers(0, 2)):
        row["minimum_cents"] = factor * draw(st.sampled_from([1, 2, 3, 4, 6, 8, 10]))
    if draw(st.booleans()):
        row["most_cents"] = factor * draw(st.integers(0, 12))
    if draw(st.booleans()):
        row |= {"loss_share_bp": draw(share)}
        if draw(st.booleans()):
            row["loss_minimum_cents"] = factor * draw(st.integers(1, 6))
        if draw(st.booleans()):
            row["loss_most_cents"] = factor * draw(st.integers(0, 6))
    if draw(st.integers(0, 2)) == 2:
        row["basis"] = "above_minimum"
    if draw(st.booleans()):
        row["points"] = draw(st.integers(3, 9))
    return row


def _members(draw: st.DrawFn, names: list[str], tables: Tables, entries: Entries) -> list[dict[str, Any]]:
    """The first contract covers most; hospitals, areas, groups, regions and years now and then."""
    keys = {
        "hospital": tables["hospitals"]["hospital"],
        "area": tables["areas"]["area"],
        "group": tables["groups"]["group"],
        "region": tables.get("regions", {"region": []})["region"],
        "year": entries.get("years", {"years": []})["years"],
    }
    there = [name for name, known in keys.items() if known]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name in names:
        for _ in range(draw(st.integers(1, 2))):
            scope = draw(st.sampled_from(["", "", "hospital", *there]))
            row = {"contract": name} | ({scope: draw(st.sampled_from(keys[scope]))} if scope else {})
            found[tuple(sorted(row.items()))] = row
    return list(found.values())
