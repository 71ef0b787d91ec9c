"""The instance: what it can be made of, that it stays as it is, and what its hash sees."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from instances_for_tests import MODES, Tables, make, plain_tables, random_tables, small, small_tables
from naive import Naive

from splgbench.checker import check
from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.transform import RULES, without_rules
from splgbench.volumes import largest_volumes, minimum_share_cases, pairs, thresholds


def assert_same(one: Instance, other: Instance, notes: bool = True) -> None:
    """Every array, key and (if asked) note is equal."""
    for entry in fields(Instance):
        if entry.name in ("name", "metadata") or (entry.name == "notes" and not notes):
            continue
        mine, theirs = getattr(one, entry.name), getattr(other, entry.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, entry.name
            assert np.array_equal(mine, theirs), entry.name
        else:
            assert mine == theirs, entry.name
    assert one.instance_hash == other.instance_hash
    assert one == other


def with_notes() -> Tables:
    """`small_tables` with columns that are kept and not interpreted."""
    tables = small_tables()
    tables["hospitals"] |= {"name": ["Erstes", "Zweites"], "beds": [300, 120]}
    tables["groups"]["name"] = ["one", "two", "three"]
    tables["demand"]["year"] = ["2021", "2022", "2023"]
    tables["offers"]["source"] = ["a", "b", "c", "d", "e"]
    tables["links"]["why"] = ["x", "y", "z"]
    tables["area_capacity"]["theatre"] = ["T1"]
    tables["overrides"]["author"] = ["Ada", "Bob"]
    return tables


def structured(columns: dict[str, list[Any]]) -> np.ndarray:
    """A numpy structured array; text has no missing cells there."""
    cells = {name: ["" if cell is None else cell for cell in column] for name, column in columns.items()}
    return np.rec.fromarrays([np.array(column) for column in cells.values()], names=list(cells)).view(np.ndarray)


MAKERS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "tuples": lambda columns: {name: tuple(cells) for name, cells in columns.items()},
    "arrays": lambda columns: {name: np.array(cells, dtype=object) for name, cells in columns.items()},
    "structured": structured,
    "pandas": pandas.DataFrame,
    "pandas-nullable": lambda columns: pandas.DataFrame(columns).convert_dtypes(),
    "polars": polars.DataFrame,
    "pyarrow": pyarrow.table,
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_tables_of_any_library_give_the_same_instance(maker: Callable[[dict[str, list[Any]]], Any]) -> None:
    """Mappings, structured arrays, pandas, polars and pyarrow tables are one and the same input."""
    tables = small_tables()
    tables["overrides"] |= {"action": ["fix", "exempt"], "cases": [4, None]}  # a whole column with a gap
    expected = make(tables)
    assert_same(make({name: maker(columns) for name, columns in tables.items()}), expected, notes=False)
    assert expected.override_cases.tolist() == [-1, 4]


def test_plain_lists_of_keys() -> None:
    """Hospitals, areas and regions may be lists of keys; areas may be left to the groups; whole keys become text."""
    tables: dict[str, Any] = plain_tables({("1", "G"): (2, 3), ("2", "G"): (4, 5)}, {"G": 6})
    expected = make(tables)
    tables["hospitals"] = ["2", "1"]
    del tables["areas"]
    tables["offers"]["hospital"] = [1, np.int64(2)]
    assert_same(make(tables), expected, notes=False)


def test_floats_from_a_data_frame_are_refused() -> None:
    """A pandas column with a gap is float and becomes whole again; one without a gap that is float is a mistake."""
    tables: dict[str, Any] = small_tables()
    tables["groups"] = pandas.DataFrame(tables["groups"])
    tables["groups"].loc[1, "minimum_cases"] = np.nan
    assert tables["groups"]["minimum_cases"].dtype == float
    assert make(tables).minimum_cases.tolist() == [2, 0, 3]
    tables["groups"]["minimum_cases"] = [2.0, 0.0, 3.0]
    with pytest.raises(InputError, match="groups, row 1, column minimum_cases: must be a whole number"):
        make(tables)


def test_arrays_are_those_of_the_model() -> None:
    """Every array of the small instance, written out by hand."""
    instance = small()
    expected = {
        "group_area": [0, 0, 1],
        "minimum_cases": [2, 0, 3],
        "minimum_share_bp": [0, 5000, 0],
        "cell_group": [0, 1, 2],
        "cell_region": [0, 0, 0],
        "demand": [10, 7, 9],
        "demand_stated": [True, True, True],
        "offer_hospital": [0, 0, 0, 1, 1],
        "offer_group": [0, 1, 2, 0, 2],
        "offer_cell": [0, 1, 2, 0, 2],
        "capacity": [8, 6, 5, 9, 4],
        "utility": [5, 3, 4, 2, 6],
        "clause_group": [0, 2],
        "clause_is_all": [False, True],
        "clause_start": [0, 1, 3],
        "required_group": [2, 0, 1],
        "required_in_cooperation": [False, False, True],
        "stated_pair_hospital": [0],
        "stated_pair_area": [0],
        "stated_pair_capacity": [12],
        "override_offer": [1, 4],
        "override_cases": [-1, -1],
    }
    for name, values in expected.items():
        assert getattr(instance, name).tolist() == values, name
    assert (instance.override_action, instance.override_rule) == (("exempt", "grant"), ("threshold", ""))
    assert instance.clause_name == ("base", "team")
    assert thresholds(instance).tolist() == [2, 1, 3, 2, 3]
    assert largest_volumes(instance).tolist() == [8, 6, 5, 9, 4]
    pair = pairs(instance)
    parts = (pair.hospital, pair.area, pair.capacity, pair.of_offer)
    assert [part.tolist() for part in parts] == [[0, 0, 1, 1], [0, 1, 0, 1], [12, 5, 9, 4], [0, 0, 1, 2, 3]]
    assert instance.offer_name(3) == ("H2", "G1")
    assert instance.offer_index["H2", "G3"] == 4
    sizes = (instance.n_hospitals, instance.n_groups, instance.n_areas, instance.n_cells, instance.n_offers)
    assert sizes == (2, 3, 2, 3, 5)
    assert repr(instance) == "Instance(unnamed: 2 hospitals, 3 groups, 2 areas, 3 cells, 5 offers, both)"


def test_cells_of_offers_without_demand_exist() -> None:
    """An offer in a cell that the demand table leaves out has demand 0, and the hash sees no row for it."""
    tables = small_tables()
    tables["demand"] = {"group": ["G3"], "cases": [9]}
    instance = make(tables)
    assert instance.demand.tolist() == [0, 0, 9]
    assert instance.demand_stated.tolist() == [False, False, True]
    assert instance.to_tables()["demand"] == {"group": ["G3"], "cases": [9]}


@pytest.mark.parametrize("seed", range(8))
def test_order_of_rows_does_not_matter(seed: int) -> None:
    """Shuffled rows and columns of every table give the same arrays, notes and hash."""
    draw = random.Random(seed)
    tables = with_notes() if seed == 0 else random_tables(seed, overrides=0)
    shuffled = {}
    for name, columns in draw.sample(sorted(tables.items()), len(tables)):
        order = list(range(len(next(iter(columns.values())))))
        draw.shuffle(order)
        shuffled[name] = {column: [cells[row] for row in order] for column, cells in reversed(columns.items())}
    one, other = make(tables), make(shuffled)
    assert_same(one, other)
    assert one.notes == other.notes


def test_notes_may_be_anything() -> None:
    """Coordinates, flags and dates are kept as they are given, whatever their type."""
    tables = small_tables()
    tables["hospitals"] |= {"latitude": [47.55, None], "public": [True, False]}
    tables["overrides"]["date"] = [2021, 2022]
    notes = make(tables).notes
    assert notes["hospitals"] == {"latitude": (47.55, None), "public": (True, False)}
    assert notes["overrides"]["date"] == (2022, 2021)


def test_the_instance_cannot_be_changed() -> None:
    """Fields, arrays, notes, metadata and the offer index are all read-only."""
    instance = make(with_notes(), metadata={"title": "small"})
    with pytest.raises(FrozenInstanceError):
        instance.capacity_mode = "none"  # type: ignore[misc]
    for entry in fields(Instance):
        value = getattr(instance, entry.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[:] = 0
    for mapping in (instance.notes, instance.notes["hospitals"], instance.metadata, instance.offer_index):
        with pytest.raises(TypeError):
            mapping["H1", "G1"] = 0  # type: ignore[index]


def test_the_input_is_not_touched() -> None:
    """Building an instance neither keeps nor freezes the caller's arrays."""
    tables: dict[str, Any] = plain_tables({("H", "G"): (2, 3)}, {"G": 6})
    capacity = np.array([2])
    tables["offers"]["capacity"] = capacity
    instance = make(tables)
    capacity[0] = 99
    assert instance.capacity.tolist() == [2]


