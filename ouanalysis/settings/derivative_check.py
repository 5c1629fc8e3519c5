"""Whether autograd's derivatives of a model are those of its values: plain NumPy inside h is a constant to autograd."""

from collections.abc import Callable
from typing import TypeVar

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad

from ..arguments import Array, Model, shortened
from .quiet_derivatives import quiet_derivatives

__all__ = ["check_derivatives", "quietly"]

Result = TypeVar("Result")

STEPS = 10.0 ** -np.arange(2, 10)  # of the differences, against parameters of size 1
FLOATS = 1 << 20  # in the parameters of one evaluation at all steps, past which data are left out evenly
CALLED = "h: expected a model that autograd differentiates, written with `import autograd.numpy as np` throughout"


def check_derivatives(h: Model, x: Array, dim: int) -> None:
    """A ValueError if a derivative of first, second or third order disagrees with differences, at random θ and x_i."""
    rng = np.random.default_rng(0)
    most = max(1, FLOATS // (2 * len(STEPS) * dim))
    data = np.arange(len(x)) if len(x) <= most else np.linspace(0, len(x) - 1, most).astype(int)
    theta = np.stack([rng.uniform(0.1, 1.0, size=(len(data), dim)), rng.standard_normal((len(data), dim))])
    x = np.where(np.abs(x) < 1e-290, 0.0, x)  # whose products are not normal floats, and lose their digits
    _slopes(elementwise_grad(lambda copies: h(copies, x[:1])), theta[:, :1])  # what fails, fails fast

    def function(copies):
        return h(copies, x[data])

    shares = (1.0, 1 / 30, 1 / (30 * max(1.0, np.max(np.abs(x)))))  # the last ones where nothing is saturated
    scale = np.zeros(theta.shape[:-1])  # of what the derivatives of lower order add up, and so of rounding
    for order in ("first", "second", "third"):
        gradient = elementwise_grad(function)
        slopes = _slopes(gradient, theta)
        beside = theta + 1e-3 * rng.standard_normal(theta.shape)
        for along in _directions(slopes, rng):
            wrong, by_autograd, by_values = _disagreement(function, slopes, theta, along, scale)
            if wrong.any():  # once more beside it, where no kink can be as close, and not of what is but rounding
                again = [
                    _disagreement(function, _slopes(gradient, share * beside), share * beside, along, scale)[0]
                    for share in (shares[:1] if order == "first" else shares)
                ]
                wrong &= again[0] & np.any(again[1:] or [True], axis=0)
            if wrong.any():
                at = tuple(np.argwhere(wrong)[0])
                raise ValueError(
                    f"h: expected {order} derivatives by autograd that are those of its values, got"
                    f" {by_autograd[at]:.4g} where differences give {by_values[at]:.4g} (x_{data[at[1]]}, a random"
                    " theta): write all of h with `import autograd.numpy as np`, as plain NumPy is constant to it"
                )
        scale = np.fmax(scale, np.sum(np.abs(slopes), axis=-1))
        function = _contracted(gradient, rng.standard_normal(theta.shape))


def quietly(compute: Callable[[], Result], called: str) -> Result:
    """What is computed, whatever floats do on the way; any error becomes one line that begins with `called`."""
    try:
        with quiet_derivatives():
            return compute()
    except Exception as error:
        raise ValueError(f"{called}, got {type(error).__name__}: {shortened(str(error), 160)}") from error


def _contracted(gradient, weights):
    return lambda copies: anp.sum(gradient(copies) * weights, axis=-1)


def _slopes(gradient, theta):
    slopes = quietly(lambda: gradient(theta), CALLED)
    if np.shape(slopes) != theta.shape or np.asarray(slopes).dtype != np.float64:
        got = f"{np.asarray(slopes).dtype} of shape {np.shape(slopes)}"
        raise ValueError(f"{CALLED}, got a derivative in {got} for theta in float64 of shape {theta.shape}")
    return slopes


def _directions(slopes, rng):
    """Random ones: along all parameters alike, and along those the more by which h changes the less."""
    yield rng.standard_normal(slopes.shape)
    sizes = np.abs(slopes)
    largest = np.max(sizes, axis=-1, keepdims=True, initial=0.0, where=np.isfinite(sizes))
    with np.errstate(all="ignore"):
        weights = 1e-9 / np.fmax(sizes / largest, 1e-9)
    yield rng.standard_normal(slopes.shape) * np.where(np.isfinite(weights), weights, 1.0)


def _disagreement(function, slopes, theta, along, scale):
    """Where the two certainly differ, (2, data) bools, with the derivative along a direction by each.

    Differences count where three steps in a row agree to 1 %, and with each other much better than with autograd: then
    neither a kink nor a scale nor rounding speaks.
    """
    steps = STEPS[:, None, None]
    moves = steps[..., None] * along
    with quiet_derivatives():
        ends = function(theta + np.stack([moves, -moves]))
        by_values = (ends[0] - ends[1]) / (2 * steps)
        by_autograd = np.sum(slopes * along, axis=-1)
        middle, spread = by_values[1:-1], np.abs(np.diff(by_values, axis=0))
        terms = np.sum(np.abs(slopes * along), axis=-1)
        eps, least = np.finfo(float).eps, np.finfo(float).smallest_normal
        rounding = eps * (np.max(np.abs(ends), axis=0) + np.sum(np.abs(slopes * theta), axis=-1) + scale) + least
        spread, noise = spread[:-1] + spread[1:], 16 * (rounding / steps)[1:-1]
        settled = spread <= 1e-2 * np.abs(middle)
        apart = settled & (np.abs(middle - by_autograd) > 3 * spread + 1e-6 * (terms + np.abs(middle)) + noise)
    apart &= (ends[0] != ends[1])[1:-1] & np.isfinite(spread + noise + terms)
    if apart.any():  # where autograd's own curvature is straight over the step, else the step is too long to tell
        gradient = elementwise_grad(_contracted(elementwise_grad(function), along))
        bent = np.abs(np.sum(quietly(lambda: gradient(theta), CALLED) * along, axis=-1))
        with np.errstate(all="ignore"):
            apart &= bent * steps[1:-1] < np.abs(middle - by_autograd)
    first = np.argmax(apart, axis=0)
    return apart.any(axis=0), by_autograd, np.take_along_axis(middle, first[None], axis=0)[0]
