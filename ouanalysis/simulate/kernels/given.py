"""A kernel of the user's own: a function of theta, x and the gradient's array."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numba
from numba.core.dispatcher import Dispatcher

from ...arguments import Array
from ...settings import Setting

__all__ = ["Given", "value_and_gradient"]


class Own(NamedTuple):
    x: Array
    y: Array
    function: Any  # compiled


@dataclass(frozen=True)
class Given:
    """The user's function, compiled or to be compiled by Numba."""

    function: Callable[[Array, Array, Array], float]

    def model(self, setting: Setting) -> Own:
        """The arrays of a setting; copies, as Numba compiles anew for a read-only array."""
        return Own(setting.x.copy(), setting.y.ravel().copy(), _compiled(self.function))


@cache
def _compiled(function):
    return function if isinstance(function, Dispatcher) else numba.njit(function)


def value_and_gradient(model, theta, i, gradient) -> float:
    """Compiled."""
    return model.function(theta, model.x[i], gradient)
