"""Distances in whole metres against the formulas of floating point."""

from __future__ import annotations

import random
from math import asin, cos, radians, sin, sqrt

import pytest

from splgbench.sources.distance import Place, cosines, distance


def haversine(one: Place, other: Place) -> float:
    lat1, lon1, lat2, lon2 = (radians(angle / 1e6) for angle in (*one, *other))
    square = sin((lat1 - lat2) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon1 - lon2) / 2) ** 2
    return 2 * 6_371_009 * asin(sqrt(square))


def test_the_cosine_table() -> None:
    assert max(abs(value / 1e9 - cos(radians(i / 10))) for i, value in enumerate(cosines())) < 6e-10


def test_distances_within_a_state_are_right_to_a_quarter_per_cent() -> None:
    draw = random.Random(20)
    for _ in range(2000):
        one = Place(draw.randint(18_000_000, 71_000_000), draw.randint(-170_000_000, -60_000_000))
        other = Place(
            one.latitude + draw.randint(-4_000_000, 4_000_000), one.longitude + draw.randint(-6_000_000, 6_000_000)
        )
        assert distance(one, other) == distance(other, one)
        assert distance(one, other) == pytest.approx(haversine(one, other), rel=0.0026, abs=10)


def test_the_antimeridian_is_no_wall() -> None:
    west, east = Place(51_800_000, 179_500_000), Place(51_800_000, -179_500_000)
    assert distance(west, east) == pytest.approx(haversine(west, east), rel=0.002)
    assert distance(west, west) == 0
