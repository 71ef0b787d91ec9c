"""The content hash of an instance, as the package format defines it.

SHA-256 over UTF-8 lines, each ended by LF: ``schema=1``, ``capacity_mode=...``, ``utility_scale=...``, then
for every table that has rows its name and its rows: the hashed columns of `TABLES` in their order, defaults
filled in (0 for numbers, ``inhouse``, empty text), the region column only where the package has regions,
joined by commas as in CSV (RFC 4180 quoting), rows sorted as text. Rows of `demand` and `area_capacity` are
those the package states; defaults are not written out. Where there are extensions, a line ``extension NAME`` and the
entry in canonical form as JSON (keys sorted, no blanks) follow for each, by name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from splgbench.instance import Instance
from splgbench.tables import SCHEMA_VERSION, TABLES


def instance_hash(instance: Instance) -> str:
    """SHA-256 of the content, in hex."""
    digest = hashlib.sha256()
    for line in canonical_lines(instance):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def canonical_lines(instance: Instance) -> Iterator[str]:
    """The lines the hash is taken of, without their line ends."""
    yield f"schema={SCHEMA_VERSION}"
    yield f"capacity_mode={instance.capacity_mode}"
    yield f"utility_scale={instance.utility_scale}"
    tables = instance.to_tables()
    for spec in TABLES:
        columns = tables.get(spec.name, {})
        hashed = [columns[c.name] for c in spec.columns if c.hashed and c.name in columns]
        if not hashed or not hashed[0]:
            continue
        yield spec.name
        yield from sorted(csv_line(row) for row in zip(*hashed, strict=True))
    for name, extension in sorted(instance.extensions.items()):
        yield f"extension {name}"
        yield json.dumps(extension.entry(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def csv_line(cells: Iterable[Any]) -> str:
    """One CSV row without its line end; a cell is quoted where it holds a comma, a quote or a line break.

    None stands for a number that is not there and is written as its default 0.
    """
    return ",".join("0" if cell is None else _quoted(str(cell)) for cell in cells)


def _quoted(text: str) -> str:
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
