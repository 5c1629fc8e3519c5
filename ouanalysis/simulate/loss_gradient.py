"""The gradient of the loss of a batch by autograd, for any model: traced once, and then as plain NumPy calls."""

import sys
import warnings
from collections.abc import Callable
from functools import cache
from time import process_time

import numpy as np
from autograd.core import make_vjp

from ..arguments import Array
from ..settings import Setting

__all__ = ["loss_gradient"]

PRECISION = np.sqrt(np.finfo(float).eps)  # of the largest: far above rounding, far below what is wrong
LONG = 60.0  # seconds of a run of which `compiled` is spoken
HEARD = 1.0  # seconds, of the processor, after which it is clear how long it will take

Gradient = Callable[[Array, Array, Array], Array]


def loss_gradient(setting: Setting, steps: int = 0) -> Gradient:
    """A function of theta (chains, p), x (..., B, *feature) and labels (chains, B): ∇ of (1/B) Σ_b (h_b − label_b)².

    For each shape h is traced once; from then on the NumPy calls that autograd made are repeated. Where h looks at
    values (a branch of Python), or the first repetition is not what autograd gives, autograd traces at every call.

    Parameters
    ----------
    setting : Setting
    steps : int
        How often it will be called; if that will take long, one warning in a process says what is faster.
    """
    known: dict[object, Gradient] = {}
    began, calls = 0.0, 0

    def gradient(theta, x, labels):
        nonlocal began, calls
        key = theta.shape, np.shape(x)
        if key not in known:
            known[key] = _repeated(setting, theta, x, labels) or _by_autograd(setting)
        calls += 1
        if calls == 2:  # the first one traced
            began = process_time()
        elif 2 < calls < steps and _is_long(process_time() - began, calls - 2, steps - calls):
            _speak_of_compiled(setting.kernel is None)
        return known[key](theta, x, labels)

    return gradient


def _is_long(taken, done, left):
    return taken > HEARD and taken / done * left > LONG


def _seed(value, labels):
    """∂L/∂h."""
    return (2.0 / labels.shape[-1]) * (value - labels)


def _by_autograd(setting):
    def gradient(theta, x, labels):
        pull_back, value = make_vjp(lambda rows: setting.h(rows, x), theta[:, None])
        return pull_back(_seed(value, labels))[:, 0]

    return gradient


def _repeated(setting, theta, x, labels):
    """The calls of NumPy that autograd makes, as one function; None where they cannot be known beforehand."""
    from .compiling.replay import replay
    from .compiling.tape import Verbatim, follow

    inputs = {"theta": theta[:, None], "x": x, "labels": labels}
    try:
        _, end = follow(setting.h, _seed, inputs, Verbatim)
        function = replay(end, tuple(inputs))
        given = function(**inputs)[:, 0]
    except Exception:  # whatever h does that cannot be followed
        return None
    wanted = _by_autograd(setting)(theta, x, labels)
    size = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
    if not np.allclose(given, wanted, rtol=0, atol=PRECISION * size, equal_nan=True):
        return None
    return lambda theta, x, labels: function(theta[:, None], x, labels)[:, 0]


@cache
def _speak_of_compiled(useful):
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals["__name__"].startswith("ouanalysis"):
        level, frame = level + 1, frame.f_back
    if useful:
        warnings.warn(
            f"this run by autograd will take more than {LONG:.0f} seconds: ouanalysis.compiled(setting) gives the same"
            " setting as compiled loops, some hundred times faster",
            stacklevel=level,
        )
