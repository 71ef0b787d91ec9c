"""descartes-mip, rows that join hospitals relaxed: `solve_descartes_mip.py FOLDER SECONDS [POLYAK_FACTOR]`.

Its penalties bound the multipliers from above. For a demand row, sum x <= B, the largest utility is enough: volume
that costs as much is never worth it.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import highspy
from descartes_mip import Model, VariableType, quicksum
from said import say

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
factor = {"polyak_factor": float(sys.argv[3])} if len(sys.argv) > 3 else {}
highs = highspy.Highs()
highs.setOptionValue("output_flag", False)
highs.readModel(str(folder / "model.mps"))
lp = highs.getLp()
say(versions={"descartes-mip": version("descartes-mip"), "highspy": version("highspy")})

model = Model("splg")
kinds = list(lp.integrality_) or [highspy.HighsVarType.kContinuous] * lp.num_col_
columns = [
    model.add_var(
        name,
        lb=low,
        ub=up,
        vartype=VariableType.CONTINUOUS if kind == highspy.HighsVarType.kContinuous else VariableType.INTEGER,
    )
    for name, low, up, kind in zip(lp.col_names_, lp.col_lower_, lp.col_upper_, kinds, strict=True)
]
model.maximize(quicksum(cost * column for cost, column in zip(lp.col_cost_, columns, strict=True) if cost))
entries: list[list] = [[] for _ in range(lp.num_row_)]
start, index, value = lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_
for column in range(lp.num_col_):
    for at in range(start[column], start[column + 1]):
        entries[index[at]].append(value[at] * columns[column])
coupling = set((folder / "coupling.txt").read_text().split())
relaxed = []
for row, name in enumerate(lp.row_names_):
    low, up = lp.row_lower_[row], lp.row_upper_[row]
    body = quicksum(entries[row])
    added = [model.add_constraint(body <= up, name)] if up < highspy.kHighsInf else []
    if low > -highspy.kHighsInf:
        added.append(model.add_constraint(body >= low, f"{name}_low"))
    if name in coupling:
        relaxed += added
model.relax(relaxed, penalty=max(lp.col_cost_))
mandates = set((folder / "mandates.txt").read_text().split())
# It takes the values of subproblems for their bounds, so they must be solved to the end.
options = {"mip_rel_gap": 0.0, "mip_abs_gap": 0.0, "threads": 1}
say(options={**options, **factor})


def on_iteration(record) -> bool:
    say(dual=record.best_dual_bound, counters={"iterations": record.iteration + 1})
    if record.primal_bound >= record.best_primal_bound and max(record.violations.values(), default=0.0) <= 1e-7:
        held = [name for name in mandates if record.variable_values[name] > 0.5]
        say(primal=record.primal_bound, mandates=held)
    return False


found = model.solve(highs_options=options, max_iterations=10**6, time_limit=seconds, callback=on_iteration, **factor)
say(ended=found.termination_reason, counters={"iterations": found.iterations})
