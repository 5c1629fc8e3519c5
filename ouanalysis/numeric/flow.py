"""Where label-noise SGD goes in the long run: the Riemannian gradient flow of reg on the zero-error set.

Source: theory.md, section 3, "Long times"; Li, Wang & Arora 2022 (arXiv:2110.06914) for the limit.
"""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..arguments import nonnegative_number, one_of, positive_number, real_array
from ..settings import Setting
from .batches import sampled_batch
from .derivatives import regularizer, regularizer_gradient
from .discrete_law import SecondMoments
from .drift import mean_displacement
from .flow_time import flow_time
from .kinks import preactivations, refuse_kink, smooth_piece
from .manifold import on_zero_error_set, zero_error_tolerance
from .notes import warn_of_rank
from .row_space import row_space
from .stability_limit import check_stable, limit_of
from .stationary_distance import stationary_distance

__all__ = ["Flow", "regularized_flow"]

STEPS = 1000  # of the integrator, after which it has stalled


@dataclass(frozen=True, eq=False, repr=False)
class Flow:
    """The path θ(s); calling it with times (...) gives θ (..., p) between the records too.

    Attributes
    ----------
    setting : Setting
    times : (records,) array
        Flow times s, in units of θ⁴/y²: those asked for that were reached and, if it stopped, when.
    theta : (records, p) array
    reg, gradient_norm : (records,) array
        reg, and the norm of dθ/ds: ‖N∇reg‖, or with exact=True that of the finite-step drift.
    residual : float
        The largest |h_i − y_i| of the integrated path at the records, in units of y: how well it stayed on the
        zero-error set. The records themselves are then moved onto the set by a Gauss-Newton step normal to it.
    least_curvature : float
        The smallest non-zero eigenvalue of H = (2/n)JᵀJ at the records.
    status : str
        "finished", "stationary" (it came to rest), "kink" (a ReLU kink met a datum, past which reg jumps) or "stalled"
        (1000 steps of the integrator did not suffice: a kink in a model of your own, say, or a K that loses rank).
    path : callable
        The integrator's interpolant: times (k,) to θ (p, k).
    """

    setting: Setting
    times: np.ndarray
    theta: np.ndarray
    reg: np.ndarray
    gradient_norm: np.ndarray
    residual: float
    least_curvature: float
    status: str
    path: Any

    def __call__(self, times):
        """θ at flow times within those reached, by the integrator's interpolant, which keeps the `residual`."""
        times = real_array("times", times)
        if np.any((times < 0) | (times > self.times[-1])):
            raise ValueError(
                f"times: expected flow times from 0 to {self.times[-1]:g}, got {times.min():g} to {times.max():g}"
            )
        if not times.size:
            return np.zeros((*times.shape, self.setting.dim))
        return np.moveaxis(self.path(times.ravel()), 0, -1).reshape(*times.shape, self.setting.dim)

    def steps(self, *, lr, noise_std, batch_size=1, momentum=0.0):
        """How many steps of label-noise SGD the records take, (records,) floats.

        A UserWarning says so if the slowest direction across the zero-error set takes longer to relax than the flow.
        """
        each = flow_time(self.setting, lr=lr, noise_std=noise_std, batch_size=batch_size, momentum=momentum)
        if each == 0:
            raise ValueError("noise_std: expected a number above 0, as nothing moves without noise, got 0")
        steps, relaxation = self.times / each, (1 - momentum) / (lr * self.least_curvature)
        if 0 < steps[-1] < relaxation:
            warnings.warn(
                f"the flow takes {steps[-1]:.3g} steps and SGD {relaxation:.3g} to relax onto it: K is nearly singular,"
                " or the flow is too short for its limit; see tangent_drift for the transient",
                stacklevel=2,
            )
        return steps

    def __repr__(self):
        stopped = {
            "finished": "",
            "stationary": ", stopped: stationary",
            "kink": ", stopped: a ReLU kink met a datum",
            "stalled": f", stalled after {STEPS} steps of the integrator: a kink in h, or K loses rank",
        }
        return (
            f"Flow(times {self.times[0]:.4g} to {self.times[-1]:.4g}, reg {self.reg[0]:.5g} to {self.reg[-1]:.5g},"
            f" ‖dθ/ds‖ {self.gradient_norm[-1]:.2g}, largest residual {self.residual:.1e}{stopped[self.status]})"
        )


