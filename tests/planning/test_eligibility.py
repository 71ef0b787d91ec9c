"""Eligibility: requirements against attributes, refusals with reasons, admissions with theirs."""

from __future__ import annotations

from typing import Any

import pytest

from splgbench.errors import InputError
from splgbench.planning.assembly import assemble, exemptions
from splgbench.planning.eligibility import eligibility
from splgbench.volumes import exempt_from

GROUPS = {
    "group": ["BASE", "HIP", "TUMOUR"],
    "area": ["A", "B", "B"],
    "level": ["basic", "extended", "specialised"],
    "stay": [4] * 3,
}
HOSPITALS = {
    "hospital": ["H1", "H2"],
    "emergency_level": [2, 0],
    "intensive_care_level": [2, 1],
    "basic_package": ["BP", "BPE"],
}
APPLICATIONS = {
    "hospital": ["H1", "H1", "H1", "H2", "H2", "H2"],
    "group": ["BASE", "HIP", "TUMOUR"] * 2,
    "capacity": [50, 40, 30, 50, 40, 30],
}
REQUIREMENTS = {
    "group": ["BASE", "HIP", "HIP", "TUMOUR", "TUMOUR", "TUMOUR"],
    "requirement": ["emergency", "basic_package", "specialist", "intensive_care", "facility", "inhouse"],
    "value": ["1", "BPE|BP", "2", "2", "tumour board|certificate", "HIP"],
}
FACILITIES = {"hospital": ["H1"], "facility": ["certificate"]}
SPECIALISTS = {"hospital": ["H1", "H2"], "group": ["HIP", "HIP"], "level": [2, 3]}


def run(admissions: Any = None, requirements: Any = None) -> Any:
    return eligibility(
        GROUPS, HOSPITALS, APPLICATIONS, requirements or REQUIREMENTS, FACILITIES, SPECIALISTS, admissions
    )


def test_every_refusal_has_its_reasons() -> None:
    """H2 lacks an emergency ward, intensive care and a tumour board; each is named with what it has instead."""
    found = run()
    assert list(zip(found.offers["hospital"], found.offers["group"], strict=True)) == [
        ("H1", "BASE"),
        ("H1", "HIP"),
        ("H1", "TUMOUR"),
        ("H2", "HIP"),
    ]
    assert list(zip(*found.refusals.values(), strict=True)) == [
        ("H2", "BASE", "emergency", "1", "level 0", 0),
        ("H2", "TUMOUR", "intensive_care", "2", "level 1", 0),
        ("H2", "TUMOUR", "facility", "tumour board|certificate", "not there", 0),
    ]
    assert list(zip(*found.links.values(), strict=True)) == [("TUMOUR", "1", "any", "HIP", "inhouse")]


def admitted(*requirements: str) -> dict[str, list[str]]:
    count = len(requirements)
    return {
        "hospital": ["H2"] * count,
        "group": ["TUMOUR"] * count,
        "requirement": list(requirements),
        "reason": ["a board is planned"] * count,
        "author": ["A. Planner"] * count,
    }


def test_an_admitted_application_becomes_an_offer_with_exemption_reason_and_author() -> None:
    """And the refusal stays on record as waived."""
    found = run(admitted("intensive_care", "facility"))
    row = list(zip(*found.offers.values(), strict=True))[-1]
    assert row == ("H2", "TUMOUR", 30, "intensive_care|facility", "a board is planned", "A. Planner")
    waived = dict(zip(found.refusals["requirement"], found.refusals["waived"], strict=True))
    assert waived == {"emergency": 0, "intensive_care": 1, "facility": 1}


def test_half_an_admission_is_none() -> None:
    """All that is missing must be waived."""
    assert ("H2", "TUMOUR") not in set(zip(*list(run(admitted("facility")).offers.values())[:2], strict=True))


def test_a_waived_link_exempts_the_offer_in_the_instance() -> None:
    """The exemption stands in the package as an override with its reason and author, and beside the offer."""
    given = admitted("inhouse") | {"hospital": ["H1"]}
    found = run(given)
    scores = {
        "hospital": found.offers["hospital"],
        "group": found.offers["group"],
        "pus": [1.0] * 4,
        "mark": [0.0] * 4,
        "epus": [1.0] * 4,
    }
    instance = assemble(GROUPS, HOSPITALS, {"TUMOUR": 9}, found.offers, scores, found.links)
    k = instance.offer_index["H1", "TUMOUR"]
    assert exempt_from(instance, "links")[k] == 1 == exempt_from(instance, "links").sum()
    assert instance.notes["offers"]["exemption"][k] == "inhouse"
    assert exemptions(found.offers)["reason"] == ["a board is planned"]
    assert instance.notes["overrides"]["author"] == ("A. Planner",)


def test_what_cannot_be_is_refused() -> None:
    """An admission of nothing missing, levels that are none, links to nowhere, hospitals that are not there."""
    with pytest.raises(
        InputError, match=r"admissions, row 1, column requirement: must be one that an application misses"
    ):
        run(admitted("basic_package"))
    with pytest.raises(InputError, match=r"requirements, row 1, column value: must be a level"):
        run(requirements=REQUIREMENTS | {"value": ["high", *REQUIREMENTS["value"][1:]]})
    with pytest.raises(InputError, match=r"row 6, column value: must name groups of the table groups \(found 'KNEE'\)"):
        run(requirements=REQUIREMENTS | {"value": [*REQUIREMENTS["value"][:5], "KNEE"]})
    with pytest.raises(InputError, match=r"admissions, row 1, column reason: must not be empty"):
        run(admitted("facility") | {"reason": [""]})
