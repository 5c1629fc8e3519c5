"""A function of JAX as a model of a flat θ in float64, whatever the user's configuration of JAX is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from ..arguments import Array, cut
from .by_value import by_value
from .jax_layers import Layer, layers_of
from .jax_library import double_precision, installed_jax
from .jax_programs import Programs, programs, traced
from .jaxprs import floats_of

__all__ = ["FLOATS", "JaxModel", "Leaf", "padded"]

FLOATS = 1 << 21  # in the rows of J of one block: 16 MB


@dataclass(frozen=True)
class Leaf:
    """What stands for an array of this shape in the tree of the parameters; JAX takes it for a leaf."""

    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class JaxModel:
    """h(θ, x) of NumPy arrays, θ (..., p) and x (..., *feature), whose leading axes broadcast; factor · f.

    Attributes
    ----------
    f : callable
        f(params, x) of a batch x (b, *feature) gives (b,), (b, 1) or (b, k).
    template : pytree
        The tree of the parameters, with a `Leaf` for each array.
    feature : tuple
    kind : numpy.dtype
        That of the data as f is given them: float64, or the one of integers and bools.
    outputs : tuple
        () or (k,).
    factor : float
        Not 1 for what `rescaled` gives.
    """

    f: Callable[[Any, Any], Any]
    template: Any
    feature: tuple[int, ...]
    kind: np.dtype[Any]
    outputs: tuple[int, ...]
    factor: float = 1.0

    def __call__(self, theta: Array, x: Array) -> Array:
        theta, x = np.asarray(theta, dtype=float), np.asarray(x)
        data = x.shape[: x.ndim - len(self.feature)]
        if len(data) == 1 and (theta.ndim == 1 or theta.shape[-2] == 1):
            at = theta.shape[:-2]
            values = self.predictions(theta.reshape(-1, theta.shape[-1]), x)
            return values.reshape(*at, *data, *self.outputs)
        leading = np.broadcast_shapes(theta.shape[:-1], data)
        theta = np.broadcast_to(theta, (*leading, theta.shape[-1])).reshape(-1, theta.shape[-1])
        x = np.broadcast_to(x, (*leading, *self.feature)).reshape(-1, *self.feature)
        return self._pairs(theta, x).reshape(*leading, *self.outputs)

    def predictions(self, points: Array, x: Array) -> Array:
        """h at each of some θ on all of some data: points (m, p) and x (n, *feature) give (m, n, k)."""
        size = points.shape[-1]
        data = max(1, min(len(x), FLOATS // self.floats))
        most = max(1, FLOATS // (size + data * self.floats))
        return self.on_blocks(self.programs.values, points, x, (self.k,), data, most)

    def on_blocks(
        self, program: Callable[..., Any], points: Array, x: Array, tail: tuple[int, ...], data: int, most: int
    ) -> Array:
        """What a program gives of each θ and datum, (m, n, *tail), by blocks of `data` data and `most` θ at most."""
        given = np.empty((len(points), len(x), *tail))
        block = _block_length(len(points), most)
        with double_precision():
            for i in range(0, len(points), block):
                at = padded(points[i : i + block], block)
                for j in range(0, len(x), data):
                    values = np.asarray(program(at, self.typed(padded(x[j : j + data], data)), self.factor))
                    into = given[i : i + block, j : j + data]
                    into[...] = values[: into.shape[0], : into.shape[1]]
        return given

    def with_backward(self, theta: Array, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """h of chains θ (m, p) on x (b, *feature), or (m, b, *feature) of their own, as (m, b) or (m, b, k); and the
        function of weights of that shape that gives Σ_b weight_b ∇h_b of each chain, (m, p).
        """
        shared = x.ndim == 1 + len(self.feature)
        axis = 0 if shared else 1
        programs = self.programs
        forward, pulled = (programs.values, programs.pulled) if shared else (programs.own_values, programs.own_pulled)
        size = max(1, min(x.shape[axis], FLOATS // (len(theta) * self.floats)))
        cuts = range(size, x.shape[axis], size)
        blocks = [self.typed(block) for block in np.split(x, cuts, axis=axis)]

        def pull_back(weights):
            shares = np.split(weights.reshape(*weights.shape[:2], self.k), cuts, axis=1)
            with double_precision():
                pairs = zip(shares, blocks, strict=True)
                return sum(np.asarray(pulled(theta, share, block, self.factor)) for share, block in pairs)

        with double_precision():
            values = [np.asarray(forward(theta, block, self.factor)) for block in blocks]
        return np.concatenate(values, axis=1).reshape(len(theta), x.shape[axis], *self.outputs), pull_back

    def typed(self, x: Array) -> np.ndarray[Any, Any]:
        """Data as f is given them."""
        return x.astype(self.kind, copy=False)

    def scaled(self, factor: float) -> "JaxModel":
        """factor · h, by the same programs."""
        other = replace(self, factor=float(factor * self.factor))
        vars(other).update(
            {name: vars(self)[name] for name in ("programs", "floats", "layers", "tree") if name in vars(self)}
        )
        return other

    def unpack(self, theta: Array) -> Any:
        """The tree of NumPy arrays (..., *shape) that θ (..., p) holds."""
        return self.tree.unflatten(cut(theta, self.shapes))

    @property
    def k(self) -> int:
        """The number of outputs."""
        return prod(self.outputs)

    @cached_property
    def tree(self) -> Any:
        """The structure of the parameters, as JAX has it."""
        return installed_jax().tree_util.tree_structure(self.template)

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Those of the parameters' arrays."""
        return tuple(leaf.shape for leaf in installed_jax().tree_util.tree_leaves(self.template))

    @cached_property
    def programs(self) -> Programs:
        """Its values and derivatives on a block of data, compiled when they are first asked for."""
        return programs(self._values, self.shapes)

    @cached_property
    def floats(self) -> int:
        """How many more floats two data are computed by than one, at least 1."""
        one, two = self._jaxprs
        return max(1, floats_of(two) - floats_of(one))

    @cached_property
    def layers(self) -> dict[int, Layer]:
        """Those whose gradients are products, by leaf."""
        with double_precision():
            return layers_of(self._jaxprs[0], len(self.shapes))

    def floats_of_rows(self, of_layer: Callable[[Layer], int]) -> int:
        """In a row of J, of which that of a layer takes so many."""
        of_layers = {leaf: of_layer(layer) for leaf, layer in self.layers.items()}
        return sum(of_layers.get(leaf, prod(shape)) for leaf, shape in enumerate(self.shapes))

    @cached_property
    def _jaxprs(self):
        with double_precision():
            return traced(self._values, self.shapes, self.feature, self.kind)

    def _values(self, leaves, x, factor):
        """factor · f of the parameters' arrays and x (b, *feature) of JAX, (b, k)."""
        return factor * self.f(self.tree.unflatten(leaves), x).reshape(x.shape[0], self.k)

    def _pairs(self, theta, x):
        """h of each θ (m, p) on its own datum (m, *feature), (m, k)."""
        values = np.empty((len(theta), self.k))
        block = _block_length(len(theta), max(1, FLOATS // (theta.shape[-1] + self.floats)))
        with double_precision():
            for i in range(0, len(theta), block):
                at, data = padded(theta[i : i + block], block), self.typed(padded(x[i : i + block], block))
                into = values[i : i + block]
                into[...] = np.asarray(self.programs.own_values(at, data[:, None], self.factor))[: len(into), 0]
        return values

    def _value(self):
        return by_value(self.f), self.tree, self.shapes, self.feature, self.kind, self.outputs, self.factor

    def __eq__(self, other):
        return self._value() == other._value() if isinstance(other, JaxModel) else NotImplemented

    def __hash__(self):
        return hash(self._value())

    def __reduce__(self):
        return JaxModel, (self.f, self.template, self.feature, self.kind, self.outputs, self.factor)

    def __repr__(self):
        return repr(self.f)


def padded(array: Array, length: int) -> Array:
    """The array with its last entry again, up to this length: a program is compiled once for each."""
    if len(array) == length:
        return array
    return np.concatenate([array, np.broadcast_to(array[-1:], (length - len(array), *array.shape[1:]))])


def _block_length(count: int, most: int) -> int:
    """How long the blocks of `count` points are: a power of two, so that few lengths are compiled, or `most`."""
    return min(most, 1 << max(count - 1, 0).bit_length())
