"""Models of several outputs: the law against the p×p recursion over all batches, SGD by hand, each output alone."""

from itertools import combinations, product

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA, FORMULA, SUMS
from standard_errors import z_of_mean

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.sampling import Sampling
from ouanalysis.numeric.fluctuations.second_moments import SecondMoments
from ouanalysis.numeric.fluctuations.stability_limit import stability_limit

N, OUTPUTS, DIM = 3, 2, 16
X = np.array([-1.0, 0.0, 1.5])
SIGMA = 0.02


def two_headed(theta, x):
    """(…, 2): two sums of the same four neurons."""
    a, b, c = theta[..., :4], theta[..., 4:8], theta[..., 8:].reshape((*theta.shape[:-1], 2, 4))
    return anp.sum(c * anp.tanh(a * x[..., None] + b)[..., None, :], axis=-1)


THETA = np.random.default_rng(0).normal(size=DIM)
SETTING = ou.Setting(two_headed, X, two_headed(THETA[None], X), dim=DIM)
HEADS = [ou.Setting(lambda theta, x, k=k: two_headed(theta, x)[..., k], X, SETTING.y[:, k], dim=DIM) for k in (0, 1)]


def batches(kind, size, n=N):
    """Every batch that can be drawn, all equally likely."""
    if kind == "with replacement":
        return list(product(range(n), repeat=size))
    return list(combinations(range(n), n if kind == "full" else size))


def sampling(kind, size):
    return {"batch_size": "full" if kind == "full" else size, "replacement": kind != "without replacement"}


def recursion(jacobian, outputs, drawn, lr, sigma, steps, momentum=0.0):
    """Cov δ after so many steps of v ← βv − ∇, θ ← θ + ηv, each averaged over every batch: nothing of n×n in it."""
    p = jacobian.shape[1]
    of_data = jacobian.reshape(-1, outputs, p)
    moments = np.zeros((2 * p, 2 * p))
    for _ in range(steps):
        after = np.zeros_like(moments)
        for batch in drawn:
            rows = of_data[list(batch)].reshape(-1, p)
            hessian, kick = 2 / len(batch) * rows.T @ rows, 2 * sigma / len(batch) * rows.T
            step = np.block([[np.eye(p) - lr * hessian, lr * momentum * np.eye(p)], [-hessian, momentum * np.eye(p)]])
            noise = np.vstack([lr * kick, kick])
            after += step @ moments @ step.T + noise @ noise.T
        moments = after / len(drawn)
    return moments[:p, :p]


def test_rows_of_the_jacobian_are_those_of_each_output():
    rows = np.stack([ou.jacobian(head, THETA) for head in HEADS], axis=1).reshape(-1, DIM)
    np.testing.assert_allclose(ou.jacobian(SETTING, THETA), rows, rtol=FORMULA, atol=FORMULA)
    np.testing.assert_allclose(ou.gram(SETTING, THETA), rows @ rows.T, rtol=SUMS, atol=SUMS)


def test_loss_regularizer_and_its_gradient_are_sums_over_the_outputs():
    beside = THETA + 0.1
    for quantity in (ou.loss, ou.regularizer, ou.regularizer_gradient):
        expected = sum(quantity(head, beside) for head in HEADS)
        np.testing.assert_allclose(quantity(SETTING, beside), expected, rtol=SUMS, atol=SUMS)


def test_the_traced_regularizer_is_that_by_autograd():
    form = ou.symbolic.regularizer(SETTING)
    np.testing.assert_allclose(form(THETA), ou.regularizer(SETTING, THETA), rtol=SUMS)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize(
    ("kind", "size"), [("with replacement", 1), ("with replacement", 2), ("without replacement", 2), ("full", 3)]
)
@pytest.mark.parametrize("steps", [1, 7, 60])
def test_the_law_is_the_recursion_over_all_batches(kind, size, momentum, steps):
    how = sampling(kind, size) | {"momentum": momentum}
    lr = 0.4 * ou.max_stable_lr(SETTING, THETA, **how)
    law = ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=SIGMA, **how)
    expected = recursion(ou.jacobian(SETTING, THETA), OUTPUTS, batches(kind, size), lr, SIGMA, steps, momentum)
    np.testing.assert_allclose(law.covariance(steps), expected, rtol=0, atol=ALGEBRA * np.max(np.abs(expected)))
    assert law.equation_residual < ALGEBRA


