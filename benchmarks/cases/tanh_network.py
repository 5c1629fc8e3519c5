"""A tanh network of width 20 on one datum in R^10."""

from pathlib import Path

import numpy as np

import ouanalysis as ou

from ..case import Case, near

WIDTH, D = 20, 10


def case() -> Case:
    setting, theta = ou.planted_sigmoid_network(1, D, WIDTH, rng=0)
    return Case(
        name="tanh_network",
        title=f"tanh network on one datum, d = {D}, width {WIDTH}",
        setting=setting,
        built_in=True,
        theta=near(theta),
        lr=1e-3,
        noise_std=0.1,
        batch_size=1,
        h=h,
        gradient=gradient,
        program=Path(__file__).with_suffix(".c"),
        sizes={"M": WIDTH, "D": D, "N": 1},
    )


def h(np, theta, x):
    c, W = theta[:WIDTH], np.reshape(theta[WIDTH:], (WIDTH, D))
    return np.tanh(x @ W.T) @ c


def gradient(theta, x, labels):
    c, W = theta[:, :WIDTH], theta[:, WIDTH:].reshape(-1, WIDTH, D)
    phi = np.tanh(np.einsum("cjk,cbk->cj", W, x))
    h = np.einsum("cj,cj->c", c, phi)
    to_W = (c * (1 - phi**2))[:, :, None] * x
    return (h - labels[:, 0])[:, None] * np.concatenate([phi, to_W.reshape(len(c), -1)], axis=1)
