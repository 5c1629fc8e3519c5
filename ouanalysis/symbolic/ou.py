"""The local Ornstein-Uhlenbeck process in closed form, from a Jacobian of symbols or exact numbers.

dδ = −H δ dt + √(η/B̃) C^{1/2} dW with H = (2/n) JᵀJ and C = (4σ²/n) JᵀJ. The covariances are typed from theory.md
section 2; that they solve the Lyapunov equation and the moment equation is what the two residuals show.
"""

from collections.abc import Sequence
from typing import TypeAlias

import sympy

from .closed_form import Number

__all__ = [
    "covariance",
    "diffusion_matrix",
    "drift_matrix",
    "lyapunov_residual",
    "moment_residual",
    "stationary_covariance",
]

Matrix: TypeAlias = sympy.MatrixBase | Sequence[Sequence[Number]]


def drift_matrix(jacobian: Matrix) -> sympy.Matrix:
    """H = (2/n) JᵀJ, (p, p), from J (n, p)."""
    exact = _exact(jacobian)
    return 2 * exact.T * exact / exact.rows


def diffusion_matrix(jacobian: Matrix, *, noise_std: Number) -> sympy.Matrix:
    """C = (4σ²/n) JᵀJ = 2σ²H, (p, p): the covariance of one datum's gradient noise."""
    exact = _exact(jacobian)
    return 4 * noise_std**2 * exact.T * exact / exact.rows


def stationary_covariance(jacobian: Matrix, *, lr: Number, noise_std: Number, batch_size: Number = 1) -> sympy.Matrix:
    """(ησ²/B) P with P = Jᵀ K⁻¹ J, (p, p), by the explicit inverse of K = J Jᵀ: adjugate over determinant.

    Raises
    ------
    ValueError
        If det K is zero: then J has not rank n.

    Examples
    --------
    >>> eta, sigma = sympy.symbols("eta sigma", positive=True)
    >>> stationary_covariance(sympy.Matrix([[3, 4]]), lr=eta, noise_std=sigma)
    Matrix([
    [ 9*eta*sigma**2/25, 12*eta*sigma**2/25],
    [12*eta*sigma**2/25, 16*eta*sigma**2/25]])
    """
    exact = _exact(jacobian)
    gram = exact * exact.T
    determinant = sympy.expand(gram.det(method="berkowitz"))
    if determinant == 0:
        raise ValueError(f"jacobian: expected rank {exact.rows}, got det(J Jᵀ) = 0")
    projector = exact.T * gram.adjugate() * exact / determinant
    return _strength(lr, noise_std, batch_size) * projector


def covariance(
    jacobian: Matrix,
    time: Number,
    *,
    lr: Number,
    noise_std: Number,
    batch_size: Number = 1,
    modes: Matrix | None = None,
) -> sympy.Matrix:
    """(ησ²/B) V (I − e^{−2Λt}) Vᵀ, (p, p), at time t = η × steps from δ = 0.

    Parameters
    ----------
    jacobian : (n, p) Matrix
    time : symbol or number
    modes : (n, n) Matrix, optional
        Orthogonal, with modesᵀ K modes diagonal; the identity if not given, which serves n = 1 and gradients that
        are orthogonal to each other. With two gradients of one length, [[1, 1], [1, −1]]/√2.

    Raises
    ------
    ValueError
        If modes are not orthogonal, do not diagonalise K (with the entry that is not zero), or K is singular.
    """
    exact = _exact(jacobian)
    gram = exact * exact.T
    turn = sympy.eye(exact.rows) if modes is None else _exact(modes)
    if (turn.T * turn - sympy.eye(exact.rows)).applyfunc(sympy.simplify) != sympy.zeros(exact.rows):
        raise ValueError("modes: expected an orthogonal matrix, got one whose modesᵀ modes is not the identity")
    squares = (turn.T * gram * turn).applyfunc(sympy.simplify)
    off = next((entry for entry in squares - sympy.diag(*squares.diagonal()) if entry != 0), None)
    if off is not None:
        raise ValueError(
            f"modes: expected an orthogonal matrix that makes modesᵀ J Jᵀ modes diagonal, got {off} off it"
        )
    if 0 in squares.diagonal():
        raise ValueError(f"jacobian: expected rank {exact.rows}, got a zero eigenvalue of J Jᵀ")
    rates = [2 * square / exact.rows for square in squares.diagonal()]
    weights = [
        (1 - sympy.exp(-2 * rate * time)) / square for rate, square in zip(rates, squares.diagonal(), strict=True)
    ]
    across = exact.T * turn
    return _strength(lr, noise_std, batch_size) * across * sympy.diag(*weights) * across.T


def lyapunov_residual(
    covariance: sympy.Matrix, jacobian: Matrix, *, lr: Number, noise_std: Number, batch_size: Number = 1
) -> sympy.Matrix:
    """H Σ + Σ H − (η/B) C, simplified entry by entry: zero for the stationary Σ."""
    drift = drift_matrix(jacobian)
    diffusion = diffusion_matrix(jacobian, noise_std=noise_std)
    return (drift * covariance + covariance * drift - sympy.sympify(lr) / batch_size * diffusion).applyfunc(_simplify)


def moment_residual(
    covariance: sympy.Matrix,
    time: sympy.Symbol,
    jacobian: Matrix,
    *,
    lr: Number,
    noise_std: Number,
    batch_size: Number = 1,
) -> sympy.Matrix:
    """dΣ/dt + H Σ + Σ H − (η/B) C, simplified entry by entry: zero for Σ(t)."""
    balance = lyapunov_residual(covariance, jacobian, lr=lr, noise_std=noise_std, batch_size=batch_size)
    return (covariance.diff(time) + balance).applyfunc(_simplify)


def _exact(matrix):
    """As a SymPy matrix, with floats as the fractions they are: a singular J Jᵀ is then seen to be singular."""
    matrix = sympy.Matrix(matrix)
    if matrix.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo, sympy.I):
        raise ValueError("jacobian: expected finite real entries, got others")
    return matrix.applyfunc(lambda entry: sympy.Rational(entry) if entry.is_Float else entry)


def _strength(lr, noise_std, batch_size):
    """ησ²/B̃, of symbols or numbers."""
    for name, value in (("lr", lr), ("noise_std", noise_std), ("batch_size", batch_size)):
        number = sympy.nan if isinstance(value, str) else sympy.sympify(value)
        wrong = number is sympy.nan or number.is_finite is False or number.is_real is False
        if wrong or number.is_negative or (name != "noise_std" and number.is_zero):
            above = "a number at least 0" if name == "noise_std" else "a number above 0 (n for a full batch)"
            raise ValueError(f"{name}: expected a symbol or {above}, got {value!r}")
    return sympy.sympify(lr) * noise_std**2 / batch_size


def _simplify(entry):
    return sympy.simplify(sympy.cancel(sympy.together(entry)))
