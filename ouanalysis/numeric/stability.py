"""Whether label noise leaves a zero-error point: first and second order of reg along the zero-error set.

Source: theory.md, section 3; Blanc et al. 2020 (arXiv:1904.09080), definitions of repellent and stationary points.
"""

from dataclasses import dataclass

import numpy as np

from ..arguments import positive_number
from ..settings import Setting
from .derivatives import lagrangian_hessian_products, regularizer, regularizer_gradient
from .flow_time import flow_time
from .kinks import kink_on_datum
from .manifold import on_zero_error_set
from .notes import notes_on_point
from .row_space import row_space
from .stationary_distance import moving_size, stationary_distance
from .symmetries import symmetry_directions, unseen_directions

__all__ = ["Stability", "stability"]

DENSE = 3000  # parameters up to which the whole spectrum is computed


@dataclass(frozen=True, eq=False, repr=False)
class Stability:
    """What reg does about θ on the zero-error set.

    Attributes
    ----------
    setting : Setting
    theta : (p,) array
    verdict : str
        "nonsmooth"               a ReLU kink is on a datum, where reg jumps: derivatives say nothing
        "degenerate"              rank J < n: the zero-error set need not be smooth, multipliers are not unique; near
                                  such a point too where N∇reg = 0, as multipliers prove nothing there either
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
        Dimensions of the directions of symmetry, and of parameters that h does not see; not in the spectrum. None for
        p > 3000, where they are not counted.
    eigenvalues : (k,) array
        Ascending, of the Riemannian Hessian N(∇²reg − Σ_i μ_i ∇²h_i)N on the other tangent directions; only the least
        for p > 3000; empty where the verdict needs none.
    direction : (p,) array
        The unit eigenvector of the least eigenvalue; zero where there is none.
    residual : float
        ‖Av − λv‖ of that eigenpair.
    resolution : float
        Eigenvalues of at most this size count as zero: tol reg/‖θ‖², their rounding and, for p > 3000, the residual.
    tol : float
    """

    setting: Setting
    theta: np.ndarray
    verdict: str
    reg: float
    gradient_norm: float
    distance: float
    multipliers: np.ndarray
    rank: int
    symmetries: int | None
    unseen: int | None
    eigenvalues: np.ndarray
    direction: np.ndarray
    residual: float
    resolution: float
    tol: float

    @property
    def negative(self):
        """The number of eigenvalues below −resolution."""
        return int(np.sum(self.eigenvalues < -self.resolution))

    @property
    def zero(self):
        """The number of eigenvalues within the resolution of zero: flat directions that nothing here accounts for."""
        return int(np.sum(np.abs(self.eigenvalues) <= self.resolution))

    def fall_per_step(self, *, lr, noise_std, batch_size=1, momentum=0.0):
        """(η²σ²/(B̃(1 − β)²)) ‖N∇reg‖², what reg falls by in a step of label-noise SGD, to leading order in η."""
        step = flow_time(self.setting, lr=lr, noise_std=noise_std, batch_size=batch_size, momentum=momentum)
        return float(step * self.gradient_norm**2)

    def __repr__(self):
        advice = {
            "nonsmooth": "reg jumps here; compare reg with the least regularizer instead",
            "degenerate": "multipliers are not unique and prove nothing here",
            "repellent": f"reg falls by {self.gradient_norm**2:.4g} a flow time; see regularized_flow",
            "saddle": "escapes along .direction: interpolate(setting, theta + step * direction), then regularized_flow",
            "strict minimum": "label noise stays about here",
            "minimum up to symmetry": "label noise stays about here and the directions of symmetry",
            "no negative curvature above tol": "flat directions that are no known symmetry: undecided at second order",
        }[self.verdict]
        if self.verdict == "no negative curvature above tol" and self.setting.dim > DENSE:
            advice = f"flat directions are not counted above {DENSE} parameters"
        parts = [f"reg {self.reg:.6g}", f"‖N∇reg‖ {self.gradient_norm:.2g}, stationary about {self.distance:.1g} away"]
        if len(self.eigenvalues):
            counted = f"{self.negative} negative, {self.zero} zero of {len(self.eigenvalues)} curvatures"
            if self.setting.dim > DENSE:
                counted = f"least curvature to within {self.residual:.1g}"
            parts.append(f"{counted}, least {self.eigenvalues[0]:.4g}, zero to within {self.resolution:.1g}")
        if self.symmetries is not None:
            parts.append(f"{self.symmetries} of symmetry, {self.unseen} unseen")
        notes = "".join(f"; {note}" for note in notes_on_point(self.setting, self.theta, self.rank))
        return f"Stability({self.verdict}: {advice}; {', '.join(parts)}{notes})"


