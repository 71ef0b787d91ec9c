"""``splgbench instances record``, ``verify``, ``features`` and so on: what keeps the library's tables."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from splgbench.certificates.produce import ROUNDS
from splgbench.cli.output import print_json, print_table
from splgbench.errors import InputError
from splgbench.files import read_text, write_text
from splgbench.generator.generate import generate
from splgbench.generator.recipe import recipe_text
from splgbench.generator.twin import family_text, fit_rows, marginals, twin
from splgbench.library.baseline import RUNS_FILE, BaselineRun, class_of, page, parse_runs, runs_text, store_runs
from splgbench.library.best_known import (
    best_known,
    certified_claim,
    library_folder,
    read_best_known,
    read_claim,
    read_claims,
    recheck,
    record,
)
from splgbench.library.catalogue import catalogue
from splgbench.library.families import load_families
from splgbench.library.features import FEATURES_FILE, committed_features, features, parse_features, write_features
from splgbench.library.hashes import FAMILIES_FILE, committed_hashes, computed_hash, hashes_text
from splgbench.library.names import by_number, load, load_named
from splgbench.library.picture import draw_curves
from splgbench.library.selection import chosen, parse_rule
from splgbench.library.sets import set_members, set_text
from splgbench.readable import percent
from splgbench.result import relative_gap

_LIBRARY = "folder of the library's files (default: instances/ of this installation)"


def add_actions(actions: Any) -> None:
    parser = _action(actions, "record", _record, "verify a result and keep what it improves of the best known")
    parser.add_argument("result", metavar="RESULT", type=Path, help="of solve -o FILE.json, or a campaign's store")
    parser.add_argument(
        "--certificate", metavar="FILE", type=Path, help="of splgbench certify -o: verify its bounds, too"
    )
    parser.add_argument(
        "--instance", metavar="NAME", default="", help="its name in the library (default: the result's)"
    )
    parser.add_argument("--library", metavar="FOLDER", type=Path, help=_LIBRARY)
    parser = _action(actions, "certify", _certify, "prove bounds for what is best known, keep the better ones")
    parser.add_argument("instances", metavar="NAME", nargs="+", help="recorded instances")
    parser.add_argument("--rounds", metavar="N", type=int, default=ROUNDS, help=f"as for certify (default {ROUNDS})")
    parser = _action(actions, "verify", _verify, "check allocations and certificates on file again")
    parser.add_argument("instances", metavar="NAME", nargs="*", help="which (default: all)")
    parser.add_argument("--library", metavar="FOLDER", type=Path, help=_LIBRARY)
    parser = _action(actions, "features", _features, "compute features and keep them in features.csv")
    parser.add_argument("patterns", metavar="PATTERN", nargs="+", help="names of the library, with * (quoted)")
    parser.add_argument("--lp", metavar="S", type=float, help="LP bounds, too, at most S seconds each")
    parser.add_argument("--missing", action="store_true", help="only what features.csv lacks")
    parser.add_argument("--library", metavar="FOLDER", type=Path, help=_LIBRARY)
    parser = _action(actions, "hashes", _hashes, "compare synthetic instances with their committed hashes")
    parser.add_argument("families", metavar="FAMILY", nargs="*", help="which (default: all)")
    parser.add_argument("--write", action="store_true", help="write the hashes instead")
    parser.add_argument("--library", metavar="FOLDER", type=Path, help=_LIBRARY)

    parser = _action(actions, "select", _select, "choose the benchmark set from the features, by its stated rule")
    parser.add_argument("--set", metavar="SET", default="benchmark", help="which (default: benchmark)")
    parser.add_argument("--library", metavar="FOLDER", type=Path, help=_LIBRARY)
    parser = _action(actions, "baseline", _baseline, "write BASELINE.md and the classes of the benchmark set")
    parser.add_argument("--from", dest="stores", metavar="STORE", type=Path, nargs="+", default=[], help="take runs in")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, default=Path("BASELINE.md"))
    parser.add_argument("--library", metavar="FOLDER", type=Path, help=_LIBRARY)
    parser = _action(actions, "twin", _twin, "fit a recipe to instances: their statistics without their data")
    parser.add_argument("instances", metavar="NAME", nargs="+", help="names of the library, folders or zips")
    parser.add_argument("--family", metavar="FILE", type=Path, help="write the family of these twins (TOML)")
    parser.add_argument("--picture", metavar="FILE", type=Path, help="draw the fit of the first one (.svg or .png)")
    parser.add_argument("--seeds", metavar="N", type=int, nargs="+", default=[1, 2, 3], help="seeds of the twins")


def _action(actions: Any, name: str, act: Any, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.set_defaults(act=act)
    return parser


def _record(arguments: argparse.Namespace) -> int:
    folder = arguments.library or library_folder()
    if arguments.result.suffix == ".sqlite":
        changes = [record(claim, folder) for claim in read_claims(arguments.result) if claim.primal is not None]
    else:
        changes = [record(read_claim(arguments.result, arguments.instance, arguments.certificate), folder)]
    if arguments.json:
        told = [(change.entry, change.told) for change in changes]
        records = [{**vars(entry), "status": entry.status, "gap": entry.gap, "changes": news} for entry, news in told]
        print_json({"records": records})
        return 0
    for change in changes:
        print(f"{change.entry.instance}: {change.entry.status}, gap {percent(change.entry.gap) or 'unknown'}")
        for sentence in change.told or ("nothing is better than what is on file",):
            print(f"  {sentence}")
    return 0


def _certify(arguments: argparse.Namespace) -> int:
    known = best_known()
    unknown = [name for name in arguments.instances if name not in known]
    if unknown:
        raise InputError("nothing is recorded of it", unknown[0])
    proved = []
    for name in arguments.instances:
        entry = record(certified_claim(known[name], arguments.rounds), library_folder()).entry
        gap = percent(relative_gap(entry.primal, entry.dual_certified))
        proved.append({"instance": name, "dual_certified": entry.dual_certified, "status": entry.status})
        if not arguments.json:
            print(f"{name}: {entry.status}, certified dual {entry.dual_certified:,}, gap {gap}", flush=True)
    if arguments.json:
        print_json({"certified": proved})
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    folder = arguments.library or library_folder()
    entries = read_best_known(folder)
    names = arguments.instances or sorted(entries)
    for name in names:
        if name not in entries:
            raise InputError("nothing is recorded of it", name)
        recheck(entries[name], folder)
        if not arguments.json:
            certified = entries[name].dual_certified
            print(f"{name}: primal {entries[name].primal:,} holds, certified dual {certified or '-'}")
    if arguments.json:
        print_json({"verified": list(names)})
    return 0


def _features(arguments: argparse.Namespace) -> int:
    path = (arguments.library or library_folder()) / FEATURES_FILE
    known = parse_features(read_text(path), str(path)) if path.exists() else {}
    names = dict.fromkeys(entry.name for pattern in arguments.patterns for entry in catalogue(pattern))
    if not names:
        raise InputError(f"nothing in the library is called {' or '.join(arguments.patterns)}", "PATTERN")
    done = []
    for name in names:
        if arguments.missing and name in known and (arguments.lp is None or known[name].lp_linked is not None):
            continue
        known[name] = features(load_named(name), name, arguments.lp)
        write_text(path, write_features(known.values()))
        done.append(name)
    if arguments.json:
        print_json({"written": str(path), "computed": done})
    else:
        print(f"{len(done)} computed, {len(known)} in {path}")
    return 0


def _select(arguments: argparse.Namespace) -> int:
    folder = arguments.library or library_folder()
    file = folder / "sets" / f"{arguments.set}.toml"
    rule = parse_rule(read_text(file), str(file))
    for pattern in (*rule.always, *rule.pool):
        if not catalogue(pattern):
            raise InputError(f"nothing in the library is called {pattern}", str(file))
    always = {entry.name: entry for pattern in rule.always for entry in catalogue(pattern)}
    entries = always | {entry.name: entry for pattern in rule.pool for entry in catalogue(pattern)}
    pool = {name: entry.features for name, entry in entries.items() if entry.features is not None}
    lacking = sorted(set(entries) - set(pool))
    if lacking:
        raise InputError(f"features.csv lacks {', '.join(lacking)}: splgbench instances features", str(file))
    names = chosen(pool, {name: entry.family for name, entry in entries.items()}, rule, always)
    best = read_best_known(folder)
    runs = _runs(folder)
    rows = {
        name: {
            "instance_hash": pool[name].instance_hash,
            "family": entries[name].family,
            "class": class_of(name, runs, best.get(name)),
        }
        for name in sorted(names, key=by_number)
    }
    write_text(folder / "sets" / f"{arguments.set}.csv", set_text(rows))
    if arguments.json:
        print_json({"pool": len(pool), "chosen": names})
    else:
        print(f"{len(names)} of {len(pool)} chosen: sets/{arguments.set}.csv")
    return 0


def _runs(folder: Path) -> list[BaselineRun]:
    path = folder / RUNS_FILE
    return parse_runs(read_text(path), str(path)) if path.exists() else []


def _baseline(arguments: argparse.Namespace) -> int:
    folder = arguments.library or library_folder()
    runs = [*_runs(folder), *(run for store in arguments.stores for run in store_runs(store))]
    members, best = set_members("benchmark"), read_best_known(folder)
    if arguments.stores:
        write_text(folder / RUNS_FILE, runs_text(runs))
        runs = _runs(folder)
    rows = {name: {**row, "class": class_of(name, runs, best.get(name))} for name, row in members.items()}
    write_text(folder / "sets" / "benchmark.csv", set_text(rows))
    write_text(arguments.output, page(rows, runs, best, committed_features()))
    if arguments.json:
        print_json({"written": str(arguments.output), "runs": len(runs)})
    else:
        print(f"written {arguments.output} from {len(runs)} runs")
    return 0


def _twin(arguments: argparse.Namespace) -> int:
    real = {_slug(name): load(name) for name in arguments.instances}
    recipes = {label: twin(instance, f"twin-of-{label}") for label, instance in real.items()}
    drawn = {
        label: [generate(replace(recipe, seed=seed)) for seed in arguments.seeds] for label, recipe in recipes.items()
    }
    if arguments.family is not None:
        write_text(arguments.family, family_text(real, arguments.seeds))
    if arguments.picture is not None:
        label, first = next(iter(real.items()))
        named = {label: first} | {
            f"seed {seed}": made for seed, made in zip(arguments.seeds, drawn[label], strict=True)
        }
        curves = {name: marginals(instance) for name, instance in named.items()}
        draw_curves(
            {panel: {name: curves[name][panel] for name in curves} for panel in curves[label]}, arguments.picture
        )
    rows = fit_rows(real, drawn)
    if arguments.json:
        texts = {label: recipe.as_text() for label, recipe in recipes.items()}
        print_json({"recipes": texts, "fit": [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]})
        return 0
    for recipe in recipes.values():
        print(recipe_text(recipe))
    print_table(rows[0], rows[1:], "instances, and their twins from the smallest to the largest")
    return 0


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower() if Path(name).exists() else name.lower()).strip("-")


def _hashes(arguments: argparse.Namespace) -> int:
    families = [family for family in load_families() if not arguments.families or family.prefix in arguments.families]
    now = [computed_hash(name) for family in families for name in family.names()]
    committed = {row.instance: row for row in committed_hashes(FAMILIES_FILE)}
    if arguments.write:
        named = {name for family in load_families() for name in family.names()}
        rows = committed | {row.instance: row for row in now}
        target = (arguments.library or library_folder()) / FAMILIES_FILE
        write_text(target, hashes_text(rows[name] for name in sorted(set(rows) & named)))
        print(f"written {target}")
        return 0
    changed = [row.instance for row in now if committed.get(row.instance) != row]
    if arguments.json:
        print_json({"compared": len(now), "changed": changed})
    else:
        print_table(("changed",), [(name,) for name in changed])
        print(f"{len(now)} compared, {len(changed)} changed")
    return 1 if changed else 0
