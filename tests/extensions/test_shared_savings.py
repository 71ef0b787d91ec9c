"""Shared savings: the worked example of docs/extensions.md, payments at every breakpoint, two encodings, refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from instances_for_tests import make, small, small_tables

from splgbench import check, solve
from splgbench.certificates.budget_price import budget_price
from splgbench.cli import main
from splgbench.errors import InputError, UnsupportedError
from splgbench.extensions import entries_of, with_extensions
from splgbench.extensions.shared_savings import WHOLE_BITS, SharedSavings
from splgbench.instance import Instance
from splgbench.methods import Direct, method
from splgbench.package import package_files, read_package, write_package
from splgbench.piecewise import ENCODINGS
from splgbench.polish import polish
from splgbench.result import Status
from splgbench.savings_contracts import Contract, Side
from splgbench.testing.oracles import agreed
from splgbench.testing.relations.savings import SAVING
from splgbench.testing.strategies import instances
from splgbench.transform import subset
from splgbench.value.frontier import frontier

SCHEMA = Path(__file__).parents[2] / "src" / "splgbench" / "schemas" / "instance-package-1.schema.json"
PAGE = Path(__file__).parents[2] / "docs" / "extensions.md"
COSTS = [{"group": group, "norm_cents": 20, "cents": cents} for group, cents in (("G1", 14), ("G2", 20), ("G3", 23))]
QUALITY = [
    {"hospital": h, "group": g, "points": q}
    for h, g, q in (("H1", "G1", 5), ("H1", "G2", 9), ("H1", "G3", 7), ("H2", "G1", 8), ("H2", "G3", 3))
]


def entry(**changes: Any) -> dict[str, Any]:
    """Shared savings of the instance of `small_tables`, all hospitals under one contract."""
    terms = {"contract": "C", "share_bp": 5000, "minimum_cents": 30, "most_cents": 25, "points": 6}
    losses = {"loss_share_bp": 3333, "loss_minimum_cents": 5}
    return {
        "group_costs": COSTS,
        "offer_costs": [{"hospital": "H2", "group": "G1", "cents": 10}],
        "quality": QUALITY,
        "contracts": [terms | losses],
        "members": [{"contract": "C"}],
        "worth_units": 2,
        "worth_cents": 3,
        **changes,
    }


def paid(**changes: Any) -> Instance:
    return make(small_tables(), extensions={"shared_savings": entry(**changes)})


def hips() -> Instance:
    """The worked example of the page, as its own code makes it."""
    section = PAGE.read_text("utf-8").partition("## Shared savings")[2].partition("\n## ")[0]
    code = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
    names: dict[str, Any] = {"with_extensions": with_extensions, "solve": solve}
    exec(compile(code, PAGE.name, "exec"), names)
    instance: Instance = names["saving"]
    return instance


def test_the_table_of_the_page() -> None:
    """Every cell by hand: utility, savings, points, what is shared, payment, value."""
    instance, section = hips(), PAGE.read_text("utf-8").partition("| Sued | utility | saved |")[2].partition("\n\n")[0]
    rows = [[int(cell.replace(",", "")) for cell in line.strip("| ").split("|")] for line in section.splitlines()[2:]]
    assert len(rows) == 6
    contract = instance.extensions["shared_savings"].contracts[0]  # type: ignore[attr-defined]
    for sued, utility, saved, points, shared, payment, together in rows:
        volumes = [10 - sued, sued]
        assert volumes @ instance.utility == utility
        assert sum(d * x for d, x in zip(contract.saved, volumes, strict=True)) == 100 * saved
        assert 90 * volumes[0] + 70 * volumes[1] == 10 * points
        assert contract.cents(volumes) == 10_000 * 100 * shared
        assert instance.extensions["shared_savings"].payment(volumes) == payment
        verdict = check(
            instance, {("Nord", "HIP"): 10 - sued, ("Sued", "HIP"): sued} if sued else {("Nord", "HIP"): 10}
        )
        assert (verdict.feasible, verdict.objective) == (True, together)
    best = polish(instance, np.array([True, True]))
    assert (best.objective, best.proved) == (53, True)


def contracts() -> list[tuple[Contract, int, int]]:
    """Terms of every kind, with what money is worth, seeded."""
    random, found = Random(20), []
    for _ in range(150):

        def side(share: int) -> Side:
            most = random.choice([None, 0, random.randint(1, 60)])
            return Side(random.choice([0, 1, random.randint(2, 60)]), share, most)

        unit = random.choice([1, 1, 2, 7])
        saved = (unit * random.randint(1, 9), -unit * random.randint(1, 9), 0)
        reach = (-unit * random.randint(0, 80), unit * random.randint(0, 80))
        reach = (reach[0] // saved[1] * saved[1], reach[1])
        shares = random.choice([3333, 10_000, 1]), random.choice([0, 0, 5000, 7001])
        terms = Contract(
            "C", side(shares[0]), side(shares[1]), random.random() < 0.4, None, (0, 1, 2), saved, (0,) * 3, *reach, 0
        )
        found.append((terms, random.randint(0, 4), random.randint(1, 5)))
    return found


def test_segments_say_what_is_paid() -> None:
    """At every amount of savings that there can be; each amount lies on one segment."""
    kinds = set()
    for contract, units, cents in contracts():
        whole, segments = contract.segments(units, cents)
        kinds.add(len(segments))
        for savings in range(contract.low, contract.high + 1, contract.unit):
            at = savings // contract.unit
            here = [s for s in segments if s.first <= at <= s.last]
            assert len(here) == 1
            amount = contract.gains.cents(savings, contract.above) - contract.losses.cents(-savings, contract.above)
            assert (here[0].value + here[0].slope * (at - here[0].first)) // whole == units * amount // (10_000 * cents)
    assert kinds >= {1, 2, 3, 4, 5}


METHODS = [
    method(name)
    for name in (
        *(f"linked@highs:encoding={encoding}" for encoding in ENCODINGS),
        *(f"strengthened@scip:encoding={encoding}" for encoding in ENCODINGS),
        *(f"big_m_tight@cpsat:encoding={encoding}" for encoding in ENCODINGS),
    )
]


def test_both_encodings_agree_to_the_unit_on_three_solvers() -> None:
    """With each other, and with the search that knows nothing but the entries."""

    @seed(7)
    @settings(
        max_examples=15, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(instances(SAVING))
    def agree(instance: Instance) -> None:
        optimum = agreed(instance).optimum
        for each in METHODS:
            result = each.solve(instance)
            assert (result.status, result.primal, result.dual) == (Status.OPTIMAL, optimum, optimum), each.name

    agree()


def test_compare_puts_them_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two lines, one value."""
    write_package(paid(), tmp_path / "p")
    names = [f"linked@highs:encoding={encoding}" for encoding in ENCODINGS]
    assert main(["compare", str(tmp_path / "p"), "--methods", *names, "--time-limit", "20"]) == 0
    printed = capsys.readouterr().out
    optimum = agreed(paid()).optimum
    for name in names:
        assert any(
            name in line and f"{optimum:,}" in line.replace(str(optimum), f"{optimum:,}")
            for line in printed.splitlines()
        )


