"""The best known value and bounds of every instance; they change only by what was verified, never for the worse.

`instances/best_known.csv` has a line an instance; `instances/best_known/NAME/` holds its allocation
(`allocation.csv.gz`) and, where a bound is certified, the multipliers that prove it (`certificate.json.gz`).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields, replace
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from splgbench.allocation import Allocation, read_allocation
from splgbench.campaign.store import Store
from splgbench.certificates.certificate import Certificate, RefutedError, read_certificate
from splgbench.certificates.produce import produce
from splgbench.certificates.verify import verify
from splgbench.checker import check
from splgbench.errors import InputError, OutputError, Problem
from splgbench.files import alone_in, parse_csv, parse_json, read_text, write_text, written_whole
from splgbench.hashing import csv_line
from splgbench.instance import Instance
from splgbench.library.features import committed_features
from splgbench.library.names import library_names, load_named
from splgbench.result import Status, contradicts, relative_gap

_T = TypeVar("_T")

FILE = "best_known.csv"
FOLDER = "best_known"
ALLOCATION, CERTIFICATE = "allocation.csv.gz", "certificate.json.gz"
_NOT_RECORDED = (Status.WRONG, Status.ERROR)
STATUSES = ("optimal", "optimal-claimed", "open", "unknown")
"""Certified bound equals the value; a solver's bound does; a gap is left; no value is known."""


@dataclass(frozen=True)
class BestKnown:
    """What is known of an instance; values and bounds in utility units.

    Parameters
    ----------
    instance, instance_hash : of what.
    primal : value of the allocation on file, by the exact checker.
    primal_by : method and versions that found it.
    dual_certified : least bound that the certificate on file proves; None without one.
    certified_by : kind of the bound, and the method that brought the multipliers.
    dual_claimed : a solver's bound where it is below the certified one; None otherwise.
    claimed_by : method and versions that claim it.
    """

    instance: str
    instance_hash: str
    primal: int
    primal_by: str
    dual_certified: int | None = None
    certified_by: str = ""
    dual_claimed: int | None = None
    claimed_by: str = ""

    @property
    def dual(self) -> int | None:
        """The least bound, certified or claimed."""
        return min((bound for bound in (self.dual_certified, self.dual_claimed) if bound is not None), default=None)

    @property
    def dual_kind(self) -> str:
        """ "certified", "claimed" or "" where there is no bound."""
        if self.dual is None:
            return ""
        return "certified" if self.dual == self.dual_certified else "claimed"

    @property
    def gap(self) -> float | None:
        """|dual - primal| / |primal| with the least bound."""
        return relative_gap(self.primal, self.dual)

    @property
    def status(self) -> str:
        """Of `STATUSES`."""
        if self.primal == self.dual_certified:
            return "optimal"
        return "optimal-claimed" if self.primal == self.dual_claimed else "open"


COLUMNS = tuple(entry.name for entry in fields(BestKnown))
_NUMBERS = ("primal", "dual_certified", "dual_claimed")


@dataclass(frozen=True)
class Claim:
    """A result, verified: what it may be recorded as.

    Parameters
    ----------
    instance, name : of what, and what the library calls it.
    cases, primal : the allocation and its value by the exact checker; None without one.
    dual : the method's bound; None without one.
    by : method and versions.
    certificate : with its one best part; None without one.
    certified : the bound that the verifier computes from it.
    """

    instance: Instance
    name: str
    cases: Mapping[tuple[str, str], int] | None
    primal: int | None
    dual: int | None
    by: str
    certificate: Certificate | None = None
    certified: int | None = None


@dataclass(frozen=True)
class Change:
    """The entry after a record, and what happened, in sentences."""

    entry: BestKnown
    told: tuple[str, ...] = field(default_factory=tuple)


def library_folder() -> Path:
    """The folder of the library's files: `instances/` of a checkout."""
    with resources.as_file(_root()) as folder:
        return folder


def best_known() -> dict[str, BestKnown]:
    """By name, the entries as they stand in the library."""
    file = _root() / FILE
    return parse_best_known(file.read_text("utf-8"), FILE) if file.is_file() else {}


