"""How a campaign is going: overall, per worker and the last results on a terminal; a line a run in a pipe."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from splgbench.campaign.cells import Cell
from splgbench.readable import percent

_LAST = 8


class Progress:
    """Shows a campaign's progress on standard error while the block runs.

    Parameters
    ----------
    total : runs to come.
    quiet : show nothing.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self.total, self.quiet = total, quiet
        self.count = 0
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.working: dict[str, tuple[str, float]] = {}
        self.last: deque[str] = deque(maxlen=_LAST)
        self.bar = Bar(
            TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
        )
        self.task = self.bar.add_task("runs", total=total)
        self.lock = Lock()
        self.live = Live(get_renderable=self._view, console=self.console, refresh_per_second=2, transient=True)

    def __enter__(self) -> Progress:
        if self._drawn():
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn():
            self.live.stop()

    def started(self, worker: str, cell: Cell) -> None:
        """A worker begins a cell; called from any thread."""
        with self.lock:
            self.working[worker] = (cell.label, time.monotonic())

    def finished(self, row: Mapping[str, Any]) -> None:
        """A run is stored."""
        self.count += 1
        gap = percent(row["gap"])
        line = f"[{self.count}/{self.total}] {row['instance']} {row['method']} {row['status']}"
        line += f", gap {gap}" if gap else ""
        line += f", {row['wall_time_s']:.1f} s" if row["attempts"] else f": {row['message']}"
        with self.lock:
            self.working.pop(row["worker"], None)
            self.last.append(line)
        if self._drawn():
            self.bar.update(self.task, completed=self.count)
        elif not self.quiet:
            self.console.print(line, soft_wrap=True)

    def _drawn(self) -> bool:
        return self.console.is_terminal and not self.quiet

    def _view(self) -> RenderableType:
        workers = Table(box=None, pad_edge=False, show_header=False)
        with self.lock:
            for worker, (label, began) in sorted(self.working.items()):
                workers.add_row(worker, label, f"{time.monotonic() - began:.0f} s")
            lines = [Text(line, overflow="ellipsis", no_wrap=True) for line in self.last]
        return Group(*lines, self.bar, workers)
