"""``splgbench instances`` and ``splgbench instances show``: the library as a list, and one of its instances."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from splgbench.cli.output import print_json, print_table
from splgbench.errors import InputError
from splgbench.library.best_known import STATUSES
from splgbench.library.catalogue import KINDS, Entry, catalogue
from splgbench.library.features import COLUMNS, Features, features
from splgbench.library.names import collection_of, load, load_named
from splgbench.library.picture import area_loads, draw_bars, text_bars
from splgbench.library.sets import set_members
from splgbench.readable import percent
from splgbench.result import relative_gap

_MOST_AREAS = 40
"""Areas that the terminal shows."""


def add_list(parser: argparse.ArgumentParser) -> None:
    """The filters of the list."""
    parser.add_argument("--name", metavar="PATTERN", default="*", help="names that match, with * (quoted)")
    parser.add_argument("--family", metavar="F", default="", help="one collection, family or 'preset'")
    parser.add_argument("--kind", choices=KINDS, default="", help="where the data come from")
    parser.add_argument("--status", choices=STATUSES, default="", help="what is known of the optimum")
    parser.add_argument("--set", metavar="SET", default="", help="the members of a set, for instance tiny or benchmark")


def add_show(actions: Any) -> None:
    parser = actions.add_parser("show", help="one instance: features, what is best known, demand against capacity")
    parser.add_argument("instance", metavar="NAME", help="an instance of the library")
    parser.add_argument("--picture", metavar="FILE", type=Path, help="write the picture as .svg or .png")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.set_defaults(act=show)


def run_list(arguments: argparse.Namespace) -> int:
    if arguments.family and not catalogue(family=arguments.family):
        families = ", ".join(sorted({entry.family for entry in catalogue()}))
        raise InputError(f"no such collection or family; there are {families}", arguments.family)
    entries = catalogue(arguments.name, arguments.family, arguments.kind, arguments.status)
    if arguments.set:
        members = set_members(arguments.set)
        entries = [entry for entry in entries if entry.name in members]
    if arguments.json:
        print_json({"instances": [entry.as_json() for entry in entries]})
        return 0
    print_table(
        (
            "instance",
            "kind",
            "H x G x A",
            "offers",
            "density",
            "capacity/demand",
            "binding",
            "cross",
            "symmetry",
            "LP gap",
            "best primal",
            "best dual",
            "gap",
            "status",
        ),
        map(_row, entries),
    )
    sources = dict.fromkeys((entry.family, entry.source) for entry in entries)
    print(f"\n{len(entries)} instances; - where nothing was computed or is known; LP gap of `strengthened`")
    for family, source in sources:
        print(f"  {family}: {source}")
    return 0


def _row(entry: Entry) -> tuple[Any, ...]:
    known, best = entry.features, entry.best
    described: tuple[Any, ...] = (None,) * 7
    if known is not None:
        described = (
            f"{known.hospitals} x {known.groups} x {known.areas}",
            known.offers,
            f"{known.density:.2f}",
            f"{known.competition:.2f}",
            f"{known.binding_thresholds:.2f}",
            f"{known.cross_area_links:.2f}",
            f"{known.symmetry:.2f}",
        )
    dual = None
    if best is not None and best.dual is not None:
        dual = f"{best.dual:,}{'' if best.dual_kind == 'certified' else '*'}"
    return (
        entry.name,
        entry.kind,
        *described,
        percent(entry.lp_gap("strengthened")),
        None if best is None else best.primal,
        dual,
        None if best is None else percent(best.gap),
        entry.status,
    )


def show(arguments: argparse.Namespace) -> int:
    """``splgbench instances show NAME``."""
    found = catalogue(arguments.instance)
    if not found:
        load(arguments.instance)
        raise InputError(
            "is no name of the library: packages and recipes of your own are not listed", arguments.instance
        )
    entry, instance = found[0], load_named(arguments.instance)
    known = entry.features
    if known is None or known.instance_hash != instance.instance_hash:
        known = features(instance, entry.name)
    loads = area_loads(instance)
    if arguments.picture is not None:
        draw_bars(loads, f"{entry.name}: demand and capacity by area", arguments.picture)
    title, about = (str(instance.metadata.get(key, "")) for key in ("title", "description"))
    if arguments.json:
        told = Entry(entry.name, entry.family, entry.kind, entry.source, known, entry.best).as_json()
        areas = [vars(load) for load in loads]
        sources = list(instance.metadata.get("sources", []))
        print_json({**told, "title": title, "description": about, "sources": sources, "areas": areas})
        return 0
    print(f"{entry.name}: {entry.kind}\n  source      {entry.source}")
    for key, text in (("title", title), ("about", about)):
        if text:
            print(f"  {key:<11} {text}")
    for source in instance.metadata.get("sources", []):
        print(f"  from        {source.get('title', '')} {source.get('path', '')}".rstrip())
    if collection_of(entry.name) is not None:
        print(f"  every number of an offer: splgbench instances provenance {entry.name} --offer HOSPITAL GROUP")
    print()
    print_table(("feature", ""), _feature_rows(known))
    print()
    _print_best(entry)
    print(f"\ndemand against capacity by area (cases; mode {instance.capacity_mode}):")
    for line in text_bars(loads[:_MOST_AREAS]):
        print(line)
    if len(loads) > _MOST_AREAS:
        print(f"  ... and {len(loads) - _MOST_AREAS} smaller areas")
    if arguments.picture is not None:
        print(f"written {arguments.picture}")
    return 0


def _feature_rows(known: Features) -> list[tuple[str, Any]]:
    rows = []
    for column in COLUMNS[2:]:
        value = getattr(known, column)
        rows.append((column.replace("_", " "), value if value is None or isinstance(value, int) else str(value)))
    return rows


def _print_best(entry: Entry) -> None:
    best = entry.best
    if best is None:
        print("best known  nothing recorded: splgbench instances record RESULT")
        return
    print(f"best known  {entry.status}")
    print(f"  primal    {best.primal:,}  ({best.primal_by})")
    if best.dual_certified is not None:
        gap = percent(relative_gap(best.primal, best.dual_certified))
        print(f"  dual      {best.dual_certified:,}, certified, gap {gap}  ({best.certified_by})")
    if best.dual_claimed is not None:
        gap = percent(relative_gap(best.primal, best.dual_claimed))
        print(f"  dual      {best.dual_claimed:,}, solver-claimed, gap {gap}  ({best.claimed_by})")
    for formulation in ("linked", "strengthened"):
        gap = percent(entry.lp_gap(formulation))
        if gap is not None:
            print(f"  LP gap    {gap} with {formulation}")
