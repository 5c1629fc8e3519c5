"""powers_and_sums against powers of the dense matrix and the sum taken term by term."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rounding import EPS, FORMULA, SUMS
from strategies import numbers

from ouanalysis.numeric.fluctuations.krylov import MOST, arnoldi, powers_and_sums


def resolvent_of(matrix):
    identity = np.eye(len(matrix))

    def resolvent(shift):
        inverse = np.linalg.inv((1 + shift) * identity - matrix)
        return lambda start: (inverse @ start.ravel()).reshape(start.shape)

    return resolvent


def term_by_term(matrix, start, steps, decay):
    """𝓜^T u, and Σ_{t<T} 𝓜^t u (1 + β + ... + β^(T−t−1))."""
    power, total = start.ravel(), np.zeros(start.size)
    geometric = np.append(0, np.cumsum(decay ** np.arange(steps)))
    for t in range(steps):
        total = total + geometric[steps - t] * power
        power = matrix @ power
    # T products, whose rounding of eps/2 a matrix of norm 1 carries on.
    atol = EPS * (64 + steps / 2) * np.linalg.norm(start)
    np.testing.assert_allclose(power, np.linalg.matrix_power(matrix, steps) @ start.ravel(), rtol=0, atol=atol)
    return power.reshape(start.shape), total.reshape(start.shape)


@example(
    entries=np.array([[32, -10, -1, -15, -15, -15], *[[-15] * 6] * 4, [-15, 0, -15, -15, -15, -15]]) / 32,
    start=np.full((2, 3), -8) / 32,
    symmetric=True,
    radius=1.0,
    steps=5000,
    decay=0.0,
)
@given(
    entries=numbers((6, 6)),
    start=numbers((2, 3)),
    symmetric=st.booleans(),
    radius=st.floats(0.1, 1.0),
    steps=st.sampled_from([1, 2, 3, 17, 200, 5000]),
    decay=st.sampled_from([0.0, 0.5, 0.9, 0.99]),
)
def test_powers_and_sums_of_a_dense_map(entries, start, symmetric, radius, steps, decay):
    start = start + np.eye(2, 3) / 128  # not zero
    matrix = entries + entries.T if symmetric else entries
    norm = np.linalg.norm(matrix, 2)
    matrix = radius * matrix / norm if norm else matrix
    power, total = powers_and_sums(resolvent_of(matrix), start, steps, decay=decay)
    expected_power, expected_total = term_by_term(matrix, start, steps, decay)
    # eps (1000 + T) is what it settles to, and ten times that is lost on the way there; the witness multiplies T times
    # by a 6 × 6 matrix that is of norm 1 to eps.
    tolerance = EPS * (10 * (1000 + steps) + 7 * steps) * np.linalg.norm(start)
    assert np.max(np.abs(power - expected_power)) < tolerance
    assert np.max(np.abs(total - expected_total)) < tolerance * steps / (1 - decay)


@pytest.mark.parametrize("decay", [0.0, 0.9])
@pytest.mark.parametrize("slow", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("steps", [1, 30, 1000, 10**6])
def test_a_spectrum_next_to_one_is_carried_for_any_number_of_steps(steps, slow, decay):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    gaps, start = np.geomspace(0.9, slow, 60), rng.normal(size=60)

    def resolvent(shift):
        return lambda vector: axes @ ((axes.T @ vector) / (gaps + shift))

    power, total = powers_and_sums(resolvent, start, steps, decay=decay)
    remaining = np.exp(steps * np.log1p(-gaps))
    # Σ ρ^t, and of it Σ ρ^t β^(T−t), a sum over the last few hundred steps at most: β^400 is below rounding.
    late = np.arange(max(0, steps - 400), steps)
    plain = -np.expm1(steps * np.log1p(-gaps)) / gaps
    held_back = np.exp(late * np.log1p(-gaps)[:, None]) @ decay ** (steps - late).astype(float)
    # As above, without a witness that multiplies.
    tolerance = 10 * EPS * (1000 + steps) * np.linalg.norm(start)
    assert np.max(np.abs(power - axes @ (remaining * (axes.T @ start)))) < tolerance
    expected = axes @ ((plain - held_back) / (1 - decay) * (axes.T @ start))
    assert np.max(np.abs(total - expected)) < tolerance * steps / (1 - decay)


@pytest.mark.parametrize("symmetric", [True, False])
def test_arnoldi_gives_an_orthonormal_basis_and_the_map_in_it(symmetric):
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(30, 30))
    matrix = matrix + matrix.T if symmetric else matrix
    counted = 0
    for vectors, inside in arnoldi(lambda vector: matrix @ vector, rng.normal(size=30)):
        counted += 1
        assert vectors.shape == (counted, 30)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(counted), rtol=0, atol=SUMS)
        np.testing.assert_allclose(vectors @ matrix @ vectors.T, inside, rtol=0, atol=SUMS * np.linalg.norm(matrix))
    assert counted == 30


def test_arnoldi_ends_where_the_space_is_invariant():
    vectors = [basis for basis, _ in arnoldi(lambda vector: 2 * vector, np.array([3.0, 4.0]))]
    assert len(vectors) == 1
    np.testing.assert_allclose(np.abs(vectors[0]), [[0.6, 0.8]], rtol=FORMULA)


def test_a_map_that_takes_more_vectors_than_it_may_gives_none():
    angles = np.linspace(0.1, 3.0, MOST)  # rotations by all angles: nothing is slow, and nothing dies away in T steps
    turns = 0.9999 * np.exp(1j * angles)

    def resolvent(shift):
        def apply(vector):
            image = (vector[::2] + 1j * vector[1::2]) / (1 + shift - turns)
            return np.stack([image.real, image.imag], axis=-1).ravel()

        return apply

    assert powers_and_sums(resolvent, np.ones(2 * MOST), 1000) is None
