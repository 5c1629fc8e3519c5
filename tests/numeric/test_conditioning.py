"""The discrete law where K is nearly singular, steps tiny or huge, units far from 1: against a recursion in mpmath."""

import autograd.numpy as anp
import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA, EPS, FORMULA

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.sampling import Sampling
from ouanalysis.numeric.fluctuations.second_moments import SecondMoments
from ouanalysis.numeric.fluctuations.stability_limit import stability_limit
from ouanalysis.numeric.zero_error_set.row_space import row_space

SIGMA = 0.7
LAWS = (ou.local_ou, ou.linearized_sgd)
THETA = np.array([0.7, -0.4, 0.9, 0.3, 0.5, -0.8])
ANGLE = 0.6


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


def rotated(squares):
    """K's eigenvalues (2,) and eigenvectors, and the rows of a J (2, 2) that has them, in mpmath's digits."""
    c, s = mpmath.cos(ANGLE), mpmath.sin(ANGLE)
    roots = [mpmath.sqrt(mpmath.mpf(square)) for square in squares]
    rows = mpmath.matrix([[c * roots[0], -s * roots[1]], [s * roots[0], c * roots[1]]])
    return np.array(squares), np.array([[c, -s], [s, c]], dtype=float), rows


def affine_step(rows, lr, momentum):
    """The matrix of a step, over all batches of one datum, of E zzᵀ with z = (δ, ηv), Σ β^. E δδᵀ, its sum, and 1."""
    n, r = rows.rows, rows.cols
    size = 2 * r
    pairs, seen = ([(a, b) for a in range(m) for b in range(m)] for m in (size, r))
    place = {pair: k for k, pair in enumerate(pairs)}
    m, q = len(pairs), len(seen)
    step = mpmath.zeros(m + 2 * q + 1)
    step[m + 2 * q, m + 2 * q] = 1
    for i in range(n):
        one = mpmath.zeros(size)
        for a in range(r):
            one[a, a] += 1
            one[a, r + a] = one[r + a, r + a] = mpmath.mpf(momentum)
            for b in range(r):
                pull = 2 * mpmath.mpf(lr) * rows[i, a] * rows[i, b]
                one[a, b] -= pull
                one[r + a, b] -= pull
        kick = [2 * mpmath.mpf(lr) * mpmath.mpf(SIGMA) * rows[i, a % r] for a in range(size)]
        for (a, b), k in place.items():
            step[k, m + 2 * q] += kick[a] * kick[b] / n
            for c in range(size):
                for d in range(size):
                    step[k, place[c, d]] += one[a, c] * one[b, d] / n
    for k, pair in enumerate(seen):
        step[m + k, m + k] += mpmath.mpf(momentum)
        step[m + q + k, m + k] += mpmath.mpf(momentum)
        step[m + q + k, m + q + k] += 1
        step[m + k, place[pair]] += 1
        step[m + q + k, place[pair]] += 1
    return step, [place[pair] for pair in seen], m + q


def walked(rows, lr, momentum, steps):
    """E δδᵀ after so many steps and the drift's sum of it, (2, r, r), by squaring; FLINT's matrices, which are fast."""
    step, seen, sums = affine_step(rows, lr, momentum)
    with flint.ctx.workprec(mpmath.mp.prec):
        power = flint.arb_mat(step.rows, step.cols, [flint.arb(str(entry)) for entry in step])
        state = flint.arb_mat(step.rows, 1, [0] * (step.rows - 1) + [1])
        while steps:
            if steps % 2:
                state = power * state
            steps //= 2
            power = power * power if steps else power
    r = rows.cols
    both = [[state[k, 0] for k in seen], [state[sums + k, 0] for k in range(r * r)]]
    for entries in both:
        assert max(float(entry.rad()) for entry in entries) <= 1e-3 * EPS * max(abs(float(entry)) for entry in entries)
    return np.array(both, dtype=float).reshape(2, r, r)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.999])
@pytest.mark.parametrize(("condition", "fraction"), [(1e26, 0.5), (1e26, 1e-3), (1e12, 0.9), (1.0, 0.5), (1e4, 1e-20)])
def test_the_law_in_time_is_the_recursion_at_any_conditioning_and_any_number_of_steps(condition, fraction, momentum):
    with mpmath.workdps(90):
        squares, modes, rows = rotated([1.0, 1 / condition])
        limit = stability_limit(squares, modes, Sampling(1.0, momentum=momentum))
        law = SecondMoments(squares, modes, Sampling(fraction * limit, SIGMA, momentum=momentum))
        for steps in (1, 60, 1000, 10**5, 10**9, 10**15, 2**62):
            covariance, summed = walked(rows, law.sampling.lr, momentum, steps)
            # The law is a difference of terms 1/(1 − β) times it; before anything relaxes T adds T/1e10 roundings, with
            # momentum some forty times that.
            relative = max(ALGEBRA / (1 - momentum), 40 * EPS * steps / 1e10 if fraction < 1e-10 else 0)
            np.testing.assert_allclose(law.after(steps), covariance, rtol=0, atol=relative * np.max(np.abs(covariance)))
            np.testing.assert_allclose(law.summed(steps), summed, rtol=0, atol=relative * np.max(np.abs(summed)))


