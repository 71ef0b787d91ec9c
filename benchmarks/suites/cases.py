"""Names of what the suites run over, and the instances behind them.

Nothing here imports splgbench before an instance is made: asv starts a process for every figure.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splgbench.instance import Instance

_ROOT = Path(__file__).parents[2]
_RECIPES = _ROOT / "benchmarks" / "recipes"


def _files(folder: str, *others: str) -> tuple[str, ...]:
    names = {path.stem for path in (_ROOT / folder).glob("*.py")}
    return tuple(sorted(names - {"__init__", *others}))


FORMULATIONS = _files("formulations")
DECOMPOSITIONS = _files("decompositions")
BACKENDS = _files("src/splgbench/backends", "base", "own_process")

TINY = ("tiny-real", "tiny-linked", "tiny-loose")
"""Instances of the quick run and of the gate: every pair of formulation and solver within a second or so."""
WHOLE = ("real", "basel", "linked")
"""Instances of the full run only."""
INSTANCES = (*TINY, *WHOLE)

BEST_KNOWN = {
    "tiny-real": 143_325_744,
    "tiny-linked": 23_707_860,
    "tiny-loose": 18_682_432,
    "real": 667_881_759,
    "basel": 849_871_295,
    "linked": 576_997_124,
}
"""Proved optima, in utility units: what gaps are taken against."""


def make(name: str) -> Instance:
    """The instance of a name in `INSTANCES`."""
    import splgbench
    from splgbench.generator.generate import generate
    from splgbench.generator.recipe import read_recipe
    from splgbench.transform import cut

    if name == "real":
        return splgbench.load("us-miami-2011")
    if name == "tiny-real":
        return cut(splgbench.load("us-miami-2011"), 8, 12, "us-miami-2011-cut-8x12")
    if name == "basel":
        return splgbench.load("basel")
    if name == "linked":
        return splgbench.load("hard-h4")
    return generate(read_recipe(_RECIPES / f"{name}.toml"))
