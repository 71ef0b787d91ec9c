"""pytest plugin: the battery on your method, in one line of your test suite.

    from splgbench.testing import conformance_tests
    test_mine = conformance_tests("mine.py@highs")

`--splgbench-examples` and `--splgbench-seed` set how many instances a relation gets, and which.
"""

from __future__ import annotations

import pytest

DEFAULT_EXAMPLES = 50


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the battery."""
    group = parser.getgroup("splgbench")
    group.addoption(
        "--splgbench-examples",
        type=int,
        metavar="N",
        default=DEFAULT_EXAMPLES,
        help=f"instances a relation of the conformance battery (default {DEFAULT_EXAMPLES})",
    )
    group.addoption(
        "--splgbench-seed", type=int, metavar="N", default=0, help="seed of the battery's draws (default 0)"
    )
