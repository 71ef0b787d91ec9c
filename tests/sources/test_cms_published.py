"""A user's own copy of the CMS files: newer or larger in the shipped format, or as CMS publishes it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from splgbench.cli import main
from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library.names import derive, provenance
from splgbench.package import read_package
from splgbench.sources.cms_files import read_cms, read_hospitals

CMS = Path(__file__).parents[2] / "instances" / "raw" / "cms_ipps_fy2011"
REGION = "MN - Rochester"
FIRST = (
    "DRG Definition,Provider Id,Provider Name,Provider Street Address,Provider City,Provider State,Provider Zip Code,"
    "Hospital Referral Region Description, Total Discharges , Average Covered Charges , Average Total Payments ,"
    "Average Medicare Payments\n"
)
LATER = (
    "Rndrng_Prvdr_CCN,Rndrng_Prvdr_Org_Name,Rndrng_Prvdr_City,Rndrng_Prvdr_St,Rndrng_Prvdr_State_FIPS,"
    "Rndrng_Prvdr_Zip5,Rndrng_Prvdr_State_Abrvtn,Rndrng_Prvdr_RUCA,Rndrng_Prvdr_RUCA_Desc,DRG_Cd,DRG_Desc,Tot_Dschrgs,"
    "Avg_Submtd_Cvrd_Chrg,Avg_Tot_Pymt_Amt,Avg_Mdcr_Pymt_Amt\n"
)


@pytest.fixture(scope="module")
def region() -> pd.DataFrame:
    """The rows of a small referral region, as the shipped files have them."""
    charges = pd.read_csv(CMS / "charges_drg100.csv.gz", dtype=str)
    providers = pd.read_csv(CMS / "providers.csv.gz", dtype=str, keep_default_na=False)
    drgs = pd.read_csv(CMS / "msdrg_table.csv.gz", dtype=str)[["drg", "fy2011_definition"]]
    return charges.merge(providers[providers["hrr"] == REGION], on="provider_id").merge(drgs, on="drg")


@pytest.fixture(scope="module")
def own(region: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """The region alone as a nation, in the shipped format under the name for files with any DRGs."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("msdrg_table.csv", "mdc_names.csv", "providers.csv"):
        (folder / f"{name}.gz").write_bytes((CMS / f"{name}.gz").read_bytes())
    providers = pd.read_csv(CMS / "providers.csv.gz", dtype=str, keep_default_na=False)
    (folder / "providers.csv.gz").unlink()
    providers[providers["hrr"] == REGION].to_csv(folder / "providers.csv", index=False)
    columns = ["drg", "provider_id", "discharges", "avg_covered_charges", "avg_total_payments"]
    region[columns].to_csv(folder / "charges.csv", index=False)
    return derive("cms-2012/us", folder)


def first_layout(region: pd.DataFrame) -> str:
    """As of 2011: numbers without their zeros, money with dollar signs and commas, blanks in headings."""
    lines = [
        f'"{row.drg} - {row.fy2011_definition}",{int(row.provider_id)},"{row.name_}",{row.zip} MAIN,X,{row.state},'
        f'{int(row.zip)},{row.hrr},{row.discharges},$1.00,"${float(row.avg_total_payments):,.2f}",$1.00'
        for row in region.rename(columns={"name": "name_"}).itertuples()
    ]
    return FIRST + "\n".join(lines) + "\n"


def later_layout(region: pd.DataFrame) -> str:
    """As of the later years: no referral region, DRGs without their zeros, more decimals than cents."""
    lines = [
        f'{row.provider_id},"{row.name_}",X,Y,27,{row.zip},{row.state},1,Metro,{int(row.drg)},'
        f'"{row.fy2011_definition}","{int(row.discharges):,}",1.0,{row.avg_total_payments},1'
        for row in region.rename(columns={"name": "name_"}).itertuples()
    ]
    return LATER + "\n".join(lines) + "\n"


@pytest.mark.parametrize("layout", [first_layout, later_layout])
def test_both_published_layouts_give_the_instance_of_the_shipped_format(
    layout: object, region: pd.DataFrame, own: Instance, tmp_path: Path
) -> None:
    """Same hospitals, same numbers, same content hash."""
    (tmp_path / "CMS_download.csv").write_text(layout(region))  # type: ignore[operator]
    found = derive("cms-2012/us", tmp_path)
    assert own.n_offers == len(region)
    assert found.instance_hash == own.instance_hash
    assert found.notes["hospitals"] == own.notes["hospitals"]
    assert found.name == "cms-2012/us"
    assert set(found.metadata["splgbench:provenance"]["raw_files_sha256"]) >= {"CMS_download.csv", "msdrg_table.csv"}
    assert "fiscal year 2012" in found.metadata["title"]


def test_rows_are_those_of_the_users_file(region: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "download.csv.gz").write_bytes(gzip.compress(later_layout(region).encode()))
    row = region.iloc[7]
    origins = {o.column: o for o in provenance("cms-2012/us", row.provider_id, row.drg, tmp_path)}
    assert origins["discharges"].rows == ("download.csv, line 9",)
    assert origins["discharges"].value == row.discharges


def test_the_command_derives_from_a_folder(region: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "2012.csv").write_text(later_layout(region))
    derived = ["instances", "derive", "cms-2012/hrr/MN-Rochester", "--raw", str(tmp_path / "raw"), "-o"]
    assert main([*derived, str(tmp_path / "out.zip")]) == 0
    assert read_package(tmp_path / "out.zip").n_offers == len(region)


