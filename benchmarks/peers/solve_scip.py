"""SCIP's own Benders, mandates first and the volumes of every area second: `solve_scip.py FOLDER SECONDS`."""

from __future__ import annotations

import sys
from pathlib import Path

import pyscipopt
from said import say


def minimised(path: Path) -> pyscipopt.Model:
    """A part of the model as the minimisation that SCIP's Benders decomposition takes."""
    part = pyscipopt.Model()
    part.hideOutput()
    part.readProblem(str(path))
    part.setObjective(-1 * part.getObjective(), "minimize")
    return part


class Bounds(pyscipopt.Eventhdlr):
    """Tells the master's bound after every LP in which it moved."""

    last = None

    def eventinit(self) -> None:
        self.model.catchEvent(pyscipopt.SCIP_EVENTTYPE.LPSOLVED, self)

    def eventexec(self, event: pyscipopt.scip.Event) -> None:
        bound = self.model.getDualbound()
        if bound != self.last and abs(bound) < self.model.infinity():
            self.last = bound
            say(dual=-bound)


folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
master = minimised(folder / "master.mps")
say(versions={"scip": f"{master.version():.2f}", "pyscipopt": pyscipopt.__version__})
areas = {number: minimised(path) for number, path in enumerate(sorted(folder.glob("area_*.mps")))}
# As SCIP's own examples have it: reductions of the master that know nothing of the areas are off.
options = {
    "limits/time": seconds,
    "limits/gap": 0.0,
    "misc/allowstrongdualreds": False,
    "benders/copybenders": False,
    "presolving/maxrounds": 0,
}
master.setParams(options)
say(options=options)
master.includeEventhdlr(Bounds(), "bounds", "tells the bound")
master.initBendersDefault(areas)
master.optimize()
say(ended=master.getStatus(), dual=-master.getDualbound(), counters={"nodes": master.getNNodes()})
if master.getNSols():
    best = master.getBestSol()
    wanted = set((folder / "mandates.txt").read_text().split())
    held = [v.name for v in master.getVars(transformed=False) if v.name in wanted and best[v] > 0.5]
    say(primal=-master.getSolObjVal(best), mandates=held)
