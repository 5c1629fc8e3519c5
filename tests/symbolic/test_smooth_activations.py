"""Softplus, GELU, softmax and their kin: their values to 60 digits, and their traces against autograd."""

import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
import sympy
from autograd import elementwise_grad, grad
from autograd.scipy import special
from rounding import EPS, FORMULA, SUMS

import ouanalysis as ou
from ouanalysis.activations import erf, gelu, logistic, logsumexp, relu, silu, softmax, softplus

EXACT = {
    softplus: lambda z: mpmath.log1p(mpmath.exp(z)),
    gelu: lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    silu: lambda z: z / (1 + mpmath.exp(-z)),
    erf: mpmath.erf,
}
HUGE = np.array([1e3, 1e200, 1.7e308])


@pytest.mark.parametrize("function", EXACT, ids=lambda function: function.__name__)
def test_values_and_three_derivatives_are_exact(function):
    reference, points = EXACT[function], np.array([-30.0, -5.0, -1.0, 0.0, 0.5, 5.0, 30.0])
    for order in range(4):
        with mpmath.workdps(60):
            exact = [float(mpmath.diff(reference, mpmath.mpf(point), order)) for point in points]
        # A few roundings; where terms cancel, of z φ''(z) at most.
        np.testing.assert_allclose(function(points), exact, rtol=FORMULA, atol=4 * EPS)
        assert np.isfinite(function(np.concatenate([HUGE, -HUGE]))).all()
        function = elementwise_grad(function)


@pytest.mark.parametrize(
    ("function", "below", "above"),
    [(softplus, 0 * HUGE, HUGE), (gelu, 0 * HUGE, HUGE), (silu, 0 * HUGE, HUGE), (erf, 0 * HUGE - 1, 0 * HUGE + 1)],
)
def test_far_out_each_is_its_asymptote(function, below, above):
    np.testing.assert_array_equal(function(-HUGE), below)
    np.testing.assert_array_equal(function(HUGE), above)


