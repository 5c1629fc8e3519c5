"""A two-layer network on one datum: gradients of its inner weights are multiples of x, so they move along x alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from ..arguments import Array

if TYPE_CHECKING:
    from .setting import Setting

__all__ = ["OneDatum"]


@dataclass(frozen=True, eq=False)
class OneDatum:
    """Coordinates (c, u, rest) of θ = (c, W): W mirrored so that x lies on the first axis, of which u is the column.

    A mirror keeps lengths and angles, so SGD is the same in them: c and u move as `setting` has it, and nothing else.

    Attributes
    ----------
    setting : Setting
        The same network on one input, ±‖x‖, with θ = (c, u).
    mirror : (d,) array
        The unit normal v of the mirror I − 2 v vᵀ.
    """

    setting: "Setting"
    mirror: Array

    @classmethod
    def of(cls, x: Array, network: Callable[[float], "Setting"]) -> Self | None:
        """For x (d,), and the network on a number in its place; None where there is nothing to be gained."""
        with np.errstate(over="ignore", under="ignore"):
            length = float(np.sqrt(np.sum(x * x)))
        if len(x) < 2 or not 1e-150 < length < 1e150:  # its square is a float, and not a small one
            return None
        sign = -1.0 if x[0] > 0 else 1.0  # x/‖x‖ goes to ±e_1, to the one that it is farther from
        normal = x / length
        normal[0] -= sign
        return cls(network(sign * length), normal / np.sqrt(np.sum(normal * normal)))

    def turned(self, theta: Array) -> Array:
        """The coordinates (..., p) of theta (..., p)."""
        c, W = np.split(theta, [self._width], axis=-1)
        mirrored = self._mirrored(W.reshape(*c.shape, len(self.mirror)))
        return np.concatenate([c, mirrored[..., 0], _flat(mirrored[..., 1:])], axis=-1)

    def back(self, turned: Array) -> Array:
        """The theta (..., p) of coordinates (..., p)."""
        c, u, rest = np.split(turned, [self._width, 2 * self._width], axis=-1)
        mirrored = np.concatenate([u[..., None], rest.reshape(*u.shape, len(self.mirror) - 1)], axis=-1)
        return np.concatenate([c, _flat(self._mirrored(mirrored))], axis=-1)

    @property
    def _width(self):
        return self.setting.dim // 2

    def _mirrored(self, W):
        along = np.sum(W * self.mirror, axis=-1)  # row by row: BLAS may round otherwise at another number of rows
        return W - 2 * along[..., None] * self.mirror


def _flat(W):
    """(..., m, k) as (..., m k)."""
    return W.reshape(*W.shape[:-2], W.shape[-2] * W.shape[-1])
