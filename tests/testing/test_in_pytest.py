"""One line in anybody's test suite runs the battery on their method."""

from __future__ import annotations

import pytest
from wrong_methods import CORRECT, FORGETFUL

from splgbench.testing import RELATIONS

pytest_plugins = ["pytester"]

SUITE = """
from splgbench.testing import conformance_tests
test_mine = conformance_tests("mine.py@highs", relations={relations})
"""


def test_a_right_method_passes(pytester: pytest.Pytester) -> None:
    """A test a relation."""
    pytester.makepyfile(mine=CORRECT, test_it=SUITE.format(relations=None))
    outcome = pytester.runpytest_subprocess("--splgbench-examples=1", "-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=len(RELATIONS))


def test_a_wrong_method_fails_with_its_instance(pytester: pytest.Pytester) -> None:
    """The failure shows what contradicts what, the seed and the tables."""
    pytester.makepyfile(
        mine=FORGETFUL.replace("forgetful =", "mine ="), test_it=SUITE.format(relations=["oracle", "same seed"])
    )
    options = ("--splgbench-examples=200", "--splgbench-seed=3", "-p", "no:cacheprovider")
    outcome = pytester.runpytest_subprocess(*options)
    outcome.assert_outcomes(passed=1, failed=1)
    outcome.stdout.fnmatch_lines(["*mandates are not feasible: link*", "*seed 3, capacity mode*", "hospitals: *"])
