"""Where label-noise SGD goes in the long run: the Riemannian gradient flow of reg on the zero-error set.

Source: theory.md, section 3, "Long times"; Li, Wang & Arora 2022 (arXiv:2110.06914) for the limit.
"""

from functools import partial

import numpy as np

from ..arguments import in_one_line, nonnegative_number, one_of, positive_number, real_array
from .batches import sampled_batch
from .derivatives import regularizer_gradient
from .discrete_law import SecondMoments
from .drift import mean_displacement
from .flow_ends import kink_event, stall_event, stationary_event
from .flow_path import flow_along
from .kinks import refuse_kink
from .manifold import on_zero_error_set
from .notes import warn_of_rank
from .row_space import row_space
from .stability_limit import check_stable, limit_of
from .stationary_distance import moving_size

__all__ = ["regularized_flow"]


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
        Where it starts, on the zero-error set and with no kink on a datum.
    times : (records,) array_like
        Increasing flow times ≥ 0.
    exact : bool
        Follow the drift of SGD at step size `lr`, drawn in batches as `batch_size`, `replacement` and `momentum` say,
        instead of its limit of small steps. Both are in the same flow time, and σ drops out.
    gradient_tolerance : float, optional
        Stop where ‖N∇reg‖ (‖dθ/ds‖ with exact=True) falls below it; 0 does not stop. By default stop where
        a stationary point is about 10 rtol away, relative to what moves: the integrator's own error.
    rtol, method
        Of `scipy.integrate.solve_ivp`; its atol is rtol times the size of what moves at the start. Where relaxation
        along the set is much faster than the times asked for, "LSODA" takes fewer steps.

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
        If J has a lower rank at the start than about it.

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
    warn_of_rank(setting, theta, start.rank)
    piece, law_at = setting.smooth_piece(theta), None
    if exact:
        if lr is None:
            raise TypeError("lr: expected a step size, which exact=True needs, got None")
        law_at = partial(_law, positive_number("lr", lr), sampling)
        check_stable(law_at(start))
    elif lr is not None:
        raise TypeError(f"lr: expected none without exact=True, as the limit has no step size, got {lr!r}")
    drift = _exact_drift(piece, law_at) if law_at else _limit_drift(piece)
    ends = {
        "kink": kink_event(setting, theta),
        "stationary": stationary_event(piece, drift, gradient_tolerance, rtol),
        "stalled": stall_event(),
    }
    if times[-1] == 0 or ends["stationary"](0.0, theta) <= 0:
        status = "finished" if times[-1] == 0 else "stationary"
        return flow_along(setting, piece, np.zeros(1), partial(np.add.outer, theta), drift, status)
    solution = _integrate(piece, theta, times[-1], drift, list(ends.values()), rtol, method)
    if solution.status < 0:
        _refuse(piece, solution, law_at)
    if solution.status == 0:
        return flow_along(setting, piece, times, solution.sol, drift, "finished")
    status = next(end for end, when in zip(ends, solution.t_events, strict=True) if len(when))
    reached = np.append(times[times < solution.t[-1]], solution.t[-1])
    return flow_along(setting, piece, reached, solution.sol, drift, status)


def _integrate(setting, theta, last, drift, events, rtol, method):
    """SciPy's solution of the flow, pulled back onto the zero-error set; any event ends it."""
    from scipy.integrate import solve_ivp  # here, as its import would slow every other call down

    start = drift(theta, row_space(setting, theta))
    pull = np.linalg.norm(start) / np.linalg.norm(theta) if theta.any() else 0.0

    def velocity(_, at):
        if not np.isfinite(at).all():
            return np.full_like(at, np.nan)
        space = row_space(setting, at)
        residual = setting.h(at[None, :], setting.x) - setting.y
        return drift(at, space) - pull * space.least_move(residual)

    for event in events:
        event.terminal = True
    atol = rtol * (moving_size(theta, start) or 1.0)
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


def _increasing_times(times):
    times = real_array("times", times, shape=("records",))
    if np.any(np.diff(times) <= 0) or times[0] < 0:
        raise ValueError(f"times: expected increasing flow times at least 0, got {in_one_line(times)}")
    return times
