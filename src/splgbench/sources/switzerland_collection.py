"""The collections basel-YEAR and switzerland-YEAR: semi-synthetic instances (docs/switzerland-2022.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from splgbench.instance import Instance
from splgbench.library.collection import Origin
from splgbench.sources.switzerland_files import Institution, read_switzerland
from splgbench.sources.switzerland_instances import derive, instance_names
from splgbench.sources.switzerland_offers import YEAR, Offers
from splgbench.sources.switzerland_provenance import origins

_NAME = re.compile(r"(basel|switzerland)-([0-9]{4})(/|$)")


@dataclass(frozen=True)
class SwissCollection:
    """The instance `basel-YEAR`, or `switzerland-YEAR` and `switzerland-YEAR/canton/CC`.

    Parameters
    ----------
    place : "basel" or "switzerland".
    year : of the key figures.
    raw : folder of a user's own key figures; None takes the shipped ones.
    """

    place: str
    year: int = YEAR
    raw: Path | None = None

    kind = "semi-synthetic"

    @property
    def prefix(self) -> str:
        return f"{self.place}-{self.year}"

    @property
    def source(self) -> str:
        return f"BAG key figures of Swiss hospitals {self.year}, BFS cases by SwissDRG 2013; volumes by group imputed"

    def names(self) -> list[str]:
        """All names."""
        names = instance_names(_institutions(self.year, self.raw), self.year)
        return [name for name in names if name.partition("/")[0] == self.prefix]

    def make(self, name: str) -> Instance:
        """The instance of a name; the same bytes every time."""
        return derive(_offers(self.year, self.raw), name)

    def provenance(self, name: str, hospital: str, group: str) -> list[Origin]:
        """Every number of an offer, traced; for a pair without an offer, why there is none."""
        return origins(_offers(self.year, self.raw), self.make(name), hospital, group)


def swiss_of_folder(name: str, raw: Path) -> SwissCollection | None:
    """The collection that a name like `basel-2023` has in a folder of that year's key figures; None for other names."""
    match = _NAME.match(name)
    return SwissCollection(match[1], int(match[2]), raw) if match else None


@lru_cache(maxsize=4)
def _offers(year: int, raw: Path | None) -> Offers:
    return Offers(year, raw=raw)


@lru_cache(maxsize=4)
def _institutions(year: int, raw: Path | None) -> tuple[Institution, ...]:
    return read_switzerland(year, raw).institutions
