"""A model of several outputs, one output at a time: what it gives for a datum and a unit vector."""

from dataclasses import dataclass
from math import prod

import autograd.numpy as anp
import numpy as np

from ..arguments import Array, Model

__all__ = ["OneOutput"]


@dataclass(frozen=True)
class OneOutput:
    """⟨h(θ, x), e⟩ for data (x, e) (..., *feature and k, flattened); what e is 0 for may be infinite."""

    h: Model
    feature: tuple[int, ...]

    def __call__(self, theta: Array, datum: Array) -> Array:
        width = prod(self.feature)
        x, unit = datum[..., :width], datum[..., width:]
        values = self.h(theta, np.reshape(x, datum.shape[:-1] + self.feature))
        return anp.sum(anp.where(unit > 0, values, 0.0), axis=-1)
