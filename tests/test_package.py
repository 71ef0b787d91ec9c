"""Instance packages on disk: round trips, a contract others can meet, and every way a file can be broken."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import random
import stat
import struct
import sys
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from instances_for_tests import MODES, Tables, make, plain_tables, random_tables, small, small_tables, write_by_hand

from splgbench import files, package
from splgbench.errors import InputError, OutputError
from splgbench.instance import Instance
from splgbench.package import package_files, read_package, write_package
from splgbench.tables import TABLES

METADATA = {"title": "Klein", "licenses": [{"name": "CC0-1.0"}], "sources": [{"title": "von Hand"}], "year": 2021}


def noted() -> Instance:
    """An instance with notes, metadata and awkward text."""
    tables = small_tables()
    tables["hospitals"] |= {"name": ["Zürich, Süd", 'the "old" one'], "remark": ["two\nlines", ""]}
    tables["offers"]["source"] = ["a", "", "c;d", " e", "#f"]
    return make(tables, name="klein", metadata=METADATA)


def refused(path: Path, **settings: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read_package(path, **settings)
    return caught.value


def zipped(content: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def in_folder(content: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def described(content: dict[str, bytes], **settings: Any) -> dict[str, bytes]:
    """Package files with entries of `splgbench` changed."""
    descriptor = json.loads(content["datapackage.json"])
    descriptor["splgbench"] |= settings
    return content | {"datapackage.json": json.dumps(descriptor).encode()}


# Round trips


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
@pytest.mark.parametrize("target", ["package", "package.zip"])
def test_round_trip(target: str, table_format: str, tmp_path: Path) -> None:
    """Written and read, an instance keeps its hash, name, notes and metadata; written again, its bytes."""
    instance = noted()
    write_package(instance, tmp_path / target, table_format=table_format)
    again = read_package(tmp_path / target)
    assert again == instance
    assert (again.name, again.metadata) == ("klein", METADATA)
    assert again.notes["hospitals"] == {"name": ("Zürich, Süd", 'the "old" one'), "remark": ("two\nlines", "")}
    assert again.notes["offers"]["source"] == ("a", "", "c;d", " e", "#f")
    assert again.notes["overrides"]["reason"] == ("one team on two sites", "the valley needs it")
    assert package_files(again, table_format) == package_files(instance, table_format)


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_round_trip_of_random_instances(table_format: str, tmp_path: Path) -> None:
    """With and without regions, links and overrides, in every capacity mode, nothing of the content is lost."""
    for seed in range(16):
        instance = make(random_tables(seed, overrides=0), MODES[seed % 4], utility_scale=1 + seed)
        write_package(instance, tmp_path / f"{seed}.zip", table_format=table_format, with_empty=seed % 3 == 0)
        again = read_package(tmp_path / f"{seed}.zip")
        assert again.instance_hash == instance.instance_hash
        assert (again.utility_scale, again.capacity_mode) == (1 + seed, MODES[seed % 4])


@pytest.mark.parametrize(
    "key", ["a,b", 'say "x"', "two\nlines", "cr\rlf", "日本", " padded ", "#", "\u2028", "a\x00", "0"]
)
@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_keys_of_any_text(table_format: str, key: str, tmp_path: Path) -> None:
    """Whatever text a key is, it comes back from disk as it was."""
    tables = plain_tables({(key, key): (4, 2)}, {key: 6}, areas={key: key}, links=[(key, key, "any", key, "inhouse")])
    tables["hospitals"]["cooperation"] = [key]
    write_package(make(tables), tmp_path / "package", table_format=table_format)
    again = read_package(tmp_path / "package")
    assert again == make(tables)
    assert again.hospitals == again.areas == again.clause_name == again.cooperation == (key,)


@pytest.mark.parametrize("target", ["package", "package.zip"])
def test_the_same_instance_gives_the_same_bytes(target: str, tmp_path: Path) -> None:
    """Neither the clock nor the order of the input rows shows in what is written."""
    tables = small_tables()
    tables["offers"] = {name: cells[::-1] for name, cells in tables["offers"].items()}
    written = []
    for folder, instance in (("one", small()), ("two", make(tables))):
        path = tmp_path / folder / target
        path.parent.mkdir()
        write_package(instance, path)
        parts = sorted(path.rglob("*")) if path.is_dir() else [path]
        written.append([(part.name, part.read_bytes()) for part in parts])
    assert written[0] == written[1]


def test_optional_columns_and_tables_are_written_only_where_they_say_something() -> None:
    """A package of a plain instance holds no column of defaults and no empty table, unless asked."""
    instance = make(plain_tables({("H", "G"): (2, 3)}, {"G": 6}))
    content = package_files(instance)
    assert set(content) == {
        "datapackage.json",
        *(f"{t}.csv" for t in ("hospitals", "areas", "groups", "demand", "offers")),
    }
    assert content["groups.csv"] == b"group,area\nG,A\n"
    assert content["hospitals.csv"] == b"hospital\nH\n"
    everything = package_files(instance, with_empty=True)
    assert set(everything) - set(content) == {"links.csv", "area_capacity.csv", "overrides.csv"}


def test_descriptor_names_win_over_metadata() -> None:
    """Metadata cannot overwrite what the package states of itself."""
    odd = make(small_tables(), name="real", metadata={"name": "fake", "splgbench": {}, "resources": [], "profile": "x"})
    descriptor = json.loads(package_files(odd)["datapackage.json"])
    assert descriptor["name"] == "real"
    assert descriptor["splgbench"]["schema"] == 1
    assert len(descriptor["resources"]) == 8


def test_what_read_package_takes(tmp_path: Path) -> None:
    """A folder, its datapackage.json and a zip of it are one instance; its name is the descriptor's or the file's."""
    folder = write_by_hand(small_tables(), tmp_path / "folder")
    assert read_package(folder) == read_package(str(folder / "datapackage.json")) == small()
    assert read_package(folder).name == "by-hand"
    descriptor = json.loads((folder / "datapackage.json").read_text())
    del descriptor["name"]
    (folder / "datapackage.json").write_text(json.dumps(descriptor))
    assert read_package(folder).name == "folder"
    content = {part.name: part.read_bytes() for part in folder.iterdir()}
    assert read_package(zipped(content, tmp_path / "archive.zip")).name == "archive"


def test_the_descriptor_says_what_the_columns_are() -> None:
    """Any Frictionless tool learns types, required columns, choices and limits from the descriptor."""
    descriptor = json.loads(package_files(noted())["datapackage.json"])
    fields = {
        resource["name"]: {field["name"]: field for field in resource["schema"]["fields"]}
        for resource in descriptor["resources"]
    }
    required = {"type": "string", "constraints": {"required": True}}
    assert fields["offers"]["hospital"] == {"name": "hospital", **required}
    whole = {"type": "integer", "constraints": {"required": True, "minimum": 0}}
    assert fields["offers"]["capacity"] == {"name": "capacity", **whole}
    assert fields["groups"]["minimum_cases"]["constraints"] == {"minimum": 0}
    assert fields["links"]["mode"]["constraints"] == {"required": True, "enum": ["any", "all"]}
    assert fields["links"]["scope"]["constraints"] == {"enum": ["inhouse", "cooperation"]}
    assert fields["hospitals"]["remark"] == {"name": "remark", "type": "any"}
    assert fields["hospitals"]["name"] == {"name": "name", "type": "string"}
    rows = {resource["name"]: resource["rows"] for resource in descriptor["resources"]}
    assert (rows["offers"], rows["links"], rows["hospitals"]) == (5, 3, 2)
    regional = make(random_tables(2, regions=True, overrides=0))
    descriptor = json.loads(package_files(regional)["datapackage.json"])
    (demand,) = (resource for resource in descriptor["resources"] if resource["name"] == "demand")
    assert {"name": "region", **required} in demand["schema"]["fields"]


def test_tables_with_a_header_only(tmp_path: Path) -> None:
    """Tables may be empty but for their header, in packages of others too; an empty instance is an instance."""
    tables: Tables = {
        "hospitals": {"hospital": []},
        "areas": {"area": []},
        "groups": {"group": [], "area": []},
        "demand": {"group": [], "cases": []},
        "offers": {"hospital": [], "group": [], "capacity": [], "utility": []},
        "links": {"group": [], "clause": [], "mode": [], "required": []},
        "overrides": {"hospital": [], "group": [], "action": [], "reason": []},
    }
    instance = read_package(write_by_hand(tables, tmp_path / "package"))
    assert (instance.n_hospitals, instance.n_offers, instance.n_clauses) == (0, 0, 0)
    for table_format in ("csv", "parquet"):
        write_package(instance, tmp_path / f"{table_format}.zip", table_format=table_format)
        assert read_package(tmp_path / f"{table_format}.zip") == instance


def test_csv_of_other_hands(tmp_path: Path) -> None:
    """A byte-order mark, Windows line ends, quoted cells, blank lines and columns in another order are fine."""
    folder = write_by_hand(small_tables(), tmp_path / "package")
    demand = '\ufeff"cases","group"\r\n10,G1\r\n\r\n"7",G2\r\n9,"G3"\r\n'
    (folder / "demand.csv").write_bytes(demand.encode())
    assert read_package(folder) == small()


def test_tables_may_lie_deeper_and_in_either_format(tmp_path: Path) -> None:
    """A path may name a sub-folder, and CSV and Parquet may stand side by side."""
    folder = write_by_hand(small_tables(), tmp_path / "package")
    (folder / "data").mkdir()
    (folder / "demand.csv").rename(folder / "data" / "need.csv")
    (folder / "areas.csv").unlink()
    pyarrow.parquet.write_table(pyarrow.table(small_tables()["areas"]), folder / "areas.parquet")
    descriptor = json.loads((folder / "datapackage.json").read_text())
    for resource in descriptor["resources"]:
        if resource["name"] == "demand":
            resource["path"] = "./data/need.csv"
        if resource["name"] == "areas":
            resource["path"] = "areas.parquet"
    (folder / "datapackage.json").write_text(json.dumps(descriptor))
    assert read_package(folder) == small()
    content = {str(part.relative_to(folder)): part.read_bytes() for part in folder.rglob("*") if part.is_file()}
    assert read_package(zipped(content, tmp_path / "package.zip")) == small()


# The hash, from the text of the format alone


def hash_from_format(folder: Path) -> str:
    """The instance hash as FORMAT.md words it, from the CSV files of a package."""
    descriptor = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    settings = descriptor["splgbench"]
    columns = {
        "hospitals": [("hospital", None), ("cooperation", "")],
        "areas": [("area", None)],
        "groups": [("group", None), ("area", None), ("minimum_cases", "0"), ("minimum_share_bp", "0")],
        "regions": [("region", None)],
        "demand": [("group", None), ("cases", None), ("region", None)],
        "offers": [("hospital", None), ("group", None), ("capacity", None), ("utility", None), ("region", None)],
        "links": [("group", None), ("clause", None), ("mode", None), ("required", None), ("scope", "inhouse")],
        "area_capacity": [("hospital", None), ("area", None), ("capacity", None)],
        "overrides": [("hospital", None), ("group", None), ("action", None), ("cases", "0"), ("rule", "")],
    }
    present = {resource["name"]: folder / resource["path"] for resource in descriptor["resources"]}
    lines = ["schema=1", f"capacity_mode={settings['capacity_mode']}", f"utility_scale={settings['utility_scale']}"]
    for table, known in columns.items():
        if table not in present:
            continue
        with present[table].open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        if not rows:
            continue
        hashed = [(name, default) for name, default in known if name != "region" or "regions" in present]
        texts = []
        for row in rows:
            out = io.StringIO()
            csv.writer(out, lineterminator="\r\n").writerow(
                [row.get(name) if row.get(name) not in (None, "") else default for name, default in hashed]
            )
            texts.append(out.getvalue().removesuffix("\r\n"))
        lines += [table, *sorted(texts)]
    return hashlib.sha256("".join(line + "\n" for line in lines).encode("utf-8")).hexdigest()


def test_the_hash_is_what_the_format_says(tmp_path: Path) -> None:
    """A second implementation, from FORMAT.md and with the csv module, finds the same hash."""
    for seed in range(30):
        tables, mode = random_tables(seed, overrides=0), MODES[seed % 4]
        folder = write_by_hand(tables, tmp_path / str(seed), mode)
        assert read_package(folder).instance_hash == hash_from_format(folder) == make(tables, mode).instance_hash
    tables = plain_tables(
        {("Zü,rich", "G"): (5, 2), ('say "x"', "G"): (1, 1), ("two\nlines", "H"): (9, 1)},
        {"G": 4, "H": 3},
        links=[("G", "c", "all", "H", "cooperation")],
        overrides=[("Zü,rich", "G", "fix", 0, ""), ("Zü,rich", "G", "exempt", None, "links")],
    )
    folder = write_by_hand(tables, tmp_path / "awkward")
    assert read_package(folder).instance_hash == hash_from_format(folder)
    write_package(read_package(folder), tmp_path / "written")
    assert read_package(folder).instance_hash == hash_from_format(tmp_path / "written")


def test_the_hash_never_changes() -> None:
    """The hash of the small instance is pinned: results in the field refer to it."""
    assert small().instance_hash == PINNED


PINNED = "d83e73a342ae801f90fdf6a0c6fa1876aad7a8391ef9fe5b5fd34cfdd6dd24af"


# The published JSON Schema


def schema() -> dict[str, Any]:
    text = resources.files("splgbench.schemas").joinpath("instance-package-1.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def is_valid(descriptor: object) -> bool:
    return jsonschema.Draft202012Validator(schema()).is_valid(descriptor)


def test_written_descriptors_fit_the_published_schema() -> None:
    """The JSON Schema is a legal one, and all that splgbench writes satisfies it."""
    jsonschema.Draft202012Validator.check_schema(schema())
    for seed in range(8):
        instance = make(random_tables(seed, overrides=0), MODES[seed % 4], metadata=METADATA)
        for table_format in ("csv", "parquet"):
            for with_empty in (False, True):
                content = package_files(instance, table_format, with_empty)
                jsonschema.Draft202012Validator(schema()).validate(json.loads(content["datapackage.json"]))


def test_the_published_schema_knows_all_tables_and_required_columns() -> None:
    """Schema and code state the same tables, which of them are required, and their required columns."""
    listed = schema()["properties"]["resources"]["allOf"]
    stated = {rule["contains"]["properties"]["name"]["const"]: rule["minContains"] == 1 for rule in listed}
    assert stated == {table.name: table.required for table in TABLES}
    columns = {
        rule["if"]["properties"]["name"]["const"]: [
            field["contains"]["properties"]["name"]["const"]
            for field in rule["then"]["properties"]["schema"]["properties"]["fields"]["allOf"]
        ]
        for rule in schema()["$defs"]["table"]["allOf"]
    }
    assert columns == {table.name: [c.name for c in table.columns if c.required] for table in TABLES}


def test_broken_descriptors_do_not_fit_the_published_schema() -> None:
    """What the reader refuses in a descriptor the schema refuses, too; further top-level entries are fine."""
    good = json.loads(package_files(noted())["datapackage.json"])
    assert is_valid(good)
    assert is_valid(good | {"keywords": ["x"], "contributors": []})

    def but(place: list[Any], value: Any) -> Any:
        changed = json.loads(json.dumps(good))
        *way, last = place
        target = changed
        for step in way:
            target = target[step]
        if value is None:
            del target[last]
        else:
            target[last] = value
        return changed

    offers = [resource["name"] for resource in good["resources"]].index("offers")
    broken = [
        but(["splgbench"], None),
        but(["resources"], None),
        but(["splgbench", "schema"], 2),
        but(["splgbench", "schema"], "1"),
        but(["splgbench", "schema"], None),
        but(["splgbench", "capacity_mode"], "some"),
        but(["splgbench", "capacity_mode"], None),
        but(["splgbench", "utility_scale"], 0),
        but(["splgbench", "utility_scale"], 1.5),
        but(["splgbench", "extensions"], {"budget": {"limit": 3}}),
        but(["splgbench", "extensions"], []),
        but(["splgbench", "budget"], 3),
        but(["resources", offers], None),
        but(["resources", 0, "name"], "hospital"),
        but(["resources", 0, "name"], None),
        but(["resources", offers, "name"], "demand"),
        but(["resources", offers, "path"], None),
        but(["resources", offers, "path"], "../offers.csv"),
        but(["resources", offers, "path"], "data/../../offers.csv"),
        but(["resources", offers, "path"], "/tmp/offers.csv"),
        but(["resources", offers, "path"], "C:offers.csv"),
        but(["resources", offers, "path"], "data\\offers.csv"),
        but(["resources", offers, "path"], "offers.xlsx"),
        but(["resources", offers, "path"], ["offers.csv"]),
        but(["resources", offers, "rows"], -1),
        but(["resources", offers, "schema", "fields", 0], None),
        but(["name"], 5),
        [],
    ]
    assert [entry for entry in broken if is_valid(entry)] == []


# Broken packages


def test_other_schemas_and_unknown_extensions_are_refused(tmp_path: Path) -> None:
    """Schema 1 only, no unknown entry under splgbench: what is not understood might constrain."""
    good = package_files(small())
    cases = {
        "has schema 2; this splgbench reads schema 1": {"schema": 2},
        "has schema '1'": {"schema": "1"},
        "has schema True": {"schema": True},
        "has schema None": {"schema": None},
        "extensions this splgbench does not know, which may constrain: budget": {"extensions": {"budget": 1}},
        "extensions must be an object": {"extensions": ["budget"]},
        "unknown splgbench entries: budget": {"budget": 1},
        "capacity_mode: must be one of": {"capacity_mode": "some"},
        "utility_scale: must be a whole number": {"utility_scale": 1.0},
    }
    for number, (words, change) in enumerate(cases.items()):
        error = refused(in_folder(described(good, **change), tmp_path / str(number)))
        assert words in str(error)
        assert error.problems[0].file == "datapackage.json"
    assert read_package(in_folder(described(good, extensions={}), tmp_path / "none")) == small()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", '{"splgbench": 1}', '{"a": 1}', "[" * 100_000, '{"n": ' + "9" * 5000 + "}", "\x00", "NaN"],
)
def test_descriptors_that_are_none(text: str, tmp_path: Path) -> None:
    """Whatever stands in datapackage.json, the answer is one sentence about it."""
    error = refused(in_folder({"datapackage.json": text.encode()}, tmp_path / "package"))
    assert error.problems[0].file == "datapackage.json"


@pytest.mark.parametrize(
    ("resources_entry", "words"),
    [
        (None, "must list its tables"),
        ({}, "must list its tables"),
        (["offers.csv"], "must list its tables"),
        ([{"path": "offers.csv"}], "every resource needs a name"),
        ([{"name": "offers", "path": "offers.csv"}] * 2, "names the resource offers twice"),
        ([{"name": "offers"}], "path must be one file name"),
        ([{"name": "offers", "path": ["offers.csv"]}], "path must be one file name"),
        ([{"name": "offers", "path": "/etc/passwd.csv"}], "must stay inside"),
        ([{"name": "offers", "path": "../offers.csv"}], "must stay inside"),
        ([{"name": "offers", "path": "a/../../offers.csv"}], "must stay inside"),
        ([{"name": "offers", "path": "a\\offers.csv"}], "must stay inside"),
        ([{"name": "offers", "path": "https://example.org/offers.csv"}], "must stay inside"),
        ([{"name": "offers", "path": "offers.xlsx"}], "must end in .csv or .parquet"),
        ([{"name": "offers", "path": "offers"}], "must end in .csv or .parquet"),
        ([{"name": "offers", "path": "offers.csv", "rows": "5"}], "rows must be a whole number"),
        ([{"name": "offers", "path": "offers.csv", "rows": -5}], "rows must be a whole number"),
    ],
)
def test_resources_that_lead_astray(resources_entry: Any, words: str, tmp_path: Path) -> None:
    """Paths stay inside the package and name one CSV or Parquet file; a table is named once."""
    descriptor = json.loads(package_files(small())["datapackage.json"]) | {"resources": resources_entry}
    folder = in_folder({"datapackage.json": json.dumps(descriptor).encode()}, tmp_path / "package")
    assert words in str(refused(folder))
    assert words in str(refused(zipped({"datapackage.json": json.dumps(descriptor).encode()}, tmp_path / "p.zip")))


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    """A symbolic link inside a package may not lead out of it, and what is no file is not read."""
    folder = in_folder(package_files(small()), tmp_path / "package")
    (folder / "offers.csv").rename(tmp_path / "offers.csv")
    (folder / "offers.csv").symlink_to(tmp_path / "offers.csv")
    assert "must lie inside the package" in str(refused(folder))
    (folder / "offers.csv").unlink()
    (folder / "offers.csv").mkdir()
    assert "must be a file" in str(refused(folder))


def test_missing_files(tmp_path: Path) -> None:
    """Every table that is listed and missing is named, in a folder and in a zip; so is a package that is none."""
    content = package_files(small())
    del content["offers.csv"], content["demand.csv"]
    for path in (in_folder(content, tmp_path / "package"), zipped(content, tmp_path / "package.zip")):
        message = str(refused(path))
        assert "demand.csv" in message
        assert "offers.csv" in message
    assert "no such file or folder" in str(refused(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    assert "datapackage.json" in str(refused(tmp_path / "empty"))
    (tmp_path / "text.zip").write_text("no zip at all")
    assert "must be a folder or a zip" in str(refused(tmp_path / "text.zip"))
    nested = {f"package/{name}": data for name, data in package_files(small()).items()}
    assert "no datapackage.json at its root" in str(refused(zipped(nested, tmp_path / "nested.zip")))


# Zips that mean harm


def test_zip_bomb_by_declared_size(tmp_path: Path) -> None:
    """A zip that says it unpacks to more than the limit is refused before anything is unpacked."""
    content = package_files(small()) | {"padding.bin": bytes(10_000_000)}
    path = zipped(content, tmp_path / "bomb.zip")
    assert path.stat().st_size < 20_000
    assert "must unpack to at most 1000000 bytes, says" in str(refused(path, size_limit=1_000_000))
    assert read_package(path) == small()


def test_zip_bomb_by_real_size(tmp_path: Path) -> None:
    """A zip whose directory lies about the size is refused without its content in memory."""
    content = package_files(small())
    content["offers.csv"] += b"\n" * 10_000_000
    path = zipped(content, tmp_path / "bomb.zip")
    honest = struct.pack("<L", len(content["offers.csv"]))
    data = path.read_bytes()
    assert data.count(honest) == 2
    path.write_bytes(data.replace(honest, struct.pack("<L", 100)))
    assert str(path) in str(refused(path, size_limit=1_000_000))


def test_the_limit_counts_the_whole_package(tmp_path: Path) -> None:
    """A folder and a zip of exactly the limit are read, one byte more is refused."""
    content = package_files(small())
    total = sum(map(len, content.values()))
    for path in (in_folder(content, tmp_path / "package"), zipped(content, tmp_path / "package.zip")):
        assert read_package(path, size_limit=total) == small()
        assert "at most" in str(refused(path, size_limit=total - 1))


def test_too_many_entries(tmp_path: Path) -> None:
    """A zip of a thousand and some entries is no instance package."""
    content = package_files(small()) | {f"{i}.txt": b"" for i in range(1000)}
    assert "must hold at most 1000 entries, has 1009" in str(refused(zipped(content, tmp_path / "many.zip")))


def test_two_entries_of_one_name(tmp_path: Path) -> None:
    """Which of two files of one name counts would depend on the reader."""
    path = zipped(package_files(small()), tmp_path / "twice.zip")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("offers.csv", b"hospital,group,capacity,utility\n")
    assert "must not hold two entries of one name" in str(refused(path))


def test_encrypted_and_exotic_zips(tmp_path: Path) -> None:
    """A zip that needs a password, or a compression that is neither stored nor deflated, is named as such."""
    path = zipped(package_files(small()), tmp_path / "locked.zip")
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 1)
    path.write_bytes(data)
    assert "encrypted" in str(refused(path))
    with zipfile.ZipFile(tmp_path / "bzip.zip", "w", zipfile.ZIP_BZIP2) as archive:
        for name, content in package_files(small()).items():
            archive.writestr(name, content)
    assert "must be stored or deflated" in str(refused(tmp_path / "bzip.zip"))


def test_damaged_zips(tmp_path: Path) -> None:
    """A zip with any byte changed or cut off is the same instance or an InputError, never a crash or another one."""
    path = tmp_path / "damaged.zip"
    good = zipped(package_files(small()), path).read_bytes()
    draw = random.Random(3)
    for cut in draw.sample(range(len(good)), 80):
        path.write_bytes(good[:cut])
        refused(path)
    survivors = 0
    for at in draw.sample(range(len(good)), 300):
        data = bytearray(good)
        data[at] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        with contextlib.suppress(InputError):
            assert read_package(path) == small()
            survivors += 1
    assert 0 < survivors < 300


def test_a_broken_stream_is_no_crash(tmp_path: Path) -> None:
    """Deflate data that cannot be decoded (zlib's own error) is reported like any damaged zip."""
    path = zipped(package_files(small()), tmp_path / "package.zip")
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("offers.csv")
    data = bytearray(path.read_bytes())
    start = entry.header_offset + 30 + len("offers.csv")
    data[start : start + entry.compress_size] = b"\xff" * entry.compress_size
    path.write_bytes(data)
    with pytest.raises(zlib.error), zipfile.ZipFile(path) as archive:
        archive.read("offers.csv")
    assert "cannot be read as a zip" in str(refused(path))


# CSV


def test_a_cut_never_gives_another_instance(tmp_path: Path) -> None:
    """Every file of a written package, cut at every fifth byte and around line ends: an InputError, or still the same
    instance; no other one."""
    instance = noted()
    content = package_files(instance)
    folder = in_folder(content, tmp_path / "package")
    same = []
    for name, data in content.items():
        ends = {at + around for at, byte in enumerate(data) if byte == ord("\n") for around in (0, 1)}
        for cut in sorted({*range(0, len(data), 5), *ends} - {len(data)}):
            (folder / name).write_bytes(data[:cut])
            try:
                found = read_package(folder)
            except InputError:
                continue
            assert found == instance, f"{name} cut at byte {cut} is another instance"
            same.append((name, len(data) - cut))
        (folder / name).write_bytes(data)
    assert same == [("datapackage.json", 1)], "only the line end of datapackage.json may go"


def test_a_cut_between_two_rows_is_named(tmp_path: Path) -> None:
    """Where whole rows are gone, the stated number of rows tells; rows that were added are taken."""
    folder = in_folder(package_files(small()), tmp_path / "package")
    rows = (folder / "offers.csv").read_bytes().splitlines(keepends=True)
    (folder / "offers.csv").write_bytes(b"".join(rows[:-1]))
    (found,) = refused(folder).problems
    assert (found.file, found.value) == ("offers.csv", 4)
    assert "must have the 5 rows that datapackage.json states: it may be truncated" in found.rule
    (folder / "offers.csv").write_bytes(b"".join([*rows, b"H2,G2,1,1\n"]))
    assert read_package(folder).n_offers == 6


OFFERS = "hospital,group,capacity,utility\nH1,G1,8,5\nH1,G2,6,3\n"


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        (b"", None, "must have a header line"),
        (b"\n \n", None, "must have a header line"),
        (b"\n" + OFFERS.encode(), 1, "must be the header line"),
        (OFFERS.replace("utility", "group").encode(), 1, "names a column twice: group"),
        (OFFERS.replace("6,3", "6").encode(), 3, "must have 4 fields as the header (found 3)"),
        (OFFERS.replace("6,3", "6,3,9").encode(), 3, "must have 4 fields as the header (found 5)"),
        (OFFERS.replace("6,3\n", "6,3").encode(), 3, "the file may be truncated"),
        (OFFERS.replace("6,3\n", '"6,3\n').encode(), 3, "must be valid CSV"),
        (OFFERS.replace("6,3", '"6"x,3').encode(), 3, "must be valid CSV"),
        (b'"hospital,group\n', 1, "must be valid CSV"),
        (OFFERS.replace("G2", "Gö").encode("latin-1"), 3, "must be UTF-8 text"),
        (OFFERS.encode("utf-16"), 1, "must be UTF-8 text"),
        (OFFERS.replace(",", ";").encode(), None, "the column is missing"),
    ],
)
def test_broken_csv(text: bytes, row: int | None, words: str, tmp_path: Path) -> None:
    """Each way a CSV can be broken is told with the file and the line."""
    folder = write_by_hand(small_tables(), tmp_path / "package")
    (folder / "offers.csv").write_bytes(text)
    error = refused(folder)
    hit = [problem for problem in error.problems if words in str(problem)]
    assert [(problem.file, problem.row) for problem in hit[:1]] == [("offers.csv", row)], error.problems


