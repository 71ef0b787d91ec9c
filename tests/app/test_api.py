"""The app as its page speaks to it: sessions, changes, solves, decisions, uploads, and whom it refuses."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from app.app_for_tests import App, Refused, running_app

from splgbench.allocation import read_allocation
from splgbench.app.actions import limits_of
from splgbench.app.jobs import MEMORY
from splgbench.app.session import MOST_SESSIONS
from splgbench.checker import check
from splgbench.library import load
from splgbench.package import package_files, read_package

UPLOAD_MB = 1


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with running_app("easy", "--upload-limit", str(UPLOAD_MB)) as running:
        yield running


def _zip(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_it_listens_on_loopback_and_answers_its_own_pages_only(app: App) -> None:
    """Another name for this machine, and a script of another page, are refused; answers are sealed against the rest."""
    assert app.address.startswith("http://127.0.0.1:")
    assert app.ask("GET", "/", headers={"host": "rebound.example:80"})[0] == 403
    session = app.session()
    json_type = {"content-type": "application/json"}
    foreign = {**json_type, "origin": "http://elsewhere.example"}
    assert app.ask("POST", f"{session.place}solve", b"{}", foreign)[0] == 403
    assert app.ask("POST", f"{session.place}solve", b"{}", {"content-type": "text/plain"})[0] == 400
    assert app.ask("POST", f"{session.place}rules", b"[" * 70_000, json_type)[0] == 400
    assert app.ask("GET", "/s/guessed/state")[0] == 410
    assert app.ask("GET", "/static/../server.py")[0] == 404
    policy = app.ask("GET", session.place)[1]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_sessions_share_nothing(app: App) -> None:
    """A rule, a number and a run of one session are not seen in another."""
    one, two = app.session(), app.session()
    before = two.get("state")
    one.post("rules", links=False)
    one.post("edit", table="offers", column="capacity", row=0, value="1")
    one.solve()
    assert two.get("state") == before
    assert len(one.get("state")["runs"]) == 1
    with pytest.raises(Refused, match="no such job"):
        two.get("progress", job=one.post("solve")["job"])


def test_rules_and_numbers_change_the_instance(app: App) -> None:
    """Every change gives the instance that the library's own functions give; a refused one leaves no trace."""
    session = app.session()
    easy = load("easy")
    state = session.post("rules", links=False, capacity_mode="area")
    assert state["instance"]["hash"] == easy.with_rules(links=False, capacity_mode="area").instance_hash
    state = session.post("rules", links=True, capacity_mode="both")
    assert state["instance"]["hash"] == easy.instance_hash
    for table, column in (("offers", "capacity"), ("groups", "minimum_cases"), ("demand", "cases")):
        state = session.post("edit", table=table, column=column, row=3, value="77")
    tables = easy.to_tables()
    for table, column in (("offers", "capacity"), ("groups", "minimum_cases"), ("demand", "cases")):
        tables[table][column][3] = 77
    changed = type(easy).from_tables(**tables, capacity_mode="both", utility_scale=easy.utility_scale)
    assert state["instance"]["hash"] == changed.instance_hash
    state = session.post("edit", table="area_capacity", column="capacity", row=2, value="5")
    assert session.get("inputs", table="area_capacity")["rows"][2][-1] == 5
    for table, column, row, value in (
        ("offers", "capacity", 3, "-1"),
        ("offers", "capacity", 3, "1.5"),
        ("offers", "utility", 3, "0"),
        ("offers", "hospital", 3, "x"),
        ("offers", "capacity", 10**6, "1"),
    ):
        with pytest.raises(Refused):
            session.post("edit", table=table, column=column, row=row, value=value)
    with pytest.raises(Refused, match="no rule"):
        session.post("rules", gravity=False)
    assert session.get("state")["instance"] == state["instance"]
    for _ in range(4):
        state = session.post("undo", number=0)
    assert state["instance"]["hash"] == easy.instance_hash


def test_a_run_its_tables_and_its_exports(app: App, tmp_path: Path) -> None:
    """What is shown adds up to the checked allocation; what is exported is read back as the same."""
    session = app.session()
    session.post("rules", links=False)
    run = session.solve(method="strengthened@highs", time=60)
    easy = load("easy").with_rules(links=False)
    assert (run["status"], run["hash"]) == ("optimal", easy.instance_hash)
    (tmp_path / "a.csv").write_bytes(app.ask("GET", f"{session.place}export/allocation.csv")[2])
    verdict = check(easy, read_allocation(tmp_path / "a.csv", easy))
    assert verdict.feasible
    assert verdict.objective == run["primal"] == run["dual"]
    (tmp_path / "p.zip").write_bytes(app.ask("GET", f"{session.place}export/package.zip")[2])
    assert read_package(tmp_path / "p.zip") == easy
    offers = session.get("offers", size=200, mandate="yes", sort="cases", order="descending")
    assert offers["total"] == run["mandates"]
    cases = [row[[column["key"] for column in offers["columns"]].index("cases")] for row in offers["rows"]]
    assert cases == sorted(cases, reverse=True)
    heat = session.get("heat")
    shown = [cell for row in heat["rows"] for cell in row["cells"] if cell]
    assert sum(cell["cases"] for cell in shown) == run["cases"]
    assert sum(cell["mandates"] for cell in shown) == run["mandates"]
    assert sum(cell["offers"] for cell in shown) == run["offers"]
    coverage = session.get("coverage", size=200)
    placed = [column["key"] for column in coverage["columns"]].index("cases")
    assert sum(row[placed] for row in coverage["rows"]) == run["cases"]
    lines = app.ask("GET", f"{session.place}export/offers.csv?mandate=yes")[2].decode().splitlines()
    assert len(lines) == run["mandates"] + 1
    again = session.post("rules", links=True)
    assert again["runs"][0]["hash"] != again["instance"]["hash"]
    second = session.solve(method="strengthened@highs")
    found = session.get("difference", run=second["number"], other=run["number"])
    assert found["sums"]["value"] == second["primal"] - run["primal"]
    for name in ("heat", "offers", "coverage", "places", "inputs"):
        with pytest.raises(Refused):
            session.get(name, run="99", table="nope", page="x")


