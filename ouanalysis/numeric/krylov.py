"""Powers of a linear map from its resolvent: Arnoldi's iteration on (δ + I − 𝓜)⁻¹.

The slow directions of 𝓜, those next to 1, are the large ones of the inverse, so a few dozen vectors carry 𝓜^t for any
t, however ill-conditioned I − 𝓜 is.

Source: van den Eshof & Hochbruck 2006 (doi:10.1137/040605461), for the exponential.
"""

import numpy as np

__all__ = ["arnoldi", "powers_and_sums"]

MOST = 80  # vectors; 40 are usual


def arnoldi(apply, start):
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


def powers_and_sums(resolvent, start, steps, *, decay=0.0, horizon=1e13):
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
    tolerance = 1000 * np.finfo(float).eps * np.array([1, steps / (1 - decay)])
    before = np.zeros((2, 0))
    with np.errstate(all="ignore"):  # too few vectors may give a matrix that grows
        for pair in arnoldi(resolvent(shift), start):
            basis, inverse = pair
            if len(inverse) % 4 == 0:
                values = _powers_and_sums_of(inverse, shift, steps, decay)
                change = values - np.pad(before, ((0, 0), (0, 4)))
                if np.all(np.linalg.norm(change, axis=1) <= tolerance):
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
    m = len(inverse)
    one, none = np.eye(m), np.zeros((m, m))
    gap = np.linalg.inv(inverse) - shift * one
    # c⁺ = 𝓜c, s⁺ = βs + c, D⁺ = D + s⁺ from (c, 0, 0): D_T is the weighted sum.
    change = np.block([[-gap, none, none], [one, (decay - 1) * one, none], [one, decay * one, none]])
    column = _power_less_identity(change, steps)[:, 0]
    return np.stack([one[0] + column[:m], column[2 * m :]])


def _power_less_identity(change, exponent):
    """(I + change)^T − I, in which what is far below 1 keeps its digits."""
    total = np.zeros_like(change)
    while exponent:
        if exponent % 2:
            total = total + change + total @ change
        change = 2 * change + change @ change
        exponent //= 2
    return total
