"""The tables of value-based planning and contracting. `docs/value-tables.md` is made from them."""

from __future__ import annotations

from splgbench.planning.schemas import Field, Schema, Sections

DIRECTIONS = ("higher", "lower")
REPORTED_BY = ("patient", "clinician", "register")
WHOLE_BP = 10_000
"""All cases of a group, basis points."""

_CONDITION = Field("condition", "key", "the medical condition")
_MEASURE = Field("measure", "key", "the outcome measure")
_HOSPITAL = Field("hospital", "key", "the hospital")
_GROUP = Field("group", "key", "the service group")
_NAME = Field("name", "text", "for people", required=False, default="")

CONDITIONS = Schema(
    "conditions",
    "medical conditions of the service groups",
    (
        _CONDITION,
        _GROUP,
        Field("share_bp", "whole", "part of the group's cases, basis points; 10000 by group", low=1, high=WHOLE_BP),
        Field(
            "reference_cost",
            "whole",
            "cost of the cycle of care that counts as usual; empty: mean of the hospitals",
            required=False,
            low=1,
        ),
        _NAME,
    ),
    ("condition",),
)
OUTCOME_SET = Schema(
    "outcome_set",
    "what is measured of a condition; weights sum to 1 by condition",
    (
        _CONDITION,
        _MEASURE,
        _NAME,
        Field(
            "tier", "whole", "Porter's tier: 1 health achieved, 2 process of recovery, 3 sustainability", low=1, high=3
        ),
        Field("reported_by", "choice", "who says so", choices=REPORTED_BY),
        Field("weight", "number", "part of the condition's points", low=0, high=1),
        Field("direction", "choice", "which end of the scale is good", choices=DIRECTIONS),
        Field("low", "number", "lower end of the scale"),
        Field("high", "number", "upper end of the scale"),
    ),
    ("condition", "measure"),
)
OUTCOMES = Schema(
    "outcomes",
    "measured outcomes of hospitals, adjusted for risk",
    (
        _HOSPITAL,
        _CONDITION,
        _MEASURE,
        Field("value", "number", "in the measure's unit"),
        Field("patients", "whole", "who were measured", low=0),
    ),
    ("hospital", "condition", "measure"),
)
CYCLE_COSTS = Schema(
    "cycle_costs",
    "mean cost of a case over the cycle of care, phase by phase",
    (
        _HOSPITAL,
        _CONDITION,
        Field("phase", "key", "part of the cycle of care"),
        Field("cost", "whole", "mean cost of a case, whole units of currency", low=0),
    ),
    ("hospital", "condition", "phase"),
)
COSTS = Schema(
    "offer_costs",
    "cost of a case at each offer of an instance",
    (_HOSPITAL, _GROUP, Field("cost", "whole", "of a case, whole units of currency", low=0, high=10**9)),
    ("hospital", "group"),
)
RISK_GROUPS = Schema(
    "risk_groups",
    "insured persons and their norm cost, year by year of the contract",
    (
        Field("year", "whole", "year of the contract, from 1", low=1, high=100),
        Field("risk_group", "key", "cell of the risk adjustment"),
        Field("insured", "whole", "persons", low=0),
        Field("norm_cents", "whole", "norm cost of a person and year, cents", low=0),
    ),
    ("year", "risk_group"),
)
ACTUAL = Schema(
    "actual",
    "what the insured really cost",
    (
        Field("year", "whole", "year of the contract, from 1", low=1, high=100),
        Field("cost_cents", "whole", "cost of the year, cents", low=0),
    ),
    ("year",),
)
PANEL = Schema(
    "panel",
    "units under contract and others, period by period; further columns are case mix",
    (
        Field("unit", "key", "region or hospital"),
        Field(
            "period", "whole", "year or quarter; those that occur are counted from one to the next", low=0, high=10**6
        ),
        Field("treated", "whole", "1: under contract in this period, and from then on", low=0, high=1),
        Field("outcome", "number", "what the contract is to change"),
        Field("weight", "number", "of the row, for instance its cases; empty: 1", required=False, low=0, default=1.0),
        Field("cluster", "text", "units that share shocks; empty: the unit itself", required=False, default=""),
    ),
    ("unit", "period"),
)

SECTIONS: Sections = (
    ("Outcomes and cost", (CONDITIONS, OUTCOME_SET, OUTCOMES, CYCLE_COSTS, COSTS)),
    ("Regional fund", (RISK_GROUPS, ACTUAL)),
    ("Evaluation", (PANEL,)),
)
"""All of them, under the headings of their page."""
