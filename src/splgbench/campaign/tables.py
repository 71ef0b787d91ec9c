"""Reading the tables of a campaign file: values with their rules, every break collected."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from splgbench.errors import Problem

_MISSING = object()
LARGEST = 2**31 - 1
"""Of whole numbers that solvers and stores take."""


def shown(number: int) -> str:
    """A whole number for people: 2^31 - 1 rather than its ten digits."""
    bits = (number + 1).bit_length() - 1
    return f"2^{bits} - 1" if bits >= 31 and number + 1 == 2**bits else str(number)


class TableReader:
    """Takes keys out of one table of a TOML file.

    Parameters
    ----------
    file, name : what errors call the file and the table.
    table : the table as read.
    problems : where broken rules go.
    """

    def __init__(self, file: str, name: str, table: Any, problems: list[Problem]) -> None:
        self.file, self.name, self.problems = file, name, problems
        self.asked: list[str] = []
        self.table: Mapping[str, Any] = {}
        if isinstance(table, dict):
            self.table = table
        else:
            self.problem("", "must be a table", table)

    def problem(self, key: str, rule: str, value: object = None) -> None:
        """Record a broken rule."""
        place = " ".join(part for part in (f"[{self.name}]" if self.name else "", key) if part)
        self.problems.append(Problem(self.file, None, None, f"{place} {rule}", value))

    def given(self, key: str) -> bool:
        """Whether the table has the key."""
        self.asked.append(key)
        return key in self.table

    def text(self, key: str, default: str = "", choices: tuple[str, ...] = ()) -> str:
        """A line of text, one of `choices` where there are any."""
        value = self._get(key, default)
        if not isinstance(value, str) or not value.isprintable():
            self.problem(key, "must be one line of text", value)
            return default
        if choices and value not in choices:
            self.problem(key, f"must be {' or '.join(choices)}", value)
            return default
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            self.problem(key, "must be true or false", value)
            return default
        return value

    def whole(self, key: str, default: int, low: int = 0, high: int = LARGEST) -> int:
        """A whole number of a range."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(key, f"must be a whole number between {low} and {shown(high)}", value)
            return default
        return value

    def number(self, key: str, default: float) -> float:
        """A finite number of at least 0."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            self.problem(key, "must be a number of at least 0", value)
            return default
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A text or a list of texts; () where the key is missing."""
        value = self._get(key, ())
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(entry, str) and entry for entry in values):
            self.problem(key, "must be a text or a list of texts", value)
            return ()
        return tuple(values)

    def several(self, key: str, kind: type, default: Any, high: int = LARGEST) -> tuple[Any, ...]:
        """A number or a list of different numbers; `default` alone where the key is missing or wrong.

        Whole numbers lie between 0 and `high`; others are finite.
        """
        value = self._get(key, _MISSING)
        if value is _MISSING:
            return (default,)
        values = list(value) if isinstance(value, list) else [value]
        allowed: tuple[type, ...] = (int, float) if kind is float else (int,)
        if not values or not all(isinstance(entry, allowed) and not isinstance(entry, bool) for entry in values):
            what = "number" if kind is float else "whole number"
            self.problem(key, f"must be a {what} or a list of {what}s", value)
            return (default,)
        if kind is float and not all(abs(entry) <= sys.float_info.max for entry in values):
            self.problem(key, "must be finite", value)
            return (default,)
        if kind is int and not all(0 <= entry <= high for entry in values):
            self.problem(key, f"must lie between 0 and {shown(high)}", value)
            return (default,)
        if len(set(values)) < len(values):
            self.problem(key, "must not name a value twice", value)
        return tuple(kind(entry) for entry in values)

    def finish(self) -> None:
        """Complain about keys that nobody asked for."""
        for key in self.table:
            if key not in self.asked:
                self.problem(key, f"is no key of this table; there are {', '.join(dict.fromkeys(self.asked))}")

    def _get(self, key: str, default: Any) -> Any:
        self.asked.append(key)
        return self.table.get(key, default)
