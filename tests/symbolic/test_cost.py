"""A model too large for a formula says so beforehand, and a large one that is not takes each subexpression once."""

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from rounding import SUMS

import ouanalysis as ou
from ouanalysis.activations import relu
from ouanalysis.symbolic import derivative
from ouanalysis.symbolic.derivative import derivatives, length, operations, subexpressions


def network(sizes, activation):
    shapes = list(zip(sizes[1:], sizes, strict=False))

    def h(theta, x):
        place, values = 0, x
        for layer, (out, inside) in enumerate(shapes):
            weights = theta[..., place : place + out * inside].reshape((*theta.shape[:-1], out, inside))
            values = anp.sum(weights * values[..., None, :], axis=-1)
            place += out * inside
            values = activation(values) if layer < len(shapes) - 1 else values
        return values[..., 0]

    return h, sum(out * inside for out, inside in shapes)


def on_data(sizes, activation, n):
    h, dim = network(sizes, activation)
    x = np.random.default_rng(0).normal(size=(n, sizes[0]))
    return ou.Setting(h, x, np.zeros(n), dim), np.random.default_rng(1).normal(size=dim)


REFUSED = r"trace: expected at most 20 s of work, got some \d+ s for .*: pass progress=True to go on .*, or use ouana"


def test_a_model_with_too_many_derivatives_is_refused_before_them(monkeypatch):
    monkeypatch.setattr(derivative, "_derivative", None)  # none is taken
    setting, _ = on_data([5, 20, 20, 1], relu, n=15)
    with pytest.raises(ValueError, match=REFUSED):
        ou.symbolic.regularizer(setting)


def test_too_many_data_are_refused_after_the_first_that_is_not_zero():
    seen = []

    def h(theta, x):
        seen.append(np.size(x))
        return anp.sum(anp.tanh(theta * x[..., None]), axis=-1)

    setting = ou.Setting(h, np.linspace(0.0, 1.0, 1000), np.zeros(1000), dim=50)
    seen.clear()
    with pytest.raises(ValueError, match="h and its Jacobian, on 1000 data and by 50 parameters"):
        ou.symbolic.trace(setting)
    assert seen == [1, 1]


def test_a_hessian_of_many_parameters_is_refused():
    setting = ou.Setting(lambda theta, x: anp.sum(theta**2, axis=-1) * x, [1.0], [0.0], dim=1000)
    with pytest.raises(ValueError, match="a Hessian of 1000 parameters"):
        ou.symbolic.trace(setting).loss_hessian  # noqa: B018


def test_progress_lifts_the_limit_and_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(derivative, "LIMIT", 1e-3)
    setting, theta = on_data([1, 2, 1], anp.tanh, n=2)
    with pytest.raises(ValueError, match="progress=True"):
        ou.symbolic.regularizer(setting)
    form = ou.symbolic.regularizer(setting, progress=True)
    assert form(theta) == pytest.approx(ou.regularizer(setting, theta), rel=SUMS)
    assert "derivative" in capsys.readouterr().err


@pytest.mark.parametrize("activation", [anp.tanh, relu], ids=["tanh", "relu"])
def test_a_deep_network_costs_its_subexpressions_not_its_paths(activation):
    setting, theta = on_data([2, 4, 4, 4, 4, 1], activation, n=1)
    traced = ou.symbolic.trace(setting)
    assert length(traced.h[0]) > 10 * len(subexpressions(traced.h)) * (10 if activation is relu else 1)
    assert operations(traced.h, traced.theta) < 5000
    form = ou.symbolic.regularizer(setting)
    assert form(theta) == pytest.approx(ou.regularizer(setting, theta), rel=SUMS)


def wide(theta, x):
    return anp.sum(anp.tanh(theta * x[..., None]), axis=-1)


def test_a_sum_is_made_at_once(monkeypatch):
    # Term by term SymPy sorts all of them anew each time: minutes for the 1600 of a layer.
    made, flatten = [], sympy.Add.flatten
    monkeypatch.setattr(sympy.Add, "flatten", lambda terms: made.append(len(terms)) or flatten(terms))
    traced = ou.symbolic.trace(ou.Setting(wide, [2.0], [1.0], 60))
    assert made == [60]
    assert traced.h[0] == sympy.Add(*(sympy.tanh(2 * symbol) for symbol in traced.theta))


def test_a_formula_too_long_to_read_prints_its_length():
    setting, _ = on_data([2, 4, 4, 4, 4, 1], relu, n=1)
    form = ou.symbolic.regularizer(setting)
    assert repr(form).endswith(" terms)")
    assert form._repr_latex_() is None
    with pytest.raises(ValueError, match=r"latex: expected a formula of at most 1,000,000 terms when written out, got"):
        form.latex()


def test_the_derivatives_are_those_of_sympy():
    a, b, c = symbols = sympy.symbols("a b c", real=True)
    inner = sympy.tanh(a * b) + c
    functions = [sympy.exp, sympy.erf, sympy.sin, sympy.cosh, sympy.atan, sympy.Abs, sympy.sign, sympy.sqrt, sympy.log]
    expressions = [function(inner**2 + 1) for function in functions]
    expressions += [
        a**b,
        a**3 / b,
        sympy.atan2(a, inner),
        sympy.Piecewise((a * b, a > b), (inner, True)),
        sympy.Max(a, b),
    ]
    point = {a: sympy.Rational(2, 3), b: sympy.Rational(3, 5), c: sympy.Rational(-1, 7)}
    for row, expression in zip(derivatives(expressions, symbols), expressions, strict=True):
        for entry, symbol in zip(row, symbols, strict=True):
            assert abs(sympy.N((entry - expression.diff(symbol)).subs(point), 30)) < 1e-28  # of thirty digits


def test_the_slope_of_a_power_at_zero_is_a_number():
    a, b = sympy.symbols("a b", real=True)
    assert derivatives([(a * b) ** 2], [a]) == [[2 * a * b**2]]
    compiled = ou.symbolic.compile([derivatives([a**b], [a])[0][0], derivatives([(a - b) ** 3], [a])[0][0]], [a, b])
    np.testing.assert_array_equal(compiled([[0.0, 2.0], [2.0, 2.0]]), [[0.0, 12.0], [4.0, 0.0]])
