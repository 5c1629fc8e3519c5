"""Activation functions that autograd differentiates, the simulators run and SymPy can trace.

Smooth functions of `autograd.numpy` (tanh, exp, sin, ...) trace as they are. A branch does not: NumPy decides it
before SymPy sees it. The branching functions here do, their derivative at the kink is the one of theory.md, 1[z > 0],
and every one of them is a `where_positive`, so that whoever runs a model can watch where it branches.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import autograd.numpy as np
from autograd import extend
from autograd.extend import defvjp
from autograd.tracer import getval, isbox

from .arguments import Array, Booleans

if TYPE_CHECKING:
    import sympy

__all__ = [
    "Activation",
    "absolute",
    "activation",
    "clip",
    "leaky_relu",
    "logistic",
    "maximum",
    "minimum",
    "relu",
    "sign",
    "tanh",
    "watching",
    "where_positive",
]

Operand = Array | float
Choice = Callable[[Operand, Operand, Operand], Array]


class Expression(Protocol):
    """What is asked of a SymPy expression, which has no types for a type checker to know it by."""

    @property
    def free_symbols(self) -> Collection[object]: ...
    def diff(self, *symbols: object) -> object: ...


_Function = TypeVar("_Function", bound=Callable[..., Array])

_watcher: ContextVar[Choice | None] = ContextVar("watcher", default=None)


def _primitive(function: _Function) -> _Function:
    """autograd's `primitive`, which has no types and leaves the function's own to nobody."""
    return extend.primitive(function)


def where_positive(z: Operand, then: Operand, otherwise: Operand) -> Array:
    """`then` where z > 0, `otherwise` elsewhere (at z = 0 too); the three broadcast.

    >>> where_positive(np.array([-1.0, 0.0, 2.0]), 1.0, -1.0)
    array([-1., -1.,  1.])
    """
    if any(_is_traced(part) for part in (z, then, otherwise)):
        chosen = _choose(z, then, otherwise)
        return chosen if hasattr(chosen, "dtype") else np.asarray(chosen, dtype=object)
    choose = _watcher.get()
    return np.where(positive(z), then, otherwise) if choose is None else choose(z, then, otherwise)


@contextmanager
def watching(choose: Choice) -> Iterator[None]:
    """Within, every `where_positive` of this thread gives what choose(z, then, otherwise) does."""
    token = _watcher.set(choose)
    try:
        yield
    finally:
        _watcher.reset(token)


def positive(z: Operand) -> Booleans | bool:
    """z > 0 as plain booleans, whatever differentiates z."""
    while isbox(z):
        z = getval(z)
    return z > 0


def _choose_one(z, then, otherwise):
    if hasattr(z, "where_positive"):
        return z.where_positive(then, otherwise)
    return then if z > 0 else otherwise


_choose = np.frompyfunc(_choose_one, 3, 1)


def relu(z: Operand) -> Array:
    """max(z, 0) with derivative 1[z > 0]."""
    return where_positive(z, z, 0.0)


def leaky_relu(z: Operand, slope: float = 0.01) -> Array:
    """z where z > 0, slope z elsewhere."""
    return where_positive(z, z, slope * z)


def maximum(a: Operand, b: Operand) -> Array:
    """max(a, b); where the two are equal, the value and the derivative of b."""
    return where_positive(a - b, a, b)


def minimum(a: Operand, b: Operand) -> Array:
    """min(a, b); where the two are equal, the value and the derivative of b."""
    return where_positive(b - a, a, b)


def clip(z: Operand, low: Operand, high: Operand) -> Array:
    """z between low and high, the nearer of them elsewhere."""
    return minimum(maximum(z, low), high)


def absolute(z: Operand) -> Array:
    """|z|, with derivative -1 at 0."""
    return where_positive(z, z, -z)


def sign(z: Operand) -> Array:
    """-1, 0 or 1, with derivative 0."""
    return where_positive(z, 1.0, where_positive(-z, -1.0, 0.0))


@_primitive
def tanh(z: Operand) -> Array:
    """tanh z, whose derivatives, unlike those of `autograd.numpy.tanh`, do not overflow where it is saturated."""
    return np.tanh(z)


@_primitive
def logistic(z: Operand) -> Array:
    """1/(1 + e^{-z}), accurate to a few eps of its value at every z; no z overflows."""
    if _is_traced(z):
        return _by_entries(logistic, "expit", z)
    small = np.exp(-np.abs(z))
    return np.where(z > 0, 1.0, small) / (1.0 + small)


defvjp(tanh, lambda value, _z: lambda g: g * (1.0 - value**2))
defvjp(logistic, lambda value, z: lambda g: g * value * logistic(-z))


_NAMED = {"tanh": tanh, "logistic": logistic}


@dataclass(frozen=True)
class Activation:
    """A smooth scalar function φ, by name or as a SymPy expression of one symbol; calling it maps arrays.

    Attributes
    ----------
    name : str
        "tanh", "logistic", or the expression as text.
    expression : sympy.Expr or None
        None for the named ones, so that importing them needs no SymPy.
    """

    name: str
    expression: "sympy.Expr | None" = None

    def __call__(self, z: Operand) -> Array:
        if self.expression is None:
            return _NAMED[self.name](z)
        if _is_traced(z):
            compose = np.frompyfunc(lambda entry: entry.compose(self.expression), 1, 1)
            composed = compose(z)
            return composed if hasattr(composed, "dtype") else np.asarray(composed, dtype=object)
        return self._numeric(z)

    @cached_property
    def _numeric(self):
        return _for_autograd(self.expression)

    def __getstate__(self):
        return {"name": self.name, "expression": self.expression}

    def __repr__(self):
        return f"Activation({self.name!r})"


def activation(given: "str | Activation | Expression") -> Activation:
    """The `Activation` that a name or a SymPy expression of one symbol stands for.

    Raises
    ------
    ValueError
        For an unknown name, an expression without exactly one free symbol, or with functions that autograd lacks.
    TypeError
        For anything else.
    """
    expected = f"activation: expected {' or '.join(map(repr, _NAMED))} or a SymPy expression of one symbol"
    if isinstance(given, Activation):
        return given
    if isinstance(given, str):
        if given not in _NAMED:
            raise ValueError(f"{expected}, got {given!r}")
        return Activation(str(given))
    if not (hasattr(given, "free_symbols") and hasattr(given, "diff")):
        raise TypeError(f"{expected}, got {given!r}")
    if len(given.free_symbols) != 1:
        raise ValueError(f"{expected}, got {given} with {len(given.free_symbols)} symbols")
    smooth = Activation(str(given), _of_a_real_symbol(given))
    points = np.array([-0.5, 0.25, 0.5])
    problem = None
    try:
        with np.errstate(all="ignore"):
            for values in (smooth(points), _slope(smooth.expression)(points)):
                if np.iscomplexobj(values) or not np.isfinite(values).all():
                    problem = f"φ or φ' is {values} at -1/2, 1/4, 1/2"
    except (NameError, TypeError, AttributeError, ValueError, NotImplementedError) as error:
        problem = " ".join(str(error).split())
    if problem:
        raise ValueError(
            f"activation: expected a smooth real function that autograd and NumPy know, got {given}: {problem}"
        )
    return smooth


def _for_autograd(expression):
    from autograd.scipy import special
    from sympy import lambdify

    (symbol,) = expression.free_symbols
    functions = {name: getattr(special, name) for name in ("erf", "erfc", "gamma", "polygamma")}
    return lambdify(symbol, expression, modules=[functions, np])


def _slope(expression):
    from sympy import lambdify

    (symbol,) = expression.free_symbols
    return lambdify(symbol, expression.diff(symbol), modules=["scipy", "numpy"])


def _of_a_real_symbol(expression):
    """Of a complex symbol, |t| would have no derivative."""
    from sympy import Symbol

    (symbol,) = expression.free_symbols
    return expression.subs(symbol, Symbol(symbol.name, real=True))


def _is_traced(z):
    return getattr(getattr(z, "dtype", None), "kind", "") == "O" or hasattr(z, "where_positive")


def _by_entries(function, name, z):
    """The method `name` of each traced scalar in z; of a plain number among them, the function itself."""
    return np.frompyfunc(lambda entry: getattr(entry, name)() if hasattr(entry, name) else function(entry), 1, 1)(z)


@_primitive
def softplus(z: Operand) -> Array:
    """log(1 + e^z), accurate to a few eps of its value at every z; none overflows."""
    return _by_entries(softplus, "softplus", z) if _is_traced(z) else np.logaddexp(0.0, z)


@_primitive
def erf(z: Operand) -> Array:
    """The error function, whose derivatives, unlike those of `autograd.scipy.special.erf`, do not overflow."""
    from scipy import special

    return _by_entries(erf, "erf", z) if _is_traced(z) else special.erf(z)


@_primitive
def _normal_cdf(z: Operand) -> Array:
    from scipy import special

    return _by_entries(_normal_cdf, "ndtr", z) if _is_traced(z) else special.ndtr(z)


def _bell(z):
    return np.exp(-(np.clip(z, -30.0, 30.0) ** 2))  # e^{-900} is 0 in floats, as all its derivatives are


def gelu(z: Operand) -> Array:
    """z Φ(z), Φ the distribution function of N(0, 1)."""
    return z * _normal_cdf(z)


def silu(z: Operand) -> Array:
    """z/(1 + e^{-z}), also called swish."""
    return z * logistic(z)


@_primitive
def logsumexp(z: Operand, axis: int = -1, keepdims: bool = False) -> Array:
    """log Σ e^z over one axis, at every finite z.

    >>> float(logsumexp(np.array([1000.0, 1000.0])) - 1000)
    0.6931471805599...
    """
    if _is_traced(z):
        return _TRACED_LOGADDEXP.reduce(z, axis=axis, keepdims=keepdims)
    largest = np.max(z, axis=axis, keepdims=True)
    with np.errstate(over="ignore"):  # of a difference of huge numbers, whose exponential is 0
        total = largest + np.log(np.sum(np.exp(z - largest), axis=axis, keepdims=True))
    return total if keepdims else np.squeeze(total, axis=axis)


@_primitive
def softmax(z: Operand, axis: int = -1) -> Array:
    """e^z/Σ e^z over one axis, at every finite z.

    >>> softmax(np.array([1000.0, 1000.0, -1000.0]))
    array([0.5, 0.5, 0. ])
    """
    if _is_traced(z):
        last = np.moveaxis(z, axis, -1)
        inverse = np.exp(-logsumexp(last[..., :, None] - last[..., None, :], axis=-2))
        return np.moveaxis(inverse, -1, axis)
    with np.errstate(over="ignore"):
        shares = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return shares / np.sum(shares, axis=axis, keepdims=True)


def _logaddexp_one(a, b):
    if hasattr(a, "logaddexp"):
        return a.logaddexp(b)
    return b.logaddexp(a) if hasattr(b, "logaddexp") else np.logaddexp(a, b)


_TRACED_LOGADDEXP = np.frompyfunc(_logaddexp_one, 2, 1)

defvjp(softplus, lambda _value, z: lambda g: g * logistic(z))
defvjp(erf, lambda _value, z: lambda g: g * (2 / np.sqrt(np.pi)) * _bell(z))
defvjp(_normal_cdf, lambda _value, z: lambda g: g * _bell(z / np.sqrt(2.0)) / np.sqrt(2 * np.pi))
defvjp(
    logsumexp,
    lambda _value, z, axis=-1, keepdims=False: (
        lambda g: (g if keepdims else np.expand_dims(g, axis)) * softmax(z, axis)
    ),
)
defvjp(
    softmax,
    lambda value, _z, axis=-1: lambda g: value * (g - np.sum(g * value, axis=axis, keepdims=True)),
)

__all__ += ["erf", "gelu", "logsumexp", "silu", "softmax", "softplus"]
