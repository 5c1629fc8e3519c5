"""A user's own model: a tanh network 5-16-16-1 on twenty data, all data a step."""

from itertools import pairwise
from pathlib import Path

import autograd.numpy as anp
import numpy as np

import ouanalysis as ou

from ..case import Case, near

D, M, N = 5, 16, 20
ENDS = np.cumsum([0, M * D, M, M * M, M, 1])  # of W, b, V, c, e in theta


def case() -> Case:
    rng = np.random.default_rng(0)
    x, theta = rng.standard_normal((N, D)), rng.standard_normal(ENDS[-1]) / np.sqrt(M)
    return Case(
        name="tanh_mlp",
        title=f"a user's tanh network {D}-{M}-{M}-1, n = {N}, full batch",
        setting=ou.Setting(model, x, h(np, theta, x), int(ENDS[-1])),
        built_in=False,
        theta=near(theta),
        lr=1e-3,
        noise_std=0.1,
        batch_size="full",
        h=h,
        gradient=gradient,
        program=Path(__file__).with_suffix(".c"),
        sizes={"D": D, "M": M, "N": N},
    )


def model(theta, x):
    return h(anp, theta, x)


def h(np, theta, x):
    """As the guide has a user write it: theta (..., p), x (..., d)."""
    W, b, V, c, e = (theta[..., first:last] for first, last in pairwise(ENDS))
    W, V = np.reshape(W, (*W.shape[:-1], M, D)), np.reshape(V, (*V.shape[:-1], M, M))
    first = np.tanh(np.sum(W * x[..., None, :], axis=-1) + b)
    second = np.tanh(np.sum(V * first[..., None, :], axis=-1))
    return np.sum(c * second, axis=-1) + e[..., 0]


def gradient(theta, x, labels):
    chains = len(theta)
    W, b, V, c, e = (theta[:, first:last] for first, last in pairwise(ENDS))
    W, V = W.reshape(-1, M, D), V.reshape(-1, M, M)
    first = np.tanh(x @ W.transpose(0, 2, 1) + b[:, None])
    second = np.tanh(first @ V.transpose(0, 2, 1))
    residual = (second @ c[:, :, None])[:, :, 0] + e - labels
    to_second = residual[:, :, None] * c[:, None] * (1 - second**2)
    to_first = to_second @ V * (1 - first**2)
    parts = [
        to_first.transpose(0, 2, 1) @ x,
        to_first.sum(axis=1),
        to_second.transpose(0, 2, 1) @ first,
        (residual[:, None] @ second)[:, 0],
        residual.sum(axis=1, keepdims=True),
    ]
    return np.concatenate([part.reshape(chains, -1) for part in parts], axis=1)
