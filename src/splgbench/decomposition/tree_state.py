"""What a state file holds of a tree (`splgbench.decomposition.state` has the rest).

| array | shape | meaning |
| --- | --- | --- |
| `root` | (K) | what every better allocation holds (1) and lacks (-1) |
| `root_multipliers` | (n_rows) | the best multipliers of the root |
| `bounds` | (n) | bound of every open node, a Lagrangian value |
| `states` | (n, K) | its fixings: 1 holds, -1 lacks, 0 free |
| `multipliers_of`, `multipliers` | (n), (m, n_rows) | its multipliers, those shared by nodes once |

That no allocation better than the best one lies outside the open nodes is what the earlier run proved; the file carries
it, and who changes the file changes the proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splgbench.decomposition.state import Arrays, Shape
from splgbench.instance import IntArray
from splgbench.model import FloatArray


class OpenNode(Protocol):
    """What is kept of a node."""

    bound: float
    state: NDArray[np.int8]
    multipliers: FloatArray


@dataclass(frozen=True)
class TreeState:
    """The arrays of the file, as the module describes them."""

    root: NDArray[np.int8]
    root_multipliers: FloatArray
    bounds: FloatArray
    states: NDArray[np.int8]
    multipliers_of: IntArray
    multipliers: FloatArray

    @staticmethod
    def shapes(n_offers: int, n_rows: int) -> dict[str, Shape]:
        """What the arrays must be."""
        return {
            "root": Shape("i", (n_offers,)),
            "root_multipliers": Shape("f", (n_rows,)),
            "bounds": Shape("f", ("nodes",)),
            "states": Shape("i", ("nodes", n_offers)),
            "multipliers_of": Shape("i", ("nodes",)),
            "multipliers": Shape("f", ("vectors", n_rows)),
        }

    @classmethod
    def of(cls, root: NDArray[np.int8], root_multipliers: FloatArray, nodes: Iterable[OpenNode]) -> TreeState:
        """The state of a tree with these open nodes."""
        nodes = list(nodes)
        place: dict[int, int] = {}
        shared: list[FloatArray] = []
        for node in nodes:
            if id(node.multipliers) not in place:
                place[id(node.multipliers)] = len(shared)
                shared.append(node.multipliers)
        n_offers, n_rows = len(root), len(root_multipliers)
        return cls(
            root=root,
            root_multipliers=root_multipliers,
            bounds=np.array([node.bound for node in nodes], dtype=np.float64),
            states=np.array([node.state for node in nodes], dtype=np.int8).reshape(len(nodes), n_offers),
            multipliers_of=np.array([place[id(node.multipliers)] for node in nodes], dtype=np.int64),
            multipliers=np.array(shared, dtype=np.float64).reshape(len(shared), n_rows),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TreeState:
        """The state that a file holds, among other arrays."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def arrays(self) -> Arrays:
        """The arrays by name."""
        return asdict(self)

    def fault(self) -> str:
        """What is wrong with the numbers, or ""."""
        if not all(np.isin(array, (-1, 0, 1)).all() for array in (self.root, self.states)):
            return "a fixing is none of -1, 0 and 1"
        at = self.multipliers_of
        if len(at) and not (0 <= at.min() <= at.max() < len(self.multipliers)):
            return "a node has no multipliers"
        return ""
