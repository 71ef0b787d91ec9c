"""Which runs may be ranked together: those that ran under the same terms."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from splgbench.campaign.fairness import MAY_BE_UNKNOWN, differing
from splgbench.report.records import Run

_OF_THE_MACHINE = ("processor", "pinned")

TITLED = ("wall_time", "memory", "threads", "gap", "nodes", "iterations")
"""Terms that a group's title holds."""

Terms = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """Runs under the same terms.

    Parameters
    ----------
    terms : what they agree in.
    runs : in the store's order.
    """

    terms: Mapping[str, Any]
    runs: tuple[Run, ...]

    @property
    def title(self) -> str:
        """The terms in short."""
        terms = self.terms
        parts = [f"{terms['wall_time']:g} s" if terms.get("wall_time") else "no time limit"]
        parts += [f"{terms['memory']} MB"] if terms.get("memory") else []
        threads = terms.get("threads") or 1
        parts.append(f"{threads} thread{'s'[: threads > 1]}")
        parts.append(f"gap {100 * (terms.get('gap') or 0):g} %")
        parts += [f"{terms['nodes']} nodes"] if terms.get("nodes") else []
        parts += [f"{terms['iterations']} iterations"] if terms.get("iterations") else []
        return ", ".join(parts)


def comparable_groups(runs: Iterable[Run]) -> list[Group]:
    """Split runs into groups that agree in every term; the largest first.

    A term that a run does not know agrees with all: presolve, absolute gap and tolerances of a run that was killed or
    whose solver does not say or have them, and the machine of a run that never came to start. Where the method's other
    runs know it, theirs counts.
    """
    runs = list(runs)
    known = _known(runs)
    groups: list[tuple[Terms, list[Run]]] = []
    kinds: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        kinds[json.dumps(_filled(run, known), sort_keys=True)].append(run)
    parsed = [(json.loads(text), members) for text, members in kinds.items()]
    parsed.sort(key=lambda kind: (sum(value is None for value in kind[0].values()), -len(kind[1])))
    for terms, members in parsed:
        for found, others in groups:
            if _agree(terms, found):
                found.update({key: value for key, value in terms.items() if value is not None})
                others.extend(members)
                break
        else:
            groups.append((dict(terms), list(members)))
    order = {run.key: position for position, run in enumerate(runs)}
    groups.sort(key=lambda group: (-len(group[1]), order[group[1][0].key]))
    return [Group(terms, tuple(sorted(members, key=lambda run: order[run.key]))) for terms, members in groups]


def differences(groups: Iterable[Group]) -> dict[str, list[Any]]:
    """The terms that keep groups apart, with the values met."""
    return differing(group.terms for group in groups)


def _soft(run: Run) -> tuple[str, ...]:
    return MAY_BE_UNKNOWN if run.ran else (*MAY_BE_UNKNOWN, *_OF_THE_MACHINE)


def _known(runs: list[Run]) -> dict[tuple[str, str], Any]:
    """By method and term, the one value that its runs know."""
    counts: dict[tuple[str, str], Counter[Any]] = defaultdict(Counter)
    for run in runs:
        for key in (*MAY_BE_UNKNOWN, *_OF_THE_MACHINE):
            value = run.row["terms"].get(key)
            if value is not None and (run.ran or key not in _OF_THE_MACHINE):
                counts[run.method, key][value] += 1
    return {place: next(iter(values)) for place, values in counts.items() if len(values) == 1}


def _filled(run: Run, known: Mapping[tuple[str, str], Any]) -> Terms:
    terms = dict(run.row["terms"])
    for key in _soft(run):
        if terms.get(key) is None or key in _OF_THE_MACHINE:
            terms[key] = known.get((run.method, key))
    return terms


def _agree(terms: Terms, others: Terms) -> bool:
    soft = (*MAY_BE_UNKNOWN, *_OF_THE_MACHINE)
    for key in terms.keys() | others.keys():
        mine, theirs = terms.get(key), others.get(key)
        if mine != theirs and not (key in soft and (mine is None or theirs is None)):
            return False
    return True
