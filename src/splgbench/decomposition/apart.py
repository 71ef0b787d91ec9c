"""Connected components solved apart, one after the other or side by side, each with its own share of the bound.

Components do not meet in rows that can bind, so the optimum is the sum of theirs, and so is every Lagrangian value. A
component is solved with the others as the best allocation has them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from splgbench.backends.base import SolverStatus
from splgbench.decomposition.loop import Loop, rounded_down
from splgbench.decomposition.probing import Fixed
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.restricted import Beside, Restriction
from splgbench.decomposition.side_by_side import in_turn
from splgbench.instance import BoolArray
from splgbench.model import FloatArray
from splgbench.trace import Stop

LEAST_PART = 1 / 20
"""Part of the live offers that components solved together have at least, but for the last."""


class Components:
    """The components of a loop's instance in groups, and what is known of each group.

    Parameters
    ----------
    relaxation : whose blocks lie within components each.
    multipliers : where its bound is taken.

    Attributes
    ----------
    parts : for each group, shape (K,), which offers it has.
    bound : shape (groups,), upper bounds on what each group adds to any better allocation.
    settled : shape (groups,), whether no better allocation of the group exists.
    """

    def __init__(self, relaxation: HospitalRelaxation, multipliers: FloatArray) -> None:
        offers = relaxation.offers
        size = np.bincount(offers.component[offers.live], minlength=offers.n_components)
        order = np.argsort(-size, kind="stable")
        least = max(1.0, LEAST_PART * size.sum())
        # Largest first; a new group begins where the one before is large enough.
        group_of = np.zeros(offers.n_components, dtype=np.int64)
        group, filled = 0, 0
        for component in order.tolist():
            group_of[component] = group
            filled += int(size[component])
            if filled >= least:
                group, filled = group + 1, 0
        label = np.where(offers.live, group_of[np.maximum(offers.component, 0)], -1)
        self.parts: list[BoolArray] = [label == number for number in range(int(label.max()) + 1)]
        self.label = label
        self.bound = relaxation.bound_by(label, multipliers)
        self.settled = np.zeros(len(self.parts), dtype=np.bool_)

    def tighten(self, relaxation: HospitalRelaxation, multipliers: FloatArray) -> None:
        """Take in the bounds of other multipliers, or under what is fixed by now."""
        self.bound = np.minimum(self.bound, relaxation.bound_by(self.label, multipliers))


def solve_apart(
    loop: Loop,
    restriction: Restriction,
    components: Components,
    fixed: Fixed,
    seconds: float | None,
    options: Mapping[str, Any] = MappingProxyType({}),
    until: Stop | None = None,
) -> bool:
    """Solve every group of components that is not settled; returns whether all are settled then.

    As many are solved at once as the loop has threads; each has one thread then.

    Parameters
    ----------
    loop : takes incumbents and bounds.
    restriction : of the loop.
    fixed : mandates that every better allocation lacks or holds.
    seconds : for all of them; None for no limit.
    options : of HiGHS, in its own words.
    until : ends it besides the loop's own stop.

    Raises
    ------
    Finished
        A limit of the loop was reached, or the bounds meet.
    """
    ends = None if seconds is None else time.perf_counter() + seconds
    if loop.volumes is None or len(components.parts) == 1:
        solution = restriction.decide(fixed, "highs", seconds, options, until)
        return solution.status in (SolverStatus.FINISHED, SolverStatus.INFEASIBLE)
    # Small ones first: what they gain helps nothing else, but what they prove counts at once.
    todo = np.flatnonzero(~components.settled)
    sizes = np.array([part.sum() for part in components.parts])
    todo = todo[np.argsort(sizes[todo], kind="stable")]
    threads = min(len(todo), restriction.side_by_side)
    utility = loop.instance.utility

    def solve(place: int) -> None:
        loop.check()
        volumes = loop.volumes
        assert volumes is not None
        number = int(todo[place])
        part, held = components.parts[number], volumes > 0
        share = min(1.0, threads * float(sizes[number] / sizes[todo[place:]].sum()))
        left = None if ends is None else share * max(0.0, ends - time.perf_counter())
        others = float(utility[~part] @ volumes[~part])

        def bounded(dual: float) -> None:
            with loop.lock:
                mine = float(utility[part] @ loop.volumes[part]) if loop.volumes is not None else 0.0
                components.bound[number] = min(components.bound[number], max(rounded_down(dual) - others, mine))
                loop.bounded(max(float(components.bound.sum()), float(loop.best or 0)), "components")

        # Every group may leave its share of the gap that the whole may have.
        gap = loop.limits.gap * float(sizes[number] / sizes.sum())
        solution = restriction.solve(
            np.where(part, fixed.out, ~held),
            np.where(part, fixed.stand, held),
            "highs",
            left,
            options={**options, "mip_rel_gap": gap},
            on_dual=bounded,
            beside=Beside(volumes, part) if threads > 1 else None,
            until=until,
        )
        if solution.status is SolverStatus.INFEASIBLE:
            bounded(others)
        elif solution.dual is not None:
            bounded(solution.dual)
        components.settled[number] = solution.status in (SolverStatus.FINISHED, SolverStatus.INFEASIBLE)
        loop.check()

    in_turn(solve, [()] * len(todo), threads)
    return bool(components.settled.all())