def read_best_known(folder: Path) -> dict[str, BestKnown]:
    """By name, the entries of a library folder; none where it has no such file.

    Raises
    ------
    InputError
        The file holds something else.
    """
    path = folder / FILE
    return parse_best_known(read_text(path), str(path)) if path.exists() else {}


def parse_best_known(text: str, file: str) -> dict[str, BestKnown]:
    """The entries of a `best_known.csv`; raises `InputError` as `read_best_known` does."""
    table = parse_csv("best_known", file, text)
    if tuple(table.columns) != COLUMNS:
        raise InputError(f"must have the columns {', '.join(COLUMNS)}", file)
    found: dict[str, BestKnown] = {}
    for line, cells in zip(table.rows, zip(*table.columns.values(), strict=True), strict=True):
        values: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
        for column in _NUMBERS:
            if values[column] and not values[column].isdecimal():
                raise InputError([Problem(file, line, column, "must be a whole number", values[column])])
            values[column] = int(values[column]) if values[column] else None
        if values["primal"] is None or values["instance"] in found:
            raise InputError([Problem(file, line, "instance", "must have one line with a primal", values["instance"])])
        found[values["instance"]] = BestKnown(**values)
    return found


def best_known_text(entries: Mapping[str, BestKnown]) -> str:
    """The file, sorted by name."""
    rows = (("" if cell is None else cell for cell in astuple(entries[name])) for name in sorted(entries))
    return "\n".join([csv_line(COLUMNS), *map(csv_line, rows)]) + "\n"


def read_claim(path: Path, name: str = "", certificate: Path | None = None) -> Claim:
    """Read a result of ``splgbench solve -o FILE.json`` and verify all that it claims.

    Parameters
    ----------
    name : the library's name of its instance; what the file says where there is none.
    certificate : a certificate of ``splgbench certify -o`` whose bounds are verified, too.

    Raises
    ------
    InputError
        No result or certificate of an instance of the library.
    RefutedError
        An allocation that breaks a rule or is worth something else, a bound below its value, a certificate that does
        not prove its bounds.
    """
    data = parse_json(read_text(path), str(path))
    if not isinstance(data, dict) or not isinstance(data.get("instance_hash"), str):
        raise InputError("must be a result of splgbench solve: a JSON object", str(path))
    if data.get("status") in _NOT_RECORDED:
        raise InputError(f"field status: a run that ended as {data['status']} is not recorded", str(path))
    allocation = None if data.get("allocation") is None else read_allocation(path)
    claim = _checked(name or str(data.get("instance") or ""), data, allocation, path)
    return claim if certificate is None else _certified(claim, read_certificate(certificate))


def read_claims(store: Path) -> Iterator[Claim]:
    """Verify the runs of a campaign's store, as `read_claim` does; runs on instances that have no name are passed over.

    Raises
    ------
    InputError, RefutedError
        As `read_claim`; the store cannot be read.
    """
    with Store(store) as opened:
        for run in opened.runs():
            name = library_name(run["instance"], run["instance_hash"])
            if name and run["status"] not in _NOT_RECORDED:
                file = opened.file(run["allocation_file"]) if run["allocation_file"] else None
                yield _checked(name, run, None if file is None else read_allocation(file), store)


def library_name(told: str, instance_hash: str) -> str:
    """What the library calls the instance of a run: its name there, else the one with the hash, else "".

    A generated instance carries its seed behind the name of its recipe.
    """
    if told in library_names():
        return told
    return next((row.instance for row in committed_features().values() if row.instance_hash == instance_hash), "")


