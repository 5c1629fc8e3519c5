"""A PyTorch module as a model h(theta, x) of NumPy arrays, theta the flat vector of its parameters."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property, wraps
from math import prod
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..arguments import Array, cut
from .by_value import by_value
from .torch_formulas import Formulas

__all__ = ["LARGE", "TorchModel", "blocks", "flat", "recorded", "tensors"]

BYTES = 2 << 20  # in what a pass keeps of a block of data,
SOME, LARGE = 16, 16 << 20  # or more, of up to 16 data as long as they keep no more than 16 MB
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
NOTHING: AbstractContextManager[Any] = nullcontext()
_ONE_AT_A_TIME = threading.RLock()  # a module's parameters are exchanged while it runs


def recorded(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """The function, within which PyTorch records what it computes, whatever mode its caller is in."""

    @wraps(function)
    def within(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        with torch.inference_mode(False), torch.enable_grad():
            return function(*args, **kwargs)

    return within


@dataclass(frozen=True, eq=False)
class TorchModel:
    """`factor` times the module's output, of shape `outputs` for a datum: () or (k,).

    Attributes
    ----------
    module : torch.nn.Module
        A copy that nobody else holds, in the mode (train or eval) that it was given in.
    feature : tuple of int
        The shape of a datum.
    kind : torch.dtype
        What x is given to the module as: float64, or the integers or booleans that it was.
    outputs : tuple of int
    factor : float
    """

    module: torch.nn.Module
    feature: tuple[int, ...]
    kind: torch.dtype
    outputs: tuple[int, ...]
    factor: float = 1.0

    @cached_property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters that require a gradient; one that is shared appears once."""
        return {name: tuple(p.shape) for name, p in self.module.named_parameters() if p.requires_grad}

    @property
    def k(self) -> int:
        """The number of outputs."""
        return prod(self.outputs)

    @cached_property
    def dim(self) -> int:
        """p, the number of parameters."""
        return sum(map(prod, self.parts.values()))

    @cached_property
    def known(self) -> dict[str, Any]:
        """What has been found out of the module by running it; left out when the model is pickled."""
        return {}

    def run(
        self,
        parameters: dict[str, torch.Tensor],
        x: torch.Tensor,
        within: AbstractContextManager[Any] = NOTHING,
    ) -> torch.Tensor:
        """h of tensors, (n, k): k = 1 for a module of one output; `within` sees the functions that the module calls.

        The module has its own copy of x, which it may change.
        """
        with _ONE_AT_A_TIME, differentiable_attention(), Formulas(), within:
            value = functional_call(self.module, parameters, (x.clone(),))
        value = value.reshape(len(x), self.k)
        return value if self.factor == 1.0 else self.factor * value

    def split(self, theta: torch.Tensor) -> dict[str, torch.Tensor]:
        """Views of theta (p,) by name."""
        return dict(zip(self.parts, cut(theta, self.parts.values()), strict=True))

    def leaves(self, theta: Array) -> dict[str, torch.Tensor]:
        """The parameters by name, each of which gradients are taken by."""
        return {name: part.requires_grad_() for name, part in self.split(tensors(theta)).items()}

    def random_theta(self, rng: np.random.Generator) -> Array:
        """θ (p,) where, most likely, no derivative vanishes: a layer gives what is of the size of its inputs."""
        parts = [rng.standard_normal(shape) / max(1, prod(shape[1:])) ** 0.5 for shape in self.parts.values()]
        return np.concatenate([part.ravel() for part in parts])

    def random_leaves(self) -> dict[str, torch.Tensor]:
        """`leaves` of the same random θ each time."""
        return self.leaves(self.random_theta(np.random.default_rng(1)))

    def data(self, x: Array) -> torch.Tensor:
        """x (..., *feature) as the module is given it."""
        return tensors(x).to(self.kind)

    @cached_property
    @recorded
    def bytes_of_a_datum(self) -> int:
        """What a backward pass keeps of a datum, nearly; at least what a few numbers take."""
        kept = []

        def keep(tensor):
            kept.append((tensor.data_ptr(), tensor.numel() * tensor.element_size()))
            return tensor

        theta = {name: torch.full(shape, 0.1, dtype=torch.float64) for name, shape in self.parts.items()}
        own = {leaf.requires_grad_().data_ptr() for leaf in theta.values()}
        try:
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                self.run(theta, torch.zeros((2, *self.feature), dtype=self.kind))
        except RuntimeError:  # torch.func inside the module, which takes no hooks
            return BYTES // SOME
        return max(256, sum(size for place, size in dict(kept).items() if place not in own) // 2)

    @recorded
    def __call__(self, theta: Array, x: Array) -> Array:
        """h(theta, x): theta (..., p) and x (..., *feature) give (..., *outputs); the leading axes broadcast."""
        for array in (theta, x):
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
                raise TypeError("h is a PyTorch module, which takes numbers alone: PyTorch itself differentiates it")
        theta, x, leading = self._aligned(theta, x)
        values = np.empty((*x.shape[:2], self.k))
        with torch.no_grad():
            for row, parameters in enumerate(theta):
                named = self.split(tensors(parameters))
                for some in blocks(x.shape[1], self.bytes_of_a_datum):
                    values[row, some] = self.run(named, self.data(x[row, some])).numpy()
        return values.reshape(leading + self.outputs)

    @recorded
    def with_backward(self, theta: Array, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """h of chains theta (m, p) on x (..., b, *feature), (m, b, *outputs), and what pulls weights of it back.

        Weights, shaped as h, give Σ_b weight_b ∇h_b of each chain, (m, p). Block by block of data: what a backward
        pass needs is kept where all of it is little, else computed again.
        """
        batch = np.broadcast_to(x, (len(theta), *x.shape[x.ndim - len(self.feature) - 1 :]))
        size = self.bytes_of_a_datum
        places = [(row, data) for row in range(len(theta)) for data in blocks(batch.shape[1], size)]
        values, kept = np.empty((*batch.shape[:2], self.k)), {}

        def graph(row, data):
            named = self.leaves(theta[row])
            return named, self.run(named, self.data(batch[row, data]))

        for i, place in enumerate(places):
            found = graph(*place)
            values[place] = found[1].detach().numpy()
            if len(theta) * batch.shape[1] * size <= LARGE:
                kept[i] = found

        @recorded
        def pull_back(weights):
            pulled = np.zeros(theta.shape)
            for i, place in enumerate(places):
                named, value = kept.pop(i, None) or graph(*place)
                seed = tensors(weights[place]).reshape(value.shape)
                slopes = torch.autograd.grad(value, list(named.values()), seed, allow_unused=True)
                pulled[place[0]] += flat(slopes, named)
            return pulled

        return values.reshape(values.shape[:2] + self.outputs), pull_back

    def _aligned(self, theta, x):
        """theta (m, p) and x (m, n, *feature), n data for each of m parameters, and the leading axes of both."""
        of_theta, of_x = theta.shape[:-1], x.shape[: x.ndim - len(self.feature)]
        leading = np.broadcast_shapes(of_theta, of_x)
        shared = len(leading)  # the axes before: theta is the same along those behind
        while shared and (len(leading) - shared >= len(of_theta) or of_theta[shared - len(leading) - 1] == 1):
            shared -= 1
        x = np.broadcast_to(x, leading + self.feature).reshape(prod(leading[:shared]), -1, *self.feature)
        axes = (1,) * (len(leading) - len(of_theta)) + of_theta
        theta = np.broadcast_to(theta.reshape(*axes[:shared], -1), (*leading[:shared], theta.shape[-1]))
        return theta.reshape(-1, theta.shape[-1]), x, leading

    def _value(self):
        """What makes two models equal: all that the modules hold but the values of the parameters that are θ."""
        names = {id(p): name for name, p in self.module.named_parameters() if p.requires_grad}
        module = by_value(self.module, lambda thing, again: _of_torch(thing, again, names))
        return module, tuple(self.parts.items()), self.feature, self.kind, self.outputs, self.factor

    def __eq__(self, other):
        return self is other or (isinstance(other, TorchModel) and self._value() == other._value())

    def __hash__(self):
        return hash(self._value())

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "known"}


def tensors(array: Array) -> torch.Tensor:
    """A copy, as what a Setting holds may not be written to."""
    return torch.from_numpy(np.array(array, dtype=np.float64))


def flat(gradients: "Iterable[torch.Tensor | None]", named: dict[str, torch.Tensor]) -> Array:
    """One vector of gradients by some parameters, 0 by those that a function does not read."""
    parts = zip(gradients, named.values(), strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).reshape(-1) for g, p in parts]).detach().numpy()


