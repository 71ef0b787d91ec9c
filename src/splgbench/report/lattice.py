"""How strong formulations are: LP bounds, measured, and the order they make."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from splgbench import registry
from splgbench.campaign.sources import Source
from splgbench.campaign.spec import parse_campaign
from splgbench.errors import SplgbenchError
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import Direct, method
from splgbench.report.charts import NEUTRAL, Axis, Chart, Series
from splgbench.report.records import Records
from splgbench.report.tables import Column, Table

TOLERANCE = 1e-6
"""Bounds that differ by less, as a fraction, are the same."""
_LIMIT_S = 60.0
_MARGINS, _LETTER = 80, 7
"""Pixels beside the diagram, and of a letter."""

Bounds = Mapping[str, Mapping[str, float]]
"""LP bound by formulation and instance hash."""


@dataclass(frozen=True)
class LpBound:
    """One relaxation.

    Parameters
    ----------
    bound : None where it was not solved; `message` says why.
    """

    instance: str
    instance_hash: str
    formulation: str
    bound: float | None
    wall_time_s: float
    message: str = ""


def measure(records: Records, on_done: Callable[[LpBound], None] = lambda _bound: None) -> list[LpBound]:
    """Solve the LP relaxations of the store's formulations, on HiGHS, on those of its instances that can be had again.

    Instances are made once more from the campaign file that the store keeps, with its paths relative to the current
    folder; one that is missing or has changed since is left out.
    """
    heads = dict.fromkeys(name.partition("@")[0] for name in records.methods if "@" in name)
    formulations = [head for head in heads if head in registry.names("formulations")]
    found = []
    for instance in _instances(records):
        for formulation in formulations:
            found.append(_relaxed(instance, formulation))
            on_done(found[-1])
    return found


def _instances(records: Records) -> Iterator[Instance]:
    ran = {run.instance_hash for run in records.runs}
    sources: dict[Source, None] = {}
    for session in records.sessions:
        try:
            campaign = parse_campaign(session["manifest"]["campaign_file"], Path("campaign.toml"))
        except SplgbenchError:
            continue
        sources.update(dict.fromkeys(campaign.sources))
    for source in sources:
        try:
            instance = source.load()
        except SplgbenchError:
            continue
        if instance.instance_hash in ran:
            yield instance


def _relaxed(instance: Instance, formulation: str) -> LpBound:
    began = time.perf_counter()
    bound, message = None, ""
    try:
        direct = method(f"{formulation}@highs")
        assert isinstance(direct, Direct)
        bound = direct.lp_bound(instance, Limits(wall_time=_LIMIT_S))
    except SplgbenchError as error:
        message = str(error)
    took = round(time.perf_counter() - began, 3)
    return LpBound(instance.name, instance.instance_hash, formulation, bound, took, message)


def by_formulation(relaxations: Iterable[LpBound]) -> dict[str, dict[str, float]]:
    """The bounds of the instances that every formulation with an LP relaxation has a bound for."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for relaxation in relaxations:
        if relaxation.bound is not None:
            found[relaxation.formulation][relaxation.instance_hash] = relaxation.bound
    common = set.intersection(*map(set, found.values())) if found else set()
    if not common:
        return {}
    return {name: {key: bound for key, bound in bounds.items() if key in common} for name, bounds in found.items()}


