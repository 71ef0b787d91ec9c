"""What CMS volumes say about offers, in whole numbers: payments compared, quality, minima, links.

Shared by the package of one region (`splgbench.sources.cms`) and the nation's collection
(`splgbench.sources.cms_nation`). Shares and factors are in basis points, money in cents; quotients are rounded half up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from splgbench.errors import InputError
from splgbench.sources.cms_files import Drg, Volume
from splgbench.sources.standards import Match

NEUTRAL_STARS = 3


class Clause(NamedTuple):
    """A link clause of the kind any, within the hospital: `group` needs one of `required`."""

    group: str
    name: str
    required: Sequence[str]


def rounded(numerator: int, denominator: int) -> int:
    """The quotient of whole numbers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def refuse_impossible(assumptions: Mapping[str, int]) -> None:
    """Raise `InputError` where an assumption, by its name, cannot be."""
    broken = [f"{name} must be a whole number of at least 0" for name, value in assumptions.items() if value < 0]
    for name, value in assumptions.items():
        if name.endswith("_percentile") and not 1 <= value <= 100:
            broken.append(f"{name} must be between 1 and 100")
        if name.endswith("_share_bp") and value > 10_000:
            broken.append(f"{name} must be at most 10000")
    if assumptions["star_bp"] > 4000:
        broken.append("star_bp must be at most 4000: one star must leave a positive utility")
    if assumptions.get("distance_bp", 0) > 9000:
        broken.append("distance_bp must be at most 9000: a distant hospital must have a positive utility")
    if not 1000 <= assumptions["efficiency_least_bp"] <= assumptions["efficiency_most_bp"]:
        broken.append("efficiency_least_bp must be between 1000 and efficiency_most_bp")
    if broken:
        raise InputError("; ".join(broken), "assumptions")


def reference_payments(by_drg: Mapping[str, Sequence[Volume]]) -> dict[str, int]:
    """Mean payment of each DRG over all cases given, in cents."""
    return {
        drg: rounded(
            sum(volume.discharges * volume.payment for volume in volumes),
            sum(volume.discharges for volume in volumes),
        )
        for drg, volumes in by_drg.items()
    }


def payment_levels(volumes: Iterable[Volume], reference: Mapping[str, int]) -> dict[str, int]:
    """What each hospital is paid for its cases over what they would be paid at the mean, in basis points.

    Medicare pays hospital-wide supplements (wages, teaching, a high share of poor patients), which say nothing
    about efficiency. Dividing by this level takes them out of the comparison.
    """
    paid: dict[str, int] = defaultdict(int)
    at_mean: dict[str, int] = defaultdict(int)
    for volume in volumes:
        paid[volume.provider] += volume.discharges * volume.payment
        at_mean[volume.provider] += volume.discharges * reference[volume.drg]
    return {hospital: rounded(10_000 * paid[hospital], at_mean[hospital]) for hospital in paid}


def efficiency_bp(payment: int, reference: int, level: int, least: int, most: int) -> int:
    """Mean payment of the DRG, at the hospital's payment level, over the hospital's own, within `least` to `most`.

    Parameters
    ----------
    payment : the hospital's mean payment of a case in the DRG, in cents.
    reference : mean payment of the DRG, in cents.
    level : payment level of the hospital, in basis points.
    """
    return min(max(rounded(reference * level, payment), least), most)


def quality_bp(stars: int | None, star_bp: int) -> int:
    """One point at three stars or where no rating is known, `star_bp` basis points more or less per star."""
    return 10_000 + star_bp * ((stars or NEUTRAL_STARS) - NEUTRAL_STARS)


def nearest_rank(discharges: Iterable[int], percentile: int) -> int:
    """The percentile of some numbers by nearest rank: the least one that `percentile` % of them do not exceed."""
    ordered = sorted(discharges)
    return ordered[-(-percentile * len(ordered) // 100) - 1]


def published_minimum(drg: str, standards: Mapping[str, Match], offered: Container[str]) -> tuple[int, str] | None:
    """Minimum cases that a published standard gives a DRG, and where they come from; None where there is none."""
    match = standards.get(drg)
    if match is not None and match.use == "applied":
        return match.minimum_cases, f"{match.issuer}: {match.procedure}"
    carrier = carrier_of(drg, standards, offered)
    return None if carrier is None else (0, f"carried by {carrier}")


def carrier_of(drg: str, standards: Mapping[str, Match], offered: Container[str]) -> str | None:
    """The DRG that carries the published standard of this one, if somebody offers it."""
    match = standards.get(drg)
    return match.carrier if match is not None and match.use == "follows" and match.carrier in offered else None


def link_clauses(
    drgs: Mapping[str, Drg],
    by_drg: Mapping[str, Sequence[Volume]],
    standards: Mapping[str, Match],
    base_choices: int,
    specialty_choices: int,
) -> list[Clause]:
    """Link clauses, all of them any-clauses within the hospital.

    - base: every DRG needs one of the most widespread medical DRGs, unless it is one of them.
    - specialty: a surgical DRG needs one of the largest medical DRGs of its MDC, where there is a choice.
    - family: a DRG whose published minimum another DRG carries needs that one.

    Parameters
    ----------
    drgs : those to link, by key.
    base_choices, specialty_choices : how many DRGs there are to choose from.
    """
    cases = {key: sum(volume.discharges for volume in by_drg[key]) for key in drgs}
    medical = [key for key, drg in drgs.items() if not drg.surgical]
    base = sorted(medical, key=lambda key: (-len(by_drg[key]), -cases[key], key))[:base_choices]
    largest = sorted(medical, key=lambda key: (-cases[key], key))
    clauses: list[Clause] = []
    for key, drg in drgs.items():
        if key not in base:
            clauses.append(Clause(key, "base", base))
        peers = [other for other in largest if drgs[other].mdc == drg.mdc][:specialty_choices]
        if drg.surgical and len(peers) == specialty_choices:
            clauses.append(Clause(key, "specialty", peers))
        carrier = carrier_of(key, standards, by_drg)
        if carrier is not None:
            clauses.append(Clause(key, "family", [carrier]))
    return clauses


def link_table(clauses: Iterable[Clause]) -> dict[str, list[Any]]:
    """The clauses as the table `links` of a package."""
    rows = [(clause.group, clause.name, "any", required) for clause in clauses for required in clause.required]
    return {
        column: [row[position] for row in rows]
        for position, column in enumerate(("group", "clause", "mode", "required"))
    }


def area_key(mdc: str) -> str:
    """The service area of a major diagnostic category."""
    return f"MDC{mdc}"


def area_table(drgs: Iterable[Drg]) -> dict[str, list[str]]:
    """The MDCs of some DRGs as the table `areas` of a package."""
    names = {area_key(drg.mdc): drg.mdc_name for drg in drgs}
    return {"area": list(names), "name": list(names.values())}
