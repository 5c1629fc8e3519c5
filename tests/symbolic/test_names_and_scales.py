"""Parameters of any name and data of any size."""

import math

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from rounding import FORMULA

import ouanalysis as ou
from ouanalysis.activations import gelu, logistic, relu, softplus
from ouanalysis.symbolic.symbols import exact_number


class Named(ou.Setting):
    """A setting whose two parameters have names of their own."""

    def __init__(self, names):
        object.__setattr__(self, "names", names)
        super().__init__(uses_many_functions, [1.5, 2.0], [0.0, 0.0], 2)

    @property
    def parts(self):
        return {name: (1,) if name == "c" else () for name in self.names}


def uses_many_functions(theta, x):
    a, b = theta[..., 0], theta[..., 1]
    return anp.tanh(a * x) * anp.pi * anp.exp(b) + gelu(b * anp.tanh(a * x)) + relu(a) * np.e


NAMES = ["lambda I", "S E", "pi exp", "beta gamma", "tanh where", "θ ϕ", "φ ϕ", "None True", "value_0 shared_0", "Q N"]


@pytest.mark.parametrize("names", [*NAMES, "erf x0", "WherePositive add_up", "c x"])
def test_no_name_disturbs_the_compiled_form(names):
    setting = Named(names.split())
    theta = np.array([[0.3, -0.7], [1.0, 1.0]])
    form = ou.symbolic.regularizer(setting)
    np.testing.assert_allclose(form(theta), ou.regularizer(setting, theta), rtol=FORMULA)
    compiled = ou.symbolic.compile(form.expr, form.symbols)
    np.testing.assert_allclose(compiled(theta), ou.regularizer(setting, theta), rtol=FORMULA)
    assert "Dummy" not in form.latex()


def test_two_parts_with_one_symbol_are_refused():
    with pytest.raises(ValueError, match="parts: expected names whose symbols differ, got c_0, c_0"):
        ou.symbolic.regularizer(Named(["c", "c_0"]))


def test_a_part_called_like_the_data_is_refused_only_beside_their_symbols():
    setting = Named(["x_0", "y"])
    ou.symbolic.trace(setting)
    with pytest.raises(ValueError, match="parts: expected names whose symbols differ, got x_0, y beside x"):
        ou.symbolic.trace(setting, symbolic_data=True)


MODELS = {
    "linear": lambda t, x: t[..., 0] * x + t[..., 1],
    "composed": lambda t, x: t[..., 0] * relu(t[..., 1] * relu(t[..., 0] * x - 1)),
    "tanh": lambda t, x: t[..., 0] * anp.tanh(t[..., 1] * x),
    "softplus": lambda t, x: t[..., 0] * softplus(t[..., 1] * x),
    "gelu": lambda t, x: t[..., 0] * gelu(t[..., 1] * x),
    "logistic": lambda t, x: t[..., 0] * logistic(t[..., 1] * x),
    "cubic": lambda t, x: t[..., 0] * x**3 + t[..., 1],
}


@pytest.mark.parametrize(
    "x", [[0.0], [5e-324], [1e-300], [1e300], [1e-300, 1e300], [1e100, 1e-100], [1e-9, 1e9]], ids=str
)
@pytest.mark.parametrize("name", MODELS)
def test_data_of_any_size_give_what_autograd_gives(name, x):
    setting = ou.Setting(MODELS[name], x, np.zeros(len(x)), dim=2)
    theta = np.array([[1.3, 0.7], [1e-3, -2.0], [0.0, 0.0]])
    value = ou.symbolic.regularizer(setting)(theta)
    with np.errstate(all="ignore"):
        expected = ou.regularizer(setting, theta)
    np.testing.assert_allclose(value, expected, rtol=FORMULA)


@pytest.mark.parametrize("x", [math.pi, 0.1, 1 / 7, 2 / 3, 1e7 + 0.3, 1e300])
@pytest.mark.parametrize("slope", [1.0, 0.3, 7.7])
def test_a_kink_on_a_datum_is_met_to_the_last_bit(x, slope):
    setting = ou.Setting(lambda t, x: relu(t[..., 0] * x + t[..., 1]), [x], [0.0], dim=2)
    assert ou.symbolic.regularizer(setting)([slope, -(slope * x)]) == 0.0
    above = np.nextafter(-(slope * x), np.inf)
    assert ou.symbolic.regularizer(setting)([slope, above]) > 0


@pytest.mark.parametrize("value", [1e300, -1e22, 1.7e308, 123456789.0, 5e-324])
def test_floats_that_are_no_short_fraction_stay_floats(value):
    assert isinstance(exact_number(value), sympy.Float)
    assert float(exact_number(value)) == value


def test_numbers_beyond_the_floats_compile_to_infinity_and_zero():
    a = sympy.Symbol("a")
    compiled = ou.symbolic.compile([sympy.Float("1e400") * a, sympy.Float("1e-400") * a, 10**40 * a], [a])
    np.testing.assert_array_equal(compiled([[1.0], [0.0]]), [[np.inf, 0.0, 1e40], [0.0, 0.0, 0.0]])


def test_roots_of_negative_numbers_are_nan_or_refused_never_complex():
    a = sympy.Symbol("a", real=True)
    assert np.isnan(ou.symbolic.compile(sympy.sqrt(a) + a ** sympy.Rational(1, 3), [a])([-8.0]))
    with pytest.raises(ValueError, match="expression: expected real values, got complex ones"):
        ou.symbolic.compile(sympy.sqrt(-2) * a, [a])([1.0])
