"""Wrong readings of shared savings: in the rows of a model, in the checker, in the polish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from splgbench.coupling import WholeRows
from splgbench.testing.mutants.base import Mutant
from splgbench.testing.mutants.contracts import rows_lost
from splgbench.testing.mutants.variants import (
    checks_misread,
    checks_plain,
    polishes_plain,
    wrong_checker,
    wrong_rows,
)

Entries = dict[str, Any]


def _contracts(entries: Entries) -> Iterator[dict[str, Any]]:
    yield from entries.get("shared_savings", {}).get("contracts", ())


def minimum_exceeded(entries: Entries) -> None:
    """The minimum must be exceeded by a cent: the wrong side of a breakpoint."""
    for row in _contracts(entries):
        row["minimum_cents"] = max(1, row.get("minimum_cents", 0)) + 1


def cap_unread(entries: Entries) -> None:
    """What is paid has no limit."""
    for row in _contracts(entries):
        row.pop("most_cents", None)


def stop_loss_unread(entries: Entries) -> None:
    """What has to be paid has no limit."""
    for row in _contracts(entries):
        row.pop("loss_most_cents", None)


def quality_unread(entries: Entries) -> None:
    """Quality is not asked for."""
    for row in _contracts(entries):
        row.pop("points", None)


def one_sided(entries: Entries) -> None:
    """Losses are not shared."""
    for row in _contracts(entries):
        for name in [name for name in row if name.startswith("loss_")]:
            del row[name]


def other_basis(entries: Entries) -> None:
    """The part above the minimum is shared where all should be, and all where that part should be."""
    for row in _contracts(entries):
        row["basis"] = "first_dollar" if row.get("basis") == "above_minimum" else "above_minimum"


def norms_of_offers_unread(entries: Entries) -> None:
    """The norm of a group holds for all its offers."""
    entry = entries.get("shared_savings", {})
    kept = [{name: key for name, key in row.items() if name != "norm_cents"} for row in entry.get("offer_costs", ())]
    if entry:
        entry["offer_costs"] = [row for row in kept if "cents" in row]


def unordered(rows: WholeRows) -> WholeRows:
    """Segments are filled in any order, as far as they help."""
    return rows_lost(rows, ": order")


def no_adjacency(rows: WholeRows) -> WholeRows:
    """Weights may stand on any ends: their binaries may be fractions."""
    return replace(rows, own_free=True)


def rounded_up(rows: WholeRows) -> WholeRows:
    """What is left of a unit counts as one."""
    paid = np.flatnonzero(rows.own_worth > 0) + 2 * rows.n_offers
    whole = np.zeros(len(rows.texts), dtype=np.int64)
    payments = np.array([text.endswith(": payment") for text in rows.texts], dtype=np.bool_)
    of_payment = np.isin(rows.column, paid) & payments[rows.row]
    whole[rows.row[of_payment]] = rows.value[of_payment] - 1
    return replace(rows, upper=rows.upper + whole, own_upper=rows.own_upper + (rows.own_worth > 0))


SAVINGS_MUTANTS = (
    wrong_rows("savings-exceeded", "the minimum must be exceeded", reads=minimum_exceeded),
    wrong_rows("savings-no-cap", "what is paid has no limit", reads=cap_unread),
    wrong_rows("savings-no-quality", "quality is not asked for", reads=quality_unread),
    wrong_rows("savings-one-sided", "losses are not shared", reads=one_sided),
    wrong_rows("savings-basis", "the part above the minimum and the whole are mixed up", reads=other_basis),
    wrong_rows("savings-group-norm", "norms of offers are not read", reads=norms_of_offers_unread),
    wrong_rows("savings-rounded-up", "payments are rounded up", writes=rounded_up),
    wrong_rows("savings-unordered", "the incremental encoding has no order", writes=unordered),
    wrong_rows("savings-no-adjacency", "the SOS2 encoding has no adjacency", writes=no_adjacency, encoding="sos2"),
    wrong_checker("check-no-savings", "ignores shared savings", checks_plain),
    wrong_checker("check-savings-exceeded", "wants the minimum exceeded", checks_misread(minimum_exceeded)),
    wrong_checker("check-savings-quality", "does not ask for quality", checks_misread(quality_unread)),
    wrong_checker("check-stop-loss", "knows no limit of losses", checks_misread(stop_loss_unread)),
    Mutant("polish-no-savings", "polish", "ignores shared savings", lambda: polishes_plain),
)

BY_VARIANT = {"shared_savings": SAVINGS_MUTANTS}
"""By the extension that they are wrong of."""
