"""The state of a solve in a file, so that it can be interrupted and taken up again.

The file is a compressed NumPy archive (.npz, no pickled objects; its checksums tell damage) with

| array | shape | meaning |
| --- | --- | --- |
| `format` | () | `splgbench-state-1` |
| `method` | () | the decomposition that wrote it, without its options |
| `instance_hash` | () | the instance it belongs to |
| `best` | (0) or (1) | value of the best allocation, if any |
| `mandates` | (K) | its mandates |

and arrays of the method's own: multipliers, prices, columns, open nodes. The best allocation is computed anew from its
mandates, and every method but `branch_and_price` proves its bound anew from the multipliers: no bound is read.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splgbench.errors import InputError, OutputError
from splgbench.files import written_whole

FORMAT = "splgbench-state-1"
ZIP = b"PK"
"""How NumPy's archives begin."""
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Shape:
    """What an array must be.

    Parameters
    ----------
    kind : "f" for finite floating-point, "i" for whole numbers, "b" for truth values.
    sizes : of each dimension; a name stands for any size, the same wherever it is used.
    """

    kind: str
    sizes: tuple[int | str, ...]


class StateFile:
    """A state file of one method and one instance.

    Parameters
    ----------
    path : of the file; its folder must exist.
    method : the decomposition's name without options.
    instance_hash, n_offers : of the instance.

    Raises
    ------
    OutputError
        There is no such folder.
    """

    def __init__(self, path: Path, method: str, instance_hash: str, n_offers: int) -> None:
        if not path.parent.is_dir():
            raise OutputError(f"cannot write {path}: there is no folder {path.parent}")
        self.path = path
        self.about = {"format": FORMAT, "method": method, "instance_hash": instance_hash}
        self.n_offers = n_offers

    def write(self, best: int | None, mandates: NDArray[np.bool_] | None, own: Arrays) -> None:
        """Write the file whole or not at all.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        arrays: dict[str, Any] = {name: np.array(text) for name, text in self.about.items()}
        arrays["best"] = np.array([] if best is None else [best], dtype=np.int64)
        arrays["mandates"] = np.zeros(self.n_offers, dtype=np.bool_) if mandates is None else mandates
        with written_whole(self.path) as draft, draft.open("wb") as stream:
            np.savez_compressed(stream, **{**arrays, **own})

    def read(self, shapes: Mapping[str, Shape]) -> dict[str, NDArray[Any]] | None:
        """The arrays named in `shapes`, and `best` and `mandates`; None where there is no file.

        Raises
        ------
        InputError
            The file cannot be read, is damaged, or belongs to another instance or method.
        """
        if not self.path.exists():
            return None
        try:
            contents = self.path.read_bytes()
            if not contents.startswith(ZIP):
                # NumPy would take it for something to be unpickled, and recommend that.
                raise zipfile.BadZipFile("it is no archive of NumPy's")
            with io.BytesIO(contents) as stream, np.load(stream, allow_pickle=False) as archive:
                arrays: dict[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"cannot be read as a state: {error}", str(self.path)) from None
        shapes = {"best": Shape("i", ("allocations",)), "mandates": Shape("b", (self.n_offers,)), **shapes}
        said = {name: str(arrays.get(name, "")) for name in self.about}
        if said["format"] != FORMAT:
            raise InputError(f"must be a state of the format {FORMAT}", str(self.path))
        for name, sentence in (("instance_hash", "another instance"), ("method", f"another method, {said['method']}")):
            if said[name] != self.about[name]:
                raise InputError(f"belongs to {sentence}", str(self.path))
        fault = _fault(arrays, shapes)
        if fault:
            raise self.damaged(fault)
        return {name: arrays[name] for name in shapes}

    def damaged(self, fault: str) -> InputError:
        """The error that says what is wrong with the file's arrays."""
        return InputError(f"is damaged: {fault}", str(self.path))


def _fault(arrays: Arrays, shapes: Mapping[str, Shape]) -> str:
    """What is wrong with the arrays, or ""."""
    sizes: dict[str, int] = {}
    for name, wanted in shapes.items():
        if name not in arrays:
            return f"{name} is missing"
        array = arrays[name]
        fits = array.ndim == len(wanted.sizes) and array.dtype.kind == wanted.kind
        for size, told in zip(array.shape, wanted.sizes, strict=False):
            fits = fits and size == (sizes.setdefault(told, size) if isinstance(told, str) else told)
        if not fits:
            return f"{name} has the shape {array.shape} and the type {array.dtype}"
        if wanted.kind == "f" and not np.isfinite(array).all():
            return f"{name} has a number that is not finite"
    return ""