def stability(setting, theta, *, tol=1e-6):
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
        If theta is off the zero-error set.
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
    Stability(strict minimum: label noise stays about here; reg 4, ‖N∇reg‖ ... 0 negative, 0 zero of 1 curvatures, ...)
    """
    tol = positive_number("tol", tol)
    theta = on_zero_error_set(setting, theta)
    space = row_space(setting, theta)
    reg, gradient = float(regularizer(setting, theta)), regularizer_gradient(setting, theta)
    tangent, size = space.tangent(gradient), float(np.linalg.norm(theta))
    distance, rank = stationary_distance(setting, theta, space), _rank(space.jacobian, tol)
    multipliers = space.multipliers(gradient)
    accounted, unseen, symmetries = space.basis, None, None
    if setting.dim <= DENSE:
        unseen, accounted = _add(unseen_directions(setting, theta), accounted, tol)
        symmetries, accounted = _add(symmetry_directions(setting, theta), accounted, tol)
    values, direction, residual, largest = np.zeros(0), np.zeros(setting.dim), 0.0, 0.0
    resolution = tol * reg / size**2 if size else 0.0
    if kink_on_datum(setting, theta):
        verdict = "nonsmooth"
    elif space.rank < setting.n:
        verdict = "degenerate"
    elif distance > tol * moving_size(theta, tangent):
        verdict = "repellent"
    elif rank < setting.n:
        verdict = "degenerate"
    else:
        if accounted.shape[1] < setting.dim:
            curvatures = _dense_curvatures if setting.dim <= DENSE else _least_curvature
            values, direction, residual, largest = curvatures(setting, theta, multipliers, accounted)
        if not np.isfinite(values).all():
            raise ArithmeticError(
                "stability: expected finite curvatures, got NaN or infinity from the derivatives of h"
            )
        resolution += residual + 1e3 * np.finfo(float).eps * largest
        verdict = _second_order(values, resolution, accounted.shape[1] - space.rank, setting.dim)
    return Stability(
        setting=setting,
        theta=theta,
        verdict=verdict,
        reg=reg,
        gradient_norm=float(np.linalg.norm(tangent)),
        distance=distance,
        multipliers=multipliers,
        rank=rank,
        symmetries=symmetries,
        unseen=unseen,
        eigenvalues=values,
        direction=direction,
        residual=residual,
        resolution=resolution,
        tol=tol,
    )


def _rank(jacobian, tol):
    """Of J with its rows scaled to unit length."""
    lengths = np.linalg.norm(jacobian, axis=1)
    scaled = jacobian[lengths > 0] / lengths[lengths > 0, None]
    squares = np.linalg.eigvalsh(scaled @ scaled.T) if len(scaled) else np.zeros(0)
    return int(np.sum(squares > tol * np.max(squares, initial=0.0)))


def _second_order(values, zero, flat, dim):
    if np.any(values < -zero):
        return "saddle"
    if np.any(values <= zero) or dim > DENSE:
        return "no negative curvature above tol"
    return "minimum up to symmetry" if flat else "strict minimum"


def _add(directions, known, tol):
    """How many dimensions directions (m, p) add to the span of known's orthonormal columns, and the columns of both."""
    if not directions.any():
        return 0, known
    columns = directions.T / np.max(np.linalg.norm(directions, axis=1))
    for _ in range(2):
        columns = columns - known @ (known.T @ columns)
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    new = left[:, singular > tol]
    return new.shape[1], np.hstack([known, new])


def _dense_curvatures(setting, theta, multipliers, accounted):
    """All curvatures, the least one's direction and residual, and the largest in size."""
    basis = np.linalg.qr(accounted, mode="complete")[0][:, accounted.shape[1] :]
    hessian = basis.T @ lagrangian_hessian_products(setting, theta, multipliers, basis.T).T
    hessian = (hessian + hessian.T) / 2
    values, vectors = np.linalg.eigh(hessian)
    residual = np.linalg.norm(hessian @ vectors[:, 0] - values[0] * vectors[:, 0])
    return values, basis @ vectors[:, 0], float(residual), float(np.max(np.abs(values)))


def _least_curvature(setting, theta, multipliers, accounted):
    """The least curvature alone, without a matrix, by Lanczos on (largest) − (Hessian)."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh  # slow to import

    def free(vector):
        return vector - accounted @ (accounted.T @ vector)

    def hessian(vector):
        return free(lagrangian_hessian_products(setting, theta, multipliers, free(vector.ravel())[None])[0])

    start = free(np.random.default_rng(0).standard_normal(setting.dim))
    if not hessian(start).any():  # which ARPACK cannot start from
        return np.zeros(1), start / np.linalg.norm(start), 0.0, 0.0

    def extreme(action, which, precision):
        operator = LinearOperator((setting.dim,) * 2, matvec=action, dtype=float)
        try:
            values, vectors = eigsh(operator, k=1, which=which, v0=start, tol=precision)
        except ArpackNoConvergence as error:
            raise ArithmeticError(f"stability: expected Lanczos to find the least curvature, got {error}") from None
        return values[0], vectors[:, 0]

    scale = abs(extreme(hessian, "LM", 1e-3)[0])
    # Of scale − A, where A's null directions that are accounted for lie at 0, out of the way.
    shifted, direction = extreme(lambda vector: scale * free(vector.ravel()) - hessian(vector), "LA", 1e-9)
    least = scale - shifted
    residual = np.linalg.norm(hessian(direction) - least * direction)
    return np.array([least]), direction, float(residual), float(scale)
