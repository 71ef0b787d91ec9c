"""Write semi-synthetic Swiss instances, and the tables about them.

    python -m splgbench.sources.switzerland basel-2022 -o basel
    python -m splgbench.sources.switzerland switzerland-2022/canton/ZH -o zurich
    python -m splgbench.sources.switzerland --errors docs/switzerland-2022-errors.csv
    python -m splgbench.sources.switzerland --hashes instances/switzerland-2022-hashes.csv

What is real, derived, imputed and assumed: `docs/switzerland-2022.md`. Every assumption is an option.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from splgbench.errors import SplgbenchError
from splgbench.files import write_text, written_whole
from splgbench.package import package_files
from splgbench.sources.switzerland_errors import error_table
from splgbench.sources.switzerland_instances import derive, instance_names
from splgbench.sources.switzerland_offers import DEFAULT_ASSUMPTIONS, YEAR, Assumptions, Offers


def hash_table(offers: Offers) -> str:
    """CSV text of every instance's content hash and the SHA-256 of its package files, one after the other by name."""
    lines = ["name,instance_hash,package_sha256\n"]
    for name in instance_names(offers.files.institutions, offers.year):
        instance = derive(offers, name)
        package = b"".join(data for _, data in sorted(package_files(instance).items()))
        lines.append(f"{name},{instance.instance_hash},{hashlib.sha256(package).hexdigest()}\n")
    return "".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a package or the table of errors; the exit code is that of the error, if any."""
    parser = argparse.ArgumentParser(
        prog="python -m splgbench.sources.switzerland", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("name", nargs="?", help="basel-YEAR, switzerland-YEAR or switzerland-YEAR/canton/CC")
    parser.add_argument("-o", "--output", type=Path, help="folder to write")
    parser.add_argument("--errors", type=Path, metavar="FILE", help="write what the imputation implies, as CSV")
    parser.add_argument("--hashes", type=Path, metavar="FILE", help="write the hashes of all instances, as CSV")
    parser.add_argument("--raw", type=Path, help="folder of key figures in the format of the shipped ones")
    parser.add_argument("--year", type=int, default=YEAR, help="of the key figures (%(default)s)")
    for field, value in asdict(DEFAULT_ASSUMPTIONS).items():
        parser.add_argument(f"--{field.replace('_', '-')}", type=int, default=value, help="assumption (%(default)s)")
    options = parser.parse_args(arguments)
    tables = {error_table: options.errors, hash_table: options.hashes}
    if (options.name is None) != (options.output is None) or not any((options.name, *tables.values())):
        parser.error("give a name with -o, or --errors, or --hashes")
    try:
        assumptions = Assumptions(**{field: getattr(options, field) for field in asdict(DEFAULT_ASSUMPTIONS)})
        offers = Offers(options.year, assumptions, options.raw)
        for table, file in tables.items():
            if file is not None:
                write_text(file, table(offers))
                sys.stdout.write(f"{file}\n")
        if options.name is not None:
            instance = derive(offers, options.name)
            with written_whole(options.output) as draft:
                draft.mkdir()
                for file, data in package_files(instance).items():
                    (draft / file).write_bytes(data)
            sys.stdout.write(f"{options.output}: {instance!r}\n{instance.instance_hash}\n")
    except SplgbenchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
