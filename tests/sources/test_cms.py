"""The instance us-miami-2011: it comes from the raw public files, number by number, and nothing else."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library.names import provenance
from splgbench.limits import Limits
from splgbench.methods import method
from splgbench.package import package_files, read_package
from splgbench.result import Status
from splgbench.sources.cms import Assumptions, derive_cms, main
from splgbench.sources.cms_files import read_cms
from splgbench.sources.standards import read_standards

INSTANCES = Path(__file__).parents[2] / "instances"
COMMITTED = INSTANCES / "us-miami-2011"
RAW = INSTANCES / "raw" / "cms_ipps_fy2011"
STANDARDS = INSTANCES / "raw" / "minimum_volume_standards"
OPTIMUM = 667_881_759
"""Value that `strengthened` and `linked` prove with HiGHS."""


@pytest.fixture(scope="module")
def miami() -> Instance:
    return derive_cms()


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The region's rows of the charges file, read without the code under test."""
    charges = pd.read_csv(RAW / "charges_drg100.csv.gz", dtype={"drg": str, "provider_id": str})
    providers = pd.read_csv(RAW / "providers.csv.gz", dtype=str)
    drgs = pd.read_csv(RAW / "msdrg_table.csv.gz", dtype=str)
    region = providers[providers["hrr"] == "FL - Miami"]
    rows = charges[charges["provider_id"].isin(region["provider_id"])]
    return rows.merge(drgs[["drg", "mdc_v25", "medsurg_v25"]], on="drg")


# The committed package


def test_derivation_reproduces_the_committed_files(miami: Instance) -> None:
    """Byte for byte, on every machine."""
    derived = package_files(miami)
    committed = {file.name: file.read_bytes() for file in COMMITTED.iterdir() if file.name != "README.md"}
    assert sorted(derived) == sorted(committed)
    for name, data in derived.items():
        assert data == committed[name], f"{name} differs: derive it again with python -m splgbench.sources.cms"


def test_the_committed_package_reads_back_as_the_derived_instance(miami: Instance) -> None:
    assert read_package(COMMITTED) == miami


def test_the_command_writes_the_package_and_keeps_its_readme(tmp_path: Path) -> None:
    """Deriving again must not delete the text that describes the package."""
    target = tmp_path / "us-miami-2011"
    shutil.copytree(COMMITTED, target)
    (target / "offers.csv").write_text("spoilt\n")
    assert main(["--region", "FL - Miami", "-o", str(target)]) == 0
    assert {f.name: f.read_bytes() for f in target.iterdir()} == {f.name: f.read_bytes() for f in COMMITTED.iterdir()}


def test_plain_files_in_a_folder_give_the_same_instance(miami: Instance, tmp_path: Path) -> None:
    """A user may give unpacked files in the same format."""
    for file in RAW.glob("*.gz"):
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    assert package_files(derive_cms(raw=tmp_path)) == package_files(miami)


def test_provenance_covers_every_column(miami: Instance) -> None:
    """Every column of every table is said to be real, derived or assumed."""
    provenance = json.loads((COMMITTED / "datapackage.json").read_text())["splgbench:provenance"]
    said = {(field["table"], field["column"]) for field in provenance["fields"]}
    assert {field["kind"] for field in provenance["fields"]} == set(provenance["kinds"])
    keys = {("demand", "group"), ("offers", "hospital"), ("offers", "group")}
    keys |= {("area_capacity", "hospital"), ("area_capacity", "area")}
    for file in sorted(COMMITTED.glob("*.csv")):
        for column in pd.read_csv(file, nrows=0).columns:
            if file.stem != "links" and (file.stem, column) not in keys:
                assert (file.stem, column) in said
    clauses = set(pd.read_csv(COMMITTED / "links.csv")["clause"])
    assert {("links", f"(clause {clause})") for clause in clauses} <= said


# Against the raw files


