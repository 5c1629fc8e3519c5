"""The Ornstein-Uhlenbeck process of a linear model in R^50 with 50 data: every mode relaxes."""

from pathlib import Path

import autograd.numpy as anp
import numpy as np

import ouanalysis as ou

from ..case import Process

P, PATHS, STEPS = 50, 1000, 100


def case() -> Process:
    rng = np.random.default_rng(0)
    x, theta = rng.standard_normal((P, P)), rng.standard_normal(P)
    return Process(
        name="ornstein_uhlenbeck",
        title=f"Ornstein-Uhlenbeck process, p = {P}, {PATHS} paths, every step kept",
        setting=ou.Setting(model, x, x @ theta, P),
        theta=theta,
        lr=1e-3,
        noise_std=0.1,
        chains=PATHS,
        steps=STEPS,
        program=Path(__file__).with_suffix(".c"),
        sizes={"P": P},
    )


def model(theta, x):
    return anp.einsum("...k,...k->...", theta, x)
