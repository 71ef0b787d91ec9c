"""The disjunctive formulations: whole numbers throughout, the LP of `linked`, and their own reading of the rules."""

from __future__ import annotations

import numpy as np
import pytest

from splgbench import registry
from splgbench.errors import UnsupportedError
from splgbench.instance import Instance
from splgbench.methods import Direct
from splgbench.result import Status

pytest.importorskip("pyomo")


def instance(**changes: object) -> Instance:
    """Two hospitals in one cooperation group, three groups in two areas, links of both kinds."""
    tables: dict[str, object] = {
        "hospitals": {"hospital": ["h1", "h2"], "cooperation": ["n", "n"]},
        "groups": {
            "group": ["g1", "g2", "g3"],
            "area": ["a", "a", "b"],
            "minimum_cases": [0, 4, 0],
            "minimum_share_bp": [2000, 0, 0],
        },
        "demand": {"group": ["g1", "g2", "g3"], "cases": [33, 20, 15]},
        "offers": {
            "hospital": ["h1", "h1", "h2", "h2", "h2"],
            "group": ["g1", "g2", "g1", "g2", "g3"],
            "capacity": [25, 12, 30, 6, 15],
            "utility": [10, 7, 9, 8, 3],
        },
        "links": {
            "group": ["g1", "g1", "g2"],
            "clause": ["1", "1", "1"],
            "mode": ["any", "any", "all"],
            "required": ["g2", "g3", "g3"],
            "scope": ["inhouse", "inhouse", "cooperation"],
        },
        "area_capacity": {"hospital": ["h1"], "area": ["a"], "capacity": [31]},
        "capacity_mode": "both",
    }
    return Instance.from_tables(**{**tables, **changes})  # type: ignore[arg-type]


def direct(name: str) -> Direct:
    return Direct(name, registry.find("formulations", name), registry.find("backends", "highs"))


@pytest.fixture(params=["gdp_bigm", "gdp_hull"])
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_all_numbers_are_whole(name: str) -> None:
    """Pyomo's transformations leave whole data whole, so that every backend can take the model."""
    model = direct(name).build(instance())
    arrays = (model.objective, model.lower, model.upper, model.row_values, model.row_lower, model.row_upper)
    assert all((array[np.isfinite(array)] % 1 == 0).all() for array in arrays)


def test_every_offer_has_its_columns(name: str) -> None:
    """Volume and mandate of each offer stand at the front, with their utility and their bounds."""
    given = instance()
    model = direct(name).build(given)
    assert model.volume_column.tolist() == list(range(5))
    assert model.mandate_column.tolist() == list(range(5, 10))
    assert model.objective[:5].tolist() == given.utility.tolist()
    assert model.upper[:5].tolist() == [25, 12, 30, 6, 15]
    assert model.integer[5:10].all()
    assert not model.objective[10:].any()


@pytest.mark.parametrize("mode", ["group", "area", "both", "none"])
def test_same_relaxation_as_linked(name: str, mode: str) -> None:
    """One volume a disjunction: the hull, the big-M rows and `linked` have the same LP."""
    given = instance(capacity_mode=mode)
    assert direct(name).lp_bound(given) == pytest.approx(direct("linked").lp_bound(given))


def test_a_fixed_volume_grants_its_mandate(name: str) -> None:
    """Fixed at less than U_k the volume alone would leave y_k fractional, and what y_k needs fractional with it."""
    given = instance(
        groups={"group": ["g1", "g2"], "area": ["a", "a"]},
        demand={"group": ["g1", "g2"], "cases": [12, 7]},
        offers={
            "hospital": ["h1", "h2", "h2"],
            "group": ["g2", "g1", "g2"],
            "capacity": [7, 12, 7],
            "utility": [7, 6, 2],
        },
        links={"group": ["g1"], "clause": ["1"], "mode": ["all"], "required": ["g2"], "scope": ["inhouse"]},
        overrides={"hospital": ["h2"], "group": ["g1"], "action": ["fix"], "cases": [9], "reason": ["test"]},
    )
    assert direct("linked").lp_bound(given) == pytest.approx(9 * 6 + 1 * 2 + 6 * 7)
    assert direct(name).lp_bound(given) == pytest.approx(direct("linked").lp_bound(given))


def test_contradicting_overrides(name: str) -> None:
    """An instance that overrides make infeasible gives an infeasible model, not a crash."""
    for rows in ([("h2", "g3", "refuse"), ("h1", "g2", "grant")], [("h1", "g1", "grant"), ("h1", "g2", "refuse")]):
        hospital, group, action = zip(*rows, strict=True)
        overrides = {"hospital": hospital, "group": group, "action": action, "reason": ["test"] * len(rows)}
        result = direct(name).solve(instance(overrides=overrides))
        assert result.status is Status.INFEASIBLE
        assert result.clash


def test_no_offers(name: str) -> None:
    """An instance without offers is worth 0."""
    nothing: dict[str, list[object]] = {"hospital": [], "group": [], "capacity": [], "utility": []}
    result = direct(name).solve(instance(offers=nothing, area_capacity=None))
    assert (result.status, result.primal) == (Status.OPTIMAL, 0)


def test_no_families_to_leave_out(name: str) -> None:
    """`without` is refused rather than ignored."""
    with pytest.raises(UnsupportedError, match="no row families"):
        registry.find("formulations", name).build(instance(), None, ("demand",))
