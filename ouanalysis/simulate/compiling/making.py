"""A setting with a kernel, from its h or from a function of the user's own, checked against autograd."""

import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from ...arguments import Array, in_one_line
from ...numeric import jacobian
from ...settings import Setting
from ...settings.by_file_name import module_in
from ...settings.quiet_derivatives import quiet_derivatives
from ...settings.setting import check_operations_known, check_setting

__all__ = ["compiled"]

AnySetting = TypeVar("AnySetting", bound=Setting)
SIZES = (1.0, 1.0, 1.0, 0.1, 0.01, 3.0, 10.0)  # of random parameters
FLOATS = 1 << 22  # in the gradients of the data that are compared at once
PRECISION = np.sqrt(np.finfo(float).eps)  # of the largest: far above rounding, far below what is wrong
OTHERWISE = "; the setting itself runs by autograd as it is"


def compiled(
    setting: AnySetting, value_and_gradient: Callable[[Array, Array, Array], float] | None = None
) -> AnySetting:
    """The same setting with a kernel: h and ∇_θ h of one datum as compiled loops, made from h itself.

    `label_noise_sgd`, `label_noise_sde` and `Trajectory.reg` then run some hundred times faster than by autograd. What
    is compiled is kept on disk for the next process. Built-in settings have a kernel and come back as they are.

    Parameters
    ----------
    setting : Setting
    value_and_gradient : callable, optional
        Yours instead: ``value_and_gradient(theta, x, gradient)`` of theta (p,) and x (*feature), a number where that
        is (), writes ∇_θ h to gradient (p,) and returns h. Numba compiles it, in each process. Of one output only.

    Returns
    -------
    Setting
        Equal to the given one.

    Raises
    ------
    TypeError
        For an h with an operation that is not known here, which the message names, or that looks at values of theta or
        x (a branch of Python), or that another library runs; for a function that Numba does not compile.
    ValueError
        For an h that is not the same each time, and where values or gradients differ from those by autograd; for a
        function of yours beside a model of several outputs.

    Notes
    -----
    The operations of h are written down once, autograd's reverse pass among them, so that derivatives at kinks are
    those of autograd. Of a batch, what depends on θ alone is computed once, and what its sum can be put before is
    done after it. Nothing else is reordered but sums: paths agree with autograd's to rounding.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> import ouanalysis as ou
    >>> def product(theta, x):
    ...     return theta[..., 0] * theta[..., 1] * x
    >>> setting = ou.compiled(ou.Setting(product, x=[1.0], y=[2.0], dim=2))
    >>> ou.label_noise_sgd(setting, [1.0, 1.0], lr=0.1, noise_std=0.0, steps=1, rng=0).theta
    array([[[1.2, 1.2]]])
    """
    from .. import kernels

    check_setting(setting)
    if value_and_gradient is not None:
        if not callable(value_and_gradient):
            raise TypeError(f"value_and_gradient: expected a function, got {value_and_gradient!r}")
        if setting.outputs > 1:
            raise ValueError(
                f"value_and_gradient: expected a model of one output, got {setting.outputs}; leave it out, and h itself"
                " is compiled"
            )
        return _checked(setting, kernels.Given(value_and_gradient), "value_and_gradient")
    module = setting.kernel or module_in(kernels.__name__, setting)
    if module is not None and module.model(setting) is not None:
        return setting
    check_operations_known(setting, "to compile, or a value_and_gradient")
    return _checked(setting, _program(setting), "h")


def _points(setting):
    """Parameters (k, p) of several sizes."""
    rng = np.random.default_rng(0)
    normal = rng.standard_normal((len(SIZES), setting.dim)) * np.array(SIZES)[:, None]
    return np.concatenate([normal, rng.uniform(0.1, 1.0, (1, setting.dim))])


def _parts(setting):
    """The setting on some of its data after the other, few enough for their gradients."""
    step = max(1, FLOATS // setting.dim)
    for start in range(0, setting.n, step):
        yield setting._with(x=setting.x[start : start + step], y=setting.y[start : start + step])


def _program(setting):
    """That of h, if it is the same at several parameters and data."""
    from .program import program

    rows = setting.by_row()
    data = rows.x[np.linspace(0, rows.n - 1, 3).astype(int)]
    try:
        with quiet_derivatives():
            made, *others = [program(rows.h, theta, x) for theta, x in zip(_points(setting)[::3], data, strict=True)]
    except (NotImplementedError, TypeError, ValueError, AttributeError) as error:
        raise TypeError(f"h: expected operations that compile, got {_line(error)}{OTHERWISE}") from error
    if not all(made.same(other) for other in others):
        raise ValueError(
            "h: expected the same operations and constants at every theta and datum, got others at some: a branch of"
            f" Python, or a number that autograd does not follow{OTHERWISE}"
        )
    return made


def _checked(setting, kernel, name):
    """The setting with this kernel; a ValueError if it is not that of its h."""
    from numba.core.errors import NumbaError

    from ..kernels import values_and_gradients

    made = setting._with(kernel=kernel)
    for part in _parts(made):
        try:
            evaluate = values_and_gradients(part)
        except NumbaError as error:
            reason = re.split(r"Failed in \w+ mode pipeline \(.*\)\n", str(error))[-1].partition("\n")[0]
            raise TypeError(f"{name}: expected a function that Numba compiles, got {reason}") from error
        for theta in _points(setting) if evaluate else ():  # None where Numba is switched off
            _compare(part, theta, evaluate, name)
    return made


def _compare(setting, theta, evaluate, name):
    """A ValueError where a value or derivative is not autograd's to half the digits, and that is a number."""
    from ..kernels import first_velocity

    with quiet_derivatives():
        wanted = np.concatenate([setting.by_row().predictions(theta)[:, None], jacobian(setting, theta)], axis=1)
    values, gradients = np.empty(setting.rows), np.full((setting.rows, setting.dim), np.nan)
    try:
        evaluate(theta, values, gradients)
    except ZeroDivisionError:  # a pole of a function of the user's own; where a run meets one it has diverged
        return
    got = np.concatenate([values[:, None], gradients], axis=1)
    compared = np.isfinite(wanted)
    with np.errstate(all="ignore"):
        size = np.max(np.abs(wanted), axis=1, keepdims=True, initial=0.0, where=compared)
        wrong = compared & ~(np.abs(got - wanted) <= PRECISION * size)
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        what = f"∂h/∂θ_{j - 1}" if j else "h"
        raise ValueError(
            f"{name}: expected the values and gradients of h by autograd, got {what} = {got[i, j]:.6g} where it is"
            f" {wanted[i, j]:.6g} (x = {in_one_line(np.asarray(setting.x[i // setting.outputs]))}, a random theta)"
            f"{OTHERWISE}"
        )
    total = -first_velocity(setting, theta)
    with np.errstate(all="ignore"):
        labels = setting.y.ravel()
        summed = 2.0 / setting.n * (wanted[:, 0] - labels) @ wanted[:, 1:]
        size = 2.0 / setting.n * (np.abs(wanted[:, 0]) + np.abs(labels)) @ np.max(np.abs(wanted[:, 1:]), axis=1)
        wrong = np.isfinite(summed) & ~(np.abs(total - summed) <= PRECISION * size)
    if wrong.any():
        j = int(np.argmax(wrong))
        raise ValueError(
            f"{name}: expected the gradient of the loss by autograd, got ∂L/∂θ_{j} = {total[j]:.6g} where it is"
            f" {summed[j]:.6g} (a random theta){OTHERWISE}"
        )


def _line(error):
    return " ".join(str(error).split())
