"""What a bend of a ReLU network's function costs: reg as a weighted total variation of f'.

    R(f) = (1/n) Σ (1 + x_i²) + Σ_kinks min(w₊, w₋)(k) |Δf'(k)|,   w₊(k) = (2/n) √(Σ (x_i − k)² · Σ (1 + x_i²))

over the data x_i > k; w₋ over x_i < k.

Source: theory.md, section 4.2; Blanc et al. 2020 (arXiv:1904.09080), section 4.2.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..arguments import Reals, one_of, real_array
from ..settings import ReluNetwork
from ..settings.setting import parameters
from .piecewise_linear import PiecewiseLinear, check_network_and_function

__all__ = ["Side", "balanced", "function_regularizer", "kink_cost"]

Side = Literal["left", "right"]


def kink_cost(
    x: Reals,
    kinks: Reals,
    *,
    facing: Side,
    limit: Side | None = None,
) -> NDArray[np.float64]:
    """w₊ or w₋ at the kinks: the regularizer that a unit change of slope costs once its neuron is balanced.

    It is convex between data, and falls at a datum, which is not active when the kink is on it.

    Parameters
    ----------
    x : (n,) array_like
        The data.
    kinks : (...) array_like
    facing : "right" or "left"
        w₊ (a > 0, active on x > k) or w₋ (a < 0).
    limit : "left" or "right", optional
        The limit from that side instead of the value: the two differ at a datum.

    Returns
    -------
    (...) array
        What reg rises by per unit of |Δf'|.

    Examples
    --------
    >>> kink_cost([-1.0, 0.0, 2.0], 0.0, facing="right"), kink_cost([-1.0, 0.0, 2.0], 0.0, facing="right", limit="left")
    (array(2.98142397), array(3.26598632))
    """
    data, at = real_array("x", x, shape=("n",)), real_array("kinks", kinks)
    sign = one_of("facing", facing, {"right": 1.0, "left": -1.0})
    distance = sign * (data - at[..., None])
    active = distance > 0
    if limit is not None and limit != facing:
        one_of("limit", limit, {"right": 1.0, "left": -1.0})
        active = distance >= 0
    squares = np.sum(np.where(active, distance, 0.0) ** 2, axis=-1)
    return np.asarray(2 / len(data) * np.sqrt(squares * np.sum(np.where(active, 1 + data**2, 0.0), axis=-1)))


def function_regularizer(setting: ReluNetwork, function: PiecewiseLinear) -> float:
    """R(f): the least reg of all ReLU networks, of any width, whose function is f.

    Parameters
    ----------
    setting : ReluNetwork
    function : PiecewiseLinear
        Whether it goes through the data or not.

    Returns
    -------
    float
    """
    check_network_and_function(setting, function)
    costs = [kink_cost(setting.x, function.kinks, facing=facing) for facing in ("right", "left")]
    bends = np.sum(np.minimum(*costs) * np.abs(function.slope_changes))
    return float(bends + np.mean(1 + setting.x**2))


def balanced(setting: ReluNetwork, theta: Reals) -> NDArray[np.float64]:
    """theta with each neuron rescaled (a, b, c) → (τa, τb, c/τ) to its least reg; h does not change.

    Parameters
    ----------
    setting : ReluNetwork
    theta : (..., p) array_like

    Returns
    -------
    (..., p) array
        reg(theta) − reg(balanced(theta)) is what balancing alone saves. A neuron that adds nothing to any prediction
        becomes zero; one that is active on no datum stays as it is.
    """
    check_network_and_function(setting)
    part = setting.unpack(parameters(setting, theta))
    a, b, c = part["a"], part["b"], part["c"]
    hidden = _hidden(setting, a, b)
    inner = np.sum(hidden**2, axis=-1)
    outer = np.sum(np.where(hidden > 0, c[..., None] ** 2 * (1 + setting.x**2), 0.0), axis=-1)
    dead = inner == 0
    scale = np.where(dead, 1.0, (outer / np.where(dead, 1.0, inner)) ** 0.25)
    a, b, c = a * scale, b * scale, c / np.where(scale > 0, scale, 1.0)
    for _ in range(8):  # rounding of b must not carry a kink across a datum, where reg jumps
        moved = _hidden(setting, a, b)
        b = np.where(np.any((moved > 0) & (hidden <= 0), axis=-1), np.nextafter(b, -np.inf), b)
        b = np.where(np.any((moved <= 0) & (hidden > 0) & (scale[..., None] > 0), axis=-1), np.nextafter(b, np.inf), b)
    return np.asarray(setting.pack(**{**part, "a": a, "b": b, "c": c}))


def _hidden(setting, a, b):
    """(a x + b)₊, (..., width, n)."""
    return np.maximum(a[..., None] * setting.x + b[..., None], 0.0)