def test_all_broken_rows_and_tables_come_at_once(tmp_path: Path) -> None:
    """Two short rows in one file and a bad byte in another are one report."""
    folder = write_by_hand(small_tables(), tmp_path / "package")
    (folder / "offers.csv").write_text(OFFERS + "H2\nH2,G1\n")
    (folder / "demand.csv").write_bytes(b"group,cases\nG\xff,3\n")
    found = [(problem.file, problem.row) for problem in refused(folder).problems]
    assert found == [("demand.csv", 2), ("offers.csv", 4), ("offers.csv", 5)]


def test_line_numbers_count_lines_not_rows(tmp_path: Path) -> None:
    """After a quoted cell of three lines and a blank line, an error still names its own line of the file."""
    folder = write_by_hand(small_tables(), tmp_path / "package")
    text = 'hospital,group,capacity,utility,note\nH1,G1,8,5,"one\ntwo\nthree"\n\nH1,G2,-6,3,x\nH1,G3,5,4,"a\nb"\n'
    (folder / "offers.csv").write_text(text)
    places = [(problem.file, problem.row, problem.column) for problem in refused(folder).problems]
    assert ("offers.csv", 6, "capacity") in places
    (folder / "offers.csv").write_text(text.replace("5,4", "5,0"))
    assert ("offers.csv", 7, "utility") in [(p.file, p.row, p.column) for p in refused(folder).problems]