def later_row(**changes: str) -> str:
    row = {"ccn": "240010", "zip": "55901", "state": "MN", "drg": "470", "cases": "20", "paid": "5000.126", **changes}
    first = f"{row['ccn']},NAME,X,Y,27,{row['zip']},{row['state']},1,M"
    return f"{first},{row['drg']},JOINT,{row['cases']},1,{row['paid']},1\n"


def test_amounts_are_rounded_to_cents(tmp_path: Path) -> None:
    rows = [
        later_row(),
        later_row(drg="469", paid="5000.125"),
        later_row(drg="194", paid="5000.1249"),
        later_row(drg="39", paid="7"),
    ]
    (tmp_path / "x.csv").write_text(LATER + "".join(rows))
    paid = {volume.drg: volume.payment for volume in read_cms(tmp_path).volumes}
    assert paid == {"470": 500_013, "469": 500_013, "194": 500_012, "039": 700}


def test_a_region_that_the_file_does_not_name(tmp_path: Path) -> None:
    """Of the hospital in the shipped file, else of a neighbour in its ZIP area, else the state's unknown one."""
    shipped = read_hospitals()
    assert shipped["240010"].region == REGION
    rows = later_row(), later_row(ccn="249998", zip=shipped["240010"].zip_code), later_row(ccn="249999", zip="00001")
    (tmp_path / "x.csv").write_text(LATER + "".join(rows))
    found = read_hospitals(tmp_path)
    assert [found[key].region for key in ("240010", "249998", "249999")] == [REGION, REGION, "MN - Unknown"]
    assert found["240010"].stars == shipped["240010"].stars
    assert found["249999"].address is None


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (later_row(cases="1O"), r"x\.csv, row 3, column Tot_Dschrgs: must be a whole number"),
        (later_row(paid="free"), r"x\.csv, row 3, column Avg_Tot_Pymt_Amt: must be an amount"),
        (later_row(drg="1000"), r"x\.csv, row 3, column DRG_Cd: must be a DRG of msdrg_table\.csv"),
        (later_row(drg="014"), r"msdrg_table\.csv.*column medsurg_v25: must be M or S"),
        (later_row(drg="194"), r"x\.csv, row 3, column Rndrng_Prvdr_CCN: must be unique within its DRG"),
    ],
)
def test_a_broken_cell_is_named_with_the_users_own_heading(tmp_path: Path, row: str, told: str) -> None:
    (tmp_path / "x.csv").write_text(LATER + later_row(drg="194") + row)
    with pytest.raises(InputError, match=told):
        read_cms(tmp_path)


def test_a_missing_column_is_named_in_the_nearest_layout(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(LATER.replace("Tot_Dschrgs", "Discharges") + later_row())
    with pytest.raises(
        InputError, match=r"x\.csv, row 1, column Tot_Dschrgs: the column is missing \(in the layout of later"
    ):
        read_cms(tmp_path)
    (tmp_path / "x.csv").write_text(FIRST.replace("Provider Id", "Id").replace("Hospital Referral Region", "HRR"))
    with pytest.raises(InputError) as caught:
        read_cms(tmp_path)
    assert [problem.column for problem in caught.value.problems] == [
        "Provider Id",
        "Hospital Referral Region (HRR) Description",
    ]


def test_two_files_are_one_too_many(tmp_path: Path) -> None:
    for name in ("2019.csv", "2020.csv"):
        (tmp_path / name).write_text(LATER + later_row())
    with pytest.raises(InputError, match=r"must hold one file of discharges, has 2019\.csv, 2020\.csv"):
        read_cms(tmp_path)


def test_own_grouping_goes_before_the_shipped_one(tmp_path: Path) -> None:
    """A DRG whose kind the shipped table does not know needs one."""
    (tmp_path / "x.csv").write_text(LATER + later_row(drg="521"))
    with pytest.raises(InputError, match=r"medsurg_v25: must be M or S, if need be in a msdrg_table\.csv beside"):
        read_cms(tmp_path)
    table = "drg,mdc_v25,medsurg_v25,fy2011_definition\n521,08,S,HIP REPLACEMENT\n"
    (tmp_path / "msdrg_table.csv").write_text(table)
    assert read_cms(tmp_path).drgs["521"].surgical


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("zip_population", "many", "column zip_population: must be a whole number or empty"),
        ("addr_lat", "95.0", "column addr_lat: must be decimal degrees between -90 and 90"),
        ("zip_lon", "west", "column zip_lon: must be decimal degrees"),
    ],
)
def test_a_broken_place_is_named(tmp_path: Path, column: str, value: str, told: str) -> None:
    cells = {"provider_id": "240010", "name": "N", "state": "MN", "hrr": REGION, "zip": "55901", "zip_population": "9"}
    cells |= {"zip_lat": "44.0", "zip_lon": "-92.5", "addr_lat": "44.0", "addr_lon": "-92.4", "star_rating": "3"}
    cells[column] = value
    (tmp_path / "providers.csv").write_text(",".join(cells) + "\n" + ",".join(cells.values()) + "\n")
    (tmp_path / "x.csv").write_text(LATER + later_row())
    with pytest.raises(InputError, match=told):
        read_cms(tmp_path)


@pytest.mark.parametrize("name", ["us", "cms-11/us", "us-miami-2011"])
def test_own_files_need_a_name_with_their_year(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instances", "derive", name, "--raw", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "must be an instance of a collection" in capsys.readouterr().err
