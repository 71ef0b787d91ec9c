"""Branch and price by hospital: an exact tree over mandates, bounded by Lagrangian values.

    1. Root: column generation (`dantzig_wolfe_hospital`, steps 1 to 3), repair, a RENS of a few hundred nodes.
    2. Take the open node with the largest bound, or go on with a child of the last one whose bound is nearly as large.
       Fixings spread over thresholds and links; columns that break one leave the master.
    3. Bound the node by (8) at its parent's multipliers, then by a few rounds of stabilised column generation. It is
       pruned where L_n < best + 1, values being whole. Probe it against the best value and bound it again. From the
       twentieth node on what probing leaves of one goes to the strengthened model, if that settles it within some
       hundred nodes of the solver: where the relaxation is weak its cuts do what branching would take thousands of
       nodes for.
    4. Branch on a mandate y_k that the master leaves fractional: y_k = 0 and y_k = 1. Reliability branching: an offer
       tried fewer than four times on either side is tried (two rounds of column generation in both children, whose (8)
       are already their bounds), others count with their average gain per unit. The product of both gains decides.
    5. Every few nodes repair the master's solution, every hundred RENS, at the twentieth large-neighbourhood search. A
       better allocation probes the root again.

With all mandates of a node fixed the exact min-cost flow settles it. The bound of the whole is

    max { best, max_{n open} L_n }                                                                                  (9)

`state=PATH` writes the open nodes there when the solve ends, and every minute; a file that is there is taken up
(`splgbench.decomposition.tree_state`). `log=PATH` writes what happens (`splgbench.decomposition.study_log`).

Source: Barnhart, Johnson, Nemhauser, Savelsbergh and Vance 1998 (branch and price); Achterberg, Koch and Martin 2005
(reliability branching); Wentges 1997 (smoothing).
"""

from __future__ import annotations

from functools import partial

from splgbench import registry
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.branching import Tree
from splgbench.decomposition.column_generation import ColumnGeneration, by_hospital
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Decomposition, Finished, Loop, full_name
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions, missing_master, solver_versions
from splgbench.decomposition.restricted import Restriction, rens
from splgbench.decomposition.tree_state import TreeState

ROOT_RENS_NODES = 300
"""Nodes of the solver in the RENS at the root."""


def branch_and_price(backend: str | None = None, state: str | None = None, log: str | None = None) -> Decomposition:
    """The method.

    Raises
    ------
    UnsupportedError
        There is no such backend.
    """
    solver = backend or "highs"
    registry.find("backends", solver)
    named = None if solver == "highs" else solver

    def steps(loop: Loop) -> SolverStatus:
        generation = by_hospital(loop, partition(loop.offers, "tied"))
        restriction = Restriction(loop, solver)
        tree = Tree(loop, generation, restriction)
        known = loop.resumed(TreeState.shapes(loop.instance.n_offers, generation.relaxation.n_rows))
        if known is None:
            try:
                _root(loop, generation, restriction)
            except Finished:
                tree.start(generation.best_bound, generation.best)
                loop.contents = tree.contents
                raise
            tree.start(generation.best_bound, generation.best)
        else:
            read = TreeState.from_arrays(known)
            if read.fault() and loop.state is not None:
                raise loop.state.damaged(read.fault())
            tree.resume(read)
            loop.contents = tree.contents
            generation.run()
        loop.contents = tree.contents
        tree.run()
        return SolverStatus.FINISHED

    name = full_name("branch_and_price", named, state=(state, None), log=(log, None))
    versions = {**master_versions(), **solver_versions(solver)}
    return Decomposition(name, steps, partial(missing_master, solver), versions, compile_kernels, state, log)


def _root(loop: Loop, generation: ColumnGeneration[HospitalRelaxation], restriction: Restriction) -> None:
    """Step 1, but for probing."""
    generation.run()
    weights = generation.master.weights()
    loop.found(repaired(loop.offers, weights), "repair")
    loop.check()
    rens(restriction, weights, None if loop.left is None else loop.left / 4, ROOT_RENS_NODES)
