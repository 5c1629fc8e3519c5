"""The products of a module's derivatives by PyTorch, on the data of a Setting, in bounded memory."""

from types import FunctionType

import numpy as np
import torch

from ..arguments import Array
from .ghost.gradients import Gradients
from .per_datum import hessian_rows
from .torch_model import LARGE, TorchModel, blocks, flat, recorded, tensors

__all__ = ["TorchProducts"]

ROWS = 32 << 20  # bytes of rows of J that are held at once, besides what is given back


def _all_recorded(products):
    """A class of which each method is `recorded`."""
    for name, method in vars(products).copy().items():
        if isinstance(method, FunctionType):
            setattr(products, name, recorded(method))
    return products


@_all_recorded
class TorchProducts:
    """`Products` by PyTorch, of a module on data x (n, *feature).

    Row i·k + j of J is that of output j on datum i.
    """

    def __init__(self, model: TorchModel, x: Array) -> None:
        self._model, self._x = model, model.data(x)
        self._n, self._k, self._dim = len(x), model.k, model.dim
        self._gradients = Gradients(model, self._x)

    def predictions(self, points: Array) -> Array:
        values = np.empty((len(points), self._n, self._k))
        with torch.no_grad():
            for value, theta in zip(values, points, strict=True):
                named = self._model.split(tensors(theta))
                for data in self._data():
                    value[data] = self._model.run(named, self._x[data]).numpy()
        return values.reshape(len(points), -1)

    def jacobian(self, points: Array) -> Array:
        jacobians = np.empty((len(points), self._n, self._k, self._dim))
        for jacobian, theta in zip(jacobians, points, strict=True):
            leaves = self._model.leaves(theta)
            for data in self._data(floats=self._dim):
                jacobian[data] = self._rows(leaves, data).detach().numpy()
        return jacobians.reshape(len(points), -1, self._dim)

    def gram(self, points: Array) -> Array:
        def data(count, floats):
            return self._data(count, floats=floats)

        grams = np.zeros((len(points), self._n * self._k, self._n * self._k))
        for gram, theta in zip(grams, points, strict=True):
            self._gradients.add_gram(torch.from_numpy(gram), self._model.leaves(theta), self._x, data, ROWS)
        return grams

    def squared_norms(self, points: Array) -> Array:
        norms = np.empty((len(points), self._n))
        for norm, theta in zip(norms, points, strict=True):
            leaves = self._model.leaves(theta)
            if self._gradients.chain is not None:
                norm[:] = self._gradients.chain.squared_norms(leaves, self._x.numpy())
                continue
            for data in self._data(floats=self._gradients.plan.formed):
                norm[data] = self._gradients.norms(leaves, self._x[data])[1].detach().numpy()
        return norms

    def squared_norms_gradient(self, points: Array) -> Array:
        found = np.zeros(points.shape)
        for gradient, theta in zip(found, points, strict=True):
            leaves = self._model.leaves(theta)
            for data in self._data(floats=self._gradients.plan.formed, passes=4):
                gradient += _slope(self._gradients.norms(leaves, self._x[data], again=True)[1].sum(), leaves)
        return found

    def forward(self, theta: Array, direction: Array) -> Array:
        leaves, along = self._model.leaves(theta), self._model.split(tensors(direction))
        return np.concatenate([self._forward(leaves, along, self._x[data]) for data in self._data()])

    def backward(self, theta: Array, weights: Array) -> Array:
        total, leaves = np.zeros(theta.shape), self._model.leaves(theta)
        weights = weights.reshape(self._n, self._k)
        for data in self._data():
            total += _slope((self._model.run(leaves, self._x[data]) * tensors(weights[data])).sum(), leaves)
        return total

    def hessian_products(self, theta: Array, vectors: Array) -> Array:
        total, leaves = np.zeros(theta.shape), self._model.leaves(theta)
        vectors = vectors.reshape(self._n, self._k, self._dim)
        for data in self._data(floats=self._dim):
            total += _slope((self._rows(leaves, data, again=True) * tensors(vectors[data])).sum(), leaves)
        return total

    def data_hessian_products(self, theta: Array, direction: Array) -> Array:
        leaves, along = self._model.leaves(theta), self._model.split(tensors(direction))
        products = np.empty((self._n, self._k, self._dim))
        for data in self._data(floats=self._dim):
            found = hessian_rows(self._model, leaves, along, self._x[data])
            products[data] = _joined(found).detach().numpy()
        return products.reshape(-1, self._dim)

    def lagrangian_hessian_products(self, theta: Array, multipliers: Array, directions: Array) -> Array:
        products, leaves = np.zeros(directions.shape), self._model.leaves(theta)
        multipliers, held = multipliers.reshape(self._n, self._k), list(leaves.values())
        for data in self._data(floats=self._gradients.plan.formed, passes=8):
            values, norms = self._gradients.norms(leaves, self._x[data], again=True)
            function = norms.sum() / self._n - (values * tensors(multipliers[data])).sum()
            gradient = torch.autograd.grad(function, held, create_graph=True, materialize_grads=True)
            for product, direction in zip(products, directions, strict=True):
                along = self._model.split(tensors(direction)).values()
                product += _slope(sum((g * v).sum() for g, v in zip(gradient, along, strict=True)), leaves, keep=True)
        return products

    def _rows(self, leaves, data, *, again=False):
        """J of some data, (n, k, p)."""
        return _joined(self._gradients.rows(leaves, self._x[data], tuple(leaves), again=again))

    def _forward(self, leaves, along, x):
        """J v on some data, (n·k,): Jᵀu is linear in u, and pulled back in its turn; all layers have two derivatives,
        not all a forward mode.
        """
        values = self._model.run(leaves, x)
        seed = torch.zeros_like(values, requires_grad=True)
        pulled = torch.autograd.grad(values, list(leaves.values()), seed, create_graph=True, materialize_grads=True)
        product = sum((g * v).sum() for g, v in zip(pulled, along.values(), strict=True))
        return torch.autograd.grad(product, seed)[0].reshape(-1).numpy()

    def _data(self, count=None, *, floats=0, passes=1):
        """Slices of all data, or so many, that passes of the module, and floats of each output, leave in memory."""
        of_rows = 8 * floats * self._k * passes
        return blocks(
            self._n if count is None else count, max(of_rows * LARGE // ROWS, self._model.bytes_of_a_datum * passes)
        )


def _joined(named):
    """(n, k, *shape) of each parameter as (n, k, p)."""
    return torch.cat([part[..., None].flatten(start_dim=2) for part in named.values()], dim=2)


def _slope(function, leaves, *, keep=False):
    """∇ of a number by all parameters, (p,); 0 where it depends on none."""
    if not function.requires_grad:
        return 0.0
    return flat(torch.autograd.grad(function, list(leaves.values()), retain_graph=keep, allow_unused=True), leaves)