def blocks(count: int, size: int) -> Iterator[slice]:
    """Slices of `count` data of `size` bytes, as many at once as fit the memory."""
    step = max(1, BYTES // size, min(SOME, LARGE // size))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


@contextmanager
def differentiable_attention() -> Iterator[None]:
    """Within, attention is computed by products and a softmax; the fused kernels have but one derivative."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _of_torch(thing, again, names):
    """A parameter by its name, a tensor by its bytes, and a module whose hooks are numbered from 0."""
    if isinstance(thing, torch.Tensor):
        return names.get(id(thing)) or (type(thing), thing.dtype, tuple(thing.shape), _bytes(thing))
    if not isinstance(thing, torch.nn.Module):
        return None
    try:
        make, arguments, state, *_ = thing.__reduce_ex__(4)
        hooks = {name: state[name] for name in vars(torch.nn.Module()) if "_hooks" in name}
    except Exception:  # a class of its own ways with pickle
        return None
    numbers = {key: number for number, key in enumerate(sorted(set().union(*hooks.values())))}
    numbered = {name: {numbers[key]: hook for key, hook in held.items()} for name, held in hooks.items()}
    return make, again(arguments), again({**state, **numbered})


def _bytes(tensor):
    try:
        return tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
    except (RuntimeError, TypeError, NotImplementedError):  # sparse, or of no numbers of its own
        return id(tensor)
