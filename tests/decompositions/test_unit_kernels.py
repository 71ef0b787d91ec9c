"""Listing the sets of mandates of a hospital-area."""

from __future__ import annotations

import numpy as np

from splgbench.decomposition.block_pricing.units import list_subsets

NONE = np.zeros(0, dtype=np.int64)


def test_few_sets_of_very_many_are_given_up() -> None:
    """A ring of 60 links leaves two sets, but 2^60 fit the room: the unit counts as one with too many."""
    n, limit = 60, 5
    owner = np.arange(n, dtype=np.int64)
    members = np.array([1 << (i + 1) % n for i in range(n)], dtype=np.int64)
    assert list_subsets(np.ones(n, dtype=np.int64), n, owner, members, limit, NONE, NONE) == limit + 1


def test_a_short_ring_is_listed() -> None:
    """All or nothing."""
    owner, members = np.arange(3, dtype=np.int64), np.array([2, 4, 1], dtype=np.int64)
    masks, left = np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64)
    assert list_subsets(np.full(3, 2, dtype=np.int64), 7, owner, members, 5, masks, left) == 2
    assert masks[:2].tolist() == [7, 0]
    assert left[:2].tolist() == [1, 7]
