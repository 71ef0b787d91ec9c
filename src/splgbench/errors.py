"""What can go wrong, each with the exit code the command line gives it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class SplgbenchError(Exception):
    """A failure that one sentence explains; the command line prints it without a traceback."""

    exit_code = 5


@dataclass(frozen=True)
class Problem:
    """One broken rule of the input.

    Parameters
    ----------
    file : the file or table that holds it.
    row : the line of the file (the header is line 1), or the row of a table in memory, from 1;
        None where the problem is not in a row.
    column : the column, or None.
    rule : what must hold.
    value : what stands there instead.
    """

    file: str
    row: int | None
    column: str | None
    rule: str
    value: object = None

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        found = "" if self.value is None else f" (found {self.value!r})"
        return f"{place}: {self.rule}{found}"


class InputError(SplgbenchError):
    """The input breaks the rules; ``problems`` holds every break found, in file order."""

    exit_code = 2
    shown = 20

    def __init__(self, problems: Iterable[Problem] | str, file: str = "input") -> None:
        if isinstance(problems, str):
            problems = [Problem(file, None, None, problems)]
        self.problems: tuple[Problem, ...] = tuple(problems)
        lines = [str(problem) for problem in self.problems[: self.shown]]
        hidden = len(self.problems) - self.shown
        if hidden > 0:
            lines.append(f"... and {hidden} more")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


class UnsupportedError(SplgbenchError):
    """A method, backend or option that cannot do what was asked; the message is the reason."""

    exit_code = 3


class MissingSolverError(UnsupportedError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{package} is not installed: pip install 'splgbench[{extra}]'")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.package, self.extra)


class SolverClashError(UnsupportedError):
    """Two solver libraries that cannot live in one process meet in one."""


class InfeasibleError(SplgbenchError):
    """No allocation satisfies the overrides; the message names the clash."""

    exit_code = 4


class OutputError(SplgbenchError):
    """A file cannot be written; nothing was left behind."""

    exit_code = 2