def nearly_equal(d):
    """tanh, two neurons, x = (1, .3) and (1 + d, .3), and its J in mpmath's digits, in an orthonormal basis (2, 2)."""
    x = np.array([[1.0, 0.3], [1.0 + d, 0.3]])
    setting = ou.SigmoidNetwork(x, ou.SigmoidNetwork(x, np.zeros(2), 2).predictions(THETA), 2)
    t = [mpmath.mpf(number) for number in THETA]
    gradients = []
    for row in x:
        first, second = (
            mpmath.tanh(t[2 + 2 * j] * mpmath.mpf(row[0]) + t[3 + 2 * j] * mpmath.mpf(row[1])) for j in (0, 1)
        )
        inner = [t[j] * (1 - value**2) * mpmath.mpf(entry) for j, value in enumerate((first, second)) for entry in row]
        gradients.append([first, second, *inner])
    length = mpmath.norm(gradients[0])
    along = mpmath.fdot(*gradients) / length
    rest = mpmath.norm([b - along * a / length for a, b in zip(*gradients, strict=True)])
    return setting, mpmath.matrix([[length, 0], [along, rest]])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("d", [1e-3, 3e-8, 1e-8, 1e-9, 1e-13])
def test_the_limit_of_nearly_equal_data_is_where_the_radius_of_the_recursion_crosses_one(d, momentum):
    with mpmath.workdps(60):
        setting, rows = nearly_equal(d)
        limit = ou.max_stable_lr(setting, THETA, momentum=momentum)
        for factor in (1 - 1e-6, 1 + 1e-6):  # sixty digits say on which side; the limit is right to six at least
            step, _, end = affine_step(rows, factor * limit, momentum)
            moments = end - rows.cols**2
            eigenvalues = mpmath.eig(step[:moments, :moments], left=False, right=False)
            assert (max(abs(value) for value in eigenvalues) < 1) == (factor < 1)
        for lr in (1e-300, 0.01, 0.999999 * limit):
            drift = ou.tangent_drift(setting, THETA, lr=lr, noise_std=0.1, momentum=momentum)
            assert np.isfinite(drift).all()
        for lr in (1.000001 * limit, 1e15, 1e300):
            with pytest.raises(ValueError, match=f"less than the stability limit {limit:.4g} at this theta"):
                ou.tangent_drift(setting, THETA, lr=lr, noise_std=0.1, momentum=momentum, steps=5)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.999])
def test_the_limit_of_nearly_equal_data_tends_to_that_of_equal_data(momentum):
    equal = ou.max_stable_lr(nearly_equal(0.0)[0], THETA, momentum=momentum)
    for d in (1e-7, 1e-8, 1e-9, 1e-12):
        assert ou.max_stable_lr(nearly_equal(d)[0], THETA, momentum=momentum) == pytest.approx(
            equal, rel=10 * d + ALGEBRA
        )


@given(
    n=st.integers(1, 4),
    batch=st.sampled_from([1, 2, "without", "full"]),
    momentum=st.sampled_from([0.0, 0.5, 0.999]),
    fraction=st.sampled_from([1e-6, 0.1, 0.9]),
    power=st.sampled_from([-100, -20, 20, 100]),
)
def test_the_law_does_not_depend_on_the_unit_of_the_predictions(n, batch, momentum, fraction, power):
    jacobian, scale = np.random.default_rng(n).normal(size=(n, 5)), 10.0**power
    how = {
        "batch_size": {"without": max(n - 1, 1)}.get(batch, batch),
        "replacement": batch in (1, 2),
        "momentum": momentum,
    }
    laws = []
    for unit in (1.0, scale):
        setting = ou.Setting(linear, unit * jacobian, np.zeros(n), 5)
        limit = ou.max_stable_lr(setting, np.zeros(5), **how)
        space = row_space(setting, np.zeros(5))
        size = n if batch == "full" else how["batch_size"]
        lr = fraction * limit
        sampling = Sampling(lr, unit, size, how["replacement"], momentum)
        laws.append((limit, lr, SecondMoments(space.squares, space.modes, sampling)))
    (limit, lr, law), (limit_, lr_, law_) = laws
    assert limit_ * scale**2 == pytest.approx(limit, rel=ALGEBRA)
    assert law_.stable()
    # Cov θ is the same where σ is in the unit of y, and lr in that of 1/y².
    for of in ("stationary", "after", "summed"):
        for steps in ((),) if of == "stationary" else ((7,), (300,), (10**7,), (2**62,)):
            expected, got = np.abs(getattr(law, of)(*steps)), np.abs(getattr(law_, of)(*steps))
            # The unit is no power of two; with momentum the law is a quotient by 1 − β.
            np.testing.assert_allclose(got, expected, rtol=0, atol=ALGEBRA / (1 - momentum) * np.max(expected))
    assert lr_ * scale**2 == pytest.approx(lr, rel=ALGEBRA)


