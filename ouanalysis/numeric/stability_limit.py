"""The largest step size at which label-noise SGD is stable in the mean square.

Source: theory.md, section 2, "Stability".
"""

import numpy as np
from scipy.linalg import eigvalsh

from ..arguments import nonnegative_number
from .batches import sampled_batch
from .discrete_law import SecondMoments, sampling_weights
from .krylov import arnoldi
from .manifold import on_zero_error_set
from .row_space import row_space

__all__ = ["check_stable", "limit_of", "max_stable_lr", "refuse_past", "stability_limit"]


def max_stable_lr(setting, theta, *, batch_size=1, replacement=True, momentum=0.0):
    """η_max, the step size below which linearised label-noise SGD is stable in the mean square, and above which not.

    Parameters
    ----------
    setting : Setting
    theta : (p,) array_like
        On the zero-error set.
    batch_size, replacement, momentum
        As in `tangent_drift`.

    Returns
    -------
    float
        In units of time a step; infinite where J = 0.

    Raises
    ------
    ValueError
        If theta is off the zero-error set.

    Examples
    --------
    One datum, η_max = (1 + β)/k at every batch size:

    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> round(16 * ou.max_stable_lr(setting, [2.0], batch_size=3), 9)
    1.0
    """
    batch, replacement = sampled_batch(setting, batch_size, replacement)
    momentum = nonnegative_number("momentum", momentum, below=1)
    space = row_space(setting, on_zero_error_set(setting, theta))
    return stability_limit(space.squares, space.modes, batch_size=batch, replacement=replacement, momentum=momentum)


def check_stable(law):
    """A ValueError that names the stability limit if the law's step is at or past it."""
    if not law.stable():
        refuse_past(limit_of(law), law.lr, momentum=law.momentum)


def limit_of(law):
    """The stability limit of a law, whatever its own step."""
    return stability_limit(
        law.squares, law.modes, batch_size=law.batch_size, replacement=law.replacement, momentum=law.momentum
    )


def refuse_past(limit, lr, *, momentum=0.0):
    """The ValueError for a step size at or past the limit."""
    where = "this theta, batch and momentum" if momentum else "this theta and batch"
    raise ValueError(f"lr: expected less than the stability limit {limit:.4g} at {where}, got {lr:g}")


def stability_limit(squares, modes, *, batch_size, replacement=True, momentum=0.0):
    """η_max = 1/ρ(𝓛⁻¹∘2Q), 𝓛S = KS + SK, of the K with these eigenvalues (r,) > 0 and eigenvectors (n, r).

    The radius of a positive map T is at most the largest c with T(S) ≤ c S for any S > 0. From nearly the leading S,
    power iteration lowers that bound until it falls by less than 1e-10, so the limit is never overstated. With momentum
    the map is not linear in η, and the limit is bisected to 1e-6.
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

    def image_of(shape):
        covariance = scale * shape
        variances = np.sum((modes @ covariance) * modes, axis=1)
        return weight * (a * (modes.T * variances) @ modes + b * covariance)

    shape, bound = _leading(image_of, np.eye(len(squares))), np.inf
    while True:
        shape = shape / np.trace(shape) + 1e-9 * np.eye(len(squares))  # off the boundary, where there is no bound
        image = image_of(shape)
        largest = eigvalsh(image, shape, subset_by_index=[len(squares) - 1] * 2)[0]
        if largest > (1 - 1e-10) * bound:
            return float(1 / min(largest, bound))
        bound, shape = largest, image


def _leading(image_of, start):
    """Nearly the leading S of a positive map, so that few steps of the bound are left."""
    for pair in arnoldi(image_of, start):
        vectors, matrix = pair
        values, columns = np.linalg.eig(matrix)
        leading, m = columns[:, np.argmax(values.real)].real, len(matrix)
        if m == 30 or abs(leading[-1]) < 1e-6:
            break
    shape = (leading @ vectors).reshape(start.shape)
    shape = (shape + shape.T) * np.sign(np.trace(shape))
    return shape if np.linalg.eigvalsh(shape)[0] > -1e-9 * np.trace(shape) else start


def _bisected(squares, modes, batch_size, replacement, momentum):
    stable, unstable = 0.0, len(modes) * (1 + momentum) / np.max(squares)  # past which the mean itself diverges
    while unstable - stable > 1e-6 * unstable:
        middle = (stable + unstable) / 2
        if SecondMoments(squares, modes, middle, 1.0, batch_size, replacement, momentum).stable():
            stable = middle
        else:
            unstable = middle
    return stable