def test_every_number_of_every_offer_is_traced(miami: Instance) -> None:
    """Each value is the package's, from raw lines of that hospital or group; what must add up adds up, by pandas."""
    charges = pd.read_csv(RAW / "charges_drg100.csv.gz", dtype={"drg": str, "provider_id": str})
    tables = {name: pd.DataFrame(table) for name, table in miami.to_tables().items()}
    area_of = dict(zip(miami.groups, (miami.areas[a] for a in miami.group_area.tolist()), strict=True))
    rows = {
        "offers": tables["offers"].set_index(["hospital", "group"]),
        "groups": tables["groups"].set_index("group"),
        "hospitals": tables["hospitals"].set_index("hospital"),
        "demand": tables["demand"].set_index("group"),
        "area_capacity": tables["area_capacity"].set_index(["hospital", "area"]),
    }
    clauses_of = clauses(miami)
    for k in range(0, miami.n_offers, 7):
        hospital, group = miami.offer_name(k)
        key = {"offers": (hospital, group), "groups": group, "hospitals": hospital, "demand": group}
        key["area_capacity"] = (hospital, area_of[group])
        linked = set()
        for origin in provenance("us-miami-2011", hospital, group):
            lines = _charges_lines(origin.rows)
            of_lines = charges.loc[[line - 2 for line in lines]]
            if origin.table == "links":
                required = set(origin.value.removeprefix("any of ").split(", "))
                assert required == clauses_of[group, origin.column]
                assert not lines or set(of_lines["drg"]) == required
                linked.add(origin.column)
                continue
            if origin.column == "hospital":
                assert origin.value == hospital
                continue
            value = rows[origin.table].loc[key[origin.table], origin.column]
            assert str(value) == origin.value, (hospital, group, origin)
            if origin.column in ("discharges", "cases"):
                assert of_lines["discharges"].sum() == value
        assert linked == {name for of, name in clauses_of if of == group}


def _charges_lines(rows: tuple[str, ...]) -> list[int]:
    """Lines of the charges file among the rows of an origin."""
    found = []
    for row in rows:
        file, _, at = row.partition(", line")
        if file == "charges_drg100.csv":
            first, _, last = at.removeprefix("s").strip().partition(" to ")
            found += range(int(first), int(last or first) + 1)
    return found


def test_a_pair_that_is_not_published_and_names_that_are_none(miami: Instance) -> None:
    """The first says so; the others are errors."""
    offered = {miami.offer_name(k) for k in range(miami.n_offers)}
    hospital, group = next((h, g) for h in miami.hospitals for g in miami.groups if (h, g) not in offered)
    last = provenance("us-miami-2011", hospital, group)[-1]
    assert (last.table, last.value) == ("offers", "")
    assert "suppressed" in last.how
    for pair in (("999999", group), (hospital, "47")):
        with pytest.raises(InputError, match="us-miami-2011 has no"):
            provenance("us-miami-2011", *pair)


def test_counts(miami: Instance) -> None:
    assert (miami.n_hospitals, miami.n_groups, miami.n_areas, miami.n_offers) == (26, 100, 16, 1540)
    assert miami.capacity_mode == "both"
    assert not miami.regions


def test_demand_is_the_sum_of_the_regions_discharges(miami: Instance, raw: pd.DataFrame) -> None:
    by_drg = raw.groupby("drg")["discharges"].sum()
    assert {miami.cell_name(c): int(miami.demand[c]) for c in range(miami.n_cells)} == by_drg.to_dict()
    assert int(miami.demand.sum()) == int(raw["discharges"].sum()) == 64_252


def test_offers_are_the_published_pairs_at_three_times_their_volume(miami: Instance, raw: pd.DataFrame) -> None:
    volumes = {(row.provider_id, row.drg): row.discharges for row in raw.itertuples()}
    assert set(miami.offer_index) == set(volumes)
    assert all(miami.capacity[k] == 3 * volumes[pair] for pair, k in miami.offer_index.items())


