"""Links resolved to offers: by hand for each scope and mode, and against a plain second implementation."""

from __future__ import annotations

from typing import Any

from instances_for_tests import make, plain_tables, random_instance
from naive import Naive

from splgbench.instance import Instance
from splgbench.requirements import requirements

Found = list[tuple[tuple[str, str], str, tuple[tuple[str, str], ...]]]


def resolved(instance: Instance) -> Found:
    """(offer, mode, members) of every requirement, by name and sorted."""
    links = requirements(instance)
    assert len(links.start) == links.count + 1
    assert links.start[-1] == len(links.member) == len(links.of_member)
    found = []
    for r in range(links.count):
        members = links.member[links.start[r] : links.start[r + 1]].tolist()
        assert members == sorted(set(members)), "members are sorted and named once"
        assert (links.of_member[links.start[r] : links.start[r + 1]] == r).all()
        mode = "all" if links.clause_is_all[r] else "any"
        found.append((instance.offer_name(int(links.offer[r])), mode, tuple(map(instance.offer_name, members))))
    return sorted(found)


def expected(naive: Naive) -> Found:
    return sorted(
        (pair, mode, tuple(sorted(members)))
        for pair in naive.capacity
        for _, mode, members in naive.requirements(*pair)
        if pair not in members
    )


def test_requirements_equal_the_plain_ones() -> None:
    """On random instances with all modes, scopes, networks and exemptions both resolve every clause alike."""
    total = empty = wide = 0
    for seed in range(400):
        instance, tables = random_instance(seed, hospitals=2 + seed % 4, groups=3 + seed % 4, link_chance=0.8)
        found = resolved(instance)
        assert found == expected(Naive(tables, instance.capacity_mode)), seed
        total += len(found)
        empty += sum(not members for _, _, members in found)
        wide += sum(any(place != h for place, _ in members) for (h, _), _, members in found)
    assert min(total, empty, wide) > 100


OFFERS = {("H1", "G"): (1, 1), ("H1", "A"): (1, 1), ("H2", "B"): (1, 1), ("H2", "G"): (1, 1), ("H3", "A"): (1, 1)}
DEMAND = {"G": 1, "A": 1, "B": 1}
NETWORKS = {"H1": "net", "H2": "net", "H3": ""}


def of(links: list[tuple[str, str, str, str, str]], **facts: Any) -> Found:
    return resolved(make(plain_tables(OFFERS, DEMAND, links=links, networks=NETWORKS, **facts)))


def test_any_is_one_requirement_and_all_is_one_for_each_group() -> None:
    """An any-clause joins its members; an all-clause asks for each of them."""
    both = [("G", "c", mode, group, "inhouse") for mode in ("any",) for group in "AB"]
    assert of(both) == [(("H1", "G"), "any", (("H1", "A"),)), (("H2", "G"), "any", (("H2", "B"),))]
    both = [("G", "c", "all", group, "inhouse") for group in "AB"]
    assert of(both) == [
        (("H1", "G"), "all", ()),
        (("H1", "G"), "all", (("H1", "A"),)),
        (("H2", "G"), "all", ()),
        (("H2", "G"), "all", (("H2", "B"),)),
    ]


def test_scopes() -> None:
    """In-house is the hospital alone; cooperation its network, itself included; the scope is each row's own."""
    mixed = [("G", "c", "any", "A", "inhouse"), ("G", "c", "any", "B", "cooperation")]
    assert of(mixed) == [(("H1", "G"), "any", (("H1", "A"), ("H2", "B"))), (("H2", "G"), "any", (("H2", "B"),))]
    wide = [("G", "c", "all", "A", "cooperation"), ("G", "c", "all", "B", "cooperation")]
    assert of(wide) == [
        (("H1", "G"), "all", (("H1", "A"),)),
        (("H1", "G"), "all", (("H2", "B"),)),
        (("H2", "G"), "all", (("H1", "A"),)),
        (("H2", "G"), "all", (("H2", "B"),)),
    ]
    from_outside = [("A", "c", "any", "B", "cooperation")]
    assert of(from_outside) == [(("H1", "A"), "any", (("H2", "B"),)), (("H3", "A"), "any", ())]


def test_what_always_holds_is_left_out() -> None:
    """A clause that the offer meets by itself is no requirement, however many members it has."""
    assert of([("G", "c", "any", "G", "inhouse"), ("G", "c", "any", "A", "inhouse")]) == []
    assert of([("G", "c", "all", "G", "cooperation")]) == []
    found = of([("G", "c", "all", "G", "inhouse"), ("G", "c", "all", "A", "inhouse")])
    assert found == [(("H1", "G"), "all", (("H1", "A"),)), (("H2", "G"), "all", ())]


def test_exempt_offers_need_nothing() -> None:
    """An exemption from the links frees one offer of all clauses of its group, and no other offer."""
    links = [("G", "c", "any", "A", "inhouse"), ("G", "d", "all", "B", "inhouse")]
    assert [offer for offer, _, _ in of(links)] == [("H1", "G")] * 2 + [("H2", "G")] * 2
    overrides = [("H1", "G", "exempt", None, "links")]
    assert {offer for offer, _, _ in of(links, overrides=overrides)} == {("H2", "G")}
    overrides = [("H1", "G", "exempt", None, "threshold")]
    assert of(links, overrides=overrides) == of(links)


def test_one_member_in_both_scopes() -> None:
    """A group named with both scopes in one any-clause counts each offer once."""
    links = [("G", "c", "any", "A", "inhouse"), ("G", "c", "any", "A", "cooperation")]
    assert of(links) == [(("H1", "G"), "any", (("H1", "A"),)), (("H2", "G"), "any", (("H1", "A"),))]


def test_network_names_are_compared_exactly() -> None:
    """Networks whose names differ in a trailing NUL or blank are two networks."""
    for name in ("net\x00", "net ", "NET"):
        tables = plain_tables(OFFERS, DEMAND, networks={"H1": "net", "H2": name, "H3": ""})
        tables["links"] = {
            "group": ["G"],
            "clause": ["c"],
            "mode": ["any"],
            "required": ["B"],
            "scope": ["cooperation"],
        }
        assert resolved(make(tables)) == [(("H1", "G"), "any", ()), (("H2", "G"), "any", (("H2", "B"),))]


def test_no_links_no_requirements() -> None:
    """Without clauses, offers, or offers of the linked group there is nothing to require."""
    assert of([]) == []
    nothing = plain_tables({}, DEMAND, links=[("G", "c", "any", "A", "inhouse")], networks=NETWORKS)
    assert resolved(make(nothing)) == []
    unoffered = plain_tables({("H1", "A"): (1, 1)}, DEMAND, links=[("G", "c", "any", "A", "inhouse")])
    assert resolved(make(unoffered)) == []
