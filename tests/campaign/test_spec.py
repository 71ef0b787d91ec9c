"""Campaign files: what they come to, and every broken rule named with file, table and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaigns_for_tests import tiny

from splgbench import InputError, Limits, load, write_package
from splgbench.campaign.spec import Campaign, parse_campaign

HEAD = 'name = "c"\n[[instances]]\nnames = "easy"\n[[methods]]\nnames = "linked@highs"\n'
LIMITS = "[limits]\nwall_time = 5\n"
REFERENCE = "[reference]\ninstance = 'easy'\nmethod = 'linked@highs'\n"
BASELINE = Path(__file__).parents[2] / "campaigns" / "baseline.toml"


def parsed(text: str, folder: Path = Path()) -> Campaign:
    return parse_campaign(text, folder / "c.toml")


def test_the_committed_campaign() -> None:
    """The baseline covers the fixed set with three variations each."""
    campaign = parse_campaign(BASELINE.read_text(), BASELINE)
    assert [source.name for source in campaign.sources] == [
        "easy",
        "basel",
        *(f"hard-h{number}" for number in range(1, 11)),
        "us-miami-2011",
    ]
    assert campaign.variations == ((0, None), (1, 1), (2, 2))
    assert campaign.reference is not None


def test_defaults() -> None:
    """Three tables and a time limit are enough."""
    campaign = parsed(HEAD + LIMITS)
    assert campaign.limits == (Limits(wall_time=5),)
    assert (campaign.variations, campaign.repeats, campaign.reference) == (((0, None),), 1, None)
    assert campaign.keep == ("trace", "allocation", "log")


def test_methods_as_products() -> None:
    """Names with *, formulations by backends, and options multiply; one spelling remains, each name once."""
    text = f"""name = "c"
[[instances]]
names = "easy"
[[methods]]
names = ["linked@*ghs", "linked@highs"]
[[methods]]
formulations = ["big-m-tight", "linked"]
backends = ["highs", "scip"]
options = {{ presolve = [true, false], volumes = "integer" }}
{LIMITS}"""
    methods = parsed(text).methods
    assert methods[0] == "linked@highs"
    assert len(methods) == 1 + 2 * 2 * 2
    assert "big_m_tight@scip:presolve=off,volumes=integer" in methods


def test_instances_of_all_kinds(tmp_path: Path) -> None:
    """Library names with *, packages by glob, recipes with seeds, cuts and switched-off rules."""
    for name in ("a", "b"):
        write_package(tiny(), tmp_path / name)
    write_package(tiny(), tmp_path / "z.zip")
    (tmp_path / "r.toml").write_text('name = "r"\nhospitals = 4\ngroups = 6\nareas = 3\n')
    text = f"""name = "c"
