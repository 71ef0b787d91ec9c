"""The compiled pricer against every set of mandates in plain Python, with listed and with searched areas."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instances_for_tests import make, plain_tables

from splgbench import load
from splgbench.decomposition import pricing
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.partition import partition
from splgbench.decomposition.pricing import HospitalPricer
from splgbench.decomposition.probing import probe
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.errors import InfeasibleError, UnsupportedError
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.presolve import Presolved, presolve
from splgbench.testing import Knobs, agreed, instances
from splgbench.trace import Recorder, Stop

FIXED = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


def by_hand(offers: Presolved, block: list[int], gain: list[float], fee: list[float]) -> float:
    """The best plan of a block: every set of mandates, thresholds first, the rest to the best gains."""
    links = offers.links
    needs = [
        (int(k), set(links.member[links.start[r] : links.start[r + 1]].tolist())) for r, k in enumerate(links.offer)
    ]
    low = {k: max(int(offers.threshold[k]), int(offers.fixed[k])) for k in block}
    high = {k: int(offers.fixed[k]) if offers.fixed[k] > 0 else int(offers.largest[k]) for k in block}
    best = -math.inf
    for chosen in product((False, True), repeat=len(block)):
        held = {k for k, taken in zip(block, chosen, strict=True) if taken}
        if any(offers.granted[k] and k not in held for k in block):
            continue
        if any(k in held and not members & held for k, members in needs):
            continue
        cases = dict(low) | {k: 0 for k in block if k not in held}
        room = {int(p): int(q) for p, q in enumerate(offers.pairs.capacity)}
        if not offers.instance.limits_areas:
            room = dict.fromkeys(room, 10**9)
        for k in held:
            room[int(offers.pairs.of_offer[k])] -= low[k]
        if min(room.values(), default=0) < 0:
            continue
        for k in sorted(held, key=lambda k: -gain[k]):
            pair = int(offers.pairs.of_offer[k])
            more = max(0, min(high[k] - low[k], room[pair])) if gain[k] > 0 else 0
            cases[k] += more
            room[pair] -= more
        best = max(best, sum(gain[k] * cases[k] - fee[k] for k in held))
    return best


@pytest.mark.parametrize(
    ("entry_limit", "subset_limit"),
    [(pricing.ENTRY_LIMIT, 2000), (30, 2000), (0, 2000), (30, 3), (0, 0)],
    ids=["eliminated", "some eliminated", "listed", "some listed", "searched"],
)
def test_prices_are_exact(entry_limit: int, subset_limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound, plan and brute force agree for every block; the state given comes back as it was."""
    monkeypatch.setattr(pricing, "ENTRY_LIMIT", entry_limit)
    monkeypatch.setattr(pricing, "SUBSET_LIMIT", subset_limit)

    @settings(FIXED, max_examples=90)
    @given(instances(Knobs(groups=5, offers=11)), st.data())
    def agree(instance, data):  # type: ignore[no-untyped-def]
        try:
            offers = presolve(instance)
        except InfeasibleError:
            return
        parts = partition(offers, "hospital")
        n = instance.n_offers
        gain = data.draw(st.lists(st.integers(-5, 9), min_size=n, max_size=n))
        fee = data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
        pricer = HospitalPricer(offers, parts)
        state = pricer.state.copy()
        plans = pricer.price(np.array(gain, dtype=float), np.array(fee, dtype=float))
        assert plans.exact
        assert (pricer.state == state).all()
        for b in range(parts.n_blocks):
            block = parts.offers(b).tolist()
            value = by_hand(offers, block, gain, fee)
            assert plans.bound[b] == pytest.approx(value)
            if value > -math.inf:
                volume = plans.volume.tolist()
                assert sum(gain[k] * volume[k] - fee[k] for k in block if volume[k]) == pytest.approx(value)

    agree()


def test_a_node_limit_leaves_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search cut short returns what its open nodes allow: never less than the exact value, which elimination has."""
    offers = presolve(load("hard-h3"))
    parts = partition(offers, "hospital")
    gain = offers.instance.utility.astype(float) - np.percentile(offers.instance.utility, 60)
    fee = np.zeros(len(gain))
    eliminated = HospitalPricer(offers, parts).price(gain, fee)
    monkeypatch.setattr(pricing, "ENTRY_LIMIT", 0)
    searched = HospitalPricer(offers, parts).price(gain, fee)
    monkeypatch.setattr(pricing, "NODE_LIMIT", 1)
    cut = HospitalPricer(offers, parts).price(gain, fee)
    assert eliminated.exact
    assert searched.exact
    assert not cut.exact
    np.testing.assert_allclose(eliminated.bound, searched.bound)
    assert (cut.bound >= searched.bound - 1e-6).all()
    assert (cut.bound > searched.bound + 1).any()
    assert cut.nodes < searched.nodes


@pytest.mark.parametrize("node_limit", [1, 2, 3])
def test_a_searched_area_cut_short_is_not_called_exact(node_limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an area's search ends early with a set, the bound holds and nobody calls it the value."""
    monkeypatch.setattr(pricing, "SUBSET_LIMIT", 0)
    seen = {"cut short with a plan": 0, "exact": 0}

    @settings(FIXED, max_examples=60)
    @given(instances(Knobs(groups=6, areas=1, offers=11)), st.data())
    def hold(instance, data):  # type: ignore[no-untyped-def]
        try:
            offers = presolve(instance)
        except InfeasibleError:
            return
        n = instance.n_offers
        gain = data.draw(st.lists(st.integers(-5, 9), min_size=n, max_size=n))
        fee = data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
        parts = partition(offers, "hospital")
        prices = np.array(gain, dtype=float), np.array(fee, dtype=float)
        exact = HospitalPricer(offers, parts).price(*prices)
        with monkeypatch.context() as patch:
            patch.setattr(pricing, "NODE_LIMIT", node_limit)
            cut = HospitalPricer(offers, parts).price(*prices)
        assert (cut.bound >= exact.bound - 1e-9).all()
        if cut.exact:
            assert cut.bound == pytest.approx(exact.bound)
        seen["exact"] += cut.exact
        seen["cut short with a plan"] += not cut.exact and bool(cut.volume.any())

    hold()
    assert min(seen.values()) > 0


