"""Where label-noise SGD goes in the long run: the Riemannian gradient flow of reg on the zero-error set.

Source: theory.md, section 3, "Long times"; Li, Wang & Arora 2022 (arXiv:2110.06914) for the limit.
"""

import numpy as np

from ...arguments import Array, Reals, as_array, in_one_line, nonnegative_number, one_of, positive_number, real_array
from ...one_blas_thread import one_blas_thread
from ...progress import progress_bar
from ...settings import Setting
from ..fluctuations.sampling import BatchSize, sampling_of
from ..fluctuations.stability_limit import check_stable, stability_limit
from ..zero_error_set.derivatives import lagrangian_hessian_products, regularizer_gradient
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.kinks import refuse_kink
from ..zero_error_set.norm import norm
from ..zero_error_set.notes import warn_of_rank
from ..zero_error_set.repeatedly import repeatedly
from ..zero_error_set.row_space import row_space
from .drift_rate import law_of_unit_rms, limit_rate, step_rate
from .flow_ends import input_left, rests, speed_left
from .flow_integrator import METHODS, Method, Status, integrate, still
from .flow_path import Flow, Interpolant, flow_along
from .stationary_distance import moving_size

__all__ = ["regularized_flow"]


def regularized_flow(
    setting: Setting,
    theta: Reals,
    *,
    times: Reals,
    lr: float | None = None,
    noise_std: Reals = 1.0,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    gradient_tolerance: float | None = None,
    rtol: float = 1e-8,
    method: Method = "auto",
    progress: bool = False,
) -> Flow:
    """The flow dθ/ds = −N∇reg on the zero-error set, s = η²σ²k/(B̃(1 − β)²) after k steps of SGD: see `flow_time`.

    Integrated in R^p with −ω JᵀK⁻¹(h − y) added, which makes residuals decay as e^{−ωs}; ω = ‖dθ/ds‖/‖θ‖ at the start.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        Where it starts, on the zero-error set and with no kink on a datum.
    times : (records,) array_like
        Increasing flow times ≥ 0.
    lr : float, optional
        Follow the drift of SGD at this step size, drawn in batches as `batch_size`, `replacement` and `momentum` say,
        instead of its limit of small steps, from which these three drop out. Both are in the same flow time. Of a
        schedule only the limit is known: take its `flow_time` for `times`.
    noise_std : float or (n,) array_like
        As in `linearized_sgd`. A σ drops out; of σ_i their ratios matter, flow time has the mean of σ_i², and the drift
        is in general no gradient.
    gradient_tolerance : float, optional
        Stop where ‖dθ/ds‖ falls below it; 0 does not stop. By default stop where
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
    moments = _increasing_times(times)
    rtol = positive_number("rtol", rtol)
    method = one_of("method", method, {name: name for name in METHODS})
    if gradient_tolerance is not None:
        gradient_tolerance = nonnegative_number("gradient_tolerance", gradient_tolerance)
    for name, value in (("lr", lr), ("noise_std", noise_std), ("momentum", momentum)):
        if callable(value) or as_array(name, value).ndim > 1:
            raise ValueError(
                f"{name}: expected what holds all along, got a schedule: give times=flow_time(setting, steps, ...) of"
                " it to the flow of small steps"
            )
    sampling = sampling_of(
        setting,
        lr=1.0 if lr is None else lr,
        noise_std=noise_std,
        batch_size=batch_size,
        replacement=replacement,
        momentum=momentum,
    )
    if not sampling.noise_scale:
        raise ValueError("noise_std: expected a number above 0, as nothing moves without noise, got 0")
    theta = on_zero_error_set(setting, theta)
    refuse_kink(setting, theta)
    start = row_space(setting, theta)
    warn_of_rank(setting, theta, start.rank)
    piece = setting.smooth_piece(theta)
    if lr is not None:
        check_stable(law_of_unit_rms(start, sampling))
    drift = limit_rate(piece, sampling) if lr is None else step_rate(piece, sampling)
    rtol = max(rtol, _rounding(start))
    ends = _ends(setting, piece, theta, drift, rtol, gradient_tolerance)
    last = float(moments[-1])
    if last == 0 or _at_end(theta, **ends):
        status: Status = "stationary" if last else "finished"
        return flow_along(setting, piece, np.zeros(1), Interpolant(1.0, still(theta, 1.0)), drift, status)
    curvature = None if lr is not None or np.asarray(noise_std).ndim else _stiffness(piece)
    with progress_bar(last, unit="flow time", shown=progress) as bar, repeatedly(), one_blas_thread():
        status, path = _integrate(piece, theta, last, drift, curvature, rtol=rtol, method=method, ends=ends, bar=bar)
    if status == "stalled" and lr is not None:
        _refuse_limit(piece, path, sampling)
    reached = moments if status == "finished" else np.append(moments[moments < path.end], path.end)
    return flow_along(setting, piece, reached, path, drift, status)


def _ends(setting, piece, theta, drift, rtol, gradient_tolerance):
    """What ends the flow before its time, as `integrate` takes it."""
    crossings = {"kink": input_left(setting, theta)}
    if gradient_tolerance is None:
        return {"crossings": crossings, "at_rest": rests(piece, drift, rtol)}
    if gradient_tolerance:
        crossings["stationary"] = speed_left(piece, drift, gradient_tolerance)
    return {"crossings": crossings, "at_rest": lambda _: False}


def _at_end(theta, crossings, at_rest):
    """Whether it is at rest where it starts."""
    return crossings["stationary"](theta) <= 0 if "stationary" in crossings else at_rest(theta)


def _integrate(setting, theta, last, drift, stiffness, *, rtol, method, ends, bar):
    """(status, Interpolant) of the flow, pulled back onto the zero-error set, in units of the start's own time."""
    start = drift(theta, row_space(setting, theta))
    moving = moving_size(theta, start) or 1.0
    rate = min(float(norm(start)) / moving or 1 / last, 1e300 / max(last, 1.0))
    pull = float(norm(start) / (norm(theta) or 1.0)) / rate

    def velocity(_, at):
        try:
            space = row_space(setting, at)
            along = drift(at, space)
        except (np.linalg.LinAlgError, ValueError):  # no derivatives there: for the integrator to step back
            return np.full_like(at, np.nan)
        return along / rate - pull * space.least_move(setting.residuals(at))

    def jacobian(_, at):
        space = row_space(setting, at)
        return -stiffness(at, space, rate) - pull * space.basis @ space.basis.T

    status, path = integrate(
        velocity,
        theta,
        last * rate,
        method=method,
        rtol=rtol,
        atol=rtol * moving,
        jacobian=jacobian if stiffness else None,
        advance=lambda time: bar.update(time / rate),
        **ends,
    )
    return status, Interpolant(rate, path)


