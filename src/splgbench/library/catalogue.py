"""The library as a list: every instance with its kind, source, features and what is best known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from splgbench.generator.generate import GENERATOR
from splgbench.library.best_known import BestKnown, best_known
from splgbench.library.features import COLUMNS, Features, committed_features
from splgbench.library.names import by_number, collection_of, library_names, package_kind

KINDS = ("real", "semi-synthetic", "synthetic")
_PRESETS = "preset"


@dataclass(frozen=True)
class Entry:
    """One instance of the library.

    Parameters
    ----------
    name : as every command takes it.
    family : the prefix of its collection, "preset" for a recipe by itself, its own name for a package.
    kind : of `KINDS`.
    source : where the data come from, in a line.
    features : as committed; None where they were not computed.
    best : what is best known; None where nothing is.
    """

    name: str
    family: str
    kind: str
    source: str
    features: Features | None
    best: BestKnown | None

    @property
    def status(self) -> str:
        """Of `splgbench.library.best_known.STATUSES`."""
        return "unknown" if self.best is None else self.best.status

    def lp_gap(self, formulation: str) -> float | None:
        """(LP bound - best known value) / best known value as a fraction; None where one of them is unknown.

        Parameters
        ----------
        formulation : "linked" or "strengthened".
        """
        bound = None if self.features is None else getattr(self.features, f"lp_{formulation}")
        return None if bound is None or self.best is None or not self.best.primal else bound / self.best.primal - 1

    def as_json(self) -> dict[str, Any]:
        """One JSON object; ratios as numbers."""
        features: dict[str, Any] | None = None
        if self.features is not None:
            values = {column: getattr(self.features, column) for column in COLUMNS[1:]}
            features = {key: float(value) if isinstance(value, Decimal) else value for key, value in values.items()}
            features |= {
                f"lp_gap_{formulation}": self.lp_gap(formulation) for formulation in ("linked", "strengthened")
            }
        best: dict[str, Any] | None = None
        if self.best is not None:
            best = {key: value for key, value in vars(self.best).items() if not key.startswith("instance")}
            best |= {"dual": self.best.dual, "dual_kind": self.best.dual_kind, "gap": self.best.gap}
        return {
            "name": self.name,
            "family": self.family,
            "kind": self.kind,
            "source": self.source,
            "status": self.status,
            "features": features,
            "best_known": best,
        }


def catalogue(pattern: str = "*", family: str = "", kind: str = "", status: str = "") -> list[Entry]:
    """The instances of the library that pass all filters; numbers in names sort as numbers.

    Parameters
    ----------
    pattern : of the name, with *.
    family, kind, status : "" for any.
    """
    known, features = best_known(), committed_features()
    entries = (_entry(name, origin, features, known) for name, origin in library_names().items())
    wanted = (
        entry
        for entry in entries
        if fnmatchcase(entry.name, pattern)
        and family in ("", entry.family)
        and kind in ("", entry.kind)
        and status in ("", entry.status)
    )
    return sorted(wanted, key=lambda entry: by_number(entry.name))


def kind_of(name: str) -> str | None:
    """Of `KINDS`; None for what is no name of the library."""
    collection = collection_of(name)
    if collection is not None:
        return collection.kind
    origin = library_names().get(name)
    return None if origin is None else "synthetic" if origin == "recipe" else package_kind(name)


def _entry(name: str, origin: str, features: Mapping[str, Features], known: Mapping[str, BestKnown]) -> Entry:
    collection = collection_of(name)
    if collection is not None:
        family, kind, source = collection.prefix, collection.kind, collection.source
    elif origin == "recipe":
        family, kind, source = _PRESETS, "synthetic", f"{GENERATOR}, recipe instances/recipes/{name}.toml"
    else:
        family, kind, source = name, package_kind(name), f"instances/{name}/README.md"
    return Entry(name, family, kind, source, features.get(name), known.get(name))
