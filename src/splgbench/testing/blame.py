"""Who is in question: the same relation on other solvers, and the folder that says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splgbench.errors import SplgbenchError
from splgbench.instance import Instance
from splgbench.method_names import file_of
from splgbench.methods import method
from splgbench.testing.battery import Refutation
from splgbench.testing.case_file import Case, write_case
from splgbench.testing.conformance import Conformance, contradiction, sandboxed
from splgbench.testing.relations import RELATIONS
from splgbench.testing.subjects import BACKENDS, reason_against
from splgbench.trace import Stop
from splgbench.worker import OnMessage


@dataclass(frozen=True)
class SecondOpinionErrand:
    """What a relation says of other methods on the instance that refuted one."""

    methods: tuple[str, ...]
    refutation: Refutation

    def run(self, on_event: OnMessage, stop: Stop) -> dict[str, str | None]:
        return {name: contradiction(method(name), self.refutation) for name in self.methods if not stop}


def second_opinions(refutation: Refutation) -> dict[str, str | None]:
    """What the same relation says of the formulation on other backends, and of `linked` on the same backend.

    Returns
    -------
    dict
        By method name the contradiction, or None where the method passes; methods that cannot run are left out.
    """
    head, at, rest = refutation.subject.partition("@")
    if not at:
        names = ["linked@highs"]
    else:
        backend, colon, options = rest.partition(":")
        others = [other for other in BACKENDS if other != backend]
        names = [f"{head}@{other}{colon}{options}" for other in others] + [f"linked@{backend}"]
    names = [name for name in dict.fromkeys(names) if name != refutation.subject and _runs(name)]
    outcome = sandboxed(SecondOpinionErrand(tuple(names), refutation), lambda _: None, None, 120.0)
    return outcome.value if outcome.kind == "answer" else {}


def _runs(name: str) -> bool:
    try:
        return reason_against(name) is None
    except SplgbenchError:
        return False


def blame(refutation: Refutation, opinions: dict[str, str | None]) -> str:
    """One sentence: the formulation, the backend, or the method itself."""
    head, at, rest = refutation.subject.partition("@")
    backend = rest.partition(":")[0]
    elsewhere = {name: said for name, said in opinions.items() if name.partition("@")[0] == head}
    if not at or not elsewhere:
        return f"No second backend could be asked, so `{refutation.subject}` as a whole is in question."
    wrong = [name for name, said in elsewhere.items() if said is not None]
    right = [name for name, said in elsewhere.items() if said is None]
    if not right:
        return f"The formulation: it is just as wrong on {', '.join(f'`{name}`' for name in wrong)}."
    if wrong:
        return (
            f"Unclear: also wrong on {', '.join(f'`{name}`' for name in wrong)}, right on "
            f"{', '.join(f'`{name}`' for name in right)}."
        )
    return f"The backend `{backend}`, or numbers it cannot bear: the same model is right on {', '.join(right)}."


_CRASH = "The method: a solve must not end its process, nor run past its limits."


def filed(conformance: Conformance, folder: Path, seed: int = 0) -> None:
    """Write what a refuted method left behind (`splgbench.testing.case_file`).

    Raises
    ------
    OutputError
        The folder holds something or cannot be written.
    """
    refutation = conformance.refutation
    assert refutation is not None
    opinions = {} if conformance.crashed else second_opinions(refutation)
    varied = refutation.varied
    instances = {"instance": refutation.instance}
    others = varied if isinstance(varied, tuple) else (varied,)
    instances |= {f"varied-{i}": other for i, other in enumerate(others, 1) if isinstance(other, Instance)}
    method_name = refutation.subject
    # A method that is a file is filed beside the instance.
    local = Path(method_name).name if file_of(method_name) else method_name
    right = [name for name, said in opinions.items() if said is None and not file_of(name)]
    case = Case(
        title=f"`{method_name}` breaks the relation `{refutation.relation}`",
        sentence=refutation.sentence,
        reason=RELATIONS[refutation.relation].reason,
        blame=f"`{method_name}`: a solve must not end its process."
        if conformance.crashed
        else blame(refutation, opinions),
        instances=instances,
        methods=(method_name,),
        opinions=opinions,
        reproduce=(
            f"splgbench solve instance --method {local}",
            f"splgbench compare instance --methods {' '.join((local, *right))}",
            f"splgbench conform {local} --relation '{refutation.relation}' --seed {seed}",
        ),
    )
    write_case(folder, case)
