"""``splgbench app`` before it serves: what it refuses, in one sentence."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from splgbench.cli import main


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "plotly"])
def test_without_the_extra(package: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is missing is named with the extra that brings it; exit code 3."""
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [_Missing(package), *sys.meta_path])
    assert main(["app"]) == 3
    assert capsys.readouterr().err == f"splgbench: {package} is not installed: pip install 'splgbench[app]'\n"


class _Missing:
    """A finder for which a package is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_what_cannot_be_served(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No such instance, a port that is none or taken, an upload limit of nothing: a sentence and exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for words, told in (
            ([str(tmp_path / "nope")], "no such file or folder"),
            (["nope"], "no such folder, zip or library instance"),
            (["easy", "--port", "70000"], "--port: must be between 0 and 65535"),
            (["easy", "--upload-limit", "0"], "--upload-limit: must be at least 1 MB"),
            (["easy", "--port", str(port)], f"127.0.0.1:{port}: cannot be listened on: Address already in use"),
            (["easy", "--host", "not an address"], "cannot be listened on"),
        ):
            assert main(["app", *words]) == 2, words
            assert told in capsys.readouterr().err
