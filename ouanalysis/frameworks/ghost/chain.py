"""Squared norms of a plain network, dense layers one after the other, in NumPy: ‖∇h‖² = Σ_l ‖b_l‖² (‖a_l‖² + 1).

NumPy's tanh takes a fifth of the time of PyTorch's, its products less, and nothing is kept but a block of data for each
thread that PyTorch may use.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from ...arguments import Array
from ...one_blas_thread import one_blas_thread
from ..torch_model import TorchModel

__all__ = ["Chain", "find_chain"]

FLOATS = 1 << 18  # in what a thread keeps of a block: 2 MB, about what a cache holds


def _relu(z: Array, out: Array) -> Array:
    return np.maximum(z, 0.0, out=out)


def _logistic(z: Array, out: Array) -> Array:
    np.multiply(z, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1.0
    out *= 0.5
    return out


def _tanh_slope(a: Array, out: Array) -> Array:
    return np.subtract(1.0, np.multiply(a, a, out=out), out=out)


def _logistic_slope(a: Array, out: Array) -> Array:
    return np.multiply(a, np.subtract(1.0, a, out=out), out=out)


def _relu_slope(a: Array, out: Array) -> Array:
    return np.greater(a, 0.0, out=out)


# φ, and φ' of a = φ(z)
TANH, LOGISTIC, RELU = (np.tanh, _tanh_slope), (_logistic, _logistic_slope), (_relu, _relu_slope)
ACTIVATIONS = {
    **dict.fromkeys((torch.tanh, torch.Tensor.tanh, F.tanh), TANH),
    **dict.fromkeys((torch.sigmoid, torch.Tensor.sigmoid, F.sigmoid), LOGISTIC),
    **dict.fromkeys((torch.relu, torch.Tensor.relu, F.relu), RELU),
}
SHAPES = {torch.squeeze, torch.Tensor.squeeze, torch.flatten, torch.Tensor.flatten}


@dataclass(frozen=True)
class Chain:
    """Layers by the names of their weights and biases, if any, with an activation between each two."""

    layers: tuple[tuple[str, str | None], ...]
    activations: tuple
    factor: float

    def squared_norms(self, named: dict[str, torch.Tensor], x: Array) -> Array:
        """‖∇h_i‖² summed over the outputs, of data x (n, feature): (n,)."""
        weights = [named[weight].detach().numpy() for weight, _ in self.layers]
        biases = [None if bias is None else named[bias].detach().numpy() for _, bias in self.layers]
        widths = [len(weight) for weight in weights]
        threads, largest = torch.get_num_threads(), max(1, FLOATS // (sum(widths[:-1]) + 3 * max(widths) + 1))
        blocks = threads * -(-len(x) // (threads * largest))  # as many for each
        size = -(-len(x) // blocks)
        total, starts = np.zeros(len(x)), range(0, len(x), size)

        def of_thread(first):
            room = [np.empty((size, width)) for width in widths[:-1]], *np.empty((3, size * max(widths)))
            for start in starts[first::threads]:
                self._add(total[start : start + size], x[start : start + size], weights, biases, *room)

        with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(of_thread, range(threads)))
        return self.factor**2 * total

    def _add(self, total, x, weights, biases, held, first, second, third):
        """Forward, and from each output back: b_l = (b_{l+1} W_{l+1}) ∘ φ'."""
        inputs = [x]
        for weight, bias, room, (phi, _) in zip(weights, biases, held, self.activations, strict=False):
            z = np.dot(inputs[-1], weight.T, out=room[: len(x)])
            if bias is not None:
                z += bias
            inputs.append(phi(z, out=z))
        seen = [np.einsum("ij,ij->i", a, a) + (b is not None) for a, b in zip(inputs, biases, strict=True)]
        for row in weights[-1]:
            total += seen[-1]
            b = row  # what W_{l+1} gives back
            for layer in range(len(weights) - 2, -1, -1):
                a = inputs[layer + 1]
                below, slope = (room[: a.size].reshape(a.shape) for room in (first, second))
                b = np.multiply(b, self.activations[layer][1](a, slope), out=below)
                total += np.einsum("ij,ij->i", b, b) * seen[layer]
                if layer:
                    back = third[: len(x) * weights[layer].shape[1]].reshape(len(x), -1)
                    b = np.dot(b, weights[layer], out=back)


class _Calls(TorchFunctionMode):
    """Within, every function of PyTorch that is called is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out


def find_chain(model: TorchModel, leaves: dict[str, torch.Tensor], x: torch.Tensor) -> Chain | None:
    """The chain that the module is, if it does nothing else with data x (n, feature)."""
    if x.ndim != 2 or x.dtype != torch.float64:
        return None
    recorded = _Calls()
    with recorded:
        torch.func.functional_call(model.module, leaves, (x,))
    names, at = {id(leaf): name for name, leaf in leaves.items()}, x
    layers: list = []
    activations: list = []
    for func, args, kwargs, out in recorded.calls:
        given = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        if not args or args[0] is not at:
            return None
        if func is F.linear and len(layers) == len(activations):
            layers.append((names.get(id(given["weight"])), names.get(id(given.get("bias")))))
        elif (
            func in ACTIVATIONS
            and len(layers) == len(activations) + 1
            and not any(args[1:])
            and not any(kwargs.values())
        ):
            activations.append(ACTIVATIONS[func])
        elif func not in SHAPES or len(layers) != len(activations) + 1:
            return None
        at = out
    read = [name for layer in layers for name in layer if name is not None]
    if len(layers) != len(activations) + 1 or sorted(read) != sorted(leaves) or any(w is None for w, _ in layers):
        return None
    return Chain(tuple(layers), tuple(activations), model.factor)