def test_the_option_is_refused_where_it_says_nothing() -> None:
    """On plain instances, on other extensions, and with a name that is none."""
    budget = {"regional_budget": {"group_costs": [{"group": g, "cents": 1} for g in ("G1", "G2", "G3")], "budgets": []}}
    for instance in (small(), with_extensions(small(), budget)):
        result = solve(instance, "linked@highs:encoding=sos2")
        assert (result.status, "encoding=sos2 says nothing" in result.message) == (Status.UNSUPPORTED, True)
    with pytest.raises(InputError, match="encoding must be incremental or sos2"):
        method("linked@highs:encoding=binary")


def test_models_differ_by_encoding_and_backend() -> None:
    """Columns of their own, whole for CP-SAT, continuous amounts elsewhere; payments above 2^24 units, too."""

    def own(name: str, instance: Instance) -> tuple[int, int]:
        direct = method(name)
        assert isinstance(direct, Direct)
        model = direct.build(instance)
        block = model.column_blocks[-1]
        assert block.family == "shared_savings"
        return block.stop - block.start, int(model.integer[block.start : block.stop].sum())

    counts = {e: own(f"linked@highs:encoding={e}", paid()) for e in ENCODINGS}
    assert len(set(counts.values())) == len(ENCODINGS)
    assert own("linked@highs", paid()) == counts["incremental"]
    for encoding, (columns, _) in counts.items():
        assert own(f"linked@cpsat:encoding={encoding}", paid()) == (columns, columns)
    dear = paid(worth_units=2**WHOLE_BITS)
    assert own("linked@highs", dear) == (counts["incremental"][0], counts["incremental"][1] - 1)
    assert own("linked@cpsat", dear) == own("linked@cpsat", paid())
    exact = solve(dear, "linked@cpsat")
    assert exact.status is Status.OPTIMAL
    for name in ("linked@highs", "linked@scip:encoding=sos2"):
        result = solve(dear, name)
        assert result.primal == exact.primal
        assert result.dual is not None
        assert result.dual >= (exact.primal or 0)


