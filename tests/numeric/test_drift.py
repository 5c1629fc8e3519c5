"""tangent_drift against a p×p recursion over all batches, its closed forms, and its limits."""

from itertools import combinations, product

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rounding import FORMULA, SUMS
from strategies import numbers

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.sampling import Sampling
from ouanalysis.numeric.fluctuations.stability_limit import stability_limit

SIGMA = 0.7
KINDS = ("with replacement", "without replacement", "full")
SENSORS = np.random.default_rng(1).normal(size=(3, 3, 3))
INPUTS = np.array([[1.0, 0.5], [-0.5, 1.0], [0.25, -1.0]])
THETA = np.array([1.0, 0.5, -1.0, 0.25, 0.75, 1.5])  # a point for tests of one case


def fitted(theta, n, model="tanh"):
    """A setting of six parameters that interpolates at theta."""
    if model == "tanh":
        labels = ou.SigmoidNetwork(INPUTS[:n], np.zeros(n), 2).predictions(theta)
        return ou.SigmoidNetwork(INPUTS[:n], labels, 2)
    labels = ou.MatrixSensing(SENSORS[:n], np.zeros(n), rank=2).predictions(theta)
    return ou.MatrixSensing(SENSORS[:n], labels, rank=2)


def derivatives(setting, theta):
    """J (n, p) and ∇²h_i (n, p, p), one datum at a time."""
    models = [lambda t, x=x: setting.h(t, x) for x in setting.x]
    return (
        np.array([autograd.grad(h)(theta) for h in models]),
        np.array([autograd.hessian(h)(theta) for h in models]),
    )


def tangent_projector(jacobian):
    """N, by a QR factorisation."""
    basis = np.linalg.qr(jacobian.T)[0]
    return np.eye(jacobian.shape[1]) - basis @ basis.T


def batches(n, size, kind):
    """Every batch that can be drawn, all equally likely."""
    if kind == "with replacement":
        return list(product(range(n), repeat=size))
    return list(combinations(range(n), n if kind == "full" else size))


def batch_arguments(size, kind):
    return {"batch_size": "full" if kind == "full" else size, "replacement": kind == "with replacement"}


def limit_of(setting, theta, *, batch_size, replacement=True, momentum=0.0):
    squares, modes = np.linalg.eigh(ou.gram(setting, theta))
    batch, replacement = (setting.n, False) if batch_size == "full" else (batch_size, replacement)
    return stability_limit(squares[::-1], modes[:, ::-1], Sampling(1.0, 1.0, batch, replacement, momentum))


def moments_step(moments, jacobian, drawn, lr, momentum):
    """E of (δ, ηv)(δ, ηv)ᵀ, (2p, 2p), after one step: the average of the block step over every batch."""
    p = jacobian.shape[1]
    after = np.zeros_like(moments)
    for batch in drawn:
        rows = jacobian[list(batch)]
        pull = 2 * lr / len(batch) * rows.T @ rows
        block = np.block([[np.eye(p) - pull, momentum * np.eye(p)], [-pull, momentum * np.eye(p)]])
        noise = (2 * lr * SIGMA / len(batch)) ** 2 * rows.T @ rows
        after += block @ moments @ block.T + np.tile(noise, (2, 2))
    return after / len(drawn)


def displacements(setting, theta, drawn, lr, momentum, steps):
    """E N(θ_t − θ*) for t = 0..steps, (steps + 1, p), and the sum of the magnitudes of what it adds up.

    The mean velocity takes up −(2/n) N Σ_i ∇²h_i E[δδᵀ] g_i a step, and hands β of itself on.
    """
    jacobian, hessians = derivatives(setting, theta)
    tangent, p = tangent_projector(jacobian), setting.dim
    moments, velocity, place, size = np.zeros((2 * p, 2 * p)), np.zeros(p), np.zeros(p), 0.0
    places = [place]
    for _ in range(steps):
        pushes = 2 * lr / setting.n * np.einsum("ijk,kl,il->ij", hessians, moments[:p, :p], jacobian)
        velocity = momentum * velocity - tangent @ pushes.sum(axis=0)
        place = place + velocity
        size += np.sum(np.linalg.norm(pushes, axis=1)) / (1 - momentum)
        moments = moments_step(moments, jacobian, drawn, lr, momentum)
        places.append(place)
    return np.array(places), size


