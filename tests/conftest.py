"""Tests leave the user's cache of derived instances alone; the workers of one run share a folder."""

from __future__ import annotations

import os

import pytest

from splgbench.library.cache import VARIABLE


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp()
    os.environ[VARIABLE] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "instances")
