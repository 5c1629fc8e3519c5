"""Whether autograd's derivatives of a model are those of its values: plain NumPy inside h is a constant to autograd."""

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad

from .quiet_derivatives import quiet_derivatives

__all__ = ["check_derivatives", "quietly"]

STEPS = 10.0 ** -np.arange(2, 10)  # of the differences, against parameters of size 1
CALLED = "h: expected a model that autograd differentiates"
FLOATS = 1 << 18  # in the parameters of one evaluation at all steps, past which data are left out evenly


def check_derivatives(h, x, dim):
    """A ValueError if a derivative of first, second or third order disagrees with differences, at random θ and x_i."""
    rng = np.random.default_rng(0)
    most = max(1, FLOATS // (2 * len(STEPS) * dim))
    data = np.arange(len(x)) if len(x) <= most else np.linspace(0, len(x) - 1, most).astype(int)
    theta = np.stack([rng.uniform(0.1, 1.0, size=(len(data), dim)), rng.standard_normal((len(data), dim))])

    def function(copies):
        return h(copies, x[data])

    scale = np.zeros(theta.shape[:-1])  # of what the derivatives of lower order add up, and so of rounding
    for order in ("first", "second", "third"):
        gradient = elementwise_grad(function)
        beside = theta + 1e-3 * rng.standard_normal(theta.shape)
        wrong, by_autograd, by_values, larger = _disagreement(function, gradient, theta, scale, rng)
        if wrong.any():  # once more beside it, where no kink can be as close
            wrong &= _disagreement(function, gradient, beside, scale, rng)[0]
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0])
            raise ValueError(
                f"h: expected {order} derivatives by autograd that are those of its values, got {by_autograd[at]:.4g}"
                f" where differences give {by_values[at]:.4g} (x_{data[at[1]]}, a random theta): write all of h with"
                " `import autograd.numpy as np`, as plain NumPy is a constant to autograd"
            )
        function, scale = _contracted(gradient, rng.standard_normal(theta.shape)), np.fmax(scale, larger)


def quietly(compute, called):
    """What is computed, whatever floats do on the way; any error becomes one line that begins with `called`."""
    try:
        with quiet_derivatives():
            return compute()
    except Exception as error:
        raise ValueError(f"{called}, got {type(error).__name__}: {' '.join(str(error).split())}") from error


def _contracted(gradient, weights):
    return lambda copies: anp.sum(gradient(copies) * weights, axis=-1)


def _disagreement(function, gradient, theta, scale, rng):
    """Where the two certainly differ, (2, data) bools, with the derivative along a random direction by each, and the
    size of its terms.

    Differences count where three steps in a row agree to 1 %, and with each other much better than with autograd: then
    neither a kink nor a scale nor rounding speaks.
    """
    along = rng.standard_normal(theta.shape)
    slopes = quietly(lambda: gradient(theta), CALLED)
    if np.shape(slopes) != theta.shape or np.asarray(slopes).dtype != np.float64:
        got = f"{np.asarray(slopes).dtype} of shape {np.shape(slopes)}"
        raise ValueError(f"{CALLED}, got a derivative in {got} for theta in float64 of shape {theta.shape}")
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
        bent = np.abs(
            np.sum(quietly(lambda: elementwise_grad(_contracted(gradient, along))(theta), CALLED) * along, axis=-1)
        )
        with np.errstate(all="ignore"):
            apart &= bent * steps[1:-1] < np.abs(middle - by_autograd)
    first = np.argmax(apart, axis=0)
    return apart.any(axis=0), by_autograd, np.take_along_axis(middle, first[None], axis=0)[0], terms