def test_a_file_is_no_method(app: App, tmp_path: Path) -> None:
    """What the command line runs from a path, the app refuses, in a solve, a race and a price."""
    trace = tmp_path / "executed"
    (tmp_path / "mine.py").write_text(f"open({str(trace)!r}, 'w')\n")
    session = app.session()
    for name in (f"{tmp_path}/mine.py@highs", "mine.py@highs", f"{tmp_path}/mine.py"):
        with pytest.raises(Refused, match="registered methods only"):
            session.post("solve", method=name)
        with pytest.raises(Refused, match="registered methods only"):
            session.post("race", methods=["auto", name])
    for method in (f"auto:log={trace}", f"auto:state={trace}", f"dantzig_wolfe_hospital:blocks={trace}.csv"):
        with pytest.raises(Refused, match="lets no page name a file"):
            session.post("solve", method=method)
    with pytest.raises(Refused, match="has no option LOG"):
        session.post("solve", method=f"auto:LOG={trace}")
    with pytest.raises(Refused, match="library has no instance"):
        session.post("load", name=str(tmp_path))
    assert not trace.exists()


def test_other_pages_open_no_sessions_and_sessions_in_use_stay(app: App) -> None:
    """A picture of another page that asks for the app gets nothing; empty sessions are the first to go."""
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert app.ask("GET", "/", headers=embedded)[0] == 403
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert app.ask("GET", "/", headers=followed)[0] == 303
    used, empty = app.session(), app.session()
    used.post("rules", links=False)
    for _ in range(MOST_SESSIONS):
        last = app.session()
    assert used.get("state")["instance"]["rules"]["links"] is False
    assert last.get("state")["runs"] == []
    with pytest.raises(Refused, match="gone"):
        empty.get("state")


def test_memory_of_a_solve_is_limited() -> None:
    """What the page asks for, else the app's own limit, reaches the solve; tests/test_isolation.py sees it kept."""
    assert limits_of({}).memory == MEMORY
    assert limits_of({"memory": 300}).memory == 300


def test_limits_of_a_race(app: App) -> None:
    """One to four different methods, within the app's own limits."""
    session = app.session()
    for methods in ([], ["linked@highs"] * 2, [f"linked@highs:without=l{n}" for n in range(5)], "auto", ["nope@highs"]):
        with pytest.raises(Refused):
            session.post("race", methods=methods)
    odd = ({"time": 0}, {"time": 1e9}, {"threads": 1000}, {"gap": -1}, {"time": "1"}, {"threads": 1.5}, {"memory": 1})
    offer = {"hospital": "H01", "group": "A1G1"}
    for wrong in odd:
        # A refusal leaves no job behind that would keep the session busy.
        for act, asked in (("solve", {}), ("price", {**offer, "action": "grant"}), ("why", offer)):
            with pytest.raises(Refused, match="limits"):
                session.post(act, **asked, **wrong)
    with pytest.raises(Refused, match="makes no offer"):
        session.post("why", hospital=["H01"], group={})


def test_a_crashed_solve_ends_alone(app: App) -> None:
    """The worker is killed from outside: the run says so, and the app and its other session go on."""
    session, other = app.session(), app.session()
    job = session.wait(session.post("load", name="hard-h1")["job"])
    assert job["error"] == ""
    name = session.post("solve", method="linked@highs", time=600)["job"]
    while not session.get("progress", job=name)["lanes"][0]["dual"]:
        time.sleep(0.05)
    with pytest.raises(Refused, match="a solve is still running"):
        session.post("solve")
    for pid in app.workers():
        os.kill(pid, signal.SIGKILL)
    found = session.wait(name)
    assert found["error"] == ""
    run = session.get("state")["runs"][-1]
    assert run["status"] == "error"
    assert "SIGKILL" in run["message"]
    assert other.solve()["status"] == "optimal"


