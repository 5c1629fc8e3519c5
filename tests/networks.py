"""Networks in autograd.numpy, the witnesses of those that the tests of other libraries write in words of their own.

theta holds the arrays of `shapes` in the order of their names, as JAX has those of a dict, each row-major.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import autograd.numpy as anp
import numpy as np

import ouanalysis as ou

__all__ = ["NETWORKS", "Network"]


@dataclass(frozen=True)
class Network:
    """h(parts, x) of a dict of arrays (..., *shape) and x (..., *feature), whose leading axes broadcast."""

    h: Callable
    shapes: dict
    feature: tuple
    outputs: tuple = ()
    tokens: int = 0  # data are integers below it; 0 for real data

    @property
    def dim(self):
        return sum(map(prod, self.shapes.values()))

    def __call__(self, theta, x):
        parts, start = {}, 0
        for name, shape in sorted(self.shapes.items()):
            stop = start + prod(shape)
            parts[name] = anp.reshape(theta[..., start:stop], theta.shape[:-1] + shape)
            start = stop
        return self.h(parts, x)

    def data(self, n, rng):
        """Random x and y of n data."""
        size = (n, *self.feature)
        x = rng.integers(self.tokens, size=size) if self.tokens else rng.normal(size=size)
        return x, rng.normal(size=(n, *self.outputs))

    def params(self, rng):
        """A dict of random arrays, that keep pre-activations about 1."""
        return {
            name: rng.normal(size=shape) / np.sqrt(prod(shape[1:]) if name == "kernel" else max(1, prod(shape[:-1])))
            for name, shape in self.shapes.items()
        }

    def setting(self, x, y):
        return ou.Setting(self, x, y, dim=self.dim)


def contract(subscripts, *arrays):
    return anp.einsum(subscripts, *arrays)


def mlp(p, x):
    z = anp.tanh(contract("...i,...ij->...j", x, p["first"]) + p["shift"])
    return contract("...i,...i->...", anp.tanh(contract("...i,...ij->...j", z, p["second"])), p["out"])


def two_outputs(p, x):
    z = anp.tanh(contract("...i,...ij->...j", x, p["first"]) + p["shift"])
    return contract("...i,...ij->...j", z, p["out"])


def cnn(p, x):
    """A 3 × 3 convolution of x (channels, 6, 6) by kernel (filters, channels, 3, 3), tanh, and means over 2 × 2."""
    z = p["shift"][..., None, None]
    for i in range(3):
        for j in range(3):
            z = z + contract("...cab,...fc->...fab", x[..., i : i + 4, j : j + 4], p["kernel"][..., i, j])
    z = anp.tanh(z)
    pooled = sum(z[..., i::2, j::2] for i in range(2) for j in range(2)) / 4
    return contract("...fab,...fab->...", pooled, p["out"])


def attention(p, x):
    """A block of two heads over 4 tokens: embedding, attention, residual, layer norm, mean."""
    chosen = np.asarray(x)[..., None] == np.arange(5)
    z = contract("...tv,...vd->...td", chosen.astype(float), p["embedding"]) + p["position"]
    query, key, value = (contract("...td,...dhe->...hte", z, p[name]) for name in ("query", "key", "value"))
    scores = contract("...hte,...hse->...hts", query, key) / np.sqrt(2)
    weights = anp.exp(scores) / anp.sum(anp.exp(scores), axis=-1, keepdims=True)
    z = z + contract("...hts,...hse,...hed->...td", weights, value, p["join"])
    centred = z - anp.mean(z, axis=-1, keepdims=True)
    normed = centred / anp.sqrt(anp.mean(centred**2, axis=-1, keepdims=True) + 1e-5) * p["scale"][..., None, :]
    return contract("...td,...d->...", normed, p["out"]) / 4


def rnn(p, x):
    """The same weights at each of 5 times, and the read-out by the input weights once more."""
    state = anp.tanh(contract("...i,...ij->...j", x[..., 0, :], p["input"]) + p["shift"])
    for t in range(1, 5):
        moved = contract("...i,...ij->...j", x[..., t, :], p["input"]) + contract("...i,...ij->...j", state, p["again"])
        state = anp.tanh(moved + p["shift"])
    return anp.sum(contract("...ij,...j->...i", p["input"], state), axis=-1)


NETWORKS = {
    "mlp": Network(mlp, {"first": (3, 5), "shift": (5,), "second": (5, 4), "out": (4,)}, (3,)),
    "two outputs": Network(two_outputs, {"first": (3, 4), "shift": (4,), "out": (4, 2)}, (3,), (2,)),
    "cnn": Network(cnn, {"kernel": (3, 2, 3, 3), "shift": (3,), "out": (3, 2, 2)}, (2, 6, 6)),
    "attention": Network(
        attention,
        {"embedding": (5, 4), "position": (4, 4)}
        | dict.fromkeys(("query", "key", "value"), (4, 2, 2))
        | {"join": (2, 2, 4), "scale": (4,), "out": (4,)},
        (4,),
        tokens=5,
    ),
    "rnn": Network(rnn, {"input": (2, 3), "again": (3, 3), "shift": (3,)}, (5, 2)),
}
