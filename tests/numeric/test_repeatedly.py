"""Derivatives that are asked for again and again: what is repeated is what autograd gives, and never an old h."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad
from autograd.tracer import getval
from rounding import ALGEBRA
from written_models import MODELS

import ouanalysis as ou
from ouanalysis.numeric.zero_error_set import derivatives
from ouanalysis.numeric.zero_error_set.repeatedly import SOON, repeatedly
from ouanalysis.settings.quiet_derivatives import quiet_derivatives


def by_autograd(setting, theta, multipliers, direction):
    """J, ∇reg, Σ_i ∇²h_i v and (∇²reg − Σ_i μ_i ∇²h_i) v, by autograd's own functions."""
    copies = np.tile(theta, (setting.n, 1))

    def gradients(at):
        return elementwise_grad(lambda rows: setting.h(rows, setting.x))(at)

    def regularizers(at):
        return anp.sum(gradients(at) ** 2, axis=-1) / setting.n

    def along(function):
        return elementwise_grad(lambda at: anp.sum(function(at) * direction, axis=-1))(copies)

    with quiet_derivatives():
        products = along(gradients)
        bent = along(elementwise_grad(regularizers)) - multipliers[:, None] * products
        return (
            gradients(copies),
            np.sum(elementwise_grad(regularizers)(copies), axis=0),
            np.sum(products, axis=0),
            np.sum(bent, axis=0),
        )


def asked(setting, theta, multipliers, direction):
    return (
        ou.jacobian(setting, theta),
        ou.regularizer_gradient(setting, theta),
        derivatives.hessian_products(setting, theta, np.tile(direction, (setting.n, 1))),
        derivatives.lagrangian_hessian_products(setting, theta, multipliers, direction[None])[0],
    )


@pytest.mark.parametrize("name", MODELS)
def test_what_is_repeated_is_each_derivative_at_other_parameters_too(name):
    h, dim, feature = MODELS[name]
    rng = np.random.default_rng(0)
    setting = ou.Setting(h, rng.standard_normal((3, *feature)), np.zeros(3), dim)
    multipliers, direction = rng.standard_normal(3), rng.standard_normal(dim)
    with repeatedly():
        for _ in range(SOON + 2):  # by autograd, written down, repeated
            theta = rng.standard_normal(dim)
            given = asked(setting, theta, multipliers, direction)
    wanted = by_autograd(setting, theta, multipliers, direction)
    for quantity, right in zip(given, wanted, strict=True):
        # third derivatives of some ten operations of order one, in another order than theirs
        np.testing.assert_allclose(quantity, right, rtol=0, atol=ALGEBRA * (1 + np.max(np.abs(right))))


@pytest.mark.parametrize("name", ["of_a_sum", "of_masks"])
def test_what_is_repeated_is_right_wherever_masks_change(name):
    h, dim, _ = MODELS[name]
    setting = ou.Setting(h, np.array([1.0, 0.5]), np.zeros(2), dim)
    rng = np.random.default_rng(0)
    written = [-np.ones(dim)] * (SOON + 1)  # where no mask is on, as the first repetition compares
    with repeatedly():
        for theta in (*written, *rng.uniform(-1, 1, (10, dim))):
            copies = np.tile(theta, (2, 1))
            wanted = elementwise_grad(lambda rows: setting.h(rows, setting.x))(copies)
            np.testing.assert_allclose(ou.jacobian(setting, theta), wanted, rtol=ALGEBRA, strict=True)


def test_a_flow_of_more_steps_traces_its_model_no_more_often():
    def h(theta, x):
        calls.append(np.shape(theta))
        return anp.tanh(theta[..., 0] * x) * theta[..., 1]

    calls = []
    setting = ou.Setting(h, [1.0], [0.5], 2)
    traced, evaluated = [], []
    for rtol in (1e-3, 1e-11):
        calls.clear()
        flow = ou.regularized_flow(setting, [2.0, 0.5 / np.tanh(2.0)], times=[0.0, 1.0], rtol=rtol)
        assert flow.reg[-1] < flow.reg[0]
        traced.append(calls.count((1, 1, 2)))  # copies of θ, a row of them for the one datum
        evaluated.append(calls.count((1, 2)))
    assert evaluated[1] > 1.5 * evaluated[0]
    assert traced[1] == traced[0]


def test_between_two_calls_h_may_change():
    sizes = [1.0]

    def h(theta, x):
        return sizes[-1] * theta[..., 0] * theta[..., 1] * x

    setting = ou.Setting(h, [1.0], [2.0], 2)
    for size in (1.0, 2.0):
        sizes.append(size)
        flow = ou.regularized_flow(setting, ou.interpolate(setting, [4.0, 0.5]), times=[0.25])
        assert np.prod(flow.theta[-1]) == pytest.approx(2 / size, rel=ALGEBRA)


def branching(theta, x):
    return theta[..., 0] * x + theta[..., 1] if np.sum(getval(theta)) < 4 else theta[..., 0] * theta[..., 1] * x


def test_an_h_that_branches_in_python_is_traced_each_time():
    setting = ou.Setting(MODELS["linear"][0], np.ones((1, 3)), [1.0], 3)._with(h=branching, x=np.ones(1), dim=2)
    with repeatedly():
        for _ in range(SOON + 2):
            np.testing.assert_array_equal(ou.jacobian(setting, [1.0, 2.0]), [[1.0, 1.0]])
            np.testing.assert_array_equal(ou.jacobian(setting, [3.0, 2.0]), [[2.0, 3.0]])
