"""Kill -9 at random points of a campaign: what is lost?

    python benchmarks/campaign_kills.py --kills 100 -o benchmarks/results/campaign_kills.md

A campaign of short solves by a fake method, which only sleeps and enters each start in a ledger, runs as
`splgbench run` with two workers. Every round kills either the coordinator (and starts the command again) or a process
below it: a fork server, or a worker in the middle of its solve. When all is done the ledger, what the command had
reported as stored, and the store are held against each other.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from splgbench import write_package
from splgbench.campaign.store import Store
from splgbench.generator.screening import machine
from splgbench.instance import Instance
from splgbench.processes import descendants

FAKE = Path(__file__).with_name("fake_method.py")
WORKERS = 2
PATIENCE = 120.0
"""Seconds without a stored run after which the campaign counts as stuck."""


@dataclass
class Outcome:
    """What the kills did.

    Parameters
    ----------
    kills : by what was killed.
    cells : runs of the campaign.
    reported : runs the command had reported as stored, over all its lives.
    starts : solves that began, lost ones included.
    complaints : what must not be.
    """

    kills: Counter[str] = field(default_factory=Counter)
    cells: int = 0
    reported: int = 0
    starts: int = 0
    complaints: list[str] = field(default_factory=list)


def tiny() -> Instance:
    """The smallest instance there is."""
    return Instance.from_tables(
        hospitals=["H"],
        groups={"group": ["A"], "area": ["x"]},
        demand={"group": ["A"], "cases": [1]},
        offers={"hospital": ["H"], "group": ["A"], "capacity": [1], "utility": [1]},
        name="tiny",
    )


def kill_at_random(folder: Path, kills: int, seed: int, cells_per_kill: int = 3, seconds: float = 0.05) -> Outcome:
    """Run a campaign while killing parts of it, until it is done.

    Parameters
    ----------
    folder : an empty folder.
    seed : decides the moments and the victims.
    cells_per_kill : runs of the campaign for each kill.
    seconds : length of a solve.
    """
    draw = random.Random(seed)
    outcome = Outcome(cells=kills * cells_per_kill)
    file, store, ledger = _prepared(folder, outcome.cells, seconds)
    command = [sys.executable, "-m", "splgbench", "run", str(file), "--workers", str(WORKERS), "--store", str(store)]
    campaign = _Life(command, folder)
    stored_at_last_kill = 0
    before: dict[str, str] = {}
    while sum(outcome.kills.values()) < kills:
        target = stored_at_last_kill + draw.randint(0, cells_per_kill - 1)
        victim = draw.choice(["coordinator", "below"])
        delay = draw.random() * (seconds + 0.15)
        if not campaign.wait_for(target, delay):
            break
        if victim == "coordinator":
            campaign.process.send_signal(signal.SIGKILL)
            campaign.process.wait()
            outcome.kills["coordinator"] += 1
            outcome.reported += campaign.close()
            stored_at_last_kill = 0
            before |= _rows(store)
            campaign = _Life(command, folder)
        elif killed := _kill_one(descendants(campaign.process.pid), draw):
            outcome.kills[killed] += 1
            stored_at_last_kill = campaign.stored()
    campaign.wait_for_end()
    outcome.reported += campaign.close()
    _judge(outcome, store, ledger, before)
    return outcome


class _Life:
    """One life of the coordinator, its output in a file."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.output = folder / "output"
        self.sink = self.output.open("wb")
        self.process = subprocess.Popen(command, stdout=self.sink, stderr=self.sink)

    def stored(self) -> int:
        """Runs it has reported as stored."""
        lines = self.output.read_bytes().splitlines(keepends=True)
        return sum(line.startswith(b"[") and line.endswith(b"s\n") for line in lines)

    def wait_for(self, runs: int, delay: float) -> bool:
        """Wait until `runs` runs are stored and then a little; False if the campaign ended first."""
        deadline = time.monotonic() + PATIENCE
        while self.stored() < runs and time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            time.sleep(0.01)
        time.sleep(delay)
        return self.process.poll() is None

    def wait_for_end(self) -> None:
        self.process.wait(PATIENCE)

    def close(self) -> int:
        self.sink.close()
        return self.stored()


