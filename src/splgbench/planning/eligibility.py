"""Step 3, eligibility: which applications become offers, and why the others do not.

Every row of `requirements` must be met; a value `A|B` is met by either. Rows of the kinds inhouse and cooperation name
other groups: they become links of the instance, which the allocation decides. An application that misses a requirement
becomes an offer if a planner admits it, with its exemption, reason and author.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from splgbench.planning.schemas import REQUIREMENTS
from splgbench.planning.tables import Columns, Sheet, columns_of, sheet

LINKS = ("inhouse", "cooperation")
"""Requirements that the allocation decides."""
OFFER_COLUMNS = ("hospital", "group", "capacity", "exemption", "exemption_reason", "exemption_author")
REFUSAL_COLUMNS = ("hospital", "group", "requirement", "needs", "has", "waived")
LINK_COLUMNS = ("group", "clause", "mode", "required", "scope")


@dataclass(frozen=True)
class Eligibility:
    """The step's result: the tables `offers`, `refusals` and `links`.

    A refusal that a planner waived stands in `refusals` as well, with `waived` 1.
    """

    offers: Columns
    refusals: Columns
    links: Columns


def eligibility(
    groups: Any,
    hospitals: Any,
    applications: Any,
    requirements: Any,
    facilities: Any = None,
    specialists: Any = None,
    admissions: Any = None,
) -> Eligibility:
    """Judge every application.

    Parameters
    ----------
    groups, hospitals, applications, requirements, facilities, specialists, admissions : tables of these schemas.

    Raises
    ------
    InputError
        A table breaks its schema, a level is no whole number, or an admission waives what is no refusal.
    """
    group_sheet, hospital_sheet = sheet("groups", groups), sheet("hospitals", hospitals)
    application_sheet, requirement_sheet = sheet("applications", applications), sheet("requirements", requirements)
    admission_sheet = _or_empty("admissions", admissions)
    facility_sheet, specialist_sheet = _or_empty("facilities", facilities), _or_empty("specialists", specialists)
    for given in (application_sheet, requirement_sheet, admission_sheet, facility_sheet, specialist_sheet):
        for column, keys, target in (
            ("hospital", hospital_sheet["hospital"], "hospitals"),
            ("group", group_sheet["group"], "groups"),
        ):
            if column in given.columns:
                given.refer(column, keys, target)
        given.finish()
    _check_values(requirement_sheet, group_sheet)
    has = _Attributes(hospital_sheet, facility_sheet, specialist_sheet)
    asked: dict[str, list[tuple[str, str]]] = {}
    for _, group, kind, value in requirement_sheet.rows("group", "requirement", "value"):
        if kind not in LINKS:
            asked.setdefault(group, []).append((kind, value))
    admitted = {
        (hospital, group, kind): (row, reason, author)
        for row, hospital, group, kind, reason, author in admission_sheet.rows(
            "hospital", "group", "requirement", "reason", "author"
        )
    }
    used = set()
    offers, refusals = [], []
    for _, hospital, group, capacity in application_sheet.rows("hospital", "group", "capacity"):
        missing = [
            (kind, value, found)
            for kind, value in asked.get(group, ())
            if (found := has.missing(hospital, group, kind, value)) is not None
        ]
        waived = {kind: admitted[hospital, group, kind] for kind, *_ in missing if (hospital, group, kind) in admitted}
        # A waived link is for the allocation: `overrides.exemptions` makes an override of it.
        links = {kind: admitted[hospital, group, kind] for kind in LINKS if (hospital, group, kind) in admitted}
        used |= {(hospital, group, kind) for kind in (*waived, *links)}
        refusals += [(hospital, group, kind, value, found, int(kind in waived)) for kind, value, found in missing]
        if all(kind in waived for kind, *_ in missing):
            notes = {kind: (waived | links)[kind] for kind in REQUIREMENTS if kind in (waived | links)}
            told = ["|".join(dict.fromkeys(str(note[at]) for note in notes.values())) for at in (1, 2)]
            offers.append((hospital, group, capacity, "|".join(notes), *told))
    for key, (row, *_) in admitted.items():
        if key not in used:
            admission_sheet.report(row, "requirement", "must be one that an application misses", ", ".join(key))
    admission_sheet.finish()
    return Eligibility(
        columns_of(OFFER_COLUMNS, offers),
        columns_of(REFUSAL_COLUMNS, refusals),
        columns_of(LINK_COLUMNS, _links(requirement_sheet)),
    )


def _or_empty(name: str, data: Any) -> Sheet:
    if data is not None:
        return sheet(name, data)
    from splgbench.planning.schemas import SCHEMAS

    return Sheet(name, {field.name: [] for field in SCHEMAS[name].fields})


def _check_values(requirements: Sheet, groups: Sheet) -> None:
    known = set(groups["group"])
    for row, group, kind, value in requirements.rows("group", "requirement", "value"):
        if kind in ("specialist", "emergency", "intensive_care") and not value.isdecimal():
            requirements.report(row, "value", "must be a level: a whole number of at least 0", value)
        if kind == "basic_package" and not set(value.split("|")) <= {"BP", "BPE"}:
            requirements.report(row, "value", "must be BP, BPE or BPE|BP", value)
        if kind in LINKS:
            for name in value.split("|"):
                if name not in known:
                    requirements.report(row, "value", "must name groups of the table groups", name)
                elif name == group:
                    requirements.report(row, "value", "must not name the group itself", name)
    requirements.finish()


class _Attributes:
    """What hospitals have."""

    def __init__(self, hospitals: Sheet, facilities: Sheet, specialists: Sheet) -> None:
        self.levels: Mapping[tuple[str, str], int] = {
            (hospital, kind): level
            for kind in ("emergency", "intensive_care")
            for _, hospital, level in hospitals.rows("hospital", f"{kind}_level")
        }
        self.packages = dict(zip(hospitals["hospital"], hospitals["basic_package"], strict=True))
        self.facilities: dict[str, set[str]] = {}
        for _, hospital, facility in facilities.rows("hospital", "facility"):
            self.facilities.setdefault(hospital, set()).add(facility)
        self.specialists = {
            (hospital, group): level for _, hospital, group, level in specialists.rows("hospital", "group", "level")
        }

    def missing(self, hospital: str, group: str, kind: str, value: str) -> str | None:
        """What the hospital has where that is not enough; None where the requirement is met."""
        if kind == "specialist":
            level = self.specialists.get((hospital, group), 0)
            return None if level >= int(value) else f"level {level}"
        if kind in ("emergency", "intensive_care"):
            level = self.levels[hospital, kind]
            return None if level >= int(value) else f"level {level}"
        if kind == "basic_package":
            package = self.packages[hospital]
            return None if package in value.split("|") else package
        found = self.facilities.get(hospital, set())
        return None if found & set(value.split("|")) else "not there"


def _links(requirements: Sheet) -> list[tuple[str, str, str, str, str]]:
    """One clause a row of the kinds inhouse and cooperation."""
    numbers: dict[str, int] = {}
    links = []
    for _, group, kind, value in requirements.rows("group", "requirement", "value"):
        if kind in LINKS:
            numbers[group] = numbers.get(group, 0) + 1
            links += [(group, str(numbers[group]), "any", name, kind) for name in dict.fromkeys(value.split("|"))]
    return links
