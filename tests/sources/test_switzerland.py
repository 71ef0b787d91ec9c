"""The semi-synthetic Swiss instances: totals as published, margins exact, every number traced to its source."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from splgbench import load
from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library import library_names
from splgbench.library.names import derive as derive_by_name
from splgbench.limits import Limits
from splgbench.methods import method
from splgbench.package import package_files, read_package
from splgbench.result import Status
from splgbench.sources.switzerland import hash_table, main
from splgbench.sources.switzerland_collection import SwissCollection
from splgbench.sources.switzerland_errors import error_table
from splgbench.sources.switzerland_files import read_switzerland
from splgbench.sources.switzerland_groups import BASIC, ELECTIVE, planned, read_grouping, shows
from splgbench.sources.switzerland_imputation import apportion, impute, rounded
from splgbench.sources.switzerland_instances import derive, instance_names
from splgbench.sources.switzerland_offers import Assumptions, Offers

ROOT = Path(__file__).parents[2]
RAW = ROOT / "instances" / "raw"
FIGURES = RAW / "bag_kennzahlen_2022"
UKBB = "BS-universitats-kinderspital-beider-basel-ukbb"
USB = "BS-universitatsspital-basel"
CLARA = "BS-st-claraspital"
OPTIMUM = 1_181_721_241
"""Value of basel-2022 that formulations and solvers agree on."""


@pytest.fixture(scope="module")
def offers() -> Offers:
    return Offers()


@pytest.fixture(scope="module")
def basel(offers: Offers) -> Instance:
    return derive(offers, "basel-2022")


@pytest.fixture(scope="module")
def country(offers: Offers) -> Instance:
    return derive(offers, "switzerland-2022")


@pytest.fixture(scope="module")
def figures() -> pd.DataFrame:
    """Hospitals with acute discharges in 2022, read without the code under test."""
    table = pd.read_csv(FIGURES / "kennzahlen.csv.gz")
    return table[(table["JAHR"] == 2022) & (table["AustStatMSA"] > 0)]


def group_cases(offers: Offers, hospital: str) -> dict[str, int]:
    return {group: cases for (one, group), cases in offers.cases.items() if one == hospital}


# Against the published figures


def test_basel_has_the_published_hospitals_and_discharges(basel: Instance, figures: pd.DataFrame) -> None:
    """17 institutions of Basel-Stadt, Basel-Landschaft and Rheinfelden with 116,343 acute discharges."""
    region = figures[figures["KT"].isin(["BS", "BL"]) | figures["Ort"].str.endswith("Rheinfelden")]
    assert basel.n_hospitals == len(region) == 17
    assert sorted(basel.notes["hospitals"]["name"]) == sorted(region["Inst"])
    assert int(basel.demand.sum()) == int(region["AustStatMSA"].sum()) == 116_343
    assert not basel.regions


def test_switzerland_has_the_published_hospitals_and_discharges(country: Instance, figures: pd.DataFrame) -> None:
    assert country.n_hospitals == len(figures) == 165
    assert int(country.demand.sum()) == int(figures["AustStatMSA"].sum()) == 1_277_848
    assert set(country.regions) == {"CH", *figures["KT"]}


def test_every_hospital_keeps_its_discharges(offers: Offers, figures: pd.DataFrame) -> None:
    """Row margins: the imputed cases of a hospital sum to its acute discharges."""
    by_name = figures.set_index(["KT", "Inst"])["AustStatMSA"].to_dict()
    sums: dict[str, int] = defaultdict(int)
    for (hospital, _), cases in offers.cases.items():
        sums[hospital] += cases
    assert {(one.canton, one.name): sums[one.key] for one in offers.files.institutions} == by_name


def test_every_group_keeps_its_national_share(offers: Offers) -> None:
    """Column margins: the national mix of 2013, scaled by largest remainders, within one case of the exact share."""
    cases = pd.read_csv(RAW / "swissdrg_2013" / "drg_cases.csv.gz")
    total = cases[cases["age_group"] == "Total"]
    total = total[(total["drg"] != "P67D") & ~total["drg"].str[0].isin(["U", "V"])]
    total = total[~total["drg"].str[:3].isin(["960", "961", "962", "963"])]
    by_column = total.groupby(total["drg"].str[:3].map(offers.grouping.of_family))["cases"].sum()
    imputation = offers.imputation
    assert dict(zip(imputation.columns, imputation.national_2013.tolist(), strict=True)) == by_column.to_dict()
    assert imputation.cases.sum(axis=0).tolist() == imputation.national.tolist()
    exact = by_column.reindex(imputation.columns).to_numpy() * 1_277_848 / int(by_column.sum())
    assert np.abs(imputation.national - exact).max() < 1


def test_the_cantons_share_the_country_out(offers: Offers, country: Instance) -> None:
    """The demand of a canton's instance is that of the country's cells where all groups are planned by canton."""
    zurich = derive(offers, "switzerland-2022/canton/ZH")
    mine = {zurich.cell_name(c): int(zurich.demand[c]) for c in range(zurich.n_cells)}
    theirs = {country.cell_name(c): int(country.demand[c]) for c in range(country.n_cells)}
    for group, cases in mine.items():
        if not offers.is_national(group):
            assert theirs[f"{group} in ZH"] == cases
    assert sum(mine.values()) == sum(one.discharges for one in offers.files.institutions if one.canton == "ZH")


def test_offers_are_worth_the_same_everywhere(offers: Offers, basel: Instance, country: Instance) -> None:
    for pair, k in basel.offer_index.items():
        at = country.offer_index[pair]
        assert (basel.capacity[k], basel.utility[k]) == (country.capacity[at], country.utility[at])


# Evidence


def test_nobody_does_what_it_shows_no_evidence_for(offers: Offers) -> None:
    for (hospital, group), _ in offers.cases.items():
        assert shows(offers.hospital[hospital], offers.group[group].evidence), (hospital, group)


def test_births_follow_the_newborns(offers: Offers) -> None:
    """No delivery without newborns; within one case in proportion to them."""
    newborns = {one.key: one.newborns for one in offers.files.institutions if one.delivery_rooms}
    births = {hospital: cases for (hospital, group), cases in offers.cases.items() if group == "GEB1"}
    assert set(births) == {hospital for hospital, number in newborns.items() if number}
    rate = offers.national["GEB1"] / sum(newborns.values())
    assert all(abs(cases - newborns[hospital] * rate) < 1 for hospital, cases in births.items())


def test_kinds_of_hospitals_treat_their_patients(offers: Offers) -> None:
    """Children have no hip prostheses, an eye clinic treats eyes, and a hospital without emergency is elective."""
    assert {"GEB1", "BEW7.1", "GER"}.isdisjoint(group_cases(offers, UKBB))
    assert {offers.group[group].area for group in group_cases(offers, "BL-vista-klinik")} == {"C"}
    for one in offers.files.institutions:
        assert (BASIC in group_cases(offers, one.key)) <= ("NF" in one.services)
    assert "GEB1" not in group_cases(offers, CLARA)
    assert group_cases(offers, USB)[BASIC] > group_cases(offers, USB)[ELECTIVE] > 0


# The error of the imputation


def test_the_committed_error_table_is_the_present_one(offers: Offers) -> None:
    assert error_table(offers) == (ROOT / "docs" / "switzerland-2022-errors.csv").read_text("utf-8")


def test_the_error_table_says_what_the_imputed_mix_implies(offers: Offers) -> None:
    """One hospital computed here again in floating point: index and days at the country's level."""
    row = next(row for row in csv.DictReader(error_table(offers).splitlines()) if row["hospital"] == USB)
    imputation, hospitals = offers.imputation, offers.imputation.hospitals
    at = [one.key for one in hospitals].index(USB)
    weights = (imputation.cases * imputation.weight).sum(axis=1) / 1000
    known = np.array([one.case_mix > 0 for one in hospitals])
    points = sum(one.case_mix * one.discharges for one in hospitals) / 1e6
    assert float(row["case_mix_imputed"]) == pytest.approx(
        weights[at] / 40_595 * points / weights[known].sum(), abs=5e-4
    )
    days = (imputation.cases * imputation.stay).sum(axis=1)
    assert float(row["days_imputed"]) == pytest.approx(days[at] * 6_670_751 / days.sum(), abs=0.6)
    assert (row["days_published"], row["case_mix_published"]) == ("222434", "1.313")


