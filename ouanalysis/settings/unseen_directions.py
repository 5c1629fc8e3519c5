"""The parameters that no prediction depends on: the common null space of J over random θ.

Source: theory.md, section 3.
"""

from typing import TYPE_CHECKING

import numpy as np
from autograd import elementwise_grad
from scipy.linalg import norm, null_space

from ..arguments import Array
from .quiet_derivatives import quiet_derivatives

if TYPE_CHECKING:
    from .setting import Setting

__all__ = ["unseen_directions"]


def unseen_directions(setting: "Setting", theta: Array) -> Array:
    """Orthonormal directions (k, p) with J(θ') v = 0 at every θ', near theta (p,) and far from it.

    As many random θ' as J of rank 1 would need to span all of R^p, so a direction that is left is not seen anywhere.
    """
    rng = np.random.default_rng(0)
    draws = 2 + -(-setting.dim // setting.rows)
    size = norm(theta) / np.sqrt(setting.dim)
    places = np.concatenate(
        [theta + size * rng.standard_normal((draws, setting.dim)), rng.standard_normal((draws, setting.dim))]
    )
    rows = jacobian_rows(setting, places)
    return null_space(np.linalg.qr(rows, mode="r")).T if len(rows) else np.eye(setting.dim)


def jacobian_rows(setting: "Setting", places: Array) -> Array:
    """The directions ∇h_r/‖∇h_r‖ at these θ (m, p), of those that are finite and not 0."""
    products = setting.products()
    rows = (products.jacobian(places) if products else _by_autograd(setting.by_row(), places)).reshape(-1, setting.dim)
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(rows), axis=1, keepdims=True)
        rows = (rows / largest)[(np.isfinite(largest) & (largest > 0)).ravel()]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _by_autograd(setting, places):
    copies = np.broadcast_to(places[:, None, :], (len(places), setting.n, setting.dim)).copy()
    with quiet_derivatives():
        return elementwise_grad(setting.h)(copies, setting.x)
