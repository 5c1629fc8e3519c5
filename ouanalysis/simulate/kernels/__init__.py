"""Compiled label-noise SGD: a loop of steps and one of regularizers, and one file a setting that gives h_i and ∇_θ h_i.

The file is named as the setting's and holds

    model(setting) -> a NamedTuple whose class is of that file, with the labels as `y`; None where there is no kernel
    of_known_sizes(model) -> the same with sizes that Numba knows (`sizes`), if that makes it faster; may be left out
    value_and_gradient(model, theta, i, gradient) -> h(θ, x_i), with ∇_θ h_i written to `gradient`: what Numba compiles
        (its signature is this to the letter, without annotations, which Numba compares too)
    batch_gradient(model, theta, indices, noise, gradient): the gradient of a batch at once; may be left out

Numba keeps the compiled loops on disk for the next process. It looks at the source of a loop alone, so the name under
which a loop is kept holds a digest of every file here.

Nothing is compiled with fastmath: sums in another order make other paths on every processor, a fused a x + b is not 0
at a kink on a datum, and with nnan or ninf isfinite says True of NaN.

A function counts the references to its arrays unless Numba sees that it need not: not where it takes a branch to a loop
and another to none, nor where a view or a new array outlives a branch. Counts are atomic, and six of them take as long
as the step of a small model; so the loops of a step are functions without such branches, and take no views.
"""

import hashlib
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba.extending import overload

from ...arguments import Array
from ...settings import Setting
from ...settings.by_file_name import module_in
from ..averages import FLUSH
from ..kept_loops import compiled_and_kept
from ..warn_once import warn_once
from .given import Given

__all__ = ["Given", "can_compile", "exists", "first_velocity", "kernel", "regularizers", "values_and_gradients"]

LINE = 8  # floats in a cache line


def exists(setting: Setting) -> bool:
    """Whether the setting has a kernel."""
    return _model(setting)[1] is not None


def kernel(setting: Setting, *, averaging: bool = False, known_sizes: bool = False) -> Callable[..., None] | None:
    """`_advance` for this setting, without its first argument; None for a setting that has no kernel.

    Without `averaging` its `every` is None, and what averages is not compiled: a third of the time that takes.
    With `known_sizes` it may be compiled for the setting's own sizes: the same steps to the last bit, faster.
    """
    return _loop(setting, _advance, _ADVANCE_AVERAGING if averaging else _ADVANCE, known_sizes)


def can_compile(setting: Setting) -> bool:
    """Whether a setting has no kernel, but could have one."""
    return not numba.config.DISABLE_JIT and setting.kernel is None and module_in(__name__, setting) is None


def regularizers(setting: Setting) -> Callable[..., None] | None:
    """`_regularize` for this setting, without its first argument; None for a setting that has no kernel."""
    return _loop(setting, _regularize, _REGULARIZE)


def values_and_gradients(setting: Setting) -> Callable[..., None] | None:
    """`_evaluate` for this setting, without its first argument; None for a setting that has no kernel."""
    return _loop(setting, _evaluate, _EVALUATE)


def first_velocity(setting: Setting, theta: Array) -> Array:
    """−∇L at theta (p,), as a step of the kernel takes it from rest on all data without noise."""
    advance: Any = kernel(setting)
    velocity, nowhere = np.zeros(setting.dim), np.empty((0, setting.dim))
    indices = np.zeros((1, 0 if setting.rows > 1 else 2), np.int64)  # a lone datum twice, as a batch is of several
    drawn = indices, np.zeros((1, max(setting.rows, 2))), np.empty((1, 0))
    records, sums = (np.empty(0, np.int64), nowhere), np.zeros((3, setting.dim + 2))
    advance(
        theta.copy(),
        velocity,
        *drawn,
        np.ones(1),
        np.zeros(1),
        0.0,
        0,
        *records,
        0,
        None,
        False,
        nowhere,
        *sums,
        setting.outputs,
    )
    return velocity


def _model(setting):
    """The module of the setting's kernel and its model, or None for each that there is not."""
    module = setting.kernel or module_in(__name__, setting)
    if module is None:
        return None, None
    if numba.config.DISABLE_JIT:
        warn_once("NUMBA_DISABLE_JIT is set, so this runs by autograd, some hundred times slower: unset it")
        return module, None
    return module, module.model(setting)


def _loop(setting, function, arguments, known_sizes=False):
    """A loop of this file, compiled for the setting's kernel."""
    module, model = _model(setting)
    if model is None:
        return None
    if known_sizes and hasattr(module, "of_known_sizes"):
        model = module.of_known_sizes(model)
    loop, problem = _compiled(numba.typeof(model), function, arguments)
    if problem:
        warn_once(problem)
    return partial(loop, model)


