"""Measures against values worked out by hand and against a second computation."""

from __future__ import annotations

import itertools
import math
import random
from statistics import fmean, geometric_mean, quantiles

import pytest
from scipy import stats

from splgbench.report.integrals import gap_steps, integral, levels_at, primal_gap, primal_steps
from splgbench.report.measures import (
    capped_gap,
    geometric_interval,
    penalised_average,
    quantile,
    shifted_geometric_mean,
    t_interval,
)
from splgbench.report.profiles import contributions, profile, ratios, virtual_best
from splgbench.report.significance import holm, log_ratios, signed_rank


def test_shifted_geometric_mean_by_hand() -> None:
    """(0 + 1)(3 + 1) = 4 has the root 2, less the shift 1; equal values are their own mean."""
    assert shifted_geometric_mean([0, 3], 1) == pytest.approx(1.0)
    assert shifted_geometric_mean([7, 7, 7], 10) == pytest.approx(7.0)


def test_shifted_geometric_mean_again() -> None:
    """The standard library's geometric mean of the shifted values says the same."""
    draw = random.Random(1)
    for shift in (1.0, 10.0):
        values = [draw.uniform(0, 100) for _ in range(40)]
        assert shifted_geometric_mean(values, shift) == pytest.approx(geometric_mean(v + shift for v in values) - shift)


def test_par_10_by_hand() -> None:
    """Times 2 and 4 and a time-out at 60 count (2 + 4 + 600) / 3."""
    assert penalised_average([2, 4, 60], [True, True, False], [60, 60, 60]) == pytest.approx(202.0)


def test_gaps_are_capped_and_unknown_ones_count_whole() -> None:
    """METHOD: averages cap a gap at 100 % and count an unknown one as 100 %."""
    assert [capped_gap(gap) for gap in (None, 0.0, 0.25, 7.0)] == [1.0, 0.0, 0.25, 1.0]


def test_t_interval_by_hand() -> None:
    """Of 1, 2, 3: mean 2, s = 1, t(0.975, 2) = 4.3027, half width 4.3027 / sqrt 3. Two values have none."""
    low, high = t_interval([1, 2, 3]) or (0, 0)
    assert (low, high) == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)))
    assert t_interval([1, 2]) is None


def test_geometric_interval_holds_the_mean() -> None:
    """The interval of seeds' means is around their own shifted geometric mean, and of equal seeds a point."""
    low, high = geometric_interval([4.0, 5.0, 7.0], 1.0) or (0, 0)
    assert low < shifted_geometric_mean([4.0, 5.0, 7.0], 1.0) < high
    assert geometric_interval([3.0, 3.0, 3.0], 10.0) == pytest.approx((3.0, 3.0))


def test_quantiles_again() -> None:
    """The standard library's inclusive quartiles are the same."""
    values = [5.0, 1.0, 9.0, 4.0, 2.0, 8.0]
    assert [quantile(values, share) for share in (0.25, 0.5, 0.75)] == pytest.approx(
        quantiles(values, method="inclusive")
    )


def test_primal_gap_by_hand() -> None:
    """Berthold's cases: both 0, none, opposite signs, and the ratio to the larger."""
    cases = [(0, 0), (None, 5), (5, None), (-1, 5), (80, 100), (100, 80)]
    assert [primal_gap(*case) for case in cases] == [0.0, 1.0, 1.0, 1.0, 0.2, 0.2]


def test_primal_integral_by_hand() -> None:
    """No value for 2 s, half of the best for 3 s, the best from 5 s on: 2 + 1.5."""
    steps = primal_steps([(2.0, 50.0, None, ""), (5.0, 100.0, None, "")], 100, 8.0, 100)
    assert integral(steps, 10.0) == pytest.approx(3.5)


def test_what_lies_past_the_limit_is_cut() -> None:
    """A run that ends after its limit costs the limit at most."""
    assert integral(primal_steps([], 100, 12.0, None), 10.0) == pytest.approx(10.0)
    assert integral(gap_steps([(11.0, 1.0, 1.0, "")], 12.0, 0.0), 10.0) == pytest.approx(10.0)


def test_primal_dual_integral_again() -> None:
    """Against a sum over ten thousand small steps."""
    trace = [(0.5, None, 200.0, ""), (1.0, 50.0, 200.0, ""), (2.5, 80.0, 120.0, ""), (4.0, 100.0, 110.0, "")]
    steps = gap_steps(trace, 6.0, 0.05)

    def gap(moment: float) -> float:
        if moment >= 6.0:
            return 0.05
        seen = [event for event in trace if event[0] <= moment]
        if not seen or seen[-1][1] is None or seen[-1][2] is None:
            return 1.0
        return min(1.0, (seen[-1][2] - seen[-1][1]) / seen[-1][1])

    width = 10.0 / 10_000
    rough = sum(width * gap((i + 0.5) * width) for i in range(10_000))
    assert integral(steps, 10.0) == pytest.approx(rough, abs=1e-2)
    moments = (0.0, 0.5, 3.0, 3.5, 7.0)
    assert levels_at(steps, moments) == pytest.approx([gap(moment) for moment in moments])


