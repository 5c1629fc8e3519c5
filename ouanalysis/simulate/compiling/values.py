"""Arrays of a program as what they hold: an expression of entries of buffers, which entries being plain numbers.

So views cost nothing (they renumber), and what is used once is computed where it is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Leaf", "Positions", "Total", "Value", "whole"]
__all__ += ["broadcast", "entries", "entrywise", "literal", "move", "numbers", "reduce"]

Positions = NDArray[np.int64]


class Leaf(NamedTuple):
    """Entries `positions`, (*shape, *reduced), of a buffer; a number, written as text, where positions are None."""

    buffer: str
    positions: Positions | None


@dataclass(frozen=True)
class Value:
    """An array of `shape`; where there are `reduced` extents, sums (or what `how` says) over those axes, at the end."""

    shape: tuple[int, ...]
    leaves: tuple[Leaf, ...]
    body: Callable[[Sequence[str]], str] = lambda names: names[0]
    reduced: tuple[int, ...] = ()
    how: str = "+"
    plain: bool = False  # a buffer's own entries: reading costs nothing

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def text(self) -> str | None:
        """The number that all entries are, if it is known."""
        return self.leaves[0].buffer if self.plain and self.leaves[0].positions is None else None


@dataclass(frozen=True)
class Total:
    """A sum of arrays that stand at some positions of it each, not added up yet."""

    shape: tuple[int, ...]
    terms: tuple[tuple[Positions, Value], ...]


def whole(value: Value) -> Total:
    """The total of one array."""
    return Total(value.shape, ((numbers(value.shape), value),))


def literal(number: float, shape: tuple[int, ...] = ()) -> Value:
    """An array of one number."""
    text = repr(float(number)) if np.isfinite(number) else f"np.{float(number)!r}".replace("np.-inf", "-np.inf")
    return Value(shape, (Leaf(text, None),), plain=True)


def entries(buffer: str, positions: Positions) -> Value:
    """Entries of a buffer."""
    return Value(positions.shape, (Leaf(buffer, positions),), plain=True)


def move(value: Value, view: Positions) -> Value:
    """The array whose entries are those of `value` that `view` numbers."""
    return replace(value, shape=view.shape, leaves=tuple(_moved(value, leaf, view) for leaf in value.leaves))


def _moved(value, leaf, view):
    if leaf.positions is None:
        return leaf
    return Leaf(leaf.buffer, leaf.positions.reshape(value.size, *value.reduced)[view])


def broadcast(value: Value, shape: tuple[int, ...]) -> Value:
    """The array as NumPy broadcasts it."""
    return value if value.shape == shape else move(value, np.broadcast_to(numbers(value.shape), shape))


def numbers(shape: tuple[int, ...]) -> Positions:
    """Each entry's number, row by row."""
    return np.arange(prod(shape)).reshape(shape)


def entrywise(template: str, operands: Sequence[Value], shape: tuple[int, ...]) -> Value:
    """A function of the entries of operands that are not reduced, by a template in which {0}, {1}, ... are theirs."""
    counts = np.cumsum([0] + [len(operand.leaves) for operand in operands])

    def body(names):
        parts = [
            operand.body(names[start:stop]) for operand, start, stop in zip(operands, counts, counts[1:], strict=False)
        ]
        return template.format(*parts)

    leaves = tuple(leaf for operand in operands for leaf in broadcast(operand, shape).leaves)
    return Value(shape, leaves, body)


def reduce(value: Value, axes: Sequence[int], how: str, *, keepdims: bool) -> Value:
    """The sum of an array over some axes, or another reduction."""
    kept = [axis for axis in range(len(value.shape)) if axis not in axes]
    shape = tuple(value.shape[axis] for axis in kept)
    over = tuple(value.shape[axis] for axis in axes)
    order = (*kept, *axes, *range(len(value.shape), len(value.shape) + len(value.reduced)))

    def turned(leaf):
        if leaf.positions is None:
            return leaf
        return Leaf(leaf.buffer, leaf.positions.reshape(value.shape + value.reduced).transpose(order))

    full = tuple(1 if axis in axes else extent for axis, extent in enumerate(value.shape)) if keepdims else shape
    leaves = tuple(map(turned, value.leaves))
    reduced = over + value.reduced
    leaves = tuple(
        leaf if leaf.positions is None else Leaf(leaf.buffer, leaf.positions.reshape(full + reduced)) for leaf in leaves
    )
    return Value(full, leaves, value.body, reduced, how)
