"""A planned run and the keys that say whether it has been done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from splgbench.campaign.sources import Source
from splgbench.limits import Limits

RUN, REFERENCE = "run", "reference"


@dataclass(frozen=True)
class Cell:
    """One run of a campaign.

    Parameters
    ----------
    source : where its instance comes from.
    instance, instance_hash : its name and what it is.
    method : with its parameters, in one spelling.
    limits : its seed included.
    permutation : seed of a row and column permutation; None for none.
    repeat : from 0.
    versions : of everything that takes part, as planned.
    unsupported : why it cannot run; "" where nothing speaks against it.
    role : `RUN`, or `REFERENCE` for a run that shows the machine's drift.
    shard : of a reference run, whose repeats count within its shard; "" else.
    """

    source: Source
    instance: str
    instance_hash: str
    method: str
    limits: Limits
    permutation: int | None = None
    repeat: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    unsupported: str = ""
    role: str = RUN
    shard: str = ""

    @cached_property
    def cell_key(self) -> str:
        """Identifies the run whatever the versions."""
        return _digest(self._identity())

    @cached_property
    def run_key(self) -> str:
        """Identifies the run under these versions: a stored run of this key is done."""
        return _digest({**self._identity(), "versions": dict(self.versions)})

    @property
    def label(self) -> str:
        """The cell for people, and what --only matches."""
        parts = [self.instance, self.method, f"seed={self.limits.seed}"]
        if self.permutation is not None:
            parts.append(f"permutation={self.permutation}")
        if self.repeat:
            parts.append(f"repeat={self.repeat}")
        if self.role == REFERENCE:
            parts.append(REFERENCE)
        return " ".join(parts)

    def _identity(self) -> dict[str, Any]:
        return {
            "instance": self.instance_hash,
            "method": self.method,
            "limits": self.limits.as_json(),
            "permutation": self.permutation,
            "repeat": self.repeat,
            "role": self.role,
            "shard": self.shard,
        }


def _digest(identity: Mapping[str, Any]) -> str:
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
