"""``splgbench certify``: prove a result's value and a bound again, independent of the solver."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splgbench.allocation import read_allocation
from splgbench.certificates.certificate import SCHEMA, Certificate, RefutedError, parse_certificate, read_certificate
from splgbench.certificates.produce import NODE_BUDGET, ROUNDS, produce
from splgbench.certificates.verify import verify
from splgbench.checker import check
from splgbench.cli.arguments import Parsers, add_command, read_instance
from splgbench.cli.output import print_json
from splgbench.errors import InputError
from splgbench.files import parse_json, read_text
from splgbench.instance import Instance
from splgbench.library import library_names
from splgbench.readable import amount, percent
from splgbench.result import contradicts, relative_gap

EXAMPLES = """  splgbench solve us-miami-2011 -o result.json
  splgbench certify result.json -o certificate.json
  splgbench certify certificate.json
  splgbench certify result.json --instance my-package.zip --certificate certificate.json --json

A certificate has bounds that hold whatever solver was used: an LP bound and a Lagrangian bound, both in whole numbers.
A claimed bound tighter than these is not wrong; it is not verified."""

LARGEST = 10**18
"""Claims are below it: values of whole-number data are."""


@dataclass(frozen=True)
class Report:
    """What was claimed and what holds.

    Parameters
    ----------
    method, claimed_primal, claimed_dual : the result's words; None where it has none.
    primal : the allocation's value by the verifier; None without an allocation.
    bounds : the proved bounds by kind; None where the overrides are proved to clash.
    contradiction : a claim that cannot hold, or "".
    """

    instance: Instance
    method: str | None
    claimed_primal: float | None
    claimed_dual: float | None
    primal: int | None
    bounds: dict[str, int | None]
    contradiction: str

    @property
    def proved(self) -> int | None:
        """The best proved bound."""
        return min((bound for bound in self.bounds.values() if bound is not None), default=None)

    @property
    def dual_state(self) -> str:
        """Whether the claimed dual follows from what is proved: verified, not verified, contradicted or none."""
        if self.claimed_dual is None:
            return "none"
        if self.contradiction:
            return "contradicted"
        return "verified" if self.proved is not None and self.claimed_dual >= self.proved else "not verified"


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "certify", run, "prove the value and bounds of a result without its solver", EXAMPLES)
    parser.add_argument("result", metavar="RESULT", type=Path, help="a result of solve -o FILE.json, or a certificate")
    parser.add_argument("--instance", metavar="INSTANCE", help="its instance (default: the library's of that name)")
    parser.add_argument("--without", metavar="RULE", action="append", default=[], help="as for solve (repeatable)")
    parser.add_argument("--cut", metavar="HxG", help="as for solve")
    parser.add_argument("--certificate", metavar="FILE", type=Path, help="verify this certificate's bounds, make none")
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=int,
        default=ROUNDS,
        help=f"steps towards better multipliers (default {ROUNDS})",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the certificate")


def run(arguments: argparse.Namespace) -> int:
    data = parse_json(read_text(arguments.result), str(arguments.result))
    if not isinstance(data, dict):
        raise InputError("must be a result or a certificate: a JSON object", str(arguments.result))
    instance = _instance(arguments, data)
    if data.get("schema") == SCHEMA:
        certificate = parse_certificate(data, str(arguments.result))
        claims = dict(certificate.claims)
    else:
        claims = {key: data.get(key) for key in ("method", "primal", "dual", "claimed_dual")}
        certificate = _certificate(arguments, instance, data, claims)
    report = _report(instance, certificate, claims, str(arguments.result))
    if arguments.output is not None:
        certificate.write(arguments.output)
    if arguments.json:
        print_json(_as_json(report))
    else:
        _print(report, arguments.output)
    return 1 if report.contradiction else 0


def _instance(arguments: argparse.Namespace, data: dict[str, Any]) -> Instance:
    """The instance named on the command line, else by the file; a file for another one is refused."""
    if arguments.instance is None:
        name = data.get("instance")
        if not isinstance(name, str) or not name:
            raise InputError("field instance: must name the instance; or say --instance", str(arguments.result))
        known = library_names()
        # A generated instance carries its seed behind the name of its recipe.
        arguments.instance = name if name in known else re.sub(r"-s[0-9]+$", "", name)
        if arguments.instance not in known:
            rule = f"field instance: {name} is not in the library; say which it is with --instance"
            raise InputError(rule, str(arguments.result))
    instance = read_instance(arguments)
    if data.get("instance_hash") != instance.instance_hash:
        rule = f"field instance_hash: is not that of {instance.name or 'the instance'} ({instance.instance_hash[:12]})"
        raise InputError(rule, str(arguments.result))
    return instance


def _certificate(
    arguments: argparse.Namespace, instance: Instance, data: dict[str, Any], claims: dict[str, Any]
) -> Certificate:
    """The certificate to verify for a result: the given one's bounds, or new ones, with the result's allocation."""
    cases = None
    if data.get("allocation") is not None:
        allocation = read_allocation(arguments.result, instance)
        verdict, cases = check(instance, allocation), allocation.cases
        if not verdict.feasible:
            raise RefutedError(f"{arguments.result}: field allocation: {verdict.violations[0]}")
        if allocation.objective is not None and allocation.objective != verdict.objective:
            claim = f"claims {allocation.objective}, the allocation is worth {verdict.objective}"
            raise RefutedError(f"{arguments.result}: field primal: {claim}")
    if arguments.certificate is None:
        return produce(instance, cases, claims, NODE_BUDGET, arguments.rounds, _multipliers(arguments, data))
    given = read_certificate(arguments.certificate)
    return replace(given, cases=cases, primal=None if cases is None else check(instance, cases).objective)


def _multipliers(arguments: argparse.Namespace, data: dict[str, Any]) -> dict[str, list[tuple[list[str], float]]]:
    """The multipliers that a result brings along; none where it has none."""
    found = data.get("multipliers", {})
    try:
        told = {
            str(family): [([str(group), str(region)], float(price)) for (group, region), price in rows]
            for family, rows in found.items()
        }
    except (AttributeError, TypeError, ValueError):
        rule = "field multipliers: must give [[group, region], price] by family"
        raise InputError(rule, str(arguments.result)) from None
    if not all(math.isfinite(price) for rows in told.values() for _, price in rows):
        raise InputError("field multipliers: a price must be a finite number", str(arguments.result))
    return told


def _report(instance: Instance, certificate: Certificate, claims: dict[str, Any], file: str) -> Report:
    verified = verify(instance, certificate)
    duals = [_number(claims.get(key), key, file) for key in ("dual", "claimed_dual")]
    dual = next((value for value in duals if value is not None), None)
    primal = _number(claims.get("primal"), "primal", file)
    best = verified.primal
    contradiction = ""
    if primal is not None and best is not None and primal != best:
        contradiction = f"the claimed primal is {primal:,}, the allocation is worth {best:,}"
    for value in duals:
        if value is not None and best is not None and contradicts(value, best):
            contradiction = f"the claimed dual {amount(value)} lies below the checked value {best:,}"
    for kind, bound in verified.bounds.items():
        if best is not None and (bound is None or bound < best):
            contradiction = f"the {kind} bound {bound} lies below the checked value {best:,}: report this as a bug"
    method = claims.get("method")
    return Report(
        instance=instance,
        method=method if isinstance(method, str) else None,
        claimed_primal=primal,
        claimed_dual=dual,
        primal=best,
        bounds=dict(verified.bounds),
        contradiction=contradiction,
    )


def _number(value: Any, name: str, file: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:
        raise InputError(f"field {name}: must be a number below 1e18, is {str(value)[:40]}", file)
    return value


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "instance": report.instance.name,
        "instance_hash": report.instance.instance_hash,
        "method": report.method,
        "claimed_primal": report.claimed_primal,
        "claimed_dual": report.claimed_dual,
        "primal": report.primal,
        "bounds": report.bounds,
        "dual": report.proved,
        "gap": relative_gap(report.primal, report.proved),
        "dual_claim": report.dual_state,
        "contradiction": report.contradiction or None,
    }


def _print(report: Report, output: Path | None) -> None:
    print(f"{report.method or 'certificate'} on {report.instance.name}")
    told = "-" if report.claimed_primal is None else amount(report.claimed_primal)
    print(f"  primal  claimed {told}, verified {'-' if report.primal is None else f'{report.primal:,}'}")
    told = "-" if report.claimed_dual is None else amount(report.claimed_dual)
    print(f"  dual    claimed {told}, {report.dual_state}")
    for kind, bound in report.bounds.items():
        gap = percent(relative_gap(report.primal, bound))
        shown = "no allocation exists" if bound is None else f"{bound:,}" + (f" (gap {gap})" if gap else "")
        print(f"  proved  {kind:<10} {shown}")
    gap = percent(relative_gap(report.primal, report.proved))
    if report.contradiction:
        print(f"  contradiction: {report.contradiction}")
    elif gap is not None:
        print(f"  the gap proved without the solver is {gap}")
    if output is not None:
        print(f"  written {output}")