def no_weaker(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    """Whether the first has no higher bound on any instance."""
    return all(bound <= second[key] + TOLERANCE * max(1.0, abs(second[key])) for key, bound in first.items())


def classes(bounds: Bounds) -> list[list[str]]:
    """Formulations of equal bounds together, in the order given."""
    found: list[list[str]] = []
    for name in bounds:
        for members in found:
            if no_weaker(bounds[name], bounds[members[0]]) and no_weaker(bounds[members[0]], bounds[name]):
                members.append(name)
                break
        else:
            found.append([name])
    return found


def covering(bounds: Bounds, heads: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (stronger, weaker) with nothing between them: the edges of the diagram."""
    above = {(a, b) for a in heads for b in heads if a != b and no_weaker(bounds[a], bounds[b])}
    return [(a, b) for a, b in sorted(above) if not any((a, c) in above and (c, b) in above for c in heads)]


def broken_claims(bounds: Bounds) -> list[tuple[str, str]]:
    """Formulations declared at least as strong as another whose measured bound is weaker somewhere."""
    found = []
    known = registry.names("formulations")
    for name in filter(known.__contains__, bounds):
        declared = getattr(registry.find("formulations", name), "at_least_as_strong_as", ())
        found += [(name, other) for other in declared if other in bounds and not no_weaker(bounds[name], bounds[other])]
    return found


def lattice_chart(relaxations: Sequence[LpBound], best: Mapping[str, int]) -> Chart:
    """The diagram of the order, the strongest on top."""
    bounds = by_formulation(relaxations)
    groups = classes(bounds)
    heads = [members[0] for members in groups]
    edges = covering(bounds, heads)
    depth = dict.fromkeys(heads, 0)
    for _ in heads:
        for stronger, weaker in edges:
            depth[weaker] = max(depth[weaker], depth[stronger] + 1)
    place: dict[str, tuple[float, float]] = {}
    for level in range(max(depth.values(), default=0) + 1):
        row = [head for head in heads if depth[head] == level]
        place.update({head: (i - (len(row) - 1) / 2, -float(level)) for i, head in enumerate(row)})
    lines = [
        Series("order", [place[a][0], place[b][0]], [place[a][1], place[b][1]], NEUTRAL, dash="solid") for a, b in edges
    ]
    texts = [f"{', '.join(members)}\n{_strength(bounds[members[0]], best)}" for members in groups]
    x, y = [place[head][0] for head in heads], [place[head][1] for head in heads]
    nodes = Series("formulations", x, list(y), 0, "points", texts=texts, labelled=True, in_legend=False)
    count = len(next(iter(bounds.values()), {}))
    widest = max(Counter(depth.values()).values(), default=1)
    broken = "".join(f" Declared no weaker, but measured weaker: {a} than {b}." for a, b in broken_claims(bounds))
    return Chart(
        "lattice",
        "LP strength",
        f"LP bounds of {count} instances, measured on HiGHS. A line leads down to a formulation whose bound is nowhere "
        "lower and somewhere higher; no line, and neither is stronger everywhere. The figure is the mean distance of "
        f"the LP bound from the best checked value.{broken}",
        Axis("", hidden=True, span=(min(x, default=0.0) - 0.4, max(x, default=0.0) + 1.1)),
        Axis("", hidden=True, span=(min(y, default=0.0) - 0.5, 0.5)),
        [*lines, nodes],
        "No LP bound is known: the stored campaign file gives none of the instances from here, or no formulation of "
        "the store has an LP relaxation.",
        _width(texts, widest) if widest > 1 else 0,
    )


def _width(texts: Iterable[str], widest: int) -> int:
    """Pixels in which the texts of the widest row stand beside each other."""
    longest = max(len(line) for text in texts for line in text.split("\n"))
    return round(_MARGINS + (_LETTER * longest + 20) * (widest + 0.5))


def _strength(bounds: Mapping[str, float], best: Mapping[str, int]) -> str:
    distances = [(bound - best[key]) / abs(best[key]) for key, bound in bounds.items() if best.get(key)]
    return f"{100 * fmean(distances):.2f} % above the best value" if distances else "no value to compare with"


def bounds_table(relaxations: Iterable[LpBound]) -> Table:
    """Every relaxation."""
    rows = [(one.instance, one.formulation, one.bound, one.wall_time_s, one.message) for one in relaxations]
    columns = [
        Column("instance"),
        Column("formulation"),
        Column("LP bound", "whole"),
        Column("seconds", "seconds"),
        Column("message"),
    ]
    caption = "HiGHS, one thread, without the solver's cuts; seconds with the building of the model."
    return Table("lp-bounds", "LP bounds", caption, columns, rows)