def value_and_gradient(model, theta, i, gradient) -> float:
    """That of the file which the model's class is from; only compiled code can call it."""
    raise NotImplementedError


@overload(value_and_gradient, jit_options={"forceinline": True})
def _value_and_gradient(model, theta, i, gradient):
    return _module_of(model).value_and_gradient


def takes_batches(model) -> bool:
    """Whether that file has `batch_gradient` too; compiled code knows it beforehand."""
    raise NotImplementedError


@overload(takes_batches, jit_options={"forceinline": True})
def _takes_batches(model):
    known = hasattr(_module_of(model), "batch_gradient")
    return lambda model: known  # noqa: ARG005  (Numba compares the arguments' names)


def batch_gradient(model, theta, indices, noise, gradient) -> None:
    """That of the file, which writes ∇_θ of (1/B) Σ_b (h_i − y_i − ε_b)², i = indices[b] or all, to `gradient`."""
    raise NotImplementedError


@overload(batch_gradient, jit_options={"forceinline": True})
def _batch_gradient(model, theta, indices, noise, gradient):
    nothing = lambda model, theta, indices, noise, gradient: None  # noqa: ARG005, E731
    return getattr(_module_of(model), "batch_gradient", nothing)


def _module_of(kind):
    return sys.modules[kind.instance_class.__module__]


def _advance(
    model,
    theta,
    velocity,
    indices,
    noise,
    gradient_noise,
    lr,
    momentum,
    weight_decay,
    first,
    records,
    out,
    start,
    every,
    measured,
    directions,
    shift,
    recent,
    total,
    outputs,
) -> None:
    """Take len(noise) steps in place: v ← βv − (∇ + λθ), θ ← θ + ηv, from step `first`.

    indices : (steps, B) int64; with B = 0 every datum is taken once, and noise is (steps, n)
    noise : (steps, B) float64, in units of y
    gradient_noise : (steps, p) float64, added to ∇; (steps, 0) for none
    lr, momentum : (steps,) float64
    weight_decay : λ
    records : (k,) int64, increasing steps; the state after step s goes to the row of `out` where records is s
    start, every : the state after step s is averaged if s − start is a positive multiple of every; None for none
    measured : whether with L and reg
    directions, shift, recent, total : as `averages.Sums` has them, of one chain
    outputs : how many rows of the model a datum has; indices, noise and B are of rows
    """
    full = indices.shape[1] == 0
    batch = noise.shape[1]
    dim = len(theta)
    home, theta, gradient = theta, _aligned(dim), _aligned(dim)
    _copy(home, theta)
    scale = 2.0 * outputs / batch
    at_once = takes_batches(model) and batch > 1
    times = 1 if at_once else batch
    alone = times == 1 and gradient_noise.shape[1] == 0 and weight_decay == 0.0
    record = 0
    while record < len(records) and records[record] <= first:
        record += 1
    for step in range(len(noise)):
        kept = momentum[step]
        for b in range(times):
            if at_once:
                batch_gradient(model, theta, indices[step], noise[step], gradient)
                weight = float(outputs)
            else:
                i = b if full else indices[step, b]
                weight = scale * (value_and_gradient(model, theta, i, gradient) - (model.y[i] + noise[step, b]))
            if alone:
                if kept != 0.0 or step + 1 == len(noise) or momentum[step + 1] != 0.0:
                    _descend_remembering(theta, velocity, gradient, lr[step], kept, weight)
                else:  # nobody will ask for the velocity
                    _descend(theta, gradient, lr[step], weight)
            else:
                for j in range(dim):
                    velocity[j] = kept * velocity[j] - weight * gradient[j]
            kept = 1.0
        if not alone:
            _move(theta, velocity, gradient_noise, step, weight_decay, lr[step])
        taken = first + step + 1
        if record < len(records) and records[record] == taken:
            _copy(theta, out[record])
            record += 1
        if every is not None and taken > start and (taken - start) % every == 0:
            _accumulate(model, theta, gradient, measured, directions, shift, recent, outputs)
            if (taken - start) // every % FLUSH == 0:
                _flush(recent, total)
    _copy(theta, home)