def regularized_flow(
    setting,
    theta,
    *,
    times,
    exact=False,
    lr=None,
    batch_size=1,
    replacement=True,
    momentum=0.0,
    gradient_tolerance=None,
    rtol=1e-8,
    method="DOP853",
):
    """The flow dθ/ds = −N∇reg on the zero-error set, s = η²σ²k/(B̃(1 − β)²) after k steps of SGD: see `flow_time`.

    Integrated in R^p with −ω JᵀK⁻¹(h − y) added, which makes residuals decay as e^{−ωs}; ω = ‖dθ/ds‖/‖θ‖ at the start.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        Where it starts, on the zero-error set and with no ReLU kink on a datum.
    times : (records,) array_like
        Increasing flow times ≥ 0.
    exact : bool
        Follow the drift of SGD at step size `lr`, drawn in batches as `batch_size`, `replacement` and `momentum` say,
        instead of its limit of small steps. Both are in the same flow time, and σ drops out.
    gradient_tolerance : float, optional
        Stop where ‖N∇reg‖ (‖dθ/ds‖ with exact=True) falls below it; 0 does not stop. By default stop where
        a stationary point is about 10 rtol ‖θ‖ away, which is the integrator's own error.
    rtol, method
        Of `scipy.integrate.solve_ivp`; its atol is rtol times the largest |θ_k| at the start.

    Returns
    -------
    Flow

    Raises
    ------
    ValueError
        For a start off the zero-error set or with a kink on a datum, and where the flow reaches points at which SGD
        with this lr is not stable.
    ArithmeticError
        If the integrator gives up.

    Warns
    -----
    UserWarning
        If J has a lower rank than there are different data at the start.

    Examples
    --------
    h = ab, where a² − b² decays as e^{−4s}:

    >>> import ouanalysis as ou
    >>> setting = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, x=[1.0], y=[2.0], dim=2)
    >>> a, b = ou.regularized_flow(setting, [4.0, 0.5], times=[0.0, 0.25]).theta[-1]
    >>> round(float((a**2 - b**2) / (4.0**2 - 0.5**2) * np.exp(1)), 4)
    1.0
    """
    times = _increasing_times(times)
    rtol = max(positive_number("rtol", rtol), 1e-13)  # below which rounding rules
    method = one_of("method", method, {name: name for name in ("RK45", "DOP853", "Radau", "BDF", "LSODA")})
    if gradient_tolerance is not None:
        gradient_tolerance = nonnegative_number("gradient_tolerance", gradient_tolerance)
    momentum = nonnegative_number("momentum", momentum, below=1)
    sampling = (*sampled_batch(setting, batch_size, replacement), momentum)
    theta = on_zero_error_set(setting, theta)
    refuse_kink(setting, theta)
    start = row_space(setting, theta)
    warn_of_rank(setting, start.rank)
    piece, law_at = smooth_piece(setting, theta), None
    if exact:
        if lr is None:
            raise TypeError("lr: expected a step size, which exact=True needs, got None")
        law_at = partial(_law, positive_number("lr", lr), sampling)
        check_stable(law_at(start))
    elif lr is not None:
        raise TypeError(f"lr: expected none without exact=True, as the limit has no step size, got {lr!r}")
    drift = _exact_drift(piece, law_at) if law_at else _limit_drift(piece)
    ends = {
        "kink": _kink_event(setting, theta),
        "stationary": _stationary_event(piece, drift, gradient_tolerance, rtol),
        "stalled": _stall_event(),
    }
    if times[-1] == 0 or ends["stationary"](0.0, theta) <= 0:
        status = "finished" if times[-1] == 0 else "stationary"
        return _flow(setting, piece, np.zeros(1), partial(np.add.outer, theta), drift, status)
    solution = _integrate(piece, theta, times[-1], drift, list(ends.values()), rtol, method)
    if solution.status < 0:
        _refuse(piece, solution, law_at)
    if solution.status == 0:
        return _flow(setting, piece, times, solution.sol, drift, "finished")
    status = next(end for end, when in zip(ends, solution.t_events, strict=True) if len(when))
    reached = np.append(times[times < solution.t[-1]], solution.t[-1])
    return _flow(setting, piece, reached, solution.sol, drift, status)


