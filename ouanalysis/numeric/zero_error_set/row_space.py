"""The row space of J, normal to the zero-error set, by a thin SVD: never a p×p matrix, nor a J that is too large."""

import contextlib
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from ...arguments import Array, in_one_line
from ...settings import Setting
from .derivatives import hessian_products, jacobian, products_of, regularizer_gradient

__all__ = [
    "DENSE",
    "LargeRowSpace",
    "RowSpace",
    "finite_hessian_products",
    "finite_jacobian",
    "finite_regularizer_gradient",
    "holds_jacobian",
    "largest_gradient",
    "row_space",
]

DENSE = 3000  # parameters up to which there are p×p matrices, on the directions along the zero-error set
HELD = 1 << 26  # numbers of the largest J that is held: 512 MB
_REMEDY = "write h so that what has no derivative there is not evaluated (a guarded argument), or take another theta"


@dataclass(frozen=True, eq=False)
class RowSpace:
    """J = modes · singular · basisᵀ of rank r; where r < n, K⁻¹ stands for K⁺.

    Attributes
    ----------
    jacobian : (n, p) array
    singular, modes : (r,) and (n, r) arrays
        The positive singular values √κ of J, descending, and the eigenvectors U of K = JJᵀ that belong to them.
    basis : (p, r) array
        V, orthonormal.
    """

    jacobian: Array
    singular: Array
    modes: Array
    basis: Array

    @property
    def rank(self) -> int:
        """r, at a relative tolerance of max(n, p) eps on the singular values."""
        return len(self.singular)

    @property
    def squares(self) -> Array:
        """The positive eigenvalues κ (r,) of K; a ValueError where these are no floats."""
        if self.rank and not (self.singular[-1] >= 1e-150 and self.singular[0] <= 1e150):
            raise ValueError(
                "theta: expected singular values of J from 1e-150 to 1e150, whose squares are floats, got"
                f" {self.singular[-1]:.2g} to {self.singular[0]:.2g}; measure y and h in other units"
            )
        return self.singular**2

    @property
    def nearly_singular(self) -> bool:
        """Whether K has a condition above 1e6 on the row space."""
        return self.rank > 0 and bool(self.singular[0] > 1e3 * self.singular[-1])

    @property
    def gram(self) -> Array:
        """K = J Jᵀ, (n, n)."""
        return self.jacobian @ self.jacobian.T

    def coordinates(self, vector: Array) -> Array:
        """Vᵀu, (r,), of a vector (p,)."""
        return self.basis.T @ vector

    def spread(self, coordinates: Array) -> Array:
        """V z, (p,), of z (r,)."""
        return self.basis @ coordinates

    def tangent(self, vector: Array) -> Array:
        """N u: what of a vector (p,) lies along the zero-error set."""
        once = vector - self.spread(self.coordinates(vector))
        return once - self.spread(self.coordinates(once))  # twice, to be tangent to rounding

    def least_move(self, residual: Array) -> Array:
        """J⁺ r, the shortest move of θ (p,) that changes the linearised predictions by r (n,)."""
        return self.spread(self.modes.T @ residual / self.singular)

    def multipliers(self, vector: Array) -> Array:
        """The least-squares μ (n,) of u = Jᵀμ."""
        return self.modes @ (self.coordinates(vector) / self.singular)


class LargeRowSpace(RowSpace):
    """That of a J of more than 2^26 numbers, which is never held: by products with it, and K alone.

    Singular values below √(n eps) of the largest, whose squares are rounding of K, count as 0.
    """

    def __init__(self, setting: Setting, theta: Array) -> None:
        products = products_of(setting)
        with np.errstate(all="ignore"):
            gram = products.gram(theta[None])[0]
        if not np.isfinite(gram).all():
            raise ValueError(f"theta: expected finite derivatives of h, got some that are not; {_REMEDY}")
        squares, modes = np.linalg.eigh(gram)
        kept = np.flatnonzero(squares > len(gram) * np.finfo(float).eps * squares[-1])[::-1]
        vars(self).update(singular=np.sqrt(squares[kept]), modes=modes[:, kept])
        vars(self).update(_gram=gram, _products=products, _theta=theta)

    @property
    def gram(self) -> Array:
        """K, (n, n)."""
        return vars(self)["_gram"]

    @property
    def jacobian(self) -> Array:
        """A ValueError."""
        raise ValueError(
            f"theta: expected a J of at most {HELD} numbers where all of it is asked for, got {len(self.gram)} ×"
            f" {len(vars(self)['_theta'])}; what needs only K or products with J is there"
        )

    @property
    def basis(self) -> Array:
        """A ValueError."""
        return self.jacobian

    def coordinates(self, vector: Array) -> Array:
        """Vᵀu = κ^{-1/2} Uᵀ J u."""
        return self.modes.T @ vars(self)["_products"].forward(vars(self)["_theta"], vector) / self.singular

    def spread(self, coordinates: Array) -> Array:
        """V z = Jᵀ U κ^{-1/2} z."""
        return vars(self)["_products"].backward(vars(self)["_theta"], self.modes @ (coordinates / self.singular))


