"""The gradient of the loss of a batch: by autograd, traced once and then plain NumPy calls, or the model's own."""

from collections.abc import Callable

import numpy as np
from autograd.core import make_vjp

from ..arguments import Array
from ..settings import Setting
from ..settings.products import WithBackward
from ..tape.entries import pull_back
from ..tape.repeated import repeated

__all__ = ["Gradient", "loss_gradient"]

Gradient = Callable[[Array, Array, Array], Array]


def loss_gradient(setting: Setting) -> Gradient:
    """A function of theta (chains, p), x (..., B, *feature) and labels (chains, B): ∇ of (1/B) Σ_b (h_b − label_b)².

    Of k outputs labels are (chains, B, k).

    For each shape h is traced once; from then on the NumPy calls that autograd made are repeated. Where h looks at
    values (a branch of Python), or the first repetition is not what autograd gives, autograd traces at every call.
    """
    if isinstance(setting.h, WithBackward):
        return _by_itself(setting.h)
    known: dict[object, Gradient] = {}

    def gradient(theta, x, labels):
        key = theta.shape, np.shape(x)
        if key not in known:
            known[key] = _repeated(setting, theta, x, labels) or _by_autograd(setting)
        return known[key](theta, x, labels)

    return gradient


def _seed(value, labels):
    """∂L/∂h."""
    return (2.0 / labels.shape[1]) * (value - labels)


def _by_itself(h):
    def gradient(theta, x, labels):
        value, pull_back = h.with_backward(theta, x)
        return pull_back(_seed(value, labels))

    return gradient


def _by_autograd(setting):
    def gradient(theta, x, labels):
        pull_back, value = make_vjp(lambda rows: setting.h(rows, x), theta[:, None])
        return pull_back(_seed(value, labels))[:, 0]

    return gradient


def _repeated(setting, theta, x, labels):
    """The calls of NumPy that autograd makes, as one function; None where they cannot be known beforehand."""

    def of_copies(copies, x, labels):
        return pull_back(lambda rows: setting.h(rows, x), copies, lambda value: _seed(value, labels))[1]

    wanted = _by_autograd(setting)(theta, x, labels)[:, None]
    function = repeated(of_copies, (theta[:, None], x, labels), wanted)
    return function and (lambda theta, x, labels: function(theta[:, None], x, labels)[:, 0])
