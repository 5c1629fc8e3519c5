"""From the tape to loops: which values are kept in a buffer, which are computed where they are used."""

from collections import Counter
from math import prod
from typing import Any

import numpy as np

from ...tape.calls import ADDITIONS, reduced_axes, scatter
from ...tape.entries import Entry, in_order
from .contractions import CONTRACTIONS
from .loops import AFTER, EACH, ONCE, Loops
from .operations import (
    CAST,
    JOINS,
    LINEAR,
    MOVES,
    PAD,
    POWERS,
    REDUCTIONS,
    entrywise_template,
)
from .totals import OF_DATA, batch_sum, shared
from .values import Total, Value, broadcast, entries, entrywise, literal, move, numbers, reduce, whole

__all__ = ["lower", "lower_batch"]

LARGEST = 1 << 22  # iterations of one nest of loops
LONGEST = 16  # entries that an expression reads


def lower(value: Entry, gradient: Any, loops: Loops) -> Value:
    """Write the loops of a tape; what is returned is h."""
    order = list(in_order([end for end in (value, gradient) if isinstance(end, Entry)]))
    lowering = _Lowering(order, loops, kept={id(value)})
    lowering.run(gradient)
    return lowering._value(value)


def lower_batch(gradient: Entry, loops: Loops) -> None:
    """Write the loops of the tape of a batch."""
    order = list(in_order([gradient]))
    _Lowering(order, loops, kept=shared(order)).run(gradient)


