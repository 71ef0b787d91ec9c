"""A campaign: what its TOML file says, checked."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from splgbench.campaign.sources import Source, library_sources, package_sources, recipe_sources
from splgbench.campaign.tables import LARGEST, TableReader, shown
from splgbench.errors import InputError, Problem, SplgbenchError
from splgbench.files import read_text
from splgbench.generator.recipe import KNOBS
from splgbench.isolation import GRACE
from splgbench.library import library_names, library_summary
from splgbench.limits import Limits
from splgbench.method_names import canonical, expand
from splgbench.methods import method
from splgbench.transform import CUT, RULES

KEPT = ("trace", "allocation", "log")
_NAME = re.compile(r"[^\W_][^/\\]{0,99}")
UNPERMUTED = "none"


@dataclass(frozen=True)
class Reference:
    """A fixed run at intervals that shows how the machine drifts.

    Parameters
    ----------
    source, method, limits : what is run.
    every : planned runs between two of them.
    """

    source: Source
    method: str
    limits: Limits
    every: int


@dataclass(frozen=True)
class Campaign:
    """What to run.

    Parameters
    ----------
    name, description : for people; the name is the stores' default name, too.
    sources : the instances.
    methods : method names, written out.
    limits : combinations of limits, without seeds.
    variations : pairs of a solver seed and the seed of a row and column permutation (None for none).
    repeats : how often each run is repeated.
    reference : the drift run, or None.
    keep : of `KEPT`, the files to keep of each run.
    grace : seconds past a limit before a run is killed.
    attempts : how often a run is tried that something else kills.
    pin_processors : whether local workers get processors of their own.
    cluster : settings for dask-jobqueue, passed on as they are.
    text : the file.
    """

    name: str
    sources: tuple[Source, ...]
    methods: tuple[str, ...]
    limits: tuple[Limits, ...]
    variations: tuple[tuple[int, int | None], ...] = ((0, None),)
    repeats: int = 1
    reference: Reference | None = None
    keep: tuple[str, ...] = KEPT
    grace: float = GRACE
    attempts: int = 3
    pin_processors: bool = True
    cluster: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    text: str = ""


def read_campaign(path: str | Path) -> Campaign:
    """Read a campaign file.

    Raises
    ------
    InputError
        With the file, the table, the key and the rule of everything that is wrong.
    """
    path = Path(path)
    return parse_campaign(read_text(path), path)


def parse_campaign(text: str, path: Path) -> Campaign:
    """Read a campaign from TOML text; paths in it are relative to the folder of `path`."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a syntax error, a number of too many digits, too deep a nesting
        raise InputError(f"must be TOML: {error}", str(path)) from None
    problems: list[Problem] = []
    campaign = _Reader(str(path), path.parent, given, problems).campaign(text)
    if problems:
        raise InputError(problems)
    return campaign