TIMES = {"a": [1.0, 2.0, math.inf, math.inf], "b": [2.0, 1.0, 8.0, math.inf], "c": [4.0, 4.0, math.inf, math.inf]}


def test_profile_by_hand() -> None:
    """a is fastest once and within 2 twice; b within 2 on three of four; c only from 4 on."""
    found = ratios(TIMES)
    assert found["a"] == [1.0, 2.0, math.inf, math.inf]
    assert profile(found["a"]) == [(1.0, 0.25), (2.0, 0.5)]
    assert profile(found["b"]) == [(1.0, 0.5), (2.0, 0.75)]
    assert profile(found["c"]) == [(4.0, 0.5)]


def test_profile_again() -> None:
    """The share is what counting says, at every ratio."""
    draw = random.Random(3)
    values = [draw.choice([1.0, 1.5, 2.0, math.inf]) * draw.choice([1, 3]) for _ in range(30)]
    for tau, share in profile(values):
        assert share == pytest.approx(sum(value <= tau for value in values) / 30)


def test_virtual_best_and_contributions_by_hand() -> None:
    """b alone solves the third task; without it the virtual best counts 2 for 1 there and the limit 99 for 8."""
    assert virtual_best(TIMES) == [1.0, 1.0, 8.0, math.inf]
    found = contributions(TIMES, [99.0] * 4, 1.0)
    assert [(found[m].fastest, found[m].alone) for m in "abc"] == [(1, 0), (2, 1), (0, 0)]
    assert found["b"].loss == pytest.approx((3 / 2 * 100 / 9) ** 0.25 - 1)
    assert found["c"].loss == pytest.approx(0.0)


def test_signed_rank_again() -> None:
    """Every assignment of signs, counted: the share of rank sums at least as far from the middle."""
    differences = [0.5, -0.1, 0.9, 1.3, -0.2, 0.7, 1.1]
    ranks = [sorted(map(abs, differences)).index(abs(d)) + 1 for d in differences]
    middle = sum(ranks) / 2
    seen = abs(sum(r for r, d in zip(ranks, differences, strict=True) if d > 0) - middle)
    sums = [sum(r for r, s in zip(ranks, signs, strict=True) if s) for signs in itertools.product((0, 1), repeat=7)]
    assert signed_rank(differences) == pytest.approx(fmean(abs(total - middle) >= seen - 1e-9 for total in sums))


def test_signed_rank_and_scipy() -> None:
    """Without ties and zeros scipy's exact distribution says the same; with them its permutations do."""
    draw = random.Random(5)
    plain = [draw.gauss(0.3, 1) for _ in range(30)]
    assert signed_rank(plain) == pytest.approx(stats.wilcoxon(plain, method="exact").pvalue)
    tied = [0.0, 0.0, 1.0, 1.0, -1.0, 2.0, 3.0, 3.0]
    method = stats.PermutationMethod()
    assert signed_rank(tied) == pytest.approx(stats.wilcoxon(tied, zero_method="pratt", method=method).pvalue)


def test_signed_rank_of_nothing_and_of_much() -> None:
    """Equal times tell nothing; twenty times faster in twenty of twenty pairs, and it is no chance."""
    assert signed_rank([0.0, 0.0, 0.0]) == 1.0
    assert signed_rank([0.1 * i for i in range(1, 21)]) < 1e-4
    assert signed_rank([1.0, 2.0, 3.0]) == pytest.approx(0.25)


def test_time_outs_are_among_the_pairs() -> None:
    """Two time-outs are a pair of ratio 1, and it weakens the case of the pairs that differ."""
    differences = log_ratios([1, 1, 1, 1, 1, 1, 60], [2, 3, 4, 5, 6, 7, 60], 1)
    assert differences[-1] == 0
    assert len(differences) == 7
    assert differences[0] == pytest.approx(math.log(2 / 3))


def test_holm_by_hand() -> None:
    """0.01 x 3, 0.02 x 2, 0.5 x 1, in the order given, never smaller than the one before."""
    assert holm([0.5, 0.01, 0.02]) == pytest.approx([0.5, 0.03, 0.04])
    assert holm([0.02, 0.03]) == pytest.approx([0.04, 0.04])