@pytest.mark.parametrize("scale", [1e3, 1.7e308])
def test_the_softmax_of_equals_is_equal_shares_at_any_scale(scale):
    z = scale * np.array([1.0, 1.0, -1.0])
    np.testing.assert_array_equal(softmax(z), [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(grad(logsumexp)(z), [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(grad(lambda z: softmax(z)[0])(z), [0.25, -0.25, 0.0])
    assert logsumexp(z) == pytest.approx(scale + np.log(2), rel=4 * EPS)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_logsumexp_and_softmax_over_any_axis_are_those_of_scipy(axis):
    z = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_allclose(logsumexp(z, axis), special.logsumexp(z, axis), rtol=FORMULA)
    kept = logsumexp(z, axis, keepdims=True)
    np.testing.assert_allclose(softmax(z, axis), np.exp(z - kept), rtol=FORMULA)
    ours = grad(lambda z: np.arange(3.0) @ softmax(z, axis) @ np.arange(4.0))(z)
    theirs = grad(lambda z: np.arange(3.0) @ anp.exp(z - special.logsumexp(z, axis, keepdims=True)) @ np.arange(4.0))
    np.testing.assert_allclose(ours, theirs(z), rtol=0, atol=12 * EPS)  # of sums up to 2 · 3


def shifted_softmax(z):
    shares = anp.exp(z - anp.max(z, axis=-1, keepdims=True))
    return shares / anp.sum(shares, axis=-1, keepdims=True)


MODELS = {
    "logaddexp": lambda t, x: t[..., 0] * anp.logaddexp(0, t[..., 1] * x) + anp.log1p(anp.exp(t[..., 2])),
    "erf": lambda t, x: t[..., 0] * x * (1 + special.erf(t[..., 1] * x / np.sqrt(2))),
    "tanh GELU": lambda t, x: t[..., 0] * (1 + anp.tanh(0.8 * (t[..., 1] * x + 0.045 * t[..., 2] ** 3))),
    "expit": lambda t, x: t[..., 0] * special.expit(t[..., 1] * x) * logistic(t[..., 2]),
    "softmax by hand": lambda t, x: shifted_softmax(t * x[..., None])[..., 0] + shifted_softmax(t)[..., 1] * x,
    "softmax": lambda t, x: softmax(t * x[..., None])[..., 0] + softmax(t[..., None] * anp.ones(2), axis=-2)[..., 1, 1],
    "logsumexp": lambda t, x: logsumexp(anp.stack([t[..., 0] * x, t[..., 1] + 0 * x, t[..., 2] ** 2 + 0 * x]), axis=0),
    "softplus of a stack": lambda t, x: softplus(anp.stack([t[..., 0] * x, t[..., 1] + 0 * x]))[0] * gelu(t[..., 2]),
    "mixed": lambda t, x: (
        relu(softplus(relu(t[..., 0] * x))) * gelu(relu(t[..., 1])) * silu(t[..., 2]) + erf(t[..., 2])
    ),
    "powers": lambda t, x: (
        (t[..., 0] ** 2 + 1) ** 1.7 * x + anp.power(2.0, t[..., 1]) + anp.arctan2(t[..., 2], 1 + x**2)
    ),
    "moduli": lambda t, x: anp.abs(t[..., 0] * anp.abs(t[..., 1] - x)) + anp.abs(anp.log(1 + t[..., 2] ** 2) - 0.3),
    "products": lambda t, x: anp.einsum("...i,...i->...", t, anp.tanh(t)) * x + anp.tensordot(t, np.ones(3), 1),
    "concatenated": lambda t, x: anp.sum(anp.logaddexp(anp.concatenate([t, t**2], axis=-1), 0.0), axis=-1) * x,
    "statistics": lambda t, x: anp.var(t, axis=-1) * x + anp.std(t, axis=-1) + anp.prod(t, axis=-1),
}


@pytest.mark.parametrize("name", MODELS)
def test_traces_are_autograd(name):
    def h(t, x):
        return MODELS[name](t, x) + anp.sum(0 * t, axis=-1)  # not all of them read all of t

    setting = ou.Setting(h, [1.0, 2.0, -0.7], [0.0] * 3, dim=3)
    theta = np.random.default_rng(0).normal(size=(5, 3))
    traced = ou.symbolic.trace(setting)
    for expression, expected in [
        (traced.h, setting.predictions(theta)),
        (traced.jacobian, ou.jacobian(setting, theta)),
        (traced.regularizer_gradient, ou.regularizer_gradient(setting, theta)),
    ]:
        compiled = ou.symbolic.compile(expression, traced.theta)(theta)
        np.testing.assert_allclose(compiled, expected, rtol=0, atol=SUMS * np.max(np.abs(expected)))


def saturated(theta, x):
    return softplus(theta[..., 0] * x) + logistic(theta[..., 1] * x) + softmax(theta * x[..., None])[..., 0]


@pytest.mark.parametrize("size", [1e3, -1e3])
def test_traced_exponentials_do_not_overflow_at_any_order(size):
    setting = ou.Setting(saturated, [1.0], [0.0], dim=2)
    traced, theta = ou.symbolic.trace(setting), [size, size]
    assert ou.symbolic.regularizer(setting)(theta) == ou.regularizer(setting, theta)
    hessian = ou.symbolic.compile(traced.regularizer_gradient.jacobian(traced.theta), traced.theta)(theta)
    assert np.isfinite(hessian).all()


def test_exponentials_print_as_they_are_written_on_paper():
    z = sympy.Symbol("z", real=True)
    setting = ou.Setting(lambda t, x: softplus(t[..., 0] * x), [1.0], [0.0], dim=1)
    (h,) = ou.symbolic.trace(setting).h
    assert sympy.latex(h) == r"\log{\left(e^{\theta_{0}} + 1\right)}"
    assert sympy.latex(h.diff()) == r"\frac{1}{1 + e^{- \theta_{0}}}"
    assert h.subs(h.free_symbols.pop(), z).rewrite(sympy.exp) == sympy.log(1 + sympy.exp(z))
    assert abs(sympy.N(h.diff().subs(h.free_symbols.pop(), 1) - 1 / (1 + sympy.exp(-1)), 40)) < 1e-38  # of forty digits


@pytest.mark.parametrize(
    ("h", "named"),
    [
        (lambda t, x: special.gammaln(t[..., 0] ** 2 + 1) * x, "scipy.special.gammaln of a traced array; what"),
        (lambda t, x: special.logsumexp(t * x[..., None], axis=-1), "scipy.special.logsumexp of a traced array: a"),
        (lambda t, x: anp.logaddexp(anp.stack([t[..., 0] * x]), 0.0)[0], "numpy.logaddexp of a traced array; what"),
        (lambda t, x: anp.sinc(t[..., 0]) * x, "numpy.sinc of a traced array: a comparison"),
        (lambda t, x: anp.clip(t[..., 0], -1, 1) * x, "numpy.clip of a traced array: a comparison"),
        (lambda t, x: anp.i0(t[..., 0]) * x if hasattr(t, "view") else x, "numpy.i0 of a traced array"),
    ],
)
def test_what_cannot_be_traced_is_named(h, named):
    linear = ou.Setting(lambda t, x: (t[..., 0] + t[..., 1]) * x, [1.0, 2.0], [0.0, 0.0], dim=2)
    setting = linear._with(h=h)  # unchecked: some of these have no derivative in autograd either
    with pytest.raises(TypeError) as raised:
        ou.symbolic.trace(setting)
    assert str(raised.value).startswith(f"h: expected operations that can be traced, got {named}")
    assert "\n" not in str(raised.value)