drawn_case = given(
    theta=numbers(6),
    model=st.sampled_from(["tanh", "sensing"]),
    n=st.integers(1, 3),
    size=st.integers(1, 3),
    kind=st.sampled_from(KINDS),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    fraction=st.floats(0.02, 0.8),
)


@drawn_case
def test_displacement_is_the_recursion_over_all_batches(theta, model, n, size, kind, momentum, fraction):
    assume(kind != "without replacement" or size <= n)
    setting = fitted(theta, n, model)
    condition = np.linalg.cond(ou.gram(setting, theta))
    assume(condition < 1e6)
    batch = batch_arguments(size, kind)
    lr = fraction * limit_of(setting, theta, momentum=momentum, **batch)
    expected, scale = displacements(setting, theta, batches(n, size, kind), lr, momentum, 25)
    steps = np.array([[0, 1, 2], [25, 7, 1]])
    drift = ou.tangent_drift(setting, theta, lr=lr, noise_std=SIGMA, steps=steps, momentum=momentum, **batch)
    assert drift.shape == (2, 3, 6)
    # 𝓜^T is subtracted from the stationary law, which (I − 𝓜)⁻¹ gives: its condition is that of K over (1 − β)².
    np.testing.assert_allclose(drift, expected[steps], rtol=0, atol=SUMS * condition / (1 - momentum) ** 2 * scale)
    one = ou.tangent_drift(setting, theta, lr=lr, noise_std=SIGMA, steps=25, momentum=momentum, **batch)
    np.testing.assert_array_equal(one, drift[1, 0])


@drawn_case
def test_drift_at_rest_is_that_of_the_fixed_point_of_the_recursion(theta, model, n, size, kind, momentum, fraction):
    assume(kind != "without replacement" or size <= n)
    setting = fitted(theta, n, model)
    condition = np.linalg.cond(ou.gram(setting, theta))
    assume(condition < 1e6)
    batch = batch_arguments(size, kind)
    lr = fraction * limit_of(setting, theta, momentum=momentum, **batch)
    jacobian, hessians = derivatives(setting, theta)
    basis, rows = np.linalg.qr(jacobian.T)  # J = Rᵀ Qᵀ: the recursion in the row space, where it has one fixed point
    covariance = basis @ fixed_point(rows.T, batches(n, size, kind), lr, momentum) @ basis.T
    pushes = 2 * lr / n * np.einsum("ijk,kl,il->ij", hessians, covariance, jacobian) / (1 - momentum)
    drift = ou.tangent_drift(setting, theta, lr=lr, noise_std=SIGMA, momentum=momentum, **batch)
    assert drift.shape == (6,)
    scale = np.sum(np.linalg.norm(pushes, axis=1))
    atol = SUMS * condition / (1 - momentum) ** 2 * scale  # of (I − 𝓜)⁻¹, as above
    np.testing.assert_allclose(drift, -tangent_projector(jacobian) @ pushes.sum(axis=0), rtol=0, atol=atol)


