"""What a flow leaves behind."""

import contextlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...arguments import Array, Reals, real_array
from ...settings import Setting
from ..fluctuations.sampling import BatchSize
from ..fluctuations.schedule import Scheduled, schedule_of
from ..zero_error_set.derivatives import regularizer
from ..zero_error_set.interpolate import InterpolationError, interpolate, zero_error_tolerance
from ..zero_error_set.norm import norm
from ..zero_error_set.row_space import row_space
from .clock import Clock
from .drift_rate import DriftRate
from .flow_integrator import Status
from .flow_time import flow_clock

if TYPE_CHECKING:
    from scipy.integrate import OdeSolution

__all__ = ["Flow", "Interpolant", "flow_along"]


@dataclass(frozen=True, eq=False)
class Interpolant:
    """θ (p, k) at flow times (k,), of SciPy's OdeSolution in times that are `rate` times ours."""

    rate: float
    scaled: "OdeSolution"

    def __call__(self, times: Array) -> Array:
        return self.scaled(times * self.rate)

    @property
    def end(self) -> float:
        """The flow time up to which it goes."""
        return float(self.scaled.t_max / self.rate)


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
        reg, and the norm of dθ/ds: ‖N∇reg‖, or of the drift at a step size.
    residual : float
        The largest |h_i − y_i| of the integrated path at the records, in units of y: how well it stayed on the
        zero-error set. The records themselves are then moved onto the set by a Gauss-Newton step normal to it.
    least_curvature : float
        The smallest non-zero eigenvalue of H = (2/n)JᵀJ at the records.
    status : str
        "finished", "stationary" (it came to rest), "kink" (a kink met a datum, past which reg jumps) or "stalled" (the
        integrator's steps collapsed).
    advice : str
        Why it probably stalled and what to do; empty otherwise.
    path : callable
        The integrator's interpolant: times (k,) to θ (p, k).
    """

    setting: Setting
    times: Array
    theta: Array
    reg: Array
    gradient_norm: Array
    residual: float
    least_curvature: float
    status: Status
    advice: str
    path: Interpolant

    def __call__(self, times: Reals) -> Array:
        """θ at flow times within those reached, by the integrator's interpolant, which keeps the `residual`."""
        times = real_array("times", times)
        if np.any((times < 0) | (times > self.times[-1])):
            raise ValueError(
                f"times: expected flow times from 0 to {self.times[-1]:g}, got {times.min():g} to {times.max():g}"
            )
        if not times.size:
            return np.zeros((*times.shape, self.setting.dim))
        return np.moveaxis(self.path(times.ravel()), 0, -1).reshape(*times.shape, self.setting.dim)

    def steps(
        self,
        *,
        lr: Scheduled,
        noise_std: Scheduled,
        batch_size: BatchSize = 1,
        replacement: bool = True,
        momentum: Scheduled = 0.0,
    ) -> Array:
        """How many steps of label-noise SGD the records take, (records,) floats; arguments as in `flow_time`.

        Infinite where a schedule does not get there, a function of the step in 10⁹ steps. A UserWarning says so if the
        slowest direction across the zero-error set takes longer to relax than the flow.
        """
        schedule = schedule_of(
            self.setting, lr=lr, noise_std=noise_std, batch_size=batch_size, replacement=replacement, momentum=momentum
        )
        if not schedule.noisy:
            raise ValueError("noise_std: expected a number above 0, as nothing moves without noise, got 0")
        steps = flow_clock(schedule, self.setting.n).steps(self.times)
        relaxing = Clock(schedule, self.setting.n, lambda rates: rates.lr / (1 - rates.momentum))
        with np.errstate(all="ignore"):
            relaxation = np.divide(1.0, np.array(self.least_curvature))
        if 0 < steps[-1] < np.inf and relaxing.times(steps[-1]) < relaxation:
            warnings.warn(
                f"the flow takes {steps[-1]:.3g} steps and SGD {relaxing.steps(relaxation):.3g} to relax onto it: K is"
                " nearly singular, or the flow is too short for its limit; see tangent_drift for the transient",
                stacklevel=2,
            )
        return steps

    def __repr__(self):
        stopped = {
            "finished": "",
            "stationary": ", stopped: stationary",
            "kink": ", stopped: a kink met a datum",
            "stalled": f", stalled: {self.advice}",
        }
        unknown = self.setting.branches.unknown
        unwatched = f"; kinks were not watched for, as {unknown}" if unknown else ""
        return (
            f"Flow(times {self.times[0]:.4g} to {self.times[-1]:.4g}, reg {self.reg[0]:.5g} to {self.reg[-1]:.5g},"
            f" |dtheta/ds| {self.gradient_norm[-1]:.2g}, largest residual {self.residual:.1e}"
            f"{stopped[self.status]}{unwatched})"
        )


def flow_along(
    setting: Setting, piece: Setting, times: Array, path: Interpolant, drift: DriftRate, status: Status
) -> Flow:
    """The records: one Gauss-Newton step from the path, on the smooth piece of the setting in which the flow ran."""
    integrated = path(times).T
    residuals = piece.residuals(integrated)
    pairs = zip(integrated, residuals, strict=True)
    theta = np.array([at - row_space(piece, at).least_move(residual) for at, residual in pairs])
    if status == "stalled":  # about a kink, where one step may not do
        with contextlib.suppress(InterpolationError):
            theta[-1] = interpolate(piece, theta[-1])
    left = np.max(np.abs(piece.predictions(theta) - piece.y))
    spaces = [row_space(piece, at) for at in theta]
    advice = ""
    if status == "stalled":
        advice = _advice(row_space(piece, path(np.zeros(1))[:, 0]), spaces[-1], setting.branches.unknown)
    sentences = [f"the flow stalled at flow time {times[-1]:.4g}: {advice}"] if advice else []
    if not left <= max(zero_error_tolerance(piece, at) for at in theta):
        off = f"the records are up to {left:.2g} off the zero-error set"
        sentences.append(off if advice else f"{off}: lower rtol, or look for a kink or loss of rank")
    if sentences:
        warnings.warn("; ".join(sentences), stacklevel=3)
    return Flow(
        setting=setting,
        times=times,
        theta=theta,
        reg=regularizer(piece, theta),
        gradient_norm=np.array([norm(drift(at, space)) for at, space in zip(theta, spaces, strict=True)]),
        residual=float(np.max(np.abs(residuals))),
        least_curvature=min(2 * float(np.min(space.squares, initial=np.inf)) / setting.n for space in spaces),
        status=status,
        advice=advice,
        path=path,
    )


def _advice(first, last, unknown):
    """Why a flow between these RowSpaces probably stalled, and what to do."""
    if last.rank < first.rank or _condition(last) > 1e3 * _condition(first):
        return (
            "K loses rank there, where the zero-error set need not be smooth; ask for shorter times, or compare its reg"
            " with that of ou.minimum"
        )
    if unknown:
        return (
            f"its steps collapse, as at a kink, and {unknown}; write h with ouanalysis.activations, which know their"
            " kinks, or try another rtol or method"
        )
    return (
        f"its steps collapse, as where rounding hides the drift (condition of J {_condition(last):.1g}) or h has a"
        " singularity; try a larger rtol or another method"
    )


def _condition(space):
    return space.singular[0] / space.singular[-1] if space.rank else 1.0
