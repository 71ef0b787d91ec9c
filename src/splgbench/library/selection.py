"""Choosing a benchmark set over the feature space: far apart from each other, few near-duplicates.

The rule, in whole numbers throughout, so that the same features give the same set on every machine:

1. The pool is named by a file (`instances/sets/benchmark.toml`), and so are what is always in, the size, the most
   instances of one family and the least distance.
2. Each coordinate of an instance (`coordinates`) becomes its rank in the pool, scaled to 0 .. `SCALE`, ties at their
   middle: no unit and no outlier weighs. Distance is the sum of the differences over the coordinates.
3. First come the instances that are always in (the real ones), or else the one with the least sum of distances to the
   pool; then, again and again, the one that is
   farthest from its nearest neighbour among those chosen (ties: the first by name), passing over full families. It
   ends at the size, or where all that is left lies nearer to a chosen one than the least distance: near-duplicates.

MIPLIB 2017 (Gleixner et al., Mathematical Programming Computation 13, 2021) balances its sets over clusters of features
and caps the instances of one model group; this is the same idea without solvers in the loop.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from splgbench.errors import InputError
from splgbench.instance import IntArray
from splgbench.library.features import Features

SCALE = 1000
_RATIOS = (
    "density",
    "competition",
    "area_competition",
    "threshold_position",
    "binding_thresholds",
    "cross_area_links",
    "cooperation_links",
    "symmetry",
    "utility_spread",
    "capacity_spread",
)
COORDINATES = (*_RATIOS, "offers", "regions", "components_per_offer", "live_share", "lp_linked_over_strengthened")


@dataclass(frozen=True)
class Rule:
    """What a set is chosen from and how many.

    Parameters
    ----------
    always : patterns of names, with *, of the instances that are in whatever their features.
    pool : patterns of the others.
    size : instances at most.
    per_family : instances of one family at most.
    least_distance : to the nearest chosen one, summed over the coordinates of 0 .. `SCALE` each.
    """

    always: tuple[str, ...]
    pool: tuple[str, ...]
    size: int
    per_family: int
    least_distance: int


def parse_rule(text: str, file: str) -> Rule:
    """Read a rule from TOML text.

    Raises
    ------
    InputError
        Entries that are missing, unknown or of another type.
    """
    try:
        given: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"must be TOML: {error}", file) from None
    wanted = {"always": list, "pool": list, "size": int, "per_family": int, "least_distance": int}
    if set(given) != set(wanted) or any(type(given[key]) is not kind for key, kind in wanted.items()):
        raise InputError("must hold always and pool (lists of patterns), size, per_family and least_distance", file)
    always, pool = (tuple(map(str, given[key])) for key in ("always", "pool"))
    return Rule(always, pool, given["size"], given["per_family"], given["least_distance"])


def coordinates(known: Features) -> tuple[Fraction, ...]:
    """An instance's place in the feature space, in the order of `COORDINATES`; a ratio of unknown LP bounds is 0."""
    bounds = known.lp_linked, known.lp_strengthened
    ratio = Fraction(bounds[0], bounds[1]) if bounds[0] is not None and bounds[1] else Fraction(0)
    offers = max(1, known.offers)
    return (
        *(Fraction(getattr(known, name)) for name in _RATIOS),
        Fraction(known.offers),
        Fraction(known.regions),
        Fraction(known.components, offers),
        Fraction(known.live_offers, offers),
        ratio,
    )


def chosen(
    pool: Mapping[str, Features], families: Mapping[str, str], rule: Rule, always: Iterable[str] = ()
) -> list[str]:
    """Names of the set in the order in which they were chosen.

    Parameters
    ----------
    pool : features by name, of all instances in question.
    always : names of those that are in.
    families : family by name.
    """
    names = sorted(pool)
    if not names:
        return []
    place = np.column_stack(
        [_ranks(column) for column in zip(*(coordinates(pool[name]) for name in names), strict=True)]
    )
    distance = np.abs(place[:, np.newaxis, :] - place[np.newaxis, :, :]).sum(axis=2)
    picked = sorted(names.index(name) for name in always) or [int(np.argmin(distance.sum(axis=1)))]
    counts = Counter(families[names[i]] for i in picked)
    nearest = distance[picked].min(axis=0)
    while len(picked) < rule.size:
        full = np.array([counts[families[name]] >= rule.per_family for name in names])
        left = np.where(full, -1, nearest)
        left[picked] = -1
        best = int(np.argmax(left))
        if left[best] < max(0, rule.least_distance):
            break
        picked.append(best)
        counts[families[names[best]]] += 1
        nearest = np.minimum(nearest, distance[best])
    return [names[i] for i in picked]


def _ranks(values: Sequence[Fraction]) -> IntArray:
    """Ranks scaled to 0 .. `SCALE`; equal values share the middle of theirs."""
    order = sorted(values)
    first = {value: order.index(value) for value in set(values)}
    count = Counter(values)
    most = max(1, len(values) - 1)
    return np.array([(2 * first[value] + count[value] - 1) * SCALE // (2 * most) for value in values], dtype=np.int64)
