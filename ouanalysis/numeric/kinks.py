"""Where a model has no derivative: the kinks of ReLU neurons, and how far they are from the data."""

from functools import singledispatch

import numpy as np

from ..arguments import real_array
from ..settings import ReluNetwork

__all__ = ["kink_distance"]


@singledispatch
def kink_distance(_setting, _theta):
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
    return np.inf


@kink_distance.register
def _(setting: ReluNetwork, theta):
    part = setting.unpack(real_array("theta", theta, shape=(setting.dim,)))
    bends = (part["a"] != 0) & (part["c"] != 0)
    kinks = -part["b"][bends] / part["a"][bends]
    return float(np.min(np.abs(setting.x[:, None] - kinks), initial=np.inf))
