"""Every derivative in blocks of data and of leading axes, against closed forms of one ridge model."""

import autograd.numpy as anp
import numpy as np
import pytest
from rounding import EPS, FORMULA

import ouanalysis as ou
from ouanalysis.numeric.zero_error_set import autograd_products, derivatives

N, P = 7, 3
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(N, P)), RNG.normal(size=N)
THETA = RNG.normal(size=(4, 3, P))
VECTORS, MULTIPLIERS, DIRECTIONS = RNG.normal(size=(N, P)), RNG.normal(size=N), RNG.normal(size=(5, P))


def ridge(theta, x):
    """h = sin(θᵀx): g = cos(z) x and ∇²h = −sin(z) x xᵀ."""
    return anp.sin(anp.sum(theta * x, axis=-1))


SETTING = ou.Setting(ridge, X, Y, dim=P)
# Floats in a block: of 1, 2, 4 and all 7 data (the last block is a shorter one), of 2 and 5 of the 12 rows, of all.
BLOCKS = [1, 2 * P, 4 * P, N * P, 2 * N * P, 5 * N * P, 10**6]


def by_hand():
    """Each quantity as (computed, expected), the latter by sums over the data with no block and no autograd."""
    z = THETA @ X.T
    gradients = np.cos(z)[..., None] * X
    squares = np.sum(X**2, axis=1)
    # reg = mean of cos²(z) ‖x‖², whose Hessian is the mean of −2 cos(2z) ‖x‖² x xᵀ
    hessian = (-2 / N * np.cos(2 * z[0, 0]) * squares + MULTIPLIERS * np.sin(z[0, 0])) * X.T @ X
    return {
        "loss": (lambda: ou.loss(SETTING, THETA), np.mean((np.sin(z) - Y) ** 2, axis=-1)),
        "jacobian": (lambda: ou.jacobian(SETTING, THETA), gradients),
        "gram": (lambda: ou.gram(SETTING, THETA), np.einsum("...ik,...jk->...ij", gradients, gradients)),
        "regularizer": (lambda: ou.regularizer(SETTING, THETA), np.cos(z) ** 2 @ squares / N),
        "regularizer_gradient": (
            lambda: ou.regularizer_gradient(SETTING, THETA),
            -2 / N * (np.cos(z) * np.sin(z) * squares) @ X,
        ),
        "hessian_products": (
            lambda: derivatives.hessian_products(SETTING, THETA[0, 0], VECTORS),
            -(np.sin(z[0, 0]) * np.sum(X * VECTORS, axis=1)) @ X,
        ),
        "lagrangian_hessian_products": (
            lambda: derivatives.lagrangian_hessian_products(SETTING, THETA[0, 0], MULTIPLIERS, DIRECTIONS),
            DIRECTIONS @ hessian,
        ),
    }


@pytest.mark.parametrize("quantity", by_hand())
@pytest.mark.parametrize("block", BLOCKS)
def test_no_datum_and_no_row_is_lost_whatever_the_block(quantity, block, monkeypatch):
    for module in (derivatives, autograd_products):
        monkeypatch.setattr(module, "BLOCK", block)
    computed, expected = by_hand()[quantity]
    # Sums of at most n p = 21 products of a few roundings each, in whatever order the blocks give.
    np.testing.assert_allclose(computed(), expected, rtol=0, atol=100 * EPS * np.max(np.abs(expected)))


@pytest.mark.parametrize("quantity", ["loss", "jacobian", "gram", "regularizer", "regularizer_gradient"])
@pytest.mark.parametrize("block", [1, 10**6])
def test_no_rows_give_no_values(quantity, block, monkeypatch):
    for module in (derivatives, autograd_products):
        monkeypatch.setattr(module, "BLOCK", block)
    function = getattr(ou, quantity)
    assert function(SETTING, THETA[:0]).shape == (0, *function(SETTING, THETA).shape[1:])


def test_the_regularizer_is_the_trace_of_the_gram_matrix():
    setting, theta = ou.planted_matrix_sensing(3, 1, 4, rng=0)
    trace = np.trace(ou.gram(setting, theta)) / setting.n
    # 4 · 9 terms above 0 in another order.
    np.testing.assert_allclose(ou.regularizer(setting, theta), trace, rtol=FORMULA)
