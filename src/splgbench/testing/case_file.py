"""The folder a failure leaves: the instance, the model, both answers in exact numbers, and a report to act on."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splgbench import registry
from splgbench.capabilities import Capability
from splgbench.errors import OutputError, SplgbenchError
from splgbench.files import written_whole
from splgbench.instance import Instance
from splgbench.isolation import solve_isolated
from splgbench.limits import Limits
from splgbench.method_names import file_of
from splgbench.methods import Direct, method
from splgbench.model_files import write_model
from splgbench.package import write_package
from splgbench.result import Result
from splgbench.testing.oracles import Answer, agreed
from splgbench.testing.trial import WALL_TIME
from splgbench.transform import to_tables

EXACT_OFFERS = 60
"""Above so many offers the oracles are not asked."""
SHOWN_LINES = 120
"""A longer model is not printed in the report."""
_COLUMNS = ("answer of", "status", "value (exact)", "claimed", "bound", "allocation", "claimed mandates", "message")
_MAY_BE_EMPTY = ("cooperation", "minimum_cases", "minimum_share_bp", "rule")


@dataclass(frozen=True)
class Case:
    """What is to be filed.

    Parameters
    ----------
    title : one line.
    sentence : what contradicts what.
    reason : why that cannot be.
    blame : who is in question.
    instances : by folder name; the first is the one to look at.
    methods : whose answers and models are filed; a method that is a Python file is filed with its file.
    opinions : what other methods come to, by name; None stands for "no contradiction".
    reproduce : commands.
    """

    title: str
    sentence: str
    reason: str
    blame: str
    instances: Mapping[str, Instance]
    methods: tuple[str, ...]
    opinions: Mapping[str, str | None] = field(default_factory=dict)
    reproduce: tuple[str, ...] = ()


def check_free(folder: Path) -> None:
    """Refuse a folder that a case cannot be written to.

    Raises
    ------
    OutputError
        There is something in the folder already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"cannot write {folder}: it exists and is not empty")


