"""BendersLib's classical Benders on SCIP: `solve_benderslib.py FOLDER SECONDS [THETA_LB]`.

Volumes keep no upper bounds of their own, the rows that tie them to mandates hold them: BendersLib takes the duals of
rows, and bounds would hide some.
"""

from __future__ import annotations

import sys
from pathlib import Path

import benderslib
import pyscipopt
from benderslib import AnnotatedBenders, BendersParams, ClassicalBenders
from benderslib.solvers import Scip
from said import say

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
theta = {"theta_lb": float(sys.argv[3])} if len(sys.argv) > 3 else {}
model = pyscipopt.Model()
model.hideOutput()
model.readProblem(str(folder / "model.mps"))
model.setObjective(-1 * model.getObjective(), "minimize")
mandates = (folder / "mandates.txt").read_text().split()
first = set(mandates)
for variable in model.getVars():
    if variable.name not in first:
        model.chgVarUb(variable, None)
say(versions={"benderslib": benderslib.__version__, "scip": f"{model.version():.2f}"})
options = {"time_limit": seconds, "tol_rel": 0.0, **theta}
say(options=options)
benders = AnnotatedBenders(
    model, Scip, mandates, master_vars=first, benders=ClassicalBenders, params=BendersParams(**options)
)


def on_new_lower_bound(context: benderslib.BendersContext) -> None:
    say(dual=-context.state.lb, counters={"iterations": context.state.n_iter})


def on_new_upper_bound(context: benderslib.BendersContext) -> None:
    held = [name for name in mandates if context.current_comp_vals[name] > 0.5]
    say(primal=-context.state.obj, mandates=held)


benders.register(on_new_lower_bound)
benders.register(on_new_upper_bound)
benders.solve()
counters = {"iterations": benders.result.n_iter, "feasibility_cuts": benders.result.n_feas_cuts}
say(ended=str(benders.result.status).lower(), dual=-benders.result.lb, counters=counters)
