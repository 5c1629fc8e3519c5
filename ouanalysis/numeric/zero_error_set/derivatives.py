"""The model's derivatives at θ by autograd, for any Setting, over any leading axes of theta.

Each datum gets its own copy of θ, so one backward pass gives every gradient: theta (..., p) is broadcast to
(..., n, p), where datum i sees only row i. Leading axes and data go in blocks of bounded memory.

Source: theory.md, section 1.
"""

import autograd.numpy as anp
import numpy as np

from ...arguments import Array, Reals, real_array
from ...settings import Setting
from ...settings.quiet_derivatives import quiet_derivatives
from ...settings.setting import parameters
from ...tape.entries import entrywise_gradient
from .repeatedly import evaluated

__all__ = [
    "data_hessian_products",
    "gram",
    "hessian_products",
    "jacobian",
    "lagrangian_hessian_products",
    "loss",
    "regularizer",
    "regularizer_gradient",
]

_BLOCK = 1 << 20  # floats in one broadcast (..., n, p) array: 8 MB


def loss(setting: Setting, theta: Reals) -> Array:
    """L(θ) = (1/n) Σ_i (h_i − y_i)², in units of y²: theta (..., p) gives (...)."""

    def of(rows):
        return np.mean((setting.h(rows[:, None, :], setting.x) - setting.y) ** 2, axis=-1)

    return _over_leading_axes(of, setting, theta)


def jacobian(setting: Setting, theta: Reals) -> Array:
    """J, the gradients g_i = ∇_θ h_i as rows: theta (..., p) gives (..., n, p).

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> ou.jacobian(setting, [1.0, 1.0])
    array([[2., 4.]])
    """
    return _over_leading_axes(lambda rows: _gradients(setting, rows), setting, theta)


def gram(setting: Setting, theta: Reals) -> Array:
    """K = J Jᵀ, the empirical neural tangent kernel: theta (..., p) gives (..., n, n)."""

    def of(rows):
        gradients = _gradients(setting, rows)
        return gradients @ np.swapaxes(gradients, -1, -2)

    return _over_leading_axes(of, setting, theta)


def regularizer(setting: Setting, theta: Reals) -> Array:
    """reg(θ) = (1/n) Σ_i ‖∇_θ h_i‖² = tr(K)/n, the implicit regularizer: theta (..., p) gives (...).

    Source: Blanc et al. 2020 (arXiv:1904.09080), theorem 1.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> ou.regularizer(setting, [1.0, 1.0]).item()
    20.0
    """

    def of(rows):
        gradients = _gradients(setting, rows)
        return np.einsum("...ij,...ij->...", gradients, gradients) / setting.n

    return _over_leading_axes(of, setting, theta)


def regularizer_gradient(setting: Setting, theta: Reals) -> Array:
    """∇reg(θ) = (2/n) Σ_i ∇²h_i g_i, by differentiating twice: theta (..., p) gives (..., p)."""

    def of(rows):
        return 2 / setting.n * _hessian_products(setting, rows, None)

    return _over_leading_axes(of, setting, theta)


def hessian_products(setting: Setting, theta: Reals, vectors: Reals) -> Array:
    """Σ_i ∇²h_i u_i without a Hessian: theta (p,) and a vector u_i for each datum, (n, p), give (p,).

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> hessian_products(setting, [1.0, 1.0], [[1.0, 1.0]])
    array([2., 4.])
    """
    vectors = real_array("vectors", vectors, shape=(setting.n, setting.dim))
    theta = parameters(setting, theta, leading=False)
    return _over_leading_axes(lambda rows: _hessian_products(setting, rows, vectors), setting, theta)


def data_hessian_products(setting: Setting, theta: Array, direction: Array) -> Array:
    """∇²h_i v of every datum: theta and v (p,) give (n, p)."""
    products = []
    for data in _data_blocks(setting):
        copies = _copies(theta[None], data)
        with quiet_derivatives():
            products.append(_pullbacks(setting, data, copies, direction)[0])
    return np.concatenate(products)


def lagrangian_hessian_products(setting: Setting, theta: Array, multipliers: Array, directions: Array) -> Array:
    """(∇²reg − Σ_i μ_i ∇²h_i) v for directions v: theta (p,), multipliers (n,), directions (k, p) give (k, p)."""
    products = np.zeros(directions.shape)
    for data in _data_blocks(setting):
        size = max(1, _BLOCK // ((data.stop - data.start) * setting.dim))
        for start in range(0, len(directions), size):
            along = directions[start : start + size]
            copies = _copies(np.broadcast_to(theta, along.shape), data)
            with quiet_derivatives():
                product = _lagrangian_pullbacks(setting, data, copies, multipliers[data], along[:, None, :])
            products[start : start + size] += np.sum(product, axis=-2)
    return products


def _hessian_products(setting, rows, vectors):
    """Σ_i ∇²h_i u_i, of u_i = ∇h_i where vectors is None: rows (k, p) gives (k, p)."""
    total = np.zeros(rows.shape)
    for data in _data_blocks(setting):
        copies = _copies(rows, data)
        along = _gradients_at(setting, data, copies) if vectors is None else vectors[data]
        total += np.sum(_pullbacks(setting, data, copies, along), axis=-2)
    return total


def _gradients(setting, rows):
    blocks = [_gradients_at(setting, data, _copies(rows, data)) for data in _data_blocks(setting)]
    return np.concatenate(blocks, axis=-2) if len(blocks) > 1 else blocks[0]


def _gradients_at(setting, data, copies):
    """∇h of some data at their copies of θ."""
    return evaluated("gradients", setting, data, _gradient(setting, data), copies)


def _pullbacks(setting, data, copies, along):
    """∇⟨∇h, along⟩ there."""

    def function(copies, along):
        return _along(_gradient(setting, data), along)(copies)

    return evaluated("pullbacks", setting, data, function, copies, along)


def _lagrangian_pullbacks(setting, data, copies, weights, along):
    """∇⟨∇(‖∇h‖²/n − μh), along⟩ there."""
    gradient, x = _gradient(setting, data), setting.x[data]

    def function(copies, weights, along):
        def terms(copies):
            return anp.sum(gradient(copies) ** 2, axis=-1) / setting.n - weights * setting.h(copies, x)

        return _along(entrywise_gradient(terms), along)(copies)

    return evaluated("lagrangian", setting, data, function, copies, weights, along)


def _gradient(setting, data):
    x = setting.x[data]
    return entrywise_gradient(lambda copies: setting.h(copies, x))


def _along(gradient, along):
    return entrywise_gradient(lambda copies: anp.sum(gradient(copies) * along, axis=-1))


def _copies(rows, data):
    return np.broadcast_to(rows[:, None, :], (len(rows), data.stop - data.start, rows.shape[-1])).copy()


def _data_blocks(setting):
    size = max(1, _BLOCK // setting.dim)
    return [slice(start, min(start + size, setting.n)) for start in range(0, setting.n, size)]


def _over_leading_axes(function, setting, theta):
    """Apply `function` of rows (k, p) to blocks of theta's leading axes, and give the axes back."""
    theta = parameters(setting, theta)
    rows = theta.reshape(-1, setting.dim)
    size = max(1, _BLOCK // (setting.n * setting.dim))
    with quiet_derivatives():
        blocks = [function(rows[start : start + size]) for start in range(0, max(len(rows), 1), size)]
    values = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return values.reshape(theta.shape[:-1] + values.shape[1:])
