"""What a campaign comes to: its cells in order, what cannot run and why, and how long it may take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from splgbench.campaign.cells import REFERENCE, Cell
from splgbench.campaign.fingerprint import planned_versions
from splgbench.campaign.sources import Source
from splgbench.campaign.spec import Campaign
from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import method

_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True)
class Plan:
    """The runs of a campaign, or of a shard of it.

    Parameters
    ----------
    campaign : what is planned.
    cells : in the order they are started.
    instances : features of each instance by hash.
    shard : "i/n", or "" for the whole.
    """

    campaign: Campaign
    cells: tuple[Cell, ...]
    instances: Mapping[str, Mapping[str, Any]]
    shard: str = ""

    @property
    def unsupported(self) -> list[Cell]:
        """What cannot."""
        return [cell for cell in self.cells if cell.unsupported]

    def pending(self, done: Iterable[str], *, any_version: bool = False) -> list[Cell]:
        """The cells whose keys are not among `done`: run keys, or cell keys where versions do not matter.

        A reference run is for the runs that follow it, up to the next one: where these are done, so is it.
        """
        known = set(done)
        found: list[Cell] = []
        following = False
        for cell in reversed(self.cells):
            missing = (cell.cell_key if any_version else cell.run_key) not in known
            if cell.role == REFERENCE:
                missing, following = missing and following, False
            else:
                following = following or (missing and not cell.unsupported)
            if missing:
                found.append(cell)
        return found[::-1]


def make_plan(campaign: Campaign, only: str = "", shard: str = "") -> Plan:
    """Plan a campaign. Repeats and variations are the outer loops, so that a method's runs spread over the time.

    Parameters
    ----------
    only : keep the cells whose label (instance, method, seed=, permutation=) holds this text or matches this glob.
    shard : "i/n" keeps every n-th cell from the i-th.

    Raises
    ------
    InputError
        An instance that breaks the rules, or a shard that is none.
    """
    features: dict[str, dict[str, Any]] = {}
    named: list[tuple[Source, str, str]] = []
    reasons: dict[tuple[str, str, Limits], str] = {}
    versions = {name: planned_versions(name) for name in _all_methods(campaign)}
    for source in campaign.sources:
        instance = source.load()
        if instance.instance_hash in features:
            continue
        features[instance.instance_hash] = _features(source, instance)
        named.append((source, instance.name, instance.instance_hash))
        for name in campaign.methods:
            for limits in campaign.limits:
                reason = method(name).reason_against(instance, limits) or ""
                reasons[instance.instance_hash, name, limits] = reason
    cells = [
        Cell(
            source,
            instance_name,
            digest,
            name,
            replace(limits, seed=seed),
            permutation,
            repeat,
            versions[name],
            reasons[digest, name, limits],
        )
        for repeat in range(campaign.repeats)
        for seed, permutation in campaign.variations
        for source, instance_name, digest in named
        for limits in campaign.limits
        for name in campaign.methods
    ]
    cells = [cell for cell in cells if matches(cell, only)]
    if not cells:
        raise InputError(f"matches none of the campaign's cells: {only}", "--only")
    cells = _shard(cells, shard)
    return Plan(campaign, tuple(_with_references(campaign, cells, features, versions, shard)), features, shard)


def matches(cell: Cell, only: str) -> bool:
    """Whether --only lets a cell through."""
    return not only or only in cell.label or fnmatchcase(cell.label, f"*{only}*")


def worst_case_seconds(cells: Sequence[Cell], grace: float, workers: int) -> float:
    """Seconds until the last of `cells` has ended if each takes its time limit and the grace."""
    total = sum((cell.limits.wall_time or 0.0) + grace for cell in cells if not cell.unsupported)
    longest = max(((cell.limits.wall_time or 0.0) + grace for cell in cells if not cell.unsupported), default=0.0)
    return max(longest, total / workers)


def _all_methods(campaign: Campaign) -> list[str]:
    reference = [] if campaign.reference is None else [campaign.reference.method]
    return list(dict.fromkeys([*campaign.methods, *reference]))


def _shard(cells: list[Cell], shard: str) -> list[Cell]:
    if not shard:
        return cells
    match = _SHARD.fullmatch(shard)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise InputError(f"must be written i/n with 1 <= i <= n, for instance 3/10, not {shard!r}", "--shard")
    return cells[int(match[1]) - 1 :: int(match[2])]


def _with_references(
    campaign: Campaign,
    cells: list[Cell],
    features: dict[str, dict[str, Any]],
    versions: Mapping[str, dict[str, str]],
    shard: str,
) -> list[Cell]:
    """The cells with the reference run before the first and after every `every` of them."""
    reference = campaign.reference
    if reference is None or not cells:
        return cells
    instance = reference.source.load()
    features.setdefault(instance.instance_hash, _features(reference.source, instance))
    reason = method(reference.method).reason_against(instance, reference.limits) or ""
    found: list[Cell] = []
    for position, cell in enumerate(cells):
        if position % reference.every == 0:
            found.append(
                Cell(
                    reference.source,
                    instance.name,
                    instance.instance_hash,
                    reference.method,
                    reference.limits,
                    None,
                    position // reference.every,
                    versions[reference.method],
                    reason,
                    REFERENCE,
                    shard,
                )
            )
        found.append(cell)
    return found


def _features(source: Source, instance: Instance) -> dict[str, Any]:
    """What reports group and plot instances by."""
    recipe = source.recipe()
    return {
        "instance_hash": instance.instance_hash,
        "instance": instance.name,
        "source": source.name,
        "family": recipe.name if recipe is not None else instance.name,
        "hospitals": instance.n_hospitals,
        "areas": len(instance.areas),
        "groups": instance.n_groups,
        "regions": len(instance.regions),
        "cells": instance.n_cells,
        "offers": instance.n_offers,
        "clauses": instance.n_clauses,
        "capacity_mode": instance.capacity_mode,
        "without": "+".join(source.without),
        "recipe": None if recipe is None else recipe.as_text(),
    }
