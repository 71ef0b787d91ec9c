"""Exact volumes for fixed mandates, by min-cost flow in whole numbers (model statement, fact 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from splgbench.checker import check
from splgbench.coupled_polish import coupled_volumes
from splgbench.errors import InfeasibleError, SplgbenchError, UnsupportedError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.solver_libraries import load_ortools
from splgbench.volumes import fixings, largest_volumes, pairs, thresholds

_COST_ROOM = 2**62


@dataclass(frozen=True)
class Polished:
    """The best volumes for the mandates, or why there are none.

    Parameters
    ----------
    volumes : shape (K,), cases; None where the mandates admit no allocation.
    objective : its value in utility units; None likewise.
    reason : one sentence where there is none, else "".
    proved : whether no other volumes are better; only extensions can leave that open.
    """

    volumes: IntArray | None
    objective: int | None
    reason: str = ""
    proved: bool = True


def polish(instance: Instance, mandates: BoolArray, known: IntArray | None = None) -> Polished:
    """The exact best whole volumes with y fixed to `mandates`.

    With y fixed each mandate has t_k <= x_k <= U_k (a fixed offer x_k = v), and what remains is a flow from
    hospital-areas over offers to cells. Lower bounds are met first; then a min-cost flow of OR-Tools, in
    integers, distributes the rest. Where extensions couple more than a flow holds, a small MIP in integers does
    (`splgbench.coupled_polish`).

    Parameters
    ----------
    mandates : shape (K,), the offers that hold a mandate.
    known : shape (K,), volumes with these mandates that obey every rule, where some are at hand; extensions alone make
        use of them.

    Returns
    -------
    Polished

    Raises
    ------
    TypeError
        `mandates` is no array of truth values (or 0 and 1) over the offers.
    """
    if np.shape(mandates) != (instance.n_offers,) or not np.isin(mandates, (0, 1)).all():
        raise TypeError("mandates must be truth values over the offers of the instance")
    mandates = np.asarray(mandates, dtype=np.bool_)
    lower, upper = _volume_bounds(instance, mandates)
    # The least volumes obey every rule that an allocation with these mandates can obey: if they break one,
    # so does every other.
    crossed = np.flatnonzero(lower > upper)
    if len(crossed):
        hospital, group = instance.offer_name(int(crossed[0]))
        k = int(crossed[0])
        return Polished(
            None, None, f"{hospital} cannot hold {group}: it needs {lower[k]} cases, at most {upper[k]} fit"
        )
    verdict = check(instance.plain, lower)
    if not verdict.feasible:
        return Polished(None, None, str(verdict.violations[0]))
    volumes = lower + _best_flow(instance, upper - lower, lower)
    if not instance.extensions:
        return Polished(volumes, int(volumes @ instance.utility))
    coupled = coupled_volumes(instance, lower, upper, volumes, known)
    if coupled.volumes is None:
        names = ", ".join(instance.extensions)
        return Polished(None, None, f"no volumes for these mandates obey {names}")
    return Polished(coupled.volumes, check(instance, coupled.volumes).objective, proved=coupled.proved)


def polished_or_raise(instance: Instance, mandates: BoolArray) -> Polished:
    """As `polish`, but raise where the mandates admit no allocation.

    Raises
    ------
    InfeasibleError
        With the reason.
    """
    polished = polish(instance, mandates)
    if polished.volumes is None:
        raise InfeasibleError(polished.reason)
    return polished


def _volume_bounds(instance: Instance, mandates: BoolArray) -> tuple[IntArray, IntArray]:
    """Least and largest volume of each offer under the mandates and the fixes."""
    fixed = fixings(instance).cases
    lower = np.where(mandates, thresholds(instance), 0)
    upper = np.where(mandates, largest_volumes(instance), 0)
    held = mandates & (fixed > 0)
    lower[held] = fixed[held]
    upper[held] = fixed[held]
    upper[fixed == 0] = 0
    return lower, upper


def _best_flow(instance: Instance, room: IntArray, lower: IntArray) -> IntArray:
    """Volumes above `lower`, within `room` per offer, of largest utility."""
    cell_left = instance.demand.copy()
    np.subtract.at(cell_left, instance.offer_cell, lower)
    room = np.minimum(room, cell_left[instance.offer_cell])
    extra = np.zeros(instance.n_offers, dtype=np.int64)
    if not instance.limits_areas:
        # Nothing joins the cells: fill each with its best offers.
        order = np.lexsort((-instance.utility, instance.offer_cell))
        _fill_in_order(order, instance.offer_cell, room, cell_left, extra)
        return extra
    pair = pairs(instance)
    pair_left = pair.capacity.copy()
    np.subtract.at(pair_left, pair.of_offer, lower)
    room = np.minimum(room, pair_left[pair.of_offer])
    live = np.flatnonzero(room > 0)
    if not len(live):
        return extra
    n_pairs, n_cells = len(pair.capacity), instance.n_cells
    joined = coo_array(
        (np.ones(len(live), dtype=np.int8), (pair.of_offer[live], n_pairs + instance.offer_cell[live])),
        shape=(n_pairs + n_cells, n_pairs + n_cells),
    )
    _, label = connected_components(joined, directed=False)
    for members in _parts(live, label[pair.of_offer[live]]):
        extra[members] = _flow(
            pair.of_offer[members],
            instance.offer_cell[members],
            room[members],
            instance.utility[members],
            pair_left,
            cell_left,
        )
    return extra


def _fill_in_order(order: IntArray, cell: IntArray, room: IntArray, left: IntArray, extra: IntArray) -> None:
    remaining = left.tolist()
    for k in order.tolist():
        c = int(cell[k])
        given = min(int(room[k]), remaining[c])
        extra[k] = given
        remaining[c] -= given


def _parts(items: IntArray, labels: IntArray) -> list[IntArray]:
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(items[order], cuts)


def _flow(
    pair: IntArray, cell: IntArray, room: IntArray, utility: IntArray, pair_left: IntArray, cell_left: IntArray
) -> IntArray:
    """One connected transportation problem: source -> pairs -> cells -> sink, with a free bypass."""
    min_cost_flow = load_ortools("ortools.graph.python.min_cost_flow")
    pair_ids, tail = np.unique(pair, return_inverse=True)
    cell_ids, head = np.unique(cell, return_inverse=True)
    n_pairs, n_cells = len(pair_ids), len(cell_ids)
    source, sink = n_pairs + n_cells, n_pairs + n_cells + 1
    if int(utility.max()) * (n_pairs + n_cells + 3) >= _COST_ROOM:
        raise UnsupportedError("utilities are too large for the exact flow solver: lower utility_scale")
    supply = int(min(pair_left[pair_ids].sum(), cell_left[cell_ids].sum()))
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(tail, n_pairs + head, room, -utility)
    solver.add_arcs_with_capacity_and_unit_cost(
        np.full(n_pairs, source), np.arange(n_pairs), pair_left[pair_ids], np.zeros(n_pairs, dtype=np.int64)
    )
    solver.add_arcs_with_capacity_and_unit_cost(
        n_pairs + np.arange(n_cells), np.full(n_cells, sink), cell_left[cell_ids], np.zeros(n_cells, dtype=np.int64)
    )
    solver.add_arc_with_capacity_and_unit_cost(source, sink, supply, 0)
    solver.set_node_supply(source, supply)
    solver.set_node_supply(sink, -supply)
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise SplgbenchError(f"the min-cost flow solver of OR-Tools gave up: {status.name}")
    flows: IntArray = solver.flows(arcs).astype(np.int64)
    return flows
