"""The largest step size at which the linearised SGD has a stationary covariance.

Source: theory.md, section 2, "Stability".
"""

import numpy as np

__all__ = ["max_stable_lr"]


def max_stable_lr(gram, *, batch_size):
    """η_max = 1/ρ(𝓛⁻¹∘2Q), with 𝓛S = KS + SK and Q(S) = (1/B) K diag(S) K + (1 − 1/B)(1/n) K S K.

    Power iteration on a positive map, on the range of K, until the radius settles to 1e-10.

    Parameters
    ----------
    gram : (n, n) array
        K = J Jᵀ.
    batch_size : int or "full"
        B, drawn with replacement; "full" has Q(S) = (1/n) K S K.

    Returns
    -------
    float
        In units of time a step; infinite where K = 0.

    Examples
    --------
    One datum, η_max = 1/k at every batch size:

    >>> max_stable_lr(np.array([[2.0]]), batch_size=3)
    0.5
    """
    n = len(gram)
    squares, modes = np.linalg.eigh(gram)
    on_range = squares > n * np.finfo(float).eps * squares[-1]
    if not on_range.any():
        return np.inf
    squares, modes = squares[on_range], modes[:, on_range]
    sampled = 0.0 if batch_size == "full" else 1 / batch_size
    # 𝓛⁻¹ divides by κ_i + κ_j in the eigenbasis of K, where K S K multiplies by κ_i κ_j.
    weight = 2 * squares[:, None] * squares / (squares[:, None] + squares)
    covariance, radius = np.diag(squares / squares.sum()), 0.0
    for _ in range(10_000):
        variances = np.einsum("ik,kl,il->i", modes, covariance, modes)
        sampling = (modes.T * variances) @ modes
        image = weight * (sampled * sampling + (1 - sampled) / n * covariance)
        previous, radius = radius, np.trace(image)
        covariance = image / radius
        if abs(radius - previous) < 1e-10 * radius:
            break
    return float(1 / radius)