def test_fitting_helps_where_it_was_not_fitted_to(offers: Offers) -> None:
    """Days were not fitted; the mix after fitting explains them better than the mix before."""
    means = list(csv.DictReader(error_table(offers).splitlines()))[-1]
    assert float(means["days_error_percent"]) < float(means["days_start_error_percent"])
    assert float(means["case_mix_error_percent"]) < 1 < float(means["case_mix_start_error_percent"])


# Rounding


def test_rounding_keeps_margins_and_zeros() -> None:
    """Random margins over random supports: exact sums, nothing where nothing is allowed."""
    random = np.random.default_rng(5)
    for _ in range(20):
        wanted = random.integers(0, 9, (7, 9)) * (random.random((7, 9)) < 0.6)
        near = wanted * 2**16 + random.integers(-(2**15), 2**15, wanted.shape)
        near = np.where(wanted > 0, np.maximum(near, 0), 0)
        whole = rounded(near, wanted.sum(axis=1), wanted.sum(axis=0), wanted > 0)
        assert (whole.sum(axis=0) == wanted.sum(axis=0)).all()
        assert (whole.sum(axis=1) == wanted.sum(axis=1)).all()
        assert (whole >= 0).all()
        assert not whole[wanted == 0].any()


def test_margins_that_cannot_be_met_are_refused() -> None:
    """The only allowed cell of the second row lies in a column that is full."""
    allowed = np.array([[True, False], [False, True]])
    with pytest.raises(InputError, match="no whole numbers"):
        rounded(np.zeros((2, 2), dtype=np.int64), np.array([1, 1]), np.array([2, 0]), allowed)


