"""The state of a tree in a file, so that a solve can be interrupted and taken up again.

The file is a compressed NumPy archive (.npz, no pickled objects; its checksums tell damage) with

| array | shape | meaning |
| --- | --- | --- |
| `format` | () | `splgbench-tree-1` |
| `instance_hash` | () | the instance it belongs to |
| `best` | (0) or (1) | value of the best allocation, if any |
| `mandates` | (K) | its mandates |
| `root` | (K) | what every better allocation holds (1) and lacks (-1) |
| `root_multipliers` | (n_rows) | the best multipliers of the root |
| `bounds` | (n) | bound of every open node, a Lagrangian value |
| `states` | (n, K) | its fixings: 1 holds, -1 lacks, 0 free |
| `multipliers_of`, `multipliers` | (n), (m, n_rows) | its multipliers, those shared by nodes once |

That no allocation better than the best one lies outside the open nodes is what the earlier run proved; the file carries
it, and who changes the file changes the proof. The best allocation is computed anew from its mandates.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splgbench.decomposition.loop import Loop
from splgbench.errors import InputError
from splgbench.files import written_whole
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray

FORMAT = "splgbench-tree-1"


class OpenNode(Protocol):
    """What is kept of a node."""

    bound: float
    state: NDArray[np.int8]
    multipliers: FloatArray


@dataclass(frozen=True)
class TreeState:
    """The arrays of the file, as the module describes them."""

    best: IntArray
    mandates: BoolArray
    root: NDArray[np.int8]
    root_multipliers: FloatArray
    bounds: FloatArray
    states: NDArray[np.int8]
    multipliers_of: IntArray
    multipliers: FloatArray

    @classmethod
    def of(
        cls, loop: Loop, root: NDArray[np.int8], root_multipliers: FloatArray, nodes: Iterable[OpenNode]
    ) -> TreeState:
        """The state of a solve with these open nodes."""
        nodes = list(nodes)
        place: dict[int, int] = {}
        shared: list[FloatArray] = []
        for node in nodes:
            if id(node.multipliers) not in place:
                place[id(node.multipliers)] = len(shared)
                shared.append(node.multipliers)
        n_offers, n_rows = len(root), len(root_multipliers)
        return cls(
            best=np.array([] if loop.best is None else [loop.best], dtype=np.int64),
            mandates=np.zeros(n_offers, dtype=np.bool_) if loop.volumes is None else loop.volumes > 0,
            root=root,
            root_multipliers=root_multipliers,
            bounds=np.array([node.bound for node in nodes], dtype=np.float64),
            states=np.array([node.state for node in nodes], dtype=np.int8).reshape(len(nodes), n_offers),
            multipliers_of=np.array([place[id(node.multipliers)] for node in nodes], dtype=np.int64),
            multipliers=np.array(shared, dtype=np.float64).reshape(len(shared), n_rows),
        )


def write_state(path: Path, instance_hash: str, state: TreeState) -> None:
    """Write the file whole or not at all.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    arrays: dict[str, Any] = {one.name: getattr(state, one.name) for one in fields(state)}
    with written_whole(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(stream, format=np.array(FORMAT), instance_hash=np.array(instance_hash), **arrays)


def read_state(path: Path, loop: Loop, n_rows: int) -> TreeState:
    """Read the file for the loop's instance; its best allocation becomes the loop's where it is better.

    Raises
    ------
    InputError
        The file cannot be read, is damaged, or belongs to another instance.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"cannot be read as a state: {error}", str(path)) from None
    names = [one.name for one in fields(TreeState)]
    missing = sorted({"format", "instance_hash", *names} - arrays.keys())
    if missing or str(arrays["format"]) != FORMAT:
        raise InputError(f"must be a state of the format {FORMAT}", str(path))
    if str(arrays["instance_hash"]) != loop.instance.instance_hash:
        raise InputError(f"belongs to another instance than {loop.instance.name}", str(path))
    state = TreeState(**{name: arrays[name] for name in names})
    fault = _fault(state, loop, n_rows)
    if fault:
        raise InputError(f"is damaged: {fault}", str(path))
    if len(state.best):
        loop.found(state.mandates, "state")
        if loop.best is None or loop.best < int(state.best[0]):
            raise InputError(f"is damaged: its allocation is not worth {int(state.best[0])}", str(path))
    return state


def _fault(state: TreeState, loop: Loop, n_rows: int) -> str:
    """What is wrong with the arrays, or ""."""
    n_nodes, n_offers = len(state.bounds), loop.instance.n_offers
    shapes = {
        "best": (min(state.best.size, 1),),
        "mandates": (n_offers,),
        "root": (n_offers,),
        "root_multipliers": (n_rows,),
        "bounds": (n_nodes,),
        "states": (n_nodes, n_offers),
        "multipliers_of": (n_nodes,),
        "multipliers": (len(state.multipliers), n_rows),
    }
    kinds = {"best": "i", "mandates": "b", "root": "i", "states": "i", "multipliers_of": "i"}
    for name, shape in shapes.items():
        array: NDArray[Any] = getattr(state, name)
        if array.shape != shape or array.dtype.kind != kinds.get(name, "f"):
            return f"{name} has the shape {array.shape} and the type {array.dtype}"
    numbers = (state.root_multipliers, state.bounds, state.multipliers)
    if not all(np.isfinite(array).all() for array in numbers):
        return "a number is not finite"
    if not all(np.isin(array, (-1, 0, 1)).all() for array in (state.root, state.states)):
        return "a fixing is none of -1, 0 and 1"
    if n_nodes and not (0 <= state.multipliers_of.min() <= state.multipliers_of.max() < len(state.multipliers)):
        return "a node has no multipliers"
    return ""
