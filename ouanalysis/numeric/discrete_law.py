"""The exact second moments of linearised label-noise SGD, at every stable step size.

In function space the covariance S = J Σ Jᵀ closes on itself, whatever the number of parameters:

    S_{t+1} = S_t − (2η/n)(K S_t + S_t K) + (4η²/n) [ Q(S_t) + (σ²/B̃) K² ],   S_0 = 0,
    Q(S) = a K diag(S) K + b K S K,

with weights a, b that the sampling of the batch sets. In the eigenbasis of K everything but diag(S) acts entry by
entry, so the stationary law is an n×n linear system for the n variances diag(S).

Source: theory.md, section 2, "Exact discrete time" and "Stability".
"""

import numpy as np
from scipy.linalg import eigvalsh

__all__ = ["covariance_after", "max_stable_lr", "sampling_weights", "stationary_covariance"]


def sampling_weights(n, batch_size, *, replacement):
    """(a, b) of Q(S) = a K diag(S) K + b K S K. All n data at once are n drawn without replacement: (0, 1/n)."""
    if replacement or n == 1:
        return 1 / batch_size, (1 - 1 / batch_size) / n
    pairs = (batch_size - 1) / (batch_size * (n - 1))
    return 1 / batch_size - pairs, pairs


def stationary_covariance(squares, modes, *, lr, noise_std, batch_size, replacement=True):
    """The S that a step leaves as it is, in the eigenbasis of K: K S + S K = 2η [ Q(S) + (σ²/B̃) K² ].

    Parameters
    ----------
    squares, modes : (r,) and (n, r) arrays
        The positive eigenvalues of K and their eigenvectors.
    lr, noise_std, batch_size, replacement
        η below `max_stable_lr`, σ, B and how the batch is drawn.

    Returns
    -------
    (r, r) array
        modesᵀ S modes, in units of y².

    Examples
    --------
    One datum, S = ησ²k/(1 − ηk):

    >>> stationary_covariance(np.array([2.0]), np.eye(1), lr=0.1, noise_std=1.0, batch_size=1)
    array([[0.25]])
    """
    a, b = sampling_weights(len(modes), batch_size, replacement=replacement)
    products = squares[:, None] * squares
    weights = 2 * lr * products / (squares[:, None] + squares - 2 * lr * b * products)
    label_noise = noise_std**2 / batch_size * np.diag(weights)
    # diag(S) = a M diag(S) + (what the label noise gives), M_ml = Σ_ij U_mi U_li W_ij U_mj U_lj.
    coupling = np.stack([np.sum((row * modes @ weights) * (row * modes), axis=1) for row in modes])
    variances = np.linalg.solve(np.eye(len(modes)) - a * coupling, modes**2 @ label_noise)
    return a * weights * ((modes.T * variances) @ modes) + np.diag(label_noise)


def covariance_after(steps, squares, modes, *, lr, noise_std, batch_size, replacement=True):
    """S after so many steps from S = 0, in the eigenbasis of K: steps (k,), increasing, gives (k, r, r).

    O(n³) a step; once S is stationary to rounding it is not advanced further.
    """
    n = len(modes)
    a, b = sampling_weights(n, batch_size, replacement=replacement)
    products = squares[:, None] * squares
    entrywise = 1 - 2 * lr / n * (squares[:, None] + squares) + 4 * lr**2 / n * b * products
    stationary = stationary_covariance(
        squares, modes, lr=lr, noise_std=noise_std, batch_size=batch_size, replacement=replacement
    )
    missing = -stationary  # S_t − S_∞, which one step only multiplies
    settled = np.finfo(float).eps * np.linalg.norm(stationary)
    results, done = [], 0
    for target in steps:
        while done < target and np.linalg.norm(missing) > settled:
            variances = np.sum((modes @ missing) * modes, axis=1)
            missing = entrywise * missing + 4 * lr**2 / n * a * products * ((modes.T * variances) @ modes)
            done += 1
        results.append(stationary + missing)
    return np.stack(results)


def max_stable_lr(squares, modes, *, batch_size, replacement=True):
    """η_max = 1/ρ(𝓛⁻¹∘2Q), 𝓛S = KS + SK: SGD is stable in the mean square below it, and not above.

    The radius of a positive map T is at most the largest c with T(S) ≤ c S for any S > 0; power iteration on S lowers
    that bound until it falls by less than 1e-10. So the limit is never overstated.

    Parameters
    ----------
    squares, modes : (r,) and (n, r) arrays
        The positive eigenvalues of K and their eigenvectors.
    batch_size, replacement
        B and how the batch is drawn.

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