def _prepared(folder: Path, cells: int, seconds: float) -> tuple[Path, Path, Path]:
    ledger = folder / "ledger"
    write_package(tiny(), folder / "tiny")
    file = folder / "kills.toml"
    file.write_text(
        f"""name = "kills"
[[instances]]
packages = "tiny"
[[methods]]
names = "{FAKE}:seconds={seconds},ledger={ledger}"
[limits]
wall_time = 60
[variations]
seeds = {list(range(cells))}
[run]
attempts = 100
"""
    )
    return file, folder / "kills.sqlite", ledger


def _kill_one(processes: list[int], draw: random.Random) -> str:
    """Kill one of the coordinator's descendants; "" where there are none."""
    if not processes:
        return ""
    victim = draw.choice(sorted(processes))
    with_children = bool(descendants(victim))
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return ""
    return "fork server with a worker" if with_children else "worker or idle fork server"


def _rows(store: Path) -> dict[str, str]:
    """When each stored run ended, by run key."""
    if not store.exists():
        return {}
    with sqlite3.connect(store) as connection:
        try:
            return dict(connection.execute("SELECT run_key, ended FROM runs"))
        except sqlite3.OperationalError:
            return {}  # killed before the tables were made


def _judge(outcome: Outcome, store: Path, ledger: Path, before: dict[str, str]) -> None:
    """Hold the store against the ledger, the reports and what it held when the coordinator was killed."""
    outcome.starts = len(ledger.read_text().splitlines())
    with sqlite3.connect(store) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            outcome.complaints.append(f"the database is damaged: {verdict}")
    with Store(store) as opened:
        runs = list(opened.runs())
        for run in runs:
            if run["status"] != "optimal":
                outcome.complaints.append(f"seed {run['seed']} ended by {run['status']}: {run['message']}")
            if not opened.trace(run) or not opened.file(run["allocation_file"]).is_file():
                outcome.complaints.append(f"seed {run['seed']} lacks a file")
    if len(runs) != outcome.cells:
        outcome.complaints.append(f"{len(runs)} of {outcome.cells} runs are stored")
    if outcome.reported > outcome.cells or not before.items() <= _rows(store).items():
        outcome.complaints.append("a finished run was lost and done again")
    most = outcome.cells + WORKERS * sum(outcome.kills.values())
    if outcome.starts > most:
        outcome.complaints.append(f"{outcome.starts} solves began, more than {most}")


def report(outcome: Outcome, seed: int, seconds: float) -> str:
    """The committed table."""
    lines = [
        "# Kill -9 at random points of a campaign",
        "",
        f"Command: `python benchmarks/campaign_kills.py --kills {sum(outcome.kills.values())} --seed {seed} -o "
        "benchmarks/results/campaign_kills.md`",
        "",
        f"Machine: {machine()}, shared. {outcome.cells} runs of a fake method that sleeps 0.05 s, {WORKERS} workers, "
        f"{seconds:.0f} s in all.",
        "",
        "| what | number |",
        "| --- | --- |",
        *(f"| killed: {what} | {number} |" for what, number in sorted(outcome.kills.items())),
        f"| runs of the campaign | {outcome.cells} |",
        f"| solves that began | {outcome.starts} |",
        f"| of them lost in flight | {outcome.starts - outcome.cells} |",
        f"| complaints | {len(outcome.complaints)} |",
        "",
        "A kill of the coordinator can lose the runs in flight, one a worker. Held against each other at the end: "
        "every cell is stored once, as optimal and with its files; the database passes its integrity check; every row "
        "that was there when the coordinator was killed is there unchanged; nothing reported as stored was done again.",
    ]
    return "\n".join([*lines, *(f"- {complaint}" for complaint in outcome.complaints)]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="splgbench-kills-"))
    began = time.monotonic()
    outcome = kill_at_random(folder, arguments.kills, arguments.seed)
    text = report(outcome, arguments.seed, time.monotonic() - began)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)
    if outcome.complaints:
        raise SystemExit(f"{len(outcome.complaints)} complaints; everything is in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