def holds_jacobian(setting: Setting) -> bool:
    """Whether J is small enough to be held."""
    return setting.rows * setting.dim <= HELD


def row_space(setting: Setting, theta: Array) -> RowSpace:
    """The RowSpace of J at theta (p,); a ValueError if J is not finite."""
    if not holds_jacobian(setting):
        return LargeRowSpace(setting, theta)
    gradients = finite_jacobian(setting, theta)
    exponent = np.frexp(np.max(np.abs(gradients)))[1]  # out of the way, so that no square over- or underflows
    modes, singular, rows = _thin_svd(np.ldexp(gradients, -exponent))
    rank = int(np.sum(singular > max(gradients.shape) * np.finfo(float).eps * singular[0]))
    basis = (
        rows[:rank].T * np.any(gradients, axis=0)[:, None]
    )  # LAPACK leaves rounding at parameters that no datum sees
    with np.errstate(over="ignore"):
        return RowSpace(gradients, np.ldexp(singular[:rank], exponent), modes[:, :rank], basis)


def finite_jacobian(setting: Setting, theta: Array) -> Array:
    """J (n, p) at theta (p,), or the ValueError that names the first datum and parameter without a derivative."""
    with np.errstate(all="ignore"):
        gradients = jacobian(setting, theta)
    bad = np.argwhere(~np.isfinite(gradients))
    if len(bad):
        i, j = bad[0]
        shown = " ".join(in_one_line(setting.x[i]).split())
        raise ValueError(
            f"theta: expected finite derivatives of h, got {gradients[i, j]} in that of h_{i} (x_{i} = {shown})"
            f" by theta[{j}]; {_REMEDY}"
        )
    return gradients


def largest_gradient(setting: Setting, theta: Array) -> float:
    """max_i ‖g_i‖ over the data, of several outputs the norm of all; not finite where one is not."""
    with np.errstate(all="ignore"):
        if not holds_jacobian(setting):
            return float(np.sqrt(np.max(products_of(setting).squared_norms(theta[None]))))
        gradients = jacobian(setting, theta)
        unit = np.max(np.abs(gradients)) or 1.0  # so that no square over- or underflows
        return float(unit * np.max(np.linalg.norm((gradients / unit).reshape(setting.n, -1), axis=-1)))


def finite_hessian_products(setting: Setting, theta: Array, vectors: Array) -> Array:
    """`hessian_products`, or a ValueError that names the first parameter without a second derivative."""
    with np.errstate(all="ignore"):
        products = hessian_products(setting, theta, vectors)
    bad = np.flatnonzero(~np.isfinite(products))
    if len(bad):
        raise ValueError(
            f"theta: expected finite second derivatives of h, got {products[bad[0]]} in one by theta[{bad[0]}];"
            f" {_REMEDY}"
        )
    return products


def finite_regularizer_gradient(setting: Setting, theta: Array) -> Array:
    """∇reg (p,), or a ValueError that names the first parameter by which it has no derivative."""
    with np.errstate(all="ignore"):
        gradient = regularizer_gradient(setting, theta)
    bad = np.flatnonzero(~np.isfinite(gradient))
    if len(bad):
        raise ValueError(
            f"theta: expected finite second derivatives of h, got {gradient[bad[0]]} in that of reg by theta[{bad[0]}]"
        )
    return gradient


def _thin_svd(matrix):
    """U, s, Vᵀ of (n, p); for p ≫ n and cond J ≪ 1/√eps by Cholesky QR, done twice, several times faster than LAPACK's.

    Source: Yamamoto et al. 2015 (ETNA 44), on CholeskyQR2.
    """
    n, p = matrix.shape
    if p > 8 * n:
        with contextlib.suppress(np.linalg.LinAlgError):
            first = np.linalg.cholesky(matrix @ matrix.T)
            rows = solve_triangular(first, matrix, lower=True)
            left = rows @ rows.T
            if np.linalg.norm(left - np.eye(n)) < 0.1:
                second = np.linalg.cholesky(left)
                rows = solve_triangular(second, rows, lower=True)
                modes, singular, turn = np.linalg.svd(first @ second)
                return modes, singular, turn @ rows
    return np.linalg.svd(matrix, full_matrices=False)
