"""Where label-noise SGD goes in the long run: the Riemannian gradient flow of reg on the zero-error set.

Source: theory.md, section 3, "Long times"; Li, Wang & Arora 2022 (arXiv:2110.06914) for the limit.
"""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..arguments import nonnegative_number, one_of, positive_number, real_array
from ..settings import ReluNetwork, Setting
from .batches import sampled_batch
from .derivatives import regularizer, regularizer_gradient
from .discrete_law import SecondMoments
from .drift import check_stable, mean_displacement
from .flow_time import flow_time
from .kinks import kink_distance, preactivations
from .manifold import on_zero_error_set
from .row_space import row_space

__all__ = ["Flow", "regularized_flow"]


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
        reg and ‖N∇reg‖; with exact=True the norm of the finite-step drift per flow time instead.
    residual : float
        The largest |h_i − y_i| of the integrated path at the records, in units of y: how well it stayed on the
        zero-error set. The records themselves are then moved onto the set by a Gauss-Newton step normal to it.
    least_curvature : float
        The smallest non-zero eigenvalue of H = (2/n)JᵀJ at the records.
    status : str
        "finished", "stationary" (the gradient fell below the tolerance) or "kink" (a ReLU kink met a datum, past which
        reg jumps).
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
        times = real_array("times", times)
        if np.any((times < 0) | (times > self.times[-1])):
            raise ValueError(
                f"times: expected flow times from 0 to {self.times[-1]:g}, got {times.min():g} to {times.max():g}"
            )
        return np.moveaxis(self.path(times.ravel()), 0, -1).reshape(*times.shape, self.setting.dim)

    def steps(self, *, lr, noise_std, batch_size=1, momentum=0.0):
        """How many steps of label-noise SGD the records take, (records,) floats.

        A UserWarning says so if the slowest direction across the zero-error set takes longer to relax than the flow.
        """
        each = flow_time(self.setting, lr=lr, noise_std=noise_std, batch_size=batch_size, momentum=momentum)
        if each == 0:
            raise ValueError("noise_std: expected a number above 0, as nothing moves without noise, got 0")
        steps, relaxation = self.times / each, (1 - momentum) / (lr * self.least_curvature)
        if relaxation > steps[-1]:
            warnings.warn(
                f"the flow takes {steps[-1]:.3g} steps and SGD {relaxation:.3g} to relax onto it: K is nearly singular,"
                " or the flow is too short for its limit; see tangent_drift for the transient",
                stacklevel=2,
            )
        return steps

    def __repr__(self):
        stopped = {"finished": "", "stationary": ", stopped: stationary", "kink": ", stopped: a ReLU kink met a datum"}
        return (
            f"Flow(times 0 to {self.times[-1]:.4g}, reg {self.reg[0]:.5g} to {self.reg[-1]:.5g},"
            f" ‖N∇reg‖ {self.gradient_norm[-1]:.2g}, largest residual {self.residual:.1e}{stopped[self.status]})"
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
    gradient_tolerance=0.0,
    rtol=1e-8,
    method="DOP853",
):
    """The flow dθ/ds = −N∇reg on the zero-error set, s = η²σ²k/B̃ after k steps of SGD: see `flow_time`.

    Integrated in R^p with −ω JᵀK⁻¹(h − y) added, which makes residuals decay as e^{−ωs}; ω = reg/‖θ‖² at the start.

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
    gradient_tolerance : float
        Stop where ‖N∇reg‖ (‖drift‖ with exact=True) falls below it.
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
    gradient_tolerance = nonnegative_number("gradient_tolerance", gradient_tolerance)
    theta = on_zero_error_set(setting, theta)
    if kink_distance(setting, theta) == 0:
        raise ValueError("theta: expected no ReLU kink on a datum, where reg jumps and has no flow; got one")
    if exact:
        if lr is None:
            raise TypeError("lr: expected a step size, which exact=True needs, got None")
        sampling = (*sampled_batch(setting, batch_size, replacement), nonnegative_number("momentum", momentum, below=1))
        drift = _exact_drift(setting, positive_number("lr", lr), *sampling)
    else:
        drift = _limit_drift(setting)
    events = _kink_events(setting, theta)

    def gradient_left(_, at):
        return np.linalg.norm(drift(at, row_space(setting, at))) - gradient_tolerance

    if gradient_tolerance > 0:
        events.append(gradient_left)
        if gradient_left(0.0, theta) <= 0:
            return _flow(setting, np.zeros(1), partial(np.add.outer, theta), drift, "stationary")
    if times[-1] == 0:
        return _flow(setting, times, partial(np.add.outer, theta), drift, "finished")
    solution = _integrate(setting, theta, times[-1], drift, events, rtol, method)
    if solution.status == 0:
        return _flow(setting, times, solution.sol, drift, "finished")
    fired = next(event for event, when in zip(events, solution.t_events, strict=True) if len(when))
    reached = np.append(times[times < solution.t[-1]], solution.t[-1])
    return _flow(setting, reached, solution.sol, drift, "stationary" if fired is gradient_left else "kink")


def _integrate(setting, theta, last, drift, events, rtol, method):
    """SciPy's solution of the flow, pulled back onto the zero-error set; any event ends it."""
    from scipy.integrate import solve_ivp  # here, as its import would slow every other call down

    pull = regularizer(setting, theta) / (theta @ theta) if theta.any() else 0.0

    def velocity(time, at):
        space = row_space(setting, at)
        residual = setting.h(at[None, :], setting.x) - setting.y
        try:
            return drift(at, space) - pull * space.least_move(residual)
        except ValueError as error:  # the step is not stable here
            raise ValueError(f"{error}, at flow time {time:.4g}") from None

    for event in events:
        event.terminal = True
    atol = rtol * (np.max(np.abs(theta)) or 1.0)
    solution = solve_ivp(
        velocity, (0.0, last), theta, method=method, rtol=rtol, atol=atol, events=events, dense_output=True
    )
    if solution.status < 0:
        raise ArithmeticError(f"regularized_flow: {solution.message} (at flow time {solution.t[-1]:.4g})")
    return solution


def _limit_drift(setting):
    def drift(theta, space):
        return -space.tangent(regularizer_gradient(setting, theta))

    return drift


def _exact_drift(setting, lr, batch_size, replacement, momentum):
    """The drift a step of SGD with unit noise, per flow time."""
    each = (lr / (1 - momentum)) ** 2 / batch_size

    def drift(theta, space):
        law = SecondMoments(space.squares, space.modes, lr, 1.0, batch_size, replacement, momentum)
        check_stable(law)
        return mean_displacement(setting, theta, space, law, law.stationary() / (1 - momentum)) / each

    return drift


def _kink_events(setting, theta):
    """That a ReLU neuron's input changes its sign on a datum."""
    if not isinstance(setting, ReluNetwork):
        return []
    signs = np.sign(preactivations(setting, theta))

    def least_input(_, at):
        return np.min(np.where(signs == 0, np.inf, signs * preactivations(setting, at)))

    return [least_input]


def _flow(setting, times, path, drift, status):
    spaces = [row_space(setting, at) for at in path(times).T]
    residuals = setting.predictions(path(times).T) - setting.y
    pairs = zip(spaces, residuals, strict=True)
    theta = path(times).T - np.array([space.least_move(residual) for space, residual in pairs])
    return Flow(
        setting=setting,
        times=times,
        theta=theta,
        reg=regularizer(setting, theta),
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
