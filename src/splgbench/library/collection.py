"""What a collection of the library is: a family of instances with names of its own, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from splgbench.instance import Instance


@dataclass(frozen=True)
class Origin:
    """Where a number of an instance comes from.

    Parameters
    ----------
    table, column : of the package, as in its format.
    value : as it stands in the package.
    kind : "real", "derived", "assumed" or "imputed".
    how : what was read or computed, in words, with the numbers that went in.
    rows : the raw rows that went in, each "FILE, line N", the first being line 1.
    """

    table: str
    column: str
    value: str
    kind: str
    how: str
    rows: tuple[str, ...] = ()


class Collection(Protocol):
    """A family of instances that share a source.

    `prefix` begins every name ("cms-2011"); `kind` is "real", "semi-synthetic" or "synthetic"; `source` says in a line
    where the data come from.
    """

    @property
    def prefix(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def source(self) -> str: ...

    def names(self) -> Iterable[str]:
        """All names, with the prefix ("cms-2011/us"), without making an instance."""
        ...

    def make(self, name: str) -> Instance:
        """The instance of a name; the same bytes every time.

        Raises
        ------
        InputError
            No such name.
        """
        ...

    def provenance(self, name: str, hospital: str, group: str) -> Sequence[Origin]:
        """Where every number of an offer, and what belongs to it, comes from.

        Raises
        ------
        InputError
            No such name or offer.
        """
        ...
