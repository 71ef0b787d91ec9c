"""Draws that depend on their seed alone.

By itself hypothesis mixes constants into its numbers that it finds in the modules which happen to be loaded, so the
same seed draws other instances in another program. The provider here leaves them out; hypothesis shrinks as ever.
Source: hypothesis, "Alternative backends".
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

BACKEND = "splgbench"


class SeedOnlyProvider(HypothesisProvider):
    """Hypothesis's own draws without constants of loaded modules."""

    def _maybe_draw_constant(self, *_: Any, **__: Any) -> None:
        return None


AVAILABLE_PROVIDERS[BACKEND] = f"{__name__}.SeedOnlyProvider"


def reproducibly(
    name: str, seed: int, examples: int, *, shrink: bool
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Settings for a test function: `examples` draws that `name` and `seed` decide.

    Parameters
    ----------
    shrink : whether a failure is shrunk.
    """
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        settled = hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
            verbosity=Verbosity.quiet,
            backend=BACKEND,
        )(test)
        seeded: Callable[..., None] = hypothesis.seed(zlib.crc32(f"{name} {seed}".encode()))(settled)
        return seeded

    return decorate
