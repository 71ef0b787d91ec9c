"""Extensions in packages, hashes and copies; refusals of what is not known; rows behind every formulation."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from instances_for_tests import make, small, small_tables

from splgbench import registry, solve
from splgbench.certificates.produce import produce
from splgbench.errors import InputError, UnsupportedError
from splgbench.extensions import entries_of, with_extensions
from splgbench.instance import Instance
from splgbench.library import cache
from splgbench.limits import NO_LIMITS
from splgbench.methods import PlainOnly, method
from splgbench.package import package_files, read_package, write_package
from splgbench.polish import polish
from splgbench.result import Status
from splgbench.testing.oracles import agreed
from splgbench.transform import cut, from_tables, subset, to_tables

SCHEMA = Path(__file__).parents[2] / "src" / "splgbench" / "schemas" / "instance-package-1.schema.json"


def entries(cents: int = 300) -> dict[str, Any]:
    """A budget for the instance of `small_tables`."""
    return {
        "regional_budget": {
            "group_costs": [{"group": group, "cents": f} for group, f in (("G1", 10), ("G2", 20), ("G3", 30))],
            "offer_costs": [{"hospital": "H2", "group": "G3", "cents": 25}],
            "budgets": [{"cents": cents}],
        }
    }


def budgeted(cents: int = 300) -> Instance:
    return make(small_tables(), extensions=entries(cents))


def test_packages_keep_extensions(tmp_path: Path) -> None:
    """Written, read, pickled, cached: the same instance with the same hash; the schema accepts it."""
    instance = budgeted()
    write_package(instance, tmp_path / "p")
    again = read_package(tmp_path / "p")
    assert again == instance
    assert entries_of(again) == entries_of(instance)
    assert pickle.loads(pickle.dumps(instance)) == instance
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(json.loads(package_files(instance)["datapackage.json"]), schema)


def test_a_cached_instance_keeps_its_extensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second load comes from the file and is the same."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    cache.cached("kept", budgeted)

    def never() -> Instance:
        raise AssertionError("derived again")

    assert cache.cached("kept", never) == budgeted()


def test_the_hash_knows_extensions_and_nothing_else_changed() -> None:
    """Without extensions the hash is the plain one; order and defaults of an entry carry no meaning."""
    plain, paid = small(), budgeted()
    assert paid.plain == plain
    assert plain.plain is plain
    assert paid != plain
    other = entries()
    other["regional_budget"]["group_costs"].reverse()
    other["regional_budget"]["carry_over_cents"] = 0
    assert with_extensions(plain, other) == paid
    assert budgeted(301) != paid
    with pytest.raises(TypeError):
        paid.extensions["x"] = None  # type: ignore[index]


def test_unknown_extensions_are_refused() -> None:
    """By name, at every door."""
    with pytest.raises(InputError, match="does not know, which may constrain: love"):
        make(small_tables(), extensions={"love": {}})
    with pytest.raises(InputError, match="must be an object"):
        with_extensions(small(), [])  # type: ignore[arg-type]


def test_transformations_carry_extensions() -> None:
    """Rules off keep them, a subset takes what names only what stays, a cut refuses."""
    instance = budgeted()
    assert entries_of(instance.with_rules(links=False)) == entries_of(instance)
    part = subset(instance.with_rules(overrides=False), hospitals=["H1"], groups=["G1", "G2"])
    entry = entries_of(part)["regional_budget"]
    assert [row["group"] for row in entry["group_costs"]] == ["G1", "G2"]
    assert "offer_costs" not in entry
    assert entries_of(from_tables(instance, to_tables(instance), name="other")) == entries_of(instance)
    with pytest.raises(InputError, match="has no cut"):
        cut(instance, 1, 1)


@pytest.mark.parametrize(
    "name", [n for n in registry.names("decompositions") if n not in ("auto", "lagrangian_budget")]
)
def test_decompositions_refuse_what_they_do_not_know(name: str) -> None:
    """Never silently."""
    result = solve(budgeted(), name)
    assert result.status is Status.UNSUPPORTED
    assert "does not know the extension regional_budget" in result.message


def test_a_foreign_method_refuses_extensions() -> None:
    """One that does not say what it knows gets no instance that has some; certificates neither."""
    foreign = PlainOnly(method("linked@highs"))
    assert foreign.solve(small()).status is Status.OPTIMAL
    assert foreign.reason_against(small(), NO_LIMITS) is None
    refused = foreign.solve(budgeted())
    assert refused.status is Status.UNSUPPORTED
    assert "linked@highs does not know the extension" in refused.message
    with pytest.raises(UnsupportedError, match="say nothing of extensions"):
        produce(budgeted())


@pytest.mark.parametrize("formulation", registry.names("formulations"))
def test_every_formulation_takes_the_rows(formulation: str) -> None:
    """The optimum of the oracles, on a solver that takes the formulation."""
    instance = budgeted()
    backend = "cpsat" if formulation == "indicator" else "highs"
    result = solve(instance, f"{formulation}@{backend}")
    assert (result.status, result.primal) == (Status.OPTIMAL, agreed(instance).optimum)
    assert result.primal is not None
    assert result.primal < (solve(instance.plain, "linked@highs").primal or 0)


def test_auto_and_a_start() -> None:
    """What solves where no method is named knows extensions; a start is taken."""
    instance = budgeted()
    first = solve(instance)
    assert (first.method, first.status, first.primal) == ("auto", Status.OPTIMAL, agreed(instance).optimum)
    again = method("linked@highs").solve(instance, start=first.allocation(instance))
    assert again.primal == first.primal


def test_infeasibility_names_the_budget() -> None:
    """A granted mandate that nobody can pay for: the clash has both, and only what it needs."""
    tables: dict[str, Any] = dict(small().with_rules(overrides=False, links=False).to_tables())
    instance = make(tables)
    hospital, group = instance.offer_name(0)
    tables["overrides"] = {"hospital": [hospital], "group": [group], "action": ["grant"], "reason": ["needed"]}
    costs = [{"group": key, "cents": 7} for key in instance.groups]
    paid = make(tables, extensions={"regional_budget": {"group_costs": costs, "budgets": [{"cents": 6}]}})
    result = solve(paid, "linked@highs")
    assert result.status is Status.INFEASIBLE
    assert set(result.clash) == {f"grant {hospital} {group}", "budget (6 cents)"}


def test_the_polish_keeps_what_is_known() -> None:
    """Volumes that obey are a place to start from; mandates that no money is for are refused with the reason."""
    instance = with_extensions(small().with_rules(overrides=False), entries(300))
    best = solve(instance, "linked@highs").volumes
    assert best is not None
    assert polish(instance, best > 0, best).objective == agreed(instance).optimum
    poor = with_extensions(instance.plain, entries(1))
    found = polish(poor, best > 0)
    assert (found.volumes, found.reason) == (None, "no volumes for these mandates obey regional_budget")
    assert polish(poor, np.zeros(instance.n_offers, dtype=bool)).objective == 0
