"""Wrong readings of extensions: in the rows of a model, in the checker, in the polish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from splgbench import registry
from splgbench.checker import Verdict, check
from splgbench.coupling import UNLIMITED, WholeRows, build_model
from splgbench.extensions import entries_of, with_extensions
from splgbench.instance import BoolArray, Instance
from splgbench.methods import Direct
from splgbench.model import MipModel
from splgbench.polish import Polished, polish
from splgbench.testing.mutants.base import Mutant, unchanged

Entries = dict[str, Any]
Misreads = Callable[[Entries], None]
WrongRows = Callable[[WholeRows], WholeRows]


def misread(instance: Instance, wrong: Misreads) -> Instance:
    """The instance with its entries as a mutant reads them."""
    entries = entries_of(instance)
    wrong(entries)
    return with_extensions(instance.plain, entries)


@dataclass(frozen=True)
class _WrongExtension:
    """An extension with other rows; the rest is that of the right one."""

    right: Any
    wrong: WrongRows
    name: ClassVar[str] = "wrong"
    pays: ClassVar[bool] = False

    @property
    def encodings(self) -> tuple[str, ...]:
        return getattr(self.right, "encodings", ())

    def rows(self, encoding: str | None = None) -> WholeRows:
        return self.wrong(self.right.rows(encoding) if encoding else self.right.rows())


@dataclass(frozen=True)
class WrongRowsDirect(Direct):
    """A direct method that misreads the entries, or writes the rows of an extension wrongly."""

    reads: Misreads = unchanged
    writes: WrongRows = unchanged

    def build(self, instance: Instance) -> MipModel:
        """As `Direct.build`, except for what is wrong."""
        read = misread(instance, self.reads)
        wrong: dict[str, Any] = {name: _WrongExtension(right, self.writes) for name, right in read.extensions.items()}
        other = replace(read, extensions=wrong)
        return build_model(self.formulation, other, self.backend.name, encoding=self.encoding)


def wrong_rows(name: str, what_is_wrong: str, **stages: Any) -> Mutant:
    """`linked` on HiGHS with a stage of `WrongRowsDirect`."""

    def make() -> WrongRowsDirect:
        linked, highs = registry.find("formulations", "linked"), registry.find("backends", "highs")
        return WrongRowsDirect(name, linked, highs, **stages)

    return Mutant(name, "formulation", f"linked: {what_is_wrong}", make)


def wrong_checker(name: str, what_is_wrong: str, wrong: Callable[[Instance, Any], Verdict]) -> Mutant:
    """A checker."""
    return Mutant(name, "checker", what_is_wrong, lambda: wrong)


def checks_misread(reads: Misreads) -> Callable[[Instance, Any], Verdict]:
    """The checker with entries misread."""
    return lambda instance, cases: check(misread(instance, reads), cases)


def checks_plain(instance: Instance, cases: Any) -> Verdict:
    """The checker without extensions."""
    return check(instance.plain, cases)


def polishes_plain(instance: Instance, mandates: BoolArray) -> Polished:
    """The polish without extensions."""
    return polish(instance.plain, mandates)


# Regional budgets


def offer_costs_unread(entries: Entries) -> None:
    """Costs by offer are not read."""
    entries.get("regional_budget", {}).pop("offer_costs", None)


def first_budget_for_all(entries: Entries) -> None:
    """Every region has the first one's budget."""
    budgets = entries.get("regional_budget", {}).get("budgets", [])
    for row in budgets:
        row["cents"] = budgets[0]["cents"]


def a_cent_more(entries: Entries) -> None:
    """A budget of one cent more: < read as <=, the wrong way round."""
    for row in entries.get("regional_budget", {}).get("budgets", []):
        row["cents"] += 1


def last_row_lost(rows: WholeRows) -> WholeRows:
    """The last row does not bind."""
    upper = rows.upper.copy()
    upper[-1:] = UNLIMITED
    return replace(rows, upper=upper)


def rounded_up(rows: WholeRows) -> WholeRows:
    """Limits a unit too high: what is left over after dividing counts as a whole unit."""
    return replace(rows, upper=np.where(rows.upper < UNLIMITED, rows.upper + 1, rows.upper))


def as_equations(rows: WholeRows) -> WholeRows:
    """The budget must be spent."""
    return replace(rows, lower=np.where(rows.upper < UNLIMITED, rows.upper, rows.lower))


BUDGET_MUTANTS = (
    wrong_rows("budget-offer-costs", "costs by offer are not read", reads=offer_costs_unread),
    wrong_rows("budget-of-another", "every region has the first one's budget", reads=first_budget_for_all),
    wrong_rows("budget-row-lost", "the last budget does not bind", writes=last_row_lost),
    wrong_rows(
        "budget-rounded-up",
        "a budget is rounded up to a multiple of the costs' common divisor",
        writes=rounded_up,
    ),
    wrong_rows("budget-spent", "a budget must be spent", writes=as_equations),
    wrong_checker("check-no-budget", "ignores budgets", checks_plain),
    wrong_checker("check-budget-cent", "lets one cent too much pass", checks_misread(a_cent_more)),
    wrong_checker("check-offer-costs", "does not read costs by offer", checks_misread(offer_costs_unread)),
    Mutant("polish-no-budget", "polish", "ignores budgets", lambda: polishes_plain),
)

# Years


def nothing_carried(entries: Entries) -> None:
    """Nothing is carried over."""
    entries.get("regional_budget", {}).pop("carry_over_cents", None)


def all_carried(entries: Entries) -> None:
    """All that is left is carried over."""
    if "years" in entries and "regional_budget" in entries:
        entries["regional_budget"]["carry_over_cents"] = 10**6


def years_reversed(entries: Entries) -> None:
    """Years run backwards."""
    if "years" in entries:
        entries["years"]["years"] = entries["years"]["years"][::-1]


def units_unread(entries: Entries) -> None:
    """Changes are those of the whole hospital."""
    for row in entries.get("years", {}).get("groups", []):
        row["unit"] = ""


def every_second_row_lost(rows: WholeRows) -> WholeRows:
    """Volumes may fall as they like."""
    upper = rows.upper.copy()
    upper[1::2] = UNLIMITED
    return replace(rows, upper=upper)


def saved_twice(rows: WholeRows) -> WholeRows:
    """What is carried over counts twice the year after."""
    return replace(rows, value=np.where((rows.value == -1) & (len(rows.own_lower) > 0), -2, rows.value))


YEAR_MUTANTS = (
    wrong_rows("years-backwards", "years run backwards", reads=years_reversed),
    wrong_rows("years-no-units", "changes are those of the whole hospital", reads=units_unread),
    wrong_rows("years-fall-freely", "volumes may fall as they like", writes=every_second_row_lost),
    wrong_checker("check-no-years", "ignores yearly changes", checks_plain),
    wrong_checker("check-units", "takes changes of the whole hospital", checks_misread(units_unread)),
)
CARRY_MUTANTS = (
    wrong_rows("carry-nothing", "nothing is carried over", reads=nothing_carried),
    wrong_rows("carry-all", "all that is left is carried over", reads=all_carried),
    wrong_rows("carry-twice", "what is carried over counts twice", writes=saved_twice),
    wrong_checker("check-carry-all", "carries over all that is left", checks_misread(all_carried)),
)

BY_VARIANT = {"regional_budget": BUDGET_MUTANTS, "years": YEAR_MUTANTS, "budgets_by_year": CARRY_MUTANTS}
"""By the extension that they are wrong of."""