@pytest.mark.parametrize("copied", [lambda i: pickle.loads(pickle.dumps(i)), copy.copy, copy.deepcopy])
def test_copies_are_equal_and_read_only(copied: Callable[[Instance], Instance]) -> None:
    """A pickled or copied instance has the same content, and its arrays stay read-only."""
    instance = make(with_notes(), metadata={"sources": [{"title": "by hand"}]}, name="small")
    other = copied(instance)
    assert_same(instance, other)
    assert (other.name, other.metadata) == (instance.name, instance.metadata)
    assert hash(other) == hash(instance)
    for entry in fields(Instance):
        value = getattr(other, entry.name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable, entry.name
    with pytest.raises(TypeError):
        other.metadata["title"] = "changed"  # type: ignore[index]


def test_tables_and_back() -> None:
    """`to_tables` states the whole instance: built again, it is the same, with its notes."""
    for seed in range(12):
        one = make(random_tables(seed, overrides=0), MODES[seed % 4])
        assert_same(Instance.from_tables(**one.to_tables(), capacity_mode=one.capacity_mode), one)
    one = make(with_notes())
    again = Instance.from_tables(**one.to_tables(), capacity_mode="both")
    assert again.notes == one.notes
    assert again.notes["hospitals"]["beds"] == (300, 120)
    assert again.notes["overrides"]["reason"] == ("one team on two sites", "the valley needs it")


def changed(table: str, column: str, row: int, value: object) -> Instance:
    tables = with_notes()
    tables[table][column][row] = value
    return make(tables)


def test_the_hash_sees_content_only() -> None:
    """Names, reasons, authors and unknown columns are outside the hash; every fact of the model is inside."""
    instance = make(with_notes())
    outside = [
        ("hospitals", "name", 0, "Other"),
        ("hospitals", "beds", 1, 7),
        ("groups", "name", 2, "other"),
        ("demand", "year", 0, "1999"),
        ("offers", "source", 3, "elsewhere"),
        ("links", "why", 1, "because"),
        ("overrides", "reason", 0, "another reason"),
        ("overrides", "author", 1, "Eve"),
    ]
    for case in outside:
        assert changed(*case).instance_hash == instance.instance_hash, case
    inside = [
        ("hospitals", "cooperation", 0, ""),
        ("groups", "area", 1, "B"),
        ("groups", "minimum_cases", 0, 3),
        ("groups", "minimum_share_bp", 1, 4999),
        ("demand", "cases", 2, 8),
        ("offers", "capacity", 4, 5),
        ("offers", "utility", 0, 6),
        ("links", "clause", 0, "basis"),
        ("links", "required", 0, "G2"),
        ("links", "scope", 0, "cooperation"),
        ("area_capacity", "capacity", 0, 13),
        ("area_capacity", "area", 0, "B"),
        ("overrides", "action", 0, "refuse"),
        ("overrides", "rule", 1, "links"),
    ]
    hashes = {changed(*case).instance_hash for case in inside} | {instance.instance_hash}
    hashes |= {make(with_notes(), mode).instance_hash for mode in MODES}
    hashes.add(make(with_notes(), utility_scale=10).instance_hash)
    assert len(hashes) == len(inside) + 4 + 1
    named = make(with_notes(), name="other", metadata={"title": "other"})
    assert named == instance
    assert hash(named) == hash(instance)
    assert instance == small()  # the same tables without the notes
    assert instance != "an instance"


def test_defaults_hash_like_what_they_stand_for() -> None:
    """A column left out and one filled with its default are the same content; so is an optional empty table."""
    tables = small_tables()
    tables["links"]["scope"] = ["", None, "cooperation"]
    assert make(tables) == small()
    tables = plain_tables({("H", "G"): (2, 3)}, {"G": 6})
    bare = copy.deepcopy(tables)
    del bare["hospitals"]["cooperation"], bare["groups"]["minimum_cases"]
    bare["groups"]["minimum_share_bp"] = [None]
    bare["links"] = {name: [] for name in ("group", "clause", "mode", "required", "scope")}
    bare["area_capacity"] = {"hospital": [], "area": [], "capacity": []}
    assert make(tables) == make(bare)


@pytest.mark.parametrize(
    "key", ["a,b", 'say "x"', "two\nlines", "Zürich", "日本", "cr\rlf", " padded ", "#hash", "'", "\u2028", "a\x00"]
)
def test_keys_of_any_text(key: str) -> None:
    """Commas, quotes, line breaks, blanks and any script may stand in every key."""
    tables = plain_tables(
        {(key, key): (4, 2), ("H", key): (3, 1)},
        {key: 6},
        areas={key: key},
        links=[(key, key, "any", key, "cooperation")],
        networks={key: key, "H": key},
        pairs={(key, key): 5},
        overrides=[(key, key, "grant", None, "")],
    )
    instance = make(tables)
    assert instance.areas == instance.groups == (key,)
    assert key in instance.hospitals
    assert_same(Instance.from_tables(**instance.to_tables(), capacity_mode="both"), instance)
    assert check(instance, {(key, key): 4, ("H", key): 2}).feasible


RULE_TABLES = plain_tables(
    {("H1", "G1"): (4, 5), ("H1", "G2"): (3, 4), ("H2", "G1"): (9, 1)},
    {"G1": 10, "G2": 8},
    minimum={"G1": 3},
    links=[("G1", "c", "any", "G2", "inhouse")],
    pairs={("H1", "A"): 5},
    overrides=[("H1", "G2", "grant", None, "")],
)
RULE_TABLES["groups"]["minimum_share_bp"] = [0, 2500]


@pytest.mark.parametrize("switched", ["minimum_cases", "minimum_share", "links", "overrides"])
def test_each_rule_can_be_switched_off(switched: str) -> None:
    """`with_rules` gives another instance with another hash, in which exactly that rule is gone."""
    instance = make(RULE_TABLES)
    before = pickle.dumps(instance)
    without = instance.with_rules(**{switched: False})
    assert without.instance_hash != instance.instance_hash
    assert pickle.dumps(instance) == before
    assert thresholds(instance).tolist() == [3, 2, 3]
    expected = {"minimum_cases": [1, 2, 1], "minimum_share": [3, 1, 3]}
    assert thresholds(without).tolist() == expected.get(switched, [3, 2, 3])
    assert without.n_clauses == (0 if switched == "links" else 1)
    assert len(without.override_action) == (0 if switched == "overrides" else 1)
    assert without.capacity_mode == "both"


def test_capacity_modes_can_be_switched() -> None:
    """Another capacity mode is another instance; U follows the rules that are on."""
    instance = make(RULE_TABLES)
    largest = {"group": [4, 3, 9], "area": [5, 5, 9], "both": [4, 3, 9], "none": [10, 8, 10]}
    hashes = set()
    for mode in MODES:
        other = instance.with_rules(capacity_mode=mode)
        assert other.capacity_mode == mode
        assert largest_volumes(other).tolist() == largest[mode]
        hashes.add(other.instance_hash)
    assert len(hashes) == 4
    assert instance.with_rules() == instance


def test_rules_by_name() -> None:
    """`without_rules` takes every name of `RULES`, several at once, and refuses others."""
    modes = {"capacity": "none", "group-capacity": "area", "area-capacity": "group"}
    instance = make(RULE_TABLES)
    for rule in RULES:
        without = without_rules(instance, [rule])
        assert without != instance
        assert without.capacity_mode == modes.get(rule, "both")
    bare = without_rules(instance, RULES)
    assert bare.capacity_mode == "none"
    assert thresholds(bare).tolist() == [1, 1, 1]
    assert (bare.n_clauses, len(bare.override_action)) == (0, 0)
    assert without_rules(instance, []) is instance
    assert without_rules(instance, ["group-capacity", "area-capacity"]).capacity_mode == "none"
    with pytest.raises(InputError, match="no rule named demand, taste; rules: capacity"):
        without_rules(instance, ["taste", "demand"])


def test_share_is_rounded_up_exactly() -> None:
    """700 bp of 100 cases are 7, not 8 (0.07 x 100 > 7 in floats), for the models and for the checker alike."""
    assert 0.07 * 100 > 7
    tables = plain_tables({("H", "G"): (100, 1)}, {"G": 100})
    tables["groups"]["minimum_share_bp"] = [700]
    instance = make(tables)
    assert thresholds(instance).tolist() == [7]
    assert check(instance, {("H", "G"): 7}).feasible
    assert check(instance, {("H", "G"): 6}).violations[0].amount == 1


def test_share_of_any_size_is_exact() -> None:
    """ceil(v B / 10000) agrees with whole-number arithmetic without bounds, up to 2^61 cases."""
    draw = random.Random(5)
    demands = [draw.randrange(2 ** draw.randint(1, 40)) for _ in range(200)]
    shares = [draw.choice([0, 1, 700, 3333, 9999, 10_000, draw.randint(0, 10_000)]) for _ in demands]
    demands[:3], shares[:3] = [10_000, 10_001, 2**61], [1, 1, 9_999]
    keys = [f"G{i}" for i in range(200)]
    tables = plain_tables(dict.fromkeys((("H", key) for key in keys), (1, 1)), dict(zip(keys, demands, strict=True)))
    tables["groups"]["minimum_share_bp"] = shares
    instance = make(tables)
    expected = {key: -(-share * cases // 10_000) for key, share, cases in zip(keys, shares, demands, strict=True)}
    assert minimum_share_cases(instance).tolist() == [expected[key] for key in instance.groups]
    for k, group in enumerate(instance.groups):
        least = max(1, expected[group])
        assert thresholds(instance)[k] == least
        for cases in {least, max(1, least - 1)}:
            found = [v.amount for v in check(instance, {("H", group): cases}).violations if v.rule == "threshold"]
            assert found == [least - cases] * (cases < least)


def test_thresholds_and_volumes_agree_with_the_statement() -> None:
    """t_k and U_k equal those of a plain second statement, with regions, exemptions and stated area capacities."""
    for seed in range(60):
        tables = random_tables(seed, overrides=0)
        instance, naive = make(tables, MODES[seed % 4]), Naive(tables, MODES[seed % 4])
        names = [instance.offer_name(k) for k in range(instance.n_offers)]
        assert thresholds(instance).tolist() == [naive.threshold[name] for name in names]
        assert largest_volumes(instance).tolist() == [naive.largest[name] for name in names]


def test_degenerate_instances() -> None:
    """No hospitals, no groups, no offers: legal, empty arrays, a hash of their own."""
    empty: dict[str, Any] = {
        "hospitals": [],
        "areas": [],
        "groups": {"group": [], "area": []},
        "demand": {"group": [], "cases": []},
        "offers": {"hospital": [], "group": [], "capacity": [], "utility": []},
    }
    nothing = make(empty)
    assert (nothing.n_hospitals, nothing.n_groups, nothing.n_offers, nothing.n_cells) == (0, 0, 0, 0)
    assert nothing.clause_start.tolist() == [0]
    assert check(nothing, {}).feasible
    lonely = make(empty | {"hospitals": ["H"]})
    assert lonely != nothing
    assert_same(Instance.from_tables(**lonely.to_tables(), capacity_mode="both"), lonely)
