"""The cache of derived instances: quick where it is sound, absent where it is not, never in the way."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from splgbench.generator.generate import generate
from splgbench.generator.recipe import Recipe
from splgbench.instance import Instance
from splgbench.library import cache
from splgbench.package import package_files

NAME = "family-2000/part/one"


def example() -> Instance:
    """Regions, cooperation groups, links and area capacities, with an override and a note."""
    recipe = Recipe(name="cached", hospitals=6, groups=8, areas=3, regions=2, cooperation_groups=2, seed=3)
    tables = generate(recipe).to_tables()
    offer = tables["offers"]["hospital"][0], tables["offers"]["group"][0]
    tables["overrides"] = {
        "hospital": [offer[0]],
        "group": [offer[1]],
        "action": ["exempt"],
        "rule": ["links"],
        "reason": ["ä test"],
    }
    tables["offers"]["remark"] = [None, *range(1, len(tables["offers"]["group"]))]
    return Instance.from_tables(
        **tables, capacity_mode="both", utility_scale=7, name="example", metadata={"title": "Ü", "sources": [{"n": 1}]}
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def never() -> Instance:
    raise AssertionError("must come from the cache")


def entry(folder: Path) -> Path:
    return folder / "family-2000" / "part" / "one.instance"


def test_the_second_load_is_the_same_instance_and_derives_nothing(folder: Path) -> None:
    """To the byte of its package, read-only arrays included."""
    made = cache.cached(NAME, example)
    kept = cache.cached(NAME, never)
    assert package_files(kept) == package_files(made)
    assert (kept.name, kept.instance_hash, kept.notes) == (made.name, made.instance_hash, made.notes)
    assert not kept.capacity.flags.writeable


@pytest.mark.parametrize(
    "damage", ["empty", "half", "a bit", "text", "a byte more", "a folder", "another archive", "no archive"]
)
def test_a_damaged_entry_is_derived_again_and_replaced(folder: Path, damage: str) -> None:
    cache.cached(NAME, example)
    path, data = entry(folder), bytearray(entry(folder).read_bytes())
    if damage == "a folder":
        path.unlink()
        path.mkdir()
        (path / "something").write_text("x")
    elif damage.endswith("archive"):
        whole = b"no archive"
        if damage == "another archive":
            np.savez(path.with_suffix(".npz"), something=np.zeros(1))
            whole = path.with_suffix(".npz").read_bytes()
        path.write_bytes(hashlib.sha256(whole).hexdigest().encode() + b"\n" + whole)
    else:
        data[len(data) // 2] ^= 1
        damaged = {"empty": b"", "half": data[: len(data) // 2], "a bit": data, "text": b"nothing\nhere\n"}
        path.write_bytes(damaged.get(damage, path.read_bytes() + b"x"))
    again = cache.cached(NAME, example)
    assert again == example()
    if damage != "a folder":
        assert cache.cached(NAME, never) == again


def test_an_entry_of_other_code_or_data_is_derived_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.cached(NAME, example)
    monkeypatch.setattr(cache, "fingerprint", lambda: "another")
    with pytest.raises(AssertionError, match="must come"):
        cache.cached(NAME, never)


def test_an_entry_of_another_name_is_not_taken(folder: Path) -> None:
    """As a file system that knows no capitals would have it."""
    cache.cached(NAME, example)
    entry(folder).rename(entry(folder).with_name("two.instance"))
    with pytest.raises(AssertionError, match="must come"):
        cache.cached("family-2000/part/two", never)


@pytest.mark.parametrize("name", ["family-2000/../../outside", "family-2000//x", "family-2000/./x"])
def test_a_name_does_not_leave_the_folder(folder: Path, name: str) -> None:
    cache.cached(name, example)
    assert not folder.exists()
    assert list(folder.parent.iterdir()) == []


def test_an_empty_variable_switches_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, "")
    assert cache.cache_folder() is None
    assert cache.cached(NAME, example) == example()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    assert cache.cached(NAME, example) == example()


def test_an_error_of_the_derivation_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(AssertionError, match="must come"):
        cache.cached(NAME, never)
    assert not folder.exists()


def test_writers_at_one_time_leave_one_sound_entry(folder: Path) -> None:
    instance = example()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.cached(NAME, lambda: instance), range(40)))
    assert all(each == instance for each in found)
    assert [path.name for path in entry(folder).parent.iterdir()] == ["one.instance"]
    assert cache.cached(NAME, never) == instance


def test_the_fingerprint_sees_code_and_raw_data() -> None:
    seen = {
        path
        for root in ("sources", "library")
        for path, _ in cache._files(root, Path(cache.__file__).parents[1] / root)
    }
    assert {"sources/cms_nation.py", "library/names.py"} <= seen
    assert not any("__pycache__" in path for path in seen)