def _integrate(setting, theta, last, drift, events, rtol, method):
    """SciPy's solution of the flow, pulled back onto the zero-error set; any event ends it."""
    from scipy.integrate import solve_ivp  # here, as its import would slow every other call down

    speed = np.linalg.norm(drift(theta, row_space(setting, theta)))
    pull = speed / np.linalg.norm(theta) if theta.any() else 0.0

    def velocity(_, at):
        if not np.isfinite(at).all():
            return np.full_like(at, np.nan)
        space = row_space(setting, at)
        residual = setting.h(at[None, :], setting.x) - setting.y
        return drift(at, space) - pull * space.least_move(residual)

    for event in events:
        event.terminal = True
    atol = rtol * (np.max(np.abs(theta)) or 1.0)
    return solve_ivp(
        velocity, (0.0, last), theta, method=method, rtol=rtol, atol=atol, events=events, dense_output=True
    )


def _refuse(setting, solution, law_at):
    """The error for an integration that broke off: at the stability limit of an exact drift, or otherwise."""
    time = solution.t[-1]
    if law_at:
        law = law_at(row_space(setting, solution.y[:, -1]))
        limit = limit_of(law)
        if limit < 1.01 * law.lr:
            raise ValueError(
                "lr: expected less than the stability limit all along the flow, which falls to"
                f" {limit:.4g} at flow time {time:.4g}, got {law.lr:g}"
            )
    raise ArithmeticError(f"regularized_flow: {solution.message} (at flow time {time:.4g})")


def _law(lr, sampling, space):
    return SecondMoments(space.squares, space.modes, lr, 1.0, *sampling)


def _limit_drift(setting):
    def drift(theta, space):
        return -space.tangent(regularizer_gradient(setting, theta))

    return drift


def _exact_drift(setting, law_at):
    """The drift of a step of SGD with unit noise, per flow time; NaN where SGD is not stable, for the integrator."""

    def drift(theta, space):
        law = law_at(space)
        if not law.stable():
            return np.full_like(theta, np.nan)
        time_per_step = (law.lr / (1 - law.momentum)) ** 2 / law.batch_size
        moments = law.stationary() / (1 - law.momentum)
        return mean_displacement(setting, theta, space, law, moments) / time_per_step

    return drift


def _kink_event(setting, theta):
    """Falls through 0 where a ReLU neuron's input changes its sign on a datum."""
    signs = np.sign(preactivations(setting, theta))

    def least_input(_, at):
        return np.min(np.where(signs == 0, np.inf, signs * preactivations(setting, at)), initial=1.0)

    return least_input


def _stationary_event(setting, drift, tolerance, rtol):
    """Falls through 0 where the gradient does below its tolerance, or the distance to rest below 10 rtol of θ."""

    def left(_, at):
        space = row_space(setting, at)
        if tolerance is None:
            return stationary_distance(setting, at, space) - 10 * rtol * np.linalg.norm(at)
        return np.linalg.norm(drift(at, space)) - tolerance

    return left


def _stall_event():
    """Falls through 0 after so many steps of the integrator, at a time between the last two."""
    steps, before, deadline = 0, 0.0, np.inf

    def left(time, _):
        nonlocal steps, before, deadline
        steps += 1
        if steps > STEPS and deadline == np.inf:
            deadline = (before + time) / 2
        before = time
        return min(1.0, deadline - time)

    return left


def _flow(setting, piece, times, path, drift, status):
    """The records: one Gauss-Newton step from the path, on the smooth piece of the setting in which the flow ran."""
    integrated = path(times).T
    residuals = piece.predictions(integrated) - piece.y
    pairs = zip(integrated, residuals, strict=True)
    theta = np.array([at - row_space(piece, at).least_move(residual) for at, residual in pairs])
    left = np.max(np.abs(piece.predictions(theta) - piece.y))
    if not left <= max(zero_error_tolerance(piece, at) for at in theta):
        warnings.warn(
            f"the records are up to {left:.2g} off the zero-error set: lower rtol, or look for a kink or loss of rank",
            stacklevel=3,
        )
    spaces = [row_space(piece, at) for at in theta]
    return Flow(
        setting=setting,
        times=times,
        theta=theta,
        reg=regularizer(piece, theta),
        gradient_norm=np.array([np.linalg.norm(drift(at, space)) for at, space in zip(theta, spaces, strict=True)]),
        residual=float(np.max(np.abs(residuals))),
        least_curvature=min(2 * float(np.min(space.squares, initial=np.inf)) / setting.n for space in spaces),
        status=status,
        path=path,
    )


def _increasing_times(times):
    times = real_array("times", times, shape=("records",))
    if np.any(np.diff(times) <= 0) or times[0] < 0:
        raise ValueError(f"times: expected increasing flow times at least 0, got {np.array2string(times, threshold=6)}")
    return times