def _checked(name: str, data: Mapping[str, Any], allocation: Allocation | None, path: Path) -> Claim:
    """The claim of a result's or a run's fields, verified but for a certificate."""
    instance = _loaded(name)
    if data["instance_hash"] != instance.instance_hash:
        raise InputError(f"field instance_hash: is not that of {name} ({instance.instance_hash[:12]})", str(path))
    cases, primal = None, None
    if allocation is not None:
        if allocation.instance_hash not in (None, instance.instance_hash):
            raise InputError(f"field allocation: is for another instance than {name}", str(path))
        verdict, cases = check(instance, allocation), allocation.cases
        if not verdict.feasible:
            raise RefutedError(f"{path}: field allocation: {verdict.violations[0]}")
        primal = verdict.objective
        if allocation.objective is not None and allocation.objective != primal:
            raise RefutedError(f"{path}: field primal: claims {allocation.objective}, the allocation is worth {primal}")
    dual = data.get("dual")
    whole = (isinstance(dual, float) and dual.is_integer()) or (isinstance(dual, int) and not isinstance(dual, bool))
    if dual is not None and not whole:
        raise InputError("field dual: must be a whole number", str(path))
    if dual is not None and primal is not None and contradicts(dual, primal):
        raise RefutedError(f"{path}: field dual: {dual} lies below the checked value {primal}")
    versions = data.get("versions")
    told = sorted(versions.items()) if isinstance(versions, dict) else []
    by = "; ".join(
        filter(None, (str(data.get("method") or ""), ", ".join(f"{what} {number}" for what, number in told)))
    )
    return Claim(instance, name, cases, primal, None if dual is None else int(dual), by)


@lru_cache(maxsize=2)
def _loaded(name: str) -> Instance:
    return load_named(name)


def _certified(claim: Claim, certificate: Certificate) -> Claim:
    """The claim with the best part of a certificate."""
    proved = []
    for part in certificate.parts:
        alone = replace(certificate, parts=(part,), cases=None, primal=None)
        bound = verify(claim.instance, alone).bounds[part.kind]
        if bound is not None:
            proved.append((bound, part.kind, alone))
    if not proved:
        return claim
    bound, _, alone = min(proved, key=lambda entry: entry[:2])
    if claim.primal is not None and bound < claim.primal:
        raise RefutedError(f"{certificate.file}: proves {bound}, below the checked value {claim.primal}: report this")
    return replace(claim, certificate=alone, certified=bound)


def certified_claim(entry: BestKnown, rounds: int) -> Claim:
    """An entry's own allocation with a new certificate of its bound.

    Parameters
    ----------
    rounds : steps towards better multipliers, as in `splgbench certify`.

    Raises
    ------
    InputError, RefutedError
        The files of the entry are missing or not what they must be; a bound lies below the value.
    """
    instance = _loaded(entry.instance)
    cases = best_allocation(entry.instance, instance).cases
    by = f"splgbench instances certify, {rounds} rounds"
    claim = Claim(instance, entry.instance, cases, check(instance, cases).objective, None, by)
    return _certified(claim, produce(instance, cases, rounds=rounds))


def merged(old: BestKnown | None, claim: Claim) -> Change:
    """The entry that a verified claim makes of the present one.

    Raises
    ------
    InputError
        There is no value yet and the claim brings none, or the entry is of another instance.
    RefutedError
        The claim and a certified entry contradict each other.
    """
    told: list[str] = []
    if old is not None and old.instance_hash != claim.instance.instance_hash:
        raise InputError(f"the entry is of an instance with the hash {old.instance_hash[:12]}", claim.name)
    if old is None:
        if claim.primal is None:
            raise InputError("no value is known yet, and the result has no allocation", claim.name)
        entry = BestKnown(claim.name, claim.instance.instance_hash, claim.primal, claim.by)
        told.append(f"primal {claim.primal:,}, the first")
    elif claim.primal is not None and claim.primal > old.primal:
        entry = replace(old, primal=claim.primal, primal_by=claim.by)
        told.append(f"primal {claim.primal:,}, better than {old.primal:,}")
    else:
        entry = old
    if claim.certified is not None and (entry.dual_certified is None or claim.certified < entry.dual_certified):
        assert claim.certificate is not None
        kind = claim.certificate.parts[0].kind
        told.append(f"certified dual {claim.certified:,} ({kind})")
        entry = replace(entry, dual_certified=claim.certified, certified_by="; ".join((kind, claim.by)))
    if entry.dual_certified is not None and entry.dual_certified < entry.primal:
        raise RefutedError(
            f"{claim.name}: the certified bound {entry.dual_certified} lies below the checked value {entry.primal}: "
            "report this"
        )
    if entry.dual_claimed is not None and entry.dual_claimed < entry.primal:
        told.append(f"the claimed dual {entry.dual_claimed:,} of {entry.claimed_by} was wrong and is withdrawn")
        entry = replace(entry, dual_claimed=None, claimed_by="")
    if claim.dual is not None and claim.dual < entry.primal:
        raise RefutedError(f"{claim.name}: the dual {claim.dual} lies below the best known value {entry.primal}")
    if claim.dual is not None and (entry.dual is None or claim.dual < entry.dual):
        told.append(f"claimed dual {claim.dual:,}")
        entry = replace(entry, dual_claimed=claim.dual, claimed_by=claim.by)
    if entry.dual_kind == "certified":
        entry = replace(entry, dual_claimed=None, claimed_by="")
    return Change(entry, tuple(told))


