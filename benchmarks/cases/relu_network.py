"""A ReLU network of width 100 on ten data, one datum a step."""

from pathlib import Path

import numpy as np

import ouanalysis as ou

from ..case import Case, near

WIDTH, N = 100, 10


def case() -> Case:
    setting, theta = ou.planted_relu_network(N, 2, width=WIDTH, rng=0)
    return Case(
        name="relu_network",
        title=f"ReLU network, width {WIDTH}, n = {N}",
        setting=setting,
        built_in=True,
        theta=near(theta),
        lr=1e-3,
        noise_std=0.1,
        batch_size=1,
        h=h,
        gradient=gradient,
        program=Path(__file__).with_suffix(".c"),
        sizes={"M": WIDTH, "N": N},
    )


def h(np, theta, x):
    a, b, c = np.reshape(theta[: 3 * WIDTH], (3, WIDTH))
    z = a * x[..., None] + b
    return np.sum(c * np.where(z > 0, z, 0.0), axis=-1) + theta[-2] * x + theta[-1]


def gradient(theta, x, labels):
    a, b, c = theta[:, : 3 * WIDTH].reshape(-1, 3, WIDTH).transpose(1, 0, 2)
    hidden = np.maximum(a * x + b, 0)
    h = np.einsum("cj,cj->c", c, hidden) + theta[:, -2] * x[:, 0] + theta[:, -1]
    slope = c * (hidden > 0)
    return (h - labels[:, 0])[:, None] * np.concatenate([slope * x, slope, hidden, x, np.ones_like(x)], axis=1)
