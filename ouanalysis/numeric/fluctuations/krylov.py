"""Powers of a linear map from its resolvent: Arnoldi's iteration on (δ + I − 𝓜)⁻¹.

The slow directions of 𝓜, those next to 1, are the large ones of the inverse, so a few dozen vectors carry 𝓜^t for any
t, however ill-conditioned I − 𝓜 is.

Source: van den Eshof & Hochbruck 2006 (doi:10.1137/040605461), for the exponential.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import schur, solve_triangular

from ...arguments import Array

__all__ = ["arnoldi", "powers_and_sums"]

MOST = 120  # vectors; 40 are usual


def arnoldi(apply: Callable[[Array], Array], start: Array) -> Iterator[tuple[Array, Array]]:
    """Yield, for m = 1, 2, ..., the orthonormal basis (m, N) of start, A start, ..., and A's matrix (m, m) in it.

    It ends where the space is invariant, or after `MOST` vectors.
    """
    start = start / np.max(np.abs(start))  # whose squares neither over- nor underflow
    basis = [start.ravel() / np.linalg.norm(start)]
    matrix = np.zeros((MOST + 1, MOST))
    for m in range(1, MOST + 1):
        image = apply(basis[-1].reshape(start.shape)).ravel()
        vectors = np.array(basis)
        for _ in range(2):  # once more, to be orthogonal to rounding
            overlap = vectors @ image
            image = image - overlap @ vectors
            matrix[:m, m - 1] += overlap
        left = matrix[m, m - 1] = np.linalg.norm(image)
        yield vectors, matrix[:m, :m]
        if left <= 10 * np.finfo(float).eps * np.max(np.abs(matrix[:m, :m])):
            return
        basis.append(image / left)


def powers_and_sums(
    resolvent: Callable[[float], Callable[[Array], Array]],
    start: Array,
    steps: int,
    *,
    decay: float = 0.0,
    horizon: float = np.inf,
) -> tuple[Array, Array] | None:
    """𝓜^T u and Σ_{t<T} 𝓜^t u (1 − β^{T−t})/(1 − β), for T = steps ≥ 1 and β = decay; None if they do not settle.

    They settle, to 1000 eps (and T/(1 − β) times that), within a few dozen vectors where all that lasts T steps is near
    1, and not always where 𝓜 has large eigenvalues elsewhere on the circle.

    Parameters
    ----------
    resolvent : callable
        resolvent(δ) gives the function that applies (δ + I − 𝓜)⁻¹, as `start` is shaped.
    start : array
        u.
    horizon : float
        The number of steps past which δ falls no further: rounding is eps/δ of what dies at once.

    Returns
    -------
    (power, weighted_sum) or None
    """
    if not start.any():
        return start, start
    shift = 10 / min(steps, horizon)
    tolerance = np.finfo(float).eps * (1000 + min(steps, 1e6) + 10 * steps * shift)
    before = np.zeros((2, 0))
    with np.errstate(all="ignore"):  # too few vectors may give a matrix that grows
        for pair in arnoldi(resolvent(shift), start):
            basis, inverse = pair
            if len(inverse) % 4 == 0:
                values = _powers_and_sums_of(inverse, shift, steps, decay)
                change = values - np.pad(before, ((0, 0), (0, 4)))
                sizes = np.maximum(np.linalg.norm(values, axis=1), [1, steps / (1 - decay)])
                if np.all(np.linalg.norm(change, axis=1) <= tolerance * sizes):
                    break
                before = values
        else:
            if len(inverse) == MOST:
                return None
            values = _powers_and_sums_of(inverse, shift, steps, decay)
    size = np.max(np.abs(start))
    power, weighted_sum = size * np.linalg.norm(start / size) * values @ basis
    return power.reshape(start.shape), weighted_sum.reshape(start.shape)


def _powers_and_sums_of(inverse, shift, steps, decay):
    """The two first columns (2, m), for the 𝓜 with (δ + I − 𝓜)⁻¹ = inverse."""
    # In Schur's basis, which does not mix slow with fast: I − 𝓜 of the slow is far below rounding of the fast.
    triangle, axes = schur(inverse, output="complex")
    one = np.eye(len(inverse))
    gap = solve_triangular(triangle, one) - shift * one
    np.fill_diagonal(gap, np.where(abs(1 - np.diag(gap)) > 1 + shift / 1000, 1, np.diag(gap)))  # no mode grows: noise
    change, _, total = _after_steps(gap, steps, decay)[:3]
    power, weighted_sum = (axes @ (part @ axes[0].conj()) for part in (change, total))
    return np.stack([one[0] + power.real, weighted_sum.real])


def _after_steps(gap, steps, decay):
    """𝓜^T − I, s = Σ 𝓜^t β^(T−1−t), its sum D over the steps so far, β^T and β + ... + β^T, for T = steps ≥ 1.

    By doubling, 𝓜^T less I, so that a gap below rounding of 1 keeps its digits.
    """
    one = np.eye(len(gap))
    total, power = None, (-gap, one, one, decay, decay)
    while True:
        if steps % 2:
            total = _one_after_the_other(total, power) if total else power
        steps //= 2
        if not steps:
            return total
        power = _one_after_the_other(power, power)


def _one_after_the_other(first, then):
    change, held, total, last, weight = first
    change_, held_, total_, last_, weight_ = then
    return (
        change + change_ + change_ @ change,
        last_ * held + held_ + held_ @ change,
        total + total_ + total_ @ change + weight_ * held,
        last * last_,
        weight + last * weight_,
    )
