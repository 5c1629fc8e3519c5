"""Where a model bends: the pre-activations of every `where_positive` that it runs, watched while h runs.

A call of `where_positive` whose two sides agree as functions (a stable logistic, say) is no kink.

Source: theory.md, section 4.2, for the kinks of ReLU networks; nothing here is special to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad
from autograd.core import make_vjp

from ..activations import positive, watching
from .quiet_derivatives import quiet_derivatives

__all__ = ["Branches", "Held", "Kinks", "find_kinks", "preactivations", "record"]


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

    shapes: tuple = ()
    bends: tuple = ()
    rectified: tuple = ()
    unknown: str = ""

    @property
    def count(self):
        """k, the number of pre-activations of one datum that bend."""
        return sum(prod(shape) for shape, bends in zip(self.shapes, self.bends, strict=True) if bends)

    def columns(self, recorded, leading):
        """What was recorded, one array a call, as one array (*leading, k) of those that bend."""
        kept = [
            anp.reshape(z + np.zeros(leading + shape), (*leading, prod(shape)))
            for z, shape, bends in zip(recorded, self.shapes, self.bends, strict=True)
            if bends
        ]
        return anp.concatenate(kept, axis=-1) if kept else np.zeros((*leading, 0))

    def calls(self, columns):
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

    h: Callable[[Any, Any], Any]
    branches: Branches
    feature: tuple

    def __call__(self, theta, datum):
        width = prod(self.feature)
        x = np.reshape(datum[..., :width], datum.shape[:-1] + self.feature)
        patterns = self.branches.calls(datum[..., width:])

        def choose(z, then, otherwise):
            pattern = next(patterns)
            return anp.where(positive(z) if pattern is None else pattern > 0, then, otherwise)

        with watching(choose):
            return self.h(theta, x)


@dataclass(frozen=True, eq=False)
class Kinks:
    """The pre-activations z_ij of θ (p,) on each datum i, and how far each is from changing its sign.

    Attributes
    ----------
    preactivations : (n, k) array
    clearance : (n, k) array
        |z_ij|/‖∇_θ z_ij‖, the distance in θ to the kink, to first order; infinite where θ does not move z_ij.
    distance : (n, k) array
        |z_ij|/‖∇_x z_ij‖, the same in x; infinite where x does not move it, and where h_i does not see the kink.
    jump : (n, k) array
        How much ∇_θ h_i jumps there, ‖∇_θ z_ij‖ times the change of h_i with what comes out of the branch.
    size : (k,) array
        The size ‖θ‖ of the parameters that z_j depends on.
    rectified : (k,) bool array
        Of the branches that give 0 where z_ij ≤ 0.
    """

    preactivations: np.ndarray
    clearance: np.ndarray
    distance: np.ndarray
    jump: np.ndarray
    size: np.ndarray
    rectified: np.ndarray

    @cached_property
    def dead(self):
        """(k,) bool array: the neurons that are active on no datum."""
        return self.rectified & np.all(self.preactivations <= 0, axis=0)

    @cached_property
    def on_data(self):
        """The pairs (datum, neuron) of kinks on data, (m, 2): to √eps of the neuron's size.

        Neurons below √eps of the largest do not count, nor jumps of ∇h below √eps of the largest: they are rounding's.
        """
        if not self.preactivations.size:
            return np.zeros((0, 2), dtype=int)
        precision = np.sqrt(np.finfo(float).eps)
        weighs = (self.size > precision * np.max(self.size)) | (self.jump > precision * np.max(self.jump))
        return np.argwhere((self.clearance <= precision * self.size) & weighs)


def record(h, theta, x):
    """h(θ, x), and of each call of `where_positive` on the way what it compared with 0 and took elsewhere."""
    compared, elsewhere = [], []

    def choose(z, then, otherwise):
        compared.append(z)
        elsewhere.append(otherwise)
        return anp.where(positive(z), then, otherwise)

    with watching(choose):
        value = h(theta, x)
    return value, compared, elsewhere


def preactivations(setting, theta):
    """z_ij of θ (p,), (n, k)."""
    rows = np.broadcast_to(theta, (setting.n, setting.dim))
    return setting.branches.columns(record(setting.h, rows, setting.x)[1], (setting.n,))


def find_kinks(setting, theta):
    """The `Kinks` at θ (p,), by autograd."""
    branches, n = setting.branches, setting.n
    rows = np.array(np.broadcast_to(theta, (n, setting.dim)))

    def at(rows, x):
        return branches.columns(record(setting.h, rows, x)[1], (n,))

    along_theta, along_x = np.zeros((2, n, branches.count))
    moved = np.zeros((branches.count, setting.dim), dtype=bool)
    with quiet_derivatives():
        by_theta, z = make_vjp(lambda rows: at(rows, setting.x), rows)
        by_x, _ = make_vjp(lambda x: at(rows, x), setting.x)
        for j, unit in enumerate(np.eye(branches.count)):
            pulled = by_theta(np.broadcast_to(unit, z.shape))
            moved[j] = np.any(pulled != 0, axis=0)
            along_theta[:, j] = np.linalg.norm(pulled, axis=-1)
            along_x[:, j] = np.linalg.norm(by_x(np.broadcast_to(unit, z.shape)).reshape(n, -1), axis=-1)
        seen = np.abs(_sensitivity(setting, rows))
    calls = zip(branches.shapes, branches.bends, branches.rectified, strict=True)
    return Kinks(
        preactivations=z,
        clearance=quotient(np.abs(z), along_theta, at_rest=np.inf),
        distance=np.where(seen > 0, quotient(np.abs(z), along_x, at_rest=0.0), np.inf),
        jump=seen * along_theta,
        size=np.sqrt(moved @ theta**2),
        rectified=np.array([zero for shape, bends, zero in calls if bends for _ in range(prod(shape))], dtype=bool),
    )


def quotient(length, speed, *, at_rest):
    """length/speed; where the speed is 0 infinite, or `at_rest` if the length is 0 too."""
    with np.errstate(all="ignore"):
        return np.where(speed > 0, length / speed, np.where(length > 0, np.inf, at_rest))


def _sensitivity(setting, rows):
    """∂h_i/∂(what comes out of each branch), (n, k)."""
    branches = setting.branches

    def shifted(shift):
        shifts = branches.calls(shift)

        def choose(z, then, otherwise):
            out, by = anp.where(positive(z), then, otherwise), next(shifts)
            return out if by is None else out + by

        with watching(choose):
            return setting.h(rows, setting.x)

    return elementwise_grad(shifted)(np.zeros((len(rows), branches.count)))
