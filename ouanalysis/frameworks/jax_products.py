"""The products of a JAX model's derivatives, block after block of data: some 16 MB of rows of J at once."""

import numpy as np

from ..arguments import Array
from .jax_library import double_precision, installed_jax
from .jax_model import FLOATS, JaxModel, padded

__all__ = ["JaxProducts"]


KEPT = 1 << 20  # floats of the factors that others are held against: 8 MB


class JaxProducts:
    """`Products` by JAX, of a model on data x (n, *feature)."""

    def __init__(self, model: JaxModel, x: Array) -> None:
        self._model, self._x = model, x

    def predictions(self, points: Array) -> Array:
        return self._model.predictions(points, self._x).reshape(len(points), -1)

    def jacobian(self, points: Array) -> Array:
        return self._rows(points, slice(None))

    def gram(self, points: Array) -> Array:
        """K from the factors of many data, and of some after some: inner products of derivatives and of a times b."""
        kept = self._model.floats_of_rows(lambda layer: layer.kept)
        size, most = self._size(self._factors) // 2 or 1, max(1, KEPT // (kept * self._model.k))
        n, k = len(self._x), self._model.k
        gram = np.empty((len(points), n, k, n, k))
        for place, theta in enumerate(points):
            for start in range(0, n, most):
                first = slice(start, min(start + most, n))
                left = _joined([self._factored(theta, some, size) for some in _cut(first, size)])
                for second in _cut(slice(start, n), size):
                    products = _products(left, self._factored(theta, second, size))
                    gram[place, first, :, second] = products
                    gram[place, second, :, first] = products.transpose(2, 3, 0, 1)
        return gram.reshape(len(points), n * k, n * k)

    def squared_norms(self, points: Array) -> Array:
        programs, size = self._model.programs, self._size(self._terms)
        return self._model.on_blocks(programs.norms, points, self._x, (), size, self._most(self._terms, size))

    def squared_norms_gradient(self, points: Array) -> Array:
        total = np.zeros(points.shape)
        for data, x in self._blocks(self._terms):
            weights = self._padded(np.ones(len(self._x)), data, len(x))
            for place, point in enumerate(points[:, None]):
                total[place] += self._run("norms_gradient", point, weights, x)[0]
        return total

    def forward(self, theta: Array, direction: Array) -> Array:
        slopes = np.empty((len(self._x), self._model.k))
        for data, x in self._blocks(None):
            slopes[data] = self._run("forward", theta, direction, x)[: len(slopes[data])]
        return slopes.ravel()

    def backward(self, theta: Array, weights: Array) -> Array:
        weights = weights.reshape(len(self._x), self._model.k)
        total = np.zeros(theta.shape)
        for data, x in self._blocks(None):
            total += self._run("pulled", theta[None], self._padded(weights, data, len(x))[None], x)[0]
        return total

    def hessian_products(self, theta: Array, vectors: Array) -> Array:
        vectors = vectors.reshape(len(self._x), self._model.k, theta.size)
        total = np.zeros(theta.shape)
        for data, x in self._blocks(theta.size):
            total += self._run("hessian", theta, self._padded(vectors, data, len(x)), x)
        return total

    def data_hessian_products(self, theta: Array, direction: Array) -> Array:
        products = np.empty((len(self._x), self._model.k, theta.size))
        for data, x in self._blocks(theta.size):
            products[data] = self._run("row_hessians", theta, direction, x)[: len(products[data])]
        return products.reshape(-1, theta.size)

    def lagrangian_hessian_products(self, theta: Array, multipliers: Array, directions: Array) -> Array:
        multipliers = multipliers.reshape(len(self._x), self._model.k)
        products = np.zeros(directions.shape)
        for data, x in self._blocks(theta.size):
            weights = self._padded(np.full(len(self._x), 1 / len(self._x)), data, len(x))
            forces = self._padded(multipliers, data, len(x))
            block = min(self._most(theta.size, len(x)), len(directions)) or 1
            for start in range(0, len(directions), block):
                along = padded(directions[start : start + block], block)
                into = products[start : start + block]
                into += self._run("lagrangian", theta, weights, forces, along, x)[: len(into)]
        return products

    def _run(self, name, *arrays):
        with double_precision():
            return installed_jax().device_get(getattr(self._model.programs, name)(*arrays, self._model.factor))

    def _factored(self, theta, data, size):
        """Rows (m, k, ·) by leaf, and of each layer at one place a (m, in), b (m, k, out), of some of the data."""
        x = self._x[data]
        rows, layers = self._run("factors", theta, self._model.typed(padded(x, size)))
        return [row[: len(x)] for row in rows], [(a[: len(x)], b[: len(x)]) for a, b in layers]

    def _rows(self, points, data):
        """J of some of the data, (m, rows, p)."""
        dim, x = points.shape[-1], self._x[data]
        size = min(self._size(dim), len(x))
        rows = self._model.on_blocks(
            self._model.programs.rows, points, x, (self._model.k, dim), size, self._most(dim, size)
        )
        return rows.reshape(len(points), -1, dim)

    @property
    def _terms(self):
        """How many floats the norm of a row is computed by."""
        return self._model.floats_of_rows(lambda layer: layer.floats)

    @property
    def _factors(self):
        """How many floats the factors of a row are computed by."""
        return self._model.floats_of_rows(lambda layer: layer.floats_of_kept)

    def _size(self, dim):
        """How many data there are to a block of rows of J, with what they are computed by; dim None: of no rows."""
        floats = self._model.floats if dim is None else self._model.k * (dim + self._model.floats)
        return max(1, min(len(self._x), FLOATS // floats))

    def _most(self, dim, size):
        """How many times so many data."""
        return max(1, FLOATS // (size * self._model.k * (dim + self._model.floats)))

    def _blocks(self, dim):
        """(which data, those data as f takes them) of one length."""
        size = self._size(dim)
        for start in range(0, len(self._x), size):
            data = slice(start, min(start + size, len(self._x)))
            yield data, self._model.typed(padded(self._x[data], size))

    def _padded(self, array, data, length):
        """What belongs to these data, and 0 for the others of the block."""
        out = np.zeros((length, *array.shape[1:]))
        out[: data.stop - data.start] = array[data]
        return out


def _cut(data, size):
    return [slice(start, min(start + size, data.stop)) for start in range(data.start, data.stop, size)]


def _joined(parts):
    """The factors of data one after the other."""
    rows = [np.concatenate(row) for row in zip(*(rows for rows, _ in parts), strict=True)]
    of_layers = zip(*(layers for _, layers in parts), strict=True)
    return rows, [tuple(map(np.concatenate, zip(*layer, strict=True))) for layer in of_layers]


def _products(left, right):
    """(m, k, ·, k) inner products of the rows of some data with those of others."""
    (rows, layers), (other_rows, other_layers) = left, right
    of_rows = [np.tensordot(row, other, axes=(2, 2)) for row, other in zip(rows, other_rows, strict=True)]
    return sum(of_rows) + sum(
        np.tensordot(b, other_b, axes=(2, 2)) * (a @ other_a.T)[:, None, :, None]
        for (a, b), (other_a, other_b) in zip(layers, other_layers, strict=True)
    )
