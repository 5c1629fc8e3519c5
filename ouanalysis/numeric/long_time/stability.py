"""Whether label noise leaves a zero-error point: first and second order of reg along the zero-error set.

Source: theory.md, section 3; Blanc et al. 2020 (arXiv:1904.09080), definitions of repellent and stationary points.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...arguments import Array, Reals, nonnegative_number, positive_number
from ...settings import Setting
from ..fluctuations.sampling import BatchSize
from ..zero_error_set.derivatives import regularizer
from ..zero_error_set.generic_rank import generic_rank, scaled_rank
from ..zero_error_set.interpolate import on_zero_error_set
from ..zero_error_set.kinks import kink_on_datum
from ..zero_error_set.norm import norm
from ..zero_error_set.notes import notes_on_point
from ..zero_error_set.repeatedly import repeatedly
from ..zero_error_set.row_space import DENSE, finite_jacobian, finite_regularizer_gradient, row_space
from .flow_time import flow_time
from .second_order import second_order, without_spectrum
from .stationary_distance import moving_size, stationary_distance

__all__ = ["Stability", "stability"]

Verdict = Literal[
    "nonsmooth",
    "degenerate",
    "repellent",
    "saddle",
    "strict minimum",
    "minimum up to symmetry",
    "no negative curvature above tol",
]


@dataclass(frozen=True, eq=False, repr=False)
class Stability:
    """What reg does about θ on the zero-error set.

    Attributes
    ----------
    setting : Setting
    theta : (p,) array
    verdict : str
        "nonsmooth"               a kink is on a datum, where reg jumps: derivatives say nothing
        "degenerate"              the rank of J is lower than about θ: the zero-error set need not be smooth and
                                  multipliers are not unique; near such a point too where N∇reg = 0, as multipliers
                                  prove nothing there either. A rank below n that is constant about θ is none: there
                                  the set is smooth, of that codimension
        "repellent"               N∇reg ≠ 0: noise alone carries θ away
        "saddle"                  N∇reg = 0 and a negative curvature: repellent at second order, but for starts that
                                  keep a symmetry that SGD keeps too, as exactly equal neurons do
        "strict minimum"          N∇reg = 0 and every curvature positive
        "minimum up to symmetry"  the same but for directions of symmetry and of parameters that h does not see
        "no negative curvature above tol"   N∇reg = 0 and zeros that are not accounted for, or (p > 3000) not counted
    reg, gradient_norm : float
        reg(θ), and ‖N∇reg‖, the square root of the rate at which reg falls per flow time.
    distance : float
        About how far a stationary point is, in units of θ: `stationary_distance`. At most tol counts as
        stationary, relative to the parameters that N∇reg would move.
    multipliers : (n,) array
        μ of ∇reg = Jᵀμ + (tangent), least squares.
    rank : int
        Of J with its rows scaled to unit length, its squared singular values counted down to tol times the largest.
    symmetries, unseen : int
        Dimensions of the directions of symmetry, and of parameters that h does not see; not in the spectrum. None where
        they are not counted: symmetries where the verdict needs no curvatures, both for p > 3000. Symmetries are those
        that the setting knows, and flat directions along which, a tenth of ‖θ‖ away, h and reg are still the same.
    eigenvalues : (k,) array
        Ascending, of the Riemannian Hessian N(∇²reg − Σ_i μ_i ∇²h_i)N on the other tangent directions; only the least
        for p > 3000; empty where the verdict needs none.
    direction : (p,) array
        The unit eigenvector of the least eigenvalue; zero where there is none.
    residual : float
        ‖Av − λv‖ of that eigenpair.
    resolution : (k,) array
        Eigenvalues of at most this size count as zero: tol times the terms that they are the difference of, rounding
        and the residual.
    tol : float
    """

    setting: Setting
    theta: Array
    verdict: Verdict
    reg: float
    gradient_norm: float
    distance: float
    multipliers: Array
    rank: int
    symmetries: int | None
    unseen: int | None
    eigenvalues: Array
    direction: Array
    residual: float
    resolution: Array
    tol: float

    @property
    def negative(self) -> int:
        """The number of eigenvalues below −resolution."""
        return int(np.sum(self.eigenvalues < -self.resolution))

    @property
    def zero(self) -> int:
        """The number of eigenvalues within the resolution of zero: flat directions that nothing here accounts for."""
        return int(np.sum(np.abs(self.eigenvalues) <= self.resolution))

    @property
    def fall_per_time(self) -> float:
        """|N∇reg|², what reg falls by in a unit of flow time."""
        return self.gradient_norm * self.gradient_norm

    def fall_per_step(
        self,
        *,
        lr: float,
        noise_std: float,
        batch_size: BatchSize = 1,
        replacement: bool = True,
        momentum: float = 0.0,
    ) -> float:
        """(η²σ²/(B̃(1 − β)²)) ‖N∇reg‖², what reg falls by in a step of label-noise SGD, to leading order in η."""
        noise_std = nonnegative_number("noise_std", noise_std)
        step = flow_time(
            self.setting,
            lr=lr,
            noise_std=noise_std,
            batch_size=batch_size,
            replacement=replacement,
            momentum=momentum,
        )
        with np.errstate(all="ignore"):  # of what is no float
            return float(step * self.fall_per_time)

    def __repr__(self):
        advice = {
            "nonsmooth": "reg jumps here; compare reg with the least regularizer instead",
            "degenerate": "multipliers are not unique and prove nothing here",
            "repellent": f"reg falls by {self.fall_per_time:.4g} a flow time; see regularized_flow",
            "saddle": "escapes along .direction: interpolate(setting, theta + step * direction), then regularized_flow",
            "strict minimum": "label noise stays about here",
            "minimum up to symmetry": "label noise stays about here and the directions of symmetry",
            "no negative curvature above tol": "flat directions that are no known symmetry: undecided at second order",
        }[self.verdict]
        if self.verdict == "no negative curvature above tol" and self.setting.dim > DENSE:
            advice = f"flat directions are not counted above {DENSE} parameters"
        parts = [
            f"reg {self.reg:.6g}",
            f"|N grad reg| {self.gradient_norm:.2g}, stationary about {self.distance:.1g} away",
        ]
        if len(self.eigenvalues):
            counted = f"{self.negative} negative, {self.zero} zero of {len(self.eigenvalues)} curvatures"
            if self.setting.dim > DENSE:
                counted = f"least curvature to within {self.residual:.1g}"
            parts.append(f"{counted}, least {self.eigenvalues[0]:.4g}, zero to within {self.resolution[0]:.1g}")
        if self.symmetries is not None:
            parts.append(f"{self.symmetries} of symmetry, {self.unseen} unseen")
        notes = "".join(f"; {note}" for note in notes_on_point(self.setting, self.theta, self.rank))
        return f"Stability({self.verdict}: {advice}; {', '.join(parts)}{notes})"


def stability(setting: Setting, theta: Reals, *, tol: float = 1e-6) -> Stability:
    """Whether θ is repellent, a saddle or a minimum of reg on the zero-error set, and by how much.

    By N∇reg, and where it is 0 by the Riemannian Hessian N(∇²reg − Σ_i μ_i ∇²h_i)N on the tangent space, ∇reg = Jᵀμ.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        On the zero-error set; see `interpolate` and `regularized_flow`.
    tol : float
        Relative, of the distance that counts as none, the curvature that counts as zero, and the rank.

    Returns
    -------
    Stability

    Raises
    ------
    ValueError
        If theta is off the zero-error set, for derivatives of h that are not finite, and for symmetries of the setting
        that are none.
    ArithmeticError
        If Lanczos does not find the least curvature (p > 3000), or derivatives of h overflow.

    Examples
    --------
    h = ab = 2 with reg = a² + b²: only balanced factors stay.

    >>> import ouanalysis as ou
    >>> setting = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, x=[1.0], y=[2.0], dim=2)
    >>> ou.stability(setting, [2.0, 1.0]).verdict
    'repellent'
    >>> ou.stability(setting, [2**0.5, 2**0.5])
    Stability(strict minimum: label noise stays about here; reg 4, ... 0 negative, 0 zero of 1 curvatures, ...)
    """
    tol = positive_number("tol", tol)
    theta = on_zero_error_set(setting, theta)
    with np.errstate(all="ignore"):  # what is no float is refused where it matters
        return _judged(setting, theta, tol)


@repeatedly()
def _judged(setting, theta, tol):
    piece, unit = _in_units_of_its_jacobian(setting, theta)
    space = row_space(piece, theta)
    gradient = finite_regularizer_gradient(piece, theta)
    tangent = space.tangent(gradient)
    point = {
        "setting": setting,
        "theta": theta,
        "reg": float(regularizer(piece, theta)),
        "gradient_norm": float(norm(tangent)),
        "distance": stationary_distance(piece, theta, space),
        "multipliers": space.multipliers(gradient),
        "rank": scaled_rank(space.jacobian, tol),
        "tol": tol,
    }
    verdict = _first_order(setting, point, space, moving_size(theta, tangent))
    spectrum = without_spectrum(setting, theta) if verdict else second_order(setting, piece, point, space)
    return _with_units(Stability(**{"verdict": verdict} | point | spectrum), unit)


def _in_units_of_its_jacobian(setting, theta):
    """The smooth piece at theta with its largest derivative 1, and that derivative: reg has its square."""
    piece = setting.smooth_piece(theta)
    unit = max(float(np.max(np.abs(finite_jacobian(setting, theta)))), 1e-300)
    return piece.rescaled(1 / unit), unit


def _with_units(found, unit):
    with np.errstate(over="ignore", under="ignore"):
        return replace(
            found,
            multipliers=found.multipliers * unit,
            **{
                name: getattr(found, name) * unit * unit
                for name in ("reg", "gradient_norm", "eigenvalues", "residual", "resolution")
            },
        )


def _first_order(setting, point, space, moving):
    """The verdict where the gradient and the rank decide it; else None."""
    if kink_on_datum(setting, point["theta"]):
        return "nonsmooth"
    usual = generic_rank(setting, point["theta"])
    if scaled_rank(space.jacobian) < usual or space.rank < usual:  # the latter where data differ by 1/eps in size
        return "degenerate"
    if point["distance"] > point["tol"] * moving:
        return "repellent"
    return "degenerate" if point["rank"] < usual else None
