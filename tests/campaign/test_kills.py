"""Kill -9 of the coordinator or of anything below it loses at most what was running."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from campaigns_for_tests import benchmark


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes to kill in /proc")
def test_kills_at_random_points(tmp_path: Path) -> None:
    """Ten kills at drawn moments: every run ends up stored once, and none that was stored is done again."""
    outcome = benchmark("campaign_kills").kill_at_random(tmp_path, kills=10, seed=20_261, cells_per_kill=2)
    assert outcome.complaints == []
    assert sum(outcome.kills.values()) >= 8, "the campaign was over before the kills"
    assert outcome.kills["coordinator"] >= 2
