"""What an extension is, and how the entries of a package are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from splgbench.checker import Violation
from splgbench.coupling import WholeRows
from splgbench.errors import InputError, Problem
from splgbench.instance import Instance

DESCRIPTOR = "datapackage.json"
LARGEST = 2**62
"""Sums of money stay below this, so that int64 arithmetic is exact."""
LARGEST_NUMBER = 2**53
"""Coefficients of rows stay below this, so that solvers get them exactly."""
MOST_POINTS = 10**6
"""Largest number of quality points."""


class Extension(Protocol):
    """The data of one extension of one instance: immutable, aligned with its offers.

    The empty allocation obeys every extension.
    """

    name: ClassVar[str]
    """As in the package."""
    pays: ClassVar[bool]
    """Whether `payment` can be other than 0."""
    limits: ClassVar[bool]
    """Whether there can be `violations`; else its rows admit every allocation of the plain instance."""

    @classmethod
    def read(cls, entry: Any, instance: Instance, entries: Mapping[str, Any]) -> Extension:
        """Validate an entry of a package.

        Parameters
        ----------
        instance : the plain instance.
        entries : all extensions of the package.

        Raises
        ------
        InputError
            With every broken rule.
        """

    def entry(self) -> dict[str, Any]:
        """The entry in canonical form: equal content gives equal entries; the content hash is taken of it."""

    def carried(self, keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
        """The entry under other keys; None where nothing is left. See `splgbench.extensions.carried`."""

    def rows(self) -> WholeRows:
        """What a model needs besides the plain rows."""

    def violations(self, volumes: Sequence[int]) -> Iterator[Violation]:
        """Broken rules of volumes over offers, in Python integers, from the data alone."""

    def payment(self, volumes: Sequence[int]) -> int:
        """What the volumes are worth besides their utility, in utility units."""


def carried_rows(rows: Iterable[Mapping[str, Any]], keys: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Rows of an entry under other keys; those that name something which is gone are left out.

    Parameters
    ----------
    rows : fields "hospital", "group", "area" and "region" hold keys; others stay as they are.
    keys : see `splgbench.extensions.carried`.
    """
    kept = []
    for row in rows:
        named = [field for field in keys if field in row]
        if all(row[field] in keys[field] for field in named):
            kept.append({**row, **{field: keys[field][row[field]] for field in named}})
    return kept


def points_rows(points: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """The field `quality` of an entry, as `Entry.points` reads it."""
    return [{"hospital": hospital, "group": group, "points": of} for (hospital, group), of in sorted(points.items())]


class Entry:
    """Reads the fields of an entry and collects what is wrong with them.

    Parameters
    ----------
    name : of the extension, for the errors.
    entry : as JSON gives it.
    fields : the fields it may have.
    """

    def __init__(self, name: str, entry: Any, fields: Sequence[str]) -> None:
        self.name = name
        self.problems: list[Problem] = []
        if not isinstance(entry, Mapping):
            raise self.error("must be an object", entry)
        self.fields: Mapping[str, Any] = entry
        for field in entry:
            if field not in fields:
                self.report(str(field), f"is no field; there are {', '.join(fields)}")

    def report(self, field: str, rule: str, value: object = None) -> None:
        """Note a broken rule."""
        self.problems.append(Problem(DESCRIPTOR, None, f"splgbench.extensions.{self.name}.{field}", rule, value))

    def error(self, rule: str, value: object = None) -> InputError:
        """A broken rule that ends the reading."""
        return InputError([Problem(DESCRIPTOR, None, f"splgbench.extensions.{self.name}", rule, value)])

    def done(self) -> None:
        """Raise what was found, if anything was.

        Raises
        ------
        InputError
        """
        if self.problems:
            raise InputError(self.problems)

    def whole(self, field: str, value: Any, most: int = LARGEST_NUMBER, least: int = 0) -> int:
        """A whole number in a range; `least` where it is none."""
        if type(value) is not int or not least <= value < most:
            self.report(field, f"must be a whole number of at least {least} and below {most}", value)
            return least
        return value

    def rows(self, field: str, *columns: str, optional: Sequence[str] = ()) -> list[dict[str, Any]]:
        """A list of objects with the fields `columns`, of which some are optional; broken ones are left out."""
        found = self.fields.get(field, [])
        if not isinstance(found, list | tuple):
            self.report(field, "must be a list", found)
            return []
        kept = []
        for number, row in enumerate(found):
            place = f"{field}[{number}]"
            if not isinstance(row, Mapping):
                self.report(place, "must be an object", row)
            elif (missing := [c for c in columns if c not in row and c not in optional]) or set(row) - set(columns):
                unknown = ", ".join(sorted(map(str, set(row) - set(columns))))
                self.report(place, f"lacks {', '.join(missing)}" if missing else f"has no field {unknown}")
            elif any(type(value) not in (str, int) for value in row.values()):
                self.report(place, "must hold text and whole numbers", row)
            else:
                kept.append({"place": place, **row})
        return kept

    def by_group(
        self, field: str, instance: Instance, *columns: str, most: int = LARGEST_NUMBER
    ) -> dict[str, tuple[int, ...]]:
        """Whole numbers of groups: rows with `group` and the fields `columns`."""
        found: dict[str, tuple[int, ...]] = {}
        known = set(instance.groups)
        for row in self.rows(field, "group", *columns):
            place, group = row["place"], row["group"]
            if group not in known:
                self.report(f"{place}.group", "must be a group of the instance", group)
            elif group in found:
                self.report(f"{place}.group", "must be unique", group)
            else:
                found[group] = tuple(self.whole(f"{place}.{column}", row[column], most) for column in columns)
        return found

    def by_offer(
        self, field: str, instance: Instance, *columns: str, optional: Sequence[str] = (), most: int = LARGEST_NUMBER
    ) -> dict[tuple[str, str], tuple[int | None, ...]]:
        """The same of offers: rows with `hospital`, `group` and `columns`, None where an optional one is left out."""
        found: dict[tuple[str, str], tuple[int | None, ...]] = {}
        for row in self.rows(field, "hospital", "group", *columns, optional=optional):
            place, pair = row["place"], (row["hospital"], row["group"])
            if pair not in instance.offer_index:
                self.report(place, "must name an existing offer", pair)
            elif pair in found:
                self.report(place, "hospital and group must be unique", pair)
            elif not any(column in row for column in columns):
                self.report(place, f"must have {' or '.join(columns)}")
            else:
                found[pair] = tuple(
                    self.whole(f"{place}.{column}", row[column], most) if column in row else None for column in columns
                )
        return found

    def points(self, instance: Instance) -> dict[tuple[str, str], int]:
        """Quality points of offers, field `quality`."""
        found = self.by_offer("quality", instance, "points", most=MOST_POINTS + 1)
        return {pair: points for pair, (points,) in found.items() if points is not None}
