"""Micro-benchmarks of the functions that everything calls, with pytest-benchmark (docs/performance.md).

make micro
"""

from __future__ import annotations

from typing import Any

import pytest
from suites.cases import make
from suites.engine import feasible_mandates

from splgbench import registry
from splgbench.checker import check
from splgbench.decomposition.partition import partition
from splgbench.decomposition.relaxation import HospitalRelaxation
from splgbench.hashing import instance_hash
from splgbench.instance import Instance
from splgbench.polish import polish
from splgbench.presolve import presolve


@pytest.fixture(scope="module", params=["tiny-linked", "real", "basel"])
def instance(request: pytest.FixtureRequest) -> Instance:
    return make(request.param)


@pytest.mark.parametrize("formulation", ["big_m_literal", "linked", "semicontinuous", "strengthened"])
def bench_builder(benchmark: Any, instance: Instance, formulation: str) -> None:
    """From an instance to the arrays of a model."""
    build = registry.find("formulations", formulation).build
    assert benchmark(build, instance, "highs").n_rows > 0


def bench_pricing(benchmark: Any, instance: Instance) -> None:
    """One round of exact pricing of all hospitals, at the first multipliers."""
    offers = presolve(instance)
    relaxation = HospitalRelaxation(offers, partition(offers, "hospital"))
    assert benchmark(relaxation.evaluate, relaxation.first_multipliers()).plans.exact


def bench_polish(benchmark: Any, instance: Instance) -> None:
    """Exact volumes for fixed mandates."""
    assert benchmark(polish, instance, feasible_mandates(instance)).objective > 0


def bench_checker(benchmark: Any, instance: Instance) -> None:
    """The exact check of an allocation."""
    volumes = polish(instance, feasible_mandates(instance)).volumes
    assert benchmark(check, instance, volumes).feasible


def bench_hash(benchmark: Any, instance: Instance) -> None:
    """The content hash of an instance."""
    assert len(benchmark(instance_hash, instance)) == 64