def _stiffness(setting):
    """The Jacobian of N∇reg over a rate, but for the turning of the row space, which is small against what is stiff."""

    def of(at, space, rate):
        identity, multipliers = np.eye(setting.dim), space.multipliers(regularizer_gradient(setting, at))
        bent = lagrangian_hessian_products(setting, at, multipliers, identity)
        with np.errstate(all="ignore"):  # no curvature there: for the integrator to step back
            return (identity - space.basis @ space.basis.T) @ (bent.T / rate)

    return of


def _rounding(space):
    """The relative rounding of the drift, below which no rtol helps: that of the row space's basis."""
    condition = space.singular[0] / space.singular[-1] if space.rank else 1.0
    return min(max(1e-13, 10 * np.finfo(float).eps * condition), 1e-6)


def _refuse_limit(setting, path, sampling):
    """The error for an integration of a step's own drift that broke off where SGD is not stable."""
    space = row_space(setting, path(path.end))
    limit = stability_limit(space.squares, space.modes, sampling)
    if limit < 1.01 * sampling.lr:
        raise ValueError(
            "lr: expected less than the stability limit all along the flow, which falls to"
            f" {limit:.4g} at flow time {path.end:.4g}, got {sampling.lr:g}"
        )


def _increasing_times(times: Reals) -> Array:
    times = real_array("times", times, shape=("records",))
    if np.any(np.diff(times) <= 0) or times[0] < 0:
        raise ValueError(f"times: expected increasing flow times at least 0, got {in_one_line(times)}")
    return times
