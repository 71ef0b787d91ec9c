"""What is best known changes only by what was verified, and never for the worse."""

from __future__ import annotations

import json
import threading

import pytest

from splgbench import solve
from splgbench.allocation import Allocation
from splgbench.certificates.certificate import RefutedError
from splgbench.certificates.produce import produce
from splgbench.cli import main
from splgbench.errors import InputError
from splgbench.files import alone_in
from splgbench.library import load
from splgbench.library.best_known import (
    CERTIFICATE,
    FOLDER,
    best_known,
    library_folder,
    parse_best_known,
    read_best_known,
    read_claim,
    recheck,
    record,
)
from splgbench.library.features import committed_features
from splgbench.package import write_package
from splgbench.testing.oracles import by_search

NAME = "tiny/capacity-both/rules-plain/seed-1"


@pytest.fixture(scope="module")
def instance():
    return load(NAME)


@pytest.fixture(scope="module")
def optimum(instance):
    return by_search(instance)


def result_file(path, instance, cases, **changes):
    """A result as `splgbench solve -o` writes it."""
    value = None
    if cases is not None:
        value = sum(int(instance.utility[instance.offer_index[pair]]) * count for pair, count in cases.items())
    data = {
        "instance": NAME,
        "instance_hash": instance.instance_hash,
        "method": "by hand",
        "versions": {"solver": "1"},
        "primal": value,
        "dual": None,
        "allocation": Allocation(cases).as_json()["allocation"] if cases is not None else None,
    }
    path.write_text(json.dumps(data | changes))
    return path


def test_a_better_value_replaces_a_worse_one_and_never_the_other_way(tmp_path, instance, optimum):
    """Nothing allotted, then the optimum, then nothing again."""
    nothing = result_file(tmp_path / "nothing.json", instance, {})
    best = result_file(tmp_path / "best.json", instance, dict(optimum.cases))
    library = tmp_path / "library"
    library.mkdir()
    for file, expected in ((nothing, 0), (best, optimum.optimum), (nothing, optimum.optimum)):
        record(read_claim(file), library)
        assert read_best_known(library)[NAME].primal == expected
        recheck(read_best_known(library)[NAME], library)


def test_bounds_are_claimed_until_they_are_certified(tmp_path, instance, optimum):
    """A solver's bound is marked as such; a certified one at least as good takes its place; a worse one is not kept."""
    library = tmp_path / "library"
    library.mkdir()
    cases, value = dict(optimum.cases), optimum.optimum
    record(read_claim(result_file(tmp_path / "a.json", instance, cases, dual=10 * value)), library)
    entry = read_best_known(library)[NAME]
    assert (entry.dual, entry.dual_kind, entry.status) == (10 * value, "claimed", "open")
    certificate = tmp_path / "certificate.json"
    produce(instance, cases).write(certificate)
    claim = read_claim(result_file(tmp_path / "b.json", instance, cases, dual=11 * value), certificate=certificate)
    record(claim, library)
    entry = read_best_known(library)[NAME]
    assert entry.dual == entry.dual_certified == claim.certified < 10 * value
    assert (entry.dual_kind, entry.dual_claimed, entry.claimed_by) == ("certified", None, "")
    recheck(entry, library)
    record(read_claim(result_file(tmp_path / "c.json", instance, cases, dual=value)), library)
    entry = read_best_known(library)[NAME]
    assert entry.status == ("optimal" if entry.dual_certified == value else "optimal-claimed")
    assert entry.dual_certified == claim.certified
    packed = library / FOLDER / NAME / CERTIFICATE
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(InputError, match="cannot be read"):
        recheck(entry, library)


def test_wrong_claims_are_refused(tmp_path, instance, optimum):
    """A value the allocation does not have, a broken rule, a bound below the value, another instance."""
    cases = dict(optimum.cases)
    for changes, told in (
        ({"primal": optimum.optimum + 1}, "field primal"),
        ({"dual": optimum.optimum - 1}, "field dual"),
    ):
        with pytest.raises(RefutedError, match=told):
            read_claim(result_file(tmp_path / "wrong.json", instance, cases, **changes))
    pair = next(iter(cases))
    with pytest.raises(RefutedError, match="field allocation"):
        read_claim(result_file(tmp_path / "wrong.json", instance, {**cases, pair: 10**6}))
    with pytest.raises(InputError, match="field instance_hash"):
        read_claim(result_file(tmp_path / "wrong.json", instance, cases, instance_hash="0" * 64))
    with pytest.raises(InputError, match="field dual: must be a whole number"):
        read_claim(result_file(tmp_path / "wrong.json", instance, cases, dual="much"))
    for never in (float("nan"), float("inf"), 0.5, True):
        with pytest.raises(InputError, match="field dual: must be a whole number"):
            read_claim(result_file(tmp_path / "wrong.json", instance, cases, dual=never))
    with pytest.raises(InputError, match="must be a result"):
        read_claim(result_file(tmp_path / "wrong.json", instance, cases, instance_hash=3))
    for status in ("wrong", "error"):
        with pytest.raises(InputError, match=f"field status: a run that ended as {status} is not recorded"):
            read_claim(result_file(tmp_path / "wrong.json", instance, cases, status=status))


