"""The code of documentation pages, as tests run it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(?P<kind>\S[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT_CODE = re.compile(r"#\s*exit code (\d+)\s*$")


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced blocks of a page that begin with `kind`."""
    return [match["code"] for match in _FENCE.finditer(page.read_text("utf-8")) if match["kind"].startswith(kind)]


def run_shell(code: str, folder: Path) -> str:
    """Run the lines of a shell block in a folder; every `splgbench` is the one under test.

    A line ends with exit code 0, or with the one that its comment names.
    """
    printed = ""
    for line in code.strip().splitlines():
        expected = int(found[1]) if (found := _EXIT_CODE.search(line)) else 0
        command = line.partition("#")[0].replace("$DOCS", str(DOCS)).split()
        if command[0] == "splgbench":
            command[:1] = [sys.executable, "-m", "splgbench"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == expected, (line, done.stdout, done.stderr)
        printed += done.stdout
    return printed
