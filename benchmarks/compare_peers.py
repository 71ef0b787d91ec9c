"""Other people's decomposition codes on the same models, each in an environment of its own, judged like any method.

    python benchmarks/peers/install.py                    # makes the environments below build/peers/
    python benchmarks/compare_peers.py                            # runs what benchmarks/results/peers.csv lacks
    python benchmarks/compare_peers.py --table                    # only writes the table again

A peer gets a model file and the decomposition: for GCG the rows of every hospital as blocks, for Benders mandates first
and the volumes of every area second, for descartes-mip the rows that join hospitals. It runs under a limit on wall
time, which it is told, and on memory. Its mandates are taken, volumes re-solved exactly and checked; its bound is held
against every checked value of all methods. Finished runs are appended at once and not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from peers.install import FOLDER, installed
from peers.said import heard
from resumable_csv import append, read
from scipy.sparse import csr_array

from splgbench import Limits, load, registry, solve_isolated
from splgbench.backends.highs import backend as highs
from splgbench.confinement import pinned_environment
from splgbench.generator.screening import machine
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.judging import judge
from splgbench.model import MipModel
from splgbench.model_files import names, write_model
from splgbench.result import Status, contradicts, relative_gap

HERE = Path(__file__).parent
PROGRAMS = HERE / "peers"
RESULTS = HERE / "results"
INSTANCES = ("easy", "us-miami-2011", "hard-h4", "hard-h7", "hard-h1")
OWN = ("dantzig-wolfe-hospital", "benders-area", "auto", "linked@highs")
MEMORY_MB = 8192
GRACE = 15.0
"""Seconds after the limit in which a peer may still say what it has."""


@dataclass(frozen=True)
class Peer:
    """One way to run a peer.

    Parameters
    ----------
    environment : a name below `peers/pins`.
    program : its file below `peers`.
    formulation : whose rows it gets.
    stages : whether it gets mandates and the volumes of every area as files of their own.
    options : further words on its command line; "{trivial}" stands for minus the sum of the best utility times demand.
    """

    environment: str
    program: str
    formulation: str = "linked"
    stages: bool = False
    options: tuple[str, ...] = ()


PEERS = {
    "gcg:linked": Peer("gcg", "solve_gcg.py"),
    "gcg:strengthened": Peer("gcg", "solve_gcg.py", "strengthened"),
    "scip-benders": Peer("scip", "solve_scip.py", stages=True),
    "benderslib": Peer("benderslib", "solve_benderslib.py"),
    "benderslib:theta": Peer("benderslib", "solve_benderslib.py", options=("{trivial}",)),
    "descartes-mip": Peer("descartes-mip", "solve_descartes_mip.py"),
}
COLUMNS = (
    "instance",
    "instance_hash",
    "method",
    "time_limit_s",
    "status",
    "primal",
    "dual",
    "claimed_primal",
    "claimed_dual",
    "ended",
    "wall_time_s",
    "cpu_s",
    "counters",
    "message",
    "versions",
)


# --- The same models, with the decomposition ---------------------------------------------------------------------


def hand_over(instance: Instance, formulation: str, folder: Path) -> MipModel:
    """Write what the programs read.

    `model.mps`; `hospital.dec`, its rows by hospital for GCG; `coupling.txt`, the rows that join hospitals;
    `mandates.txt`, the columns of mandates.

    Returns
    -------
    The model.
    """
    model = registry.find("formulations", formulation).build(instance)
    columns, rows = names(instance, model.column_blocks), names(instance, model.row_blocks)
    hospital = row_labels(model, instance.offer_hospital)
    write_model(instance, model, highs, folder / "model.mps")
    (folder / "hospital.dec").write_text(decomposition_file(rows, hospital))
    (folder / "coupling.txt").write_text("".join(f"{rows[row]}\n" for row in np.flatnonzero(hospital < 0)))
    held = model.mandate_column[model.mandate_column >= 0]
    (folder / "mandates.txt").write_text("".join(f"{columns[column]}\n" for column in held))
    return model


def hand_over_areas(instance: Instance, model: MipModel, folder: Path) -> None:
    """Write the model as stages: `master.mps`, the rows over mandates, and `area_*.mps`, the others area by area.

    Raises
    ------
    ValueError
        A row over volumes joins areas.
    """
    columns, rows = names(instance, model.column_blocks), names(instance, model.row_blocks)
    first = np.isin(np.arange(model.n_columns), model.mandate_column)
    area = row_labels(model, instance.group_area[instance.offer_group])
    over_mandates = ~np.asarray(entries_of(model) @ ~first, dtype=np.bool_)
    if (area[~over_mandates] < 0).any():
        raise ValueError("a row over volumes joins areas")
    write_part(model, columns, rows, over_mandates, first, first, folder / "master.mps")
    for number in np.unique(area[~over_mandates]):
        taken = ~over_mandates & (area == number)
        kept = np.asarray(taken @ entries_of(model), dtype=np.bool_)
        write_part(model, columns, rows, taken, kept, ~first, folder / f"area_{number:03d}.mps")


def entries_of(model: MipModel) -> csr_array:
    """Which columns each row has, shape (m, n)."""
    present = model.row_values != 0
    return csr_array((present, model.row_columns, model.row_start), shape=(model.n_rows, model.n_columns))


def row_labels(model: MipModel, label: IntArray) -> IntArray:
    """Shape (m,): the common label of the offers in a row, -1 where they differ or the row has none.

    Parameters
    ----------
    label : shape (K,), e.g. the hospital of each offer.
    """
    of_column = np.full(model.n_columns, -1, dtype=np.int64)
    for columns in (model.volume_column, model.mandate_column):
        of_column[columns[columns >= 0]] = label[columns >= 0]
    found = np.full(model.n_rows, -1, dtype=np.int64)
    for row in range(model.n_rows):
        here = np.unique(of_column[model.row_columns[model.row_start[row] : model.row_start[row + 1]]])
        if len(here) == 1:
            found[row] = here[0]
    return found


def decomposition_file(rows: list[str], label: IntArray) -> str:
    """A decomposition in the format .dec, which GCG and SCIP read: blocks of rows, and rows of the master."""
    blocks = np.unique(label[label >= 0])
    lines = ["PRESOLVED", "0", "NBLOCKS", str(len(blocks))]
    for number, block in enumerate(blocks, start=1):
        lines += [f"BLOCK {number}", *(rows[row] for row in np.flatnonzero(label == block))]
    return "\n".join([*lines, "MASTERCONSS", *(rows[row] for row in np.flatnonzero(label < 0))]) + "\n"


def write_part(
    model: MipModel,
    columns: list[str],
    rows: list[str],
    taken: BoolArray,
    kept: BoolArray,
    own: BoolArray,
    path: Path,
) -> None:
    """Write some rows and columns of the model.

    Parameters
    ----------
    columns, rows : names.
    taken : shape (m,), the rows.
    kept : shape (n,), the columns, all that the rows have among them.
    own : shape (n,), columns that keep worth and integrality; others are copies of another part's.
    """
    position = np.cumsum(kept) - 1
    of_entry = np.repeat(taken, np.diff(model.row_start))
    none = np.zeros(0, dtype=np.int64)
    part = MipModel(
        objective=np.where(own[kept], model.objective[kept], 0.0),
        lower=model.lower[kept],
        upper=model.upper[kept],
        integer=model.integer[kept] & own[kept],
        semicontinuous=model.semicontinuous[kept],
        row_start=np.concatenate(([0], np.cumsum(np.diff(model.row_start)[taken]))),
        row_columns=position[model.row_columns[of_entry]],
        row_values=model.row_values[of_entry],
        row_lower=model.row_lower[taken],
        row_upper=model.row_upper[taken],
        indicator_row=none,
        indicator_column=none,
        indicator_value=none,
        volume_column=none,
        mandate_column=none,
    )
    highs.write(part, path, [columns[c] for c in np.flatnonzero(kept)], [rows[r] for r in np.flatnonzero(taken)])


# --- One run -----------------------------------------------------------------------------------------------------


def run_program(command: list[str], seconds: float) -> tuple[str, str, str, float, float]:
    """Run a program under the limits.

    Returns
    -------
    What it printed, the last error it told, how it was ended ("" where it ended by itself), wall and CPU seconds.
    """
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=pinned_environment(1), start_new_session=True)
        killed = ""
        try:
            resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY_MB * 2**20, MEMORY_MB * 2**20))
            process.wait(seconds + GRACE)
        except subprocess.TimeoutExpired:
            killed = f"killed after {seconds + GRACE:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if not killed and process.returncode:
            killed = f"exit code {process.returncode}"
        out.seek(0)
        err.seek(0)
        printed = out.read()
        errors = [line.strip() for line in err.read().splitlines() if line.strip()]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = [line for line in errors if re.match(r"[\w.]+(Error|Exception):", line)] or errors
    return printed, told[-1] if told else "", killed, time.monotonic() - began, cpu


def judged(instance: Instance, columns: Mapping[str, int], facts: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """What a peer said, after the exact check.

    Parameters
    ----------
    columns : the offer of each mandate's column name.
    facts : as `said.heard` returns them.
    """
    mandates = None
    if "mandates" in facts:
        mandates = np.zeros(instance.n_offers, dtype=np.bool_)
        mandates[[columns[name] for name in facts["mandates"]]] = True
    done = str(facts.get("ended", "")).lower() == "optimal"
    ended = Status.OPTIMAL if done else Status.TIME_OUT
    judgement = judge(instance, Limits(wall_time=seconds), ended, mandates, facts.get("dual"))
    status, message, claimed = judgement.status, judgement.message, facts.get("primal")
    # The polish can only add to what mandates are worth: a claim above it is refuted.
    if judgement.primal is not None and claimed is not None and contradicts(judgement.primal, round(claimed)):
        status, message = Status.WRONG, f"it claims {claimed:,.1f}, its mandates are worth {judgement.primal:,}"
    return {
        "status": str(status),
        "primal": judgement.primal,
        "dual": None if judgement.dual is None else int(judgement.dual),
        "claimed_primal": claimed,
        "claimed_dual": facts.get("dual"),
        "ended": facts.get("ended", ""),
        "message": message,
    }


def run_peer(name: str, instance: Instance, seconds: float, environments: Path) -> dict[str, Any]:
    """One line of the CSV."""
    peer = PEERS[name]
    environment = installed(peer.environment, environments)
    if not environment.python:
        return {"status": str(Status.UNSUPPORTED), "message": environment.error}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        model = hand_over(instance, peer.formulation, folder)
        if peer.stages:
            hand_over_areas(instance, model, folder)
        column_names = names(instance, model.column_blocks)
        columns = {column_names[c]: k for k, c in enumerate(model.mandate_column.tolist()) if c >= 0}
        options = [str(-trivial_bound(instance)) if option == "{trivial}" else option for option in peer.options]
        command = [environment.python, str(PROGRAMS / peer.program), str(folder), str(seconds), *options]
        printed, error, killed, wall, cpu = run_program(command, seconds)
    facts = heard(printed.splitlines())
    row = judged(instance, columns, facts, seconds)
    if killed:
        row["ended"] = killed
        if killed.startswith("exit"):
            row["status"] = str(Status.ERROR) if row["status"] != Status.WRONG else row["status"]
            row["message"] = "; ".join(filter(None, (row["message"], error)))
    versions = {"python": environment.python_version, **facts.get("versions", {})}
    return row | {
        "wall_time_s": round(wall, 1),
        "cpu_s": round(cpu, 1),
        "counters": _listed(facts.get("counters", {})),
        "versions": _listed(versions),
    }


def trivial_bound(instance: Instance) -> int:
    """Every case at the best utility of its cell."""
    best = np.zeros(instance.n_cells, dtype=np.int64)
    np.maximum.at(best, instance.offer_cell, instance.utility)
    return int(best @ instance.demand)


def run_own(method: str, instance: Instance, seconds: float) -> dict[str, Any]:
    """One line of the CSV for a method of splgbench."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = solve_isolated(method, instance, Limits(wall_time=seconds))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "status": str(result.status),
        "primal": result.primal,
        "dual": None if result.dual is None else int(result.dual),
        "claimed_primal": result.claimed_primal,
        "claimed_dual": result.claimed_dual,
        "ended": "",
        "wall_time_s": round(result.wall_time_s, 1),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "counters": _listed({k: v for k, v in result.counters.items() if k in ("iterations", "nodes")}),
        "message": result.message,
        "versions": _listed(result.versions),
    }


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items())


