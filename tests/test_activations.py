"""At a tie the branches have the value and the derivative that they say, by every road."""

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.activations import maximum, relu, sign, where_positive

# h of theta = (1, 2) at x = 1, where a branch is on its edge, and by hand: h and its gradient there.
TIES = {
    "maximum": (lambda t, x: maximum(2 * t[..., 0] * x, t[..., 1] * x), 2.0, [0.0, 1.0]),
    "maximum, the other way": (lambda t, x: maximum(t[..., 1] * x, 2 * t[..., 0] * x), 2.0, [2.0, 0.0]),
    "maximum with a constant": (lambda t, x: maximum(t[..., 1] * x, 2.0) + 0 * t[..., 0], 2.0, [0.0, 0.0]),
    "a constant's maximum": (lambda t, x: maximum(2.0, t[..., 1] * x) + 0 * t[..., 0], 2.0, [0.0, 1.0]),
    "relu": (lambda t, x: t[..., 0] * relu(t[..., 1] * x - 2), 0.0, [0.0, 0.0]),
    "sign": (lambda t, x: t[..., 0] * sign(t[..., 1] * x - 2) + t[..., 0], 1.0, [1.0, 0.0]),
    "where_positive": (
        lambda t, x: where_positive(t[..., 1] * x - 2, t[..., 0] * x, 3 * t[..., 1] * x),
        6.0,
        [0.0, 3.0],
    ),
}
TIE = np.array([1.0, 2.0])


def at_the_tie(name):
    h, value, gradient = TIES[name]
    return ou.Setting(h, [1.0], [0.0], dim=2), value, gradient


@pytest.mark.parametrize("name", TIES)
def test_autograd_at_a_tie(name):
    setting, value, gradient = at_the_tie(name)
    assert setting.predictions(TIE).tolist() == [value]
    assert ou.jacobian(setting, TIE).tolist() == [gradient]
    assert ou.regularizer(setting, TIE) == np.dot(gradient, gradient)


@pytest.mark.parametrize("name", TIES)
def test_the_trace_at_a_tie(name):
    setting, value, gradient = at_the_tie(name)
    traced = ou.symbolic.trace(setting)
    for expression, expected in [(traced.h, [value]), (traced.jacobian, gradient)]:
        assert np.ravel(ou.symbolic.compile(expression, traced.theta)(TIE)).tolist() == expected
    assert ou.symbolic.regularizer(setting)(TIE) == np.dot(gradient, gradient)


def test_of_equal_numbers_the_maximum_is_the_second():
    assert np.signbit(maximum(np.array([0.0, -0.0]), np.array([-0.0, 0.0]))).tolist() == [True, False]
