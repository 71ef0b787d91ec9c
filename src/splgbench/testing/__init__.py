"""The court: check a formulation, a decomposition or a solver against the model (needs ``splgbench[testing]``).

- `instances`, `allocations`, `relabelings`: hypothesis strategies; `Knobs` sets size and features.
- `ORACLES`, `agreed`: independent ways to the exact optimum of a tiny instance.
- `RELATIONS`: what must hold between answers, each with its reason; `examine` and `sweep` put methods to them.
- `VARIANT_RELATIONS`: the same of extensions, and of valuations, frontiers and a fund's accounts; `OWN` has ours.
- `conform`, `conformance_tests`: the whole battery for one method, on its own or as pytest tests.
- `reduce_instance`: delta debugging of an instance; `features`, `survey`: what an instance exercises.
"""

from splgbench.testing.battery import Examination, Refutation, examine, sweep
from splgbench.testing.conformance import Conformance, conform
from splgbench.testing.features import features, survey
from splgbench.testing.in_pytest import conformance_tests
from splgbench.testing.oracles import ORACLES, Answer, agreed
from splgbench.testing.reduction import reduce_instance
from splgbench.testing.relations import RELATIONS, TOOL_RELATIONS, VARIANT_RELATIONS, Relation
from splgbench.testing.strategies import Knobs, Relabeling, allocations, instances, relabelings
from splgbench.testing.subjects import OWN, registered_methods
from splgbench.testing.trial import Trial

__all__ = [
    "ORACLES",
    "OWN",
    "RELATIONS",
    "TOOL_RELATIONS",
    "VARIANT_RELATIONS",
    "Answer",
    "Conformance",
    "Examination",
    "Knobs",
    "Refutation",
    "Relabeling",
    "Relation",
    "Trial",
    "agreed",
    "allocations",
    "conform",
    "conformance_tests",
    "examine",
    "features",
    "instances",
    "reduce_instance",
    "registered_methods",
    "relabelings",
    "survey",
    "sweep",
]
