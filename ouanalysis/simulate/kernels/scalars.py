"""What compiled programs call: functions of floats (a NaN is kept as NumPy keeps it), and arrays on the stack."""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, register_jitable
from numba.np.arrayobj import make_array, populate_array

__all__ = [
    "divide",
    "logaddexp",
    "logistic",
    "maximum",
    "minimum",
    "on_stack",
    "remainder",
    "sign",
    "softplus",
    "square",
    "tanh",
]

DOUBLE, INTEGER = ir.DoubleType(), ir.IntType(64)
SHIFT = 1.5 * 2.0**52  # added to a small float rounds it to an integer
INVERSE = 1.4426950408889634  # 1/log 2
LOG_2, REST = 0.6931471803691238, 1.9082149292705877e-10  # the first ends in zeros, so that n times it is exact


def _double(number):
    return ir.Constant(DOUBLE, number)


@intrinsic
def divide(_context, _a, _b) -> Any:
    """a/b of IEEE 754, where Python raises for b = 0."""

    def generate(_context, builder, _signature, arguments):
        return builder.fdiv(*arguments)

    return types.float64(types.float64, types.float64), generate


@intrinsic
def tanh(_context, _x) -> Any:
    """tanh x to 2 ulp, without a branch or a call, so that a loop of it is vectorized.

    It is t/(t + 2) with t = e^{2|x|} − 1 = 2ⁿ (e^r − 1) + 2ⁿ − 1 and |r| ≤ ½ log 2, where e^r − 1 is its series.
    """

    def generate(_context, builder, _signature, arguments):
        (x,) = arguments
        add, subtract, times = builder.fadd, builder.fsub, builder.fmul
        negative = builder.fcmp_ordered("<", x, _double(0.0))
        doubled = times(_double(2.0), builder.select(negative, builder.fneg(x), x))
        far = builder.fcmp_ordered(">", doubled, _double(44.0))  # where tanh is 1 in floats
        doubled = builder.select(far, _double(44.0), doubled)
        shifted = add(times(doubled, _double(INVERSE)), _double(SHIFT))
        n = subtract(shifted, _double(SHIFT))
        r = subtract(subtract(doubled, times(n, _double(LOG_2))), times(n, _double(REST)))
        series = _double(1.0 / math.factorial(13))
        for k in range(12, 1, -1):
            series = add(times(series, r), _double(1.0 / math.factorial(k)))
        series = add(r, times(times(r, r), series))
        bits = builder.shl(builder.bitcast(shifted, INTEGER), INTEGER(52))
        scale = builder.bitcast(builder.add(bits, INTEGER(1023 << 52)), DOUBLE)  # 2ⁿ: the last bits of shifted are n
        t = add(times(scale, series), subtract(scale, _double(1.0)))
        t = builder.fdiv(t, add(t, _double(2.0)))
        return builder.select(negative, builder.fneg(t), t)

    return types.float64(types.float64), generate


@intrinsic
def on_stack(_context, size) -> Any:
    """An array of floats, of a literal size, that lives until the function returns."""
    if not isinstance(size, types.IntegerLiteral):
        return None

    def generate(context, builder, signature, _arguments):
        kind, double = signature.return_type, context.get_value_type(types.float64)
        data = cgutils.alloca_once(builder, double, size=size.literal_value)
        data.align = 32
        array = make_array(kind)(context, builder)
        length = context.get_constant(types.intp, size.literal_value)
        width = context.get_constant(types.intp, 8)
        populate_array(array, data=data, shape=[length], strides=[width], itemsize=width, meminfo=None)
        return array._getvalue()

    return types.Array(types.float64, 1, "C")(size), generate


@register_jitable
def maximum(a, b) -> float:
    return a if a > b or a != a else b


@register_jitable
def minimum(a, b) -> float:
    return a if a < b or a != a else b


@register_jitable
def remainder(a, b) -> float:
    left = np.fmod(a, b)
    return left + b if left != 0.0 and (left < 0.0) != (b < 0.0) else left


@register_jitable
def sign(a) -> float:
    return 1.0 if a > 0.0 else (-1.0 if a < 0.0 else a)


@register_jitable
def logistic(z) -> float:
    small = math.exp(-abs(z))
    return (1.0 if z > 0.0 else small) / (1.0 + small)


@register_jitable
def logaddexp(a, b) -> float:
    if a == b:  # infinite ones too
        return a + math.log(2.0)
    return maximum(a, b) + math.log1p(math.exp(-abs(a - b)))


@register_jitable
def softplus(z) -> float:
    return logaddexp(0.0, z)


@register_jitable
def square(a) -> float:
    return a * a
