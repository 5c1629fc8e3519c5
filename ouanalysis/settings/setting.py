"""A model and the data it interpolates, the one concept that everything else is a function of."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from autograd import elementwise_grad

from ..arguments import count, real_array

__all__ = ["Setting", "check_setting", "parameters", "split"]


@dataclass(frozen=True, eq=False, repr=False)
class Setting:
    """A model h(θ, x) and n data (x_i, y_i) that it is to fit exactly.

    Parameters
    ----------
    h : callable
        ``h(theta, x)`` with theta (..., p) and x (..., *feature) gives (...); the leading axes broadcast. Written
        in `autograd.numpy`; branches through `ouanalysis.activations`. Define it at module level to pickle it. It
        counts as smooth: kinks of your own are not watched for.
    x : (n, *feature) array_like
    y : (n,) array_like
    dim : int
        p, the number of parameters.

    Raises
    ------
    ValueError, TypeError
        For data of the wrong shape or kind, and for an h that does not broadcast or that autograd cannot differentiate.

    Examples
    --------
    The smallest model, h = ab:

    >>> def product(theta, x):
    ...     return theta[..., 0] * theta[..., 1] * x
    >>> setting = Setting(product, x=[1.0], y=[2.0], dim=2)
    >>> setting
    Setting(n=1, dim=2)
    >>> setting.predictions([3.0, 4.0])
    array([12.])
    """

    h: Callable[[Any, Any], Any]
    x: np.ndarray
    y: np.ndarray
    dim: int

    def __post_init__(self):
        if not callable(self.h):
            raise TypeError(f"h: expected a function of (theta, x), got {self.h!r}")
        set_field = object.__setattr__
        set_field(self, "dim", count("dim", self.dim, least=1))
        set_field(self, "x", real_array("x", self.x))
        if self.x.ndim == 0 or len(self.x) == 0:
            raise ValueError(f"x: expected shape (n, *feature) with n at least 1, got {self.x.shape}")
        set_field(self, "y", real_array("y", self.y, shape=(len(self.x),)))
        _check_model(self.h, self.x, self.dim)

    @property
    def n(self):
        """The number of data."""
        return len(self.y)

    @property
    def parts(self):
        """Names and shapes of the parameter arrays, in the order in which theta holds them, row-major."""
        return {"theta": (self.dim,)}

    def unpack(self, theta):
        """The named arrays that theta (..., p) holds; each keeps the leading axes."""
        return split(parameters(self, theta), self.parts)

    def pack(self, **arrays):
        """The flat theta (..., p) that holds these arrays; the inverse of `unpack`."""
        if set(arrays) != set(self.parts):
            raise TypeError(f"pack: expected the arrays {', '.join(self.parts)}, got {', '.join(arrays) or 'none'}")
        flat = []
        for name, shape in self.parts.items():
            array = real_array(name, arrays[name], shape=(..., *shape))
            flat.append(array.reshape(*array.shape[: array.ndim - len(shape)], prod(shape)))
        shapes = [array.shape[:-1] for array in flat]
        try:
            leading = np.broadcast_shapes(*shapes)
        except ValueError:
            got = ", ".join(f"{name} {shape}" for name, shape in zip(self.parts, shapes, strict=True))
            raise ValueError(f"pack: expected leading axes that broadcast, got {got}") from None
        return np.concatenate([np.broadcast_to(array, (*leading, array.shape[-1])) for array in flat], axis=-1)

    def predictions(self, theta):
        """h(θ) on all data: theta (..., p) gives (..., n)."""
        return self.h(parameters(self, theta)[..., None, :], self.x)

    def __setstate__(self, state):
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
        self.__dict__.update(state)

    def __repr__(self):
        return f"{type(self).__name__}(n={self.n}, dim={self.dim})"


def split(theta, parts):
    """Cut theta (..., p) into arrays (..., *shape); works on traced and differentiated arrays too."""
    arrays, start = {}, 0
    for name, shape in parts.items():
        stop = start + prod(shape)
        arrays[name] = theta[..., start:stop].reshape(theta.shape[:-1] + tuple(shape))
        start = stop
    return arrays


def check_setting(setting):
    """A TypeError if it is not a Setting."""
    if not isinstance(setting, Setting):
        raise TypeError(f"setting: expected a Setting, got {type(setting).__name__}")


def parameters(setting, theta, *, leading=True):
    """theta as a clean (..., p) array, or (p,) without leading axes; a TypeError if `setting` is not a Setting."""
    check_setting(setting)
    return real_array("theta", theta, shape=(..., setting.dim) if leading else (setting.dim,))


def _check_model(h, x, dim):
    """Compare h on stacked parameters and data with h on one vector and one datum at a time, and differentiate it."""
    x = x[[0, len(x) // 2, -1]]
    rng = np.random.default_rng(0)
    theta = np.stack([rng.uniform(0.1, 1.0, size=(3, dim)), rng.standard_normal((3, dim))])  # of mixed sign too
    for data in (np.stack([x, x]), np.stack([x, x[::-1]])):  # stacked, as the batches of several chains are
        single = [[_call(h, theta[k, i], data[k, i], ()) for i in range(3)] for k in range(2)]
        for stacked in [data, x] if np.array_equal(data[1], x) else [data]:
            if not np.allclose(_call(h, theta, stacked, (2, 3)), single, rtol=1e-6, atol=1e-9, equal_nan=True):
                raise ValueError("h: expected the same values on stacked theta and x as on one at a time, got others")
    _call(h, theta[:, :1], x, (2, 3))
    _call(elementwise_grad(h), theta, x, theta.shape, called="h: expected a model that autograd differentiates")


def _call(h, theta, x, shape, *, called=None):
    called = called or f"h: expected floats of shape {shape} for theta {theta.shape} and x {np.shape(x)}"
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Output seems independent of input")
            value = np.asarray(h(theta, x))
    except Exception as error:
        raise ValueError(f"{called}, got {type(error).__name__}: {' '.join(str(error).split())}") from error
    if value.shape != shape or value.dtype.kind != "f":
        raise ValueError(f"{called}, got {value.dtype} of shape {value.shape}")
    return value
