"""Four roads to the regularizer and the Jacobian: typed closed form, SymPy trace of h, autograd, finite differences."""

from dataclasses import replace

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import KINDS, numbers, relu_networks, settings_with_theta

import ouanalysis as ou

by_kind = pytest.mark.parametrize("kind", KINDS)


def agree(actual, expected, relative=1e-10):
    """To 1e-10 of the largest entry, which is what the package promises; of 1e-3 where all are small: h's rounding."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=relative * max(1e-3, np.max(np.abs(expected))))


def finite_differences(setting, theta):
    """∂h_i/∂θ_k by Richardson-extrapolated central differences: error O(step⁴), rounding O(eps/step)."""

    def central(step):
        moves = step * np.eye(setting.dim)
        ahead, behind = setting.predictions(theta + moves), setting.predictions(theta - moves)
        return (ahead - behind).T / (2 * step)

    return (4 * central(1e-4) - central(2e-4)) / 3


@by_kind
def test_closed_form_is_autograd(kind):
    @given(settings_with_theta(KINDS[kind], rows=2))
    def check(drawn):
        setting, theta = drawn
        agree(ou.symbolic.regularizer(setting)(theta), ou.regularizer(setting, theta))

    check()


@by_kind
def test_trace_is_autograd(kind):
    @given(settings_with_theta(KINDS[kind], rows=2))
    def check(drawn):
        setting, theta = drawn
        assume(setting.dim * setting.n <= 200)
        traced = ou.symbolic.trace(setting)
        for expression, value in [
            (traced.h, setting.predictions(theta)),
            (traced.jacobian, ou.jacobian(setting, theta)),
            (traced.regularizer, ou.regularizer(setting, theta)),
            (traced.regularizer_gradient, ou.regularizer_gradient(setting, theta)),
            (traced.loss, ou.loss(setting, theta)),
        ]:
            compiled = ou.symbolic.compile(expression, traced.theta)(theta)
            agree(compiled.reshape(value.shape), value)

    check()


@by_kind
def test_closed_form_written_out_is_the_trace_at_rational_points(kind):
    @given(settings_with_theta(KINDS[kind]))
    def check(drawn):
        setting, theta = drawn
        form, traced = ou.symbolic.regularizer(setting), ou.symbolic.trace(setting)
        assert form.symbols == traced.theta
        point = {symbol: sympy.Rational(value) for symbol, value in zip(traced.theta, theta, strict=True)}
        difference = (form.expr - traced.regularizer).subs(point)
        # 0 but for data and activations that are floats: sums of some hundred terms with 15 digits.
        assert abs(sympy.N(difference, 30)) < sympy.Float("1e-10")

    check()


@by_kind
def test_symbolic_data_give_the_numbers_back(kind):
    @given(settings_with_theta(KINDS[kind]))
    def check(drawn):
        setting, theta = drawn
        traced = ou.symbolic.trace(setting, symbolic_data=True)
        symbols = [*traced.theta, *traced.x.ravel()]
        values = np.concatenate([theta, setting.x.ravel()])
        compiled = ou.symbolic.compile(traced.regularizer, symbols)
        agree(compiled(values), ou.regularizer(setting, theta))

    check()


@by_kind
def test_autograd_is_finite_differences(kind):
    @given(settings_with_theta(KINDS[kind]))
    def check(drawn):
        setting, theta = drawn
        # Rounding of h, up to 400 eps, over a step of 1e-4 is 1e-9, and of entries of 1e-2 that is 1e-7 of them.
        agree(ou.jacobian(setting, theta), finite_differences(setting, theta), relative=1e-7)

    check()


@by_kind
def test_regularizer_gradient_is_the_finite_difference_of_the_closed_form(kind):
    @given(settings_with_theta(KINDS[kind]))
    def check(drawn):
        setting, theta = drawn
        form, moves = ou.symbolic.regularizer(setting), 1e-4 * np.eye(setting.dim)
        slope = (form(theta + moves) - form(theta - moves)) / 2e-4
        # step²/6 = 2e-9 times the third derivative of reg, up to 10³ of its slope for the sharpest neurons.
        agree(ou.regularizer_gradient(setting, theta), slope, relative=1e-5)

    check()


def wrong(form, old, new):
    formula = form.formula.replace(old, new)
    assert formula != form.formula
    return replace(form, formula=formula)


def test_a_planted_wrong_form_of_each_setting_is_caught():
    rng = np.random.default_rng(0)
    sensing, _ = ou.planted_matrix_sensing(3, 1, 4, rng=rng)
    relu = ou.ReluNetwork([-1.0, 0.5, 2.0], [0.0, 1.0, 0.0], 3)
    sigmoid, _ = ou.planted_sigmoid_network(2, 2, 3, rng=rng)
    right = {setting: ou.symbolic.regularizer(setting) for setting in (sensing, relu, sigmoid)}

    def one_plus_square(e):
        return isinstance(e, sympy.Add) and e.args[0] == 1 and e.args[1].is_Pow

    planted = {
        # Σ (2 A_i)² in place of Σ (A_i + A_iᵀ)²: right only for symmetric sensors.
        sensing: replace(
            right[sensing],
            values={
                key: 4 * np.mean(sensing.x @ sensing.x, axis=0) if np.ndim(value) else value
                for key, value in right[sensing].values.items()
            },
        ),
        # 1 + x² without the 1, as if the kink's position had no gradient.
        relu: wrong(right[relu], one_plus_square, lambda e: e - 1),
        # φ'⁴ in place of φ'².
        sigmoid: wrong(
            right[sigmoid],
            lambda e: e.is_Pow and e.exp == 2 and e.base.is_Add,
            lambda e: e**2,
        ),
    }
    for setting, form in planted.items():
        theta = rng.uniform(0.3, 1, size=setting.dim)
        agree(right[setting](theta), ou.regularizer(setting, theta))
        with pytest.raises(AssertionError):
            agree(form(theta), ou.regularizer(setting, theta))


@example(ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], 2))
@given(relu_networks())
def test_all_roads_take_a_kink_on_a_datum_as_inactive(setting):
    theta = setting.pack(
        a=np.ones(setting.width), b=np.full(setting.width, -setting.x[0]), c=np.ones(setting.width), alpha=0, beta=0
    )
    traced = ou.symbolic.trace(setting)
    expected = ou.regularizer(setting, theta)
    agree(ou.symbolic.regularizer(setting)(theta), expected)
    agree(ou.symbolic.compile(traced.regularizer, traced.theta)(theta), expected)


def two_dimensional_user_model(theta, x):
    import autograd.numpy as anp

    kink = ou.activations.maximum(theta[..., 0] * x[..., 0], theta[..., 1] - x[..., 1])
    return kink * anp.exp(-(theta[..., 2] ** 2)) + anp.sqrt(1 + theta[..., 0] ** 2) * ou.activations.sign(theta[..., 1])


def test_a_users_own_model_is_traced_and_differentiated_alike():
    setting = ou.Setting(two_dimensional_user_model, [[1.0, 0.5], [-1.0, 2.0]], [0.0, 0.0], dim=3)
    theta = np.random.default_rng(3).normal(size=(20, 3))
    form = ou.symbolic.regularizer(setting)
    agree(form(theta), ou.regularizer(setting, theta))
    assert form.latex() == sympy.latex(ou.symbolic.trace(setting).regularizer)


@st.composite
def compositions(draw, depth=3):
    """h of three parameters and x: branches on branches, in conditions and in values, as text for the reports."""
    if depth == 0:
        return draw(
            st.sampled_from(["t[..., 0] * x", "t[..., 1]", "t[..., 2] - x", "t[..., 1] * t[..., 2]", "x + 0.25"])
        )
    part = compositions(depth=depth - 1)
    form = draw(
        st.sampled_from(
            [
                "a.relu({})",
                "a.maximum({}, {})",
                "a.where_positive({}, {}, {})",
                "a.sign({}) * ({})",
                "a.softplus({})",
                "anp.tanh({}) * ({})",
                "a.gelu({}) - ({})",
                "a.logistic({})",
            ]
        )
    )
    return form.format(*(draw(part) for _ in range(form.count("{}"))))


@example("a.relu(t[..., 1] * a.relu(t[..., 2] * a.relu(t[..., 0] * x)))", np.ones((2, 3)) / 32)
@given(compositions(), numbers((2, 3)))
def test_any_composition_of_branches_is_traced_and_differentiated_alike(text, theta):
    theta = theta + np.array([1 / 3, 1 / 7, 1 / 11])  # off most kinks: those that stay are checked by hand
    h = eval(f"lambda t, x: {text} + 0 * t[..., 0] * x", {"a": ou.activations, "anp": anp})
    setting = ou.Setting(h, [0.5, -1.25], [0.0, 0.0], dim=3)
    agree(ou.symbolic.regularizer(setting)(theta), ou.regularizer(setting, theta))
    traced = ou.symbolic.trace(setting)
    gradient = ou.symbolic.compile(traced.regularizer_gradient, traced.theta)(theta)
    agree(gradient, ou.regularizer_gradient(setting, theta))
