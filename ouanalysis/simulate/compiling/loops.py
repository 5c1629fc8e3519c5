"""Loops as text: nests over the entries of a value, which are found by strides, or through a table of numbers."""

from typing import NamedTuple

import numpy as np

from ...arguments import Array
from .values import Leaf, Positions, Value

__all__ = ["AFTER", "EACH", "ONCE", "Loops"]

ONCE, EACH, AFTER = range(3)  # parts of a program: before the batch, at each datum, after the batch
SHORTEST = 4  # entries in turn that are worth a vector
LANES = 4  # sums that a long sum is split into, so that they can be taken at once


class Access(NamedTuple):
    buffer: str
    base: int
    strides: tuple[int, ...]
    tabled: bool


class Loops:
    """The text of a program as it grows, its buffers, and the numbers that it looks up."""

    def __init__(self, constants: list[np.ndarray], tables: list[np.ndarray]) -> None:
        self.parts: tuple[list[str], ...] = ([], [], [])
        self.sizes: dict[str, int] = {"gradient": 2}
        self.constants, self.tables = constants, tables

    def buffer(self, size: int) -> str:
        name = f"w{len(self.sizes)}"
        self.sizes[name] = size
        return name

    def constant(self, array: Array) -> int:
        """Keep an array; where it begins."""
        return _keep(self.constants, array)

    def write(self, buffer: str, positions: Positions, value: Value, part: int, *, add: bool) -> None:
        """In a part of the program, set entries of a buffer to a value, or add it to them."""
        self.lines = self.parts[part]
        shape, over = value.shape, value.reduced
        leaves = [Leaf(buffer, _spread(positions, shape + over)), *value.leaves]
        grid, split = _even(shape + over, len(shape), [leaf.positions for leaf in leaves if leaf.positions is not None])
        accesses = [self._access(leaf, grid) for leaf in leaves]
        extents, split, accesses = _merged(grid, split, accesses)
        order = list(range(len(extents)))
        self._nest(extents, split, order, accesses, value, add)

    def _access(self, leaf, grid):
        if leaf.positions is None:
            return Access(leaf.buffer, 0, (0,) * len(grid), False)
        positions = leaf.positions.reshape(grid)
        strides = _strides(positions)
        if strides is not None:
            return Access(leaf.buffer, int(positions.flat[0]) if positions.size else 0, strides, False)
        varies = [bool((np.diff(positions, axis=axis) != 0).any()) for axis in range(len(grid))]
        table = positions[tuple(slice(None) if along else slice(0, 1) for along in varies)]
        steps = np.array(table.strides if table.flags.c_contiguous else np.ascontiguousarray(table).strides) // 8
        strides = tuple(int(step) if along else 0 for step, along in zip(steps, varies, strict=True))
        return Access(leaf.buffer, _keep(self.tables, table), strides, True)

    def entry(self, value: Value) -> str:
        """The one entry of a value that is in a buffer."""
        return self._text(self._access(value.leaves[0], (1,)), [])

    def _text(self, access, names):
        """An entry of a buffer at the loops' variables."""
        if access.buffer in ("theta", "x", "constants") or access.buffer in self.sizes:
            if self.sizes.get(access.buffer) == 1:
                return access.buffer
            index = self._index(access, names)
            return f"{access.buffer}[tables[{index}]]" if access.tabled else f"{access.buffer}[{index}]"
        return access.buffer

    def _index(self, access, names):
        """The number of that entry; where an axis has no name, of the first along it."""
        terms = [
            name if s == 1 else f"{s} * {name}" for s, name in zip(access.strides, names, strict=True) if s and name
        ]
        return " + ".join(([str(access.base)] if access.base or not terms else []) + terms)

    def _nest(self, extents, split, order, accesses, value, add):
        out, *read = accesses
        names = [f"i{k}" for k in range(len(extents))]
        target = self._text(out, names)
        inner = _vector_axis(split, out, read) if split < len(extents) and value.how == "+" else None
        if split == len(extents):
            self._entries(extents, order, out, read, value, add)
        elif inner is not None:
            outside = [k for k in range(split) if k != inner]
            depth = self._head(outside, extents)
            if not add:
                self._put(self._head([inner], extents, depth), f"{target} = 0.0")
            self._entries(extents, [*range(split, len(extents)), inner], out, read, value, True, depth)
        else:
            depth = self._head(range(split), extents)
            total = self._total(depth, extents, split, read, value)
            self._put(depth, f"{target} {'+=' if add else '='} {total}")

    def _entries(self, extents, order, out, read, value, add, depth=0):
        """Loops over the axes in this order, of which none is reduced within the innermost."""
        names = [f"i{k}" for k in range(len(extents))]
        factors = _factors(value, out, read, order[-1], extents) if order else None
        if factors:
            depth = self._head(order[:-1], extents, depth)
            factor, source = self._text(factors[0], names), factors[1]
            names[order[-1]] = ""
            places = self._index(out, names), self._index(source, names)
            arguments = f"{out.buffer}, {places[0]}, {factor}, {source.buffer}, {places[1]}, {extents[order[-1]]}"
            self._put(depth, f"{'add' if add else 'set'}_multiple({arguments})")
        else:
            depth = self._head(order, extents, depth)
            body = value.body([self._text(access, names) for access in read])
            self._put(depth, f"{self._text(out, names)} {'+=' if add else '='} {body}")

    def _total(self, depth, extents, split, read, value):
        """The reduction over the last axes, as what its text is after its lines."""
        names = [f"i{k}" for k in range(len(extents))]
        if split == len(extents) - 1 and _is_product(value) and _all_in_turn(read, split, extents):
            left, right = ((access.buffer, self._index(access, [*names[:-1], ""])) for access in read)
            return f"dot_of({', '.join([*left, *right])}, {extents[-1]})"
        lanes = value.how == "+" and extents[-1] >= 2 * LANES and extents[-1] % LANES == 0
        count = LANES if lanes else 1
        start = {"+": "0.0", "*": "1.0", "maximum": "-np.inf", "minimum": "np.inf"}[value.how]
        for lane in range(count):
            self._put(depth, f"s{lane} = {start}")
        deep = self._head(range(split, len(extents)), extents, depth, step=count)
        for lane in range(count):
            names[-1] = f"(i{len(extents) - 1} + {lane})" if lane else f"i{len(extents) - 1}"
            body = value.body([self._text(access, names) for access in read])
            infix = value.how in "+*"
            self._put(deep, f"s{lane} {value.how}= {body}" if infix else f"s{lane} = {value.how}({body}, s{lane})")
        return "((s0 + s1) + (s2 + s3))" if lanes else "s0"

    def _head(self, axes, extents, depth=0, step=1):
        """The lines that open loops; how deep it is inside."""
        axes = list(axes)
        for axis in axes:
            stride = f"0, {extents[axis]}, {step}" if step > 1 and axis == axes[-1] else f"{extents[axis]}"
            self._put(depth, f"for i{axis} in range({stride}):")
            depth += 1
        return depth

    def _put(self, depth, line):
        self.lines.append("    " * (depth + 1) + line)


