"""Environments of their own for the peers, one each, with pinned versions: nothing of them enters splgbench's own.

    python benchmarks/peers/install.py                                        # below build/peers/
    python benchmarks/peers/install.py --python descartes-mip=/opt/python3.12/bin/python3

A peer that cannot be installed is no error here: its folder keeps what was said, and the comparison shows it. Peers
are compared with, not shipped. Their licences: PyGCGOpt MIT, GCG 3.6 LGPL-3.0, PySCIPOpt MIT, SCIP Apache-2.0,
BendersLib Apache-2.0, descartes-mip MIT, highspy MIT.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "build" / "peers"
NAMES = tuple(sorted(path.stem for path in (HERE / "pins").glob("*.txt")))
STATE = "installed.json"
NEWER = ("python3.13", "python3.12")
"""Interpreters that are tried where a peer does not install on this Python."""


@dataclass(frozen=True)
class Environment:
    """One peer's environment.

    Parameters
    ----------
    python : its interpreter; "" where there is none.
    python_version : e.g. "3.12.1".
    error : why it could not be installed, on any interpreter or on those tried first; "" where nothing failed.
    """

    python: str
    python_version: str
    error: str


def installed(name: str, folder: Path = FOLDER) -> Environment:
    """The environment of a peer, or what is missing."""
    state = folder / name / STATE
    if not state.is_file():
        return Environment("", "", "not installed: run benchmarks/peers/install.py")
    return Environment(**json.loads(state.read_text()))


def install(name: str, folder: Path, interpreters: list[str]) -> Environment:
    """Make the environment with the first interpreter that takes the pinned versions."""
    errors = []
    for interpreter in interpreters:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        version = _said([interpreter, "-c", "import platform; print(platform.python_version(), end='')"])
        if version is None:
            continue
        venv = folder / name / "venv"
        inside, pins = str(venv / "bin" / "python"), str(HERE / "pins" / f"{name}.txt")
        error = _failed([interpreter, "-m", "venv", str(venv)]) or _failed(
            [inside, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-r", pins]
        )
        if not error:
            made = Environment(inside, version, "; ".join(errors))
            break
        errors.append(f"Python {version}: {error}")
    else:
        made = Environment("", "", "; ".join(errors) or "no interpreter runs")
    (folder / name / STATE).write_text(json.dumps(asdict(made), indent=1) + "\n")
    return made


def _said(command: list[str]) -> str | None:
    """What a command prints; None where it does not run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def _failed(command: list[str]) -> str:
    """The last line of a failed command's errors, "" where it worked."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        return ""
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip().startswith("ERROR")]
    return " ".join(lines) or f"exit code {ended.returncode}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="*", help=f"some of {', '.join(NAMES)}; all where none is named")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH", help="the interpreter a peer is to have"
    )
    arguments = parser.parse_args()
    wanted = dict(choice.split("=", 1) for choice in arguments.python)
    for unknown in (*(set(arguments.peers) - set(NAMES)), *(set(wanted) - set(NAMES))):
        parser.error(f"no peer {unknown}; there are {', '.join(NAMES)}")
    for name in arguments.peers or NAMES:
        interpreters = [wanted[name]] if name in wanted else [sys.executable, *NEWER]
        made = install(name, arguments.folder.resolve(), interpreters)
        print(name, f"on Python {made.python_version}" if made.python else "not installed", made.error, flush=True)


if __name__ == "__main__":
    main()
