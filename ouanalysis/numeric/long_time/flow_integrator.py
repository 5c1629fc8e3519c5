"""An integrator that chooses its method, ends at crossings, and sees when it gets nowhere.

A gradient flow does not oscillate: one that DOP853 does not finish in a few steps is stiff, and BDF goes on from there.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ...arguments import Array
from ..zero_error_set.row_space import DENSE

if TYPE_CHECKING:
    from scipy.integrate import OdeSolution

__all__ = ["METHODS", "Method", "Status", "integrate", "still"]

Method = Literal["auto", "RK45", "DOP853", "Radau", "BDF", "LSODA"]
METHODS: tuple[Method, ...] = get_args(Method)
Status = Literal["finished", "stationary", "kink", "stalled"]
STEPS = 3000  # of any one method
GROWTH = (30, 1e-4)  # in so many steps the elapsed time must grow by this share
# Method, steps and growth. DOP853, of 15 evaluations a step, comes again where BDF does not get on and is not needed,
# as where K slowly loses rank; its growth is what tells that from a kink.
AUTO = [("DOP853", 30, GROWTH), ("BDF", STEPS, GROWTH), ("DOP853", 300, (5, 1e-3))]
EPS = np.finfo(float).eps


def integrate(
    velocity: Callable[[float, Array], Array],
    start: Array,
    last: float,
    *,
    method: Method,
    rtol: float,
    atol: float,
    jacobian: Callable[[float, Array], Array] | None,
    crossings: Mapping[Status, Callable[[Array], float]],
    at_rest: Callable[[Array], bool],
    advance: Callable[[float], object],
) -> tuple[Status, "OdeSolution"]:
    """(status, path) of dθ/dt = velocity(t, θ) from θ = start at t = 0; path is SciPy's OdeSolution over what was done.

    The status is "finished" at t = last, "stationary" after a step to an at_rest(θ), "stalled", or the name of one of
    the `crossings`: functions of θ above 0 at the start, at the first root of which the path ends. `advance` is called
    with the time of each step.
    """
    from scipy import integrate as methods  # slow to import

    phases = AUTO if method == "auto" else [(method, STEPS, GROWTH)]
    if method == "auto" and len(start) > DENSE:
        phases = [("DOP853", STEPS, GROWTH)]
    times, pieces, at, status = [0.0], list[Any](), start, None
    for name, steps, growth in phases:
        options = {"rtol": rtol, "atol": atol} | ({} if name in ("RK45", "DOP853") else {"jac": jacobian})
        with np.errstate(over="ignore", invalid="ignore"):  # of the length of its first step
            solver = getattr(methods, name)(velocity, times[-1], at, last, **options)
        solver.newton_tol = 0.03  # of rtol, in BDF and Radau: theirs is √rtol, below the rounding of stiff velocities
        status = _run(solver, steps, growth, times, pieces, crossings, at_rest, advance)
        if status:
            break
        at = solver.y
    if not pieces:
        return status or "stalled", still(start, EPS * last)
    return status or "stalled", methods.OdeSolution(times, pieces)


def still(start: Array, last: float) -> "OdeSolution":
    """The path (an OdeSolution) that stays where it starts until t = last."""
    from scipy.integrate import OdeSolution

    return OdeSolution([0.0, last], [partial(_constant, start)])


def _constant(start, time):
    return np.multiply.outer(start, np.ones_like(time))


def _run(solver, steps, growth, times, pieces, crossings, at_rest, advance):
    """Append the solver's steps to the path; the status, or None where it does not get on."""
    first, (window, share) = len(times), growth
    for _ in range(steps):
        before = solver.t
        if not _step(solver):
            return None
        piece = solver.dense_output()
        end, name = _first_crossing(crossings, piece, before, solver)
        times.append(end)
        pieces.append(piece)
        advance(end - before)
        if name or solver.status == "finished":
            return name or "finished"
        if at_rest(solver.y):
            return "stationary"
        if len(times) > first + window and end - times[-1 - window] < share * end:
            return None
    return None


def _step(solver):
    """Whether a step of the solver came to a finite point."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("ignore", message="lsoda:")  # that it failed, as its status says too
        try:
            solver.step()
        except ValueError:  # of SciPy's LU decomposition, for a velocity that is not finite
            return False
    return solver.status != "failed" and bool(np.isfinite(solver.y).all())


def _first_crossing(crossings, piece, before, solver):
    """(time, name) of the first root in the last step; its end and None where there is none."""
    end, found = solver.t, None
    for name, left in crossings.items():
        if left(piece(end) if found else solver.y) <= 0:
            end, found = _root(lambda time, left=left: left(piece(time)), before, end), name
    return end, found


def _root(function, before, end):
    """Where it falls through 0; as the interpolant only nearly goes through the ends, one of these if it does not."""
    from scipy.optimize import brentq  # slow to import

    if function(before) <= 0:
        return np.nextafter(before, end)
    return brentq(function, before, end, xtol=4 * EPS * end, rtol=4 * EPS) if function(end) <= 0 else end