def run(instances: list[str], methods: list[str], seconds: float, environments: Path, path: Path) -> None:
    """Run what the file lacks, one after the other."""
    for name in instances:
        instance = load(name)
        for method in methods:
            done = {(row["instance_hash"], row["method"], float(row["time_limit_s"])) for row in read(path)}
            if (instance.instance_hash, method, seconds) in done:
                continue
            if method in PEERS:
                row = run_peer(method, instance, seconds, environments)
            else:
                row = run_own(method, instance, seconds)
            key = {"instance": name, "instance_hash": instance.instance_hash, "method": method, "time_limit_s": seconds}
            append(path, COLUMNS, [key | row])
            print(*(f"{k}={v}" for k, v in (key | row).items() if k not in ("instance_hash", "versions")), flush=True)


# --- The table ---------------------------------------------------------------------------------------------------


def table(rows: list[dict[str, str]], seconds: float) -> str:
    """The committed table."""
    rows = [row for row in rows if float(row["time_limit_s"]) == seconds]
    versions = {
        method: row["versions"]
        for method in (*PEERS, OWN[0])
        for row in rows
        if row["method"] == method and row["versions"]
    }
    lines = [
        "# Peers",
        "",
        "Command: `python benchmarks/peers/install.py && python benchmarks/compare_peers.py`. Limit "
        f"{seconds:g} s of wall time as told to each (killed {GRACE:g} s later), {MEMORY_MB // 1024} GiB, one thread, "
        "gap asked for 0, each in its own process, one after the other.",
        "",
        f"Machine: {machine()}, shared: CPU says how many of the seconds the process got, writing and reading of the "
        "model included.",
        "",
        *(f"- `{method}`: {found}" for method, found in versions.items()),
        "",
        "Primal: value of the mandates after exact volumes and the exact check. Dual: the bound as claimed, rounded "
        "down. Both in thousands of utility units, gaps to the best checked value (primal) and the best bound of "
        "splgbench's methods (dual) in per cent. A bound below a checked value is wrong, and so is a claimed value "
        "above what the mandates are worth.",
        "",
    ]
    for name in INSTANCES:
        mine = {row["method"]: row for row in rows if row["instance"] == name}
        if not mine:
            continue
        best, bound = known(list(mine.values()))
        lines += [
            f"## {name}",
            "",
            f"Best checked value {best:,}, best bound {bound:,}." if bound is not None else f"Best value {best:,}.",
            "",
            "| method | primal | below best | dual | above bound | verdict | work | seconds | CPU |",
            "| --- | ---: | ---: | ---: | ---: | --- | --- | ---: | ---: |",
            *(_line(mine[method], best, bound) for method in (*PEERS, *OWN) if method in mine),
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def known(rows: list[dict[str, str]]) -> tuple[int, int | None]:
    """The best checked value of all methods and the best bound of splgbench's own."""
    best = max((int(row["primal"]) for row in rows if row["primal"]), default=0)
    bounds = [int(row["dual"]) for row in rows if row["dual"] and row["method"] in OWN]
    return best, min(bounds, default=None)


def verdict(row: dict[str, str], best: int) -> str:
    """What became of the answer: the status, or what is wrong with it."""
    if row["status"] == Status.UNSUPPORTED:
        return f"not run: {row['message']}"
    if row["dual"] and contradicts(float(row["dual"]), best):
        return f"WRONG bound ({row['ended'] or row['status']})" + (f": {row['message']}" if row["message"] else "")
    if row["status"] == Status.WRONG:
        return f"WRONG: {row['message']}"
    if row["status"] == Status.ERROR:
        return f"error: {row['ended']} {row['message']}".strip()
    return f"{row['status']} ({row['ended']})" if row["ended"].startswith("killed") else row["status"]


def _line(row: dict[str, str], best: int, bound: int | None) -> str:
    def thousands(text: str) -> str:
        return f"{float(text) / 1000:,.1f}" if text else "none"

    def away(text: str, reference: int | None) -> str:
        gap = relative_gap(reference, float(text)) if text and reference else None
        return f"{100 * gap:.3f}" if gap is not None else ""

    cells = (
        f"`{row['method']}`",
        thousands(row["primal"]),
        away(row["primal"], best),
        thousands(row["dual"]),
        away(row["dual"], bound),
        verdict(row, best).replace("|", "/"),
        row["counters"],
        row["wall_time_s"],
        row["cpu_s"],
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", nargs="+", default=list(INSTANCES))
    parser.add_argument("--methods", nargs="+", default=[*PEERS, *OWN])
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--environments", type=Path, default=FOLDER, help="where the peers are installed")
    parser.add_argument("--results", type=Path, default=RESULTS / "peers.csv")
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if not arguments.table:
        run(arguments.instances, arguments.methods, arguments.time_limit, arguments.environments, arguments.results)
    arguments.results.with_suffix(".md").write_text(table(read(arguments.results), arguments.time_limit))


if __name__ == "__main__":
    main()
