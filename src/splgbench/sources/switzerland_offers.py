"""What Swiss hospitals offer: capacities and utilities out of imputed cases and published key figures.

All of it holds for the whole country, so an offer is worth the same in every instance that has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import isqrt
from pathlib import Path
from typing import NamedTuple

from splgbench.errors import InputError
from splgbench.sources.switzerland_files import Institution, read_switzerland
from splgbench.sources.switzerland_groups import BASIC, ELECTIVE, Group, read_grouping, shows
from splgbench.sources.switzerland_imputation import impute

UTILITY_SCALE = 10_000
"""One point is a case at a hospital of mean cost, staff and experience that has another next door."""
YEAR = 2022
_BP = 10_000
_DAYS_OF_YEAR = 365
_NORTH, _EAST = 11_132, 7_592
"""Hundred-thousandths of a metre in a millionth of a degree, to the north and, at 47 degrees north, to the east."""


@dataclass(frozen=True)
class Assumptions:
    """What the public files do not say.

    Parameters
    ----------
    least_offer_cases : a hospital applies for a group with at least this many imputed cases.
    capacity_percent : capacity of an offer, in % of its imputed cases, rounded up.
    full_occupancy_bp : occupancy of beds at which a hospital is full, in basis points.
    most_growth_bp : a hospital's capacity in an area is at most this share of its imputed cases there, in basis points.
    minimum_cases : minimum cases of groups without a published standard; the basic packages have none.
    minimum_share_bp : minimum share of all groups but the basic packages, in basis points of the demand.
    national_cases : a group of `named_groups.csv` with fewer national cases is planned for the whole country.
    efficiency_least_bp, efficiency_most_bp : range of the efficiency factor, in basis points.
    staff_bp, staff_most_bp : what twice the mean nursing staff is worth, and the most that staff counts either way.
    experience_bp : what an offer far above (below) the mean volume of its group gains (loses) at most.
    access_bp_per_km, access_most_bp : what a km to the next offer of the group is worth, and the most that it counts.
    """

    least_offer_cases: int = 5
    capacity_percent: int = 250
    full_occupancy_bp: int = 9000
    most_growth_bp: int = 15_000
    minimum_cases: int = 10
    minimum_share_bp: int = 200
    national_cases: int = 1500
    efficiency_least_bp: int = 8000
    efficiency_most_bp: int = 12_500
    staff_bp: int = 500
    staff_most_bp: int = 250
    experience_bp: int = 300
    access_bp_per_km: int = 10
    access_most_bp: int = 300

    def __post_init__(self) -> None:
        broken = [f"{name} must be a whole number of at least 0" for name, value in asdict(self).items() if value < 0]
        if self.least_offer_cases < 1:
            broken.append("least_offer_cases must be at least 1")
        if self.minimum_share_bp > _BP:
            broken.append("minimum_share_bp must be at most 10000")
        if self.most_growth_bp < _BP:
            broken.append("most_growth_bp must be at least 10000: a hospital can treat what it treats")
        if not 1000 <= self.efficiency_least_bp <= self.efficiency_most_bp:
            broken.append("efficiency_least_bp must be between 1000 and efficiency_most_bp")
        if self.staff_most_bp + self.experience_bp > 5000:
            broken.append("staff_most_bp and experience_bp must be at most 5000 together: a case must keep its worth")
        if broken:
            raise InputError("; ".join(broken), "assumptions")


DEFAULT_ASSUMPTIONS = Assumptions()


class Worth(NamedTuple):
    """What makes the utility of an offer, in basis points, and what went in.

    `mean_cases` is that of all offers of the group, rounded half up; `metres` to the next other offer of the group,
    None where there is none.
    """

    efficiency: int
    staff: int
    mean_cases: int
    experience: int
    metres: int | None
    access: int

    @property
    def utility(self) -> int:
        """Efficiency x (1 + staff + experience + access), in utility units, rounded half up."""
        return _rounded(self.efficiency * (_BP + self.staff + self.experience + self.access) * UTILITY_SCALE, _BP * _BP)


class Offers:
    """Hospitals, groups, imputed cases and offers of a year.

    Parameters
    ----------
    year : of the key figures.
    assumptions : what the files do not say.
    raw : folder of key figures in the format of the shipped ones; None takes those.

    Raises
    ------
    InputError
        A file or a column is missing, or cells break a rule; with file, row and column.
    """

    def __init__(
        self, year: int = YEAR, assumptions: Assumptions = DEFAULT_ASSUMPTIONS, raw: Path | None = None
    ) -> None:
        self.year = year
        self.assumptions = assumptions
        self.files = read_switzerland(year, raw)
        self.grouping = read_grouping(self.files.drgs, self.files.chapters)
        self.imputation = impute(self.files.institutions, self.files.drgs, self.grouping)
        self.hospital = {hospital.key: hospital for hospital in self.files.institutions}
        self.group = {group.key: group for group in self.grouping.groups}

    @cached_property
    def cases(self) -> Mapping[tuple[str, str], int]:
        """Imputed cases by (hospital, group), above 0.

        The basic cases of a hospital without emergency service are elective: they all count as BPE. With one, the
        medical ones are BP and the operative ones BPE.
        """
        found: dict[tuple[str, str], int] = defaultdict(int)
        for row, hospital in enumerate(self.imputation.hospitals):
            for key, cases in zip(self.imputation.columns, self.imputation.cases[row].tolist(), strict=True):
                elective = key == BASIC and not shows(hospital, self.group[BASIC].evidence)
                if cases:
                    found[hospital.key, ELECTIVE if elective else key] += cases
        return dict(found)

    @cached_property
    def offered(self) -> tuple[tuple[str, str], ...]:
        """The offers as (hospital, group), sorted."""
        least = self.assumptions.least_offer_cases
        return tuple(sorted(pair for pair, cases in self.cases.items() if cases >= least))

    @cached_property
    def by_group(self) -> Mapping[str, tuple[str, ...]]:
        """The hospitals that offer each group."""
        found: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for hospital, group in self.offered:
            found[group] = (*found[group], hospital)
        return found

    @cached_property
    def national(self) -> Mapping[str, int]:
        """Imputed cases of each group in the whole country."""
        found: dict[str, int] = dict.fromkeys(self.group, 0)
        for (_, group), cases in self.cases.items():
            found[group] += cases
        return found

    def is_national(self, group: str) -> bool:
        """Whether a group is planned for the whole country: a named one of few cases."""
        return self.group[group].line > 0 and self.national[group] < self.assumptions.national_cases

    def minimum_cases(self, group: Group) -> tuple[int, str]:
        """Minimum cases of a group, and where they come from."""
        if group.standard is not None:
            return group.standard.cases, f"{group.standard.issuer}: {group.standard.procedure}"
        if group.key in (BASIC, ELECTIVE):
            return 0, "assumed: none for basic packages"
        return self.assumptions.minimum_cases, "assumed"

    def minimum_share_bp(self, group: Group) -> int:
        """Minimum share of a group, in basis points."""
        return 0 if group.key in (BASIC, ELECTIVE) else self.assumptions.minimum_share_bp

    # Capacity

    def capacity(self, hospital: str, group: str) -> int:
        """Cases that a hospital can treat in a group."""
        return -(-self.cases[hospital, group] * self.assumptions.capacity_percent // 100)

    def growth_bp(self, hospital: Institution) -> int:
        """What a hospital's beds hold at full occupancy over its days, in basis points, rounded down.

        At least 10,000 (it treats what it treats) and at most the assumed limit.
        """
        held = self.assumptions.full_occupancy_bp * hospital.beds * _DAYS_OF_YEAR
        growth = held // (1000 * hospital.days) if hospital.days else _BP
        return min(max(growth, _BP), self.assumptions.most_growth_bp)

    @cached_property
    def area_cases(self) -> Mapping[tuple[str, str], int]:
        """Imputed cases by (hospital, area)."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for (hospital, group), cases in self.cases.items():
            found[hospital, self.group[group].area] += cases
        return found

    def area_capacity(self, hospital: str, area: str) -> int:
        """Cases that a hospital can treat in an area: its imputed ones, grown to full beds, rounded up."""
        return -(-self.area_cases[hospital, area] * self.growth_bp(self.hospital[hospital]) // _BP)

    # Utility

    @cached_property
    def cost_per_weight(self) -> tuple[int, int]:
        """Acute inpatient cost of the country and its case-mix points in millionths, where both are known."""
        known = [hospital for hospital in self.files.institutions if hospital.cost and hospital.case_mix]
        return (
            sum(hospital.cost for hospital in known),
            sum(hospital.discharges * hospital.case_mix for hospital in known),
        )

    def efficiency_bp(self, hospital: Institution) -> int:
        """The country's cost per case-mix point over the hospital's, in basis points, rounded half up, in its range."""
        if not hospital.cost or not hospital.case_mix:
            return _BP
        cost, points = self.cost_per_weight
        efficiency = _rounded(_BP * cost * hospital.discharges * hospital.case_mix, points * hospital.cost)
        return min(max(efficiency, self.assumptions.efficiency_least_bp), self.assumptions.efficiency_most_bp)

    @cached_property
    def staff_of_all(self) -> tuple[int, int]:
        """Nurses, in hundredths of a full post, and days of all activities of the hospitals that state both."""
        known = [hospital for hospital in self.files.institutions if hospital.nurses and hospital.all_days]
        return sum(hospital.nurses for hospital in known), sum(hospital.all_days for hospital in known)

    def staff_bp(self, hospital: Institution) -> int:
        """What the hospital's nurses per day, against the country's, are worth, in basis points, rounded down."""
        if not hospital.nurses or not hospital.all_days:
            return 0
        nurses, days = self.staff_of_all
        own, usual = hospital.nurses * days, nurses * hospital.all_days
        worth = self.assumptions.staff_bp * (own - usual) // usual
        return min(max(worth, -self.assumptions.staff_most_bp), self.assumptions.staff_most_bp)

    def worth(self, hospital: str, group: str) -> Worth:
        """What makes the utility of an offer."""
        others = self.by_group[group]
        volume = self.cases[hospital, group]
        mean = _rounded(sum(self.cases[other, group] for other in others), len(others))
        experience = self.assumptions.experience_bp * (volume - mean) // (volume + mean)
        here = self.hospital[hospital]
        metres = min(
            (metres_between(here, self.hospital[other]) for other in others if other != hospital), default=None
        )
        most = self.assumptions.access_most_bp
        access = most if metres is None else min(self.assumptions.access_bp_per_km * metres // 1000, most)
        return Worth(self.efficiency_bp(here), self.staff_bp(here), mean, experience, metres, access)


def metres_between(one: Institution, other: Institution) -> int:
    """Distance as the crow flies, in metres, rounded down.

    A millionth of a degree is 0.11132 m to the north and, taken at 47 degrees, 0.07592 m to the east.
    """
    north = (one.latitude - other.latitude) * _NORTH
    east = (one.longitude - other.longitude) * _EAST
    return isqrt(north * north + east * east) // 100_000


def _rounded(numerator: int, denominator: int) -> int:
    """The quotient, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)
