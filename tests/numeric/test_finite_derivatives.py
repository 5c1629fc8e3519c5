"""Where h has no derivative, everything at a point says so in one line, before any linear algebra."""

import autograd.numpy as anp
import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.activations import where_positive
from ouanalysis.numeric.zero_error_set.row_space import finite_jacobian


def branch(theta, x):
    z = theta[..., 0] * x
    with np.errstate(invalid="ignore"):  # where z > 0 the root has no value, and is not taken: its derivative counts
        return where_positive(z, z, anp.sqrt(-z)) + theta[..., 1]


def length(theta, x):
    return anp.sqrt(theta[..., 0] ** 2 + theta[..., 1] ** 2) * x


def logarithm(theta, x):
    return theta[..., 1] * x * anp.log(theta[..., 0] ** 2 + (x - 1) ** 2) + theta[..., 1]


def quotient(theta, x):
    return theta[..., 0] ** 2 / (theta[..., 0] + (x - 2) ** 2 * theta[..., 1])


def root(theta, x):
    return anp.sqrt(theta[..., 0] * x) + theta[..., 1]


CASES = [
    pytest.param(branch, [1.0, 2.0], [1.0, 0.0], r"got nan in that of h_0 \(x_0 = 1.\) by theta\[0\]", id="branch"),
    pytest.param(length, [1.0, 2.0], [0.0, 0.0], r"got nan in that of h_0 \(x_0 = 1.\) by theta\[0\]", id="length"),
    pytest.param(root, [0.5, 2.0], [0.0, 0.0], r"got inf in that of h_0 \(x_0 = 0.5\) by theta\[0\]", id="root"),
]
CALLS = [
    pytest.param(lambda s, t: ou.local_ou(s, t, lr=0.01, noise_std=0.1), id="local_ou"),
    pytest.param(lambda s, t: ou.tangent_drift(s, t, lr=0.01, noise_std=0.1), id="tangent_drift"),
    pytest.param(lambda s, t: ou.regularized_flow(s, t, times=[1.0]), id="regularized_flow"),
    pytest.param(lambda s, t: ou.stability(s, t), id="stability"),
    pytest.param(lambda s, t: ou.max_stable_lr(s, t), id="max_stable_lr"),
]


def interpolated(h, x, theta):
    with np.errstate(all="ignore"):
        return ou.Setting(h, x, h(np.array(theta)[None], np.array(x)), 2)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("h", "x", "theta", "message"), CASES)
def test_a_derivative_that_is_not_finite_is_named_by_datum_and_parameter(h, x, theta, message, call):
    setting = interpolated(h, x, theta)
    with pytest.raises(ValueError, match=rf"^theta: expected finite derivatives of h, {message}; [^\n]*$"):
        call(setting, theta)


@pytest.mark.parametrize(
    ("h", "x", "theta", "name"),
    [
        (logarithm, [3.0, 1.0], [0.0, 1.0], r"h_1 \(x_1 = 1.\)"),
        (quotient, [1.0, 2.0, 3.0], [0.0, 1.0], r"h_1 \(x_1 = 2.\)"),
    ],
)
def test_the_first_datum_without_a_derivative_is_named(h, x, theta, name):
    setting = ou.Setting(h, x, np.zeros(len(x)), 2)
    with pytest.raises(ValueError, match=rf"^theta: expected finite derivatives of h, got \S+ in that of {name}"):
        finite_jacobian(setting, np.array(theta))


def test_a_datum_of_many_numbers_is_shown_in_one_line():
    setting = ou.Setting(lambda t, x: anp.sqrt(t[..., 0]) * x[..., 0, 0], np.ones((2, 3, 3)), np.zeros(2), 1)
    with pytest.raises(ValueError, match=r"^theta: expected finite derivatives of h, got inf [^\n]*$"):
        ou.max_stable_lr(setting, [0.0])


def test_a_second_derivative_that_is_not_finite_is_named_by_its_parameter():
    def h(theta, x):
        return theta[..., 0] * x + anp.abs(theta[..., 1]) ** 1.5  # h'' is infinite at 0, h' is not

    with pytest.raises(
        ValueError, match=r"^theta: expected finite second derivatives of h, got \S+ in one by theta\[1\]"
    ):
        ou.tangent_drift(ou.Setting(h, [1.0], [1.0], 2), [1.0, 0.0], lr=0.01, noise_std=0.1)