# Parquet


def test_damaged_parquet(tmp_path: Path) -> None:
    """A Parquet file with changed or missing bytes gives an InputError or is read, but never crashes."""
    content = package_files(small(), "parquet")
    folder = in_folder(content, tmp_path / "package")
    draw = random.Random(4)
    good = content["offers.parquet"]
    for step in range(160):
        data = bytearray(good if step % 2 else good[: draw.randrange(len(good))])
        for _ in range(draw.choice([1, 3]) if data else 0):
            data[draw.randrange(len(data))] = draw.randrange(256)
        (folder / "offers.parquet").write_bytes(data)
        with contextlib.suppress(InputError):
            read_package(folder)


def test_parquet_of_other_hands(tmp_path: Path) -> None:
    """Floats and column names that stand twice are refused in Parquet as they are in CSV; missing cells are empty."""
    folder = in_folder(package_files(small(), "parquet"), tmp_path / "package")
    offers = pyarrow.table(small_tables()["offers"])
    floats = offers.set_column(2, "capacity", [pyarrow.array([8.0, 6, 5, 9, 4])])
    pyarrow.parquet.write_table(floats, folder / "offers.parquet")
    found = refused(folder).problems
    assert {(p.file, p.column) for p in found} == {("offers.parquet", "capacity")}
    assert found[0].row == 1
    gap = offers.set_column(2, "capacity", [pyarrow.array([8, None, 5, 9, 4])])
    pyarrow.parquet.write_table(gap, folder / "offers.parquet")
    (only,) = refused(folder).problems
    assert (only.row, only.rule) == (2, "must not be empty")
    pyarrow.parquet.write_table(offers.rename_columns(["hospital"] * 4), folder / "offers.parquet")
    assert "must be a Parquet table" in str(refused(folder))


