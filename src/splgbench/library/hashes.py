"""Committed hashes of derived instances, which a test holds every derivation against.

    python -m splgbench.library.hashes [NAME ...] -o instances/derived_hashes.csv

writes them; without names, those that the file has.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from splgbench.errors import SplgbenchError
from splgbench.files import parse_csv, write_text
from splgbench.instance import Instance
from splgbench.library.names import derive
from splgbench.package import package_files

HASHES_FILE = "derived_hashes.csv"
FAMILIES_FILE = "families/hashes.csv"
"""Of every member of the synthetic families (`splgbench instances hashes`)."""
_COLUMNS = ("instance", "instance_hash", "package_sha256")


@dataclass(frozen=True)
class DerivedHash:
    """What a derivation gave: the hash of the content and that of the package's files."""

    instance: str
    instance_hash: str
    package_sha256: str


def package_sha256(instance: Instance) -> str:
    """SHA-256, in hex, of the lines `NAME SHA256` of the files of the instance's CSV package, sorted by name."""
    digest = hashlib.sha256()
    for name, data in sorted(package_files(instance).items()):
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
    return digest.hexdigest()


def committed_hashes(file: str = HASHES_FILE) -> list[DerivedHash]:
    """The hashes as they stand in a file of the library."""
    text = (resources.files("splgbench.instances") / file).read_text("utf-8")
    table = parse_csv("hashes", file, text)
    rows = zip(*(table.columns[column] for column in _COLUMNS), strict=True)
    return [DerivedHash(*row) for row in rows]


def computed_hash(name: str) -> DerivedHash:
    """The hashes of what a derivation gives now."""
    instance = derive(name)
    return DerivedHash(name, instance.instance_hash, package_sha256(instance))


def write_hashes(path: Path, names: Iterable[str]) -> None:
    """Derive instances and write their hashes."""
    write_text(path, hashes_text(map(computed_hash, names)))


def hashes_text(rows: Iterable[DerivedHash]) -> str:
    """The text of a file of hashes."""
    lines = [",".join(_COLUMNS), *(f"{row.instance},{row.instance_hash},{row.package_sha256}" for row in rows)]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file of hashes; the exit code is that of the error, if any."""
    parser = argparse.ArgumentParser(prog="python -m splgbench.library.hashes", description="Hash derived instances.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="instances (default: those that the file has)")
    parser.add_argument("-o", "--output", type=Path, required=True, help=f"for instance instances/{HASHES_FILE}")
    options = parser.parse_args(arguments)
    try:
        write_hashes(options.output, options.names or [row.instance for row in committed_hashes()])
    except SplgbenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
