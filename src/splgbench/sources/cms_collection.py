"""The collection cms-YEAR: the nation, its states and its referral regions from the CMS files (docs/cms-2011.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library.collection import Origin
from splgbench.sources.cms_files import read_cms, read_hospitals
from splgbench.sources.cms_nation import DEFAULT_ASSUMPTIONS, Nation, NationalAssumptions, national_instance, scopes
from splgbench.sources.cms_provenance import nation_metadata
from splgbench.sources.cms_trace import trace
from splgbench.sources.standards import read_standards

_NAME = re.compile(r"cms-([0-9]{4})/")


@dataclass(frozen=True)
class CmsCollection:
    """The instances `cms-YEAR/us`, `cms-YEAR/state/ST` and `cms-YEAR/hrr/ST-City`.

    Parameters
    ----------
    fiscal_year : of the files.
    raw : folder of a user's own files (`splgbench.sources.cms_files.read_cms`); None takes the shipped ones of 2011.
    assumptions : what the files do not say.
    """

    fiscal_year: int = 2011
    raw: Path | None = None
    assumptions: NationalAssumptions = DEFAULT_ASSUMPTIONS

    kind = "real"

    @property
    def prefix(self) -> str:
        return f"cms-{self.fiscal_year}"

    @property
    def source(self) -> str:
        return f"CMS, inpatient discharges of Medicare by hospital and MS-DRG, fiscal year {self.fiscal_year}"

    def names(self) -> list[str]:
        """All names: the nation, the states, the referral regions."""
        return [f"{self.prefix}/{scope}" for scope in _scopes(self.raw)]

    def make(self, name: str) -> Instance:
        """The instance of a name; the same bytes every time."""
        hospitals, nation = self._hospitals(name), _nation(self.raw, self.assumptions)
        metadata = nation_metadata(
            name,
            self._place(name, nation, hospitals),
            self.fiscal_year,
            asdict(self.assumptions),
            {**nation.files.sha256, **nation.standards.sha256},
            own_files=self.raw is not None,
        )
        return national_instance(nation, hospitals, name, metadata)

    def provenance(self, name: str, hospital: str, group: str) -> list[Origin]:
        """Every number of an offer, traced; a pair that is not published says so."""
        hospitals, nation = self._hospitals(name), _nation(self.raw, self.assumptions)
        if hospital not in hospitals:
            raise InputError(f"{name} has no hospital {hospital} (write its CMS certification number)", "--offer")
        if group not in nation.drgs:
            raise InputError(f"{name} has no group {group} (write an MS-DRG with its zeros, as 039)", "--offer")
        return trace(nation, hospitals, nation.files.providers[hospital], nation.drgs[group])

    def _hospitals(self, name: str) -> Sequence[str]:
        found = _scopes(self.raw).get(name.removeprefix(f"{self.prefix}/"))
        if found is None:
            raise InputError(f"no such instance; {self.prefix} has us, state/ST and hrr/ST-City, as hrr/FL-Miami", name)
        return found

    def _place(self, name: str, nation: Nation, hospitals: Sequence[str]) -> str:
        """What the hospitals are, in words."""
        first = nation.files.providers[hospitals[0]]
        level = name.removeprefix(f"{self.prefix}/").partition("/")[0]
        return {"state": f"state {first.state}", "hrr": f"hospital referral region {first.region}"}.get(
            level, "the nation"
        )


def cms_of_folder(name: str, raw: Path) -> CmsCollection | None:
    """The collection that a name like `cms-2020/us` has in a folder of CMS files of that year; None for other names."""
    match = _NAME.match(name)
    return CmsCollection(int(match[1]), raw) if match else None


@lru_cache(maxsize=1)
def _nation(raw: Path | None, assumptions: NationalAssumptions) -> Nation:
    return Nation(read_cms(raw), read_standards(), assumptions)


@lru_cache(maxsize=2)
def _scopes(raw: Path | None) -> Mapping[str, list[str]]:
    return scopes(read_hospitals(raw).values())
