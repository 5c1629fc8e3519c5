"""What holds at a θ: derivatives, the zero-error set, and the local Ornstein-Uhlenbeck process."""

from .derivatives import gram, jacobian, loss, regularizer, regularizer_gradient
from .kinks import kink_distance
from .manifold import InterpolationError, interpolate
from .ou import LocalOU, local_ou

__all__ = [
    "InterpolationError",
    "LocalOU",
    "gram",
    "interpolate",
    "jacobian",
    "kink_distance",
    "local_ou",
    "loss",
    "regularizer",
    "regularizer_gradient",
]
