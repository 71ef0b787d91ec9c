"""Wrong and contradictory answers: what comes first in a report and enters no average."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from splgbench.campaign.summary import as_result
from splgbench.report.records import Records, Run
from splgbench.result import Status
from splgbench.verdict import contradictions

FAILURES = (Status.ERROR, Status.OUT_OF_MEMORY)


@dataclass(frozen=True)
class Accusation:
    """An answer that cannot be right.

    Parameters
    ----------
    run : the run that gave it.
    text : why, with the answer it contradicts.
    """

    run: Run
    text: str


@dataclass(frozen=True)
class Quarantine:
    """What is wrong with a store's answers.

    Parameters
    ----------
    wrong : answers that the checker refuses or that their own bounds contradict.
    contradictory : answers that a checked allocation of another run refutes.
    failed : runs that ended in an error or out of memory.
    """

    wrong: tuple[Accusation, ...]
    contradictory: tuple[Accusation, ...]
    failed: tuple[Run, ...]

    @property
    def accused(self) -> frozenset[str]:
        """Keys of the runs whose answers cannot be right."""
        return frozenset(accusation.run.key for accusation in (*self.wrong, *self.contradictory))

    def status(self, run: Run) -> str:
        """A run's status for people."""
        refuted = run.key in self.accused and run.status is not Status.WRONG
        return f"{run.status}, contradicted" if refuted else str(run.status)

    @property
    def methods(self) -> frozenset[str]:
        """The methods that are ranked nowhere."""
        return frozenset(accusation.run.method for accusation in (*self.wrong, *self.contradictory))


def quarantine(records: Records) -> Quarantine:
    """Hold all answers to an instance, those of reference runs included, against each other."""
    return quarantine_of((*records.runs, *records.references))


def quarantine_of(runs: Sequence[Run], hint: Callable[[Run], str] = lambda run: run.key[:8]) -> Quarantine:
    """Hold all answers to an instance against each other.

    Parameters
    ----------
    hint : tells runs of one method and variation apart in the texts.
    """
    accusations = [accusation for group in _by_instance(runs) for accusation in _accusations(group, hint)]
    return Quarantine(
        wrong=tuple(accusation for accusation in accusations if accusation.run.status is Status.WRONG),
        contradictory=tuple(accusation for accusation in accusations if accusation.run.status is not Status.WRONG),
        failed=tuple(run for run in runs if run.status in FAILURES),
    )


def _by_instance(runs: Iterable[Run]) -> Iterable[list[Run]]:
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.instance_hash].append(run)
    return groups.values()


def _accusations(group: list[Run], hint: Callable[[Run], str]) -> list[Accusation]:
    """The contradictions of one instance; the first of a contradiction's methods is the one that is refuted."""
    named: dict[str, Run] = {}
    for run in group:
        name = f"{run.label} ({hint(run)})"
        while name in named:
            name += " again"
        named[name] = run
    results = [replace(as_result(run.row), method=name) for name, run in named.items()]
    return [Accusation(named[found.methods[0]], found.text) for found in contradictions(results)]
