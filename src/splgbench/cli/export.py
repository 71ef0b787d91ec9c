"""``splgbench export``: a model of an instance as MPS or LP, with a solution, or the instance in another container."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from splgbench import registry
from splgbench.allocation import read_allocation
from splgbench.capabilities import Capability
from splgbench.checker import check
from splgbench.cli.arguments import Parsers, add_command, add_instance, read_instance
from splgbench.cli.output import print_json
from splgbench.errors import InputError, UnsupportedError
from splgbench.instance import Instance, IntArray
from splgbench.library.best_known import best_allocation
from splgbench.methods import Direct, method, start_volumes
from splgbench.model_files import SUFFIXES, write_model, write_solution
from splgbench.package import write_package

EXAMPLES = """  splgbench export us-miami-2011 --formulation strengthened -o miami.mps
  splgbench export hard-h1 --formulation indicator@scip -o h1.lp
  splgbench export hard-h1 --formulation linked -o h1.mps --solution h1.sol          the best known allocation
  splgbench export hard-h1 --formulation linked -o h1.mps --solution h1.sol --allocation result.json
  splgbench export hard-h1 -o h1.zip                 the instance package itself
  splgbench export hard-h1 --parquet -o h1-folder"""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "export", run, "write a model file (MPS, LP) or an instance package", EXAMPLES)
    add_instance(parser)
    parser.add_argument(
        "--formulation", metavar="F[@BACKEND]", help="the formulation to write; its backend's writer is used"
    )
    parser.add_argument(
        "--solution", metavar="FILE", type=Path, help="write an allocation as the model's solution (.sol)"
    )
    parser.add_argument(
        "--allocation", metavar="FILE", type=Path, help="the allocation for --solution (default: the best known one)"
    )
    parser.add_argument("--parquet", action="store_true", help="tables of a package as Parquet instead of CSV")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help=".mps or .lp with --formulation, else a folder or .zip",
    )


def run(arguments: argparse.Namespace) -> int:
    instance = read_instance(arguments)
    facts: dict[str, Any] = {"written": str(arguments.output), "instance_hash": instance.instance_hash}
    if arguments.formulation is None:
        if arguments.solution is not None:
            raise UnsupportedError("--solution needs --formulation")
        if arguments.output.suffix in SUFFIXES:
            raise UnsupportedError(f"{arguments.output} needs --formulation")
        write_package(instance, arguments.output, table_format="parquet" if arguments.parquet else "csv")
    else:
        direct = _writer(arguments.formulation)
        volumes = None if arguments.solution is None else _volumes(arguments, instance)
        model = direct.build(instance)
        write_model(instance, model, direct.backend, arguments.output)
        facts |= model.size()
        if volumes is not None:
            write_solution(instance, model, volumes, direct.backend, arguments.solution)
            facts |= {"solution": str(arguments.solution), "objective": check(instance, volumes).objective}
    if arguments.json:
        print_json(facts)
    else:
        print(", ".join(f"{key} {value}" for key, value in facts.items()))
    return 0


def _volumes(arguments: argparse.Namespace, instance: Instance) -> IntArray:
    """Volumes of the allocation that is given or best known, checked exactly."""
    if arguments.allocation is None:
        allocation = best_allocation(arguments.instance, instance)
    else:
        allocation = read_allocation(arguments.allocation, instance)
    verdict = check(instance, allocation)
    if not verdict.feasible:
        raise InputError(f"is no allocation: {verdict.violations[0]}", str(arguments.allocation))
    volumes = start_volumes(instance, allocation)
    assert volumes is not None
    return volumes


def _writer(name: str) -> Direct:
    """The formulation with a backend that can write its models: HiGHS, else SCIP for indicator rows."""
    if "@" not in name:
        needs = registry.find("formulations", name).needs
        name += "@scip" if Capability.INDICATOR in needs else "@highs"
    direct = method(name)
    assert isinstance(direct, Direct)
    reason = direct.formulation.unavailable() or direct.backend.unavailable()
    if reason is None and Capability.WRITE not in direct.backend.capabilities:
        reason = f"no {Capability.WRITE.value}"
    if reason is not None:
        raise UnsupportedError(f"{direct.name}: {reason}")
    return direct
