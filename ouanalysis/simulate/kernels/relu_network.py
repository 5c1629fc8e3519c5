"""h(x) = Σ_j c_j (a_j x + b_j)₊ + α x + β, with θ = (a, b, c, α, β) and the derivative 1[z > 0]."""

from typing import NamedTuple

from ...arguments import Array
from ...settings import ReluNetwork
from .dot import dot

__all__ = ["model", "value_and_gradient"]


class Relu(NamedTuple):
    x: Array
    y: Array
    width: int


def model(setting: ReluNetwork) -> Relu:
    """The arrays of a `ReluNetwork`; copies, as Numba compiles anew for a read-only array."""
    return Relu(setting.x.copy(), setting.y.copy(), setting.width)


def value_and_gradient(model, theta, i, gradient) -> float:
    """Compiled: loops so short that each fills vector units."""
    x, m = model.x[i], model.width
    a, b, c = theta[:m], theta[m : 2 * m], theta[2 * m : 3 * m]
    to_a, to_b, hidden = gradient[:m], gradient[m : 2 * m], gradient[2 * m : 3 * m]
    for j in range(m):
        z = a[j] * x + b[j]
        outer = c[j]  # read in any case: a branch around it, for neurons that fill no vector, is often guessed wrong
        slope = outer if z > 0 else 0.0
        hidden[j] = z if z > 0 else 0.0
        to_a[j] = slope * x
        to_b[j] = slope
    gradient[3 * m] = x
    gradient[3 * m + 1] = 1.0
    return dot(c, hidden) + theta[3 * m] * x + theta[3 * m + 1]
