"""Where a model bends: the pre-activations of every `where_positive` that it runs, watched while h runs.

A call of `where_positive` whose two sides agree as functions (a stable logistic, say) is no kink.

Source: theory.md, section 4.2, for the kinks of ReLU networks; nothing here is special to them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import autograd.numpy as anp
import numpy as np

from ..activations import positive, watching
from ..arguments import Array, Model

if TYPE_CHECKING:
    from .setting import Setting

__all__ = ["Branches", "Held", "preactivations", "record"]


@dataclass(frozen=True)
class Branches:
    """What is known of the branches of a model, the same at every θ and datum.

    Attributes
    ----------
    shapes : tuple of tuples
        What each call of `where_positive` compares with 0, of one θ and one datum.
    bends : tuple of bool
        Whether h changes with the side that is taken there.
    rectified : tuple of bool
        Whether what is taken elsewhere is 0, so that the neuron is then dead.
    unknown : str
        Why there may be kinks besides these; empty where all are known.
    """

    shapes: tuple[tuple[int, ...], ...] = ()
    bends: tuple[bool, ...] = ()
    rectified: tuple[bool, ...] = ()
    unknown: str = ""

    @property
    def count(self) -> int:
        """k, the number of pre-activations of one datum that bend."""
        return sum(prod(shape) for shape, bends in zip(self.shapes, self.bends, strict=True) if bends)

    def columns(self, recorded: Sequence[Array], leading: tuple[int, ...]) -> Array:
        """What was recorded, one array a call, as one array (*leading, k) of those that bend."""
        kept = [
            anp.reshape(z + np.zeros(leading + shape), (*leading, prod(shape)))
            for z, shape, bends in zip(recorded, self.shapes, self.bends, strict=True)
            if bends
        ]
        return anp.concatenate(kept, axis=-1) if kept else np.zeros((*leading, 0))

    def calls(self, columns: Array) -> Iterator[Array | None]:
        """The inverse of `columns` for the calls that bend, None for the others."""
        start = 0
        for shape, bends in zip(self.shapes, self.bends, strict=True):
            if bends:
                stop = start + prod(shape)
                yield anp.reshape(columns[..., start:stop], columns.shape[:-1] + shape)
                start = stop
            else:
                yield None


@dataclass(frozen=True)
class Held:
    """h(θ, (x, pattern)) with the sides of its branches taken as the pattern (..., k) says, and so without kinks."""

    h: Model
    branches: Branches
    feature: tuple[int, ...]

    def __call__(self, theta: Array, datum: Array) -> Array:
        width = prod(self.feature)
        x = np.reshape(datum[..., :width], datum.shape[:-1] + self.feature)
        patterns = self.branches.calls(datum[..., width:])

        def choose(z, then, otherwise):
            pattern = next(patterns)
            return anp.where(positive(z) if pattern is None else pattern > 0, then, otherwise)

        with watching(choose):
            return self.h(theta, x)


def record(h: Model, theta: Array, x: Array) -> tuple[Array, list[Array], list[Array]]:
    """h(θ, x), and of each call of `where_positive` on the way what it compared with 0 and took elsewhere."""
    compared, elsewhere = [], []

    def choose(z, then, otherwise):
        compared.append(z)
        elsewhere.append(otherwise)
        return anp.where(positive(z), then, otherwise)

    with watching(choose):
        value = h(theta, x)
    return value, compared, elsewhere


def preactivations(setting: "Setting", theta: Array) -> Array:
    """z_ij of θ (p,), (n, k)."""
    if not setting.branches.count:
        return np.zeros((setting.n, 0))
    rows = np.broadcast_to(theta, (setting.n, setting.dim))
    return setting.branches.columns(record(setting.h, rows, setting.x)[1], (setting.n,))