[[instances]]
packages = ["[ab]", "z.zip"]
[[instances]]
names = "easy"
cut = "3x4"
without = "links"
[[instances]]
recipes = "*.toml"
seeds = [3, 4]
[[methods]]
names = "linked@highs"
{LIMITS}"""
    sources = parsed(text, tmp_path).sources
    assert len(sources) == 6
    instances = [source.load() for source in sources]
    assert instances[3].n_clauses == 0
    assert instances[3].n_hospitals <= 3
    assert [instance.name for instance in instances[4:]] == ["r-s3", "r-s4"]
    assert instances[4].instance_hash != instances[5].instance_hash
    assert load("easy").n_clauses > 0


def test_limits_and_variations_multiply() -> None:
    """Lists of limits make a product; seeds and permutations a product or pairs."""
    limits = "[limits]\nwall_time = [5, 10]\nthreads = [1, 2]\nmemory = 500\n"
    campaign = parsed(HEAD + limits + '[variations]\nseeds = [0, 1]\npermutations = ["none", 7]\nrepeats = 2\n')
    assert len(campaign.limits) == 4
    assert campaign.variations == ((0, None), (0, 7), (1, None), (1, 7))
    zipped = parsed(HEAD + limits + '[variations]\nseeds = [0, 1]\npermutations = ["none", 7]\ncombine = "zip"\n')
    assert zipped.variations == ((0, None), (1, 7))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "c.toml: must be TOML"),
        (HEAD, "[limits] wall_time must be given"),
        (HEAD + "[limits]\nwall_time = -1\n", "[limits] wall_time must be a limit: the time limit must be above 0"),
        (HEAD + "[limits]\nwall_time = [5, 0]\n", "above 0 seconds (found 0.0)"),
        (HEAD + "[limits]\nwall_time = inf\n", "[limits] wall_time must be finite (found inf)"),
        (HEAD + "[limits]\nwall_time = nan\n", "[limits] wall_time must be finite (found nan)"),
        (HEAD + LIMITS + "gap = -0.1\n", "[limits] gap must be a limit: the gap must be at least 0 (found -0.1)"),
        (
            HEAD + LIMITS + "memory = 0\n",
            "[limits] memory must be a limit: the memory limit must be above 0 MB (found 0)",
        ),
        (HEAD + LIMITS + "threads = 0\n", "[limits] threads must be a limit: threads must be at least 1 (found 0)"),
        (HEAD + LIMITS + "nodes = -1\n", "[limits] nodes must lie between 0 and 2^31 - 1 (found -1)"),
        (HEAD + LIMITS + f"memory = {10**30}\n", "[limits] memory must lie between 0 and 2^31 - 1"),
        (HEAD + LIMITS + f"nodes = {'9' * 5000}\n", "c.toml: must be TOML: "),
        (HEAD + LIMITS + f"x = {'[' * 5000}{']' * 5000}\n", "c.toml: must be TOML: "),
        (HEAD + "[limits]\nwall_time = 'long'\n", "[limits] wall_time must be a number or a list of numbers"),
        (HEAD + "[limits]\nwall_time = 5\nthreads = [1, 1]\n", "[limits] threads must not name a value twice"),
        (HEAD + LIMITS + "wall_tim = 3\n", "[limits] wall_tim is no key of this table; there are wall_time, memory"),
        (HEAD + LIMITS + "[surprise]\n", "surprise is no key of this table"),
        (HEAD.replace("easy", "hard-h99") + LIMITS, "[instances 1] names must be found: nothing in the library"),
        (HEAD.replace('names = "easy"', "packages = 'no/*'") + LIMITS, "[instances 1] packages must be found"),
        (HEAD.replace('"easy"', '"easy"\ncut = "3 x 4"') + LIMITS, "[instances 1] cut must be written HxG"),
        (HEAD.replace('"easy"', '"easy"\nwithout = "rain"') + LIMITS, "[instances 1] without must be among capacity"),
        (HEAD.replace('"easy"', '"us-miami-2011"\nseeds = [1]') + LIMITS, "[instances 1] seeds needs recipes"),
        (HEAD.replace("linked@", "lonked@") + LIMITS, "lonked@highs must be a method: no formulation named lonked"),
        (HEAD.replace("linked@", "lonk*@") + LIMITS, "[methods 1] names must match a method: no method matches"),
        (HEAD.replace('names = "linked@highs"', 'formulations = "linked"') + LIMITS, "formulations needs backends"),
        (HEAD.replace('names = "linked@highs"', 'backends = "highs"') + LIMITS, "backends needs formulations"),
        (HEAD.replace('"c"', '"a/b"') + LIMITS, "name must be 100 characters at most, a letter or digit first"),
        (HEAD.replace('"c"', '".."') + LIMITS, "name must be 100 characters at most"),
        (HEAD.replace('"c"', f'"{"c" * 101}"') + LIMITS, "name must be 100 characters at most"),
        (
            HEAD.replace('names = "easy"', "packages = '/'") + LIMITS,
            "[instances 1] packages must be found: / is no path",
        ),
        (HEAD.replace('names = "easy"', "names = []") + LIMITS, "[instances 1] must name an instance by names or"),
        (
            HEAD.replace('"easy"', '"easy"\nseeds = [-1]') + LIMITS,
            "[instances 1] seeds must lie between 0 and 2^63 - 1",
        ),
        (
            HEAD.replace('"easy"', f'"easy"\nseeds = {2**63}') + LIMITS,
            "[instances 1] seeds must lie between 0 and 2^63 -",
        ),
        (HEAD.replace('"easy"', f'"easy"\ncut = "{"9" * 5000}x1"') + LIMITS, "[instances 1] cut must be written HxG"),
        (HEAD + "options = { presolve = [] }\n" + LIMITS, "[methods 1] options must give presolve a value at least"),
        (
            HEAD + "options = { presolve = {} }\n" + LIMITS,
            "[methods 1] options must give presolve texts without a comma",
        ),
        (
            HEAD + "options = { presolve = 'on,rows=all' }\n" + LIMITS,
            "must give presolve texts without a comma, numbers",
        ),
        (HEAD.replace("@highs", "@highs:rows=all,rows=default") + LIMITS, "the option rows stands twice"),
        (
            HEAD.replace("@highs", "@highs:presolve=on") + "options = { presolve = 'off' }\n" + LIMITS,
            "[methods 1] linked@highs:presolve=on,presolve=off must be a method: method: the option presolve",
        ),
        ('name = "c"\n' + LIMITS, "[[instances]] must be given, once at least"),
        (HEAD + LIMITS + "[variations]\nseeds = [-1]\n", "[variations] seeds must lie between 0 and 2^31 - 1"),
        (HEAD + LIMITS + "[variations]\npermutations = ['x']\n", "[variations] permutations must hold whole numbers"),
        (HEAD + LIMITS + "[variations]\nseeds = [1, 2]\ncombine = 'zip'\n", "[variations] combine needs as many seeds"),
        (HEAD + LIMITS + "[variations]\npermutations = []\n", "[variations] permutations must hold one at least"),
        (
            HEAD + LIMITS + "[variations]\npermutations = [-1]\n",
            'whole numbers between 0 and 2^31 - 1 and "none" (found -1',
        ),
        (
            HEAD + LIMITS + f"[variations]\npermutations = {2**63}\n",
            "[variations] permutations must hold whole numbers bet",
        ),
        (
            HEAD + LIMITS + "[variations]\npermutations = [1, 1]\n",
            "[variations] permutations must not name a value twice",
        ),
        (HEAD + LIMITS + "[reference]\n", "[reference] instance must be one instance of basel, easy"),
        (
            HEAD + LIMITS + REFERENCE.replace("easy", "hard-h*"),
            "[reference] instance must be one instance of basel, easy",
        ),
        (
            HEAD + LIMITS + "[reference]\ninstance = 'easy'\n",
            "[reference] method must be a method: method: a method is",
        ),
        (HEAD + LIMITS + REFERENCE + "wall_time = 0\n", "[reference] wall_time must be above 0 seconds"),
        (HEAD + LIMITS + "[run]\nkeep = ['films']\n", "[run] keep must be among trace, allocation, log"),
        (HEAD + LIMITS + "[run]\nattempts = 0\n", "[run] attempts must be a whole number between 1 and 100"),
        (HEAD + LIMITS + "[run]\npin_processors = 1\n", "[run] pin_processors must be true or false"),
    ],
)
def test_broken_files(text: str, words: str) -> None:
    """One sentence a broken rule."""
    with pytest.raises(InputError) as caught:
        parsed(text)
    assert words in str(caught.value)
    assert all(problem.file == "c.toml" for problem in caught.value.problems)


def test_every_broken_rule_is_named_at_once() -> None:
    """A file with three mistakes is refused with three sentences."""
    with pytest.raises(InputError) as caught:
        parsed(HEAD.replace("easy", "uneasy") + "[run]\nkeep = 'films'\n")
    assert len(caught.value.problems) == 3  # no instance of that name; no time limit; no films


def test_packages_that_are_none(tmp_path: Path) -> None:
    """A folder or file that is no package is named; a glob passes over files beside packages, not over folders."""
    (tmp_path / "data").mkdir()
    write_package(tiny(), tmp_path / "data" / "a")
    (tmp_path / "data" / "README.md").write_text("hello\n")

    def sources(pattern: str) -> int:
        return len(parsed(HEAD.replace('names = "easy"', f"packages = '{pattern}'") + LIMITS, tmp_path).sources)

    assert sources("data/*") == 1
    with pytest.raises(InputError, match=r"\[instances 1\] packages must be found: data/README.md is no package"):
        sources("data/README.md")
    (tmp_path / "data" / "b").mkdir()
    with pytest.raises(InputError, match=r"packages must be found: .*data/b is no package: it has no datapackage.json"):
        sources("data/*")
    with pytest.raises(InputError, match=r"data/b is no package"):
        sources("data/b")


@pytest.mark.parametrize("seeds", ["", "seeds = [1]\n"])
def test_a_recipe_that_is_none(seeds: str, tmp_path: Path) -> None:
    """It is refused with the campaign, not halfway through it; file, table and key are named."""
    (tmp_path / "r.toml").write_text('name = "r"\nhospitals = 0\nplanets = 9\n')
    with pytest.raises(InputError) as caught:
        parsed(HEAD.replace('names = "easy"', f"recipes = 'r.toml'\n{seeds}") + LIMITS, tmp_path)
    (problem,) = caught.value.problems
    assert str(problem).startswith(
        f"{tmp_path / 'c.toml'}: [instances 1] recipes must be recipes: {tmp_path / 'r.toml'}"
    )
    assert "hospitals" in problem.rule
    assert "planets" in problem.rule


def test_the_reference_run_has_the_campaigns_memory_limit() -> None:
    """The largest where there are several, none where there is none."""
    for memory, expected in (("", None), ("memory = 500\n", 500), ("memory = [500, 4000, 2000]\n", 4000)):
        reference = parsed(HEAD + LIMITS + memory + REFERENCE).reference
        assert reference is not None
        assert reference.limits == Limits(wall_time=5, memory=expected)
