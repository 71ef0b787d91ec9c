"""Service groups out of SwissDRG families: which families make a group, and what a hospital needs for it.

The judgement of this project stands in `instances/raw/swissdrg_groups`, a reason a row; the rules for all other
families stand here. Readable SPLG requirements come from `instances/raw/splg_partial`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from splgbench.sources.raw import RawTable, raw_folder, read_raw
from splgbench.sources.standards import STANDARDS_FOLDER
from splgbench.sources.switzerland_files import AGES, Drg, Institution

GROUPS_FOLDER = "swissdrg_groups"
SPLG_FOLDER = "splg_partial"
BASIC, ELECTIVE = "BP", "BPE"
"""The basic packages: of hospitals with an emergency service, and of elective providers."""
BASE_AREA = "BASE"
_HEALTHY_NEWBORN = "P67D"
_LEFT_OUT_CHAPTERS = ("U", "V")
_LEFT_OUT_FAMILIES = ("960", "961", "962", "963")
_BASIC_CHAPTERS = "BDEFGHIJKLMNQTXZ"
_ELECTIVE_CHAPTERS = "GHJX"
_MERGED = {"9": "Z", "S": "T", "V": "T", "W": "X", "Y": "X"}
"""Chapters of few cases that join another area."""
_INTENSIVE_LEVEL = 2
"""Level of intensive care from which on an intensive care unit is asked for."""


class Rules(NamedTuple):
    """Limits of the rules for families that have no row.

    `basic_weight` : mean cost weight, in thousandths, up to which a family is basic. `own_cases` : national cases from
    which on a family is a group of its own. `least_cases` : national cases below which a rest joins the other rest of
    its area. `intensive_weight` : mean cost weight, in thousandths, from which on a group needs intensive care.
    """

    basic_weight: int = 1000
    own_cases: int = 5000
    least_cases: int = 500
    intensive_weight: int = 3000


DEFAULT_RULES = Rules()


class Splg(NamedTuple):
    """A row of the partial SPLG catalogue; None is unknown, 0 none."""

    code: str
    name: str
    basic_package: str
    emergency: int | None
    intensive: int | None
    line: int


class Standard(NamedTuple):
    """A published minimum of hospital cases."""

    issuer: str
    procedure: str
    cases: int
    line: int


@dataclass(frozen=True)
class Group:
    """A service group.

    Parameters
    ----------
    key, name, area : of the group.
    families : DRG families that make it.
    evidence : what a hospital must show, each entry alternatives joined by "|" (see `shows`).
    base : "either" (a basic package of either kind), "BP" or "none".
    splg : the matched row of the partial SPLG catalogue.
    standard : the published minimum that it carries.
    requires : groups of which it needs one.
    line : of its row in `named_groups.csv`; 0 where a rule made it.
    """

    key: str
    name: str
    area: str
    families: tuple[str, ...]
    evidence: tuple[str, ...]
    base: str
    splg: Splg | None = None
    standard: Standard | None = None
    requires: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class Grouping:
    """All groups.

    Parameters
    ----------
    groups : sorted by key. The two basic packages share their families: see `basic_medical`.
    of_family : group of each family that is planned; families of the basic packages map to "BP" (medical) or "BPE"
        (operative).
    weights : cost weight of each DRG, in thousandths, completed where the catalogue has none.
    specialities : institution to its families and the line that says so; "B*" stands for a whole chapter.
    splg : the partial SPLG catalogue by code.
    sha256 : of each file, in hex.
    """

    groups: tuple[Group, ...]
    of_family: Mapping[str, str]
    weights: Mapping[str, int]
    specialities: Mapping[str, tuple[tuple[str, ...], int]]
    splg: Mapping[str, Splg]
    sha256: Mapping[str, str]


def planned(drg: Drg) -> bool:
    """Whether the DRG's cases are acute cases of the key figures.

    Left out: healthy newborns, which the key figures count apart; MDC 19 and 20 and cases that cannot be grouped, which
    the national file holds mostly for psychiatric and rehabilitation clinics.
    """
    return drg.code != _HEALTHY_NEWBORN and drg.mdc not in _LEFT_OUT_CHAPTERS and drg.family not in _LEFT_OUT_FAMILIES


def shows(hospital: Institution, evidence: Iterable[str]) -> bool:
    """Whether a hospital shows all the evidence that a group asks for.

    NF, IPS: services; OP: an operating room; BIRTH: delivery rooms and newborns; CC, LB, Dia, Lito, CT: equipment;
    K111, K12*: type. Each entry may name alternatives, joined by "|".
    """
    return all(any(_shows(hospital, one) for one in entry.split("|")) for entry in evidence)


def _shows(hospital: Institution, what: str) -> bool:
    if what == "OP":
        return hospital.operating_rooms > 0
    if what == "BIRTH":
        return hospital.newborns > 0 and hospital.delivery_rooms > 0
    if what.startswith("K"):
        return hospital.kind.startswith(what.rstrip("*"))
    return what in hospital.services or what in hospital.equipment


def read_grouping(
    drgs: Sequence[Drg],
    chapters: Mapping[str, str],
    rules: Rules = DEFAULT_RULES,
    folder: Traversable | Path | None = None,
    splg_folder: Traversable | Path | None = None,
    standards_folder: Traversable | Path | None = None,
) -> Grouping:
    """Make the groups.

    Parameters
    ----------
    drgs : of the national statistics.
    chapters : name of each MDC by its letter.
    folder, splg_folder, standards_folder : where the judgement, the partial SPLG catalogue and the published minima
        lie; None takes the shipped ones.

    Raises
    ------
    InputError
        A file or a column is missing, or a row names what does not exist; with file, row and column.
    """
    folder = raw_folder(GROUPS_FOLDER) if folder is None else folder
    catalogue = read_raw(
        raw_folder(SPLG_FOLDER) if splg_folder is None else splg_folder,
        "splg_partial.csv",
        ("code", "name_de", "basic_package", "emergency_level", "icu_level"),
    )
    published = read_raw(
        raw_folder(STANDARDS_FOLDER) if standards_folder is None else standards_folder,
        "minimum_volumes.csv",
        ("issuer", "procedure", "min_hospital_volume"),
    )
    columns = ("group", "name", "area", "families", "evidence", "base", "splg", "issuer", "procedure", "requires")
    judged = read_raw(folder, "named_groups.csv", columns)
    special = read_raw(folder, "specialities.csv", ("institution", "families"))

    planned_drgs = [drg for drg in drgs if planned(drg)]
    weights = complete_weights(planned_drgs)
    splg = _splg(catalogue)
    named = _named(judged, splg, _standards(published), {drg.family for drg in drgs})
    taken = {family for group in named for family in group.families}
    ruled, of_family = _by_rule([drg for drg in planned_drgs if drg.family not in taken], weights, chapters, rules)
    for group in named:
        of_family |= dict.fromkeys(group.families, group.key)
    groups = sorted([*named, *ruled, *_basic_packages(splg)], key=lambda group: group.key)
    specialities = {
        institution: (tuple(families.split(";")), special.table.rows[row])
        for row, institution, families in special.rows("institution", "families")
    }
    return Grouping(
        tuple(groups),
        of_family,
        weights,
        specialities,
        splg,
        {raw.table.name: raw.sha256 for raw in (catalogue, published, judged, special)},
    )


def complete_weights(drgs: Sequence[Drg]) -> dict[str, int]:
    """Cost weight of every DRG, in thousandths.

    Where the catalogue has none: the mean of the family, weighted by cases; where it has none of the family, the mean
    of the MDC and partition; at last the mean of all. Means are rounded half up.
    """
    sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for drg in drgs:
        if drg.weight:
            cases = sum(drg.cases.values())
            for key in _levels(drg):
                sums[key][0] += cases
                sums[key][1] += cases * drg.weight
    means = {key: (2 * total + cases) // (2 * cases) for key, (cases, total) in sums.items()}
    return {drg.code: drg.weight or next(means[key] for key in _levels(drg) if key in means) for drg in drgs}


def _levels(drg: Drg) -> tuple[tuple[str, ...], ...]:
    return (("family", drg.family), ("partition", drg.mdc, drg.partition), ())


def _splg(raw: RawTable) -> dict[str, Splg]:
    """The catalogue; an empty level is unknown."""
    found = {}
    for row, code, name, basic, emergency, intensive in raw.rows(
        "code", "name_de", "basic_package", "emergency_level", "icu_level"
    ):
        levels = tuple(
            None if not text else raw.scaled(row, column, text)
            for column, text in (("emergency_level", emergency), ("icu_level", intensive))
        )
        found[code] = Splg(code, name, basic, levels[0], levels[1], raw.table.rows[row])
    raw.raise_problems()
    return found


def _standards(raw: RawTable) -> dict[tuple[str, str], Standard]:
    found = {
        (issuer, procedure): Standard(
            issuer, procedure, raw.whole(row, "min_hospital_volume", minimum), raw.table.rows[row]
        )
        for row, issuer, procedure, minimum in raw.rows("issuer", "procedure", "min_hospital_volume")
        if minimum
    }
    raw.raise_problems()
    return found


def _named(
    raw: RawTable, splg: Mapping[str, Splg], standards: Mapping[tuple[str, str], Standard], families: set[str]
) -> list[Group]:
    found: dict[str, Group] = {}
    owner: dict[str, str] = {}
    columns = ("group", "name", "area", "families", "evidence", "base", "splg", "issuer", "procedure", "requires")
    for row, key, name, area, members, evidence, base, code, issuer, procedure, requires in raw.rows(*columns):
        if key in found or key in (BASIC, ELECTIVE):
            raw.report(row, "group", "must be unique", key)
        for family in members.split(";"):
            if family not in families:
                raw.report(row, "families", "must be families of drg_cases.csv", family)
            if family in owner:
                raw.report(row, "families", f"must not be in {owner[family]} as well", family)
            owner[family] = key
        if code and code not in splg:
            raw.report(row, "splg", "must be a code of splg_partial.csv", code)
        if procedure and (issuer, procedure) not in standards:
            raw.report(row, "procedure", "must be a procedure of the issuer with a hospital minimum", procedure)
        if base not in ("", "none"):
            raw.report(row, "base", "must be none or empty", base)
        match = splg.get(code)
        found[key] = Group(
            key,
            name,
            area,
            tuple(members.split(";")),
            tuple(dict.fromkeys((*_split(evidence), *_splg_evidence(match)))),
            base or ("BP" if match is not None and match.basic_package == "BP" else "either"),
            match,
            standards.get((issuer, procedure)),
            _split(requires),
            raw.table.rows[row],
        )
    for row, requires in raw.rows("requires"):
        for key in _split(requires):
            if key not in found:
                raw.report(row, "requires", "must be groups of this file", key)
    raw.raise_problems()
    return list(found.values())


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def _splg_evidence(splg: Splg | None) -> tuple[str, ...]:
    """What the readable levels ask for: an emergency service from level 1 on, intensive care from level 2 on."""
    if splg is None:
        return ()
    return ("NF",) * bool(splg.emergency) + ("IPS",) * ((splg.intensive or 0) >= _INTENSIVE_LEVEL)


def _basic_packages(splg: Mapping[str, Splg]) -> list[Group]:
    return [
        Group(BASIC, "Basic package", BASE_AREA, (), _splg_evidence(splg[BASIC]), "none", splg[BASIC]),
        Group(ELECTIVE, "Basic package of elective providers", BASE_AREA, (), (), "none", splg[ELECTIVE]),
    ]


def _by_rule(
    drgs: Sequence[Drg], weights: Mapping[str, int], chapters: Mapping[str, str], rules: Rules
) -> tuple[list[Group], dict[str, str]]:
    """Groups of the families that nobody named, and the group of each such family."""
    cases: dict[str, int] = defaultdict(int)
    weight: dict[str, int] = defaultdict(int)
    first: dict[str, Drg] = {}
    for drg in drgs:
        number = sum(drg.cases.values())
        cases[drg.family] += number
        weight[drg.family] += number * weights[drg.code]
        kept = first.setdefault(drg.family, drg)
        if number > sum(kept.cases.values()):
            first[drg.family] = drg
    of_family: dict[str, str] = {}
    rests: dict[tuple[str, bool], list[str]] = defaultdict(list)
    groups: list[Group] = []
    for family, drg in sorted(first.items()):
        basic = weight[family] <= rules.basic_weight * cases[family]
        area, operative = _MERGED.get(drg.mdc, drg.mdc), drg.partition == "O"
        if basic and drg.partition == "M" and drg.mdc in _BASIC_CHAPTERS:
            of_family[family] = BASIC
        elif basic and operative and drg.mdc in _ELECTIVE_CHAPTERS:
            of_family[family] = ELECTIVE
        elif cases[family] >= rules.own_cases:
            evidence = _rule_evidence(operative, weight[family], cases[family], rules)
            groups.append(Group(family, drg.name, area, (family,), evidence, "either"))
            of_family[family] = family
        else:
            rests[area, operative].append(family)
    for area, operative in sorted(rests):
        families = rests[area, operative]
        number = sum(cases[family] for family in families)
        if number < rules.least_cases and (area, not operative) in rests:
            rests[area, not operative].extend(families)
            del rests[area, operative]
    for (area, operative), families in sorted(rests.items()):
        key = f"{area}-{'OP' if operative else 'MED'}"
        name = f"{chapters.get(area, area)}: {'other operations' if operative else 'other treatment'}"
        number = sum(cases[family] for family in families)
        total = sum(weight[family] for family in families)
        evidence = _rule_evidence(operative, total, number, rules)
        groups.append(Group(key, name, area, tuple(sorted(families)), evidence, "either"))
        of_family |= dict.fromkeys(families, key)
    return groups, of_family


def _rule_evidence(operative: bool, weight: int, cases: int, rules: Rules) -> tuple[str, ...]:
    return ("OP",) * operative + ("IPS",) * (weight >= rules.intensive_weight * cases)


def total_cases(drg: Drg) -> int:
    """National cases of all ages."""
    return sum(drg.cases[age] for age in AGES)
