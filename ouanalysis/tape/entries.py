"""What a function does to arrays, written down: autograd's own tracer with a recording Node.

The gradient is autograd's: its reverse pass runs inside the recording, so that the tape has both, and a derivative at a
kink is what autograd makes of it.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import SparseObject, VJPNode, primitive_vjps, sparse_add, sparse_object_types, vspace
from autograd.tracer import (
    Box,
    Node,
    getval,
    isbox,
    new_box,
    notrace_primitives,
    register_notrace,
    trace,
    trace_primitives_map,
    trace_stack,
)
from autograd.util import toposort

from .. import activations
from ..activations import watching
from ..arguments import Array, Model
from .composites import composite

__all__ = ["Entry", "Verbatim", "entrywise_gradient", "in_order", "made", "pull_back", "record", "record_loss"]
__all__ += ["written"]

LOOKS = {
    Box.__bool__.__code__: "a branch of Python on what depends on theta or x",
    getval.__code__: "a value of theta or x that is taken out of autograd",
}
COUNTS = {trace_primitives_map[np.sum], trace_primitives_map[np.prod]}  # of booleans


class Entry(Node):
    """One operation: its function and arguments, among them the entries that it reads; without a function an input."""

    __slots__ = ("arguments", "function", "keywords", "kind", "level", "parents", "shape")
    simplified = True

    function: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    shape: tuple[int, ...]
    kind: str  # of its numbers, as NumPy calls it: "f", "b" of a mask, "i" of a count
    parents: "tuple[Entry, ...]"

    def __init__(self, value, function, arguments, keywords, argnums, parents) -> None:
        self.level = parents[0].level
        simpler = composite(function) if self.simplified else None
        if simpler:
            given = dict(zip(argnums, parents, strict=True))
            boxes = [new_box(v, self.level, given[k]) if k in given else v for k, v in enumerate(arguments)]
            made = simpler(*boxes, **keywords)._node
            self.function, self.arguments, self.keywords = made.function, made.arguments, made.keywords
            self.shape, self.kind, self.parents = made.shape, made.kind, made.parents
            return
        self.kind = kind = getattr(getattr(value, "dtype", None), "kind", "f")
        if (kind in "iu" and function not in COUNTS) or kind == "c":
            raise NotImplementedError(
                f"{function.__name__}, which gives {'complex numbers' if kind == 'c' else 'integers'}"
            )
        if kind == "b" and not isinstance(value, np.ndarray):
            raise NotImplementedError(f"{function.__name__} of single numbers, as a branch of Python asks for")
        changed = list(arguments)
        for argnum, parent in zip(argnums, parents, strict=True):
            changed[argnum] = parent
        self.function, self.arguments, self.keywords, self.parents = function, tuple(changed), keywords, parents
        self.shape = value.vs.shape if isinstance(value, SparseObject) else np.shape(value)

    def initialize_root(self, name: str, shape: tuple[int, ...], level: int) -> None:
        self.function, self.arguments, self.keywords, self.parents = None, (name,), {}, ()
        self.shape, self.kind, self.level = shape, "f", level


def made(
    function: Any, arguments: Sequence[Any], shape: tuple[int, ...], keywords: dict[str, Any] | None = None
) -> Entry:
    """An entry that nothing was traced for."""
    entry = Entry.__new__(Entry)
    entry.function, entry.arguments, entry.keywords, entry.shape = function, tuple(arguments), keywords or {}, shape
    entry.parents = tuple(argument for argument in arguments if isinstance(argument, Entry))
    entry.kind, entry.level = "f", entry.parents[0].level
    return entry


class Verbatim(Entry):
    """An operation as it was called, whatever it is composed of."""

    __slots__ = ()
    simplified = False


class _Adjoint(VJPNode):
    """autograd's node of the reverse pass, but for tanh, of which autograd takes cosh too."""

    __slots__ = ()

    def __init__(self, value, function, arguments, keywords, argnums, parents) -> None:
        rule = activations.tanh if function is anp.tanh else function
        super().__init__(value, rule if rule in primitive_vjps else function, arguments, keywords, argnums, parents)


