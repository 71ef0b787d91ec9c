"""Wrong readings of bundles and bonuses: in the rows of a model, in the checker, in the polish."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from splgbench.coupling import UNLIMITED, WholeRows
from splgbench.testing.mutants.base import Mutant
from splgbench.testing.mutants.variants import (
    checks_misread,
    checks_plain,
    last_row_lost,
    polishes_plain,
    wrong_checker,
    wrong_rows,
)

Entries = dict[str, Any]


def rows_lost(rows: WholeRows, words: str) -> WholeRows:
    """Rows whose text has certain words do not bind."""
    lost = np.array([words in text for text in rows.texts], dtype=np.bool_)
    lower, upper = np.where(lost, -UNLIMITED, rows.lower), np.where(lost, UNLIMITED, rows.upper)
    return replace(rows, lower=lower, upper=upper)


# Bundled payment


def one_case_an_episode(entries: Entries) -> None:
    """An episode takes one case of each group."""
    for row in entries.get("bundled_payment", {}).get("members", ()):
        row["cases"] = 1


def everything_saved(entries: Entries) -> None:
    """An episode costs nothing."""
    for row in entries.get("bundled_payment", {}).get("bundles", ()):
        row["cents"] = 0


def partly_held(rows: WholeRows) -> WholeRows:
    """Hospitals that do not offer all of a bundle hold what they offer."""
    return rows_lost(rows, ": no ")


def one_way(rows: WholeRows) -> WholeRows:
    """Groups need the first of their bundle, which needs none."""
    return replace(rows, upper=np.where(rows.lower == 0, UNLIMITED, rows.upper))


BUNDLE_MUTANTS = (
    wrong_rows("bundle-in-part", "who does not offer all of a bundle holds what it offers", writes=partly_held),
    wrong_rows("bundle-one-way", "the first group of a bundle may be held without the others", writes=one_way),
    wrong_rows("bundle-episode-row-lost", "episodes do not take cases of the last group", writes=last_row_lost),
    wrong_rows("bundle-single-cases", "an episode takes one case of each group", reads=one_case_an_episode),
    wrong_rows("bundle-price-unread", "the payer saves all of the single prices", reads=everything_saved),
    wrong_checker("check-no-bundle", "ignores bundles", checks_plain),
    wrong_checker("check-bundle-cases", "takes one case of each group an episode", checks_misread(one_case_an_episode)),
    Mutant("polish-no-bundle", "polish", "ignores bundles", lambda: polishes_plain),
)

# Pay for performance


def a_case_fewer(entries: Entries) -> None:
    """A volume is reached one case early."""
    _move_targets(entries, "cases", -1, 1)


def quality_exceeded(entries: Entries) -> None:
    """A quality target must be exceeded by a point: >= read as >."""
    _move_targets(entries, "points", 1, 0)


def quality_unread(entries: Entries) -> None:
    """Volume is enough."""
    entry = entries.get("pay_for_performance", {})
    kept: dict[Any, Any] = {}
    for step in entry.get("steps", ()):
        step.pop("points", None)
        kept.setdefault(tuple(sorted((name, key) for name, key in step.items() if name != "cents")), step)
    if entry:
        entry["steps"] = list(kept.values())


def highest_alone(entries: Entries) -> None:
    """Of the steps of a hospital only the last counts."""
    entry = entries.get("pay_for_performance", {})
    if entry:
        entry["steps"] = list({step["hospital"]: step for step in entry["steps"]}.values())


def _move_targets(entries: Entries, name: str, by: int, least: int) -> None:
    entry = entries.get("pay_for_performance", {})
    kept: dict[Any, Any] = {}
    for step in entry.get("steps", ()):
        if name in step:
            step[name] = max(least, step[name] + by)
        kept[tuple(sorted((key, value) for key, value in step.items() if key != "cents"))] = step
    if entry:
        entry["steps"] = list(kept.values())


def half_the_shortfall(rows: WholeRows) -> WholeRows:
    """A big M of half the largest shortfall: who falls short by more may not hold what it offers."""
    quality = np.array([text.startswith("quality") for text in rows.texts], dtype=np.bool_)
    own = rows.column >= 2 * rows.n_offers
    value = np.where(quality[rows.row] & own, rows.value // 2, rows.value)
    return replace(rows, upper=np.where(quality, rows.upper // 2, rows.upper), value=value)


def paid_twice(rows: WholeRows) -> WholeRows:
    """A step is paid as often as its volume is reached, twice at most."""
    return replace(rows, own_upper=2 * rows.own_upper)


BONUS_MUTANTS = (
    wrong_rows("bonus-quality-unread", "volume is enough", reads=quality_unread),
    wrong_rows("bonus-early", "a volume is reached one case early", reads=a_case_fewer),
    wrong_rows("bonus-highest", "of the steps of a hospital only the last counts", reads=highest_alone),
    wrong_rows("bonus-big-m", "the big M is half the largest shortfall", writes=half_the_shortfall),
    wrong_rows("bonus-twice", "a step is paid twice at twice its volume", writes=paid_twice),
    wrong_checker("check-no-bonus", "ignores bonuses", checks_plain),
    wrong_checker("check-bonus-exceeded", "asks for more than the target", checks_misread(quality_exceeded)),
    Mutant("polish-no-bonus", "polish", "ignores bonuses", lambda: polishes_plain),
)

BY_VARIANT = {"bundled_payment": BUNDLE_MUTANTS, "pay_for_performance": BONUS_MUTANTS}
"""By the extension that they are wrong of."""
