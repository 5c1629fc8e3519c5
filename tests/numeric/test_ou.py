"""LocalOU against the symbolic covariance, an exact recursion over batches, and its own limits."""

import autograd.numpy as anp
import numpy as np
import pytest
import scipy.linalg
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from rounding import EPS, FORMULA, SUMS
from strategies import numbers

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.sampling import Sampling
from ouanalysis.numeric.fluctuations.stability_limit import stability_limit

LR, SIGMA = 0.01, 0.3


def sensing(seed, n=2):
    setting, truth = ou.planted_matrix_sensing(3, 2, n, rng=seed)
    return setting, truth


def recursion(jacobian, lr, noise_std, steps):
    """Cov δ after so many steps of B = 1, by the exact average over the data of the p×p step: no n×n algebra."""
    covariance = np.zeros((jacobian.shape[1],) * 2)
    for _ in range(steps):
        after = np.zeros_like(covariance)
        for g in jacobian:
            contraction = np.eye(len(g)) - 2 * lr * np.outer(g, g)
            after += contraction @ covariance @ contraction.T + (2 * lr * noise_std) ** 2 * np.outer(g, g)
        covariance = after / len(jacobian)
    return covariance


@given(theta=numbers(6), n=st.integers(1, 2), steps=st.integers(0, 5000), batch=st.integers(1, 4))
def test_covariances_are_the_symbolic_ones(theta, n, steps, batch):
    sensors = np.random.default_rng(0).normal(size=(n, 3, 3))
    fitted = ou.MatrixSensing(sensors, np.zeros(n), rank=2)
    setting, truth = ou.MatrixSensing(sensors, fitted.predictions(theta), rank=2), theta
    assume(np.linalg.cond(ou.gram(setting, theta)) < 1e6)
    local = ou.local_ou(setting, truth, lr=1e-3, noise_std=SIGMA, batch_size=batch)
    jacobian = ou.jacobian(setting, truth)
    noise = {"lr": 1e-3, "noise_std": SIGMA, "batch_size": batch}
    stationary = ou.symbolic.ou.stationary_covariance(sympy.Matrix(jacobian), **noise)
    # The inverse by determinants loses cond(K)^(3/2) eps, a few times over for p = 6 entries a sum.
    scale = np.linalg.cond(local.gram) ** 1.5 * EPS * local.stationary_variance
    np.testing.assert_allclose(local.covariance(), np.array(stationary, dtype=float), atol=100 * scale, rtol=0)
    if n == 1:
        in_time = ou.symbolic.ou.covariance(sympy.Matrix(jacobian), 1e-3 * steps, **noise)
        np.testing.assert_allclose(local.covariance(steps), np.array(in_time, dtype=float), atol=100 * scale, rtol=0)


@pytest.mark.parametrize("steps", [40, 400])
def test_error_of_the_leading_order_against_the_exact_recursion_is_of_first_order_in_the_step(steps):
    setting, truth = sensing(3)
    jacobian = ou.jacobian(setting, truth)
    factors = np.array([1, 2, 4])
    errors = []
    for factor in factors:  # the same time, so fewer of the larger steps
        local = ou.local_ou(setting, truth, lr=LR / factor, noise_std=SIGMA)
        exact = recursion(jacobian, LR / factor, SIGMA, steps * factor)
        errors.append(np.linalg.norm(local.covariance(steps * factor) - exact) / local.stationary_variance)
    slope = -np.polyfit(np.log(factors), np.log(errors), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)  # the next order is some per cent of the error at these steps


