"""The battery as pytest tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from splgbench.methods import method
from splgbench.testing.battery import examine
from splgbench.testing.relations import RELATIONS
from splgbench.testing.subjects import runnable


def conformance_tests(name: str, *, relations: Iterable[str] | None = None) -> Callable[..., None]:
    """A test function, one test a relation; assign it to a name that begins with ``test_``.

    Parameters
    ----------
    name : NAME[@BACKEND][:key=value,...], NAME a registered method or the path of a Python file.
    relations : names; None takes all.

    The options ``--splgbench-examples`` and ``--splgbench-seed`` set the number and the seed of the draws; the same
    seed gives the same draws. Methods run in the test process; ``splgbench conform`` gives them one of their own.
    """
    import pytest

    @pytest.mark.parametrize("relation", list(RELATIONS if relations is None else relations))
    def test_conforms(relation: str, request: Any) -> None:
        examples = request.config.getoption("--splgbench-examples")
        seed = request.config.getoption("--splgbench-seed")
        found = examine(RELATIONS[relation], [method(runnable(name))], examples=examples, seed=seed).refutation
        if found is not None:
            tables = "\n".join(f"{table}: {columns}" for table, columns in found.instance.to_tables().items())
            pytest.fail(
                f"{found.sentence}\n{RELATIONS[relation].reason}\nseed {seed}, capacity mode "
                f"{found.instance.capacity_mode}, varied {found.varied!r}\n{tables}",
                pytrace=False,
            )

    tests: Callable[..., None] = test_conforms
    return tests
