"""What label noise does and other noise does not: theory.md, section 6.

Linear regression with a quadratic parametrisation, d = 100, n = 40, a sparse predictor, every parameter of one size at
the start: HaoChen, Wei, Lee & Ma 2021 (arXiv:2006.08680). Full-batch descent without noise; with isotropic noise on
the gradient; with label noise of one σ, and of its own σ_i for each datum. The noises put the same variance on the
gradient at the start, and all are lowered at the end. The target is weighted basis pursuit, where reg is least.

From where descent without noise ends the first steps of each noise are measured too. Isotropic noise walks along the
zero-error set, by far more than it drifts. A linear model that draws the same noise walks alike and drifts not at all,
so what the model moves more than that one is the drift, and of the second order alone.
"""

from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np
from numpy.typing import NDArray

from ..arguments import RandomSource, generator, one_of
from ..minima import minimum
from ..numeric import (
    flow_time,
    interpolate,
    jacobian,
    linearized_sgd,
    loss,
    regularized_flow,
    regularizer,
    regularizer_gradient,
)
from ..settings import Setting, planted_quadratic_parametrisation
from ..simulate import compiled, label_noise_sgd

__all__ = ["NoiseContrast", "run"]

KINDS = ("no noise", "isotropic noise", "label noise", "label noise of unequal size")
D, N, SPARSITY, START = 100, 40, 5, 0.5
LR, NOISE_STD, SPREAD = 0.0025, 6.0, 9.0  # SPREAD: the largest σ_i over the smallest
STAGES = ((200_000, 1.0), (25_000, 0.03))  # steps, and what multiplies the noise
WINDOW_LR, WINDOW = 0.02, 200  # of the drift's measurement, at ηλ_max = 0.5
WINDOW_NOISE = 1 / 24  # what multiplies each noise there: it scales what the prediction leaves, some σ² of it
WALKED = 0.3  # of START: how far the walk of isotropic noise is predicted from where it began


@dataclass(frozen=True, eq=False)
class NoiseContrast:
    """Arrays by kind of noise, in the order of KINDS; errors are ‖β − β*‖/‖β*‖ from basis pursuit's β*."""

    kinds: tuple[str, ...]
    steps: NDArray[np.int64]  # (records,)
    error: NDArray[np.float64] = field(metadata={"resolution": 1e-6})  # (kinds, chains, records)
    reg: NDArray[np.float64]  # (kinds, chains, records)
    loss: NDArray[np.float64] = field(metadata={"resolution": 1e-20})  # (kinds, chains, records)
    least: float  # reg of basis pursuit
    solver_gap: float = field(metadata={"resolution": 1e-7})  # how far from the least that can be
    planted_from_least: float = field(metadata={"resolution": 1e-7})  # ‖β_planted − β*‖/‖β*‖
    predictor: NDArray[np.float64] = field(metadata={"resolution": 1e-6})  # β of chain 0 at the end (kinds, d)
    target: NDArray[np.float64] = field(metadata={"resolution": 1e-6})  # β* (d,)
    flow_steps: NDArray[np.int64]  # (times,)
    flow_error: NDArray[np.float64] = field(metadata={"resolution": 1e-6})  # of the flow, label noise (2, times)
    flow_reg: NDArray[np.float64]  # (2, times)
    walk_steps: NDArray[np.int64]  # (walk,)
    walk_error: NDArray[np.float64]  # predicted of isotropic noise, about where descent ends (walk,)
    window: NDArray[np.int64]  # steps (window,)
    curvature: float  # ηλ_max of the windows
    measured: NDArray[np.float64] = field(metadata={"resolution": 1e-8})  # displacement along the predicted one,
    measured_error: NDArray[np.float64] = field(metadata={"resolution": 1e-8})  # its standard error,
    predicted: NDArray[np.float64] = field(metadata={"resolution": 1e-8})  # over the last (noises, window)
    window_chains: tuple[int, ...]  # (noises,)
    # At the end of the windows, over the length of the predicted displacement: the part of the displacement that is
    # not along N∇reg, along the predicted such part, and its prediction (noises,)
    aside: NDArray[np.float64] = field(metadata={"resolution": 1e-8})
    aside_error: NDArray[np.float64] = field(metadata={"resolution": 1e-8})
    aside_predicted: NDArray[np.float64] = field(metadata={"resolution": 1e-8})
    # Mean square of the displacement a direction along the set, over η²s²T with s that of the isotropic noise (noises,)
    walked: NDArray[np.float64] = field(metadata={"resolution": 1e-8})
    walked_error: NDArray[np.float64] = field(metadata={"resolution": 1e-8})


