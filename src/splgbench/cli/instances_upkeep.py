"""``splgbench instances record | verify | features | hashes``: what keeps the library's tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from splgbench.cli.output import print_json, print_table
from splgbench.errors import InputError
from splgbench.files import read_text, write_text
from splgbench.library.best_known import library_folder, read_best_known, read_claim, recheck, record
from splgbench.library.catalogue import catalogue
from splgbench.library.families import (
    HASHES_FILE,
    committed_member_hashes,
    hashes_text,
    load_families,
    member_hashes,
)
from splgbench.library.features import FEATURES_FILE, features, parse_features, write_features
from splgbench.library.names import load
from splgbench.readable import percent

_LIBRARY = "folder of the library's files (default: instances/ of this installation)"


def add_actions(actions: Any) -> None:
    parser = _action(actions, "record", _record, "verify a result and keep what it improves of the best known")
    parser.add_argument("result", metavar="RESULT", type=Path, help="a file of splgbench solve -o FILE.json")
    parser.add_argument(
        "--certificate", metavar="FILE", type=Path, help="of splgbench certify -o: verify its bounds, too"
    )
    parser.add_argument(
        "--instance", metavar="NAME", default="", help="its name in the library (default: the result's)"
    )
    parser.add_argument("--library", metavar="FOLDER", type=Path, help=_LIBRARY)
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


def _action(actions: Any, name: str, act: Any, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.set_defaults(act=act)
    return parser


def _record(arguments: argparse.Namespace) -> int:
    claim = read_claim(arguments.result, arguments.instance, arguments.certificate)
    change = record(claim, arguments.library or library_folder())
    entry = change.entry
    if arguments.json:
        print_json({**vars(entry), "status": entry.status, "gap": entry.gap, "changes": list(change.told)})
        return 0
    print(f"{entry.instance}: {entry.status}, gap {percent(entry.gap) or 'unknown'}")
    for sentence in change.told or ("nothing is better than what is on file",):
        print(f"  {sentence}")
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
        known[name] = features(load(name), name, arguments.lp)
        write_text(path, write_features(known.values()))
        done.append(name)
    if arguments.json:
        print_json({"written": str(path), "computed": done})
    else:
        print(f"{len(done)} computed, {len(known)} in {path}")
    return 0


def _hashes(arguments: argparse.Namespace) -> int:
    families = [family for family in load_families() if not arguments.families or family.prefix in arguments.families]
    now = list(member_hashes(families))
    if arguments.write:
        kept = {} if not arguments.families else committed_member_hashes()
        rows = {**kept, **{row.instance: row for row in now}}
        target = (arguments.library or library_folder()) / "families" / HASHES_FILE
        write_text(target, hashes_text(rows[name] for name in sorted(rows)))
        print(f"written {target}")
        return 0
    committed = committed_member_hashes()
    changed = [row.instance for row in now if committed.get(row.instance) != row]
    if arguments.json:
        print_json({"compared": len(now), "changed": changed})
    else:
        print_table(("changed",), [(name,) for name in changed])
        print(f"{len(now)} compared, {len(changed)} changed")
    return 1 if changed else 0
