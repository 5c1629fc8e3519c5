"""The model's derivatives at θ by autograd, for any Setting, over any leading axes of theta.

Each datum gets its own copy of θ, so one backward pass gives every gradient: theta (..., p) is broadcast to
(..., n, p), where datum i sees only row i. Leading axes go in blocks of bounded memory.

Source: theory.md, section 1.
"""

import warnings

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad

from ..settings.setting import parameters

__all__ = ["gram", "jacobian", "loss", "regularizer", "regularizer_gradient"]

_BLOCK = 1 << 20  # floats in one broadcast (..., n, p) array: 8 MB


def loss(setting, theta):
    """L(θ) = (1/n) Σ_i (h_i − y_i)², in units of y²: theta (..., p) gives (...)."""

    def of(rows):
        return np.mean((setting.h(rows[:, None, :], setting.x) - setting.y) ** 2, axis=-1)

    return _over_leading_axes(of, setting, theta)


def jacobian(setting, theta):
    """J, the gradients g_i = ∇_θ h_i as rows: theta (..., p) gives (..., n, p).

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> ou.jacobian(setting, [1.0, 1.0])
    array([[2., 4.]])
    """
    return _over_leading_axes(lambda rows: _gradients(setting, rows), setting, theta)


def gram(setting, theta):
    """K = J Jᵀ, the empirical neural tangent kernel: theta (..., p) gives (..., n, n)."""

    def of(rows):
        gradients = _gradients(setting, rows)
        return gradients @ np.swapaxes(gradients, -1, -2)

    return _over_leading_axes(of, setting, theta)


def regularizer(setting, theta):
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


def regularizer_gradient(setting, theta):
    """∇reg(θ) = (2/n) Σ_i ∇²h_i g_i, by differentiating twice: theta (..., p) gives (..., p)."""

    def squared_gradients(copies):
        return anp.sum(elementwise_grad(lambda inner: setting.h(inner, setting.x))(copies) ** 2, axis=-1)

    def of(rows):
        return np.sum(elementwise_grad(squared_gradients)(_copies(setting, rows)), axis=-2) / setting.n

    return _over_leading_axes(of, setting, theta)


def _gradients(setting, rows):
    return elementwise_grad(lambda copies: setting.h(copies, setting.x))(_copies(setting, rows))


def _copies(setting, rows):
    return np.broadcast_to(rows[:, None, :], (len(rows), setting.n, setting.dim)).copy()


def _over_leading_axes(function, setting, theta):
    """Apply `function` of rows (k, p) to blocks of theta's leading axes, and give the axes back."""
    theta = parameters(setting, theta)
    rows = theta.reshape(-1, setting.dim)
    size = max(1, _BLOCK // (setting.n * setting.dim))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output seems independent of input")  # a linear h has no ∇²h
        blocks = [function(rows[start : start + size]) for start in range(0, max(len(rows), 1), size)]
    values = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return values.reshape(theta.shape[:-1] + values.shape[1:])
