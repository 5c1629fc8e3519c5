"""The products of a model's derivatives by autograd.

Each row of J gets its own copy of θ, so one backward pass gives every gradient: (m, p) is broadcast to (m, rows, p),
where datum i sees only row i. Data go in blocks of bounded memory.
"""

import autograd.numpy as anp
import numpy as np

from ...arguments import Array
from ...settings import Setting
from ...settings.quiet_derivatives import quiet_derivatives
from ...tape.entries import entrywise_gradient
from .repeatedly import evaluated

__all__ = ["BLOCK", "AutogradProducts"]

BLOCK = 1 << 20  # floats in one broadcast (m, rows, p) array: 8 MB
GRAM = 1 << 24  # floats of J from which K is made at once: 128 MB


class AutogradProducts:
    """`Products` by autograd, of a model of one output; one of several is taken by its rows, each of which is one."""

    def __init__(self, setting: Setting) -> None:
        self._data, self._outputs, self._rows = setting.n, setting.outputs, setting.by_row()

    def predictions(self, points: Array) -> Array:
        return self._rows.h(points[:, None, :], self._rows.x)

    def jacobian(self, points: Array) -> Array:
        return self._some_rows(points, slice(0, self._rows.n))

    def gram(self, points: Array) -> Array:
        some = [slice(rows.start, rows.stop) for rows in self._blocks(GRAM // max(len(points), 1))]
        gram = np.empty((len(points), self._rows.n, self._rows.n))
        for k, rows in enumerate(some):
            gradients = self._some_rows(points, rows)
            gram[:, rows, rows] = gradients @ np.swapaxes(gradients, -1, -2)
            for others in some[:k]:
                gram[:, rows, others] = gradients @ np.swapaxes(self._some_rows(points, others), -1, -2)
                gram[:, others, rows] = np.swapaxes(gram[:, rows, others], -1, -2)
        return gram

    def squared_norms(self, points: Array) -> Array:
        norms = np.empty((len(points), self._rows.n))
        for data in self._blocks():
            gradients = self._gradients_at(data, _copies(points, data))
            norms[:, data] = np.einsum("...ij,...ij->...i", gradients, gradients)
        return norms.reshape(len(points), self._data, self._outputs).sum(axis=-1)

    def squared_norms_gradient(self, points: Array) -> Array:
        return 2 * self._summed_products(points, None)

    def forward(self, theta: Array, direction: Array) -> Array:
        return np.concatenate(
            [(self._gradients_at(data, _copies(theta[None], data)) @ direction)[0] for data in self._blocks()]
        )

    def backward(self, theta: Array, weights: Array) -> Array:
        total = np.zeros(theta.shape)
        for data in self._blocks():
            total += weights[data] @ self._gradients_at(data, _copies(theta[None], data))[0]
        return total

    def hessian_products(self, theta: Array, vectors: Array) -> Array:
        return self._summed_products(theta[None], vectors)[0]

    def data_hessian_products(self, theta: Array, direction: Array) -> Array:
        return np.concatenate(
            [self._pullbacks(data, _copies(theta[None], data), direction)[0] for data in self._blocks()]
        )

    def lagrangian_hessian_products(self, theta: Array, multipliers: Array, directions: Array) -> Array:
        products = np.zeros(directions.shape)
        for data in self._blocks():
            size = max(1, BLOCK // ((data.stop - data.start) * theta.size))
            for start in range(0, len(directions), size):
                along = directions[start : start + size]
                copies = _copies(np.broadcast_to(theta, along.shape), data)
                product = self._lagrangian_pullbacks(data, copies, multipliers[data], along[:, None, :])
                products[start : start + size] += np.sum(product, axis=-2)
        return products

    def _some_rows(self, points, rows):
        """Those of J, (m, rows, p)."""
        blocks = [
            self._gradients_at(data, _copies(points, data))
            for data in self._blocks()
            if rows.start <= data.start < rows.stop
        ]
        return np.concatenate(blocks, axis=-2) if len(blocks) > 1 else blocks[0]

    def _summed_products(self, points, vectors):
        """Σ_r ∇²h_r u_r, of u_r = ∇h_r where vectors is None: points (m, p) gives (m, p)."""
        total = np.zeros(points.shape)
        for data in self._blocks():
            copies = _copies(points, data)
            along = self._gradients_at(data, copies) if vectors is None else vectors[data]
            total += np.sum(self._pullbacks(data, copies, along), axis=-2)
        return total

    def _gradients_at(self, data, copies):
        """∇h of some rows at their copies of θ."""
        return self._evaluated("gradients", data, self._gradient(data), copies)

    def _pullbacks(self, data, copies, along):
        """∇⟨∇h, along⟩ there."""

        def function(copies, along):
            return _along(self._gradient(data), along)(copies)

        return self._evaluated("pullbacks", data, function, copies, along)

    def _lagrangian_pullbacks(self, data, copies, weights, along):
        """∇⟨∇(‖∇h‖²/n − μh), along⟩ there."""
        gradient, x = self._gradient(data), self._rows.x[data]

        def function(copies, weights, along):
            def terms(copies):
                return anp.sum(gradient(copies) ** 2, axis=-1) / self._data - weights * self._rows.h(copies, x)

            return _along(entrywise_gradient(terms), along)(copies)

        return self._evaluated("lagrangian", data, function, copies, weights, along)

    def _gradient(self, data):
        x = self._rows.x[data]
        return entrywise_gradient(lambda copies: self._rows.h(copies, x))

    def _evaluated(self, name, data, function, *arrays):
        with quiet_derivatives():
            return evaluated(name, self._rows, data, function, *arrays)

    def _blocks(self, floats=0):
        """Slices of the rows, each of a whole number of the smallest."""
        size = max(1, BLOCK // self._rows.dim)
        size *= max(1, floats // (size * self._rows.dim))
        return [slice(start, min(start + size, self._rows.n)) for start in range(0, self._rows.n, size)]


def _along(gradient, along):
    return entrywise_gradient(lambda copies: anp.sum(gradient(copies) * along, axis=-1))


def _copies(points, data):
    return np.broadcast_to(points[:, None, :], (len(points), data.stop - data.start, points.shape[-1])).copy()