def test_parquet_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten million equal cells take a few kilobytes on disk: the count in the footer is checked first."""
    folder = in_folder(package_files(small(), "parquet"), tmp_path / "package")
    bomb = pyarrow.table({"area": pyarrow.array(["A"]).take(pyarrow.array(np.zeros(2_000_000, dtype=np.int64)))})
    pyarrow.parquet.write_table(bomb, folder / "areas.parquet")
    assert (folder / "areas.parquet").stat().st_size < 20_000
    monkeypatch.setattr(package, "SIZE_LIMIT", 1_000_000)
    assert "must hold at most 1000000 cells, says 2000000" in str(refused(folder))


# Writing


def left_in(folder: Path) -> list[str]:
    return sorted(part.name for part in folder.iterdir())


@pytest.mark.parametrize("target", ["package", "package.zip"])
def test_an_error_in_the_middle_leaves_nothing(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the disk is full or the user interrupts, no part of a package stays behind and an old one is whole."""
    write_package(small(), tmp_path / target)
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):
        calls = 0

        def fail(*_: Any, error: BaseException = error, **__: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 3:
                raise error

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", fail)
            patch.setattr(zipfile.ZipFile, "writestr", fail)
            with pytest.raises((OutputError, KeyboardInterrupt)):
                write_package(noted(), tmp_path / target)
        assert calls == 3
        assert left_in(tmp_path) == [target]
        assert read_package(tmp_path / target) == small()


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_failed_swap_puts_the_old_folder_back(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is replaced by two renames: if the second fails or is interrupted, the first is undone."""
    target = tmp_path / "package"
    write_package(small(), target)
    rename, calls = Path.replace, 0

    def second_fails(self: Path, to: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise error
        return rename(self, to)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_package(make(small_tables(), "none"), target)
    assert left_in(tmp_path) == ["package"]
    assert read_package(target) == small()


def test_a_text_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Any exception while a file is written leaves the old content; success replaces it."""
    target = tmp_path / "result.json"
    files.write_text(target, "old")

    def fail() -> None:
        with files.written_whole(target) as draft:
            draft.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (target.read_text(), left_in(tmp_path)) == ("old", ["result.json"])
    files.write_text(target, "new\r\n")
    assert (target.read_bytes(), left_in(tmp_path)) == (b"new\r\n", ["result.json"])


def test_a_link_is_followed_and_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """Writing to a link changes what it points to; a pipe receives the text and is not replaced by a file."""
    (tmp_path / "link.json").symlink_to(tmp_path / "result.json")
    files.write_text(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "result.json").read_text() == "new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(pipe.read_text)
        files.write_text(pipe, "text")
        assert received.result() == "text"
    assert pipe.is_fifo()
    with pytest.raises(OutputError, match="it is no folder"):
        write_package(small(), pipe)
    assert left_in(tmp_path) == ["link.json", "pipe", "result.json"]


def test_unwritable_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing folder, a file in the way and a read-only folder give one sentence and leave nothing."""
    with pytest.raises(OutputError, match=r"cannot write .*nowhere"):
        write_package(small(), tmp_path / "nowhere" / "package.zip")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        write_package(small(), tmp_path / "file")
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_package(small(), tmp_path / "folder.zip")
    assert left_in(tmp_path) == ["file", "folder.zip"]
    assert (tmp_path / "file").read_text() == "in the way"

    def denied(*_: Any, **__: Any) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", denied)
    with pytest.raises(OutputError, match="Permission denied"):
        write_package(small(), tmp_path / "package.zip")


def test_only_instance_packages_are_replaced(tmp_path: Path) -> None:
    """An empty folder is filled and a package replaced; a folder of anything else stays as it is."""
    target = tmp_path / "package"
    target.mkdir()
    write_package(small(), target, table_format="parquet")
    write_package(small("none"), target)
    assert read_package(target) == small("none")
    assert not list(target.glob("*.parquet"))

    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"also holds thesis\.tex, which would be lost"):
        write_package(small(), target)
    assert read_package(target) == small("none")
    assert (target / "thesis.tex").read_text() == "years of work"

    for name, text in {"other": '{"name": "a Frictionless package of something else"}', "broken": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "datapackage.json").write_text(text)
        with pytest.raises(OutputError, match="is no instance package"):
            write_package(small(), tmp_path / name)
        assert (tmp_path / name / "datapackage.json").read_text() == text
    assert left_in(tmp_path) == ["broken", "other", "package"]


def test_unknown_table_format(tmp_path: Path) -> None:
    """Tables are CSV or Parquet."""
    with pytest.raises(InputError, match="must be csv or parquet"):
        write_package(small(), tmp_path / "package", table_format="xlsx")


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits")
def test_written_files_can_be_read_by_others(tmp_path: Path) -> None:
    """The temporary folder is private; what comes out of it has the permissions any new file would have."""
    write_package(small(), tmp_path / "package")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").write_text("")
    for made, plain in (("package", "plain"), ("package/offers.csv", "plain/file")):
        assert stat.S_IMODE((tmp_path / made).stat().st_mode) == stat.S_IMODE((tmp_path / plain).stat().st_mode)


# Size


def large_tables(hospitals: int = 1700, groups: int = 96) -> Tables:
    """A nation: 163,200 offers with links, regions left out."""
    h, g = np.meshgrid(np.arange(hospitals), np.arange(groups), indexing="ij")
    h, g = h.ravel(), g.ravel()
    hospital_keys = np.array([f"H{i:04}" for i in range(hospitals)])
    group_keys = np.array([f"G{i:03}" for i in range(groups)])
    return {
        "hospitals": {"hospital": hospital_keys.tolist(), "cooperation": [""] * hospitals},
        "areas": {"area": [f"A{i:02}" for i in range(12)]},
        "groups": {
            "group": group_keys.tolist(),
            "area": [f"A{i % 12:02}" for i in range(groups)],
            "minimum_cases": [10] * groups,
        },
        "demand": {"group": group_keys.tolist(), "cases": [5000] * groups},
        "offers": {
            "hospital": hospital_keys[h].tolist(),
            "group": group_keys[g].tolist(),
            "capacity": (5 + (h * 7 + g) % 40).tolist(),
            "utility": (1 + (h + g * 3) % 9).tolist(),
        },
        "links": {
            "group": group_keys[1:].tolist(),
            "clause": ["base"] * (groups - 1),
            "mode": ["any"] * (groups - 1),
            "required": ["G000"] * (groups - 1),
        },
    }


def test_a_nation_loads(tmp_path: Path) -> None:
    """163,200 offers on disk are read and validated."""
    folder = write_by_hand(large_tables(), tmp_path / "nation")
    began = time.perf_counter()
    nation = read_package(folder)
    sys.stdout.write(f"{nation!r} read in {time.perf_counter() - began:.1f} s\n")
    assert (nation.n_hospitals, nation.n_groups, nation.n_offers, nation.n_clauses) == (1700, 96, 163_200, 95)


def test_a_misspelt_table_is_refused_and_other_resources_are_ignored(tmp_path: Path) -> None:
    """A table under a name close to one of ours would silently drop its rows; a resource of its own may stand there."""
    write_package(make(small_tables()), tmp_path / "p")
    descriptor = json.loads((tmp_path / "p" / "datapackage.json").read_text())
    for name, kept in (("overides", False), ("linkss", False), ("photographs", True)):
        resources = [*descriptor["resources"], {"name": name, "path": "more.csv"}]
        (tmp_path / "p" / "datapackage.json").write_text(json.dumps({**descriptor, "resources": resources}))
        if kept:
            assert read_package(tmp_path / "p") == make(small_tables())
        else:
            with pytest.raises(InputError, match=f"names a resource {name}, which is no table"):
                read_package(tmp_path / "p")


def test_problems_of_intact_tables_are_told_beside_a_broken_file(tmp_path: Path) -> None:
    """A truncated table does not hide a negative capacity in another."""
    folder = tmp_path / "package"
    write_package(small(), folder)
    links = folder / "links.csv"
    links.write_text(links.read_text()[:-3])
    offers = folder / "offers.csv"
    offers.write_text(offers.read_text().replace("H1,G1,8", "H1,G1,-8"))
    with pytest.raises(InputError) as caught:
        package.read_package(folder)
    assert {(problem.file, problem.column) for problem in caught.value.problems} >= {("offers.csv", "capacity")}
    assert any(problem.file == "links.csv" for problem in caught.value.problems)
