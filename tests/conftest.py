"""Tests leave the user's cache of derived instances alone; the workers of one run share a folder.

Modules whose tests or fixtures take longest come first. Workers take tests from the end of each other's queues: short
ones are left for the end, and a module with a dear fixture stays on one worker.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from splgbench.library.cache import VARIABLE

FIRST = (
    "testing/test_battery.py",
    "docs/test_first_formulation.py",
    "app/test_app_in_browser.py",
    "docs/test_examples.py",
    "docs/test_site.py",
    "testing/test_conform.py",
    "campaign/test_kills.py",
    "campaign/test_hostile.py",
    "report/test_browser.py",
    "sources/test_cms_nation.py",
)
"""Modules, those with the longest tests and fixtures first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest modules first, the others as they come."""
    root = Path(__file__).parent
    places = {root / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp()
    os.environ[VARIABLE] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "instances")
