"""Is one method faster than another, or did it draw the better lots?"""

from __future__ import annotations

import math
from collections.abc import Sequence

_EXACT = 50
"""Up to this many pairs, every assignment of signs is counted."""


def log_ratios(first: Sequence[float], second: Sequence[float], shift: float) -> list[float]:
    """log((a + s) / (b + s)) of paired times; runs that both stop at the limit give 0."""
    return [math.log((a + shift) / (b + shift)) for a, b in zip(first, second, strict=True)]


def signed_rank(differences: Sequence[float]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test, equal pairs ranked along (Pratt 1959).

    Source: Wilcoxon (1945). Exact for up to fifty pairs, the normal approximation with continuity correction beyond.
    """
    if not any(differences):
        return 1.0
    from scipy import stats

    if len(differences) > _EXACT:
        return float(stats.wilcoxon(differences, zero_method="pratt", correction=True, method="asymptotic").pvalue)
    ranks = stats.rankdata([abs(difference) for difference in differences])
    doubled = [
        (round(2 * rank), difference > 0) for rank, difference in zip(ranks, differences, strict=True) if difference
    ]
    return _exact([rank for rank, _ in doubled], sum(rank for rank, positive in doubled if positive))


def _exact(ranks: Sequence[int], seen: int) -> float:
    """The share of the assignments of signs whose sum of positive ranks is as far from the middle as `seen`."""
    ways = [1] + [0] * sum(ranks)
    for rank in ranks:
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    far = abs(2 * seen - sum(ranks))
    return sum(count for total, count in enumerate(ways) if abs(2 * total - sum(ranks)) >= far) / sum(ways)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for being several (Holm 1979): step down, never smaller than the one before."""
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = least
    return adjusted