@settings(FIXED, max_examples=40)
@given(instances(Knobs(groups=5, offers=11)), st.data())
def test_decisions_are_kept(instance: Instance, data: st.DataObject) -> None:
    """Blocks that are eliminated and blocks that are searched agree on the best plan under mandates held and left."""
    try:
        offers = presolve(instance)
    except InfeasibleError:
        return
    n = instance.n_offers
    gain = np.array(data.draw(st.lists(st.integers(-5, 9), min_size=n, max_size=n)), dtype=float)
    fee = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float)
    drawn = np.array(data.draw(st.lists(st.sampled_from([0, 0, 0, 1, -1]), min_size=n, max_size=n)), dtype=np.int8)
    parts = partition(offers, "hospital")
    eliminated = HospitalPricer(offers, parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "ENTRY_LIMIT", 0)
        searched = HospitalPricer(offers, parts)
    state = np.where(eliminated.state == 0, drawn, eliminated.state).astype(np.int8)
    one, other = (pricer.price(gain, fee, state) for pricer in (eliminated, searched))
    assert (np.diff(eliminated.rows.block_row)[parts.block[offers.live]] > 0).all()
    assert not searched.rows.block_row.any()
    np.testing.assert_allclose(one.bound, other.bound, atol=1e-9)
    planned = np.append(np.isfinite(one.bound), False)[parts.block] & offers.live
    assert (one.volume[planned & (state > 0)] > 0).all()
    assert not one.volume[state < 0].any()


def test_a_search_ends_where_a_held_mandate_lacks_what_it_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link within an area, the offer that needs it held and the one it names out: there is no plan."""
    monkeypatch.setattr(pricing, "ENTRY_LIMIT", 0)
    monkeypatch.setattr(pricing, "SUBSET_LIMIT", 0)
    offers = {("H", group): (9, 2) for group in "BC"}
    links = [("C", "c", "any", "B", "inhouse")]
    tables = plain_tables(offers, dict.fromkeys("BC", 9), links=links, pairs={("H", "A"): 10})
    offered = presolve(make(tables))
    state = np.zeros(2, dtype=np.int8)
    state[offered.instance.offer_index["H", "C"]] = 1
    state[offered.instance.offer_index["H", "B"]] = -1
    plans = HospitalPricer(offered, partition(offered, "hospital")).price(np.full(2, 3.0), np.ones(2), state)
    assert (plans.bound == -math.inf).all()


def test_blocks_that_cut_links_are_refused() -> None:
    """A partition by area cuts links of hospitals."""
    offers = presolve(load("easy"))
    with pytest.raises(UnsupportedError, match="cuts links or area capacities"):
        HospitalPricer(offers, partition(offers, "area"))


@pytest.mark.parametrize("entry_limit", [pricing.ENTRY_LIMIT, 0], ids=["eliminated", "searched"])
def test_probing_forbids_no_better_allocation(entry_limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against any best value below the optimum, an optimal allocation keeps to every verdict."""
    monkeypatch.setattr(pricing, "ENTRY_LIMIT", entry_limit)
    seen = {"verdicts": 0, "kept open": 0}

    @settings(FIXED, max_examples=50)
    @given(instances(Knobs(groups=5, offers=11)), st.integers(0, 3))
    def hold(instance: Instance, below: int) -> None:
        answer = agreed(instance)
        if not answer.optimum or answer.cases is None:
            return
        loop = Loop(instance, Limits(), None, Recorder("test"), Stop())
        loop.best = max(0, answer.optimum - 1 - below)
        relaxation = HospitalRelaxation(loop.offers, partition(loop.offers, "tied"))
        fixed = probe(loop, relaxation, relaxation.first_multipliers())
        held = np.array([answer.cases.get(instance.offer_name(k), 0) > 0 for k in range(instance.n_offers)])
        assert not (fixed.out & held).any()
        assert held[fixed.stand].all()
        seen["verdicts"] += fixed.count
        seen["kept open"] += int(loop.offers.live.sum()) - fixed.count

    hold()
    assert min(seen.values()) > 50
