"""What the second moments of the fluctuation do to its mean: the third-order term of the loss, averaged.

Source: theory.md, section 2, "Mean residual", and section 3.
"""

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..zero_error_set.derivatives import data_hessian_products
from ..zero_error_set.row_space import (
    RowSpace,
    finite_hessian_products,
    finite_regularizer_gradient,
    holds_jacobian,
)
from .second_moments import finite_product

__all__ = ["mean_displacement", "mean_residual", "walked_residual"]


def mean_displacement(setting: Setting, theta: Array, space: RowSpace, moments: Array) -> Array:
    """−(2/n) N Σ_i ∇²h_i V Z Vᵀ g_i for Z (r, r), a sum of covariances along the RowSpace's basis V: (p,)."""
    size, largest = np.max(np.abs(moments), initial=0.0) or 1.0, np.max(space.singular, initial=0.0)
    pushed = _pushed(setting, theta, space, moments / size, largest or 1.0)
    return finite_product(space.tangent(pushed), -2 / setting.n, largest, size)


def mean_residual(setting: Setting, theta: Array, space: RowSpace, moments: Array) -> Array:
    """−K⁺ J Σ_i ∇²h_i V Z Vᵀ g_i + (I − KK⁺)(½ tr ∇²h_i V Z Vᵀ)_i, (n,): the mean predictions less y.

    The first is where the third-order term of the loss holds them. What no first-order move of θ changes, the kernel of
    Jᵀ where r < n, has the mean of the second order alone.
    """
    largest = np.max(space.singular, initial=0.0) or 1.0
    pushed = _pushed(setting, theta, space, moments, largest)
    held = -(space.modes / (space.singular / largest)) @ space.coordinates(pushed)
    if space.rank == setting.rows:
        return held
    bent = _traces(setting, theta, space.basis @ moments, space.basis) / 2
    return held + bent - space.modes @ (space.modes.T @ bent)


def _pushed(setting, theta, space, moments, unit):
    """Σ_i ∇²h_i V Z Vᵀ g_i over a unit of g, (p,): of Z = z I it is z Σ_i ∇²h_i g_i, as the g_i are V's."""
    even = moments[0, 0] if len(moments) else 0.0
    if np.array_equal(moments, even * np.eye(len(moments))) and not holds_jacobian(setting):
        return finite_regularizer_gradient(setting, theta) * (setting.n / 2 * even / unit)
    across = space.modes * (space.singular / unit)
    return finite_hessian_products(setting, theta, across @ moments @ space.basis.T)


def walked_residual(setting: Setting, theta: Array, space: RowSpace) -> Array:
    """(n/4) K⁺ (tr N∇²h_i)_i, (n,): of the mean predictions where a walk along the zero-error set leaves its tangents.

    A walk of variance η²s² a step and direction raises E h_i by η²s² tr(N∇²h_i)/2 a step, which descent holds.
    """
    everywhere = np.eye(setting.dim)
    across = _traces(setting, theta, space.basis, space.basis)
    traces = _traces(setting, theta, everywhere, everywhere) - across
    return setting.n / 4 * space.modes @ (space.modes.T @ traces / space.squares)


def _traces(setting, theta, left, right):
    """tr(∇²h_i L Rᵀ) of every datum, (n,), for L and R (p, k)."""
    traces = np.zeros(setting.rows)
    for one, other in zip(left.T, right.T, strict=True):
        traces += data_hessian_products(setting, theta, one) @ other
    return traces