def test_quantities_of_one_process_fit_together():
    setting, truth = sensing(4)
    local = ou.local_ou(setting, truth, lr=LR, noise_std=SIGMA, batch_size=2)
    jacobian = ou.jacobian(setting, truth)
    steps = np.array([0, 3, 100])
    lifted = jacobian @ local.covariance(steps) @ jacobian.T
    np.testing.assert_allclose(local.function_covariance(steps), lifted, rtol=0, atol=SUMS * np.max(lifted))
    trace = np.trace(lifted, axis1=1, axis2=2)
    np.testing.assert_allclose(local.expected_loss(steps), trace / setting.n, rtol=SUMS)
    np.testing.assert_allclose(local.expected_loss(), LR * SIGMA**2 / 2 * ou.regularizer(setting, truth), rtol=FORMULA)
    np.testing.assert_array_equal(local.covariance(10**9), local.covariance())  # e^{−2ηλT} is 0 in floats
    hessian = 2 * jacobian.T @ jacobian / setting.n
    atol = SUMS * np.max(local.eigenvalues)
    np.testing.assert_allclose(hessian @ local.basis, local.basis * local.eigenvalues, rtol=0, atol=atol)


def test_the_autocovariance_decays_by_the_exponential_of_the_drift_matrix():
    setting, truth = sensing(4)
    # Unequal noises: the covariance is no multiple of a projector, and does not commute with H.
    local = ou.local_ou(setting, truth, lr=LR, noise_std=SIGMA * np.arange(1, setting.n + 1))
    jacobian = ou.jacobian(setting, truth)
    decay = scipy.linalg.expm(-LR * 50 * 2 / setting.n * jacobian.T @ jacobian)
    for steps in (20, None):
        covariance = local.covariance(steps)
        assert np.linalg.norm(decay @ covariance - covariance @ decay) > 1e-3 * np.linalg.norm(covariance)
        later = local.covariance(steps, lag=50)
        np.testing.assert_allclose(later, decay @ covariance, rtol=0, atol=FORMULA * np.max(covariance))


def test_a_full_batch_averages_the_noise_over_all_data():
    setting, truth = sensing(5, n=3)
    full = ou.local_ou(setting, truth, lr=LR, noise_std=SIGMA, batch_size="full")
    assert full.sampling.batch_size == 3
    assert full.stationary_variance == pytest.approx(LR * SIGMA**2 / 3, rel=FORMULA)


def test_duplicate_data_are_reported_as_rank_deficient_and_give_the_law_of_the_row_space():
    once, truth = sensing(6, n=2)
    twice = ou.MatrixSensing(np.concatenate([once.x, once.x]), np.concatenate([once.y, once.y]))
    local = ou.local_ou(twice, truth, lr=LR, noise_std=SIGMA)
    assert local.rank == 2
    assert "J has rank 2 for 4 data, constant about here" in repr(local)
    expected = ou.local_ou(once, truth, lr=LR, noise_std=SIGMA).covariance()
    np.testing.assert_allclose(local.covariance(), expected, rtol=0, atol=SUMS * np.max(expected))
    assert local.function_covariance().shape == (4, 4)


def test_a_kink_on_a_datum_is_said():
    setting = ou.ReluNetwork([0.0, 1.0], [0.0, 1.0], width=1)
    theta = setting.pack(a=[1.0], b=[0.0], c=[1.0], alpha=0, beta=0)
    local = ou.local_ou(setting, theta, lr=LR, noise_std=SIGMA)
    assert local.kink_distance == 0
    assert "a kink is on a datum (neuron 0, x_0): h has no derivative here" in repr(local)


def test_a_point_where_the_model_does_not_move_has_no_process():
    setting = ou.MatrixSensing([[[1.0]]], y=[0.0])
    local = ou.local_ou(setting, [0.0], lr=LR, noise_std=SIGMA)
    assert local.rank == 0
    assert "J = 0" in repr(local)
    np.testing.assert_array_equal(local.covariance(), [[0.0]])


def max_stable_lr(gram, *, batch_size):
    squares, modes = np.linalg.eigh(gram)
    full = batch_size == "full"
    keep = squares > len(gram) * EPS * squares[-1]
    batch = len(gram) if full else batch_size
    return stability_limit(squares[keep], modes[:, keep], Sampling(1.0, 1.0, batch, not full))


