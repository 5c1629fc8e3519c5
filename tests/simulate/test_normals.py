"""Normal numbers drawn in a compiled loop are NumPy's own, bit for bit, and leave the Generator where NumPy does."""

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.simulate import normals
from ouanalysis.simulate.normals import MANY, fill_standard_normal

KINDS = [np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64, np.random.Philox, np.random.MT19937]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(0,), (3, 5), (MANY,), (7, MANY, 3), (20_000,)])
def test_they_are_those_of_numpy(kind, shape):
    ours, theirs = np.random.Generator(kind(1)), np.random.Generator(kind(1))
    out = np.empty(shape)
    for _ in range(2):
        fill_standard_normal(ours, out)
        np.testing.assert_array_equal(out, theirs.standard_normal(shape))
    assert ours.random() == theirs.random()


def test_here_they_are_drawn_by_the_loop():
    assert normals._loop() is not None


def test_the_tail_is_numpys_too():
    ours, theirs = np.random.default_rng(3), np.random.default_rng(3)
    out = np.empty(1_000_000)
    fill_standard_normal(ours, out)
    assert np.max(np.abs(out)) > 4.5  # beyond the last layer of the ziggurat, at 3.65
    np.testing.assert_array_equal(out, theirs.standard_normal(len(out)))


@pytest.fixture
def forgotten():
    normals._loop.cache_clear()
    yield
    normals._loop.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_a_numpy_that_draws_other_numbers_than_numba_is_believed(monkeypatch):
    def other(rng, out):
        for k in range(out.size):
            out[k] = rng.random()

    monkeypatch.setattr(normals, "_fill", other)
    out = np.empty(MANY)
    fill_standard_normal(np.random.default_rng(0), out)
    np.testing.assert_array_equal(out, np.random.default_rng(0).standard_normal(MANY))


@pytest.mark.usefixtures("forgotten")
def test_without_numbas_compiler_they_are_numpys_and_the_linear_process_says_why_it_is_slow(monkeypatch):
    from numba import config

    from ouanalysis.simulate.relaxation import relaxation
    from ouanalysis.simulate.warn_once import warn_once

    def run():
        setting = ou.Setting(lambda theta, x: theta[..., 0] * x, [1.0], [1.0], 1)
        return ou.ornstein_uhlenbeck(setting, [1.0], lr=0.1, noise_std=0.1, steps=2 * MANY, rng=0, record=1).theta

    expected = run()
    relaxation.cache_clear()
    normals._loop.cache_clear()
    warn_once.cache_clear()
    monkeypatch.setattr(config, "DISABLE_JIT", True)
    with pytest.warns(UserWarning, match="NUMBA_DISABLE_JIT is set"):
        slow = run()
    relaxation.cache_clear()
    warn_once.cache_clear()
    np.testing.assert_array_equal(slow, expected)
