"""The example project: the Basel region 2022, semi-synthetic, derived from shipped raw files.

Real: hospitals with their key figures (BAG 2022), cases by age and sex (CH-IQI 2014), the region's population.
Derived from them: emergency and intensive care, equipment, costs, margins, doctors in training.
Assumed: `instances/raw/plan_basel_assumptions`, and the constants of this module and of `example_figures`.
Generated from seeded streams: regions, covariates, cases by region with planted over-use, quality, capacities,
today's allocation, actual cases. None of these says anything about a real hospital or region.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from splgbench.errors import OutputError
from splgbench.files import write_text
from splgbench.planning import example_figures as figures
from splgbench.planning.example_figures import BASE_YEAR, COVARIATES, HORIZON, Hospital
from splgbench.planning.project import PROJECT_FILE
from splgbench.planning.schemas import LEVELS
from splgbench.planning.tables import Columns, columns_of, write_columns
from splgbench.random_bits import uniform
from splgbench.sources.raw import RawTable, raw_folder, read_raw

FIGURES, INDICATORS, ASSUMPTIONS = "bag_kennzahlen_2022", "ch_iqi_2014", "plan_basel_assumptions"
YEAR = "2022"
RELEASE = INDICATOR_YEAR = "2014"
_BASIC, _ELECTIVE = "BP", "BPE"
_EMERGENCY = {"K111": 3, "K112": 2}
_CENTRES = ("K111", "K112")
_EQUIPMENT = {"CC": "cardiac catheter", "Angio": "angiography", "MRI": "MRI", "CT": "CT", "Dia": "dialysis"}
_ROOM = 1.45
"""Capacity as a multiple of today's cases: assumed."""


