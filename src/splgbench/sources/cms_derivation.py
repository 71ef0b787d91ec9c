"""What is computed over CMS volumes alike for one region and for the nation, each under its own assumptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from splgbench.sources.cms_files import CmsFiles, Drg, Volume
from splgbench.sources.cms_offers import Clause, link_clauses, payment_levels, reference_payments
from splgbench.sources.standards import Match, Standards


class SharedAssumptions(Protocol):
    """The assumptions that every derivation makes; properties, so that frozen records fit."""

    @property
    def capacity_percent(self) -> int: ...

    @property
    def area_capacity_percent(self) -> int: ...

    @property
    def base_choices(self) -> int: ...

    @property
    def specialty_choices(self) -> int: ...


@dataclass(frozen=True)
class Derivation:
    """Volumes with what is computed over them; a subclass says which volumes, and what its minima are.

    Parameters
    ----------
    standards : published minima by DRG.
    """

    files: CmsFiles
    standards: Standards
    assumptions: SharedAssumptions

    @property
    def volumes(self) -> Sequence[Volume]:
        """The published volumes that take part, in the order of the file."""
        raise NotImplementedError

    @property
    def by_drg(self) -> Mapping[str, list[Volume]]:
        """Volumes by DRG, sorted."""
        raise NotImplementedError

    @property
    def by_hospital(self) -> Mapping[str, list[Volume]]:
        """Volumes by hospital."""
        raise NotImplementedError

    @property
    def minima(self) -> Mapping[str, tuple[int, str]]:
        """Minimum cases of each DRG and where they come from."""
        raise NotImplementedError

    @property
    def matches(self) -> Mapping[str, Match]:
        """Published minima by DRG."""
        return self.standards.matches

    @cached_property
    def drgs(self) -> dict[str, Drg]:
        """DRGs by key, sorted."""
        return {key: self.files.drgs[key] for key in self.by_drg}

    @cached_property
    def reference(self) -> dict[str, int]:
        """Mean payment of each DRG over all its discharges, in cents."""
        return reference_payments(self.by_drg)

    @cached_property
    def level(self) -> dict[str, int]:
        """Payment level of each hospital, in basis points."""
        return payment_levels(self.volumes, self.reference)

    @cached_property
    def clauses(self) -> list[Clause]:
        """Links of all DRGs."""
        choices = self.assumptions.base_choices, self.assumptions.specialty_choices
        return link_clauses(self.drgs, self.by_drg, self.matches, *choices)

    def capacity(self, volume: Volume) -> int:
        """Cases that the offer of a published volume can treat, rounded down."""
        return volume.discharges * self.assumptions.capacity_percent // 100

    def area_capacity(self, hospital: str) -> dict[str, int]:
        """Cases that a hospital can treat in each MDC where it has a published volume, rounded up."""
        cases: dict[str, int] = defaultdict(int)
        for volume in self.by_hospital[hospital]:
            cases[self.drgs[volume.drg].mdc] += volume.discharges
        return {mdc: -(-count * self.assumptions.area_capacity_percent // 100) for mdc, count in cases.items()}
