"""The documentation site builds without a warning."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from blocks_for_tests import ROOT


def test_site_builds(tmp_path: Path) -> None:
    """Every page is in the contents, every link and docstring resolves; notebooks are not run here."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-c", str(ROOT / "docs")]
    options = ["-D", "nb_execution_mode=off", "-d", str(tmp_path / "doctrees")]
    done = subprocess.run(
        [*command, *options, str(ROOT), str(tmp_path / "site")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site/docs/first-formulation.html").is_file()
    assert "splgbench.testing" in (tmp_path / "site/docs/api.html").read_text("utf-8")
