"""h(x) = Σ_j c_j (a_j x + b_j)₊ + α x + β, with θ = (a, b, c, α, β) and the derivative 1[z > 0]."""

from typing import NamedTuple

from ...arguments import Array
from ...settings import ReluNetwork

__all__ = ["model", "value_and_gradient"]


class Relu(NamedTuple):
    x: Array
    y: Array
    width: int


def model(setting: ReluNetwork) -> Relu:
    """The arrays of a `ReluNetwork`; copies, as Numba compiles anew for a read-only array."""
    return Relu(setting.x.copy(), setting.y.copy(), setting.width)


def value_and_gradient(model, theta, i, gradient) -> float:
    """Compiled: neuron by neuron."""
    x, m = model.x[i], model.width
    value = theta[3 * m] * x + theta[3 * m + 1]
    gradient[3 * m] = x
    gradient[3 * m + 1] = 1.0
    for j in range(m):
        c = theta[2 * m + j]
        z = theta[j] * x + theta[m + j]
        active = 1.0 if z > 0 else 0.0
        hidden = z if z > 0 else 0.0
        value += c * hidden
        gradient[j] = active * c * x
        gradient[m + j] = active * c
        gradient[2 * m + j] = hidden
    return value