def test_only_instances_of_the_library_are_recorded(tmp_path, instance, optimum):
    """A package elsewhere has no name there, and none leaves the folder of the records."""
    write_package(instance, tmp_path / "mine")
    result = result_file(tmp_path / "mine.json", instance, dict(optimum.cases))
    with pytest.raises(InputError, match="no such folder, zip or library instance"):
        read_claim(result, str(tmp_path / "mine"))


def test_a_bound_below_the_record_is_refused_and_a_wrong_one_on_file_is_withdrawn(tmp_path, instance, optimum):
    """The checked value decides: later claims against it fall, and so do earlier ones that a better value refutes."""
    library = tmp_path / "library"
    library.mkdir()
    value = optimum.optimum
    record(read_claim(result_file(tmp_path / "a.json", instance, {}, dual=value - 5)), library)
    assert read_best_known(library)[NAME].dual_claimed == value - 5
    change = record(read_claim(result_file(tmp_path / "b.json", instance, dict(optimum.cases))), library)
    assert any("withdrawn" in sentence for sentence in change.told)
    assert read_best_known(library)[NAME].dual is None
    with pytest.raises(RefutedError, match="below the best known value"):
        record(read_claim(result_file(tmp_path / "c.json", instance, {}, dual=value - 1)), library)
    with pytest.raises(InputError, match="has no allocation"):
        record(read_claim(result_file(tmp_path / "d.json", instance, None, dual=value)), tmp_path)


def test_a_changed_allocation_on_file_is_noticed(tmp_path, instance, optimum):
    """`splgbench instances verify` checks what the table says against the files."""
    library = tmp_path / "library"
    library.mkdir()
    record(read_claim(result_file(tmp_path / "a.json", instance, dict(optimum.cases))), library)
    table = library / "best_known.csv"
    table.write_text(table.read_text().replace(str(optimum.optimum), str(optimum.optimum + 1)))
    with pytest.raises(RefutedError, match="is not worth"):
        recheck(read_best_known(library)[NAME], library)
    assert main(["instances", "verify", "--library", str(library)]) == 1


def test_from_the_command_line(tmp_path, capsys):
    """Solve, certify, record: what the documentation says."""
    library, result, certificate = tmp_path / "library", tmp_path / "result.json", tmp_path / "certificate.json"
    library.mkdir()
    assert main(["solve", NAME, "--method", "strengthened@highs", "-o", str(result)]) == 0
    assert main(["certify", str(result), "-o", str(certificate)]) == 0
    capsys.readouterr()
    recording = ["instances", "record", str(result), "--certificate", str(certificate), "--library", str(library)]
    assert main([*recording, "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["records"]
    solved = solve(load(NAME), "linked@highs")
    assert entry["primal"] == solved.primal
    assert entry["status"] in ("optimal", "optimal-claimed")
    assert main(recording) == 0
    assert "nothing is better" in capsys.readouterr().out
    assert main(["instances", "verify", "--library", str(library)]) == 0


def test_broken_tables_are_named():
    """File, line and rule."""
    with pytest.raises(InputError, match="must have the columns"):
        parse_best_known("instance\n", "b.csv")


def test_the_committed_records_are_of_committed_instances_and_in_order():
    """Hashes agree with the features, no bound lies below its value, and every record has its files."""
    known, features = best_known(), committed_features()
    assert len(known) >= 60
    for name, entry in known.items():
        assert entry.instance_hash == features[name].instance_hash
        assert entry.dual is None or entry.dual >= entry.primal
        for bound in (features[name].lp_linked, features[name].lp_strengthened):
            assert bound is None or bound >= entry.primal
        own = library_folder() / FOLDER / name
        assert (own / "allocation.csv.gz").is_file()
        assert (own / CERTIFICATE).is_file() == (entry.dual_certified is not None)


@pytest.mark.parametrize("name", ["us-miami-2011", NAME, "tiny/capacity-area/rules-cooperation/seed-2"])
def test_committed_records_hold(name):
    """A few, from their files; `splgbench instances verify` does all."""
    recheck(best_known()[name], library_folder())


def test_tiny_records_are_the_exhaustive_optimum():
    """Found by a solver, confirmed by search."""
    for name in ("tiny/capacity-none/rules-regions/seed-1", "tiny/capacity-group/rules-cooperation/seed-1"):
        entry = best_known()[name]
        assert entry.primal == by_search(load(name)).optimum
        assert entry.status in ("optimal", "optimal-claimed")


def test_two_processes_record_one_after_the_other(tmp_path, instance, optimum):
    """The second one waits for the folder, and keeps what the first one wrote."""
    claim = read_claim(result_file(tmp_path / "r.json", instance, optimum.cases))
    folder = tmp_path / "library"
    folder.mkdir()
    with alone_in(folder):
        waiting = threading.Thread(target=record, args=(claim, folder))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        assert not (folder / "best_known.csv").exists()
    waiting.join()
    assert set(read_best_known(folder)) == {NAME}
