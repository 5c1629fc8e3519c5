"""What the trace gives, and what it says when it cannot."""

import math
import pickle

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from rounding import SUMS

import ouanalysis as ou
from ouanalysis.symbolic.symbols import exact_number


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def test_the_product_model_by_hand():
    traced = ou.symbolic.trace(ou.Setting(product, [2.0], [1.0], dim=2))
    a, b = traced.theta
    assert traced.h == sympy.Matrix([2 * a * b])
    assert traced.jacobian == sympy.Matrix([[2 * b, 2 * a]])
    assert sympy.expand(traced.regularizer - 4 * a**2 - 4 * b**2) == 0
    assert traced.regularizer_gradient == sympy.Matrix([8 * a, 8 * b])
    assert traced.loss_hessian == 2 * sympy.Matrix([[4 * b**2, 4 * a * b], [4 * a * b, 4 * a**2]])
    assert sympy.expand(traced.loss - (2 * a * b - 1) ** 2) == 0


def test_loss_hessian_at_zero_error_is_the_hessian_of_the_loss_there():
    setting, theta = ou.planted_matrix_sensing(2, 1, 3, rng=0)
    traced = ou.symbolic.trace(setting)
    hessian = sympy.hessian(traced.loss, traced.theta)
    full = ou.symbolic.compile(hessian, traced.theta)(theta)
    np.testing.assert_allclose(
        ou.symbolic.compile(traced.loss_hessian, traced.theta)(theta), full, rtol=0, atol=SUMS * np.max(np.abs(full))
    )


def test_matrix_sensing_gradient_is_twice_m_u():
    setting, _ = ou.planted_matrix_sensing(3, 1, 4, rng=0)
    traced = ou.symbolic.trace(setting)
    mean_square = np.mean([(sensor + sensor.T) @ (sensor + sensor.T) for sensor in setting.x], axis=0)
    values = {"M": sympy.Matrix(mean_square), "U": sympy.Matrix(3, 3, traced.theta)}
    typed = ou.symbolic.matrix_sensing.regularizer_gradient(3, 3)
    typed = typed.subs({sympy.MatrixSymbol(name, 3, 3): value for name, value in values.items()}).doit()
    theta = np.random.default_rng(0).normal(size=9)
    gradient = ou.symbolic.compile(traced.regularizer_gradient, traced.theta)(theta)
    np.testing.assert_allclose(ou.symbolic.compile(typed, traced.theta)(theta).ravel(), gradient, rtol=SUMS)


@pytest.mark.parametrize(("value", "exact"), [(0.5, "1/2"), (-3.0, "-3"), (0.1, "1/10"), (2 / 3, "2/3")])
def test_short_decimals_and_fractions_become_exact(value, exact):
    assert exact_number(value) == sympy.Rational(exact)


def test_other_floats_stay_the_floats_they_are():
    assert float(exact_number(math.pi)) == math.pi


def branches(theta, x):
    return anp.where(theta[..., 0] > 0, theta[..., 0], 0.0) * x


def leaves_for_math(theta, x):
    if theta.dtype == object:
        return math.sin(theta[..., 0].ravel()[0]) * x
    return anp.sin(theta[..., 0]) * x


def uses_an_untraced_function(theta, x):
    return anp.sinc(theta[..., 0]) * x


@pytest.mark.parametrize(
    ("h", "got"),
    [
        (branches, "a comparison or a branch .where, maximum, sign: use those of ouanalysis.activations"),
        (leaves_for_math, "a conversion to a plain number"),
        (uses_an_untraced_function, "comparison|sinc"),
    ],
)
def test_what_cannot_be_traced_says_which_operation_stopped_it(h, got):
    setting = ou.Setting(h, [1.0, 2.0], [0.0, 0.0], dim=1)
    with pytest.raises(TypeError, match=f"h: expected operations that can be traced, got .*({got})"):
        ou.symbolic.trace(setting)


def test_compile_says_which_symbol_it_lacks():
    a, b = sympy.symbols("a b")
    with pytest.raises(ValueError, match="symbols: expected all that the expression has, got none for b"):
        ou.symbolic.compile(a + b, [a])


@pytest.mark.parametrize(
    "made", [ou.planted_matrix_sensing(2, 1, 2, rng=0), ou.planted_sigmoid_network(2, 2, 2, rng=0)]
)
def test_closed_forms_print_as_latex_with_sums_over_all_sizes(made):
    form = ou.symbolic.regularizer(made[0])
    assert r"\sum" in form.latex()
    assert form._repr_latex_() == rf"$\displaystyle {form.latex()}$"


def test_a_closed_form_pickles_before_and_after_its_first_call():
    setting, theta = ou.planted_sigmoid_network(2, 2, 2, rng=0)
    form = ou.symbolic.regularizer(setting)
    value = form(theta)
    assert pickle.loads(pickle.dumps(form))(theta) == value


def absolute(theta, x):
    return anp.abs(theta[..., 0]) * x


def test_a_model_with_an_absolute_value_compiles_to_its_derivatives_off_the_kink():
    setting = ou.Setting(absolute, [2.0], [0.0], dim=1)
    traced = ou.symbolic.trace(setting)
    assert ou.symbolic.compile(traced.regularizer, traced.theta)([-3.0]) == 4.0
    assert ou.symbolic.compile(traced.regularizer_gradient, traced.theta)([-3.0]) == 0.0


@pytest.mark.parametrize(
    ("name", "h"),
    [
        ("maximum", lambda t, x: anp.maximum(t[..., 0] * x, 0.0)),
        ("where", lambda t, x: anp.where(t[..., 0] > 0, x, t[..., 0])),
    ],
)
def test_the_function_of_numpy_that_branches_is_named(name, h):
    with pytest.raises(
        TypeError, match=f"h: expected operations that can be traced, got a comparison.*{name}.* of NumPy"
    ):
        ou.symbolic.trace(ou.Setting(h, [1.0, 2.0], [0.0, 0.0], dim=1))