@pytest.mark.parametrize("short", [-1, 0, 1])
def test_a_cent_in_a_billion(short: int) -> None:
    """The minimum just within reach, met, or missed by a cent: exact in whole numbers, no false proof in floats."""
    cases = 5_000
    extension = {
        "group_costs": [{"group": group, "norm_cents": 2_000_000, "cents": 2_000_000} for group in ("HIP", "KNEE")],
        "offer_costs": [
            {"hospital": "S", "group": "HIP", "cents": 2_000_000 - 199_999},
            {"hospital": "S", "group": "KNEE", "cents": 2_000_000 - 200_002},
        ],
        "contracts": [{"contract": "C", "share_bp": 5_000, "minimum_cents": 200_002 * cases + short}],
        "members": [{"contract": "C"}],
        "worth_units": 1,
        "worth_cents": 1_000,
    }
    instance = Instance.from_tables(
        hospitals=["N", "S"],
        groups={"group": ["HIP", "KNEE"], "area": ["O", "O"]},
        demand={"group": ["HIP", "KNEE"], "cases": [cases, cases]},
        offers={
            "hospital": ["N", "S", "N", "S"],
            "group": ["HIP", "HIP", "KNEE", "KNEE"],
            "capacity": [cases] * 4,
            "utility": [5, 4, 5, 4],
        },
        area_capacity={"hospital": ["S"], "area": ["O"], "capacity": [cases]},
        capacity_mode="both",
        extensions={"shared_savings": extension},
    )
    # All knees at S are worth 4 a case and half of what they save; else everything stays at N.
    optimum = 10 * cases if short > 0 else 9 * cases + 200_002 * cases // 2_000
    for encoding in ENCODINGS:
        exact = solve(instance, f"linked@cpsat:encoding={encoding}")
        assert (exact.status, exact.primal) == (Status.OPTIMAL, optimum)
        for backend in ("highs", "scip"):
            result = solve(instance, f"linked@{backend}:encoding={encoding}")
            assert result.status is not Status.WRONG
            assert result.status is not Status.OPTIMAL or result.primal == optimum
            assert result.dual is not None
            assert result.dual >= optimum


def test_the_polish_gives_up_utility_for_payment() -> None:
    """With the mandates of an optimum the flow of the plain instance is worth less."""
    instance = hips()
    flow = polish(instance.plain, np.array([True, True]))
    assert flow.volumes is not None
    assert check(instance, flow.volumes).objective == 49
    known = np.array([3, 7])
    assert polish(instance, np.array([True, True]), known).objective == 53


def test_auto_takes_it_and_others_refuse() -> None:
    """With the reason; nothing is silently left out."""
    instance = with_extensions(small().with_rules(overrides=False), {"shared_savings": entry()})
    result = solve(instance)
    assert (result.method, result.status, result.primal) == ("auto", Status.OPTIMAL, agreed(instance).optimum)
    refused = solve(instance, "lagrangian-budget")
    assert refused.status is Status.UNSUPPORTED
    assert "shared_savings" in refused.message
    with pytest.raises(UnsupportedError, match="shared_savings pays besides"):
        frontier(instance, np.ones(instance.n_offers, dtype=np.int64), 3)
    budget = {"group_costs": [{"group": g, "cents": 1} for g in ("G1", "G2", "G3")], "budgets": [{"cents": 9}]}
    both = with_extensions(instance.plain, {"shared_savings": entry(), "regional_budget": budget})
    assert solve(both, "linked@highs").primal == agreed(both).optimum
    with pytest.raises(InputError, match="shared_savings pays besides"):
        budget_price(both, {})


def test_a_clash_does_not_blame_a_contract() -> None:
    """Payments forbid nothing: an instance with two grants for the same cases says so as without."""
    tables: dict[str, Any] = dict(small().with_rules(overrides=False, links=False).to_tables())
    tables["demand"] = {"group": ["G1", "G2", "G3"], "cases": [3, 7, 9]}
    granted = {"hospital": ["H1", "H2"], "group": ["G1", "G1"], "action": ["grant"] * 2, "reason": ["x"] * 2}
    tables["overrides"] = granted
    clash = solve(make(tables), "linked@highs").clash
    assert clash
    assert solve(make(tables, extensions={"shared_savings": entry()}), "linked@highs").clash == clash


