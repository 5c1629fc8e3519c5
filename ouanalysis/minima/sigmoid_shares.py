"""The balanced sigmoid neuron of a share of the label, its least regularizer, and the best shares of a label.

With w = ‖x‖ |v| for a neuron of share v = c φ(z) of the label, its least regularizer is a cost g(w): of tanh
2w(√(1 + w²) − w), concave; of the logistic w²/(1 + w²), convex up to w = 1/√3 and concave beyond. Below, shares are w:
in units in which ‖x‖ = 1.

Source: theory.md, section 4.3; Blanc et al. 2020 (arXiv:1904.09080), section 4.3. Derived in
`derivations/sigmoid_network.py`.
"""

from collections.abc import Callable

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ..settings import SigmoidNetwork

__all__ = ["COSTS", "datum_norm", "derivatives", "least_shares", "neuron", "stationary_pairs"]

Array = NDArray[np.float64]


def _tanh_cost(w):
    return 2 * w / (np.sqrt(1 + w**2) + w)


def _logistic_cost(w):
    return w**2 / (1 + w**2)


COSTS: dict[str, Callable[[Array], Array]] = {"tanh": _tanh_cost, "logistic": _logistic_cost}


def neuron(name: str, w: Array) -> tuple[Array, Array]:
    """φ and z of the balanced neuron of a share."""
    if name == "logistic":
        with np.errstate(divide="ignore"):
            return w**2 / (1 + w**2), 2 * np.log(w)
    root = np.sqrt(1 + w**2)
    phi = np.sqrt(w / root)
    return phi, np.log1p(phi) + 0.5 * np.log1p(w * (root + w))  # 1 − φ² = 1/(√(1 + w²)(√(1 + w²) + w))


def least_shares(name: str, width: int, total: float) -> Array:
    """(m,) shares of least cost, descending: one neuron for tanh; equal, or one and the rest, for the logistic."""
    if name == "tanh" or width == 1:
        return np.append(total, np.zeros(width - 1))
    candidates = [np.full(width, total / width)]
    candidates += [np.append(large, np.full(width - 1, small)) for large, small in stationary_pairs(total, 1, width)]
    return min(candidates, key=lambda shares: np.sum(_logistic_cost(shares)))


def stationary_pairs(total: float, active: int, width: int) -> list[tuple[float, float]]:
    """The pairs a > b > 0 with active·a + (width − active)·b = total that are stationary for the logistic."""
    rest = width - active
    b = np.polynomial.Polynomial([0.0, 1.0])
    a = (total - rest * b) / active
    polynomial = a * b * (2 + a**2 + a * b + b**2) - 1
    roots = polynomial.roots()
    for _ in range(4):  # of a large total one root is far below the rounding of the others
        roots = roots - polynomial(roots) / polynomial.deriv()(roots)
    real = roots.real[np.abs(roots.imag) <= 1e-7 * (1 + np.abs(roots))]
    return [(float(a(root)), float(root)) for root in sorted(real) if 0 < root < a(root) * (1 - 1e-12)]


def derivatives(name: str, w: float) -> tuple[float, float, float, float]:
    """φ and its first three derivatives at the balanced neuron of a share, w = 0 for a zero neuron (tanh)."""
    if name == "logistic":
        s, rest = w**2 / (1 + w**2), 1 / (1 + w**2)  # rest = 1 − s
        return s, s * rest, s * rest * (1 - 2 * s), s * rest * (1 - 6 * s * rest)
    root = np.sqrt(1 + w**2)
    s, slope = np.sqrt(w / root), 1 / (root * (root + w))
    return s, slope, -2 * s * slope, slope * (4 * s**2 - 2 * slope)


def datum_norm(setting: SigmoidNetwork) -> float:
    """‖x‖ of the one datum."""
    if setting.n > 1:
        raise ValueError(f"setting: expected one datum, where the stationary networks are known, got {setting.n}")
    norm = float(scipy.linalg.norm(setting.x[0]))  # which does not overflow where squares do
    if norm == 0:
        raise ValueError("x: expected a datum other than 0, got 0")
    return norm
