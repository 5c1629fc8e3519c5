"""A two-layer network on one datum: gradients of its inner weights are multiples of x, so they move along x alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..arguments import Array

if TYPE_CHECKING:
    from .setting import Setting

__all__ = ["OneDatum"]


@dataclass(frozen=True, eq=False)
class OneDatum:
    """Coordinates (c, u) of θ = (c, W), u = W x/‖x‖: label noise moves them as it moves the network on the input ‖x‖.

    Attributes
    ----------
    setting : Setting
        That network, with θ = (c, u).
    direction : (d,) array
        x/‖x‖.
    """

    setting: "Setting"
    direction: Array

    def of(self, theta: Array) -> Array:
        """The coordinates (..., 2m) of theta (..., p)."""
        c, W = np.split(theta, [self._width], axis=-1)
        with np.errstate(all="ignore"):
            products = np.multiply(W.reshape(*c.shape, -1), self.direction, order="C")
            return np.concatenate([c, np.sum(products, axis=-1)], axis=-1)  # alike in any number of rows, unlike BLAS

    def back(self, coordinates: Array, start: Array) -> Array:
        """Where chains that started at `start` (chains, p) are in θ (chains, k, p), by coordinates (chains, k, 2m).

        What of W is normal to x stays as it was, to the last bit where it did not move along x.
        """
        chains, k, _ = coordinates.shape
        m, d = self._width, len(self.direction)
        theta = np.empty((chains, k, start.shape[-1]))
        theta[..., :m] = coordinates[..., :m]
        W = theta[..., m:]
        with np.errstate(all="ignore"):  # a chain that overflows has diverged
            moved = coordinates[..., m:] - self.of(start)[:, None, m:]
            for j in range(m):
                inner = W[..., j * d : (j + 1) * d]
                np.multiply(moved[..., j, None], self.direction, out=inner)
                inner += start[:, None, m + j * d : m + (j + 1) * d]
        return theta

    @property
    def _width(self):
        return self.setting.dim // 2
