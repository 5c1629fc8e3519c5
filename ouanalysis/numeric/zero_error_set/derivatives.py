"""The model's derivatives at θ, for any Setting, over any leading axes of theta, by the products of `products_of`.

Source: theory.md, section 1.
"""

import numpy as np

from ...arguments import Array, Reals, real_array
from ...settings import Setting
from ...settings.products import Products
from ...settings.setting import parameters
from .autograd_products import BLOCK, AutogradProducts

__all__ = [
    "data_hessian_products",
    "gram",
    "hessian_products",
    "jacobian",
    "lagrangian_hessian_products",
    "loss",
    "products_of",
    "regularizer",
    "regularizer_gradient",
]


def products_of(setting: Setting) -> Products:
    """Those of the setting's own, or autograd's."""
    return setting.products() or AutogradProducts(setting)


def loss(setting: Setting, theta: Reals) -> Array:
    """L(θ) = (1/n) Σ_i ‖h_i − y_i‖², in units of y²: theta (..., p) gives (...)."""

    def of(products, points):
        return np.sum((products.predictions(points) - setting.y.ravel()) ** 2, axis=-1) / setting.n

    return _over_leading_axes(of, setting, theta)


def jacobian(setting: Setting, theta: Reals) -> Array:
    """J, the gradients g_i = ∇_θ h_i as rows: theta (..., p) gives (..., n, p).

    Of k outputs it is (..., nk, p), and row i·k + j is the gradient of h_ij.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> ou.jacobian(setting, [1.0, 1.0])
    array([[2., 4.]])
    """
    return _over_leading_axes(lambda products, points: products.jacobian(points), setting, theta)


def gram(setting: Setting, theta: Reals) -> Array:
    """K = J Jᵀ, the empirical neural tangent kernel: theta (..., p) gives (..., n, n), of k outputs (..., nk, nk)."""
    return _over_leading_axes(lambda products, points: products.gram(points), setting, theta)


def regularizer(setting: Setting, theta: Reals) -> Array:
    """reg(θ) = (1/n) Σ_i ‖∇_θ h_i‖² = tr(K)/n, the implicit regularizer: theta (..., p) gives (...).

    Of several outputs ‖∇_θ h_i‖ is the Frobenius norm of a datum's Jacobian.

    Source: Blanc et al. 2020 (arXiv:1904.09080), theorem 1.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> ou.regularizer(setting, [1.0, 1.0]).item()
    20.0
    """
    return _over_leading_axes(
        lambda products, points: np.sum(products.squared_norms(points), axis=-1) / setting.n, setting, theta
    )


def regularizer_gradient(setting: Setting, theta: Reals) -> Array:
    """∇reg(θ) = (2/n) Σ_i ∇²h_i g_i, by differentiating twice: theta (..., p) gives (..., p)."""
    return _over_leading_axes(
        lambda products, points: products.squared_norms_gradient(points) / setting.n, setting, theta
    )


def hessian_products(setting: Setting, theta: Reals, vectors: Reals) -> Array:
    """Σ_r ∇²h_r u_r without a Hessian: theta (p,) and a vector u_r for each row of J, (rows, p), give (p,).

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> hessian_products(setting, [1.0, 1.0], [[1.0, 1.0]])
    array([2., 4.])
    """
    vectors = real_array("vectors", vectors, shape=(setting.rows, setting.dim))
    return products_of(setting).hessian_products(parameters(setting, theta, leading=False), vectors)


def data_hessian_products(setting: Setting, theta: Array, direction: Array) -> Array:
    """∇²h_r v of every row of J: theta and v (p,) give (rows, p)."""
    return products_of(setting).data_hessian_products(theta, direction)


def lagrangian_hessian_products(setting: Setting, theta: Array, multipliers: Array, directions: Array) -> Array:
    """(∇²reg − Σ_r μ_r ∇²h_r) v for directions v: theta (p,), multipliers (rows,), directions (k, p) give (k, p)."""
    return products_of(setting).lagrangian_hessian_products(theta, multipliers, directions)


def _over_leading_axes(function, setting, theta):
    """Apply `function` of products and points (m, p) to blocks of theta's leading axes, and give the axes back."""
    theta = parameters(setting, theta)
    points, products = theta.reshape(-1, setting.dim), products_of(setting)
    size = max(1, BLOCK // (setting.rows * setting.dim))
    with np.errstate(all="ignore"):
        blocks = [function(products, points[start : start + size]) for start in range(0, max(len(points), 1), size)]
    values = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return values.reshape(theta.shape[:-1] + values.shape[1:])