def write_case(folder: Path, case: Case) -> None:
    """Write the folder, whole or not at all.

    Raises
    ------
    OutputError
        There is something in the folder already, or it cannot be written.
    """
    check_free(folder)
    if folder.exists():
        folder.rmdir()
    with written_whole(folder) as draft:
        draft.mkdir()
        for subject in case.methods:
            source = file_of(subject)
            if source is not None:
                shutil.copyfile(source, draft / source.name)
        answers = {}
        models: dict[str, str] = {}
        for name, instance in case.instances.items():
            write_package(instance, draft / name)
            for subject in case.methods:
                models |= _write_models(draft, name, subject, instance, len(case.methods) > 1)
            answers[name] = _answers(case, instance)
        facts = {
            "sentence": case.sentence,
            "reason": case.reason,
            "blame": case.blame,
            "answers": answers,
            "opinions": dict(case.opinions),
            "platform": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        }
        (draft / "answers.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (draft / "REPORT.md").write_text(_report(case, answers, models), encoding="utf-8")


def _write_models(draft: Path, name: str, subject: str, instance: Instance, several: bool) -> dict[str, str]:
    """MPS and LP of a direct method's model; gives file names and, of the LP, the text."""
    direct = method(subject)
    if not isinstance(direct, Direct):
        return {}
    try:
        model = direct.build(instance)
    except Exception:  # A formulation under test may raise anything; the report names it as the answer.
        return {}
    stem = f"{name}-{plain(subject)}" if several else name
    written = {}
    for writer in (direct.backend, *(registry.find("backends", other) for other in ("highs", "scip"))):
        if (
            Capability.WRITE not in writer.capabilities
            or writer.unavailable()
            or writer.reason_against(model, Limits())
        ):
            continue
        for suffix in (".mps", ".lp"):
            path = draft / f"{stem}{suffix}"
            try:
                write_model(instance, model, writer, path)
            except SplgbenchError:
                continue
            written[path.name] = path.read_text() if suffix == ".lp" else ""
        break
    return written


def plain(name: str) -> str:
    """A method's name as part of a file's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in Path(name).name)


def _answers(case: Case, instance: Instance) -> dict[str, Any]:
    """The exact answer, and what each method says."""
    found: dict[str, Any] = {}
    if instance.n_offers <= EXACT_OFFERS:
        found["exact"] = _exact(agreed(instance))
    for name in case.methods:
        result = solve_isolated(name, instance, Limits(wall_time=WALL_TIME))
        found[name] = {
            **result.as_json(),
            "allocation": _allocation(instance, result),
            "claimed_mandates": _mandates(instance, result),
        }
    return found


def _exact(answer: Answer) -> dict[str, Any]:
    allocation = [{"hospital": h, "group": g, "cases": x} for (h, g), x in sorted((answer.cases or {}).items())]
    return {
        "primal": answer.optimum,
        "status": "infeasible" if answer.optimum is None else "optimal",
        "allocation": allocation,
    }


def _allocation(instance: Instance, result: Result) -> list[dict[str, Any]]:
    allocation = result.allocation(instance)
    cases = {} if allocation is None else allocation.cases
    return [{"hospital": h, "group": g, "cases": x} for (h, g), x in sorted(cases.items())]


def _mandates(instance: Instance, result: Result) -> list[dict[str, str]]:
    """What the method itself said, before anything was checked."""
    held = () if result.claimed_mandates is None else result.claimed_mandates.nonzero()[0].tolist()
    return [dict(zip(("hospital", "group"), instance.offer_name(k), strict=True)) for k in held]


def _report(case: Case, answers: Mapping[str, Any], models: Mapping[str, str]) -> str:
    lines = [f"# {case.title}", "", case.sentence, "", f"Why that cannot be: {case.reason}", ""]
    lines += ["## In question", "", case.blame, ""]
    if case.opinions:
        lines += ["| method | on the same instance |", "| --- | --- |"]
        lines += [f"| `{name}` | {said or 'no contradiction'} |" for name, said in case.opinions.items()]
        lines.append("")
    for name, instance in case.instances.items():
        lines += [f"## The instance `{name}`", "", *_tables(instance), ""]
        lines += ["| " + " | ".join(_COLUMNS) + " |", "|" + " --- |" * len(_COLUMNS)]
        for subject, answer in answers[name].items():
            lines.append(_answer_row(subject, answer))
        lines.append("")
    for name, text in models.items():
        if text and text.count("\n") <= SHOWN_LINES:
            lines += [f"## The model `{name}`", "", "```", text.rstrip(), "```", ""]
    if case.reproduce:
        lines += ["## To see it again", "", "In this folder:", "", "```", *case.reproduce, "```", ""]
    versions: dict[str, str] = {}
    for found in answers.values():
        for answer in found.values():
            versions |= answer.get("versions", {})
    told = ", ".join(f"{package} {version}" for package, version in versions.items())
    lines += [
        "## Versions",
        "",
        f"{told}; {platform.system()} {platform.machine()}",
    ]
    return "\n".join(lines) + "\n"


def _answer_row(subject: str, answer: Mapping[str, Any]) -> str:
    cells = [
        "exact search and CP-SAT" if subject == "exact" else f"`{subject}`",
        answer["status"],
        answer["primal"],
        answer.get("claimed_primal"),
        answer["primal"] if subject == "exact" else answer["dual"],
        "; ".join(f"{row['hospital']} {row['group']}: {row['cases']}" for row in answer["allocation"]),
        "; ".join(f"{row['hospital']} {row['group']}" for row in answer.get("claimed_mandates", ())),
        answer.get("message", ""),
    ]
    return "| " + " | ".join("-" if cell is None else str(cell).replace("|", "\\|") for cell in cells) + " |"


def _tables(instance: Instance) -> list[str]:
    """The instance in words a mail can hold; large ones by their size only."""
    facts = (
        f"{instance.n_hospitals} hospitals, {instance.n_groups} groups, {instance.n_offers} offers, capacity mode "
        f"`{instance.capacity_mode}`, hash `{instance.instance_hash}`."
    )
    if instance.n_offers > EXACT_OFFERS:
        return [facts]
    lines = [facts]
    for name, columns in to_tables(instance).items():
        kept = {key: cells for key, cells in columns.items() if key not in _MAY_BE_EMPTY or any(cells)}
        rows = zip(*kept.values(), strict=True)
        lines += ["", f"{name}:", "", "| " + " | ".join(kept) + " |", "|" + " --- |" * len(kept)]
        lines += ["| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows]
    return lines