@given(seed=st.integers(0, 10**6), outputs=st.integers(1, 3), n=st.integers(1, 3), fraction=st.floats(0.05, 0.9))
def test_any_jacobian_of_any_number_of_outputs(seed, outputs, n, fraction):
    jacobian = np.random.default_rng(seed).normal(size=(n * outputs, 10))
    squares, modes = np.linalg.eigh(jacobian @ jacobian.T)
    how = Sampling(lr=1.0, noise_std=SIGMA, batch_size=2, outputs=outputs)
    lr = fraction * stability_limit(squares, modes, how)
    law = SecondMoments(squares, modes, Sampling(lr=lr, noise_std=SIGMA, batch_size=2, outputs=outputs))
    across = jacobian.T @ modes / np.sqrt(squares)
    expected = recursion(jacobian, outputs, batches("with replacement", 2, n), lr, SIGMA, 40)
    found = across @ law.after(40) @ across.T
    condition = squares[-1] / squares[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA * condition * np.max(np.abs(expected)))


@pytest.mark.parametrize(
    ("kind", "size"), [("with replacement", 1), ("with replacement", 2), ("without replacement", 2), ("full", 3)]
)
def test_past_the_limit_the_recursion_grows_and_below_it_does_not(kind, size):
    jacobian = ou.jacobian(SETTING, THETA)
    limit = ou.max_stable_lr(SETTING, THETA, **sampling(kind, size))
    modes = np.linalg.svd(jacobian, full_matrices=False)[2]
    rows = jacobian @ modes.T  # across the zero-error set alone, where the map has no eigenvalue 1
    radii = []
    for lr in (0.999 * limit, 1.001 * limit):
        step = 0.0
        for batch in batches(kind, size):
            of_batch = rows.reshape(N, OUTPUTS, -1)[list(batch)].reshape(-1, len(rows))
            contraction = np.eye(len(rows)) - 2 * lr / len(batch) * of_batch.T @ of_batch
            step = step + np.kron(contraction, contraction) / len(batches(kind, size))
        radii.append(np.max(np.abs(np.linalg.eigvals(step))))
    assert radii[0] < 1 < radii[1]


def test_noise_of_each_label_counts_for_its_row():
    """The noise floor is linear in the σ_i², so those of one label at a time add up to that of all."""
    lr = 0.3 * ou.max_stable_lr(SETTING, THETA)
    each = [ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=unit).expected_loss() for unit in np.eye(6)]
    sizes = np.arange(1.0, 7.0)
    together = ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=sizes).expected_loss()
    np.testing.assert_allclose(together, np.sum(sizes**2 * each), rtol=SUMS)
    equal = ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=1.0).expected_loss()
    np.testing.assert_allclose(np.sum(each), equal, rtol=SUMS)


def by_hand(lr, steps, size):
    """The path that the run's own indices and noises make, by the gradient of the loss of each batch."""
    streams = np.random.default_rng(5).bit_generator.seed_seq.spawn(1)[0].spawn(3)
    indices = np.random.default_rng(streams[0]).integers(0, N, size=(steps, size))
    noise = SIGMA * np.random.default_rng(streams[1]).standard_normal((steps, size * OUTPUTS))
    theta = THETA.copy()
    jacobian = {k: lambda at, k=k: ou.jacobian(HEADS[k], at) for k in (0, 1)}
    for drawn, epsilon in zip(indices, noise.reshape(steps, size, OUTPUTS), strict=True):
        gradient = 0.0
        for k in (0, 1):
            rows, values = jacobian[k](theta)[drawn], two_headed(theta[None], X)[drawn, k]
            gradient = gradient + 2 / size * (values - SETTING.y[drawn, k] - epsilon[:, k]) @ rows
        theta = theta - lr * gradient
    return theta


