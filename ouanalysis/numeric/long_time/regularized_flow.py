"""Where label-noise SGD goes in the long run: the Riemannian gradient flow of reg on the zero-error set.

Source: theory.md, section 3, "Long times"; Li, Wang & Arora 2022 (arXiv:2110.06914) for the limit.
"""

from functools import partial

import numpy as np

from ...arguments import in_one_line, nonnegative_number, one_of, positive_number, real_array
from ...progress import progress_bar
from ..fluctuations.sampling import sampled_batch
from ..fluctuations.second_moments import SecondMoments
from ..fluctuations.stability_limit import check_stable, limit_of
from ..fluctuations.tangent_drift import mean_displacement
from ..zero_error_set.derivatives import lagrangian_hessian_products, regularizer_gradient
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.kinks import refuse_kink
from ..zero_error_set.norm import norm
from ..zero_error_set.notes import warn_of_rank
from ..zero_error_set.row_space import row_space
from .flow_ends import input_left, rests, speed_left
from .flow_integrator import METHODS, integrate, still
from .flow_path import Interpolant, flow_along
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
    method="auto",
    progress=False,
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
    rtol : float
        Relative tolerance of the integrator; its absolute one is rtol times the size of what moves at the start. Raised
        to the rounding of the drift, 10 eps times the condition of J, where that is more, up to 1e-6.
    method : str
        "auto" begins with DOP853 and goes on with BDF where that takes more than a few steps; or one of "RK45",
        "DOP853", "Radau", "BDF" and "LSODA", as in `scipy.integrate.solve_ivp`.
    progress : bool
        Show a bar of flow time.

    Returns
    -------
    Flow

    Raises
    ------
    ValueError
        For a start off the zero-error set or with a kink on a datum, and where the flow reaches points at which SGD
        with this lr is not stable.

    Warns
    -----
    UserWarning
        If J has a lower rank at the start than about it, and if the flow stalls.

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
    rtol = positive_number("rtol", rtol)
    method = one_of("method", method, {name: name for name in METHODS})
    if gradient_tolerance is not None:
        gradient_tolerance = nonnegative_number("gradient_tolerance", gradient_tolerance)
    momentum = nonnegative_number("momentum", momentum, below=1)
    sampling = (*sampled_batch(setting, batch_size, replacement), momentum)
    theta = on_zero_error_set(setting, theta)
    refuse_kink(setting, theta)
    start = row_space(setting, theta)
    warn_of_rank(setting, theta, start.rank)
    rtol = max(rtol, _rounding(start))
    piece, law_at = setting.smooth_piece(theta), None
    if exact:
        if lr is None:
            raise TypeError("lr: expected a step size, which exact=True needs, got None")
        law_at = partial(_law, positive_number("lr", lr), sampling)
        check_stable(law_at(start))
    elif lr is not None:
        raise TypeError(f"lr: expected none without exact=True, as the limit has no step size, got {lr!r}")
    drift = _exact_drift(piece, law_at) if law_at else _limit_drift(piece)
    crossings, at_rest = {"kink": input_left(setting, theta)}, rests(piece, drift, rtol)
    if gradient_tolerance is not None:
        slow, at_rest = speed_left(piece, drift, gradient_tolerance), lambda _: False
        crossings |= {"stationary": slow} if gradient_tolerance else {}
    resting = times[-1] > 0 and (slow(theta) <= 0 if crossings.get("stationary") else at_rest(theta))
    if times[-1] == 0 or resting:
        status = "stationary" if resting else "finished"
        return flow_along(setting, piece, np.zeros(1), Interpolant(1.0, still(theta, 1.0)), drift, status)
    ends = {"crossings": crossings, "at_rest": at_rest}
    with progress_bar(times[-1], unit="flow time", shown=progress) as bar:
        status, path = _integrate(piece, theta, float(times[-1]), drift, ends, rtol, method, exact=exact, bar=bar)
    if status == "stalled" and law_at:
        _refuse_limit(piece, path, law_at)
    reached = times if status == "finished" else np.append(times[times < path.end], path.end)
    return flow_along(setting, piece, reached, path, drift, status)


def _integrate(setting, theta, last, drift, ends, rtol, method, *, exact, bar):
    """(status, Interpolant) of the flow, pulled back onto the zero-error set, in units of the start's own time."""
    start = drift(theta, row_space(setting, theta))
    moving = moving_size(theta, start) or 1.0
    rate = min(float(norm(start)) / moving or 1 / last, 1e300 / max(last, 1.0))
    pull = float(norm(start) / (norm(theta) or 1.0)) / rate

    def velocity(_, at):
        try:
            space = row_space(setting, at)
        except (np.linalg.LinAlgError, ValueError):  # no derivatives there: for the integrator to step back
            return np.full_like(at, np.nan)
        residual = setting.h(at[None, :], setting.x) - setting.y
        return drift(at, space) / rate - pull * space.least_move(residual)

    def jacobian(_, at):
        """But for the turning of the row space, which is small against what is stiff."""
        space, identity = row_space(setting, at), np.eye(setting.dim)
        multipliers = space.multipliers(regularizer_gradient(setting, at))
        bent = lagrangian_hessian_products(setting, at, multipliers, identity)
        tangent = identity - space.basis @ space.basis.T
        return -tangent @ (bent.T / rate) - pull * space.basis @ space.basis.T

    status, path = integrate(
        velocity,
        theta,
        last * rate,
        method=method,
        rtol=rtol,
        atol=rtol * moving,
        jacobian=None if exact else jacobian,
        advance=lambda time: bar.update(time / rate),
        **ends,
    )
    return status, Interpolant(rate, path)


def _rounding(space):
    """The relative rounding of the drift, below which no rtol helps: that of the row space's basis."""
    condition = space.singular[0] / space.singular[-1] if space.rank else 1.0
    return min(max(1e-13, 10 * np.finfo(float).eps * condition), 1e-6)


def _refuse_limit(setting, path, law_at):
    """The error for an integration of an exact drift that broke off where SGD is not stable."""
    law = law_at(row_space(setting, path(path.end)))
    limit = limit_of(law)
    if limit < 1.01 * law.lr:
        raise ValueError(
            "lr: expected less than the stability limit all along the flow, which falls to"
            f" {limit:.4g} at flow time {path.end:.4g}, got {law.lr:g}"
        )


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
        moments = law.stationary() / (1 - law.momentum)
        steps = (1 - law.momentum) / law.lr  # whose square need not be a float
        return mean_displacement(setting, theta, space, law, moments) * steps * steps * law.batch_size

    return drift


def _increasing_times(times):
    times = real_array("times", times, shape=("records",))
    if np.any(np.diff(times) <= 0) or times[0] < 0:
        raise ValueError(f"times: expected increasing flow times at least 0, got {in_one_line(times)}")
    return times
