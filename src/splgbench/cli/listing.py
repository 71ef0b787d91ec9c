"""``splgbench list``: what there is."""

from __future__ import annotations

import argparse

from splgbench import registry
from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json, print_table
from splgbench.library import library_names
from splgbench.library.names import collections

EXAMPLES = """  splgbench list                what the library, the formulations and the solvers are
  splgbench list --json | python -m json.tool"""


def add(parsers: Parsers) -> None:
    add_command(parsers, "list", run, "list instances, formulations, decompositions and backends", EXAMPLES)


def run(arguments: argparse.Namespace) -> int:
    instances = [{"name": name, "kind": kind} for name, kind in sorted(library_names().items())]
    formulations, decompositions = registry.names("formulations"), registry.names("decompositions")
    backends = []
    for name in registry.names("backends"):
        backend = registry.find("backends", name)
        capabilities = sorted(capability.value for capability in backend.capabilities)
        backends.append(
            {
                "name": name,
                "unavailable": backend.unavailable(),
                "versions": backend.versions(),
                "capabilities": capabilities,
            }
        )
    described = []
    for name in formulations:
        formulation = registry.find("formulations", name)
        described.append(
            {
                "name": name,
                "needs": sorted(need.value for need in formulation.needs),
                "at_least_as_strong_as": list(formulation.at_least_as_strong_as),
                "unavailable": formulation.unavailable(),
            }
        )
    if arguments.json:
        print_json(
            {
                "instances": instances,
                "formulations": described,
                "decompositions": list(decompositions),
                "backends": backends,
            }
        )
        return 0
    alone = [(entry["name"], entry["kind"]) for entry in instances if entry["kind"] != "collection"]
    families = [
        (f"{each.prefix}/...", f"collection of {len(list(each.names()))}, {each.kind}") for each in collections()
    ]
    print_table(("instance", "kind"), [*alone, *families])
    print()
    print_table(
        ("formulation", "needs", "at least as strong as", "unavailable"),
        [
            (
                entry["name"],
                ", ".join(entry["needs"]) or None,
                ", ".join(entry["at_least_as_strong_as"]) or None,
                entry["unavailable"],
            )
            for entry in described
        ],
    )
    print()
    if decompositions:
        print_table(("decomposition",), [(name,) for name in decompositions])
        print()
    print_table(
        ("backend", "versions", "unavailable", "capabilities"),
        [
            (
                entry["name"],
                ", ".join(f"{package} {version}" for package, version in entry["versions"].items()),
                entry["unavailable"],
                ", ".join(entry["capabilities"]),
            )
            for entry in backends
        ],
    )
    return 0