def record(claim: Claim, folder: Path) -> Change:
    """Write what a verified claim improves to a library folder; what is there already and not worse stays.

    Raises
    ------
    InputError, RefutedError
        As `merged` does.
    OutputError
        A file cannot be written.
    """
    with alone_in(folder):
        return _recorded(claim, folder)


def _recorded(claim: Claim, folder: Path) -> Change:
    entries = read_best_known(folder)
    old = entries.get(claim.name)
    change = merged(old, claim)
    if change.entry == old:
        return change
    own = folder / FOLDER / claim.name
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {own}: {error.strerror}") from None
    if old is None or change.entry.primal > old.primal:
        assert claim.cases is not None
        allocation = Allocation(claim.cases, claim.instance.instance_hash, claim.primal)
        _write_packed(own / ALLOCATION, allocation.write)
    if claim.certificate is not None and (old is None or change.entry.dual_certified != old.dual_certified):
        _write_packed(own / CERTIFICATE, claim.certificate.write)
    write_text(folder / FILE, best_known_text({**entries, claim.name: change.entry}))
    return change


def best_allocation(name: str, instance: Instance) -> Allocation:
    """The best known allocation of an instance of the library.

    Raises
    ------
    InputError
        None is recorded, or the instance is another one than the record's (changed rules, a cut).
    """
    if name not in best_known():
        raise InputError("no allocation is recorded of it", name)
    return _read_packed(library_folder() / FOLDER / name / ALLOCATION, lambda path: read_allocation(path, instance))


def recheck(entry: BestKnown, folder: Path) -> None:
    """Verify an entry from its files: the exact checker on the allocation, the verifier on the certificate.

    Raises
    ------
    InputError
        Files that are missing, or of another instance.
    RefutedError
        A value or a bound that they do not bear out.
    """
    instance, own = load_named(entry.instance), folder / FOLDER / entry.instance
    if instance.instance_hash != entry.instance_hash:
        raise InputError(
            f"the entry's hash is not that of the instance ({instance.instance_hash[:12]})", entry.instance
        )
    allocation = _read_packed(own / ALLOCATION, lambda path: read_allocation(path, instance))
    verdict = check(instance, allocation)
    if not verdict.feasible or verdict.objective != entry.primal:
        found = str(verdict.violations[0]) if verdict.violations else f"it is worth {verdict.objective}"
        raise RefutedError(f"{entry.instance}: the allocation on file is not worth {entry.primal}: {found}")
    if entry.dual_certified is not None:
        certificate = _read_packed(own / CERTIFICATE, read_certificate)
        bound = min((b for b in verify(instance, certificate).bounds.values() if b is not None), default=None)
        if bound != entry.dual_certified:
            raise RefutedError(f"{entry.instance}: the certificate on file proves {bound}, not {entry.dual_certified}")
    if entry.dual is not None and entry.dual < entry.primal:
        raise RefutedError(f"{entry.instance}: the dual {entry.dual} lies below the primal {entry.primal}")


def _write_packed(target: Path, write: Callable[[Path], None]) -> None:
    """Write with `write`, gzipped without a time stamp, whole or not at all."""
    with written_whole(target) as draft:
        plain = draft.with_suffix("")
        write(plain)
        draft.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))


def _read_packed(source: Path, read: Callable[[Path], _T]) -> _T:
    try:
        plain = gzip.decompress(source.read_bytes())
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be read: {error}", str(source)) from None
    with TemporaryDirectory() as folder:
        path = Path(folder) / source.stem
        path.write_bytes(plain)
        try:
            return read(path)
        except InputError as error:
            raise InputError(replace(each, file=str(source)) for each in error.problems) from None


def _root() -> Traversable:
    return resources.files("splgbench.instances")