class _Lowering:
    def __init__(self, order, loops, kept):
        self.loops, self.order, self.kept = loops, order, kept
        self.users = Counter(id(parent) for entry in self.order for parent in entry.parents)
        self.made = {}
        self.when = dict.fromkeys(OF_DATA, EACH)  # of buffers: in which part of the program they are filled

    def run(self, gradient: Any) -> None:
        for entry in self.order:
            made = self._lowered(entry)
            used = self.users[id(entry)] > 1 or id(entry) in self.kept
            self.made[id(entry)] = self._stored(made) if used else made
        self._fill("gradient", self._value(gradient))

    def _value(self, argument):
        """What an argument stands for."""
        if isinstance(argument, Entry):
            return self.made[id(argument)]
        array = np.asarray(argument, dtype=float)
        if array.size and (array == array.flat[0]).all():
            return literal(array.flat[0], array.shape)
        return entries("constants", self.loops.constant(array) + numbers(array.shape))

    def _stored(self, value):
        """The value in a buffer of its own, unless it is in one."""
        if isinstance(value, Value) and value.plain:
            return value
        buffer = self.loops.buffer(prod(value.shape))
        self._fill(buffer, value)
        return entries(buffer, numbers(value.shape))

    def _fill(self, buffer, value):
        """The terms of a value one after the other; the first at each position is set there, the others are added."""
        total = value if isinstance(value, Total) else whole(value)
        part = self.when[buffer] = self._part(total)
        covered = np.zeros(prod(total.shape), dtype=bool)
        for positions, term in total.terms:
            where = positions.ravel()
            once = len(np.unique(where)) == len(where)
            if not (once and not covered[where].any()):
                self._clear(buffer, np.setdiff1d(where, np.flatnonzero(covered)), part)
                covered[where] = True
            self.loops.write(buffer, positions, term, part, add=bool(covered[where].any()))
            covered[where] = True
        self._clear(buffer, np.flatnonzero(~covered), part)

    def _clear(self, buffer, positions, part):
        if positions.size:
            self.loops.write(buffer, positions, literal(0.0, positions.shape), part, add=False)

    def _part(self, total):
        """In which part of the program all that the terms read is known."""
        leaves = [leaf for _, term in total.terms for leaf in term.leaves]
        return max((self.when.get(leaf.buffer, ONCE) for leaf in leaves), default=ONCE)

    def _summed(self, value):
        """The sum of a value over the batch, in a buffer of its own."""
        buffer, shape = self.loops.buffer(prod(value.shape)), value.shape
        self._clear(buffer, numbers(shape), ONCE)
        for positions, term in (value if isinstance(value, Total) else whole(value)).terms:
            self.loops.write(buffer, positions, term, EACH, add=True)
        self.when[buffer] = AFTER
        return entries(buffer, numbers(shape))

    def _lowered(self, entry):
        function, arguments, keywords = entry.function, entry.arguments, entry.keywords
        if function is None:
            return entries(arguments[0], numbers(entry.shape))
        try:
            return self._of_function(entry, function, arguments, keywords)
        except NotImplementedError as error:
            raise NotImplementedError(f"{function.__name__} {error}".strip()) from error

    def _of_function(self, entry, function, arguments, keywords):
        if function is batch_sum:
            return self._summed(self._value(arguments[0]))
        template = entrywise_template(function)
        if template:
            return self._entrywise(function.__name__, template, [*arguments, *keywords.values()], entry.shape)
        if function in MOVES:
            return self._moved(function, arguments, keywords)
        if function is CAST and np.dtype(arguments[1]) == np.float64:
            return self._value(arguments[0])
        if function in JOINS:
            return self._joined(function, arguments, keywords)
        if function in REDUCTIONS:
            value = self._dense(arguments[0])
            axes, keepdims = reduced_axes(value.shape, arguments[1:], keywords)
            return self._reduced(value, axes, REDUCTIONS[function], keepdims, entry.shape)
        if function in CONTRACTIONS:
            return self._contracted(function, arguments, keywords, entry.shape)
        if function is scatter:
            at = numbers(entry.shape)[_index(arguments[1])]
            return Total(entry.shape, ((at, self._dense(arguments[0])),))
        if function in ADDITIONS:
            return self._added(arguments[1:], entry.shape)
        if function in LINEAR:
            return self._linear(function, arguments, keywords, entry.shape)
        raise NotImplementedError

    def _dense(self, argument):
        """The value of an argument, added up if it is a Total."""
        made = self._value(argument)
        return self._stored(made) if isinstance(made, Total) else made

    def _computed(self, argument, size):
        """The value, kept in a buffer if it is a sum, long, or would be computed several times for `size` entries."""
        value = self._dense(argument)
        return self._stored(value) if value.reduced or value.size < size or len(value.leaves) > LONGEST else value

    def _entrywise(self, name, template, arguments, shape):
        if name == "clip":
            arguments = [end if a is None else a for a, end in zip(arguments, (None, -np.inf, np.inf), strict=True)]
        if name == "power" and not isinstance(arguments[1], Entry):
            exponents = np.asarray(arguments[1], dtype=float)
            if exponents.size and exponents.flat[0] in POWERS and (exponents == exponents.flat[0]).all():
                template, arguments = POWERS[exponents.flat[0]], arguments[:1]
        operands = [self._computed(argument, prod(shape)) for argument in arguments]
        neutral = {"multiply": "1.0", "add": "0.0"}.get(name)
        for this, other in (operands, operands[::-1]) if neutral else ():
            if this.text == neutral:
                return broadcast(other, shape)
        return entrywise(template, operands, shape)

    def _moved(self, function, arguments, keywords):
        which = MOVES[function]
        value = self._value(arguments[which])
        before, after = arguments[:which], arguments[which + 1 :]
        if any(isinstance(one, Entry) for argument in after for one in _flat(argument)):
            raise NotImplementedError("by an index that depends on theta or x")
        if function is PAD and (after[1:] not in ((), ("constant",)) or set(keywords.items()) - {("mode", "constant")}):
            raise NotImplementedError("with other than zeros")
        view = np.asarray(function(*before, numbers(value.shape) + 1, *after, **keywords)).astype(np.int64) - 1
        return self._viewed(value, view)

    def _viewed(self, value, view):
        if isinstance(value, Total):
            if view.size != prod(value.shape) or len(np.unique(view)) != view.size:
                return self._viewed(self._stored(value), view)
            at = np.empty(view.size, dtype=np.int64)
            at[view.ravel()] = np.arange(view.size)
            return Total(view.shape, tuple((at[positions], term) for positions, term in value.terms))
        if (view < 0).any():
            inside = view >= 0
            part = self._viewed(value, view[inside])
            return Total(view.shape, ((numbers(view.shape)[inside], part),))
        if view.size > value.size:
            value = self._stored(value)
        return move(value, view)

    def _joined(self, function, arguments, keywords):
        first = JOINS[function]
        parts = [self._dense(argument) for argument in arguments[first:]]
        starts = np.cumsum([0] + [part.size for part in parts])
        numbered = [numbers(part.shape) + start for part, start in zip(parts, starts, strict=False)]
        joined = np.asarray(function(*arguments[:first], *numbered, **keywords)).astype(np.int64)
        at = np.empty(joined.size, dtype=np.int64)
        at[joined.ravel()] = np.arange(joined.size)
        return Total(joined.shape, tuple((at[numbered[k]], part) for k, part in enumerate(parts)))

    def _reduced(self, value, axes, how, keepdims, shape):
        if value.reduced and value.how != how:
            value = self._stored(value)
        if prod(value.shape[axis] for axis in axes) == 1:
            return move(value, numbers(shape))
        return reduce(value, axes, how, keepdims=keepdims)

    def _contracted(self, function, arguments, keywords, shape):
        given = [self._dense(a) if isinstance(a, Entry | np.ndarray | float) else a for a in arguments]
        operands, names, out = CONTRACTIONS[function](*given, **keywords)
        extents: dict[str, int] = {}
        for operand, letters in zip(operands, names, strict=True):
            for letter, extent in zip(letters, operand.shape, strict=True):
                extents[letter] = max(extents.get(letter, 1), extent)
        over = [letter for letter in extents if letter not in out and extents[letter] > 1]
        letters = [*out, *over]
        grid = tuple(extents[letter] for letter in letters)
        if prod(grid) > LARGEST:
            raise NotImplementedError(f"of {prod(grid)} products")
        axes = dict(zip(letters, np.ogrid[tuple(map(slice, grid))], strict=True)) if letters else {}
        spread = []
        for operand, mine in zip(operands, names, strict=True):
            operand = self._stored(operand) if operand.reduced or operand.size < prod(grid) else operand
            index = tuple(axes[a] if n > 1 else 0 for a, n in zip(mine, operand.shape, strict=True))
            spread.append(move(operand, np.broadcast_to(np.asarray(numbers(operand.shape)[index]), grid)))
        factors = [factor for factor in spread if factor.text != "1.0"] or spread[:1]
        product = entrywise(" * ".join(f"{{{k}}}" for k in range(len(factors))), factors, grid)
        if not over:
            return move(product, numbers(shape))
        summed = self._reduced(product, tuple(range(len(out), len(grid))), "+", False, grid[: len(out)])
        return move(summed, numbers(shape))

    def _added(self, arguments, shape):
        """A sum in the reverse pass."""
        made = [self._term(argument) for argument in arguments if argument is not None]
        if all(isinstance(one, Value) and not one.reduced for one in made):
            return made[0] if len(made) == 1 else entrywise("({0} + {1})", made, shape)
        terms = [one.terms if isinstance(one, Total) else whole(one).terms for one in made]
        return Total(shape, tuple(term for of_one in terms for term in of_one))

    def _term(self, argument):
        """A summand; of what is constant only what is not 0."""
        if isinstance(argument, Entry):
            return self._value(argument)
        where = np.flatnonzero(argument)
        return Total(np.shape(argument), ((where, self._value(np.ravel(argument)[where])),))

    def _linear(self, function, arguments, keywords, shape):
        value = self._computed(arguments[0], np.inf)
        basis = np.eye(value.size).reshape(value.size, *value.shape)
        rows = np.array([function(one, *arguments[1:], **keywords) for one in basis])
        if rows.size > LARGEST:
            raise NotImplementedError(f"of {rows.size} entries")
        grid = (prod(shape), value.size)
        matrix = self._value(rows.reshape(value.size, -1).T)
        product = entrywise("({0} * {1})", [matrix, move(value, np.broadcast_to(np.arange(value.size), grid))], grid)
        return move(reduce(product, (1,), "+", keepdims=False), numbers(shape))


def _index(index):
    return np.array(index) if isinstance(index, list) else index


def _flat(argument):
    return argument if isinstance(argument, tuple | list) else (argument,)
