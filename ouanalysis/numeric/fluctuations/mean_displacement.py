"""What the second moments of the fluctuation do to its mean: the third-order term of the loss, averaged.

Source: theory.md, section 2, "Mean residual", and section 3.
"""

import numpy as np

from ...arguments import Array
from ...settings import Setting
from ..zero_error_set.derivatives import data_hessian_products
from ..zero_error_set.row_space import RowSpace, finite_hessian_products
from .second_moments import finite_product

__all__ = ["mean_displacement", "mean_residual", "walked_residual"]


def mean_displacement(setting: Setting, theta: Array, space: RowSpace, moments: Array) -> Array:
    """−(2/n) N Σ_i ∇²h_i V Z Vᵀ g_i for Z (r, r), a sum of covariances along the RowSpace's basis V: (p,)."""
    size, largest = np.max(np.abs(moments), initial=0.0) or 1.0, np.max(space.singular, initial=0.0)
    across = space.modes * (space.singular / (largest or 1.0))
    pushed = finite_hessian_products(setting, theta, across @ (moments / size) @ space.basis.T)
    return finite_product(space.tangent(pushed), -2 / setting.n, largest, size)


def mean_residual(setting: Setting, theta: Array, space: RowSpace, moments: Array) -> Array:
    """−K⁺ J Σ_i ∇²h_i V Z Vᵀ g_i + (I − KK⁺)(½ tr ∇²h_i V Z Vᵀ)_i, (n,): the mean predictions less y.

    The first is where the third-order term of the loss holds them. What no first-order move of θ changes, the kernel of
    Jᵀ where r < n, has the mean of the second order alone.
    """
    relative = space.singular / np.max(space.singular, initial=0.0) if space.rank else space.singular
    pushed = finite_hessian_products(setting, theta, space.modes * relative @ moments @ space.basis.T)
    held = -(space.modes / relative) @ (space.basis.T @ pushed)
    if space.rank == setting.rows:
        return held
    bent = _traces(setting, theta, space.basis @ moments, space.basis) / 2
    return held + bent - space.modes @ (space.modes.T @ bent)


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