def test_largest_remainders() -> None:
    """10 by 1 : 1 : 4 is 1.67, 1.67, 6.67; the tie of remainders goes to the first two."""
    assert apportion(np.array([1, 1, 4]), 10).tolist() == [2, 2, 6]


# Three numbers by hand


def test_an_offer_by_hand(offers: Offers, basel: Instance) -> None:
    """Knee replacement at St. Claraspital, every step from raw figures and named assumptions."""
    one = offers.hospital[CLARA]
    k = basel.offer_index[CLARA, "BEW7.2"]
    cases = offers.cases[CLARA, "BEW7.2"]
    assert basel.capacity[k] == -(-cases * 250 // 100)
    # 203.096 beds x 365 days x 90 % / 65,836 days = 1.01337.
    assert offers.growth_bp(one) == 10_133
    # 137,471,798 CHF for 11,681 x 1.0376773393 points, 11,341.6 CHF a point; the country pays 1.0093 times that.
    country = offers.cost_per_weight[0] / (offers.cost_per_weight[1] / 1e6)
    assert offers.efficiency_bp(one) == round(1e4 * country / (137_471_798 / (11_681 * 1.0376773393)))
    worth = offers.worth(CLARA, "BEW7.2")
    assert worth.utility == basel.utility[k]
    total = 10_000 + worth.staff + worth.experience + worth.access
    assert worth.utility == (2 * worth.efficiency * total + 10_000) // 20_000


def test_access_counts_the_way_to_the_next_offer(offers: Offers) -> None:
    """Rheinfelden lies 16 km from Basel's St. Claraspital; distances agree with the spherical ones to 1 %."""
    worth = offers.worth("AG-gesundheitszentrum-fricktal", "GEB1")
    assert worth.metres is not None
    assert worth.access == min(worth.metres // 100, 300)


# Rules


def test_minima(offers: Offers, basel: Instance) -> None:
    """Published standards where they match, none for the basic packages, the assumed number elsewhere."""
    minima = dict(zip(basel.groups, basel.minimum_cases.tolist(), strict=True))
    published = {"BEW7.1": 50, "BEW7.2": 50, "LUNG": 40, "PANCREAS": 20, "RECTUM": 16, "GYN2": 100, "COLON": 30}
    assert {group: minima[group] for group in published} == published
    assert minima[BASIC] == minima[ELECTIVE] == 0
    assumed = {key for key, group in offers.group.items() if group.standard is None} - {BASIC, ELECTIVE}
    assert {minima[key] for key in assumed if key in minima} == {10}


def test_links(basel: Instance) -> None:
    links = basel.to_tables()["links"]
    rows = set(zip(links["group"], links["clause"], links["required"], links["scope"], strict=True))
    assert ("BPE", "package", "BP", "cooperation") in rows
    assert {("BEW4", "related", group, "inhouse") for group in ("BEW1", "BEW2", "BEW3")} <= rows
    assert ("HNO1.1.1", "related", "KIE1", "inhouse") in rows
    assert {row[2] for row in rows if row[:2] == ("DER1", "base")} == {"BP"}
    assert {row[2] for row in rows if row[:2] == ("HNO1", "base")} == {"BP", "BPE"}
    assert {row[0] for row in rows if row[3] == "cooperation"} == {"BPE"}


def test_elective_providers_cooperate_with_the_nearest_emergency_hospital(basel: Instance) -> None:
    group = dict(zip(basel.hospitals, basel.cooperation, strict=True))
    assert group["BL-ergolz-klinik"] == group["BL-kantonsspital-baselland"] == "BL-kantonsspital-baselland"
    assert group[UKBB] == group["AG-gesundheitszentrum-fricktal"] == ""


def test_highly_specialised_groups_are_planned_for_the_country(offers: Offers, country: Instance) -> None:
    national = {
        country.groups[country.cell_group[c]]
        for c in range(country.n_cells)
        if country.regions[country.cell_region[c]] == "CH"
    }
    assert {"TX-LIVER", "TX-HEART", "BURNS", "OESOPHAGUS", "HNO1.3.2"} <= national
    assert national == {group for group in offers.group if offers.is_national(group)}
    assert {BASIC, "GEB1", "BEW7.1"}.isdisjoint(national)


@pytest.mark.parametrize(
    ("assumption", "value"),
    [
        ("least_offer_cases", 0),
        ("minimum_share_bp", 10_001),
        ("most_growth_bp", 9999),
        ("efficiency_least_bp", 12_501),
        ("experience_bp", 5000),
        ("capacity_percent", -1),
    ],
)
def test_impossible_assumptions_are_refused(assumption: str, value: int) -> None:
    with pytest.raises(InputError, match=assumption):
        Assumptions(**{assumption: value})


# The library


def test_every_package_has_its_committed_hash(offers: Offers) -> None:
    """Byte for byte, on every machine."""
    assert hash_table(offers) == (ROOT / "instances" / "switzerland-2022-hashes.csv").read_text("utf-8")


def test_the_library_has_them_by_name(basel: Instance) -> None:
    assert load("basel-2022") == basel
    names = {name for name in library_names() if name.startswith(("basel-2022", "switzerland-2022"))}
    assert {"basel-2022", "switzerland-2022", "switzerland-2022/canton/ZH", "switzerland-2022/canton/BS"} <= names
    assert "switzerland-2022/canton/UR" not in names


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="no such instance"):
        load("switzerland-2022/canton/XX")


def test_packages_are_labelled_and_read_back(offers: Offers, tmp_path: Path) -> None:
    """Semi-synthetic in title and description; the written package gives the same instance."""
    assert main(["switzerland-2022/canton/SH", "-o", str(tmp_path / "sh")]) == 0
    descriptor = json.loads((tmp_path / "sh" / "datapackage.json").read_text("utf-8"))
    assert "(semi-synthetic)" in descriptor["title"]
    assert descriptor["description"].startswith("Semi-synthetic")
    assert read_package(tmp_path / "sh") == derive(offers, "switzerland-2022/canton/SH")


def test_provenance_covers_every_column(country: Instance) -> None:
    """Every column of every table is said to be real, derived, imputed or assumed."""
    provenance = country.metadata["splgbench:provenance"]
    said = {(field["table"], field["column"]) for field in provenance["fields"]}
    assert {field["kind"] for field in provenance["fields"]} == set(provenance["kinds"])
    keys = {("demand", "group"), ("offers", "hospital"), ("offers", "group"), ("regions", "name")}
    keys |= {("area_capacity", "hospital"), ("area_capacity", "area")}
    for name, data in package_files(country).items():
        table = name.removesuffix(".csv")
        if not name.endswith(".csv") or table == "links":
            continue
        for column in data.decode().split("\n", 1)[0].strip().split(","):
            assert (table, column) in said | keys
    assert {("links", f"(clause {clause})") for clause in country.clause_name} <= said


# Provenance, derived again from the raw lines


def raw_line(place: str) -> dict[str, str]:
    """The row at "FILE, line N", by column."""
    name, _, line = place.rpartition(", line ")
    file = next(path for path in RAW.rglob(f"{name}*") if path.name in (name, f"{name}.gz"))
    data = file.read_bytes()
    lines = (gzip.decompress(data) if file.suffix == ".gz" else data).decode().split("\n")
    return next(csv.DictReader([lines[0], lines[int(line) - 1]]))


@pytest.mark.parametrize(("hospital", "group"), [(CLARA, "BEW7.2"), (USB, "GYN2"), ("BL-ergolz-klinik", "BPE")])
def test_every_number_of_an_offer_is_traced(offers: Offers, basel: Instance, hospital: str, group: str) -> None:
    found = SwissCollection("basel").provenance("basel-2022", hospital, group)
    by_column = {(origin.table, origin.column): origin for origin in found}
    k = basel.offer_index[hospital, group]
    values = {
        ("offers", "capacity"): basel.capacity[k],
        ("offers", "utility"): basel.utility[k],
        ("demand", "cases"): basel.demand[basel.offer_cell[k]],
        ("groups", "minimum_cases"): basel.minimum_cases[basel.offer_group[k]],
        ("groups", "minimum_share_bp"): basel.minimum_share_bp[basel.offer_group[k]],
    }
    assert {key: by_column[key].value for key in values} == {key: str(value) for key, value in values.items()}

    row = raw_line(by_column["hospitals", "discharges"].rows[0])
    assert row["Inst"] == basel.notes["hospitals"]["name"][basel.offer_hospital[k]]
    assert float(row["AustStatMSA"]) == int(by_column["hospitals", "discharges"].value)
    standard = offers.group[group].standard
    if standard is not None:
        published = raw_line(by_column["groups", "minimum_cases"].rows[0])
        assert published["min_hospital_volume"] == by_column["groups", "minimum_cases"].value
    drgs = [raw_line(place) for place in by_column["offers", "imputed_cases"].rows if place.startswith("drg_cases")]
    families = {drg.family for drg in offers.files.drgs if planned(drg)}
    assert {row["drg"][:3] for row in drgs} <= families
    if group != ELECTIVE:
        column = offers.imputation.columns.index(group)
        assert sum(int(row["cases"]) for row in drgs) == offers.imputation.national_2013[column]
    assert all(origin.rows or "=" in origin.how or origin.how.startswith("assumed") for origin in found)


def test_a_pair_without_an_offer_says_why() -> None:
    collection = SwissCollection("basel")
    lacking = collection.provenance("basel-2022", CLARA, "GEB1")
    assert [(origin.value, origin.how) for origin in lacking] == [("none", "does not show BIRTH")]
    rare = collection.provenance("basel-2022", "BL-vista-klinik", "BEW7.2")
    assert "specialities.csv, line 2" in rare[0].rows
    with pytest.raises(InputError, match="no hospital"):
        collection.provenance("basel-2022", "ZH-stadtspital-zurich", "GEB1")


# A user's own key figures


def own_figures(folder: Path, **changes: str) -> Path:
    """The rows of 2022 as if they were of 2030, plain, with some texts replaced in `kennzahlen.csv`."""
    for name in ("kennzahlen", "sites", "coordinates"):
        text = gzip.decompress((FIGURES / f"{name}.csv.gz").read_bytes()).decode()
        if name == "kennzahlen":
            header, *rows = text.splitlines(keepends=True)
            text = header + "".join("2030" + row[4:] for row in rows if row.startswith("2022"))
            for old, new in changes.items():
                assert old in text
                text = text.replace(old, new, 1)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return folder


def test_a_later_year_in_the_same_format(tmp_path: Path, basel: Instance) -> None:
    """The same figures under another year give the same content under another name."""
    own = derive_by_name("basel-2030", own_figures(tmp_path))
    assert own == basel
    assert "2030" in own.metadata["title"]
    with pytest.raises(InputError, match="has no rows of year 2031; it has 2030"):
        derive_by_name("basel-2031", tmp_path)


@pytest.mark.parametrize("column", ["CMInA", "AustStatMSA", "Ort"])
def test_a_missing_column_is_named_with_its_file(tmp_path: Path, column: str) -> None:
    folder = own_figures(tmp_path, **{f",{column},": ",other,"})
    with pytest.raises(InputError, match=rf"kennzahlen\.csv, row 1, column {column}: the column is missing"):
        read_switzerland(2030, folder)


def test_a_broken_cell_is_named(tmp_path: Path) -> None:
    folder = own_figures(tmp_path)
    file = folder / "kennzahlen.csv"
    header, first, rest = file.read_text("utf-8").split("\n", 2)
    cells = next(csv.reader([first]))
    cells[header.split(",").index("AustStatMSA")] = "many"
    file.write_text("\n".join([header, ",".join(f'"{cell}"' for cell in cells), rest]), encoding="utf-8", newline="")
    with pytest.raises(InputError, match=r"kennzahlen\.csv, row 2, column AustStatMSA"):
        read_switzerland(2030, folder)


def test_a_hospital_without_coordinates_is_named(tmp_path: Path) -> None:
    folder = own_figures(tmp_path)
    file = folder / "coordinates.csv"
    file.write_text(file.read_text("utf-8").replace("Merian Iselin Klinik", "Someone"), encoding="utf-8", newline="")
    with pytest.raises(InputError, match=r"kennzahlen\.csv, row \d+, column Inst: must have a row in coordinates\.csv"):
        read_switzerland(2030, folder)


def test_a_year_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["basel-2019", "-o", str(tmp_path / "out"), "--year", "2019"]) == 2
    assert "has no rows of year 2019; it has 2021, 2022" in capsys.readouterr().err


def test_the_year_2021_is_in_the_shipped_files() -> None:
    files = read_switzerland(2021)
    imputation = impute(files.institutions, files.drgs, read_grouping(files.drgs, files.chapters))
    assert int(imputation.cases.sum()) == sum(one.discharges for one in files.institutions)
    assert instance_names(files.institutions, 2021)[:2] == ["basel-2021", "switzerland-2021"]


# Solving


@pytest.mark.parametrize(
    "name",
    ["strengthened@highs", "linked@highs", "big_m_literal@highs", "strengthened@scip", "strengthened@scipy_milp"],
)
def test_quick_methods_prove_the_same_optimum(basel: Instance, name: str) -> None:
    result = method(name).solve(basel, Limits(wall_time=120))
    assert result.status is Status.OPTIMAL
    assert result.primal == OPTIMUM


@pytest.mark.parametrize("rule", ["links", "minimum_cases", "minimum_share"])
def test_every_rule_binds(basel: Instance, rule: str) -> None:
    """Without the rule the optimum is higher: none of them is for show."""
    result = method("strengthened@highs").solve(basel.with_rules(**{rule: False}), Limits(wall_time=120, gap=1e-6))
    assert result.primal is not None
    assert result.primal > OPTIMUM
