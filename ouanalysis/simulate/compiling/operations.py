"""The one table of what compiles: each function of `autograd.numpy` by what it does to the entries of its arrays."""

from typing import Any

from autograd.builtins import container_take
from autograd.numpy import numpy_wrapper

from ... import activations
from ...tape.calls import INDEXED, primitive
from ...tape.composites import is_of_scipy

__all__ = [
    "CAST",
    "JOINS",
    "LINEAR",
    "MOVES",
    "REDUCTIONS",
    "entrywise_template",
]


_COMPARED = "(1.0 if {{0}} {} {{1}} else 0.0)"
_BINARY = {
    **{"add": "({0} + {1})", "subtract": "({0} - {1})", "multiply": "({0} * {1})", "divide": "divide({0}, {1})"},
    **{"maximum": "maximum({0}, {1})", "minimum": "minimum({0}, {1})"},
    **{"power": "({0} ** {1})", "logaddexp": "logaddexp({0}, {1})", "arctan2": "math.atan2({0}, {1})"},
    **{"hypot": "math.hypot({0}, {1})", "remainder": "remainder({0}, {1})"},
    **{"greater": _COMPARED.format(">"), "greater_equal": _COMPARED.format(">=")},
    **{"less": _COMPARED.format("<"), "less_equal": _COMPARED.format("<=")},
    **{"equal": _COMPARED.format("=="), "not_equal": _COMPARED.format("!=")},
    "logical_and": "(1.0 if {0} != 0.0 and {1} != 0.0 else 0.0)",
    "logical_or": "(1.0 if {0} != 0.0 or {1} != 0.0 else 0.0)",
    "where": "({1} if {0} != 0.0 else {2})",
    "clip": "minimum(maximum({0}, {1}), {2})",
}
_OF_MATH = {
    **{name: name for name in ("exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sqrt")},
    **{name: name for name in ("sinh", "cosh", "radians", "degrees")},
    **{"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh"},
    **{"arctanh": "atanh", "abs": "fabs", "fabs": "fabs", "deg2rad": "radians", "rad2deg": "degrees"},
}
_UNARY = {
    **{name: f"math.{of_math}({{0}})" for name, of_math in _OF_MATH.items()},
    **{name: f"np.{name}({{0}})" for name in ("floor", "ceil", "trunc", "rint")},
    **{name: f"{name}({{0}})" for name in ("tanh", "square", "sign")},
    **{"negative": "(-{0})", "reciprocal": "divide(1.0, {0})"},
    **{"isfinite": "(1.0 if math.isfinite({0}) else 0.0)", "isnan": "(1.0 if math.isnan({0}) else 0.0)"},
    "logical_not": "(1.0 if {0} == 0.0 else 0.0)",
    "exp2": "(2.0 ** {0})",
}
_OWN = {
    activations.tanh: "tanh({0})",
    activations.logistic: "logistic({0})",
    activations.softplus: "softplus({0})",
    activations.erf: "math.erf({0})",
    activations._normal_cdf: "(0.5 * math.erfc(-0.7071067811865476 * {0}))",
}
_OF_SCIPY = {"erf": "math.erf({0})", "erfc": "math.erfc({0})", "gamma": "math.gamma({0})"}
_OF_SCIPY |= {"expit": "logistic({0})", "gammaln": "math.lgamma({0})"}
_ENTRYWISE = {primitive(name): template for name, template in (_BINARY | _UNARY).items()} | _OWN


def entrywise_template(function: Any) -> str | None:
    """The template of a function of entries; None of another."""
    return _ENTRYWISE.get(function) or (_OF_SCIPY.get(function.__name__) if is_of_scipy(function) else None)


POWERS = {
    **{1.0: "{0}", 2.0: "square({0})", 0.5: "math.sqrt({0})", -1.0: "divide(1.0, {0})"},
    **{-0.5: "divide(1.0, math.sqrt({0}))", -2.0: "divide(1.0, square({0}))"},
}

# Each entry of what these give is an entry of their array, or 0; so they are run once, on the numbers of the entries.
MOVES = {
    **{primitive(name): 0 for name in ("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis")},
    **{primitive(name): 0 for name in ("expand_dims", "squeeze", "broadcast_to", "repeat", "tile", "roll", "pad")},
    **{primitive(name): 0 for name in ("flipud", "fliplr", "rot90", "diag", "diagonal", "triu", "tril")},
    **{
        primitive(name): 0
        for name in ("atleast_1d", "atleast_2d", "atleast_3d", "real", "conj", "split", "array_split")
    },
    numpy_wrapper.make_diagonal: 0,
    numpy_wrapper._array_from_scalar_or_array: 2,
    INDEXED: 0,
    container_take: 0,
}
JOINS = {numpy_wrapper.concatenate_args: 1, numpy_wrapper.array_from_args: 2}  # which argument is the first array
_REDUCED = {"sum": "+", "prod": "*", "max": "maximum", "amax": "maximum", "min": "minimum", "amin": "minimum"}
REDUCTIONS = {primitive(name): how for name, how in _REDUCED.items()}
LINEAR = set(map(primitive, ("cumsum", "diff", "trace", "gradient")))
PAD, CAST = primitive("pad"), numpy_wrapper._astype
