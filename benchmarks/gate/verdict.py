"""One comparison: what was measured, what fails, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gate.allowed import Allowed, allowing
from gate.clocks import THRESHOLD, Ratio
from gate.compare import Kind, Move, Value


@dataclass(frozen=True)
class Verdict:
    """What a run of the gate found.

    Parameters
    ----------
    base, head : the revisions, for readers.
    moves : every counter.
    ratios : every clock.
    lost : clocks that could be read before and cannot be read now, with the reason.
    entries : what is allowed.
    threshold : of the clocks.
    blame : figure to the commit that moved it, where that was looked for.
    processor_s, wall_s : seconds the run took.
    terms : versions and machine.
    """

    base: str
    head: str
    moves: Sequence[Move]
    ratios: Sequence[Ratio]
    lost: Mapping[str, str] = field(default_factory=dict)
    entries: Sequence[Allowed] = ()
    threshold: float = THRESHOLD
    blame: Mapping[str, str] = field(default_factory=dict)
    processor_s: float = 0.0
    wall_s: float = 0.0
    terms: str = ""

    def failing_moves(self) -> list[Move]:
        """Counters that moved and are not allowed to."""
        return [move for move in self.moves if move.fails and allowing(self.entries, move.name) is None]

    def failing_clocks(self) -> list[Ratio]:
        """Clocks that are slower beyond doubt and are not allowed to."""
        slow = (each for each in self.ratios if each.slower(self.threshold))
        return [each for each in slow if allowing(self.entries, each.name) is None]

    def failing_lost(self) -> dict[str, str]:
        """Clocks that are gone and are not allowed to."""
        return {name: why for name, why in self.lost.items() if allowing(self.entries, name) is None}

    @property
    def failing(self) -> list[str]:
        """Names of all figures that fail."""
        figures = [*self.failing_moves(), *self.failing_clocks()]
        return [*(each.name for each in figures), *self.failing_lost()]

    @property
    def passed(self) -> bool:
        return not self.failing

    def accepted(self) -> list[tuple[str, Allowed]]:
        """Figures that would fail, but are allowed to, with the entry."""
        names = [move.name for move in self.moves if move.fails]
        names += [each.name for each in self.ratios if each.slower(self.threshold)]
        pairs = [(name, allowing(self.entries, name)) for name in (*names, *self.lost)]
        return [(name, entry) for name, entry in pairs if entry is not None]

    def unused(self) -> list[Allowed]:
        """Entries that nothing needed."""
        used = {entry for _, entry in self.accepted()}
        return [entry for entry in self.entries if entry not in used]

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "passed": self.passed,
            "failing": self.failing,
            "base": self.base,
            "head": self.head,
            "counters": [{**asdict(move), "kind": str(move.kind)} for move in self.moves],
            "clocks": [{**asdict(each), "slower": each.slower(self.threshold)} for each in self.ratios],
            "lost": dict(self.lost),
            "accepted": [{"figure": name, "reason": entry.reason} for name, entry in self.accepted()],
            "unused": [asdict(entry) for entry in self.unused()],
            "threshold": self.threshold,
            "blame": dict(self.blame),
            "processor_s": round(self.processor_s, 1),
            "wall_s": round(self.wall_s, 1),
            "terms": self.terms,
        }

    def as_markdown(self) -> str:
        """The same for a pull request: failures first, then the clocks, then what moved and may."""
        fails = len(self.failing)
        title = "passes" if self.passed else f"fails: {fails} figure{'s' * (fails != 1)}"
        lines = [f"# Performance gate {title}", "", f"`{self.base}` against `{self.head}`. {self.terms}", ""]
        lines += _table(
            "Counters that moved",
            ("counter", "before", "after", "change", *_blamed(self.blame)),
            [
                (
                    f"`{move.name}`",
                    _said(move.before),
                    _said(move.after),
                    _change(move),
                    *_blamed(self.blame, move.name),
                )
                for move in self.failing_moves()
            ],
        )
        lines += _table(
            "Clocks that are slower",
            ("clock", "before ms", "after ms", "ratio", "interval", *_blamed(self.blame)),
            [(*_clock_cells(each), *_blamed(self.blame, each.name)) for each in self.failing_clocks()],
        )
        lines += _table(
            "Clocks that are gone", ("clock", "now"), [(f"`{n}`", w) for n, w in self.failing_lost().items()]
        )
        accepted = [(f"`{name}`", entry.reason) for name, entry in self.accepted()]
        lines += _table("Moved, and allowed to", ("figure", "reason"), accepted)
        unused = [(f"`{entry.figures}`", entry.reason) for entry in self.unused()]
        lines += _table("Allowed, and not needed", ("figures", "reason"), unused)
        new = [(f"`{move.name}`", _said(move.after)) for move in self.moves if move.kind is Kind.NEW]
        lines += _table("New counters", ("counter", "value"), new[:20])
        header = ("clock", "before ms", "after ms", "ratio", "interval")
        lines += _table("All clocks", header, [_clock_cells(each) for each in self.ratios])
        numbers = [move for move in self.moves if not isinstance(move.after, str)]
        lines.append(
            f"{len(numbers)} counters, {len(self.ratios)} clocks (processor time, {100 * self._confidence():.1f} % "
            f"intervals, threshold {self.threshold:g}); {self.processor_s:.0f} s of processor time, "
            f"{self.wall_s:.0f} s of wall time."
        )
        return "\n".join(lines) + "\n"

    def as_text(self) -> str:
        """The same for a terminal."""
        lines = [f"{self.base} -> {self.head}: {'passes' if self.passed else 'FAILS'}"]
        for move in self.failing_moves():
            blamed = f"  by {self.blame[move.name]}" if move.name in self.blame else ""
            lines.append(f"  {move.name}: {_said(move.before)} -> {_said(move.after)} {_change(move)}{blamed}")
        for each in self.failing_clocks():
            blamed = f"  by {self.blame[each.name]}" if each.name in self.blame else ""
            lines.append(
                f"  {each.name}: x {each.median:.2f}, {each.low:.2f} to {each.high:.2f} "
                f"({1000 * each.before:.2f} -> {1000 * each.after:.2f} ms){blamed}"
            )
        lines += [f"  {name}: {why}" for name, why in self.failing_lost().items()]
        lines += [f"  allowed: {name}: {entry.reason}" for name, entry in self.accepted()]
        lines += [f"  allowed, and not needed: {entry.figures}" for entry in self.unused()]
        lines += [
            f"  clock {each.name}: x {each.median:.2f}, {each.low:.2f} to {each.high:.2f}" for each in self.ratios
        ]
        counted = sum(not isinstance(move.after, str) for move in self.moves)
        lines.append(
            f"  {counted} counters, {len(self.ratios)} clocks; {self.processor_s:.0f} s of processor time, "
            f"{self.wall_s:.0f} s of wall time"
        )
        return "\n".join(lines)

    def _confidence(self) -> float:
        return min((each.confidence for each in self.ratios), default=0.0)


def _said(value: Value) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.6g}"


def _change(move: Move) -> str:
    if isinstance(move.before, str) or isinstance(move.after, str) or not move.before:
        return str(move.kind)
    return f"{100 * (move.after / move.before - 1):+.3g} %"


def _blamed(blame: Mapping[str, str], name: str | None = None) -> tuple[str, ...]:
    """The column of commits, where there is one."""
    if not blame:
        return ()
    return ("commit",) if name is None else (blame.get(name, ""),)


def _clock_cells(each: Ratio) -> tuple[str, ...]:
    times = (f"{1000 * each.before:.2f}", f"{1000 * each.after:.2f}")
    return (f"`{each.name}`", *times, f"{each.median:.3f}", f"{each.low:.3f} to {each.high:.3f}")


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [f"## {title}", "", "| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]
