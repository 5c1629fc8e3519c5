"""What K needs of a layer: the factors of the gradients of all data, and their inner products block by block."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from scipy.sparse import bsr_array

from ...arguments import Array
from .backward import UnplannedError
from .dense import Dense
from .embedding import Lookup
from .term import Term

__all__ = ["Factors", "factors_of"]

BLOCK = 16 << 20  # bytes of products at once
OFTEN = 0.5  # of the data, that read a row of a table: past that zeros are multiplied too


class Factors(Protocol):
    """Of n data and k outputs."""

    size: int  # floats of a datum

    def empty(self, count: int) -> "Factors":
        """Room for so many data, of a layer like this."""

    def put(self, some: slice, output: int, term: Any) -> None:
        """What one output of some data has."""

    def products(self, other: "Factors") -> "Iterator[tuple[slice, Array | torch.Tensor]]":
        """Some rows i·k + j, and their inner products with all rows of another."""


def factors_of(terms: list[Term], k: int) -> Factors | None:
    """Of a parameter whose gradient is this sum; None where it is to be formed."""
    if len(terms) != 1:
        return None
    if isinstance(terms[0], Lookup):
        return TableFactors(terms[0], k, 1)
    return DenseFactors(terms[0], k, 1) if isinstance(terms[0], Dense) and terms[0].places == 1 else None


class DenseFactors:
    """a (n, in) and b (n, k, out) of a layer with one place: K = Σ ⟨a_i, a_j⟩ ⟨b_i, b_j⟩."""

    def __init__(self, term: Dense, k: int, count: int) -> None:
        self._term, self._k = term, k
        wide, high = term.inputs.shape[2], term.derivatives.shape[2]
        self.size = wide + k * high
        self._a = torch.empty((count, wide), dtype=torch.float64)
        self._b = torch.empty((count, k, high), dtype=torch.float64)

    def empty(self, count: int) -> "DenseFactors":
        return DenseFactors(self._term, self._k, count)

    def put(self, some: slice, output: int, term: Dense) -> None:
        self._a[some], self._b[some, output] = term.inputs[:, 0].detach(), term.derivatives[:, 0].detach()

    def products(self, other: "DenseFactors") -> Iterator[tuple[slice, torch.Tensor]]:
        k, count = self._k, len(other._a)
        for some in _blocks(len(self._a), k * k * count):
            a, b = self._a[some], self._b[some].flatten(end_dim=1)
            found = b @ other._b.flatten(end_dim=1).T
            found.view(len(a), k, count, k).mul_((a @ other._a.T)[:, None, :, None])
            yield slice(some.start * k, some.stop * k), found


class TableFactors:
    """The rows of a table that each datum reads, and its derivatives by them: two data meet in the rows of both."""

    def __init__(self, term: Lookup, k: int, count: int) -> None:
        self._term, self._k = term, k
        places, self._width = term.derivatives.shape[1:]
        self.size = places * (1 + k * self._width)
        self._indices = torch.empty((count, places), dtype=torch.int64)
        self._derivatives = torch.empty((count, places, k, self._width), dtype=torch.float64)

    def empty(self, count: int) -> "TableFactors":
        return TableFactors(self._term, self._k, count)

    def put(self, some: slice, output: int, term: Lookup) -> None:
        if term.indices.shape[1] != self._indices.shape[1]:  # of a module that cuts what it reads
            raise UnplannedError
        self._indices[some], self._derivatives[some, :, output] = term.indices, term.derivatives.detach()

    def products(self, other: "TableFactors") -> Iterator[tuple[slice, Array]]:
        k, count = self._k, len(other._indices)
        data, read, by = self._summed()
        other_data, other_read, other_by = (data, read, by) if other is self else other._summed()
        height = self._term.height
        often = np.flatnonzero(np.bincount(other_read, minlength=height) > OFTEN * count)
        seldom = ~np.isin(other_read, often)
        sparse = self._sparse(other_data[seldom], other_read[seldom], other_by[seldom], count).T
        dense = self._dense(other_data[~seldom], other_read[~seldom], other_by[~seldom], often, count).T
        for some in _blocks(len(self._indices), k * k * count):
            here = slice(*np.searchsorted(data, (some.start, some.stop)))
            at, rows, derivatives, size = data[here] - some.start, read[here], by[here], some.stop - some.start
            found = (self._sparse(at, rows, derivatives, size) @ sparse).toarray()
            both = np.isin(rows, often)
            found += self._dense(at[both], rows[both], derivatives[both], often, size) @ dense
            yield slice(some.start * k, some.stop * k), found

    def _summed(self):
        """Data, rows that they read, each once, and the derivatives (pairs, k, width), by datum."""
        height = self._term.height
        keys = (self._indices + height * torch.arange(len(self._indices))[:, None]).reshape(-1)
        pairs, place = torch.unique(keys, return_inverse=True)
        total = torch.zeros((len(pairs), self._k, self._width), dtype=torch.float64)
        total.index_add_(0, place, self._derivatives.flatten(end_dim=1))
        data, read = np.divmod(pairs.numpy(), height)
        return data, read, total.numpy()

    def _sparse(self, data, read, by, count):
        """(count · k, height · width), the derivatives in their places."""
        starts = np.searchsorted(data, np.arange(count + 1))
        return bsr_array((by, read, starts), shape=(count * self._k, self._term.height * self._width))

    def _dense(self, data, read, by, rows, count):
        """(count · k, rows · width), of some rows of the table."""
        found = np.zeros((count, self._k, len(rows), self._width))
        found[data, :, np.searchsorted(rows, read)] = by
        return found.reshape(count * self._k, -1)


def _blocks(count, floats):
    step = max(1, BLOCK // (8 * floats))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
