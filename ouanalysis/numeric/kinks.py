"""Where a model has no derivative: the kinks of ReLU neurons, and how far they are from the data.

A Setting of the user's own counts as smooth.
"""

from functools import partial, singledispatch

import numpy as np

from ..settings import ReluNetwork, Setting
from ..settings.relu_network import predict_with_pattern
from ..settings.setting import parameters

__all__ = ["kink_clearances", "kink_distance", "kink_on_datum", "preactivations", "refuse_kink", "smooth_piece"]


@singledispatch
def kink_distance(setting, theta):
    """The least |x_i + b_j/a_j| over data and neurons with c_j ≠ 0, in units of x; infinite for a smooth model.

    At 0 a kink sits on a datum, where reg jumps and derivatives are one-sided.

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
def preactivations(setting, _theta):
    """z_ij = a_j x_i + b_j of the neurons that bend where it is 0: (n, width), or (n, 0) for a smooth model."""
    return np.zeros((setting.n, 0))


@preactivations.register
def _(setting: ReluNetwork, theta):
    part = setting.unpack(theta)
    return part["a"] * setting.x[:, None] + part["b"]


@singledispatch
def kink_clearances(setting, _theta):
    """The distance in θ at which z_ij changes its sign, |z_ij|/√(1 + x_i²): (n, width), or (n, 0) for a smooth model.

    To be held against the standard deviation of the noise in θ; infinite for neurons with a = b = c = 0.
    """
    return np.zeros((setting.n, 0))


@kink_clearances.register
def _(setting: ReluNetwork, theta):
    inert = _sizes(setting, theta) == 0
    return np.where(inert, np.inf, np.abs(preactivations(setting, theta)) / np.sqrt(1 + setting.x[:, None] ** 2))


def kink_on_datum(setting, theta):
    """(datum, neuron) of a kink on a datum, to √eps of the neuron's size; None if there is none.

    Neurons below √eps of the largest do not count: what jumps there is of the order of rounding.
    """
    clearances = kink_clearances(setting, theta)
    if not clearances.size:
        return None
    sizes, precision = _sizes(setting, theta), np.sqrt(np.finfo(float).eps)
    found = np.argwhere((clearances <= precision * sizes) & (sizes > precision * np.max(sizes)))
    return (int(found[0][0]), int(found[0][1])) if len(found) else None


def refuse_kink(setting, theta):
    """A ValueError if a ReLU kink is on a datum: reg jumps there, and nothing has a derivative."""
    found = kink_on_datum(setting, theta)
    if found:
        datum, neuron = found
        raise ValueError(
            "theta: expected no ReLU kink on a datum, where h has no derivative and reg jumps,"
            f" got that of neuron {neuron} on x_{datum} = {setting.x[datum]:g}"
        )


@singledispatch
def smooth_piece(setting, _theta):
    """The Setting that equals this one until a ReLU kink meets a datum, and is smooth beyond."""
    return setting


@smooth_piece.register
def _(setting: ReluNetwork, theta):
    data = np.column_stack([setting.x, preactivations(setting, theta) > 0])
    return Setting(partial(predict_with_pattern, parts=setting.parts), data, setting.y, setting.dim)


def _sizes(setting, theta):
    """‖(a_j, b_j, c_j)‖ of each neuron, (width,)."""
    return np.linalg.norm(theta[: 3 * setting.width].reshape(3, -1), axis=0)
