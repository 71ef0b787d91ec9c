"""Model files with readable names: MPS and LP that any solver reads back, and solutions of them."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from splgbench.backends.base import Backend, Task
from splgbench.checker import check
from splgbench.errors import InputError, OutputError, UnsupportedError
from splgbench.files import write_text, written_whole
from splgbench.instance import Instance, IntArray
from splgbench.limits import Limits
from splgbench.model import Block, FloatArray, MipModel
from splgbench.trace import Recorder
from splgbench.volumes import pairs

SUFFIXES = (".mps", ".lp")


def write_model(instance: Instance, model: MipModel, backend: Backend, path: Path) -> None:
    """Write a model whole or not at all.

    Parameters
    ----------
    backend : whose writer is used.
    path : a name in .mps (free format) or .lp.

    Raises
    ------
    InputError
        Another suffix.
    OutputError
        The file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"must end in {' or '.join(SUFFIXES)}", str(path))
    columns, rows = names(instance, model.column_blocks), names(instance, model.row_blocks)
    # Solvers choose the format by suffix and some take no long names: hand them a plain short one.
    with written_whole(path) as draft, tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / f"model{path.suffix}"
        backend.write(model, plain, columns, rows)
        if not plain.is_file():
            raise OutputError(f"cannot write {path}: {backend.name} wrote nothing")
        draft.write_bytes(plain.read_bytes())


def write_solution(instance: Instance, model: MipModel, volumes: IntArray, backend: Backend, path: Path) -> None:
    """Write an allocation as a solution of a model, in the format of MIPLIB, which HiGHS and SCIP read.

    A line ``=obj= VALUE``, then a line ``COLUMN VALUE`` for every column that is not 0. Columns that volumes and
    mandates do not decide, such as those that a transformation adds, take the values that the backend finds for them.

    Parameters
    ----------
    volumes : shape (K,), cases; an allocation that the exact checker accepts.

    Raises
    ------
    InputError
        Another suffix than .sol.
    UnsupportedError
        The model has no column for a volume, or the backend finds no values for further columns.
    OutputError
        The file cannot be written.
    """
    if path.suffix != ".sol":
        raise InputError("must end in .sol", str(path))
    if (volumes[model.volume_column < 0] > 0).any():
        raise UnsupportedError("the model has no column for an offer that the allocation uses")
    column_names = names(instance, model.column_blocks)
    rows = [(name, float(value)) for name, value in zip(column_names, _values(model, volumes, backend), strict=True)]
    lines = [
        f"=obj= {check(instance, volumes).objective}",
        *(f"{name} {_text(value)}" for name, value in rows if value),
    ]
    write_text(path, "\n".join(lines) + "\n")


def _values(model: MipModel, volumes: IntArray, backend: Backend) -> FloatArray:
    """All columns' values, shape (n,): volumes and mandates as given, the rest by the backend."""
    columns, given = model.start_values(volumes)
    fixed = np.zeros(model.n_columns, dtype=bool)
    values = np.zeros(model.n_columns)
    fixed[columns], values[columns] = True, given
    if fixed.all():
        return values
    rest = replace(
        model,
        lower=np.where(fixed, values, model.lower),
        upper=np.where(fixed, values, model.upper),
        semicontinuous=model.semicontinuous & ~fixed,
    )
    solution = backend.solve(rest, Task(Limits(), Recorder(backend.name)))
    if solution.values is None:
        further = [block.family for block in model.column_blocks if not fixed[block.start : block.stop].all()]
        raise UnsupportedError(
            f"{backend.name} finds no values for the columns {', '.join(further)}: {solution.status.value}"
        )
    return np.where(fixed, values, solution.values)


def _text(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def names(instance: Instance, blocks: tuple[Block, ...]) -> list[str]:
    """Names such as ``x_H01_G005`` and ``demand_G005``, unique, in letters every format takes."""
    key_names = {
        "offer": [f"{h}_{g}" for h, g in map(instance.offer_name, range(instance.n_offers))],
        "cell": [
            "_".join(filter(None, (instance.regions[r] if instance.regions else "", instance.groups[g])))
            for r, g in zip(instance.cell_region.tolist(), instance.cell_group.tolist(), strict=True)
        ],
    }
    pair = pairs(instance)
    key_names["pair"] = [
        f"{instance.hospitals[h]}_{instance.areas[a]}"
        for h, a in zip(pair.hospital.tolist(), pair.area.tolist(), strict=True)
    ]
    found: list[str] = []
    for block in blocks:
        for position in range(block.stop - block.start):
            tail = str(position) if block.keys is None else key_names[block.of][int(block.keys[position])]
            found.append(re.sub(r"[^A-Za-z0-9_.]", "_", f"{block.family}_{tail}"))
    return _unique(found)


def _unique(found: list[str]) -> list[str]:
    """Later namesakes get a number."""
    seen: dict[str, int] = {}
    taken = set(found)
    unique = []
    for name in found:
        count = seen.get(name, 0)
        seen[name] = count + 1
        candidate = name
        while count and candidate in taken:
            candidate = f"{name}.{count}"
            count += 1
        taken.add(candidate)
        unique.append(candidate)
    return unique
