"""The newcomer's path: every block of the page runs, and what the page says it prints is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from blocks_for_tests import DOCS, blocks, run_shell

PAGE = DOCS / "first-formulation.md"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder after the walk, and what each block printed."""
    folder = tmp_path_factory.mktemp("first")
    return folder, [run_shell(block, folder) for block in blocks(PAGE, "sh")]


def test_refuted_then_conforming(walked: tuple[Path, list[str]]) -> None:
    """The first version is refuted on two hospitals and one group, the mended one conforms."""
    _, (refuted, conforming, *_) = walked
    assert "feeding.py@highs is REFUTED" in refuted
    assert "smallest instance: 2 hospitals, 1 groups" in refuted
    assert "feeding.py@highs conforms: 192 examples of 24 relations" in conforming


def test_bounds_are_those_printed(walked: tuple[Path, list[str]]) -> None:
    """The LP bounds on the page are those that the command prints."""
    relaxed = walked[1][2]
    said = re.findall(r"^ {4}(\S+@highs) +([\d,.]+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(said) == 3
    for name, bound in said:
        assert re.search(rf"{re.escape(name)} +{re.escape(bound)} ", relaxed), (name, bound, relaxed)


def test_it_is_ranked(walked: tuple[Path, list[str]]) -> None:
    """The report ranks the new formulation and draws it in the lattice."""
    folder, _ = walked
    assert "feeding.py@highs" in (folder / "mine-report/tables/leaderboard.csv").read_text("utf-8")
    assert "feeding.py" in (folder / "mine-report/index.html").read_text("utf-8")
