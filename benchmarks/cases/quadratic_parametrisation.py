"""A user's own model: quadratic parametrisation, d = 100, n = 40, all data a step."""

from pathlib import Path

import autograd.numpy as anp
import numpy as np

import ouanalysis as ou

from ..case import Case, near

D, N = 100, 40


def case() -> Case:
    planted, theta = ou.planted_quadratic_parametrisation(D, N, 5, rng=0)
    return Case(
        name="quadratic_parametrisation",
        title=f"a user's quadratic parametrisation, d = {D}, n = {N}, full batch",
        setting=ou.Setting(model, planted.x, planted.y, planted.dim),
        built_in=False,
        theta=near(theta),
        lr=1e-3,
        noise_std=0.1,
        batch_size="full",
        h=h,
        gradient=gradient,
        program=Path(__file__).with_suffix(".c"),
        sizes={"D": D, "N": N},
    )


def model(theta, x):
    return h(anp, theta, x)


def h(np, theta, x):
    """As the guide has a user write it: theta (..., p), x (..., d)."""
    return np.sum((theta[..., :D] ** 2 - theta[..., D:] ** 2) * x, axis=-1)


def gradient(theta, x, labels):
    u, v = theta[:, :D], theta[:, D:]
    back = 2 * ((u**2 - v**2) @ x[0].T - labels) @ x[0]
    return np.concatenate([u * back, -v * back], axis=1)