notrace_primitives[_Adjoint] = notrace_primitives[VJPNode]
for _function in (anp.size, anp.isscalar, anp.zeros_like, anp.ones_like, anp.empty_like):
    register_notrace(Entry, _function)
notrace_primitives[Verbatim] = notrace_primitives[Entry]


def record(h: Model, theta: Array, x: Array) -> tuple[Any, Any]:
    """The entries of h (1,) and ∇_θ h (1, p) at theta (p,) and x (*feature); an array where neither input is read."""

    def both(theta, x):
        return pull_back(lambda copy: h(copy, x), theta, lambda value: np.ones(anp.shape(value)))

    value, gradient = written(both, {"theta": theta[None], "x": x[None]}, Entry)
    return value, gradient


def record_loss(h: Model, theta: Array, x: Array) -> Entry:
    """The entry of ∇_θ of scale (h − label)²/2, likewise; `label` and `scale` are inputs too."""

    def gradient(theta, x, label, scale):
        return pull_back(lambda copy: h(copy, x), theta, lambda value: scale * (value - label))[1:]

    inputs = {"theta": theta[None], "x": x[None], "label": np.zeros(1), "scale": np.ones(1)}
    entry: Entry = written(gradient, inputs, Entry)[0]
    return entry


def pull_back(function: Callable[[Array], Any], at: Array, seed: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The value of a function, and the pullback of seed(value)."""
    value, end = trace(_Adjoint.new_root(), function, at)
    return value, _pulled_back(seed(value), end)


def written(function: Callable[..., tuple[Any, ...]], inputs: dict[str, Array], kind: type[Entry]) -> Any:
    """The entries of what a function of arrays returns; an array where none of the inputs is read.

    Raises
    ------
    NotImplementedError
        Where the function looks at values: by a branch of Python, or by taking them out of autograd.
    """
    with trace_stack.new_trace() as level, watching(_choose), _values_unseen():
        boxes = [new_box(value, level, kind.new_root(name, value.shape, level)) for name, value in inputs.items()]
        return tuple(out._node if isbox(out) else out for out in function(*boxes))


def entrywise_gradient(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """autograd's `elementwise_grad`, which can be written down: nothing is added in place."""

    def gradient(at):
        value, end = trace(VJPNode.new_root(), function, at)
        return anp.zeros(anp.shape(at)) if end is None else _pulled_back(anp.ones(anp.shape(value)), end)

    return gradient


@contextmanager
def _values_unseen():
    """Within, a NotImplementedError from whoever looks at a value that is traced, but for autograd itself."""

    def look(frame, event, _argument):
        if event != "call" or frame.f_code not in LOOKS:
            return
        caller = frame.f_back.f_globals.get("__name__", "")
        if not caller.startswith("autograd."):
            raise NotImplementedError(LOOKS[frame.f_code])

    before: Any = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
        if hasattr(before, "enable"):  # cProfile's own, which setprofile does not take
            before.enable()
        else:
            sys.setprofile(before)


def _pulled_back(out, end):
    """autograd's reverse pass, without adding in place to what is plain: the tape has it as it was."""
    gradients = {end: out}
    for node in toposort(end):
        out = gradients.pop(node)
        for parent, part in zip(node.parents, node.vjp(out), strict=True):
            gradients[parent] = _sum(gradients.get(parent), part)
    return out


def _sum(before, part):
    space = vspace(part)
    if type(part) in sparse_object_types:
        part = sparse_add(space, None, part)
    return part if before is None else space.add(before, part)


def _choose(z, then, otherwise):
    return anp.where(z > 0, then, otherwise)


def in_order(ends: list[Entry]) -> Iterator[Entry]:
    """The entries that the ends need, each after those that it reads."""
    seen: set[int] = set()
    waiting = [(end, False) for end in reversed(ends)]
    while waiting:
        entry, ready = waiting.pop()
        if ready:
            yield entry
        elif id(entry) not in seen:
            seen.add(id(entry))
            waiting.append((entry, True))
            waiting += [(parent, False) for parent in reversed(entry.parents)]
