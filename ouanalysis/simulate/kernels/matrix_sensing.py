"""h(U, A_i) = ⟨A_i, UUᵀ⟩, U (d, r): its gradient is S_i U with S_i = A_i + A_iᵀ, and its value half of ⟨S_i U, U⟩."""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from ...arguments import Array
from ...settings import MatrixSensing
from .dot import dot
from .sizes import Size, is_known, known, size

__all__ = ["model", "of_known_sizes", "value_and_gradient"]


class Sensing(NamedTuple):
    symmetric: Array  # S_i = A_i + A_iᵀ (n, d, d)
    y: Array
    d: Size
    rank: Size


def model(setting: MatrixSensing) -> Sensing:
    """The arrays of a `MatrixSensing`; copies, as Numba compiles anew for a read-only array."""
    return Sensing(setting.x + np.swapaxes(setting.x, -1, -2), setting.y.copy(), setting.d, setting.rank)


def of_known_sizes(model: Sensing) -> Sensing:
    """The same, with d and r for Numba to know unless they are large."""
    return model._replace(d=known(model.d), rank=known(model.rank))


def value_and_gradient(model, theta, i, gradient) -> float:
    """Compiled: S_i U, then the value from it."""
    multiply(model.symmetric[i], theta, model.d, model.rank, gradient)
    return dot(gradient, theta) / 2


def multiply(S, U, d, rank, out) -> None:
    """S U, to out; only compiled code can call it."""
    raise NotImplementedError


@overload(multiply)
def _multiply(S, U, d, rank, out):
    return _by_entries if is_known(d) and is_known(rank) else _by_rows


def _by_entries(S, U, d, rank, out):
    """A loop over columns that can be unrolled, so that the entries of a row are taken together."""
    for row in range(size(d)):
        for k in range(size(rank)):
            entry = 0.0
            for column in range(size(d)):
                entry += S[row, column] * U[column * size(rank) + k]
            out[row * size(rank) + k] = entry


def _by_rows(S, U, d, rank, out):
    """The same sums in the same order, row by row of U."""
    for row in range(size(d)):
        entries = out[row * size(rank) : (row + 1) * size(rank)]
        entries[:] = 0.0
        for column in range(size(d)):
            weight, of_column = S[row, column], U[column * size(rank) : (column + 1) * size(rank)]
            for k in range(size(rank)):
                entries[k] += weight * of_column[k]
