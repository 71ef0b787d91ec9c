"""Screening: the rule, the record, and going on where it stopped."""

from dataclasses import dataclass, field

import pytest

from splgbench.errors import InputError, UnsupportedError
from splgbench.generator.recipe import Recipe
from splgbench.generator.screening import machine, read_screening, screen, screen_to_file, write_screening
from splgbench.limits import Limits
from splgbench.result import Result, Status

TINY = Recipe(name="tiny", hospitals=3, groups=4, areas=2)


@dataclass
class Scripted:
    """A method that answers by the seed in the instance's name."""

    answers: dict[int, tuple[Status, int | None, float | None]]
    name: str = "scripted"
    solved: list[int] = field(default_factory=list)
    limits: list[Limits] = field(default_factory=list)

    def reason_against(self, instance, limits):
        return None

    def solve(self, instance, limits, start=None, permutation=None, on_event=None, stop=None):
        seed = int(instance.name.rpartition("-s")[2])
        self.solved.append(seed)
        self.limits.append(limits)
        status, primal, dual = self.answers[seed]
        return Result(
            status, self.name, instance.name, instance.instance_hash, primal, dual,
            limits=limits, wall_time_s=1.2345, versions={"scripted": "1.0"}, message="why",
        )  # fmt: skip


EASY = (Status.OPTIMAL, 100, 100.0)
CLOSED = (Status.GAP_CLOSED, 10_000, 10_009.0)
NEARLY = (Status.TIME_OUT, 10_000, 10_009.0)
HARD = (Status.TIME_OUT, 1_000, 1_001.0)
NO_ANSWER = (Status.TIME_OUT, None, None)
WRONG = (Status.WRONG, 1_000, 900.0)


@pytest.mark.parametrize("hard", [HARD, NO_ANSWER])
def test_the_first_seed_with_a_gap_is_taken(hard):
    """Answers, small gaps and wrong answers are not hard; a gap of exactly the threshold and an unknown one are."""
    method = Scripted({1: EASY, 2: CLOSED, 3: NEARLY, 4: WRONG, 5: hard, 6: HARD})
    outcome = screen(TINY, method, wall_time=15, gap=0.001)
    assert outcome.seed == 5
    assert [row.seed for row in outcome.rows] == method.solved == [1, 2, 3, 4, 5]
    assert [row.hard for row in outcome.rows] == [False] * 4 + [True]
    assert set(method.limits) == {Limits(wall_time=15, threads=1, gap=0.001)}


def test_no_hard_seed():
    """After max_seeds it gives up and says so."""
    outcome = screen(TINY, Scripted({7: EASY, 8: EASY}), first_seed=7, max_seeds=2)
    assert outcome.seed is None
    assert [row.seed for row in outcome.rows] == [7, 8]


def test_known_rows_are_not_run_again():
    """A row stands for its run only under the same instance, method and limits."""
    first = Scripted({1: EASY, 2: HARD})
    known = screen(TINY, first).rows
    seen = []
    again = Scripted({})
    assert screen(TINY, again, known=known, on_result=seen.append).rows == known
    assert again.solved == seen == []
    longer = Scripted({1: EASY, 2: EASY})
    assert screen(TINY, longer, wall_time=60, max_seeds=2, known=known).seed is None
    assert longer.solved == [1, 2]


def test_record_round_trip(tmp_path):
    """Rows come back as they were, under a header with command, versions and machine."""
    path = tmp_path / "screening.csv"
    rows = screen(TINY, Scripted({1: NO_ANSWER}), command="splgbench screen tiny").rows
    rows += screen(TINY, Scripted({1: EASY, 2: HARD}, name="other:a=1,b=2")).rows
    write_screening(rows, path)
    assert tuple(read_screening(path)) == rows
    lines = path.read_text("utf-8").splitlines()
    assert lines[1] == f"# run 1: splgbench screen tiny; scripted 1.0; {machine()}"
    assert lines[2] == f"# run 2: scripted 1.0; {machine()}"
    assert lines[3].startswith("recipe,seed,instance_hash,method,")
    assert lines[-1].endswith("time-out,1000,1001,0.001000,1.23,2")


def test_screening_into_a_file_goes_on_where_it_stopped(tmp_path):
    """An interrupt loses the seed it hit and nothing else."""
    path = tmp_path / "screening.csv"
    other = Recipe(name="other", hospitals=3, groups=4, areas=2)
    broken = Scripted({1: EASY, 2: (Status.INTERRUPTED, None, None)})
    with pytest.raises(KeyboardInterrupt):
        screen_to_file([TINY], path, broken)
    assert [row.seed for row in read_screening(path)] == [1]
    method = Scripted({1: EASY, 2: HARD})
    outcomes = screen_to_file([TINY, other], path, method)
    assert {name: outcome.seed for name, outcome in outcomes.items()} == {"tiny": 2, "other": 2}
    assert method.solved == [2, 1, 2]
    assert [(row.recipe, row.seed) for row in read_screening(path)] == [
        ("tiny", 1),
        ("tiny", 2),
        ("other", 1),
        ("other", 2),
    ]


def test_a_method_that_cannot_run_ends_it():
    """Trying fifty seeds would not help."""
    with pytest.raises(UnsupportedError, match="scripted: why"):
        screen(TINY, Scripted({1: (Status.UNSUPPORTED, None, None)}))


def test_a_method_by_name():
    """The default rule on a tiny instance: solved at once, so never hard."""
    outcome = screen(TINY, max_seeds=1)
    assert outcome.seed is None
    (row,) = outcome.rows
    assert row.method == "linked@highs"
    assert row.status == "optimal"
    assert "highspy" in row.terms


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "# run 1: x\n"])
def test_a_file_that_is_no_record(tmp_path, text):
    """Another file is not taken for an empty record."""
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(InputError):
        read_screening(path)


def test_a_broken_row_is_named(tmp_path):
    """The error counts lines as an editor does."""
    path = tmp_path / "screening.csv"
    write_screening(screen(TINY, Scripted({1: HARD})).rows, path)
    path.write_text(path.read_text().replace("1000,1001", "1000,many"))
    with pytest.raises(InputError, match="row 4: is no screening row"):
        read_screening(path)
