"""How near the kinks of a model are, in θ and in x.

Source: theory.md, section 4.2, for those of ReLU networks; nothing here is special to them.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad
from autograd.core import make_vjp
from numpy.typing import NDArray

from ..activations import positive, watching
from ..arguments import Array, Booleans
from .branches import record
from .quiet_derivatives import quiet_derivatives

if TYPE_CHECKING:
    from .setting import Setting

__all__ = ["Kinks", "find_kinks", "quotient"]


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

    preactivations: Array
    clearance: Array
    distance: Array
    jump: Array
    size: Array
    rectified: Booleans

    @cached_property
    def dead(self) -> Booleans:
        """(k,) bool array: the neurons that are active on no datum."""
        return self.rectified & np.all(self.preactivations <= 0, axis=0)

    @cached_property
    def on_data(self) -> NDArray[np.intp]:
        """The pairs (datum, neuron) of kinks on data, (m, 2): to √eps of the neuron's size.

        Neurons below √eps of the largest do not count, nor jumps of ∇h below √eps of the largest: they are rounding's.
        """
        if not self.preactivations.size:
            return np.zeros((0, 2), dtype=int)
        precision = np.sqrt(np.finfo(float).eps)
        weighs = (self.size > precision * np.max(self.size)) | (self.jump > precision * np.max(self.jump))
        return np.argwhere((self.clearance <= precision * self.size) & weighs)


def find_kinks(setting: "Setting", theta: Array) -> Kinks:
    """The `Kinks` at θ (p,), by autograd; none, without running h, where none are known."""
    branches, n = setting.branches, setting.n
    if not branches.count:
        each, none = np.zeros((n, 0)), np.zeros(0)
        return Kinks(each, each, each, each, size=none, rectified=none.astype(bool))
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
        size=_sizes(theta, moved),
        rectified=np.array([zero for shape, bends, zero in calls if bends for _ in range(prod(shape))], dtype=bool),
    )


def _sizes(theta, moved):
    """‖θ‖ on the parameters that are marked in each row of moved (k, p), (k,), where squares are no floats too."""
    unit = np.max(np.abs(theta)) or 1.0
    return unit * np.sqrt(moved @ (theta / unit) ** 2)


def quotient(length: Array, speed: Array, *, at_rest: float) -> Array:
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

    if setting.y.ndim > 1:  # the most that any output does
        return np.max([_of_output(shifted, k, rows, branches) for k in range(setting.outputs)], axis=0)
    return elementwise_grad(shifted)(np.zeros((len(rows), branches.count)))


def _of_output(shifted, k, rows, branches):
    return np.abs(elementwise_grad(lambda shift: shifted(shift)[..., k])(np.zeros((len(rows), branches.count))))
