"""The collection cms-2011: the nation's numbers come from the raw files, and every one of them can be traced there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from splgbench.cli import main
from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library import library_names, load
from splgbench.library.cache import VARIABLE
from splgbench.library.collection import Origin
from splgbench.library.hashes import committed_hashes, computed_hash
from splgbench.library.names import derive, provenance
from splgbench.sources.cms_collection import CmsCollection
from splgbench.sources.cms_nation import NationalAssumptions

RAW = Path(__file__).parents[2] / "instances" / "raw"
CMS = RAW / "cms_ipps_fy2011"
NAMES = CmsCollection().names()
ROW = re.compile(r"(.+), lines? ([0-9]+)(?: to ([0-9]+))?")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Empty before the nation is derived, whatever other workers do."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def told(cache: str) -> list[str]:
    """Hashes of the nation and peak memory in KiB, of a process of its own that derives it with another hash seed."""
    code = (
        "import resource; from splgbench.library import load; from splgbench.library.hashes import package_sha256\n"
        "us = load('cms-2011/us')\n"
        "print(us.instance_hash, package_sha256(us), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    environment = {**os.environ, VARIABLE: cache, "PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.split()


@pytest.fixture(scope="module")
def us(told: list[str], cache: str) -> Instance:
    """From the cache, where that process left it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, cache)
        return load("cms-2011/us")


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The charges with hospital and DRG beside them, read without the code under test; `line` is that of the file."""
    charges = pd.read_csv(CMS / "charges_drg100.csv.gz", dtype=str)
    charges["line"] = range(2, 2 + len(charges))
    charges["discharges"] = charges["discharges"].astype(int)
    money = charges["avg_total_payments"].str.partition(".")
    charges["cents"] = money[0].astype(int) * 100 + money[2].str.ljust(2, "0").astype(int)
    providers = pd.read_csv(CMS / "providers.csv.gz", dtype=str, keep_default_na=False)
    drgs = pd.read_csv(CMS / "msdrg_table.csv.gz", dtype=str)
    rows = charges.merge(providers[["provider_id", "state", "hrr"]], on="provider_id")
    rows = rows.merge(drgs[["drg", "mdc_v25", "medsurg_v25"]], on="drg")
    rows["region"] = rows["state"].where(rows["medsurg_v25"] == "S", rows["hrr"])
    return rows.sort_values("line").reset_index(drop=True)


# Names and sizes


def test_names() -> None:
    """The nation, 51 states with DC, 306 referral regions; no two differ in capitals alone."""
    levels = [name.split("/")[1] for name in NAMES]
    assert (levels.count("us"), levels.count("state"), levels.count("hrr")) == (1, 51, 306)
    assert len({name.lower() for name in NAMES}) == 358
    assert {"cms-2011/state/MN", "cms-2011/hrr/FL-Miami", "cms-2011/hrr/CA-Palm-Springs-Rancho-M"} <= set(NAMES)
    assert library_names()["cms-2011/us"] == "collection"


def test_sizes(us: Instance) -> None:
    assert (us.n_hospitals, us.n_groups, us.n_areas, us.n_offers) == (3337, 100, 16, 163_065)
    assert us.notes["regions"]["planned_as"].count("referral region") == 306
    assert us.notes["regions"]["planned_as"].count("state") == 51
    assert int(us.demand.sum()) == 6_975_318
    assert us.capacity_mode == "both"


@pytest.mark.parametrize("name", ["cms-2011/nowhere", "cms-2011/state/XX", "cms-2011", "cms-2011/hrr/Miami"])
def test_an_unknown_name_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match="no such instance; cms-2011 has us, state/ST and hrr/ST-City"):
        load(name)


# The same bytes everywhere


@pytest.mark.parametrize("row", [row for row in committed_hashes() if re.match("cms-2011/(state|hrr)", row.instance)])
def test_committed_hashes_of_states_and_regions(row: object, us: Instance) -> None:
    """To the byte of the package; after the nation, in one process."""
    assert computed_hash(row.instance) == row  # type: ignore[attr-defined]


def test_committed_hash_of_the_nation_and_its_memory(told: list[str], us: Instance) -> None:
    """At most 1 GiB, a quarter of what is allowed; the cache gives the same instance."""
    committed = {row.instance: row for row in committed_hashes()}["cms-2011/us"]
    assert told[:2] == [committed.instance_hash, committed.package_sha256]
    assert int(told[2]) < 2**20
    assert us.instance_hash == committed.instance_hash


# Against the raw files


@lru_cache(maxsize=4)
def tables_of(instance: Instance) -> dict[str, dict[str, list[object]]]:
    return instance.to_tables()


def columns(instance: Instance, table: str) -> pd.DataFrame:
    return pd.DataFrame(tables_of(instance)[table])


def test_offers_are_the_published_pairs_in_their_regions(us: Instance, raw: pd.DataFrame) -> None:
    """No offer is made of a pair that is not published."""
    expected = raw.sort_values(["provider_id", "drg"])
    offers = columns(us, "offers")
    assert offers["hospital"].tolist() == expected["provider_id"].tolist()
    assert offers["group"].tolist() == expected["drg"].tolist()
    assert offers["region"].tolist() == expected["region"].tolist()
    assert offers["discharges"].tolist() == expected["discharges"].tolist()
    assert offers["capacity"].tolist() == (3 * expected["discharges"]).tolist()


@pytest.mark.parametrize("name", ["cms-2011/us", "cms-2011/state/MN", "cms-2011/hrr/ND-Fargo-Moorhead-MN"])
def test_demand_is_summed_over_the_hospitals_at_hand(name: str, us: Instance, raw: pd.DataFrame) -> None:
    instance = us if name == "cms-2011/us" else derive(name)
    rows = raw[raw["provider_id"].isin(instance.hospitals)]
    demand = columns(instance, "demand")
    stated = dict(zip(zip(demand["group"], demand["region"], strict=True), demand["cases"], strict=True))
    assert stated == rows.groupby(["drg", "region"])["discharges"].sum().to_dict()


def test_area_capacity(us: Instance, raw: pd.DataFrame) -> None:
    by_pair = raw.groupby(["provider_id", "mdc_v25"])["discharges"].sum()
    pairs = columns(us, "area_capacity")
    stated = dict(zip(zip(pairs["hospital"], pairs["area"], strict=True), pairs["capacity"], strict=True))
    assert stated == {(h, f"MDC{mdc}"): (115 * cases + 99) // 100 for (h, mdc), cases in by_pair.items()}


def test_minima_are_standards_or_the_nations_median(us: Instance, raw: pd.DataFrame) -> None:
    standards = {"039": 20, "330": 30, "470": 50, "329": 0, "469": 0}
    medians = raw.groupby("drg")["discharges"].quantile(0.5, interpolation="lower").astype(int).to_dict()
    assert dict(zip(us.groups, us.minimum_cases.tolist(), strict=True)) == {**medians, **standards}


@pytest.mark.parametrize("name", ["cms-2011/state/MN", "cms-2011/hrr/FL-Miami"])
def test_a_part_holds_the_nations_rows_of_its_hospitals(name: str, us: Instance) -> None:
    """Offers, area capacities, groups and links are the nation's; only demand is the part's own."""
    part = derive(name)
    assert 0 < part.n_hospitals < 100
    for table in ("offers", "area_capacity", "hospitals"):
        whole = columns(us, table)
        expected = whole[whole["hospital"].isin(part.hospitals)].reset_index(drop=True)
        pd.testing.assert_frame_equal(columns(part, table), expected, check_dtype=False)
    for table in ("groups", "links", "areas"):
        pd.testing.assert_frame_equal(columns(part, table), columns(us, table))


def test_access_against_floating_point(us: Instance) -> None:
    """Every referral region's distances and factors, from the providers file, to 0.5 % (Alaska) and 5 basis points."""

    def metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
        lat1, lon1, lat2, lon2 = map(radians, (lat1, lon1, lat2, lon2))
        square = sin((lat1 - lat2) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon1 - lon2) / 2) ** 2
        return 2 * 6_371_009 * asin(sqrt(square))

    providers = pd.read_csv(CMS / "providers.csv.gz", dtype={"provider_id": str, "zip": str}).sort_values("provider_id")
    hospitals = columns(us, "hospitals").set_index("hospital")
    known = 0
    for _, region in providers.groupby("hrr"):
        places, settled = {}, {}
        for row in region.itertuples():
            address, centroid = (row.addr_lat, row.addr_lon), (row.zip_lat, row.zip_lon)
            has = not np.isnan(address[0]), not np.isnan(centroid[0])
            if not any(has) or (all(has) and metres(*address, *centroid) > 50_000):
                continue
            places[row.provider_id] = address if has[0] else centroid
            if has[1] and row.zip_population > 0:
                settled.setdefault(row.zip, (row.zip_population, centroid))
        total = sum(population for population, _ in settled.values())
        means = {
            key: sum(population * metres(*place, *centroid) for population, centroid in settled.values()) / total
            for key, place in places.items()
            if total
        }
        for key in region["provider_id"]:
            stated, factor = hospitals.loc[key, "referral_distance_m"], hospitals.loc[key, "referral_access_bp"]
            if key not in means:
                assert (stated, factor) == ("", 10_000)
                continue
            known += 1
            assert stated == pytest.approx(means[key], rel=0.005, abs=10)
            mean = sum(means.values()) / len(means)
            expected = 10_000 + (max(-500, 500 * (mean - means[key]) / mean) if mean > 50 else 0)
            assert mean < 50 or factor == pytest.approx(expected, abs=5)
    assert known > 3000


