from fractions import Fraction

import numpy as np
import pytest

from ghostflow_learn import config_context
from ghostflow_learn._engine._boosting import SMALL, fields, interval_of

SHAPES = [(1, 1), (31, 3), (257, 33), (1000, 70), (5000, 5)]


def exact_sums(values, codes, n_bins=256):
    """Sums in rational numbers."""
    sums = [Fraction(0)] * n_bins
    for value, code in zip(values.tolist(), codes.tolist(), strict=True):
        sums[code] += Fraction(value)
    return sums


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("constant", [False, True])
def test_sums_are_those_of_the_reference_to_the_bit(reference, cpu, rng, shape, constant):
    codes = rng.integers(0, 256, shape, dtype=np.uint8)
    gradients, hessians = rng.normal(size=(2, shape[0])), rng.uniform(size=(2, shape[0]))
    want = reference.histogram.pack(gradients, None if constant else hessians, 3)
    got = cpu.histogram.pack(gradients, None if constant else hessians, 3)
    np.testing.assert_array_equal(got.words, want.words)
    np.testing.assert_array_equal(got.units, want.units)
    rows = np.flatnonzero(rng.random(shape[0]) < 0.5).astype(np.uint32)
    for chosen in (None, rows):
        for n_threads in (1, 2, 7):
            with config_context(n_threads=n_threads):
                sums = cpu.histogram.build(codes, got, 1, chosen)
            for a, b in zip(sums, reference.histogram.build(codes, want, 1, chosen), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("tail", ["normal", "cauchy", "one huge"])
@pytest.mark.parametrize("constant", [False, True])
def test_rounding_stays_within_its_bound(cpu, rng, tail, constant):
    """Less than n units from the exact sum, typically less than the square root of n, also with heavy tails."""
    n_samples = 4000
    gradients = {
        "normal": rng.normal(size=n_samples),
        "cauchy": rng.standard_cauchy(n_samples),
        "one huge": np.append(rng.normal(size=n_samples - 1), 1e9),
    }[tail]
    codes = rng.integers(0, 4, (n_samples, 1), dtype=np.uint8)
    packed = cpu.histogram.pack(gradients[None], None if constant else np.abs(gradients)[None], 0)
    sums, hessian_sums, counts = (part[0] for part in cpu.histogram.build(codes, packed))
    unit, hessian_unit = packed.units[0]
    _, _, max_gradient, _ = fields(packed.interval)
    assert np.abs(gradients).max() / max_gradient <= unit < 2.0001 * np.abs(gradients).max() / max_gradient
    exact = exact_sums(gradients, codes[:, 0])
    for b in range(4):
        error = abs(float(Fraction(int(sums[b])) * Fraction(unit) - exact[b]))
        assert error < 4 * np.sqrt(counts[b]) * unit
        assert counts[b] == (codes == b).sum()
    if constant:
        np.testing.assert_array_equal(hessian_sums, counts)
        assert hessian_unit == 1
    else:
        error = float(Fraction(int(hessian_sums.sum())) * Fraction(hessian_unit)) - np.abs(gradients).sum()
        assert abs(error) < 4 * np.sqrt(n_samples) * hessian_unit


def test_rounding_is_right_on_average(cpu):
    """A million gradients of a tenth of a unit beside one of 2^13 units sum up to what they are."""
    n_samples = 1_000_000
    gradients = np.full((1, n_samples), 0.1)
    gradients[0, 0] = fields(interval_of(n_samples, False))[2]
    packed = cpu.histogram.pack(gradients, np.ones((1, n_samples)), 0)
    assert packed.units[0, 0] == 1
    sums, _, _ = cpu.histogram.build(np.zeros((n_samples, 1), dtype=np.uint8), packed)
    assert abs(sums.sum() - gradients.sum()) < 4 * np.sqrt(n_samples * 0.09)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("n_samples", [10, SMALL + 1, 10**8])
def test_no_sum_overflows(n_samples, constant):
    """The worst case, in Python's integers: every sample at the limit, in one bin."""
    interval = interval_of(n_samples, constant)
    count_bits, hessian_bits, max_gradient, max_hessian = fields(interval)
    n = abs(interval)
    assert n < 1 << count_bits
    assert n * max_hessian < 1 << hessian_bits
    assert n * max_gradient < 1 << (63 - count_bits - hessian_bits)
    assert n_samples * max_gradient < 2**51  # so that a sum is also a float64, exactly
    assert n_samples * max_hessian < 2**51
    assert max_gradient >= 2**12


def test_words_at_their_limits_are_summed_exactly(cpu):
    """More samples than one interval, all of the largest gradient and hessian of either sign."""
    n_samples = SMALL + 5000
    gradients = np.where(np.arange(n_samples) % 3 == 0, 1.0, -1.0)[None]
    packed = cpu.histogram.pack(gradients, np.ones((1, n_samples)), 0)
    codes = np.zeros((n_samples, 1), dtype=np.uint8)
    sums, hessians, counts = cpu.histogram.build(codes, packed)
    assert sums[0, 0] * packed.units[0, 0] == gradients.sum()
    assert hessians[0, 0] * packed.units[0, 1] == n_samples
    assert counts[0, 0] == n_samples


@pytest.fixture
def cpu():
    from ghostflow_learn._engine import cpu

    return cpu
