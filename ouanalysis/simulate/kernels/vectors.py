"""Loops over neighbouring entries, a vector of them at once, where LLVM does not see to it.

It unrolls a short loop before it looks for vectors, and then takes the rows around it at once, entry by entry; partial
sums it takes one by one on some processors.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

__all__ = ["LANES", "add_multiple", "dot_of", "dot_of_whole", "set_multiple"]

LANES = 8  # on any machine, so that sums are the same on all
DOUBLE, INDEX, LANE = ir.DoubleType(), ir.IntType(64), ir.IntType(32)


@intrinsic
def dot_of(_context, a, _i, b, _j, n) -> Any:
    """Σ_k a[i + k] b[j + k] over k < n, a literal, in LANES partial sums."""
    if not isinstance(n, types.IntegerLiteral):
        return None

    def generate(context, builder, signature, arguments):
        left, right = (_entry(context, builder, signature, arguments, k) for k in (0, 2))
        sums = cgutils.alloca_once(builder, _vector(LANES))
        builder.store(ir.Constant(_vector(LANES), [0.0] * LANES), sums)
        total = ir.Constant(DOUBLE, 0.0)
        for width, k in _places(builder, n.literal_value):
            product = builder.fmul(_load(builder, width, left, k), _load(builder, width, right, k))
            if width == LANES:
                builder.store(builder.fadd(builder.load(sums), product), sums)
            else:
                total = builder.fadd(total, _added(builder, product, width))
        return builder.fadd(_added(builder, builder.load(sums), LANES), total)

    return types.float64(a, types.int64, b, types.int64, n), generate


@intrinsic
def dot_of_whole(_context, a, b, n) -> Any:
    """Σ_k a[k] b[k] over k < n, a multiple of LANES, in as many partial sums."""

    def generate(context, builder, signature, arguments):
        left, right = (make_array(signature.args[k])(context, builder, arguments[k]).data for k in (0, 1))
        sums = cgutils.alloca_once(builder, _vector(LANES))
        builder.store(ir.Constant(_vector(LANES), [0.0] * LANES), sums)
        edges = ir.Constant(INDEX, 0), arguments[2], ir.Constant(INDEX, LANES)
        with cgutils.for_range_slice(builder, *edges) as (k, _):
            product = builder.fmul(_load(builder, LANES, left, k), _load(builder, LANES, right, k))
            builder.store(builder.fadd(builder.load(sums), product), sums)
        return _added(builder, builder.load(sums), LANES)

    return types.float64(a, b, types.int64), generate


@intrinsic
def add_multiple(_context, out, _i, _factor, a, _j, n) -> Any:
    """out[i + k] += factor · a[j + k] for k < n, a literal."""
    return _multiple(out, a, n, add=True)


@intrinsic
def set_multiple(_context, out, _i, _factor, a, _j, n) -> Any:
    """out[i + k] = factor · a[j + k] for k < n, a literal."""
    return _multiple(out, a, n, add=False)


def _multiple(out, a, n, *, add):
    if not isinstance(n, types.IntegerLiteral):
        return None

    def generate(context, builder, signature, arguments):
        target, source = (_entry(context, builder, signature, arguments, k) for k in (0, 3))
        for width, k in _places(builder, n.literal_value):
            value = builder.fmul(_repeated(builder, width, arguments[2]), _load(builder, width, source, k))
            if add:
                value = builder.fadd(_load(builder, width, target, k), value)
            builder.store(value, _pointer(builder, width, target, k), align=8)
        return context.get_dummy_value()

    return types.void(out, types.int64, types.float64, a, types.int64, n), generate


def _places(builder, n):
    """The width and the place of vectors that cover n entries: of LANES in a loop, and narrower ones after them."""
    place = n - n % LANES
    if place:
        with cgutils.for_range_slice(builder, *(ir.Constant(INDEX, k) for k in (0, place, LANES))) as (k, _):
            yield LANES, k
    for width in (LANES // 2, LANES // 4, 1):
        while n - place >= width:
            yield width, ir.Constant(INDEX, place)
            place += width


def _vector(width):
    return ir.VectorType(DOUBLE, width) if width > 1 else DOUBLE


def _entry(context, builder, signature, arguments, k):
    """The pointer to the entry of array `arguments[k]` that the next argument counts."""
    array = make_array(signature.args[k])(context, builder, arguments[k])
    return builder.gep(array.data, [arguments[k + 1]])


def _pointer(builder, width, start, k):
    return builder.bitcast(builder.gep(start, [k]), _vector(width).as_pointer())


def _load(builder, width, start, k):
    return builder.load(_pointer(builder, width, start, k), align=8)


def _repeated(builder, width, number):
    """The vector whose entries are all this number."""
    if width == 1:
        return number
    vector = ir.Constant(_vector(width), ir.Undefined)
    for lane in range(width):
        vector = builder.insert_element(vector, number, ir.Constant(LANE, lane))
    return vector


def _added(builder, vector, width):
    """The sum of a vector's entries: one half added to the other, and so on."""
    if width == 1:
        return vector
    while width > 1:
        width //= 2
        halves = [ir.Constant(ir.VectorType(LANE, width), [*range(k, k + width)]) for k in (0, width)]
        nothing = ir.Constant(vector.type, ir.Undefined)
        vector = builder.fadd(*(builder.shuffle_vector(vector, nothing, half) for half in halves))
    return builder.extract_element(vector, ir.Constant(LANE, 0))
