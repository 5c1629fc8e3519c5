"""What compiled programs call: functions of floats (a NaN is kept as NumPy keeps it), and arrays on the stack."""

import math

from numba.core import cgutils, types
from numba.extending import intrinsic, register_jitable
from numba.np.arrayobj import make_array, populate_array

__all__ = ["divide", "logaddexp", "logistic", "maximum", "minimum", "on_stack", "remainder", "sign", "softplus"]


@intrinsic
def divide(_context, _a, _b):
    """a/b of IEEE 754, where Python raises for b = 0."""

    def generate(_context, builder, _signature, arguments):
        return builder.fdiv(*arguments)

    return types.float64(types.float64, types.float64), generate


@intrinsic
def on_stack(_context, size):
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
def maximum(a, b):
    return a if a > b or a != a else b


@register_jitable
def minimum(a, b):
    return a if a < b or a != a else b


@register_jitable
def remainder(a, b):
    left = math.fmod(a, b)
    return left + b if left != 0.0 and (left < 0.0) != (b < 0.0) else left


@register_jitable
def sign(a):
    return 1.0 if a > 0.0 else (-1.0 if a < 0.0 else a)


@register_jitable
def logistic(z):
    small = math.exp(-abs(z))
    return (1.0 if z > 0.0 else small) / (1.0 + small)


@register_jitable
def logaddexp(a, b):
    if a == b:  # infinite ones too
        return a + math.log(2.0)
    return maximum(a, b) + math.log1p(math.exp(-abs(a - b)))


@register_jitable
def softplus(z):
    return logaddexp(0.0, z)


@register_jitable
def square(a):
    return a * a