@pytest.mark.parametrize("power", [-300, -100, 100, 300])
@pytest.mark.parametrize("p", [4, 40])  # LAPACK's singular values, and those by Cholesky
def test_rank_and_row_space_are_those_of_the_jacobian_in_any_unit(power, p):
    jacobian = np.random.default_rng(0).normal(size=(3, p))
    jacobian[2] = jacobian[0] - jacobian[1]
    expected = row_space(ou.Setting(linear, jacobian, np.zeros(3), p), np.zeros(p))
    space = row_space(ou.Setting(linear, 10.0**power * jacobian, np.zeros(3), p), np.zeros(p))
    assert space.rank == expected.rank == 2
    np.testing.assert_allclose(space.singular / 10.0**power, expected.singular, rtol=ALGEBRA)
    np.testing.assert_allclose(space.basis @ space.basis.T, expected.basis @ expected.basis.T, rtol=0, atol=ALGEBRA)
    if abs(power) < 150:
        np.testing.assert_allclose(space.squares / 10.0**power / 10.0**power, expected.squares, rtol=ALGEBRA)
    else:
        with pytest.raises(ValueError, match=r"^theta: expected singular values of J from 1e-150 to 1e150, .* got .*$"):
            _ = space.squares


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("power", [-100, 100])
def test_a_law_is_the_same_in_any_unit(power, law):
    jacobian, scale = np.random.default_rng(1).normal(size=(3, 4)), 10.0**power
    processes = []
    for unit in (1.0, scale):
        setting = ou.Setting(linear, unit * jacobian, np.zeros(3), 4)
        limit = ou.max_stable_lr(setting, np.zeros(4))
        processes.append(law(setting, np.zeros(4), lr=0.3 * limit, noise_std=unit))
    one, other = processes
    if law is ou.linearized_sgd:
        assert other.equation_residual < FORMULA
        assert other.stability_radius == pytest.approx(one.stability_radius, rel=ALGEBRA)
    assert other.relaxation_steps == pytest.approx(one.relaxation_steps, rel=ALGEBRA)
    assert repr(other)
    for steps in (None, 3, 10**6, 2**62):
        expected = one.covariance(steps, lag=2)
        found = other.covariance(steps, lag=2)
        np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA * np.max(np.abs(expected)))
        expected = one.function_covariance(steps)
        found = other.function_covariance(steps) / scale / scale
        np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA * np.max(np.abs(expected)))
        loss = other.expected_loss(steps) / scale / scale
        assert loss == pytest.approx(one.expected_loss(steps), rel=ALGEBRA)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise_std", [1e-300, 1e-100, 1e100])
def test_the_law_is_linear_in_the_variance_at_any_noise(noise_std, law):
    setting, theta = ou.planted_sigmoid_network(3, 4, 4, rng=1)
    one, other = (law(setting, theta, lr=0.1, noise_std=noise) for noise in (1.0, noise_std))
    if law is ou.linearized_sgd:
        assert other.equation_residual == one.equation_residual
    for steps in (None, 10, 10**6):
        expected = one.covariance(steps) * noise_std * noise_std
        np.testing.assert_allclose(other.covariance(steps), expected, rtol=FORMULA)
        expected = one.tangent_drift(steps) * noise_std * noise_std
        np.testing.assert_allclose(other.tangent_drift(steps), expected, rtol=ALGEBRA)