def fixed_point(rows, drawn, lr, momentum):
    """The stationary E δδᵀ (r, r), from the dense (2r)² map of the moments."""
    size = 2 * rows.shape[1]
    noise = moments_step(np.zeros((size, size)), rows, drawn, lr, momentum)
    units = np.eye(size * size).reshape(-1, size, size)
    gap = np.eye(size * size) - np.stack(
        [(moments_step(unit, rows, drawn, lr, momentum) - noise).ravel() for unit in units], axis=1
    )
    return np.linalg.solve(gap, noise.ravel()).reshape(size, size)[: size // 2, : size // 2]


@given(theta=numbers(6), size=st.integers(1, 4), momentum=st.floats(0, 0.95), fraction=st.floats(0.01, 0.9))
def test_one_datum_has_its_closed_form(theta, size, momentum, fraction):
    setting = fitted(theta, 1)
    (gradient,), (hessian,) = derivatives(setting, theta)
    k = gradient @ gradient
    assume(k > 0.01)
    lr = fraction * (1 + momentum) / k
    uphill = 2 * tangent_projector(gradient[None]) @ hessian @ gradient  # N∇k
    strength = lr**2 * SIGMA**2 / (size * (1 - momentum) ** 2 * (1 - lr * k / (1 + momentum)))
    drift = ou.tangent_drift(setting, theta, lr=lr, noise_std=SIGMA, batch_size=size, momentum=momentum)
    rounding = SUMS / (1 - fraction) / (1 - momentum) * strength * np.linalg.norm(hessian @ gradient)
    np.testing.assert_allclose(drift, -strength * uphill, rtol=0, atol=rounding)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_full_batch_descends_its_effective_regularizer(n, momentum):
    setting = fitted(THETA, n)
    lr = 0.6 * n * (1 + momentum) / np.linalg.eigvalsh(ou.gram(setting, THETA))[-1]

    def effective_regularizer(theta):  # R = −(σ²(1+β)/(n(1−β))) tr log(I − ηH/(2(1+β))), H and JJᵀ·2/n alike
        jacobian = autograd.jacobian(lambda t: setting.h(t, setting.x))(theta)
        inside = anp.eye(n) - lr / (n * (1 + momentum)) * anp.dot(jacobian, jacobian.T)
        return -(SIGMA**2) * (1 + momentum) / (n * (1 - momentum)) * anp.linalg.slogdet(inside)[1]

    downhill = -tangent_projector(derivatives(setting, THETA)[0]) @ autograd.grad(effective_regularizer)(THETA)
    drift = ou.tangent_drift(setting, THETA, lr=lr, noise_std=SIGMA, batch_size="full", momentum=momentum)
    np.testing.assert_allclose(drift, lr / (1 - momentum) * downhill, rtol=0, atol=SUMS * np.linalg.norm(drift))


@pytest.mark.parametrize("n", [1, 3])
def test_a_full_batch_has_its_closed_form_in_time(n):
    setting = fitted(THETA, n)
    lr = 0.3 * n / np.linalg.eigvalsh(ou.gram(setting, THETA))[-1]
    uphill, curvatures = mode_gradients(setting, THETA)
    steps = np.array([1, 3, 40, 10**5])[:, None]
    rho = (1 - lr * curvatures) ** 2
    times = (steps - (1 - rho**steps) / (1 - rho)) / (1 - lr * curvatures / 2)
    expected = -(lr**2) * SIGMA**2 / (2 * n) * times @ uphill
    drift = ou.tangent_drift(setting, THETA, lr=lr, noise_std=SIGMA, steps=steps[:, 0], batch_size="full")
    # T S_∞ less the sum of what is missing from it: to rounding of T times the drift at rest.
    rounding = SUMS * steps * np.max(np.abs(expected[-1])) / steps[-1]
    assert np.all(np.abs(drift - expected) <= rounding)


@pytest.mark.parametrize(("n", "batch"), [(1, 1), (1, 3), (3, 1), (3, 2), (3, "full")])
def test_the_leading_order_has_its_closed_form_in_time(n, batch):
    setting = fitted(THETA, n)
    uphill, curvatures = mode_gradients(setting, THETA)
    lr, steps = 0.01, np.array([0, 1, 30, 10**6])[:, None]
    rates = 2 * lr * curvatures
    times = steps - (1 - np.exp(-rates * steps)) / rates
    expected = -(lr**2) * SIGMA**2 / (2 * (n if batch == "full" else batch)) * times @ uphill
    drift = ou.local_ou(setting, THETA, lr=lr, noise_std=SIGMA, batch_size=batch).tangent_drift(steps[:, 0])
    # T − (1 − e^{−2ηλT})/2ηλ cancels where ηλT is small: to rounding of T.
    np.testing.assert_allclose(drift, expected, rtol=FORMULA, atol=FORMULA * lr**2 * SIGMA**2 * np.abs(uphill).sum())


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_the_leading_order_at_rest_is_gradient_descent_on_reg(momentum):
    setting = fitted(THETA, 3)
    jacobian, hessians = derivatives(setting, THETA)
    uphill = 2 / 3 * tangent_projector(jacobian) @ np.einsum("ijk,ik->j", hessians, jacobian)  # N∇reg
    arguments = {"lr": 0.01, "noise_std": SIGMA, "batch_size": 2, "momentum": momentum}
    drift = ou.local_ou(setting, THETA, **arguments).tangent_drift()
    expected = -(0.01**2) * SIGMA**2 / (2 * (1 - momentum) ** 2) * uphill
    np.testing.assert_allclose(drift, expected, rtol=0, atol=FORMULA * np.linalg.norm(expected))


def mode_gradients(setting, theta):
    """D_k = N∇_θ (2/n)‖J(θ)v_k‖² with v_k held, (n, p), and the nonzero eigenvalues λ_k of H."""
    jacobian, hessians = derivatives(setting, theta)
    _, singular, directions = np.linalg.svd(jacobian, full_matrices=False)
    along = jacobian @ directions.T  # (n, k)
    gradients = 4 / setting.n * np.einsum("ik,ijl,kl->kj", along, hessians, directions)
    return gradients @ tangent_projector(jacobian), 2 * singular**2 / setting.n


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("batch", [1, 2, "full"])
def test_the_leading_order_is_off_by_the_first_order_of_the_step(batch, momentum):
    setting = fitted(THETA, 3)
    limit = limit_of(setting, THETA, batch_size=batch, momentum=momentum)
    for time in (None, 3.0):  # in units of the limit over fraction, so that ηT is held
        fractions = np.array([0.04, 0.02, 0.01]) / (4 if time else 1)
        errors = []
        for fraction in fractions:
            arguments = {"lr": fraction * limit, "noise_std": SIGMA, "batch_size": batch, "momentum": momentum}
            steps = None if time is None else round(time / fraction)
            exact = ou.tangent_drift(setting, THETA, steps=steps, **arguments)
            leading = ou.local_ou(setting, THETA, **arguments).tangent_drift(steps)
            errors.append(np.linalg.norm(leading - exact) / np.linalg.norm(exact))
        # The next order is some per cent of the error at these steps.
        assert np.polyfit(np.log(fractions), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.1)


@drawn_case
def test_drift_is_tangent_linear_in_the_variance_and_zero_at_the_start(theta, model, n, size, kind, momentum, fraction):
    assume(kind != "without replacement" or size <= n)
    setting = fitted(theta, n, model)
    jacobian, hessians = derivatives(setting, theta)
    assume(np.linalg.cond(jacobian) < 1e3)
    batch = batch_arguments(size, kind)
    lr = fraction * limit_of(setting, theta, momentum=momentum, **batch)

    def drift(noise_std, steps, law):
        return law(setting, theta, lr=lr, noise_std=noise_std, momentum=momentum, **batch).tangent_drift(steps)

    # N takes a vector of the size of Σ_i ∇²h_i Σ g_i, and may leave nothing of it: rounding is relative to that size,
    # 2η²σ² a step of at most 11, and of the condition of K.
    pushes = np.linalg.norm(hessians, axis=(1, 2)) @ np.linalg.norm(jacobian, axis=1)
    scale = 11 * 2 * lr**2 * SIGMA**2 * pushes / (1 - momentum) ** 2 / (1 - fraction)
    for law in (ou.linearized_sgd, ou.local_ou):
        np.testing.assert_array_equal(drift(SIGMA, 0, law), np.zeros(6))
        for steps in (None, 11):
            once = drift(SIGMA, steps, law)
            rounding = FORMULA * np.linalg.cond(jacobian) ** 2 * scale
            np.testing.assert_allclose(drift(3 * SIGMA, steps, law), 9 * once, rtol=0, atol=9 * rounding)
            assert np.linalg.norm(jacobian @ once) <= FORMULA * np.linalg.norm(jacobian) * scale


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("batch", [1, "full"])
@pytest.mark.parametrize("law", [ou.linearized_sgd, ou.local_ou])
def test_the_slope_in_time_tends_to_the_drift_at_rest(batch, momentum, law):
    setting = fitted(THETA, 3)
    lr = 0.5 * limit_of(setting, THETA, batch_size=batch, momentum=momentum)
    arguments = {"lr": lr, "noise_std": SIGMA, "batch_size": batch, "momentum": momentum}
    found = law(setting, THETA, **arguments)
    early, late = found.tangent_drift([10**4, 10**6])
    at_rest = found.tangent_drift()
    # The transient is over at both: it cancels.
    np.testing.assert_allclose((late - early) / (10**6 - 10**4), at_rest, rtol=0, atol=SUMS * np.linalg.norm(at_rest))


@pytest.mark.parametrize(("n", "batch", "momentum"), [(1, 1, 0.0), (1, 2, 0.9), (3, "full", 0.0), (3, "full", 0.9)])
def test_past_the_stability_limit_it_refuses_with_the_limit(n, batch, momentum):
    setting = fitted(THETA, n)
    limit = n * (1 + momentum) / np.linalg.eigvalsh(ou.gram(setting, THETA))[-1]  # (1 + β)/k, or η λ_max < 2(1 + β)
    arguments = {"noise_std": SIGMA, "batch_size": batch, "momentum": momentum}
    assert np.isfinite(ou.tangent_drift(setting, THETA, lr=0.999 * limit, **arguments)).all()
    for call in (ou.tangent_drift, ou.linearized_sgd, ou.local_ou):
        where = "this theta, batch and momentum" if momentum else "this theta and batch"
        message = rf"^lr: expected less than the stability limit {limit:.4g} at {where}, got {1.001 * limit:g}$"
        with pytest.raises(ValueError, match=message):
            call(setting, THETA, lr=1.001 * limit, **arguments)


def test_sampled_batches_are_refused_where_local_ou_refuses():
    setting = fitted(THETA, 3)
    limit = ou.local_ou(setting, THETA, lr=1e-3, noise_std=SIGMA).max_stable_lr
    ou.tangent_drift(setting, THETA, lr=0.999 * limit, noise_std=SIGMA)
    with pytest.raises(ValueError, match=rf"less than the stability limit {limit:.4g} at this theta"):
        ou.tangent_drift(setting, THETA, lr=1.001 * limit, noise_std=SIGMA)


def test_a_kink_on_a_datum_is_refused():
    setting = ou.ReluNetwork([0.0, 1.0], [0.0, 1.0], width=1)
    theta = setting.pack(a=[1.0], b=[0.0], c=[1.0], alpha=0, beta=0)
    with pytest.raises(ValueError, match="theta: expected no kink on a datum"):
        ou.tangent_drift(setting, theta, lr=0.01, noise_std=SIGMA)


def test_theta_off_the_zero_error_set_is_refused():
    setting = fitted(THETA, 2)
    with pytest.raises(ValueError, match=r"theta: expected a point of the zero-error set .* got residual"):
        ou.tangent_drift(setting, THETA + 0.1, lr=0.01, noise_std=SIGMA)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": -1}, "steps: expected integers at least 0, got -1"),
        ({"steps": 1.5}, "steps: expected integers at least 0, got 1.5"),
        ({"steps": [3, -1]}, "steps: expected integers at least 0, got [3, -1]"),
        ({"steps": [3, 2**70]}, f"steps: expected integers of at most 62 bits, got [3, {2**70}]"),
        ({"steps": 2**62 + 1}, f"steps: expected integers of at most 62 bits, got {2**62 + 1}"),
        ({"momentum": 1}, "momentum: expected a finite number at least 0 and below 1, got 1"),
        ({"momentum": -0.1}, "momentum: expected a finite number at least 0 and below 1, got -0.1"),
        ({"lr": 0.0}, "lr: expected a finite number above 0, got 0"),
        ({"noise_std": -1.0}, "noise_std: expected a finite number at least 0, got -1"),
        ({"batch_size": 0}, "batch_size: expected an integer at least 1, got 0"),
        ({"batch_size": 4, "replacement": False}, "batch_size: expected at most n = 3 without replacement, got 4"),
    ],
)
def test_a_bad_argument_is_named(changed, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        ou.tangent_drift(fitted(THETA, 3), THETA, **{"lr": 0.01, "noise_std": SIGMA, **changed})
    assert str(caught.value) == message


def test_without_noise_there_is_no_drift():
    for steps in (None, 0, 7):
        drift = ou.tangent_drift(fitted(THETA, 3), THETA, lr=0.01, noise_std=0.0, steps=steps)
        np.testing.assert_array_equal(drift, np.zeros(6))


def test_no_steps_give_no_rows():
    none = np.array([], dtype=int)
    assert ou.tangent_drift(fitted(THETA, 3), THETA, lr=0.01, noise_std=SIGMA, steps=none).shape == (0, 6)


def test_a_point_where_the_model_does_not_move_does_not_drift():
    setting = ou.MatrixSensing([[[1.0]]], y=[0.0])
    with pytest.warns(UserWarning, match="J has rank 0 here and a higher one about it"):
        drift = ou.tangent_drift(setting, [0.0], lr=0.1, noise_std=SIGMA, steps=[0, 5])
    np.testing.assert_array_equal(drift, np.zeros((2, 1)))


def test_duplicate_data_drift_as_the_data_once():
    once = fitted(THETA, 2)
    twice = ou.SigmoidNetwork(np.tile(once.x, (2, 1)), np.tile(once.y, 2), 2)
    arguments = {"lr": 0.05, "noise_std": SIGMA, "steps": [3, 100]}
    expected = ou.tangent_drift(once, THETA, **arguments)
    atol = SUMS * np.max(np.abs(expected))
    np.testing.assert_allclose(ou.tangent_drift(twice, THETA, **arguments), expected, rtol=0, atol=atol)
