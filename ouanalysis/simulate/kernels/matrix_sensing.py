"""h(U, A_i) = ⟨A_i, UUᵀ⟩, U (d, r): its gradient is S_i U with S_i = A_i + A_iᵀ, and its value half of ⟨S_i U, U⟩."""

from typing import NamedTuple

import numpy as np

from ...arguments import Array
from ...settings import MatrixSensing

__all__ = ["model", "value_and_gradient"]


class Sensing(NamedTuple):
    symmetric: Array  # S_i = A_i + A_iᵀ (n, d, d)
    y: Array
    rank: int


def model(setting: MatrixSensing) -> Sensing:
    """The arrays of a `MatrixSensing`; copies, as Numba compiles anew for a read-only array."""
    return Sensing(setting.x + np.swapaxes(setting.x, -1, -2), setting.y.copy(), setting.rank)


def value_and_gradient(model, theta, i, gradient) -> float:
    """Compiled: row by row of U."""
    symmetric, rank = model.symmetric[i], model.rank
    d = len(symmetric)
    value = 0.0
    for row in range(d):
        out = gradient[row * rank : (row + 1) * rank]
        out[:] = 0.0
        for column in range(d):
            weight = symmetric[row, column]
            for k in range(rank):
                out[k] += weight * theta[column * rank + k]
        for k in range(rank):
            value += out[k] * theta[row * rank + k]
    return value / 2