def step(covariance, jacobian, lr):
    """One noiseless step of B = 1 on a p×p covariance, averaged over the data."""
    contractions = [np.eye(jacobian.shape[1]) - 2 * lr * np.outer(g, g) for g in jacobian]
    return np.mean([c @ covariance @ c.T for c in contractions], axis=0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_linearised_covariance_shrinks_just_below_the_limit_and_grows_just_above(n, seed):
    jacobian = np.random.default_rng(seed).normal(size=(n, n + 2))
    limit = max_stable_lr(jacobian @ jacobian.T, batch_size=1)
    for factor, grows in ((0.999, False), (1.001, True)):
        covariance, radii = jacobian.T @ jacobian, []
        for _ in range(3000):
            after = step(covariance, jacobian, factor * limit)
            radii.append(np.trace(after) / np.trace(covariance))
            covariance = after / np.trace(after)
        assert (radii[-1] > 1) == grows


def test_the_limit_is_not_overstated_where_two_blocks_are_nearly_alike():
    jacobian = np.vstack([np.tile([np.sqrt(1 - 1e-4), 0.0], (300, 1)), [[0.0, 1.0]]])
    limit = max_stable_lr(jacobian @ jacobian.T, batch_size=1)
    # The last datum alone allows η < 1/k = 1, the others 1.0001; eigh is right to eps of the largest eigenvalue, 300.
    assert limit == pytest.approx(1.0, rel=300 * EPS)


def test_a_neuron_that_is_on_the_brink_everywhere_is_a_kink_on_every_datum():
    setting = ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], width=1)
    assert ou.kink_distance(setting, setting.pack(a=[0.0], b=[0.0], c=[1.0], alpha=0, beta=0)) == 0
    assert ou.kink_distance(setting, setting.pack(a=[0.0], b=[0.0], c=[0.0], alpha=0, beta=0)) == np.inf


def test_a_full_batch_is_stable_up_to_two_over_the_largest_curvature():
    gram = np.diag([1.0, 3.0])
    assert max_stable_lr(gram, batch_size="full") == pytest.approx(2 / 3, rel=FORMULA)  # λ_max = 2·3/2
    assert max_stable_lr(gram, batch_size=10**9) == pytest.approx(2 / 3, rel=2e-9)  # 1/B short
    assert max_stable_lr(np.eye(4), batch_size=1) == pytest.approx(1.0, rel=FORMULA)  # each datum on its own: η < 1/k
    assert max_stable_lr(np.zeros((2, 2)), batch_size=1) == np.inf


def test_a_step_at_the_limit_is_refused_with_the_limit_and_sgd_diverges_there():
    setting = ou.Setting(linear, np.eye(10), np.zeros(10), 10)
    with pytest.raises(
        ValueError, match=r"lr: expected less than the stability limit 1 at this theta and batch, got 1\.2"
    ):
        ou.local_ou(setting, np.zeros(10), lr=1.2, noise_std=0.1)
    run = ou.label_noise_sgd(setting, np.zeros(10), lr=1.2, noise_std=0.1, steps=20_000, rng=0)
    assert run.loss[0, -1] > 1e100  # or it has overflowed


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(6))
def test_a_law_is_refused_at_the_limit_and_not_at_the_float_below(seed, momentum):
    setting, theta = ou.planted_sigmoid_network(3, 2, 3, rng=seed)
    limit = ou.max_stable_lr(setting, theta, momentum=momentum)
    law = ou.linearized_sgd(setting, theta, lr=np.nextafter(limit, 0), noise_std=0.1, momentum=momentum)
    assert law.max_stable_lr == limit
    for past in (limit, 1.001 * limit, 1e300):
        with pytest.raises(ValueError, match=f"lr: expected less than the stability limit {limit:.4g}"):
            ou.linearized_sgd(setting, theta, lr=past, noise_std=0.1, momentum=momentum)