def test_area_capacity_is_115_percent_rounded_up(miami: Instance, raw: pd.DataFrame) -> None:
    by_pair = raw.groupby(["provider_id", "mdc_v25"])["discharges"].sum()
    expected = {(h, f"MDC{mdc}"): (115 * cases + 99) // 100 for (h, mdc), cases in by_pair.items()}
    stated = zip(miami.stated_pair_hospital, miami.stated_pair_area, miami.stated_pair_capacity, strict=True)
    assert {(miami.hospitals[h], miami.areas[a]): int(q) for h, a, q in stated} == expected


def test_minimum_cases(miami: Instance, raw: pd.DataFrame) -> None:
    """Published standards where they match, the lower median for other surgical DRGs, 12 for medical ones."""
    minima = dict(zip(miami.groups, miami.minimum_cases.tolist(), strict=True))
    standards = {"039": 20, "330": 30, "470": 50, "329": 0, "469": 0}
    assert {drg: minima[drg] for drg in standards} == standards
    for (drg, kind), rows in raw.groupby(["drg", "medsurg_v25"]):
        if drg not in standards:
            median = rows["discharges"].quantile(0.5, interpolation="lower")
            assert minima[drg] == (median if kind == "S" else 12)
    assert set(miami.minimum_share_bp.tolist()) == {100}


# Three offers by hand. The sums over the region's rows are written out; everything else follows from them.


def test_hip_and_knee_replacement_at_doctors_hospital(miami: Instance) -> None:
    """105 discharges of DRG 470 at 20,280.48 USD each; 5 stars."""
    k = miami.offer_index["100296", "470"]
    assert miami.capacity[k] == 3 * 105
    # The region: 1,620 cases for 27,403,339.33 USD, a mean of 16,915.64 USD.
    # The hospital: 14,438,832.36 USD for cases that would bring 12,661,742.47 USD at the means, a level of 1.1404.
    # Efficiency 16,915.64 x 1.1404 / 20,280.48 = 0.9512; quality 1 + 2 x 0.02 = 1.04; product 0.989248.
    assert miami.utility[k] == 9892
    # MDC 08: 14 + 12 + 105 + 20 + 15 + 46 = 212 cases, of which 115 % are 243.8.
    assert area_capacity(miami, "100296", "MDC08") == 244


def test_stroke_at_jackson_memorial(miami: Instance) -> None:
    """55 discharges of DRG 064 at 26,157.76 USD each; 1 star; the region's teaching hospital."""
    k = miami.offer_index["100022", "064"]
    assert miami.capacity[k] == 3 * 55
    # The region: 482 cases for 7,713,450.45 USD, a mean of 16,003.01 USD.
    # The hospital: 77,994,102.75 USD for cases that would bring 51,263,347.86 USD at the means, a level of 1.5214.
    # Efficiency 16,003.01 x 1.5214 / 26,157.76 = 0.93077, 0.9308; quality 1 - 2 x 0.02 = 0.96; product 0.893568.
    assert miami.utility[k] == 8936
    # MDC 01: 29 + 55 + 62 + 49 + 50 + 23 + 84 = 352 cases, of which 115 % are 404.8.
    assert area_capacity(miami, "100022", "MDC01") == 405


def test_coronary_stents_at_university_of_miami(miami: Instance) -> None:
    """79 discharges of DRG 247 at 16,048.77 USD each; no rating is known, which counts as three stars."""
    k = miami.offer_index["100009", "247"]
    assert miami.capacity[k] == 3 * 79
    # The region: 851 cases for 13,303,219.33 USD, a mean of 15,632.46 USD.
    # The hospital: 50,089,451.83 USD for cases that would bring 50,953,235.98 USD at the means, a level of 0.9830.
    # Efficiency 15,632.46 x 0.9830 / 16,048.77 = 0.9575; quality 1.
    assert miami.utility[k] == 9575


def test_efficiency_stays_in_its_range(miami: Instance) -> None:
    """All utilities lie between 0.8 x 0.96 and 1.25 x 1.04 points."""
    assert int(miami.utility.min()) == 7680
    assert int(miami.utility.max()) == 13_000


def area_capacity(instance: Instance, hospital: str, area: str) -> int:
    pairs = zip(instance.stated_pair_hospital, instance.stated_pair_area, instance.stated_pair_capacity, strict=True)
    return next(int(q) for h, a, q in pairs if (instance.hospitals[h], instance.areas[a]) == (hospital, area))


# Links


def clauses(instance: Instance) -> dict[tuple[str, str], set[str]]:
    """(group, clause) to required groups."""
    links = instance.to_tables()["links"]
    assert set(links["mode"]) == {"any"}
    assert set(links["scope"]) == {"inhouse"}
    found: dict[tuple[str, str], set[str]] = {}
    for group, clause, required in zip(links["group"], links["clause"], links["required"], strict=True):
        found.setdefault((group, clause), set()).add(required)
    return found


def test_every_drg_needs_one_of_the_most_widespread_ones(miami: Instance) -> None:
    """Urinary infection (26 hospitals), gastroenteritis and heart failure (25 each, with the most cases)."""
    base = {"690", "392", "292"}
    found = clauses(miami)
    assert {group for group, clause in found if clause == "base"} == set(miami.groups) - base
    assert all(members == base for (_, clause), members in found.items() if clause == "base")


def test_surgical_drgs_need_a_large_medical_drg_of_their_mdc(miami: Instance, raw: pd.DataFrame) -> None:
    """One of the three largest; MDC 07 has one medical DRG in the file and no such link."""
    specialty = {group: members for (group, clause), members in clauses(miami).items() if clause == "specialty"}
    surgical = raw[raw["medsurg_v25"] == "S"].groupby("drg")["mdc_v25"].first()
    medical = raw[raw["medsurg_v25"] == "M"].groupby(["mdc_v25", "drg"])["discharges"].sum()
    assert set(specialty) == set(surgical.index) - {"418", "419"}
    for drg, members in specialty.items():
        assert members == set(medical[surgical[drg]].nlargest(3).index)


def test_severe_variants_need_the_drg_that_carries_the_standard(miami: Instance) -> None:
    family = {group: members for (group, clause), members in clauses(miami).items() if clause == "family"}
    assert family == {"329": {"330"}, "469": {"470"}}


def test_without_the_carrier_a_variant_falls_under_the_assumed_rule(tmp_path: Path) -> None:
    """In a region that has no DRG 470, DRG 469 needs no other and gets the percentile."""
    small_raw(tmp_path, charges="469,100001,20,1.00,5000.00\n469,100002,30,1.00,6000.00\n")
    instance = derive_cms("FL - Here", raw=tmp_path)
    assert instance.minimum_cases.tolist() == [20]
    assert instance.n_clauses == 0


# Matches of published standards


def test_rejected_matches_and_medical_drgs_carry_no_standard() -> None:
    matches = read_standards().matches
    assert {drg for drg, match in matches.items() if match.use == "applied"} == {"039", "330", "470"}
    drgs = read_cms().drgs
    assert all(drgs[drg].surgical for drg in matches)


def test_a_match_must_name_a_published_hospital_standard(tmp_path: Path) -> None:
    """A standard per surgeon is none of a hospital."""
    shutil.copy(STANDARDS / "minimum_volumes.csv", tmp_path)
    (tmp_path / "msdrg_matches.csv").write_text(
        "drg,issuer,procedure,use,carrier,reason\n470,Regierungsrat Kanton Zürich,Prostatektomie,applied,,none\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match=r"msdrg_matches\.csv, row 2, column procedure"):
        read_standards(tmp_path)


# Other regions and assumptions


def test_regions_of_one_name_keep_their_state() -> None:
    """There is a Rochester in Minnesota and one in New York."""
    assert derive_cms("MN - Rochester").name == "us-mn-rochester-2011"


def test_an_unknown_region_is_an_input_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--region", "Miami", "-o", str(tmp_path / "out")]) == 2
    assert "no hospital referral region named 'Miami'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("assumption", "value"),
    [
        ("surgical_minimum_percentile", 0),
        ("minimum_share_bp", 10_001),
        ("star_bp", 4001),
        ("efficiency_least_bp", 12_501),
        ("capacity_percent", -1),
    ],
)
def test_impossible_assumptions_are_refused(assumption: str, value: int) -> None:
    with pytest.raises(InputError, match=assumption):
        Assumptions(**{assumption: value})


# Broken raw files


def small_raw(folder: Path, charges: str = "470,100001,20,1.00,5000.00\n", stars: str = "3") -> None:
    """Two hospitals and two DRGs in the format of the CMS files."""
    header = "provider_id,name,state,hrr,zip_lat,zip_lon,addr_lat,addr_lon,star_rating\n"
    hospitals = f"100001,ONE,FL,FL - Here,25.1,-80.1,,,{stars}\n100002,TWO,FL,FL - Here,25.2,-80.2,25.3,-80.3,\n"
    texts = {
        "mdc_names.csv": "mdc,name\n08,Bones\n",
        "msdrg_table.csv": "drg,mdc_v25,medsurg_v25,fy2011_definition\n469,08,S,JOINT W MCC\n470,08,S,JOINT W/O MCC\n",
        "providers.csv": header + hospitals,
        "charges_drg100.csv": "drg,provider_id,discharges,avg_covered_charges,avg_total_payments\n" + charges,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def test_coordinates_are_of_the_address_where_it_is_known(tmp_path: Path) -> None:
    small_raw(tmp_path)
    assert derive_cms("FL - Here", raw=tmp_path).notes["hospitals"]["latitude"] == ("25.1", "25.3")


@pytest.mark.parametrize("name", ["charges_drg100.csv", "providers.csv", "msdrg_table.csv", "mdc_names.csv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    small_raw(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"has no {name}"):
        derive_cms("FL - Here", raw=tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: has no mdc_names"):
        derive_cms(raw=tmp_path / "nowhere")


def test_a_missing_column_is_named_with_its_file(tmp_path: Path) -> None:
    small_raw(tmp_path)
    file = tmp_path / "charges_drg100.csv"
    file.write_text(file.read_text().replace("avg_total_payments", "payments"))
    with pytest.raises(InputError, match=r"charges_drg100\.csv, row 1, column avg_total_payments: the column is miss"):
        derive_cms("FL - Here", raw=tmp_path)


@pytest.mark.parametrize("kept", [0, 5, 1_000_000])
def test_a_truncated_gzip_is_named(tmp_path: Path, kept: int) -> None:
    """Cut in its header or in its middle; nothing is read of it."""
    small_raw(tmp_path)
    (tmp_path / "charges_drg100.csv.gz").write_bytes((RAW / "charges_drg100.csv.gz").read_bytes()[:kept])
    with pytest.raises(InputError, match=r"charges_drg100\.csv\.gz: "):
        derive_cms("FL - Here", raw=tmp_path)


def test_a_corrupted_gzip_is_named(tmp_path: Path) -> None:
    small_raw(tmp_path)
    data = bytearray((RAW / "mdc_names.csv.gz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "mdc_names.csv.gz").write_bytes(data)
    with pytest.raises(InputError, match=r"mdc_names\.csv\.gz: cannot be read"):
        derive_cms("FL - Here", raw=tmp_path)


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("470,100001,20.5,1.00,5000.00", "column discharges"),
        ("470,100001,0,1.00,5000.00", "column discharges"),
        ("470,100001,20,1.00,5000.005", "column avg_total_payments"),
        ("470,100001,20,1.00,0.00", "column avg_total_payments"),
        ("470,100001,20,1.00,-1.00", "column avg_total_payments"),
        ("471,100001,20,1.00,5000.00", "column drg"),
        ("470,100009,20,1.00,5000.00", "column provider_id"),
        ("470,100002,20,1.00,5000.00", "column provider_id"),
    ],
)
def test_a_broken_cell_is_named(tmp_path: Path, row: str, place: str) -> None:
    """The first row is sound; the second breaks a rule (the last case: a pair that stands twice)."""
    small_raw(tmp_path, charges=f"470,100002,20,1.00,5000.00\n{row}\n")
    with pytest.raises(InputError, match=rf"charges_drg100\.csv, row 3, {place}"):
        derive_cms("FL - Here", raw=tmp_path)


def test_a_broken_rating_is_named(tmp_path: Path) -> None:
    small_raw(tmp_path, stars="6")
    with pytest.raises(InputError, match=r"providers\.csv, row 2, column star_rating"):
        derive_cms("FL - Here", raw=tmp_path)


def test_money_is_read_without_rounding(tmp_path: Path) -> None:
    """The file writes 21915.95, 5392.1 and 999.5 alike; each becomes whole cents."""
    small_raw(tmp_path, charges="470,100001,20,1.00,5392.1\n470,100002,20,1.00,21915.95\n469,100002,11,1.00,7000\n")
    payments = {(v.provider, v.drg): v.payment for v in read_cms(tmp_path).volumes}
    assert payments == {("100001", "470"): 539_210, ("100002", "470"): 2_191_595, ("100002", "469"): 700_000}


# Solving


@pytest.mark.parametrize("name", ["strengthened@highs", "linked@highs"])
def test_two_formulations_prove_the_same_optimum(miami: Instance, name: str) -> None:
    result = method(name).solve(miami, Limits(wall_time=120))
    assert result.status is Status.OPTIMAL
    assert result.primal == OPTIMUM


@pytest.mark.parametrize("rule", ["links", "minimum_cases", "minimum_share"])
def test_every_rule_binds(miami: Instance, rule: str) -> None:
    """Without the rule the optimum is higher: none of them is for show."""
    result = method("strengthened@highs").solve(miami.with_rules(**{rule: False}), Limits(wall_time=120, gap=1e-6))
    assert result.primal is not None
    assert result.primal > OPTIMUM