def test_packages_hash_and_parts(tmp_path: Path) -> None:
    """Written, read, in any order: the same hash; the schema accepts it; a part keeps what it names."""
    instance = paid()
    write_package(instance, tmp_path / "p")
    assert read_package(tmp_path / "p") == instance
    jsonschema.validate(json.loads(package_files(instance)["datapackage.json"]), json.loads(SCHEMA.read_text()))
    other = entry()
    other["quality"] = other["quality"][::-1]
    other["contracts"] = [other["contracts"][0] | {"basis": "first_dollar"}]
    assert with_extensions(instance.plain, {"shared_savings": other}).instance_hash == instance.instance_hash
    assert paid(worth_units=3).instance_hash != instance.instance_hash
    members = [{"contract": "C", "hospital": "H1"}, {"contract": "D", "hospital": "H2", "area": "A"}]
    two = paid(contracts=[{"contract": c, "share_bp": 1} for c in "CD"], members=members)
    part = entries_of(subset(two.with_rules(overrides=False), hospitals=["H1"]))["shared_savings"]
    assert [row["contract"] for row in part["contracts"]] == ["C"]
    assert part["members"] == [members[0]]
    assert "offer_costs" not in part
    alone = paid(contracts=[{"contract": "D", "share_bp": 1}], members=members[1:])
    assert not subset(alone.with_rules(overrides=False), hospitals=["H1"]).extensions


def test_members_name_offers() -> None:
    """All that a member names must fit; one of the members is enough."""
    members = [
        {"contract": "C", "hospital": "H1", "area": "A"},
        {"contract": "C", "group": "G3", "hospital": "H2"},
        {"contract": "C", "group": "G3"},
    ]
    for count, names in ((1, "G1 G2"), (2, "G1 G2 G3"), (3, "G1 G2 G3 G3")):
        instance = paid(members=members[:count])
        extension = instance.extensions["shared_savings"]
        assert isinstance(extension, SharedSavings)
        assert " ".join(sorted(instance.offer_name(k)[1] for k in extension.contracts[0].offers)) == names


CONTRACT: dict[str, Any] = {"contract": "C", "share_bp": 5000}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"group_costs": COSTS[:1]}, "group_costs: must name G2, which H1 offers under C"),
        ({"group_costs": [COSTS[0] | {"cents": 2**30}, *COSTS[1:]]}, "below 1073741824"),
        ({"group_costs": [*COSTS, COSTS[0]]}, "must be unique"),
        ({"group_costs": [{"group": "G1", "cents": 1}]}, "lacks norm_cents"),
        ({"offer_costs": [{"hospital": "H2", "group": "G1"}]}, "must have norm_cents or cents"),
        ({"offer_costs": [{"hospital": "H2", "group": "G2", "cents": 1}]}, "must name an existing offer"),
        ({"quality": QUALITY[1:]}, "must name the points of H1 G1, which C asks for"),
        ({"quality": [QUALITY[0] | {"points": -1}]}, "points: must be a whole number"),
        ({"contracts": []}, "must name at least one contract"),
        ({"contracts": [CONTRACT, CONTRACT]}, "must be unique"),
        ({"contracts": [CONTRACT | {"contract": ""}]}, "must be text and not empty"),
        (
            {"contracts": [CONTRACT | {"share_bp": 10_001}]},
            "share_bp: must be a whole number of at least 0 and below 10001",
        ),
        ({"contracts": [CONTRACT | {"basis": "last_dollar"}]}, "must be first_dollar or above_minimum"),
        ({"contracts": [CONTRACT | {"loss_most_cents": 1}]}, "loss_share_bp: must say how losses are shared"),
        ({"contracts": [CONTRACT | {"minimum": 1}]}, "has no field minimum"),
        ({"members": []}, "must say what C covers"),
        ({"members": [{"contract": "X"}]}, "must be one of contracts"),
        ({"members": [{"contract": "C", "hospital": "H9"}]}, "must be a hospital that is there"),
        ({"members": [{"contract": "C", "region": "R"}]}, "needs a regions table"),
        ({"members": [{"contract": "C", "year": "2030"}]}, "needs the extension years"),
        ({"members": [{"contract": "C"}] * 2}, "must be named once"),
        ({"worth_cents": 0}, "worth_cents: must be a whole number of at least 1"),
        ({"worth_units": 2**52}, "must stay below 2\\^53"),
        ({"rate": 1}, "is no field"),
    ],
)
def test_broken_entries(changes: dict[str, Any], words: str) -> None:
    """Each is refused with file, field and rule."""
    with pytest.raises(InputError, match=words) as caught:
        paid(**changes)
    assert caught.value.problems[0].file == "datapackage.json"
    assert str(caught.value.problems[0].column).startswith("splgbench.extensions.shared_savings")
