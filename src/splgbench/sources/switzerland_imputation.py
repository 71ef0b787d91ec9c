"""Volumes by hospital and group that nobody publishes, imputed between totals that are published.

Rows are hospitals (their acute discharges), columns are groups (the national mix, scaled to the sum of the rows). The
start is what each hospital would do if its patients were the national ones that its type, equipment and services
allow; proportional fitting then brings both margins together, and a tilt moves each row towards its published case-mix
index. Births are not fitted: they follow the healthy newborns that each hospital had. Everything is computed in whole
numbers (cases in units of 2**-16, factors in units of 2**-20), so the result is the same everywhere; the last step
rounds to whole cases with both margins exact.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from splgbench.errors import InputError
from splgbench.instance import BoolArray, IntArray
from splgbench.sources.switzerland_files import AGES, Drg, Institution
from splgbench.sources.switzerland_groups import BASIC, ELECTIVE, Grouping, planned, shows

CASE = 2**16
"""Units per case while fitting."""
_ONE = 2**20
"""Units per factor of 1."""
_GREATEST_FACTOR = 2**8
_BIRTHS, _NEWBORNS = "GEB1", "NEO1"
_CHILDREN, _SURGERY, _GERIATRIC, _DIVERSE = "K233", "K231", "K234", "K235"


@dataclass(frozen=True)
class Fit:
    """Settings of the fitting.

    Parameters
    ----------
    tilted : sweeps with a tilt towards the case-mix index.
    sweeps : sweeps in all; those after the tilted ones restore the margins only.
    most_tilt : an entry is multiplied by at most this, and divided by at most this, for the case-mix index.
    weight_cap : cost weight, in thousandths, above which groups are tilted alike.
    """

    tilted: int = 60
    sweeps: int = 400
    most_tilt: int = 4
    weight_cap: int = 6000


@dataclass(frozen=True)
class Imputation:
    """Imputed cases.

    Parameters
    ----------
    hospitals : H institutions, in order of their keys.
    columns : C column keys: the groups, "BP" for the basic medical and "BPE" for the basic operative families.
    cases : shape (H, C); rows sum to the hospital's discharges, columns to `national`.
    national : shape (C,), the national mix scaled to the sum of all discharges.
    national_2013 : shape (C,), cases of the national statistics.
    start : shape (H, C), in units of 1 / `CASE` cases, before the fitting.
    weight : shape (H, C), mean cost weight of the hospital's kind of patient in the group, in thousandths.
    stay : shape (H, C), mean days of stay likewise, in thousandths.
    """

    hospitals: tuple[Institution, ...]
    columns: tuple[str, ...]
    cases: IntArray
    national: IntArray
    national_2013: IntArray
    start: IntArray
    weight: IntArray
    stay: IntArray

    @property
    def published_level(self) -> tuple[int, int]:
        """National case-mix index that the imputed cases imply over the published one, as a fraction.

        The catalogue of cost weights is of another year than the published index; the ratio takes the difference of
        their levels out. Hospitals without a published index are left out of both sums.
        """
        known = np.array([hospital.case_mix > 0 for hospital in self.hospitals])
        implied = int((self.cases * self.weight)[known].sum()) * 1000
        return implied, sum(hospital.case_mix * hospital.discharges for hospital in self.hospitals)


def impute(
    institutions: Sequence[Institution], drgs: Sequence[Drg], grouping: Grouping, fit: Fit = Fit()
) -> Imputation:
    """Impute the cases of every hospital in every group.

    Raises
    ------
    InputError
        Nobody may do a group, or a hospital may do none: the margins cannot be met.
    """
    hospitals = tuple(institutions)
    columns = tuple(sorted({*grouping.of_family.values()}))
    drgs = [drg for drg in drgs if planned(drg)]
    national_2013 = np.zeros(len(columns), dtype=np.int64)
    column = {key: number for number, key in enumerate(columns)}
    for drg in drgs:
        national_2013[column[grouping.of_family[drg.family]]] += sum(drg.cases.values())
    discharges = np.array([hospital.discharges for hospital in hospitals], dtype=np.int64)
    national = apportion(national_2013, int(discharges.sum()))
    start, weight, stay = _start(hospitals, drgs, grouping, columns, national)
    _check(hospitals, columns, start)
    births = np.zeros_like(start)
    if _BIRTHS in column:
        at = column[_BIRTHS]
        births[:, at] = _births(hospitals, start[:, at] > 0, int(national[at]))
    fitted = _fitted(hospitals, start, weight, births, discharges, national, fit)
    cases = births + rounded(
        fitted, discharges - births.sum(axis=1), national - births.sum(axis=0), (start > 0) & ~births.any(axis=0)
    )
    return Imputation(hospitals, columns, cases, national, national_2013, start, weight, stay)


def apportion(parts: IntArray, total: int) -> IntArray:
    """`total` split in proportion to the parts, by largest remainders; ties go to the first."""
    whole = int(parts.sum())
    shares = [int(part) * total for part in parts]
    floors = [share // whole for share in shares]
    order = sorted(range(len(shares)), key=lambda at: (-(shares[at] % whole), at))
    for at in order[: total - sum(floors)]:
        floors[at] += 1
    return np.array(floors, dtype=np.int64)


def _births(hospitals: Sequence[Institution], may: BoolArray, births: int) -> IntArray:
    """National births split by the healthy newborns of the hospitals that may have births."""
    newborns = np.array([hospital.newborns for hospital in hospitals], dtype=np.int64) * may
    split = apportion(newborns, births)
    for hospital, cases in zip(hospitals, split.tolist(), strict=True):
        if cases > hospital.discharges:
            raise InputError(f"hospital {hospital.name} has more newborns than it can have births", "key figures")
    return split


def patients(hospital: Institution, drgs: Sequence[Drg], grouping: Grouping) -> dict[str, list[tuple[Drg, int, int]]]:
    """The national patients that a hospital's type, services and equipment allow, as (DRG, cases, days) by column.

    - a children's hospital (K233): age class 0-14; a geriatric hospital (K234): 70 and over; all others: all ages;
    - a surgical clinic (K231, and K235 with operating rooms): operative DRGs, births and newborns;
    - a clinic of one speciality: its families (`specialities.csv`);
    - operative families need an operating room, and every group the evidence that it asks for.
    """
    ages = {_CHILDREN: AGES[:1], _GERIATRIC: AGES[-1:]}.get(hospital.kind, AGES)
    families, _ = grouping.specialities.get(hospital.name, ((), 0))
    allowed = {group.key: shows(hospital, group.evidence) for group in grouping.groups}
    allowed |= {BASIC: True, ELECTIVE: hospital.operating_rooms > 0}  # of medical and of operative basic families
    surgical = hospital.kind == _SURGERY or (hospital.kind == _DIVERSE and hospital.operating_rooms > 0)
    found: dict[str, list[tuple[Drg, int, int]]] = defaultdict(list)
    for drg in drgs:
        key = grouping.of_family[drg.family]
        able = allowed[key]
        if families:
            able = able and (drg.family in families or f"{drg.mdc}*" in families)
        elif surgical and key not in (_BIRTHS, _NEWBORNS):
            able = able and drg.partition == "O"
        cases = sum(drg.cases[age] for age in ages)
        if able and cases:
            found[key].append((drg, cases, sum(drg.days[age] for age in ages)))
    return found


def _start(
    hospitals: Sequence[Institution],
    drgs: Sequence[Drg],
    grouping: Grouping,
    columns: Sequence[str],
    national: IntArray,
) -> tuple[IntArray, IntArray, IntArray]:
    """Start, mean weight and mean stay.

    A hospital's discharges are spread over its patients in proportion; births and newborns follow the newborns that the
    hospital had instead.
    """
    shape = (len(hospitals), len(columns))
    start, weight, stay = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    newborns = sum(hospital.newborns for hospital in hospitals if hospital.delivery_rooms)
    for h, hospital in enumerate(hospitals):
        own = patients(hospital, drgs, grouping)
        total = sum(cases for members in own.values() for _, cases, _ in members)
        for c, key in enumerate(columns):
            members = own.get(key)
            if not members:
                continue
            cases = sum(number for _, number, _ in members)
            weight[h, c] = sum(number * grouping.weights[drg.code] for drg, number, _ in members) // cases
            stay[h, c] = 1000 * sum(days for _, _, days in members) // cases
            if key in (_BIRTHS, _NEWBORNS) and hospital.delivery_rooms:
                start[h, c] = CASE * int(national[c]) * hospital.newborns // newborns
            else:
                start[h, c] = max(1, CASE * hospital.discharges * cases // total)
    return start, weight, stay


def _check(hospitals: Sequence[Institution], columns: Sequence[str], start: IntArray) -> None:
    for key, sum_of_column in zip(columns, start.sum(axis=0), strict=True):
        if not sum_of_column:
            raise InputError(f"no hospital shows what group {key} asks for", "key figures")
    for hospital, sum_of_row in zip(hospitals, start.sum(axis=1), strict=True):
        if not sum_of_row:
            raise InputError(f"hospital {hospital.name} shows what no group asks for", "key figures")


def _fitted(
    hospitals: Sequence[Institution],
    start: IntArray,
    weight: IntArray,
    births: IntArray,
    discharges: IntArray,
    national: IntArray,
    fit: Fit,
) -> IntArray:
    """Cases other than births in units of 1 / `CASE`, with margins as near as the units allow."""
    free = (start > 0) & ~births.any(axis=0)
    cells = np.where(free, start, 0)
    tilt = np.where(free, _ONE, 0).astype(np.int64)
    rows, columns = discharges - births.sum(axis=1), national - births.sum(axis=0)
    capped = np.minimum(weight, fit.weight_cap)
    known = np.array([hospital.case_mix > 0 for hospital in hospitals])
    published = np.array([hospital.case_mix for hospital in hospitals], dtype=np.int64)
    weight_of_all = sum(hospital.case_mix * hospital.discharges for hospital in hospitals)
    for sweep in range(fit.sweeps):
        if sweep < fit.tilted:
            factors = _tilting(cells, births * CASE, weight, capped, known, published, weight_of_all)
            least, most = _ONE // fit.most_tilt, _ONE * fit.most_tilt
            moved = np.clip(tilt * factors // _ONE, least, most)
            cells = np.where(tilt > 0, cells * moved // np.maximum(tilt, 1), 0)
            tilt = np.where(tilt > 0, moved, 0)
        cells = _scaled(cells, columns, axis=0)
        cells = _scaled(cells, rows, axis=1)
    return cells


def _tilting(
    cells: IntArray,
    births: IntArray,
    weight: IntArray,
    capped: IntArray,
    known: BoolArray,
    published: IntArray,
    weight_of_all: int,
) -> IntArray:
    """Factors that move each row's mean weight, births included, to its published index, within 1/2 and 2.

    To first order, f = 1 + (target - mean) N (w - mean of w) / (n variance of w): w is the capped weight, its mean and
    variance are over the n cases that are not births, N is all cases.
    """
    every = cells + births
    sums, movable = np.maximum(every.sum(axis=1), 1), np.maximum(cells.sum(axis=1), 1)
    total = (every * weight).sum(axis=1)
    implied = int(total[known].sum()) * 1000 // CASE
    target = np.array([int(index) * implied // weight_of_all // 1000 for index in published], dtype=np.int64)
    lack = (target - total // sums) * (sums * 1000 // movable) // 1000
    spread = capped - ((cells * capped).sum(axis=1) // movable)[:, None]
    variance = np.maximum(((cells >> 8) * spread * spread).sum(axis=1) // np.maximum(movable >> 8, 1), 1)
    factors = np.clip(_ONE + _ONE * (lack[:, None] * spread) // variance[:, None], _ONE // 2, _ONE * 2)
    return np.where(known[:, None], factors, _ONE).astype(np.int64)


def _scaled(cells: IntArray, margin: IntArray, axis: int) -> IntArray:
    """Cells times the factor that brings the sums along `axis` to the margin, rounded down."""
    sums = np.maximum(cells.sum(axis=axis), 1)
    factors = np.array(
        [
            min(int(want) * CASE * _ONE // int(have), _GREATEST_FACTOR * _ONE)
            for want, have in zip(margin, sums, strict=True)
        ],
        dtype=np.int64,
    )
    return cells * np.expand_dims(factors, axis) // _ONE


def rounded(cells: IntArray, rows: IntArray, columns: IntArray, allowed: BoolArray) -> IntArray:
    """Whole cases near `cells` with exact margins, nowhere but where allowed.

    Cells are rounded down (a column that is too full gives back from its largest cells); the units that lack in rows
    and columns go one by one to the cells with the largest remainders, and what then lacks travels along shortest
    alternating paths.

    Parameters
    ----------
    cells : shape (H, C), in units of 1 / `CASE`.
    rows, columns : margins, of equal sum.

    Raises
    ------
    InputError
        No whole numbers have these margins.
    """
    whole = cells // CASE
    for c in np.flatnonzero(whole.sum(axis=0) > columns).tolist():
        _give_back(whole[:, c], int(whole[:, c].sum() - columns[c]))
    for h in np.flatnonzero(whole.sum(axis=1) > rows).tolist():
        _give_back(whole[h], int(whole[h].sum() - rows[h]))
    lacks_row = (rows - whole.sum(axis=1)).tolist()
    lacks_column = (columns - whole.sum(axis=0)).tolist()
    for at in np.argsort(-(cells % CASE).ravel(), kind="stable").tolist():
        h, c = divmod(at, cells.shape[1])
        if allowed[h, c] and lacks_row[h] > 0 and lacks_column[c] > 0:
            whole[h, c] += 1
            lacks_row[h] -= 1
            lacks_column[c] -= 1
    for h, lack in enumerate(lacks_row):
        for _ in range(lack):
            _send(whole, allowed, h, lacks_column)
    return whole


def _give_back(line: IntArray, units: int) -> None:
    """Take units from a row or column, each from its largest cell."""
    for _ in range(units):
        line[int(np.argmax(line))] -= 1


def _send(whole: IntArray, allowed: BoolArray, row: int, lacks_column: list[int]) -> None:
    """One more case in a row, along a shortest path of cells that gain and lose one in turn, to a column that lacks."""
    gains: dict[int, int] = {}
    loses: dict[int, int] = {row: -1}
    queue = deque([row])
    while queue:
        h = queue.popleft()
        for c in np.flatnonzero(allowed[h]).tolist():
            if c in gains:
                continue
            gains[c] = h
            if lacks_column[c] > 0:
                lacks_column[c] -= 1
                while True:
                    whole[gains[c], c] += 1
                    if gains[c] == row:
                        return
                    h = gains[c]
                    c = loses[h]
                    whole[h, c] -= 1
            for other in np.flatnonzero(whole[:, c] > 0).tolist():
                if other not in loses:
                    loses[other] = c
                    queue.append(other)
    raise InputError("no whole numbers have these margins", "imputation")