def test_a_step_takes_all_outputs_of_a_datum_each_with_its_own_noise():
    lr, steps, size = 0.01, 20, 2
    run = ou.label_noise_sgd(SETTING, THETA, lr=lr, noise_std=SIGMA, steps=steps, batch_size=size, rng=5)
    np.testing.assert_allclose(run.theta[0, -1], by_hand(lr, steps, size), rtol=ALGEBRA, atol=ALGEBRA)


@pytest.mark.parametrize("batch_size", [1, 2, "full"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_compiled_steps_are_those_by_autograd(batch_size, momentum):
    how = {"lr": 0.01, "noise_std": SIGMA, "steps": 300, "chains": 2, "rng": 1, "record": 100}
    how |= {"batch_size": batch_size, "momentum": momentum, "average": ou.Averaging(loss=True, reg=True)}
    plain, fast = (ou.label_noise_sgd(setting, THETA, **how) for setting in (SETTING, ou.compiled(SETTING)))
    for name in ("theta", "loss", "reg"):
        np.testing.assert_allclose(getattr(fast, name), getattr(plain, name), rtol=1e3 * ALGEBRA, atol=ALGEBRA)
    np.testing.assert_allclose(fast.averages.reg, plain.averages.reg, rtol=ALGEBRA)


def test_simulated_noise_floor_and_drift_are_those_of_the_law():
    lr = 0.3 * ou.max_stable_lr(SETTING, THETA, batch_size=2)
    how = {"lr": lr, "noise_std": SIGMA / 2, "batch_size": 2}
    law, steps = ou.linearized_sgd(SETTING, THETA, **how), 400
    run = ou.label_noise_sgd(ou.compiled(SETTING), THETA, **how, steps=steps, chains=8000, rng=3)
    assert abs(z_of_mean(run.loss[:, -1], law.expected_loss(steps))) < 4
    predicted = law.tangent_drift(steps)
    along = predicted / np.linalg.norm(predicted)
    assert abs(z_of_mean((run.theta[:, -1] - THETA) @ along, predicted @ along)) < 4


def test_the_flow_goes_downhill_and_stays_on_the_zero_error_set():
    flow = ou.regularized_flow(SETTING, THETA, times=[0.0, 0.1, 1.0])
    assert np.all(np.diff(flow.reg) < 0)
    assert np.max(np.abs(two_headed(flow.theta[:, None], X) - SETTING.y)) < 1e-8


def test_interpolate_fits_all_outputs():
    theta = ou.interpolate(SETTING, THETA + 0.05)
    assert np.max(np.abs(two_headed(theta[None], X) - SETTING.y)) < 1e-8


def test_one_output_in_a_column_is_one_output():
    column = ou.Setting(lambda theta, x: two_headed(theta, x)[..., :1], X, SETTING.y[:, :1], dim=DIM)
    how = {"lr": 0.01, "noise_std": SIGMA, "steps": 10, "rng": 0}
    np.testing.assert_array_equal(
        ou.label_noise_sgd(column, THETA, **how).theta, ou.label_noise_sgd(HEADS[0], THETA, **how).theta
    )
    np.testing.assert_allclose(ou.gram(column, THETA), ou.gram(HEADS[0], THETA), rtol=SUMS)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2)), r"y: expected shape \(3, k\), got \(2, 2\)"),
        (np.zeros((3, 3)), r"h: expected floats of shape \(3,\) .* got float64 of shape \(2,\)"),
        (np.zeros(3), r"h: expected floats of shape \(\) .* got float64 of shape \(2,\)"),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        ou.Setting(two_headed, X, labels, dim=DIM)


def test_noise_of_each_label_has_its_shape():
    with pytest.raises(ValueError, match=r"noise_std: expected shape \(6,\), got \(3,\)"):
        ou.linearized_sgd(SETTING, THETA, lr=0.01, noise_std=[0.1, 0.1, 0.1])
