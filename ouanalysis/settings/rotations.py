"""What turning the columns of a factor into each other moves: a symmetry of whatever sees F Fᵀ alone."""

import numpy as np

from ..arguments import Array

__all__ = ["rotations"]


def rotations(factor: Array) -> Array:
    """Generators of F → FQ for F (d, r), mutually orthogonal: s_i u_i v_jᵀ − s_j u_j v_iᵀ of F = Σ s_i u_i v_iᵀ."""
    left, singular, right = np.linalg.svd(factor)
    rank = np.count_nonzero(singular > max(factor.shape) * np.finfo(float).eps * np.max(singular))
    scaled = np.zeros((factor.shape[1], factor.shape[0]))
    scaled[:rank] = singular[:rank, None] * left.T[:rank]
    pairs = [(i, j) for i in range(rank) for j in range(i + 1, factor.shape[1])]
    turned = [np.outer(scaled[i], right[j]) - np.outer(scaled[j], right[i]) for i, j in pairs]
    return np.array(turned).reshape(-1, *factor.shape)
