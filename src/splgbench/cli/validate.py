"""``splgbench validate``: is this a legal instance, and what is in it."""

from __future__ import annotations

import argparse

import numpy as np

from splgbench.cli.arguments import Parsers, add_command, add_instance, read_instance
from splgbench.cli.output import print_json, print_table
from splgbench.volumes import largest_volumes, thresholds

EXAMPLES = """  splgbench validate us-miami-2011
  splgbench validate my-package.zip
  splgbench validate my-folder --without links"""


def add(parsers: Parsers) -> None:
    add_instance(add_command(parsers, "validate", run, "check an instance package and describe it", EXAMPLES))


def run(arguments: argparse.Namespace) -> int:
    instance = read_instance(arguments)
    dead = int(np.sum(thresholds(instance) > largest_volumes(instance)))
    facts = {
        "instance": instance.name,
        "instance_hash": instance.instance_hash,
        "capacity_mode": instance.capacity_mode,
        "utility_scale": instance.utility_scale,
        "hospitals": instance.n_hospitals,
        "groups": instance.n_groups,
        "areas": instance.n_areas,
        "regions": len(instance.regions),
        "cells": instance.n_cells,
        "offers": instance.n_offers,
        "dead_offers": dead,
        "link_clauses": instance.n_clauses,
        "overrides": len(instance.override_offer),
        "demand_cases": int(instance.demand.sum()),
        "capacity_cases": int(instance.capacity.sum()),
    }
    if arguments.json:
        print_json(facts)
    else:
        print_table(("valid instance", ""), facts.items())
    return 0
