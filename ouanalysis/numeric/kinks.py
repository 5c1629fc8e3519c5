"""Where a model has no derivative: the kinks of ReLU neurons, and how far they are from the data."""

from functools import singledispatch

import numpy as np

from ..settings import ReluNetwork
from ..settings.setting import parameters

__all__ = ["active", "kink_clearance", "kink_distance", "preactivations"]


@singledispatch
def kink_distance(setting, theta):
    """The least |x_i + b_j/a_j| over data and neurons with c_j ≠ 0, in units of x; infinite for a smooth model.

    At 0 a kink sits on a datum, where reg jumps and derivatives are one-sided. A Setting of the user's own counts as
    smooth.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], width=1)
    >>> kink_distance(setting, setting.pack(a=[2.0], b=[-0.5], c=[1.0], alpha=0, beta=0))
    0.25
    """
    parameters(setting, theta, leading=False)
    return np.inf


@kink_distance.register
def _(setting: ReluNetwork, theta):
    part = setting.unpack(parameters(setting, theta, leading=False))
    if np.any((part["a"] == 0) & (part["b"] == 0) & (part["c"] != 0)):  # on the brink everywhere
        return 0.0
    bends = (part["a"] != 0) & (part["c"] != 0)
    a, b = part["a"][bends], part["b"][bends]
    return float(np.min(np.abs((a * setting.x[:, None] + b) / a), initial=np.inf))


@singledispatch
def kink_clearance(_setting, _theta):
    """The least distance in θ at which a neuron's a x_i + b changes sign; infinite for a smooth model.

    |a_j x_i + b_j|/√(1 + x_i²): to be held against the standard deviation of the noise in θ.
    """
    return np.inf


@kink_clearance.register
def _(setting: ReluNetwork, theta):
    alive = np.any(theta[: 2 * setting.width].reshape(2, -1) != 0, axis=0)
    inputs = np.abs(preactivations(setting, theta)[:, alive])
    return float(np.min(inputs / np.sqrt(1 + setting.x[:, None] ** 2), initial=np.inf))


def active(setting, theta):
    """(n, width) bool: on which data each ReLU neuron is active."""
    return preactivations(setting, theta) > 0


def preactivations(setting, theta):
    """z_ij = a_j x_i + b_j, (n, width)."""
    part = setting.unpack(theta)
    return part["a"] * setting.x[:, None] + part["b"]
