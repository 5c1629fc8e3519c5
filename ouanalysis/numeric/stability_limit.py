"""The largest step size at which label-noise SGD is stable in the mean square.

Source: theory.md, section 2, "Stability".
"""

import numpy as np
from scipy.linalg import eigvalsh

from .discrete_law import SecondMoments, sampling_weights

__all__ = ["max_stable_lr"]


def max_stable_lr(squares, modes, *, batch_size, replacement=True, momentum=0.0):
    """η_max = 1/ρ(𝓛⁻¹∘2Q), 𝓛S = KS + SK: SGD is stable in the mean square below it, and not above.

    The radius of a positive map T is at most the largest c with T(S) ≤ c S for any S > 0; power iteration on S lowers
    that bound until it falls by less than 1e-10. So the limit is never overstated. With momentum the map is not linear
    in η, and the limit is bisected to 1e-9.

    Parameters
    ----------
    squares, modes : (r,) and (n, r) arrays
        The positive eigenvalues of K and their eigenvectors.
    batch_size, replacement
        B and how the batch is drawn.
    momentum : float
        β.

    Returns
    -------
    float
        In units of time a step; infinite where K = 0.

    Examples
    --------
    One datum, η_max = 1/k at every batch size:

    >>> round(max_stable_lr(np.array([2.0]), np.eye(1), batch_size=3), 12)
    0.5
    """
    if not len(squares):
        return np.inf
    if momentum:
        return _bisected(squares, modes, batch_size, replacement, momentum)
    a, b = sampling_weights(len(modes), batch_size, replacement=replacement)
    # On X = K^(−1/2) S K^(−1/2), near the identity: 𝓛⁻¹ divides by κ_i + κ_j, K · K multiplies by κ_i κ_j.
    roots = np.sqrt(squares)
    scale = roots[:, None] * roots
    weight = 2 * scale / (squares[:, None] + squares)
    shape, bound = np.eye(len(squares)), np.inf
    while True:
        covariance = scale * shape
        variances = np.sum((modes @ covariance) * modes, axis=1)
        image = weight * (a * (modes.T * variances) @ modes + b * covariance)
        largest = eigvalsh(image, shape, subset_by_index=[len(squares) - 1] * 2)[0]
        if largest > (1 - 1e-10) * bound:
            return float(1 / min(largest, bound))
        bound = largest
        shape = image / np.trace(image) + 1e-9 * np.eye(len(squares))  # off the boundary, where there is no bound


def _bisected(squares, modes, batch_size, replacement, momentum):
    stable, unstable = 0.0, len(modes) * (1 + momentum) / squares[0]  # past which the mean itself diverges
    while unstable - stable > 1e-9 * unstable:
        middle = (stable + unstable) / 2
        if SecondMoments(squares, modes, middle, 1.0, batch_size, replacement, momentum).stable():
            stable = middle
        else:
            unstable = middle
    return stable