# Provenance


def read_rows(rows: Sequence[str]) -> dict[str, list[int]]:
    """File to the lines that origins name."""
    found: dict[str, list[int]] = {}
    for row in rows:
        match = ROW.fullmatch(row)
        assert match is not None, row
        found.setdefault(match[1], []).extend(range(int(match[2]), int(match[3] or match[2]) + 1))
    return found


def traced(name: str, hospital: str, group: str) -> dict[tuple[str, str], Origin]:
    return {(origin.table, origin.column): origin for origin in provenance(name, hospital, group)}


def raw_lines(file: str) -> list[str]:
    folder = CMS if (CMS / f"{file}.gz").is_file() else RAW / "minimum_volume_standards"
    data = pd.read_csv(folder / (f"{file}.gz" if folder == CMS else file), dtype=str, keep_default_na=False)
    return ["header", *(",".join(row) for row in data.itertuples(index=False))]


def sampled(us: Instance) -> list[tuple[str, str]]:
    """Offers from all over the nation, with the DRGs that standards and links treat apart."""
    picked = [us.offer_name(k) for k in range(0, us.n_offers, 30_000)]
    return [*picked, ("100296", "470"), ("100008", "329"), ("100008", "330"), ("100008", "469"), ("390168", "194")]


def test_every_number_is_in_the_package_and_follows_from_its_rows(us: Instance, raw: pd.DataFrame) -> None:
    """Values against the package's tables; and again from the raw lines alone that the origins name."""
    tables = {table: columns(us, table) for table in ("offers", "groups", "hospitals", "demand", "area_capacity")}
    by_line = raw.set_index("line")
    for hospital, group in sampled(us):
        origins = traced("cms-2011/us", hospital, group)
        offer = tables["offers"].iloc[us.offer_index[hospital, group]]
        row = {
            "offers": offer,
            "groups": tables["groups"].set_index("group").loc[group],
            "hospitals": tables["hospitals"].set_index("hospital").loc[hospital],
            "demand": tables["demand"].set_index(["group", "region"]).loc[group, offer["region"]],
        }
        row["area_capacity"] = (
            tables["area_capacity"].set_index(["hospital", "area"]).loc[hospital, row["groups"]["area"]]
        )
        for (table, column), origin in origins.items():
            if table != "links" and (table, column) != ("hospitals", "hospital"):
                assert str(row[table][column]) == origin.value, (table, column)

        def lines(table: str, column: str, origins: dict[tuple[str, str], Origin] = origins) -> pd.DataFrame:
            return by_line.loc[read_rows(origins[table, column].rows)["charges_drg100.csv"]]

        (own,) = lines("offers", "discharges").itertuples()
        assert (own.provider_id, own.drg, own.discharges, own.cents) == (
            hospital,
            group,
            offer["discharges"],
            offer["mean_payment_cents"],
        )
        nation = lines("groups", "mean_payment_cents")
        assert set(nation["drg"]) == {group}
        paid, cases = int((nation["discharges"] * nation["cents"]).sum()), int(nation["discharges"].sum())
        assert (2 * paid + cases) // (2 * cases) == row["groups"]["mean_payment_cents"]
        cell = lines("demand", "cases")
        assert int(cell["discharges"].sum()) == row["demand"]["cases"]
        assert set(cell["region"]) == {offer["region"]}
        area = lines("area_capacity", "capacity")
        assert set(area["provider_id"]) == {hospital}
        assert -(-115 * int(area["discharges"].sum()) // 100) == row["area_capacity"]["capacity"]
        minimum = read_rows(origins["groups", "minimum_cases"].rows)
        if "charges_drg100.csv" in minimum:
            volumes = by_line.loc[minimum["charges_drg100.csv"], "discharges"]
            assert volumes.quantile(0.5, interpolation="lower") == row["groups"]["minimum_cases"]
        else:
            assert minimum.keys() == {"msdrg_matches.csv", "minimum_volumes.csv"}
        level = lines("hospitals", "payment_level_bp")
        means = level["drg"].map(dict(zip(us.groups, tables["groups"]["mean_payment_cents"], strict=True)))
        paid, at_mean = int((level["discharges"] * level["cents"]).sum()), int((level["discharges"] * means).sum())
        assert (20_000 * paid + at_mean) // (2 * at_mean) == row["hospitals"]["payment_level_bp"]
        for (table, clause), origin in origins.items():
            if table == "links":
                stated = columns(us, "links").query("group == @group and clause == @clause")["required"]
                assert sorted(origin.value.removeprefix("any of ").split(", ")) == sorted(stated)
                if clause != "family":
                    assert set(lines("links", clause)["drg"]) == set(stated)


def test_rows_of_hospital_grouping_and_standard_hold_what_they_say(us: Instance) -> None:
    origins = traced("cms-2011/us", "100296", "470")
    providers, drgs, mdcs = map(raw_lines, ("providers.csv", "msdrg_table.csv", "mdc_names.csv"))
    (line,) = read_rows(origins["hospitals", "star_rating"].rows)["providers.csv"]
    assert providers[line - 1].startswith("100296,DOCTORS HOSPITAL INC,")
    rows = read_rows(origins["groups", "area"].rows)
    assert drgs[rows["msdrg_table.csv"][0] - 1].startswith("470,08,S,")
    assert mdcs[rows["mdc_names.csv"][0] - 1].startswith("08,Diseases and disorders of the musculoskeletal")
    rows = read_rows(origins["groups", "minimum_cases"].rows)
    assert "Total knee replacement surgery,50" in raw_lines("minimum_volumes.csv")[rows["minimum_volumes.csv"][0] - 1]
    assert raw_lines("msdrg_matches.csv")[rows["msdrg_matches.csv"][0] - 1].startswith("470,Leapfrog Group,")


def test_a_utility_by_hand(us: Instance) -> None:
    """Doctors Hospital, hip and knee replacement: 14,324.48 x 1.3117 over 20,280.48 USD; 5 stars; 269 km, not 283."""
    origins = traced("cms-2011/us", "100296", "470")
    efficiency = (2 * 1_432_448 * 13_117 + 2_028_048) // (2 * 2_028_048)
    access = 10_000 + (2 * 500 * (283_368 - 269_471) + 283_368) // (2 * 283_368)
    assert (efficiency, access) == (9265, 10_025)
    expected = (2 * 10_000 * efficiency * 10_400 * access + 10**12) // (2 * 10**12)
    assert origins["offers", "utility"].value == str(expected) == "9660"
    assert us.utility[us.offer_index["100296", "470"]] == expected
    assert "efficiency 9265 x quality 10400 x access 10025" in origins["offers", "utility"].how


def test_a_pair_that_is_not_published_is_no_zero(us: Instance) -> None:
    """No offer, no number; the provenance says what the gap means."""
    k = next(g for g in us.groups if ("100296", g) not in us.offer_index)
    last = provenance("cms-2011/us", "100296", k)[-1]
    assert (last.table, last.column, last.value) == ("offers", "(row)", "")
    assert "no zero: suppressed or none, 0 to 10 cases" in last.how
    assert "0 to 10 cases" in us.metadata["splgbench:provenance"]["missing_pairs"]


def test_the_command_prints_origins_and_names_all_rows_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """To read: a few rows of each number; as JSON: every one."""
    command = ["instances", "provenance", "cms-2011/us", "--offer", "100296", "470"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "offers.utility = 9660  [assumed]" in told
    assert "  from charges_drg100.csv, line 37569\n" in told
    assert "more, all of them with --json" in told
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["instance"], found["hospital"], found["group"]) == ("cms-2011/us", "100296", "470")
    kept = {(origin["table"], origin["column"]): origin for origin in found["origins"]}
    assert kept["offers", "discharges"]["rows"] == ["charges_drg100.csv, line 37569"]
    assert len(kept["groups", "mean_payment_cents"]["rows"]) > 2000


def test_provenance_refuses_what_is_not_there() -> None:
    with pytest.raises(InputError, match="has no hospital 240001"):
        provenance("cms-2011/hrr/FL-Miami", "240001", "470")
    with pytest.raises(InputError, match="has no group 999"):
        provenance("cms-2011/hrr/FL-Miami", "100296", "999")
    with pytest.raises(InputError, match="must be an instance of a collection"):
        provenance("hard-h1", "h1", "g1")


def test_every_column_is_said_to_be_real_derived_or_assumed(us: Instance) -> None:
    said = us.metadata["splgbench:provenance"]
    fields = [(field["table"], field["column"]) for field in said["fields"]]
    assert len(fields) == len(set(fields))
    assert {field["kind"] for field in said["fields"]} == set(said["kinds"])
    keys = {("demand", "group"), ("demand", "region"), ("offers", "hospital"), ("offers", "group")}
    keys |= {("area_capacity", "hospital"), ("area_capacity", "area")}
    held = {(table, column) for table, cells in us.to_tables().items() if table != "links" for column in cells}
    assert held - keys - {("hospitals", "cooperation")} <= set(fields)
    assert {("links", f"(clause {name})") for name in us.clause_name} <= set(fields)
    assert json.dumps(said)


@pytest.mark.parametrize(
    ("assumption", "value"),
    [
        ("minimum_percentile", 0),
        ("medical_share_bp", 10_001),
        ("distance_bp", 9001),
        ("star_bp", 4001),
        ("efficiency_least_bp", 12_501),
        ("capacity_percent", -1),
    ],
)
def test_impossible_assumptions_are_refused(assumption: str, value: int) -> None:
    with pytest.raises(InputError, match=assumption):
        NationalAssumptions(**{assumption: value})


def test_other_assumptions_make_another_instance() -> None:
    """Half the capacity, no distance; the package says so."""
    usual = derive("cms-2011/hrr/PA-Wilkes-Barre")
    other = CmsCollection(assumptions=NationalAssumptions(capacity_percent=150, distance_bp=0)).make(usual.name)
    assert other.capacity.tolist() == [cases * 150 // 100 for cases in usual.notes["offers"]["discharges"]]
    assert other.metadata["splgbench:provenance"]["assumptions"]["capacity_percent"] == 150
    assert set(other.notes["hospitals"]["state_access_bp"]) == {10_000}
    assert set(usual.notes["hospitals"]["referral_access_bp"]) == {10_000}
    assert set(usual.notes["hospitals"]["state_access_bp"]) != {10_000}
