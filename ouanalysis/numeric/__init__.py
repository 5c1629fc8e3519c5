"""What holds at a θ: derivatives, the zero-error set, and the local Ornstein-Uhlenbeck process."""

from .derivatives import gram, jacobian, loss, regularizer, regularizer_gradient
from .manifold import InterpolationError, interpolate
from .ou import LocalOU, local_ou

__all__ = [
    "InterpolationError",
    "LocalOU",
    "gram",
    "interpolate",
    "jacobian",
    "local_ou",
    "loss",
    "regularizer",
    "regularizer_gradient",
]
