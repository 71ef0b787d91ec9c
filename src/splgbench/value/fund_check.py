"""An account held against its contract, in whole numbers: every rule of docs/value.md, cell by cell.

Nothing is computed as `splgbench.value.fund.account` computes it: an amount is the rounded one of a fraction if it lies
less than half a cent from it, or exactly half a cent and further from 0; all else is an equation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from splgbench.planning.tables import sheet
from splgbench.value.fund import BASIS_POINTS, COLUMNS, Account, Contract
from splgbench.value.schemas import ACTUAL, RISK_GROUPS


def account_errors(contract: Contract, risk_groups: Any, actual: Any, account: Account) -> list[str]:
    """What an account has that does not follow from its contract, a sentence each; nothing where it is right.

    Parameters
    ----------
    risk_groups, actual : tables of these schemas; the second may be None.

    Raises
    ------
    InputError
        A table breaks its schema.
    """
    table = account.table
    if list(table) != list(COLUMNS) or any(len(cells) != contract.years for cells in table.values()):
        return [f"the account must have the columns {', '.join(COLUMNS)} and {contract.years} rows"]
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    given: dict[int, int] = {}
    for _, year, insured, norm in sheet(RISK_GROUPS, risk_groups).rows("year", "insured", "norm_cents"):
        given[year] = given.get(year, 0) + insured * norm
    costs = {}
    if actual is not None:
        costs = {year: cost for _, year, cost in sheet(ACTUAL, actual).rows("year", "cost_cents")}
    found = [f"year {t}: {text}" for t, text in _of_rows(contract, given, costs, rows)]
    for name, told in (
        ("balance", account.break_even),
        ("balance_with_savings", account.break_even_with_savings),
    ):
        if not _breaks_even(table[name], told):
            found.append(f"the {name.replace('_', ' ')} does not break even in year {told}")
    return found


def _of_rows(
    contract: Contract, given: Mapping[int, int], costs: Mapping[int, int], rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[int, str]]:
    balance, norm, shared = 0, 0, 0
    known = True
    for t, row in enumerate(rows, 1):
        grown = norm * (BASIS_POINTS + contract.growth_bp)
        rate = [step.rate_bp for step in contract.path if step.first <= t <= step.last]
        cost = costs.get(t)
        rules = [
            (row["year"] == t, f"is called {row['year']}"),
            (
                row["norm"] == given[t] if t in given else _nearest(row["norm"], grown, BASIS_POINTS),
                "the norm cost is not that of the risk groups, nor grown from the year before",
            ),
            (rate == [row["rate_bp"]], "the rate is not that of the path"),
            (
                _nearest(row["supplement"], row["norm"] * row["rate_bp"], BASIS_POINTS),
                "the supplement is not the rate of the norm cost",
            ),
            (row["budget"] == row["norm"] + row["supplement"], "the budget is not norm cost and supplement"),
            (
                _nearest(row["interest"], balance * contract.interest_bp, BASIS_POINTS),
                "the interest is not that of the balance before",
            ),
            (
                row["balance"] == balance + row["interest"] - row["supplement"],
                "the balance does not follow from the one before",
            ),
            (row["actual"] == cost, "the actual cost is not the one given"),
        ]
        balance, norm = row["balance"], row["norm"]
        if cost is None:
            known = False
            empty = all(row[name] is None for name in ("saving", "insurer", "integrator"))
            rules.append((empty, "savings are told where no actual cost is known"))
        else:
            rules += _of_savings(contract, row)
            shared += row["insurer"] or 0
        rules.append(
            (
                row["balance_with_savings"] == (balance + shared if known else None),
                "the balance with savings is not the balance and the insurer's parts so far",
            )
        )
        yield from ((t, text) for holds, text in rules if not holds)


def _of_savings(contract: Contract, row: Mapping[str, Any]) -> list[tuple[bool, str]]:
    saving, insurer, integrator = row["saving"], row["insurer"], row["integrator"]
    if None in (saving, insurer, integrator):
        return [(False, "the saving is missing")]
    if saving < 0 and contract.losses == "insurer":
        own = (insurer == saving, "the loss is not the insurer's")
    else:
        own = (_nearest(insurer, saving * contract.insurer_share, 100), "the insurer's part is not its share")
    return [
        (saving == row["norm"] - row["actual"], "the saving is not what actual cost lies below the norm"),
        own,
        (insurer + integrator == saving, "the parts do not sum to the saving"),
    ]


def _nearest(amount: int, numerator: int, denominator: int) -> bool:
    """Whether a whole number is the nearest to a fraction, a half away from 0."""
    apart = 2 * abs(denominator * amount - numerator)
    return apart < denominator or (apart == denominator and abs(amount) * denominator > abs(numerator))


def _breaks_even(balances: Sequence[int | None], year: int | None) -> bool:
    """Whether a year is the first from which on all balances are at least 0, after one that was below."""
    if None in balances:
        return year is None
    lasting = [
        t
        for t in range(2, len(balances) + 1)
        if (balances[t - 2] or 0) < 0 and all((later or 0) >= 0 for later in balances[t - 1 :])
    ]
    return lasting == ([] if year is None else [year])
