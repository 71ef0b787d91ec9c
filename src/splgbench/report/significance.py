"""Is one method faster than another, or did it draw the better lots?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

_EXACT = 12
"""Up to this many pairs, every assignment of signs is tried."""


def log_ratios(first: Sequence[float], second: Sequence[float], shift: float) -> list[float]:
    """log((a + s) / (b + s)) of paired times; runs that both stop at the limit give 0."""
    return [math.log((a + shift) / (b + shift)) for a, b in zip(first, second, strict=True)]


def signed_rank(differences: Sequence[float]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test, equal pairs ranked along (Pratt 1959).

    Source: Wilcoxon (1945). Exact for up to twelve pairs, the normal approximation with continuity correction beyond.
    """
    if not any(differences) or len(differences) == 1:
        return 1.0
    if len(differences) <= _EXACT:
        method = stats.PermutationMethod(n_resamples=2**_EXACT)
        return float(stats.wilcoxon(differences, zero_method="pratt", method=method).pvalue)
    return float(stats.wilcoxon(differences, zero_method="pratt", correction=True, method="asymptotic").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for being several (Holm 1979): step down, never smaller than the one before."""
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = least
    return adjusted
