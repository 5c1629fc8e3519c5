"""h(x) = ⟨u∘u − v∘v, x⟩, with θ = (u, v): its gradient is (2 u∘x, −2 v∘x), and its value half of their product."""

from typing import NamedTuple

from ...arguments import Array
from ...settings import QuadraticParametrisation
from .dot import dot

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
    u, v, to_u, to_v = theta[:d], theta[d:], gradient[:d], gradient[d:]
    for j in range(d):
        to_u[j] = 2.0 * x[j] * u[j]
    for j in range(d):
        to_v[j] = -2.0 * x[j] * v[j]
    return dot(gradient, theta) / 2
