"""A method that solves nothing, for measuring what surrounds a solve: it sleeps, then grants the first mandate.

Named in a campaign as `fake_method.py:seconds=5,ledger=FILE`; it works on an instance of one offer, whose optimum is
known. Options: `seconds` to sleep; `ledger`, a file that gets a line at the start of every solve.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from splgbench.instance import Instance
from splgbench.judging import judge
from splgbench.limits import NO_LIMITS, Limits
from splgbench.result import Result, Status
from splgbench.trace import Recorder
from splgbench.versions import versions


@dataclass(frozen=True)
class Fake:
    """Sleeps.

    Parameters
    ----------
    seconds : how long.
    ledger : see above; "" for none.
    """

    seconds: float
    ledger: str

    @property
    def name(self) -> str:
        return f"fake_method:seconds={self.seconds:g}"

    def reason_against(self, instance: Instance, limits: Limits) -> str | None:
        return None if instance.n_offers == 1 else "it knows one offer only"

    def solve(
        self,
        instance: Instance,
        limits: Limits = NO_LIMITS,
        start: Any = None,
        permutation: int | None = None,
        on_event: Any = None,
        stop: Any = None,
    ) -> Result:
        """See `splgbench.methods.Method.solve`."""
        began = time.perf_counter()
        if self.ledger:
            with Path(self.ledger).open("a") as stream:
                stream.write(f"{limits.seed}\n")
        recorder = Recorder("fake", on_event, began)
        mandates = np.ones(1, dtype=np.bool_)
        recorder.bounds(primal=1.0, dual=1.0, mandates=mandates)
        time.sleep(self.seconds)
        judgement = judge(instance, limits, Status.OPTIMAL, mandates, 1.0)
        return Result(
            status=judgement.status,
            method=self.name,
            instance=instance.name,
            instance_hash=instance.instance_hash,
            primal=judgement.primal,
            dual=judgement.dual,
            volumes=judgement.volumes,
            wall_time_s=time.perf_counter() - began,
            limits=limits,
            versions=versions(),
            trace=tuple(recorder.events),
            message=judgement.message,
        )


def method(backend: str | None = None, seconds: str = "0", ledger: str = "") -> Fake:
    """The method of these options."""
    return Fake(float(seconds), ledger)
