"""h(x) = ⟨u∘u − v∘v, x⟩, with θ = (u, v): its gradient is (2 u∘x, −2 v∘x)."""

from typing import NamedTuple

from ...arguments import Array
from ...settings import QuadraticParametrisation

__all__ = ["model", "value_and_gradient"]


class Quadratic(NamedTuple):
    x: Array
    y: Array


def model(setting: QuadraticParametrisation) -> Quadratic:
    """The arrays of a `QuadraticParametrisation`; copies, as Numba compiles anew for a read-only array."""
    return Quadratic(setting.x.copy(), setting.y.copy())


def value_and_gradient(model, theta, i, gradient) -> float:
    """Compiled: feature by feature."""
    x = model.x[i]
    d = len(x)
    value = 0.0
    for j in range(d):
        u, v = theta[j], theta[d + j]
        gradient[j] = 2.0 * u * x[j]
        gradient[d + j] = -2.0 * v * x[j]
        value += (u * u - v * v) * x[j]
    return value