def test_a_law_past_the_range_of_floats_is_refused_in_one_line():
    setting, theta = ou.planted_sigmoid_network(3, 4, 4, rng=1)
    for call in (ou.local_ou, ou.tangent_drift):
        with pytest.raises(
            ValueError, match=r"^noise_std: expected lr noise_std² within the range of floats, got 1e\+300 at"
        ):
            call(setting, theta, lr=0.1, noise_std=1e300)
    with pytest.raises(
        ValueError, match=r"^noise_std: expected a law within the range of floats, got one that is past it"
    ):
        ou.tangent_drift(setting, theta, lr=0.1, noise_std=1e154, steps=10**6)
    assert np.isfinite(ou.linearized_sgd(setting, theta, lr=1e-300, noise_std=1e300).covariance()).all()


@pytest.mark.parametrize("law", LAWS)
def test_before_anything_relaxes_the_covariance_is_that_of_a_sum_of_kicks(law):
    # Σ_T = T (4η²σ²/n) JᵀJ and Σ_t Σ_t = T(T − 1)/2 times that of a step, to first order in ηλT.
    jacobian, lr, steps = np.random.default_rng(2).normal(size=(3, 4)), 1e-140, 10**6
    kicked = law(ou.Setting(linear, jacobian, np.zeros(3), 4), np.zeros(4), lr=lr, noise_std=SIGMA)
    expected = steps * 4 * SIGMA**2 / 3 * jacobian.T @ jacobian
    found = kicked.covariance(steps) / lr / lr
    np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA * np.max(expected))
    setting, theta = ou.planted_sigmoid_network(3, 4, 4, rng=1)
    slow = law(setting, theta, lr=lr, noise_std=SIGMA)
    assert not slow.tangent_drift(2).any()  # η³, past the range of floats
    drifts = law(setting, theta, lr=1e-60, noise_std=SIGMA).tangent_drift([2, steps])
    # The leading order has 1 − e^{−x} for the sum of kicks: T² for T(T − 1).
    ratio = steps * (steps - 1) / 2 if law is ou.linearized_sgd else steps**2 / 4
    np.testing.assert_allclose(drifts[1], ratio * drifts[0], rtol=ALGEBRA)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("kind", ["duplicate data", "linear network", "h = abx"])
def test_where_the_rank_is_below_the_data_the_law_is_the_recursion_over_all_batches(kind, momentum):
    rng = np.random.default_rng(3)
    jacobian = {
        "duplicate data": np.repeat(rng.normal(size=(2, 3)), 2, axis=0),
        "linear network": rng.normal(size=(4, 2)),
        "h = abx": np.outer([1.0, 2.0], [0.5, 3.0]),
    }[kind]
    n, p = jacobian.shape
    setting = ou.Setting(linear, jacobian, np.zeros(n), p)
    space, limit = row_space(setting, np.zeros(p)), ou.max_stable_lr(setting, np.zeros(p), momentum=momentum)
    assert space.rank == min(p, 2 if kind != "h = abx" else 1)
    law = SecondMoments(space.squares, space.modes, Sampling(0.4 * limit, SIGMA, momentum=momentum))
    moments, beta = np.zeros((2 * p, 2 * p)), momentum * np.eye(p)
    for steps in range(1, 301):
        after = np.zeros_like(moments)
        for row in jacobian:
            pull = 2 * law.sampling.lr * np.outer(row, row)
            block = np.block([[np.eye(p) - pull, beta], [-pull, beta]])
            after += (block @ moments @ block.T + 2 * law.sampling.lr * SIGMA**2 * np.tile(pull, (2, 2))) / n
        moments = after
        if steps in (1, 7, 60, 300):
            got = space.basis @ law.after(steps) @ space.basis.T
            np.testing.assert_allclose(got, moments[:p, :p], rtol=0, atol=ALGEBRA * np.max(moments))


@pytest.mark.parametrize("unit", [1e-149, 1e-100, 1.0, 1e100, 1e149])
def test_steps_far_below_the_limit_have_the_leading_order_and_nothing_overflows(unit):
    jacobian = np.random.default_rng(5).normal(size=(2, 4))
    setting = ou.Setting(linear, unit * jacobian, np.zeros(2), 4)
    local, law = (of(setting, np.zeros(4), lr=1e-300, noise_std=1.0) for of in LAWS)
    assert repr(local)
    assert repr(law)
    if unit <= 1e100:
        # ησ² times a projector; 1 − ηλ is 1 in floats.
        np.testing.assert_allclose(law.covariance(), local.covariance(), rtol=0, atol=FORMULA * 1e-300)
        assert law.stability_radius == 1.0
    assert law.equation_residual < FORMULA
    for steps in (3, 10**6, 2**62):
        assert np.isfinite(law.function_covariance(steps, lag=2**62)).all()
        assert np.isfinite(local.covariance(1e308, lag=1e308)).all()
