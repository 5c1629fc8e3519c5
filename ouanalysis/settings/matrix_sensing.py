"""Matrix sensing with an over-parameterised factorisation: theory.md, section 4.1."""

from dataclasses import dataclass
from functools import partial

import autograd.numpy as np
from scipy.linalg import null_space

from ..arguments import Array, RandomSource, Reals, count, generator, real_array
from .branches import Branches
from .rotations import rotations
from .setting import Setting, parameters

__all__ = ["MatrixSensing", "planted_matrix_sensing"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class MatrixSensing(Setting):
    """h(U, A) = ⟨A, U Uᵀ⟩, U ∈ R^{d×r}: measurements of a positive semidefinite matrix of rank at most r.

    Parameters
    ----------
    sensors : (n, d, d) array_like
        A_i, symmetric or not.
    y : (n,) array_like
    rank : int, optional
        r, from 1 to d; d if not given. theta holds U row-major: dim = d r.

    Examples
    --------
    >>> setting = MatrixSensing([[[1.0, 0.0], [0.0, 2.0]]], y=[3.0], rank=1)
    >>> setting.predictions([1.0, 1.0])
    array([3.])
    """

    rank: int

    def __init__(self, sensors: Reals, y: Reals, rank: int | None = None) -> None:
        sensors = real_array("sensors", sensors, shape=("n", "d", "d"))
        d = sensors.shape[-1]
        if sensors.shape[1] != d:
            raise ValueError(f"sensors: expected shape (n, d, d), got {sensors.shape}")
        rank = d if rank is None else count("rank", rank, least=1, most=d)
        object.__setattr__(self, "rank", rank)
        super().__init__(partial(_measure, shape=(d, rank)), sensors, y, parts={"U": (d, rank)}, branches=Branches())

    @property
    def d(self) -> int:
        """The side of the matrix."""
        return self.x.shape[-1]

    def unseen_directions(self, theta: Reals) -> Array:
        """u in a row of U where S_i u = 0 for every sensor."""
        parameters(self, theta, leading=False)  # at every θ
        symmetric = (self.x + np.swapaxes(self.x, -1, -2)).reshape(-1, self.d)
        size = np.max(np.abs(symmetric)) or 1.0
        return np.kron(null_space(symmetric / size).T, np.eye(self.rank))

    def symmetry_directions(self, theta: Reals) -> Array:
        """U → UQ, Q a rotation."""
        return rotations(self.unpack(theta)["U"]).reshape(-1, self.dim)

    def __repr__(self):
        return f"MatrixSensing(n={self.n}, d={self.d}, rank={self.rank})"


def planted_matrix_sensing(d: int, rank: int, n: int, *, rng: RandomSource) -> tuple[MatrixSensing, Array]:
    """Gaussian sensors of a random matrix of the given rank and unit trace, to be found with U ∈ R^{d×d}.

    The entries of √d A_i are N(0, 1): S_i = A_i + A_iᵀ is divided by √d, as in theory.md 4.1.

    Parameters
    ----------
    d, rank, n : int
        Side and true rank of the planted matrix, and the number of measurements.
    rng : numpy.random.Generator or seed

    Returns
    -------
    setting : MatrixSensing
        Over-parameterised: setting.rank = d.
    theta_true : (d²,) array
        U with U Uᵀ the planted matrix.
    """
    d = count("d", d, least=1)
    rank = count("rank", rank, least=1, most=d)
    n = count("n", n, least=1)
    rng = generator(rng)
    truth = np.zeros((d, d))
    truth[:, :rank] = rng.standard_normal((d, rank))
    truth /= np.linalg.norm(truth)
    sensors = rng.standard_normal((n, d, d)) / np.sqrt(d)
    return MatrixSensing(sensors, np.sum(sensors * (truth @ truth.T), axis=(-2, -1))), truth.ravel()


def _measure(theta, sensor, *, shape):
    factor = theta.reshape(theta.shape[:-1] + shape)
    return np.sum(sensor * np.matmul(factor, np.swapaxes(factor, -1, -2)), axis=(-2, -1))