def write_example(folder: Path) -> None:
    """Write the project into a new or empty folder.

    Raises
    ------
    OutputError
        The folder holds something, or cannot be written.
    InputError
        A raw file is missing.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise OutputError(f"cannot write {folder}: the folder is not empty")
        (folder / "tables").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None
    for name, columns in example_tables().items():
        write_columns(columns, folder / "tables" / f"{name}.csv")
    write_text(folder / PROJECT_FILE, project_file())


def example_tables() -> dict[str, Columns]:
    """The tables of the project by name; the same whenever they are made."""
    groups = _rows(read_raw(raw_folder(ASSUMPTIONS), "groups.csv", ("group", "area", "level", "stay")))
    requirements = _rows(read_raw(raw_folder(ASSUMPTIONS), "requirements.csv", ("group", "requirement", "value")))
    profiles = _rows(read_raw(raw_folder(ASSUMPTIONS), "profiles.csv", ("type", "areas", "levels", "affinity")))
    hospitals = read_hospitals()
    ages = _age_profiles({group["group"] for group in groups})
    regions, covariates = figures.regions()
    cases = figures.region_cases(groups, ages, regions, covariates)
    observed = {
        group["group"]: sum(cases.get((region, group["group"]), 0) for region, _, planned in regions if planned)
        for group in groups
    }
    weights = figures.weights(hospitals, groups, profiles)
    today: dict[tuple[str, str], int] = {}
    for group in groups:
        today |= dict(figures.shared(observed[group["group"]], weights, group["group"]))
    minutes = figures.minutes(hospitals)
    people = {region: population for region, population, planned in regions if planned}
    profile = {pair: level for pair, (_, level) in weights.items()}
    return {
        "groups": columns_of(
            ("group", "area", "name", "level", "minimum_cases", "cost_weight", "stay", "volume_dialogue"),
            [
                (
                    g["group"],
                    g["area"],
                    g["name"],
                    g["level"],
                    int(g["minimum_cases"]),
                    float(g["cost_weight"]),
                    float(g["stay"]),
                    int(g["volume_dialogue"]),
                )
                for g in groups
            ],
        ),
        "regions": {
            "region": [region for region, *_ in regions],
            "population": [population for _, population, _ in regions],
            "planned": [planned for *_, planned in regions],
            **{name: [round(float(value), 3) for value in values] for name, values in covariates.items()},
        },
        "region_cases": columns_of(("region", "group", "cases"), [(*key, number) for key, number in cases.items()]),
        "age_profiles": columns_of(("group", "age", "sex", "cases"), [(*key, number) for key, number in ages.items()]),
        "population": figures.population(),
        "trends": columns_of(
            ("group", "lever", "percent_per_year", "reason"),
            [(g["group"], "ambulatory", float(g["ambulatory"]), "assumed") for g in groups if float(g["ambulatory"])],
        ),
        "hospitals": _hospital_table(hospitals),
        "facilities": columns_of(("hospital", "facility"), [pair for h in hospitals for pair in _facilities(h)]),
        "specialists": columns_of(("hospital", "group", "level"), [(*pair, level) for pair, level in profile.items()]),
        "applications": columns_of(
            ("hospital", "group", "capacity"),
            [(*pair, math.ceil(_ROOM * number)) for pair, number in today.items() if number],
        ),
        "requirements": columns_of(
            ("group", "requirement", "value"), [(r["group"], r["requirement"], r["value"]) for r in requirements]
        ),
        "admissions": columns_of(
            ("hospital", "group", "requirement", "reason", "author", "date"),
            [
                (
                    "felix-platter-spital",
                    "A.2.1.M",
                    "basic_package",
                    "acute geriatrics beside rehabilitation",
                    "example planner",
                    "2022-11-01",
                ),
            ],
        ),
        "indicators": _indicators(hospitals, minutes, people),
        "value_functions": columns_of(
            ("indicator", "worst", "best"),
            [
                ("minutes", 45.0, 10.0),
                ("quality", 50.0, 100.0),
                ("adjusted_cost", 13_500.0, 8_500.0),
                ("base_rate", 11_500.0, 9_000.0),
                ("equity_ratio", 0.0, 0.4),
                ("margin", 0.0, 0.2),
                ("network", 0.0, 3.0),
                ("training", 0.0, 0.5),
            ],
        ),
        "weights": _weight_table(),
        "travel": columns_of(
            ("region", "hospital", "minutes"), [(*pair, duration) for pair, duration in minutes.items()]
        ),
        "costs": columns_of(("hospital", "cost_per_point"), [(h.key, round(_adjusted_cost(h))) for h in hospitals]),
        "status_quo": columns_of(
            ("hospital", "group", "cases"), [(*pair, number) for pair, number in today.items() if number]
        ),
        "overrides": _overrides(),
        "actuals": figures.actuals(groups, today),
    }


def _overrides() -> Columns:
    author, date = "example planner", "2022-11-15"
    return columns_of(
        ("hospital", "group", "action", "reason", "author", "cases", "rule", "date"),
        [
            (
                "gesundheitszentrum-fricktal",
                "I.3.1.M",
                "grant",
                "emergencies of the upper Fricktal stay near",
                author,
                None,
                "",
                date,
            ),
            (
                "praxisklinik-rennbahn-ag",
                "I.1.3.M",
                "refuse",
                "knee replacement is concentrated",
                author,
                None,
                "",
                date,
            ),
        ],
    )


# Real figures


def _rows(raw: RawTable) -> list[dict[str, str]]:
    names = list(raw.table.columns)
    return [dict(zip(names, cells, strict=True)) for cells in zip(*raw.table.columns.values(), strict=True)]


def read_hospitals() -> list[Hospital]:
    """Institutions with acute discharges in Basel-Stadt and Basel-Landschaft, and the one of Rheinfelden."""
    needed = ("JAHR", "KT", "Inst", "Ort", "Typ", "SL", "SA", "Ops", "AustStatMSA", "CMInA", "KostStatA", "EtT")
    figures = _rows(read_raw(raw_folder(FIGURES), "kennzahlen.csv", needed))
    places = {
        (row["KT"], row["Inst"]): (float(row["lat"]), float(row["lon"]))
        for row in _rows(read_raw(raw_folder(FIGURES), "coordinates.csv", ("KT", "Inst", "lat", "lon")))
    }
    found = [
        Hospital(_slug(row["Inst"]), row, *places[row["KT"], row["Inst"]])
        for row in figures
        if row["JAHR"] == YEAR
        and (row["KT"] in ("BS", "BL") or row["Ort"].endswith("Rheinfelden"))
        and row["AustStatMSA"]
        and float(row["AustStatMSA"]) > 0
    ]
    return sorted(found, key=lambda hospital: hospital.key)


def _slug(name: str) -> str:
    plain = name.lower()
    for letter, written in (("\u00e4", "ae"), ("\u00f6", "oe"), ("\u00fc", "ue"), ("\u00df", "ss")):
        plain = plain.replace(letter, written)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _age_profiles(groups: set[str]) -> dict[tuple[str, str, str], int]:
    """National cases by group, age class (1 to 20) and sex (m, f)."""
    raw = read_raw(raw_folder(INDICATORS), "cases_by_age_sex.csv", ("release", "indicator", "year", "age_group", "sex"))
    return {
        (indicator, f"{int(age):02d}", "m" if sex == "1" else "f"): int(cases)
        for _, release, indicator, year, age, sex, cases in raw.rows(
            "release", "indicator", "year", "age_group", "sex", "cases"
        )
        if release == RELEASE and year == INDICATOR_YEAR and indicator in groups
    }


def _hospital_table(hospitals: Sequence[Hospital]) -> Columns:
    rows = []
    for h in hospitals:
        emergency = _EMERGENCY.get(h.kind, 1) if h.has("SL", "NF") else 0
        operates = h.number("Ops") > 0
        intensive = (3 if h.kind == "K111" else 2) if h.has("SL", "IPS") else int(operates)
        package = _BASIC if emergency else _ELECTIVE if operates else "none"
        rows.append((h.key, h.name, h.latitude, h.longitude, "basel", emergency, intensive, package))
    names = ("hospital", "name", "latitude", "longitude", "cooperation")
    levels = ("emergency_level", "intensive_care_level", "basic_package")
    columns = columns_of((*names, *levels), rows)
    return columns | {name: [f"{value:.6f}" for value in columns[name]] for name in ("latitude", "longitude")}


def _facilities(h: Hospital) -> list[tuple[str, str]]:
    """Equipment as reported; a tumour board is assumed at centres."""
    found = [name for code, name in _EQUIPMENT.items() if h.has("SA", code)]
    return [(h.key, name) for name in (*found, *(("tumour board",) if h.kind in _CENTRES else ()))]


def _adjusted_cost(h: Hospital) -> float:
    """Acute inpatient cost by case and case-mix point, CHF."""
    return h.number("KostStatA") / (h.number("AustStatMSA") * h.number("CMInA"))


def _indicators(
    hospitals: Sequence[Hospital], minutes: Mapping[tuple[str, str], float], people: Mapping[str, int]
) -> Columns:
    """Base rate, equity ratio and PCCL are in no shipped file: they stay out, for the rule on missing values."""
    rows: list[tuple[Any, ...]] = []
    for h in hospitals:
        total = h.number("EtT")
        values = {
            "minutes": sum(people[r] * minutes[r, h.key] for r in people) / sum(people.values()),
            "quality": 60 + 35 * uniform(f"plan quality {h.key}", 1)[0],
            "adjusted_cost": _adjusted_cost(h),
            "margin": (total - h.number("AwBesold") - h.number("AwSonst")) / total,
            "network": {"K111": 3.0, "K112": 2.0, "K233": 2.0, "K121": 1.0}.get(h.kind, 0.0),
            "training": h.number("PersAWB") / h.number("PersA") if h.number("PersA") else 0.0,
            "cmi": h.number("CMInA"),
        }
        rows += [(h.key, indicator, "", round(float(value), 4)) for indicator, value in values.items()]
    return columns_of(("hospital", "indicator", "group", "value"), rows)


def _weight_table() -> Columns:
    """Assumed: quality counts the more, and nearness the less, the more special the care."""
    nearness = dict(zip(LEVELS, (0.7, 0.5, 0.2), strict=True))
    rows = []
    for level in LEVELS:
        rows += [(level, "care", "minutes", nearness[level]), (level, "care", "quality", round(1 - nearness[level], 2))]
        rows += [(level, "cost", "adjusted_cost", 0.5), (level, "cost", "base_rate", 0.2)]
        rows += [(level, "cost", "equity_ratio", 0.1), (level, "cost", "margin", 0.2)]
        rows += [(level, "university", "network", 0.5), (level, "university", "training", 0.5)]
    return columns_of(("level", "goal", "indicator", "weight"), rows)


def project_file() -> str:
    blocks = "\n".join(f"{block} = [{', '.join(f'{name!r}' for name in names)}]" for block, names in COVARIATES.items())
    quoted = blocks.replace("'", '"')
    return f"""# A semi-synthetic example: docs/planning.md says what is real, derived, assumed and generated.
name = "plan-basel-2022"
title = "Example plan of the Basel region 2022 (semi-synthetic)"
kind = "semi-synthetic"
sources = [
    "Bundesamt f\u00fcr Gesundheit (BAG), Kennzahlen der Schweizer Spit\u00e4ler 2022",
    "Bundesamt f\u00fcr Gesundheit (BAG), CH-IQI 4.0, reference data 2014",
    "assumed and generated figures of splgbench",
]

[need]
{quoted}
specification = 3
family = "auto"
fitted_on = "outside"
supply_share = 50
least_cases = 15

[forecast]
base_year = {BASE_YEAR}
horizon = [{", ".join(map(str, HORIZON))}]
occupancy = 0.85
draws = 400

[benefit]
missing = "redistribute"
limit = 0.1
utility_scale = 100
efficiency = {{ cmi = 0.5, pccl = 0.3, adjusted_cost = -0.5 }}

[allocation]
scenario = "active"
year = 2028
method = "strengthened@highs"
time_limit = 30
capacity_mode = "group"

[volume_dialogue]
watch = 0.95
tolerance = 0.05
withdrawals = ["st-claraspital"]

[stability]
epsilon = 0.001
tilt = 0.1
"""
