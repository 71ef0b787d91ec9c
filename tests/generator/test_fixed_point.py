"""The generator's whole-number arithmetic against exact and against independent arithmetic."""

import ast
import math
from decimal import Decimal
from fractions import Fraction
from importlib import resources

import numpy as np
import pytest
from scipy.stats import norm

from splgbench.generator import fixed_point, make_tables
from splgbench.generator.fixed_point import ONE, below, exp, fixed, fraction, normal, ratio, times, uniform
from splgbench.random_bits import raw_bits


def words(name, count, shift):
    """Signed whole numbers below 2^(63 - shift) in size."""
    return raw_bits(name, count).astype(np.int64) >> shift


def test_committed_tables_are_what_exact_arithmetic_gives():
    """The tables are made, not edited."""
    folder = resources.files("splgbench.generator")
    quantiles = make_tables.table_text("quantile", make_tables.normal_quantiles())
    powers = make_tables.table_text("power", make_tables.powers_of_two())
    assert (folder / fixed_point.QUANTILES_FILE).read_text("utf-8") == quantiles
    assert (folder / fixed_point.POWERS_FILE).read_text("utf-8") == powers


def test_tables_agree_with_an_independent_source_within_one_unit():
    """SciPy's quantiles and the C library's powers know nothing of decimal series."""
    node = np.arange(fixed_point.TAIL_BITS * fixed_point.NODES_PER_OCTAVE + 1)
    tail = np.ldexp(64.0 + node % 64, node // 64 - 39)
    assert np.abs(fixed_point.quantile_table() - norm.isf(tail) * ONE).max() < 1
    powers = [math.exp(i / 256 * math.log(2)) * ONE for i in range(257)]
    assert np.abs(fixed_point.power_table() - np.array(powers)).max() < 1


def test_make_tables_writes_both_files(tmp_path, monkeypatch):
    """The documented command makes the committed files."""
    monkeypatch.setattr(make_tables, "normal_quantiles", lambda: [7, 0])
    make_tables.make_tables(tmp_path)
    assert (tmp_path / fixed_point.QUANTILES_FILE).read_text() == "node,quantile\n0,7\n1,0\n"
    assert len((tmp_path / fixed_point.POWERS_FILE).read_text().splitlines()) == 258


def test_times_rounds_the_exact_product():
    """Products of every size and sign equal Python's unbounded integers, halves rounded upwards."""
    for shift in (1, 16, 31):
        a, b = words(f"a {shift}", 500, shift), words(f"b {shift}", 500, 63 - shift if shift > 1 else 32)
        expected = [(int(x) * int(y) + ONE // 2) // ONE for x, y in zip(a, b, strict=True)]
        assert times(a, b).tolist() == expected
    assert int(times(ONE // 2, 1)) == 1
    assert int(times(-ONE // 2, 1)) == 0


def test_ratio_is_the_exact_quotient_rounded_down():
    """Quotients equal Python's unbounded integers."""
    a, b = np.abs(words("a", 500, 9)), np.abs(words("b", 500, 10)) + 2**30
    assert ratio(a, b).tolist() == [int(x) * ONE // int(y) for x, y in zip(a, b, strict=True)]


def test_fixed_is_the_nearest_unit():
    """Decimal text becomes units without passing through a float."""
    assert fixed(Decimal("0.1")) == round(Fraction(1, 10) * ONE)
    assert fixed(Decimal("-0.5")) == -ONE // 2
    assert fixed(3) == 3 * ONE


def test_normal_is_within_the_stated_error_in_every_octave():
    """Every halving of the tail probability is checked, the rarest draws included."""
    start = 1 << np.arange(32, dtype=np.int64)[:, np.newaxis]
    tail = np.unique(start + (start * np.arange(997) // 997)) | 1
    bits = tail.astype(np.uint64) << np.uint64(31)
    exact = norm.isf(tail / 2.0**33)
    assert np.abs(normal(bits) / ONE - exact).max() < 3e-7
    assert np.array_equal(normal(bits | np.uint64(2**63)), -normal(bits))
    assert normal(bits).max() < 6.35 * ONE
    # The bits below the sign and the tail play no part, the last bit of the tail neither.
    assert np.array_equal(normal(bits ^ np.uint64(2**32 - 1)), normal(bits))


def test_normal_draws_look_normal():
    """Mean, spread and tails of a long stream, within four standard errors."""
    z = normal(raw_bits("normal", 200_000)) / ONE
    assert abs(z.mean()) < 4 / math.sqrt(len(z))
    assert abs(z.std() - 1) < 4 / math.sqrt(2 * len(z))
    for limit in (1, 2, 3):
        p = 2 * norm.sf(limit)
        assert abs((np.abs(z) > limit).mean() - p) < 4 * math.sqrt(p * (1 - p) / len(z))


def test_exp_is_within_the_stated_error():
    """e^x from where it vanishes to its upper end."""
    x = np.linspace(-23, 20.99, 50_000)
    units = np.round(x * ONE).astype(np.int64)
    exact = np.exp(units / ONE) * ONE
    assert (np.abs(exp(units) - exact) <= np.maximum(1e-8 * exact, 2)).all()
    assert exp(np.array([0])).tolist() == [ONE]


def test_uniform_and_below_stay_in_range_and_fill_it():
    """Bounds hold and every number comes up about equally often."""
    bits = raw_bits("uniform", 60_000)
    assert 0 <= fraction(bits).min() <= fraction(bits).max() < ONE
    drawn = uniform(bits, fixed(Decimal("0.25")), fixed(Decimal("0.75")))
    assert ONE // 4 <= drawn.min() <= drawn.max() <= 3 * ONE // 4
    assert abs(drawn.mean() / ONE - 0.5) < 0.01
    counts = np.bincount(below(bits, 6))
    assert len(counts) == 6
    assert np.abs(counts - 10_000).max() < 4 * math.sqrt(10_000)


def test_every_number_is_int64():
    """A float anywhere would let the machine's rounding in."""
    bits = raw_bits("types", 4)
    for drawn in (fraction(bits), uniform(bits, 0, ONE), below(bits, 5), normal(bits), exp(normal(bits)), ratio(3, 4)):
        assert drawn.dtype == np.int64


@pytest.mark.parametrize("module", ["fixed_point.py", "generate.py"])
def test_source_holds_no_float(module):
    """No float literal, no true division, no numpy.random and no math module where instances are drawn."""
    tree = ast.parse((resources.files("splgbench.generator") / module).read_text("utf-8"))
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), ast.unparse(node)
        assert not isinstance(node, ast.Div), module
        assert not (isinstance(node, ast.Attribute) and node.attr in ("random", "float64", "mean", "median"))
        assert not (isinstance(node, ast.Import) and any(name.name == "math" for name in node.names))
