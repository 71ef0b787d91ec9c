"""GCG on a model file and a decomposition by hospital: `solve_gcg.py FOLDER SECONDS`."""

from __future__ import annotations

import sys
from pathlib import Path

import pygcgopt
from said import say

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
model = pygcgopt.Model()
say(versions={"gcg": "3.6.2", "scip": f"{model.version():.2f}", "pygcgopt": pygcgopt.__version__})
model.readProblem(str(folder / "model.mps"))
model.readProblem(str(folder / "hospital.dec"))
options = {"limits/time": seconds, "limits/gap": 0.0, "relaxing/gcg/discretization": False}
model.setParams(options)
say(options=options)
model.optimize()
say(ended=model.getStatus(), dual=model.getDualbound(), counters={"nodes": model.getNNodes()})
if model.getNSols():
    best = model.getBestSol()
    wanted = set((folder / "mandates.txt").read_text().split())
    held = [v.name for v in model.getVars(transformed=False) if v.name in wanted and best[v] > 0.5]
    say(primal=model.getSolObjVal(best), mandates=held)
