"""Methods that are wrong on purpose, as a researcher's own file would be; the tests copy them out of the repository."""

from pathlib import Path

FORGETFUL = (Path(__file__).parents[2] / "docs" / "examples" / "forgetful.py").read_text()
"""The example of the documentation: an any-link is met by a group that is only offered."""

RAISING = '''
"""Fails on some instances only: its author never saw two areas."""

from dataclasses import dataclass

from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates, volumes
from splgbench.rows.links import links_on_mandates
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_tight


def one_area(model, offers):
    if len(offers.instance.areas) > 1:
        raise IndexError("area 1")


method = Formulation(rows=(volumes, mandates, demand, area_capacity, big_m_tight, links_on_mandates, one_area))
'''

CRASHING = RAISING.replace('raise IndexError("area 1")', "__import__('os').abort()")

CORRECT = RAISING.replace("big_m_tight, links_on_mandates, one_area", "big_m_tight, links_on_mandates")

DECOMPOSITION = '''
"""A decomposition in a file: it answers as HiGHS does, but takes an incumbent stopped early for the bound."""

from dataclasses import dataclass, replace

from splgbench.methods import method as by_name


@dataclass(frozen=True)
class Hasty:
    name: str = "hasty.py"

    def reason_against(self, instance, limits):
        return None

    def solve(self, instance, limits, start=None, permutation=None, on_event=None, stop=None):
        found = by_name("linked@highs").solve(instance, limits, start, permutation, on_event, stop)
        early = found.primal is not None and found.status != "optimal"
        return replace(found, method=self.name, dual=float(found.primal) - 1.0) if early else found


def method(backend=None):
    return Hasty()
'''
