"""The one-datum and one-kink closed forms, against the equations they solve and against brute force."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from rounding import EPS, FORMULA, SUMS
from scipy.optimize import minimize_scalar

import ouanalysis as ou
from ouanalysis.symbolic.closed_form import ClosedForm
from ouanalysis.symbolic.relu_network import kink_cost
from ouanalysis.symbolic.sigmoid_network import stationarity, stationary_neuron

z = sympy.Symbol("z", real=True)
PHI = {"tanh": sympy.tanh(z), "logistic": 1 / (1 + sympy.exp(-z))}


@pytest.mark.parametrize("activation", PHI)
@given(share=st.floats(0.1, 3), norm=st.floats(0.3, 2))
def test_the_stationary_neuron_is_the_cheapest_with_its_share(activation, share, norm):
    setting = ou.SigmoidNetwork([[norm]], [share], width=1, activation=activation)
    function = sympy.lambdify(z, PHI[activation])

    def cost(argument):
        return ou.regularizer(setting, np.stack([share / function(argument), argument / norm], axis=-1))

    neuron = stationary_neuron(activation, sympy.Float(share), norm=sympy.Float(norm))
    grid = np.linspace(1e-3, 8, 400) if activation == "tanh" else np.linspace(-8, 8, 400)
    coarse = grid[np.argmin(cost(grid))]
    best = minimize_scalar(cost, bracket=(coarse - 0.05, coarse, coarse + 0.05), tol=1e-12)
    assert best.fun == pytest.approx(float(neuron.cost), rel=SUMS)
    # To rounding the cost is least in a neighbourhood of √eps, wider where it is flat.
    assert function(best.x) == pytest.approx(float(neuron.phi), rel=1e3 * np.sqrt(EPS))
    assert float(neuron.c * neuron.phi) == pytest.approx(share, rel=FORMULA)


@pytest.mark.parametrize("activation", PHI)
def test_the_stationary_neuron_solves_the_stationarity_equation(activation):
    share, norm = sympy.Rational(5, 4), sympy.Rational(2, 3)
    neuron = stationary_neuron(activation, share, norm=norm)
    inverse = sympy.atanh(neuron.phi) if activation == "tanh" else sympy.log(neuron.phi / (1 - neuron.phi))
    phi, slope = PHI[activation], PHI[activation].diff(z)
    multiplier = (2 * neuron.c * slope**2 * norm**2 / phi).subs(z, inverse)  # from c = λφ/(2φ'²‖x‖²)
    residual = stationarity(phi, z, norm=norm, multiplier=multiplier).subs(z, inverse)
    assert abs(sympy.N(residual, 40)) < sympy.Float("1e-38")  # of forty digits


@pytest.mark.parametrize("facing", ["right", "left"])
def test_kink_cost_is_the_least_over_the_rescaling_of_a_neuron(facing):
    x, kink = np.array([-1.0, -0.25, 0.5, 2.0]), 0.25
    setting = ou.ReluNetwork(x, np.zeros(4), width=1)
    sign = 1.0 if facing == "right" else -1.0

    def reg(log_scale):
        scale = np.exp(log_scale)
        theta = setting.pack(a=[sign * scale], b=[-sign * scale * kink], c=[1 / scale], alpha=0, beta=0)
        return ou.regularizer(setting, theta) - np.mean(1 + x**2)

    typed = kink_cost([sympy.Rational(value) for value in x], sympy.Rational(kink), facing=facing)
    assert minimize_scalar(reg).fun == pytest.approx(float(typed), rel=SUMS)


def test_gaussian_sensors_give_the_nuclear_norm():
    d, draws = 4, 20_000
    rng = np.random.default_rng(7)
    factor = rng.normal(size=(d, 2))
    sensors = rng.normal(size=(draws, d, d))
    setting = ou.MatrixSensing(sensors, np.zeros(draws), rank=2)
    sample = np.sum(ou.jacobian(setting, factor.ravel()) ** 2, axis=-1)
    expected = 2 * (d + 1) * np.linalg.norm(factor @ factor.T, "nuc")
    assert abs(sample.mean() - expected) < 4 * sample.std() / np.sqrt(draws)
    typed = ou.symbolic.matrix_sensing.expected_regularizer(d, 2)
    explicit = typed.subs(sympy.MatrixSymbol("U", d, 2), sympy.Matrix(factor)).doit()
    assert float(explicit) == pytest.approx(expected, rel=FORMULA)


i, j, n = sympy.symbols("i j n", integer=True)
a = sympy.IndexedBase("a", real=True)


@pytest.mark.parametrize(
    ("formula", "value"),
    [  # by hand, at a = (2, 3, 5)
        (sympy.Sum(a[i] * a[j], (i, 0, n - 1), (j, 0, n - 1)), 100),
        (sympy.Sum(a[i] * a[j], (i, 0, j - 1), (j, 0, n - 1)), 31),
        (sympy.Sum(sympy.Sum(a[i], (i, 0, j)) ** 2, (j, 0, n - 1)) / n, 129 / 3),
        (sympy.Sum(sympy.Sum(a[i] * a[j], (i, 0, n - 1)) ** 2, (j, 1, n - 1)), 100 * 34),
        (sympy.Sum(a[i], (i, 3, 2)) + a[0], 2),
    ],
)
def test_sums_are_written_out_whatever_their_ends_are(formula, value):
    form = ClosedForm(formula, {"a": (3,)}, {n: 3})
    assert not form.expr.has(sympy.Sum)
    assert form.expr.subs(dict(zip(form.symbols, [2, 3, 5], strict=True))) == sympy.nsimplify(value)