def test_decisions_are_priced_before_they_are_taken(app: App) -> None:
    """No price, no decision; the price is what the next solve loses; a clash is named and cannot be taken."""
    session = app.session()
    base = session.solve(method="strengthened@highs")
    offers = session.get("offers", size=200, mandate="yes", sort="cases", order="descending")
    keys = [column["key"] for column in offers["columns"]]
    row = dict(zip(keys, offers["rows"][0], strict=True))
    refuse = {"hospital": row["hospital"], "group": row["group"], "action": "refuse"}
    worded = {**refuse, "reason": "a test", "author": "A. Planner"}
    with pytest.raises(Refused, match="see first what it costs"):
        session.post("commit", **worded)
    priced = session.wait(session.post("price", **refuse, method="strengthened@highs")["job"])["answer"]
    assert priced["exact"] == 1
    assert priced["cost"] > 0
    with pytest.raises(Refused, match="reason: must not be empty"):
        session.post("commit", **refuse)
    state = session.post("commit", **worded)
    assert [decision[2] for decision in state["instance"]["decisions"]] == ["refuse"]
    assert session.solve(method="strengthened@highs")["primal"] == base["primal"] - priced["cost"]
    with pytest.raises(Refused, match="grant"):
        session.post("price", **{**worded, "action": "grant"})
    # As little need as one of two mandates asks for.
    held = session.get("offers", size=200, mandate="yes", sort="group")["rows"]
    other = [dict(zip(keys, cells, strict=True)) for cells in held if cells[keys.index("group")] != row["group"]]
    first, second = next(two for two in pairwise(other) if two[0]["group"] == two[1]["group"])
    cell = load("easy").groups.index(first["group"])
    session.post("edit", table="demand", column="cases", row=cell, value=str(first["threshold"]))
    for each in (first, second):
        grant = {"hospital": each["hospital"], "group": each["group"], "action": "grant"}
        found = session.wait(session.post("price", **grant, method="strengthened@highs")["job"])["answer"]
        if each is first:
            assert found["clash"] == []
            session.post("commit", **grant, reason="a test", author="A. Planner")
    assert f"grant {first['hospital']} {first['group']}" in found["clash"]
    assert any(member.startswith("demand") for member in found["clash"])
    with pytest.raises(Refused, match="it clashes"):
        session.post("commit", **grant, reason="a test", author="A. Planner")
    lines = app.ask("GET", f"{session.place}export/overrides.csv")[2].decode().splitlines()
    assert len(lines) == 3
    assert session.post("withdraw", number=0)["instance"]["decisions"][0][2] == "grant"


def test_why_not_is_asked_and_answered(app: App) -> None:
    """An offer without a mandate is explained, one of the rules or with a loss."""
    session = app.session()
    session.solve(method="strengthened@highs")
    offers = session.get("offers", size=25, mandate="no")
    keys = [column["key"] for column in offers["columns"]]
    row = dict(zip(keys, offers["rows"][0], strict=True))
    asked = session.post("why", hospital=row["hospital"], group=row["group"], method="strengthened@highs")
    found = session.wait(asked["job"])["answer"]
    assert found["kind"] in ("rule", "displaced")
    assert found["rules"] if found["kind"] == "rule" else found["exact"]
    with pytest.raises(Refused, match="makes no offer"):
        session.post("why", hospital="nobody", group=row["group"])


def test_uploads_are_limited_validated_and_never_executed(app: App, tmp_path: Path) -> None:
    """Too large, no zip, a path out of it, a broken table: each refused in words; a good one becomes the instance."""
    session = app.session()
    before = session.get("state")["instance"]
    good = package_files(load("us-miami-2011"))
    with pytest.raises(Refused, match=f"must hold at most {UPLOAD_MB} MB"):
        session.upload("big.zip", b"PK" + b"x" * UPLOAD_MB * 2**20)
    with pytest.raises(Refused, match="must be a zip"):
        session.upload("mine.py", b"import os")
    hostile = {
        "not really.zip": b"PK but no zip",
        "empty.zip": _zip({}),
        "bomb.zip": _zip({**good, "offers.csv": b"0" * (9 * UPLOAD_MB * 2**20)}),
        "outside.zip": _zip(
            {**good, "datapackage.json": good["datapackage.json"].replace(b"offers.csv", b"../offers.csv")}
        ),
        "broken.zip": _zip({**good, "offers.csv": good["offers.csv"].replace(b",", b",-", 40)}),
    }
    told = {}
    for name, data in hostile.items():
        told[name] = session.upload(name, data)["error"]
        assert told[name]
        assert "/tmp" not in told[name]
        assert "nobody expected" not in told[name]
    assert "offers" in told["broken.zip"]
    assert session.get("state")["instance"] == before
    trace = tmp_path / "executed"
    code = f"open({str(trace)!r}, 'w')\n".encode()
    found = session.upload("../../x.zip", _zip({**good, "sitecustomize.py": code, "mine.py": code, "setup.py": code}))
    assert found["error"] == ""
    after = session.get("state")["instance"]
    assert after["hash"] == load("us-miami-2011").instance_hash
    assert after["kind"] == "uploaded"
    assert not trace.exists()
    assert json.loads(app.ask("GET", f"{app.session().place}state")[2])["instance"]["hash"] == before["hash"]