class _Reader:
    """Reads one campaign file table by table."""

    def __init__(self, file: str, folder: Path, given: Mapping[str, Any], problems: list[Problem]) -> None:
        self.file, self.folder, self.problems = file, folder, problems
        self.top = TableReader(file, "", given, problems)

    def campaign(self, text: str) -> Campaign:
        name = self.top.text("name")
        if not _NAME.fullmatch(name):
            self.top.problem(
                "name", "must be 100 characters at most, a letter or digit first, none of them / or \\", name
            )
        description = self.top.text("description")
        sources = [source for table in self._tables("instances") for source in self._sources(table)]
        methods = [name for table in self._tables("methods") for name in self._methods(table)]
        limits = self._limits()
        variations, repeats = self._variations()
        run = self._table("run")
        keep = run.texts("keep") if run.given("keep") else KEPT
        for entry in set(keep) - set(KEPT):
            run.problem("keep", f"must be among {', '.join(KEPT)}", entry)
        campaign = Campaign(
            name=name,
            sources=tuple(dict.fromkeys(sources)),
            methods=tuple(dict.fromkeys(methods)),
            limits=limits,
            variations=variations,
            repeats=repeats,
            reference=self._reference(limits),
            keep=keep,
            grace=run.number("grace", GRACE),
            attempts=run.whole("attempts", 3, 1, 100),
            pin_processors=run.flag("pin_processors", True),
            cluster=self._table("cluster").table,
            description=description,
            text=text,
        )
        run.finish()
        self.top.finish()
        return campaign

    def _table(self, name: str) -> TableReader:
        self.top.given(name)
        return TableReader(self.file, name, self.top.table.get(name, {}), self.problems)

    def _tables(self, name: str) -> Iterator[TableReader]:
        """The tables of a list such as [[instances]]."""
        tables = self.top.table.get(name, [])
        self.top.given(name)
        if not isinstance(tables, list) or not tables:
            self.top.problem(f"[[{name}]]", "must be given, once at least", tables or None)
            return
        for number, table in enumerate(tables, 1):
            yield TableReader(self.file, f"{name} {number}", table, self.problems)

    def _sources(self, table: TableReader) -> list[Source]:
        found: list[Source] = []
        before = len(self.problems)
        readers: dict[str, Callable[[tuple[str, ...]], list[Source]]] = {
            "names": library_sources,
            "packages": lambda patterns: package_sources(patterns, self.folder),
            "recipes": lambda patterns: recipe_sources(patterns, self.folder),
        }
        for key, reader in readers.items():
            patterns = table.texts(key)
            try:
                found += reader(patterns)
            except InputError as error:
                table.problem(key, f"must be found: {error.problems[0].rule}", list(patterns))
        broken = [source for source in found if self._recipe_problem(table, source)]
        if not found and len(self.problems) == before:
            table.problem("", f"must name an instance by {' or '.join(readers)}")
        cut = table.text("cut")
        if cut and not CUT.fullmatch(cut):
            table.problem("cut", "must be written HxG, for instance 8x20", cut)
        without = table.texts("without")
        for rule in set(without) - set(RULES):
            table.problem("without", f"must be among {', '.join(RULES)}", rule)
        if table.given("seeds"):
            seeds = table.several("seeds", int, 0, int(KNOBS["seed"].high))
            found = [replace(source, seed=seed) for source in found for seed in seeds]
        table.finish()
        return [] if broken else [replace(source, cut=cut, without=without) for source in found]

    def _recipe_problem(self, table: TableReader, source: Source) -> bool:
        """Whether a source is a recipe that breaks the rules, or has no seed where the table gives seeds."""
        try:
            recipe = source.recipe()
        except InputError as error:
            table.problem("recipes", f"must be recipes: {'; '.join(map(str, error.problems))}")
            return True
        if recipe is None and "seeds" in table.table:
            table.problem("seeds", "needs recipes: a package has no seed", source.name)
            return True
        return False

    def _methods(self, table: TableReader) -> list[str]:
        before = len(self.problems)
        names = self._expanded(table, "names", table.texts("names"))
        heads = table.texts("formulations")
        backends = table.texts("backends")
        if heads and not backends:
            table.problem("formulations", "needs backends")
        if backends and not heads and not table.given("decompositions"):
            table.problem("backends", "needs formulations or decompositions")
        crossed = [f"{head}@{backend}" for head in heads for backend in backends]
        names += self._expanded(table, "formulations", crossed)
        for decomposition in table.texts("decompositions"):
            names += [f"{decomposition}@{backend}" for backend in backends] or [decomposition]
        if not names and len(self.problems) == before:
            table.problem("", "must name a method by names, formulations and backends, or decompositions")
        options = self._options(table)
        named = [name for plain in names for name in _with_options(plain, options)]
        for name in named:
            try:
                method(self._located(name))
            except SplgbenchError as error:
                table.problem(name, f"must be a method: {error}")
        table.finish()
        return [canonical(self._located(name)) for name in named]

    def _expanded(self, table: TableReader, key: str, patterns: Iterable[str]) -> list[str]:
        names: list[str] = []
        for pattern in patterns:
            try:
                names += expand([pattern])
            except SplgbenchError as error:
                table.problem(key, f"must match a method: {error}")
        return names

    def _located(self, name: str) -> str:
        """A method file's path is relative to the campaign file."""
        head, at, rest = name.partition("@" if "@" in name else ":")
        return str(self.folder / head) + at + rest if head.endswith(".py") else name

    def _options(self, table: TableReader) -> list[tuple[str, list[str]]]:
        options = table.table.get("options", {})
        if not table.given("options"):
            return []
        if not isinstance(options, dict):
            table.problem("options", "must be a table of a value or a list of values", options)
            return []
        found = []
        for key, values in options.items():
            written = [_plain(value) for value in (values if isinstance(values, list) else [values])]
            if not written:
                table.problem("options", f"must give {key} a value at least", values)
            elif any(value is None or "," in value for value in (*written, key)):
                table.problem("options", f"must give {key} texts without a comma, numbers, true or false", values)
            else:
                found.append((key, [value for value in written if value is not None]))
        return found

    def _limits(self) -> tuple[Limits, ...]:
        table = self._table("limits")
        if not table.given("wall_time"):
            table.problem("wall_time", "must be given: every run of a campaign ends")
        kinds: dict[str, tuple[type, Any]] = {
            "wall_time": (float, 60.0),
            "memory": (int, None),
            "threads": (int, 1),
            "gap": (float, 0.0),
            "nodes": (int, None),
            "iterations": (int, None),
        }
        values = {key: table.several(key, kind, default) for key, (kind, default) in kinds.items()}
        table.finish()
        broken = False
        for key, entries in values.items():
            for entry in entries:
                try:
                    Limits(**{key: entry})
                except InputError as error:
                    table.problem(key, f"must be a limit: {error.problems[0].rule}", entry)
                    broken = True
        if broken:
            return ()
        return tuple(
            Limits(**dict(zip(values, entries, strict=True))) for entries in itertools.product(*values.values())
        )

    def _variations(self) -> tuple[tuple[tuple[int, int | None], ...], int]:
        table = self._table("variations")
        seeds = table.several("seeds", int, 0)
        permutations = self._permutations(table)
        together = table.text("combine", "product", ("product", "zip"))
        if together == "zip" and len(seeds) != len(permutations):
            table.problem("combine", "needs as many seeds as permutations to zip them")
        pairs = zip(seeds, permutations, strict=False) if together == "zip" else itertools.product(seeds, permutations)
        repeats = table.whole("repeats", 1, 1, 1000)
        table.finish()
        return tuple(pairs), repeats

    def _permutations(self, table: TableReader) -> list[int | None]:
        table.given("permutations")
        written = table.table.get("permutations", UNPERMUTED)
        entries = written if isinstance(written, list) else [written]
        found: list[int | None] = []
        for entry in entries:
            if entry == UNPERMUTED:
                found.append(None)
            elif isinstance(entry, int) and not isinstance(entry, bool) and 0 <= entry <= LARGEST:
                found.append(entry)
            else:
                rule = f'must hold whole numbers between 0 and {shown(LARGEST)} and "{UNPERMUTED}"'
                table.problem("permutations", rule, entry)
        if not entries:
            table.problem("permutations", f'must hold one at least, "{UNPERMUTED}" for instance', written)
        if len(set(found)) < len(found):
            table.problem("permutations", "must not name a value twice", written)
        return found

    def _reference(self, limits: tuple[Limits, ...]) -> Reference | None:
        """The drift run, under the campaign's memory limit (the largest of several)."""
        if not self.top.given("reference"):
            return None
        table = self._table("reference")
        instance, name = table.text("instance"), table.text("method")
        wall_time = table.number("wall_time", limits[0].wall_time or 60.0 if limits else 60.0)
        every = table.whole("every", 20, 1)
        table.finish()
        if instance not in library_names():
            table.problem("instance", f"must be one instance of {library_summary()}", instance)
        if not wall_time:
            table.problem("wall_time", "must be above 0 seconds", wall_time)
        try:
            method(self._located(name))
        except SplgbenchError as error:
            table.problem("method", f"must be a method: {error}", name)
            return None
        if instance not in library_names() or not wall_time:
            return None
        memory = max((one.memory for one in limits if one.memory is not None), default=None)
        own = Limits(wall_time=wall_time, memory=memory)
        return Reference(Source("library", instance), canonical(self._located(name)), own, every)


def _with_options(name: str, options: list[tuple[str, list[str]]]) -> list[str]:
    """A method's name with every combination of options."""
    found = []
    for values in itertools.product(*(values for _, values in options)):
        tail = ",".join(f"{key}={value}" for (key, _), value in zip(options, values, strict=True))
        found.append(f"{name}{',' if ':' in name else ':'}{tail}" if tail else name)
    return found


def _plain(value: object) -> str | None:
    """An option's value as a method's name holds it; None for what it cannot hold."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) if isinstance(value, str | int | float) else None