def _keep(arrays, array):
    start = sum(map(np.size, arrays))
    arrays.append(np.ravel(array))
    return start


def _spread(positions, grid):
    """Positions (*shape) along the axes that are reduced too."""
    return np.broadcast_to(positions.reshape(positions.shape + (1,) * (len(grid) - positions.ndim)), grid)


def _strides(positions):
    """How far apart neighbours are along each axis, if that is the same everywhere."""
    strides, rest = [], positions
    for axis, extent in enumerate(positions.shape):
        if extent < 2:
            strides.append(0)
            continue
        step = np.take(positions, 1, axis) - np.take(positions, 0, axis)
        if not step.size or not (np.diff(rest, axis=axis) == step.flat[0]).all():
            return None
        strides.append(int(step.flat[0]))
    return tuple(strides)


def _even(grid, split, walks):
    """The grid with axes cut in two where what is read jumps at even intervals along them."""
    axis = 0
    while axis < len(grid):
        lengths = [_run(walk.reshape(grid), axis) for walk in walks] if grid[axis] > 1 else []
        lengths = [length for length in lengths if length < grid[axis] and grid[axis] % length == 0]
        if lengths and min(lengths) > 1:
            grid = (*grid[:axis], grid[axis] // min(lengths), min(lengths), *grid[axis + 1 :])
            split += axis < split
        else:
            axis += 1
    return grid, split


def _run(walk, axis):
    """After how many entries along an axis the step first changes."""
    steps = np.moveaxis(np.diff(walk, axis=axis), axis, 0).reshape(walk.shape[axis] - 1, -1)
    changed = np.flatnonzero((steps != steps[0]).any(axis=1))
    return int(changed[0]) + 1 if changed.size else walk.shape[axis]


def _merged(grid, split, accesses):
    """The grid without axes of one entry, and neighbours that are walked through evenly as one."""
    kept = [axis for axis, extent in enumerate(grid) if extent != 1]
    columns = [[access.strides[axis] for access in accesses] for axis in kept]
    extents: list[int] = []
    merged: list[list[int]] = []
    inside: list[bool] = []
    for axis, column in zip(kept, columns, strict=True):
        together = (
            extents
            and inside[-1] == (axis < split)
            and all(before == after * grid[axis] for before, after in zip(merged[-1], column, strict=True))
        )
        if together:
            extents[-1], merged[-1] = extents[-1] * grid[axis], column
        else:
            extents.append(grid[axis])
            merged.append(column)
            inside.append(axis < split)
    strides = list(zip(*merged, strict=True)) if merged else [()] * len(accesses)
    accesses = [access._replace(strides=tuple(of)) for access, of in zip(accesses, strides, strict=True)]
    return extents, sum(inside), accesses


def _vector_axis(split, out, read):
    """An axis of the output along which all is read and written entry after entry, if there is one."""
    for axis in range(split - 1, -1, -1):
        along = [access.strides[axis] for access in read]
        tabled = out.tabled or any(access.tabled and access.strides[axis] for access in read)
        if out.strides[axis] == 1 and not tabled and set(along) <= {0, 1}:
            return axis
    return None


def _is_product(value):
    """Whether an entry is that of one array times that of another."""
    return value.how == "+" and len(value.leaves) == 2 and value.body(["a", "b"]).strip("()") == "a * b"


def _all_in_turn(accesses, axis, extents):
    """Whether neighbours along an axis are neighbours in each buffer, and there are enough for a vector."""
    return extents[axis] >= SHORTEST and all(one.strides[axis] == 1 and not one.tabled for one in accesses)


def _factors(value, out, read, axis, extents):
    """(what is one number along the axis, what is in turn) if a value is the product of such two, else None."""
    if _is_product(value) and _all_in_turn([out], axis, extents):
        for one, other in (read, read[::-1]):
            if one.strides[axis] == 0 and _all_in_turn([other], axis, extents):
                return one, other
    return None
