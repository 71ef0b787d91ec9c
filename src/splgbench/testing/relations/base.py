"""What a relation is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from splgbench.testing.strategies import DEFAULT_KNOBS, Knobs
from splgbench.testing.trial import Trial

Vary = Callable[[st.DrawFn, Trial], Any]
Contradiction = Callable[[Any, Trial, Any], str | None]


def nothing(_draw: st.DrawFn, _trial: Trial) -> bool:
    """The variation of a relation that needs none."""
    return True


@dataclass(frozen=True)
class Relation:
    """A relation between what a method says and what the model says.

    Parameters
    ----------
    name : in reports.
    reason : why it must hold, with the fact of the model statement.
    contradiction : runs the subject; one sentence where the relation is broken, else None.
    vary : draws what the relation needs besides the instance; None where the instance offers nothing to vary.
    knobs : the instances it is drawn from.
    subject : what is judged: a "method", the "checker", the "polish", a "valuation", a "frontier", an "account" or a
        "funding".
    own_draw : whether a sweep draws instances for it alone, as what its knobs make frequent is rare elsewhere.
    """

    name: str
    reason: str
    contradiction: Contradiction
    vary: Vary = nothing
    knobs: Knobs = DEFAULT_KNOBS
    subject: str = "method"
    own_draw: bool = False
