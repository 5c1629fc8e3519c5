"""A tape as a straight line of NumPy calls: what autograd did, without autograd's own time.

The calls are those of the tape, but that sums over axes of one entry, products with 1 and additions of 0 are left out,
and that a product which is only summed is one einsum.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from autograd.numpy import numpy_wrapper
from autograd.tracer import trace_primitives_map

from ..arguments import Array
from .calls import ADDITIONS, INDEXED, primitive, reduced_axes, scatter
from .entries import Entry, in_order

__all__ = ["replay"]

ADD, EINSUM, MULTIPLY, POWER, RESHAPE = map(primitive, ("add", "einsum", "multiply", "power", "reshape"))
SUM, MEAN = primitive("sum"), trace_primitives_map[np.mean]
NEUTRAL = {MULTIPLY: 1.0, ADD: 0.0}


def replay(end: Entry, inputs: tuple[str, ...]) -> Callable[..., Array]:
    """The function of the inputs that a tape ends in."""
    return _Lines(end, inputs).function()


class _Lines:
    def __init__(self, end, inputs):
        self.inputs = inputs
        order = list(in_order([end]))
        self.same = {}  # what stands for an entry that is equal to it
        for entry in order:
            self.same[id(entry)] = self.of(_equal(entry, order))
        self.end = self.of(end)
        self.order = [entry for entry in order if self.of(entry) is entry]
        self.readers: dict[int, list[Entry]] = {id(entry): [] for entry in order}
        for entry in self.order:
            for parent in entry.parents:
                self.readers[id(self.of(parent))].append(entry)
        self.names, self.space, self.lines = {}, {"np": np}, []
        self.late = {}  # what is scattered into zeros, once it is clear to what it is added
        self.owned = set()  # arrays that were made here, and have one reader

    def of(self, argument: Any) -> Any:
        """What stands for an argument."""
        return self.same.get(id(argument), argument)

    def function(self) -> Callable[..., Array]:
        """The lines as a function."""
        for entry in self.order:
            if entry.function is None:
                self.names[id(entry)] = entry.arguments[0]
            elif entry.function is not scatter and not self._summed(entry):
                self._call(entry)
        source = f"def replayed({', '.join(self.inputs)}):\n"
        source += "".join(f"    {line}\n" for line in [*self.lines, f"return {self._name(self.end)}"])
        exec(compile(source, "<replayed>", "exec"), self.space)
        replayed: Any = self.space["replayed"]
        return replayed

    def _alone(self, entry):
        return len(self.readers[id(entry)]) == 1 and entry is not self.end

    def _call(self, entry):
        function, arguments = entry.function, [self.of(argument) for argument in entry.arguments]
        if function in ADDITIONS:
            self._add(entry, [argument for argument in arguments[1:] if argument is not None])
        elif function is INDEXED:
            self._assign(entry, f"{self._name(arguments[0])}[{self._name(arguments[1])}]")
        elif function is RESHAPE and entry.keywords.get("order") is None:
            self._assign(entry, f"{self._name(arguments[0])}.reshape({entry.shape})")
        elif function is POWER and np.ndim(arguments[1]) == 0 and arguments[1] == 2:
            self._assign(entry, " * ".join([self._name(arguments[0])] * 2))
        elif function in (SUM, MEAN):
            self._sum(entry, arguments)
        else:
            given = list(map(self._name, arguments))
            given += [f"{name}={self._name(value)}" for name, value in entry.keywords.items()]
            self._assign(entry, f"{self._name(getattr(function, 'fun', function))}({', '.join(given)})")

    def _sum(self, entry, arguments):
        array = arguments[0]
        axes, keepdims = reduced_axes(array.shape, arguments[1:], entry.keywords)
        count = prod(array.shape[axis] for axis in axes)
        mean = f" / {float(count)}" if entry.function is MEAN else ""
        if self._summed(array):
            operands, names, out = _product(array, self.of)
            kept = "".join(letter for axis, letter in enumerate(out) if axis not in axes)
            given = ", ".join(map(self._name, operands))
            text = f"np.einsum('{','.join(names)}->{kept}', {given})" + (f".reshape({entry.shape})" if keepdims else "")
        else:
            text = f"np.add.reduce({self._name(array)}, {axes}, None, None, {keepdims})"
        self._assign(entry, text + mean)

    def _summed(self, entry):
        """Whether it is a product that nobody but a sum reads."""
        return (
            entry.function in (MULTIPLY, EINSUM)
            and self._alone(entry)
            and self.readers[id(entry)][0].function in (SUM, MEAN)
            and _product(entry, self.of) is not None
        )

    def _add(self, entry, terms):
        """A sum of the reverse pass; what is scattered is added in place to zeros that nobody else reads."""
        if len(terms) == 1:
            self.late[id(entry)] = terms[0]
            if not self._alone(entry):
                self._name(entry)
            return
        scattered = [self.late.pop(id(term)) for term in terms if id(term) in self.late]
        dense = [term for term in terms if isinstance(term, np.ndarray) or id(term) in self.names]
        if len(dense) == 2:
            self._assign(entry, f"{self._name(dense[0])} + {self._name(dense[1])}")
            return
        if not dense:
            self._scatter(entry, scattered.pop(0))
        elif id(dense[0]) in self.owned:
            self.names[id(entry)] = self._name(dense[0])
        else:
            self._assign(entry, f"np.array({self._name(dense[0])})")
        for term in scattered:
            self._scatter_into(self.names[id(entry)], term, "+=")
        if self._alone(entry):
            self.owned.add(id(entry))

    def _scatter(self, entry, term):
        self._assign(entry, f"np.zeros({entry.shape})")
        self._scatter_into(self.names[id(entry)], term, "=")
        if self._alone(entry):
            self.owned.add(id(entry))

    def _scatter_into(self, name, term, sign):
        values, index = (self._name(self.of(argument)) for argument in term.arguments[:2])
        if _is_basic(term.arguments[1]):
            self.lines.append(f"{name}[{index}] {sign} {values}")
        else:
            self.lines.append(f"np.add.at({name}, {index}, {values})")

    def _assign(self, entry, text):
        name = self.names[id(entry)] = f"v{len(self.names)}"
        self.lines.append(f"{name} = {text}")

    def _name(self, argument):
        """What an argument is called in the lines."""
        if id(argument) in self.late:
            self._scatter(argument, self.late.pop(id(argument)))
        if isinstance(argument, Entry):
            return self.names[id(argument)]
        name = f"c{len(self.space)}"
        self.space[name] = argument
        return name


def _equal(entry, order):
    """The entry itself, or what it is equal to: a sum over axes of one entry, a product with 1, an addition of 0."""
    if entry.function is SUM and entry.shape == entry.arguments[0].shape and entry.arguments[0].kind == "f":
        return entry.arguments[0]
    if entry.function in NEUTRAL and not entry.keywords:
        for this, other in (entry.arguments, entry.arguments[::-1]):
            constant = not isinstance(this, Entry) and np.all(np.equal(this, NEUTRAL[entry.function]))
            alike = constant and other.kind == "f"  # a mask times 1 is no mask
            if alike and (other.shape == entry.shape or _broadcast_anyway(entry, other, order)):
                return other
    return entry


def _broadcast_anyway(entry, other, order):
    """Whether it is read, and by products alone, which come out the same of what it was broadcast from."""
    readers = [reader for reader in order if any(parent is entry for parent in reader.parents)]
    return bool(readers) and all(
        reader.function is MULTIPLY
        and np.broadcast_shapes(*(_shape(other if a is entry else a) for a in reader.arguments)) == reader.shape
        for reader in readers
    )


def _product(entry, of):
    """(operands, names of their axes, names of its own) of an einsum or a product; None of what is not that simple."""
    if any(_kind(argument) == "b" for argument in entry.arguments):  # einsum makes a mask of masks, not a count
        return None
    if entry.function is EINSUM:
        subscripts, *operands = entry.arguments
        if not isinstance(subscripts, str) or entry.keywords:
            return None
        names, out, _ = numpy_wrapper.parse_einsum_input(subscripts, *(np.empty(_shape(one)) for one in operands))
        return list(map(of, operands)), names.split(","), out
    operands = list(map(of, entry.arguments))
    out = "abcdefghijklmnopqrstuvwxyz"[: len(entry.shape)]
    return operands, [out[len(out) - len(_shape(one)) :] for one in operands], out


def _kind(argument):
    return argument.kind if isinstance(argument, Entry) else np.asarray(argument).dtype.kind


def _shape(argument):
    return argument.shape if isinstance(argument, Entry) else np.shape(argument)


def _is_basic(index):
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts)
