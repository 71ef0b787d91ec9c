"""What a formulation may need and a backend may have."""

from __future__ import annotations

from enum import Enum


class Capability(Enum):
    """Features of solver interfaces; the value is the words a report uses."""

    CONTINUOUS = "continuous columns"
    INDICATOR = "indicator rows"
    SEMICONTINUOUS = "semicontinuous columns"
    START = "warm starts"
    NODE_LIMIT = "node limits"
    EVENTS = "bound events while solving"
    RELAXATION = "LP relaxations"
    SEED = "random seeds"
    THREADS = "several threads"
    WRITE = "model files"