def run(rng: RandomSource, size: str = "full") -> NoiseContrast:
    """Run the four from one start; measure the drift of three from where descent without noise ends."""
    source = generator(rng)
    shrink, chains, many = one_of("size", size, {"full": (1, 2, (1000, 500, 500)), "quick": (10, 1, (100, 50, 50))})
    setting, truth = planted_quadratic_parametrisation(D, N, SPARSITY, rng=source)
    least = minimum(setting)
    noises = _noises(setting, source)
    runs = [_path(setting, noise, chains, shrink, source) for noise in noises]
    steps, theta = runs[0][0], np.stack([states for _, states in runs])
    rest = interpolate(setting, theta[0, 0, -1])

    def error(at):
        return np.linalg.norm(setting.predictor(at) - least.predictor, axis=-1) / np.linalg.norm(least.predictor)

    flow_steps, flows = _flows(setting, rest, noises[2:], shrink)
    walk_steps, walk = _walk(setting, rest, noises[1])
    window, curvature, rows = _windows(setting, rest, noises[1:], many, source)
    return NoiseContrast(
        kinds=KINDS,
        steps=steps,
        error=error(theta),
        reg=regularizer(setting, theta),
        loss=loss(setting, theta),
        least=least.value,
        solver_gap=least.gap,
        planted_from_least=float(error(truth)),
        predictor=setting.predictor(theta[:, 0, -1]),
        target=least.predictor,
        flow_steps=flow_steps,
        flow_error=error(flows),
        flow_reg=regularizer(setting, flows),
        walk_steps=walk_steps,
        walk_error=np.hypot(float(error(rest)), walk / np.linalg.norm(least.predictor)),
        window=window,
        curvature=curvature,
        window_chains=many,
        **{name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def _noises(setting, rng):
    """What makes the four; each noise has the variance on the gradient that NOISE_STD on every label has at START."""
    squares = np.sum(jacobian(setting, np.full(setting.dim, START)) ** 2, axis=1)
    spread = rng.permutation(np.geomspace(1.0, SPREAD, N))
    sigmas = NOISE_STD * spread * np.sqrt(np.sum(squares) / (spread**2 @ squares))
    isotropic = 2 * NOISE_STD / N * np.sqrt(np.sum(squares) / setting.dim)
    return (
        {"noise_std": 0.0},
        {"noise_std": 0.0, "gradient_noise_std": float(isotropic)},
        {"noise_std": NOISE_STD},
        {"noise_std": sigmas},
    )


def _scaled(noise: dict[str, Any], factor: float) -> dict[str, Any]:
    return {name: factor * std for name, std in noise.items()}


def _path(setting, noise, chains, shrink, rng):
    """Steps (records,) and θ (chains, records, p) of both stages, one run but for isotropic noise."""
    theta = np.full(setting.dim, START)
    counts, factors = zip(*STAGES, strict=True)
    lowered, last = np.cumsum(counts) // shrink
    early, late = (np.geomspace(10, many // shrink, 60).astype(int) for many in counts)
    record = np.unique(np.concatenate([[0], early, lowered + late]))
    sgd = {"lr": LR, "batch_size": "full", "chains": chains, "rng": rng}
    if "gradient_noise_std" not in noise:
        rows = np.column_stack([(0, lowered), np.outer(factors, noise["noise_std"])])
        path = label_noise_sgd(setting, theta, **sgd, noise_std=rows, steps=int(last), record=record)
        return path.steps, path.theta
    states = []
    for first, end, factor in zip((0, lowered), (lowered, last), factors, strict=True):  # it has no schedule
        here = record[(record > first) & (record <= end)] - first
        path = label_noise_sgd(setting, theta, **sgd, **_scaled(noise, factor), steps=int(end - first), record=here)
        states.append(path.theta)
        theta = path.theta[:, -1]
    begin = np.full((chains, 1, setting.dim), START)
    return record, np.concatenate([begin, *states], axis=1)


def _flows(setting, rest, noises, shrink):
    """Steps of the first stage, and where label noise takes `rest` in so many, by the flow of each kind."""
    steps = np.append(0, np.geomspace(100, STAGES[0][0] // shrink, 60)).astype(int)
    flows = []
    for noise in noises:
        times = flow_time(setting, steps, lr=LR, batch_size="full", **noise)
        flow = regularized_flow(setting, rest, times=times, batch_size="full", **noise)
        flows.append(flow(np.minimum(times, flow.times[-1])))
    return steps, np.stack(flows)


def _walk(setting, rest, noise):
    """Steps, and the root of E‖β − β(rest)‖² of isotropic noise, linearised, as long as it has not walked far."""
    law = linearized_sgd(setting, rest, lr=LR, batch_size="full", **noise)
    last = (WALKED * START / (LR * noise["gradient_noise_std"])) ** 2
    steps = np.unique(np.linspace(0, last, 12).astype(int))
    slope = 2 * rest  # of β, up to signs
    covariance = law.covariance(steps)
    d = setting.d
    variances = np.diagonal(covariance, axis1=-2, axis2=-1) @ slope**2
    mixed = np.diagonal(covariance[:, :d, d:], axis1=-2, axis2=-1) @ (slope[:d] * slope[d:])
    return steps, np.sqrt(variances - 2 * mixed)


def _windows(setting, rest, noises, many, rng):
    """Steps, ηλ_max, and a row for each noise."""
    steps = np.unique(np.geomspace(5, WINDOW, 9).astype(int))
    across = np.linalg.qr(jacobian(setting, rest).T)[0]
    downhill = -_along(across, regularizer_gradient(setting, rest))
    downhill /= np.linalg.norm(downhill)
    step_std = WINDOW_LR * WINDOW_NOISE * noises[0]["gradient_noise_std"]
    rows, curvature = [], 0.0
    for noise, chains in zip(noises, many, strict=True):
        how: dict[str, Any] = {"lr": WINDOW_LR, "batch_size": "full", **_scaled(noise, WINDOW_NOISE)}
        law = linearized_sgd(setting, rest, **how)
        curvature = float(WINDOW_LR * law.eigenvalues[0])
        drift = law.tangent_drift(steps)
        size = np.linalg.norm(drift[-1])
        how |= {"steps": WINDOW, "chains": chains, "record": steps, "rng": int(rng.integers(2**32))}
        moved = label_noise_sgd(setting, rest, **how).theta - rest
        walk = np.zeros(1)  # of label noise there is none along the set
        if "gradient_noise_std" in noise:
            walk = label_noise_sgd(_linear(setting, rest), rest, **how).theta - rest
        more = moved - walk
        aside = drift[-1] - downhill * (drift[-1] @ downhill)
        walked = np.sum(_along(across, moved[:, -1]) ** 2, axis=-1) / (setting.dim - setting.n)
        columns = {
            "measured": more @ drift[-1] / size**2,
            "aside": more[:, -1] @ aside / (np.linalg.norm(aside) * size),
            "walked": walked / (step_std**2 * WINDOW),
        }
        row = {"predicted": drift @ drift[-1] / size**2, "aside_predicted": np.linalg.norm(aside) / size}
        for name, values in columns.items():
            row |= {name: values.mean(axis=0), f"{name}_error": values.std(axis=0, ddof=1) / np.sqrt(chains)}
        rows.append(row)
    return steps, curvature, rows


def _linear(setting, theta):
    """The model that is linear in the parameters and has the values and the gradients of this one at theta."""
    gradients = jacobian(setting, theta)
    return compiled(Setting(_inner, gradients, gradients @ theta, dim=setting.dim))


def _inner(theta, x):
    return anp.sum(theta * x, axis=-1)


def _along(across, vectors):
    """Their part along the zero-error set."""
    return vectors - vectors @ across @ across.T