@numba.njit(nogil=True)
def _aligned(size):
    """An array that begins with a cache line, as a vector across two of them takes two loads."""
    room = np.empty(size + LINE)
    start = -(room.ctypes.data // room.itemsize) % LINE
    return room[start : start + size]


@numba.njit(nogil=True)
def _copy(source, target) -> None:
    """target[:] = source, which takes Numba 3 s more to compile, for the text of its error."""
    for j in range(len(source)):
        target[j] = source[j]


@numba.njit(nogil=True)
def _descend(theta, gradient, lr, weight) -> None:
    """θ ← θ − ηw∇."""
    for j in range(len(theta)):
        theta[j] -= lr * (weight * gradient[j])


@numba.njit(nogil=True)
def _descend_remembering(theta, velocity, gradient, lr, momentum, weight) -> None:
    """v ← βv − w∇, θ ← θ + ηv in one loop."""
    for j in range(len(theta)):
        velocity[j] = momentum * velocity[j] - weight * gradient[j]
        theta[j] += lr * velocity[j]


@numba.njit(nogil=True)
def _move(theta, velocity, gradient_noise, step, weight_decay, lr) -> None:
    """v ← v − s ξ − λθ, θ ← θ + ηv."""
    for j in range(gradient_noise.shape[1]):
        velocity[j] -= gradient_noise[step, j]
    if weight_decay:
        for j in range(len(theta)):
            velocity[j] -= weight_decay * theta[j]
    for j in range(len(theta)):
        theta[j] += lr * velocity[j]


@numba.njit(nogil=True)
def _accumulate(model, theta, gradient, measured, directions, shift, recent, outputs) -> None:
    """Add a state to the sums: θ − shift, its products along the directions, L and reg."""
    dim, k = len(theta), len(directions)
    for j in range(dim):
        recent[j] += theta[j] - shift[j]
    along = np.empty(k)
    for a in range(k):
        along[a] = 0.0
        for j in range(dim):
            along[a] += directions[a, j] * (theta[j] - shift[j])
        for b in range(a + 1):
            recent[dim + a * k + b] += along[a] * along[b]
            if b < a:
                recent[dim + b * k + a] += along[a] * along[b]
    if measured:
        loss = reg = 0.0
        n = len(model.y) // outputs
        for i in range(len(model.y)):
            residual = value_and_gradient(model, theta, i, gradient) - model.y[i]
            loss += residual * residual
            for j in range(dim):
                reg += gradient[j] * gradient[j]
        recent[dim + k * k] += loss / n
        recent[dim + k * k + 1] += reg / n


@numba.njit(nogil=True)
def _flush(recent, total) -> None:
    """Move a sum to the total."""
    for j in range(len(total)):
        total[j] += recent[j]
        recent[j] = 0.0


def _regularize(model, theta, out, outputs) -> None:
    """(1/n) Σ_i ‖∇_θ h_i‖² at each row of theta (k, p), to out (k,)."""
    gradient = np.empty(theta.shape[1])
    n = len(model.y) // outputs
    for k in range(len(theta)):
        total = 0.0
        for i in range(len(model.y)):
            value_and_gradient(model, theta[k], i, gradient)
            for j in range(len(gradient)):
                total += gradient[j] * gradient[j]
        out[k] = total / n


def _evaluate(model, theta, values, gradients):
    """h_i and ∇_θ h_i of all data at theta (p,), to values (n,) and gradients (n, p)."""
    for i in range(len(values)):
        values[i] = value_and_gradient(model, theta, i, gradients[i])


_ROW, _ROWS, _INDICES = numba.float64[::1], numba.float64[:, ::1], numba.int64[:, ::1]


def _arguments_of_advance(every):
    """The types of its arguments but the model, with that of `every`."""
    return (
        *(_ROW, _ROW, _INDICES, _ROWS, _ROWS, _ROW, _ROW, numba.float64),
        *(numba.int64, numba.int64[::1], _ROWS),
        *(numba.int64, every, numba.boolean, _ROWS, _ROW, _ROW, _ROW, numba.int64),
    )


_ADVANCE, _ADVANCE_AVERAGING = _arguments_of_advance(numba.none), _arguments_of_advance(numba.int64)
_REGULARIZE = (_ROWS, _ROW, numba.int64)
_EVALUATE = (_ROW, _ROW, _ROWS)


@cache
def _compiled(kind, function, arguments):
    """The function for models of a Numba type, and what kept it from being kept on disk, if anything did."""
    own = any(isinstance(field, numba.types.Dispatcher) for field in kind)  # which every process would write anew
    return compiled_and_kept(_named(function, kind), (kind, *arguments), keep=not own)


def _named(function, kind):
    """The function under a name that is new for each file of a setting, source of this folder and FLUSH."""
    module = kind.instance_class.__module__.rpartition(".")[-1]
    named = FunctionType(function.__code__, function.__globals__)
    named.__qualname__ = f"{module}-{function.__name__}-{_digest()}"
    return named


@cache
def _digest():
    sources = sorted((file.name, file.read_bytes()) for file in files(__name__).iterdir() if file.name.endswith(".py"))
    return hashlib.sha256(repr((sources, FLUSH)).encode()).hexdigest()[:16]
