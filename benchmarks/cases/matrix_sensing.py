"""Matrix sensing, U (d, d), one datum a step."""

from pathlib import Path

import numpy as np

import ouanalysis as ou

from ..case import Case, near


def case(d: int, n: int) -> Case:
    setting, theta = ou.planted_matrix_sensing(d, 1, n, rng=0)

    def h(np, theta, x):
        U = np.reshape(theta, (d, d))
        return np.sum(x * (U @ U.T), axis=(-2, -1))

    return Case(
        name=f"matrix_sensing_{d}",
        title=f"matrix sensing, d = {d}, n = {n}",
        setting=setting,
        built_in=True,
        theta=near(theta),
        lr=0.05 / d**2,
        noise_std=0.1,
        batch_size=1,
        h=h,
        gradient=gradient,
        program=Path(__file__).with_suffix(".c"),
        sizes={"D": d, "N": n},
    )


def gradient(theta, x, labels):
    (chains, p), d = theta.shape, x.shape[-1]
    U, A = theta.reshape(chains, d, d), x[:, 0]
    G = (A + A.transpose(0, 2, 1)) @ U
    h = np.einsum("cjk,cjk->c", G, U) / 2
    return (h - labels[:, 0])[:, None] * G.reshape(chains, p)
