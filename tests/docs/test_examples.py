"""Examples of the documentation run."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks_for_tests import DOCS, ROOT, blocks, run_shell


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", DOCS / "python.md", DOCS / "extensions.md", DOCS / "value.md"],
    ids=lambda page: page.name,
)
def test_python_blocks_run_in_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of a page runs as one program."""
    monkeypatch.chdir(tmp_path)
    found = blocks(page, "python")
    assert found
    names: dict[str, object] = {"__name__": "page"}
    for number, code in enumerate(found):
        exec(compile(code, f"{page.name}, block {number + 1}", "exec"), names)


@pytest.mark.parametrize("page", sorted((DOCS / "tutorials").glob("*.md")), ids=lambda page: page.stem)
def test_tutorials_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells of a tutorial run in order."""
    monkeypatch.chdir(tmp_path)
    cells = blocks(page, "{code-cell}")
    assert cells
    names: dict[str, object] = {"__name__": "page"}
    for number, code in enumerate(cells):
        exec(compile(code, f"{page.name}, cell {number + 1}", "exec"), names)


def test_first_commands(tmp_path: Path) -> None:
    """What the page for the first five minutes types works."""
    printed = [run_shell(block, tmp_path) for block in blocks(DOCS / "start.md", "sh")]
    assert "all bounds interlock" in printed[-1]
