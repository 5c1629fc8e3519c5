"""The theorem asks nothing of the network: a convolution, a deep one with skip connections, an attention block.

Each is written as a user writes a model, takes its labels from a planted network of its kind, and starts at another,
random one moved onto the zero-error set. Held against each other there are reg and the curvature of the loss, the
noise floor and the exact law (theory.md 2), the drift and its prediction, and reg over long times and the flow (3).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np

from ..activations import gelu, softmax, softplus, tanh
from ..arguments import Array, Integers, Model, RandomSource, generator, one_of
from ..numeric import (
    flow_time,
    interpolate,
    jacobian,
    linearized_sgd,
    max_stable_lr,
    regularized_flow,
    regularizer,
    regularizer_gradient,
    stability,
    tangent_drift,
)
from ..numeric.long_time.stability import Verdict
from ..settings import Setting
from ..settings.setting import split
from ..simulate import Averaging, compiled, label_noise_sgd
from . import Size

__all__ = ["AnyNetwork", "problem", "run"]

FRACTION = 0.3  # of the stability limit, for the noise floor and the drift
NOISE_STD = 1e-3  # so small that what the exact law leaves, a relative O(ησ² + η²σ²T), is below 1e-4
RELAXATIONS = (6, 40)  # of the slowest direction: the floor is averaged from the first on, the drift is at the last
LONG_FRACTION, LONG_NOISE_STD = 0.15, 0.1
RECORDS, FINER = 8, 8  # of the long run, and points of the flow a record
STENCIL = (-49 / 18, 3 / 2, -3 / 20, 1 / 90)  # of a second derivative, to sixth order in the spacing
SPACING = 0.01

# The shape of a datum, how many, the scale of the parameters, the seed of the problem (of some, one that falls far and
# whose K is not badly conditioned), and the flow time of the long run.
NETWORKS: dict[str, tuple[tuple[int, ...], int, float, int, float]] = {
    "convolution": ((10,), 4, 0.7, 0, 0.6),
    "skip connections": ((2,), 3, 0.5, 0, 0.1),
    "attention": ((4, 2), 3, 1.0, 4, 0.3),
}

Shapes = dict[str, tuple[int, ...]]
CONVOLUTION: Shapes = {"first": (3, 3), "shift": (3,), "second": (2, 3, 3), "offset": (2,), "readout": (2, 3)}
DEEP: Shapes = {"first": (4, 2), "shift": (4,), "inner": (4, 4, 4), "offset": (4, 4), "readout": (4,)}
ATTENTION: Shapes = {"query": (3, 2), "key": (3, 2), "value": (3, 2), "inner": (3, 3), "shift": (3,), "readout": (3,)}


def convolution(theta: Array, x: Array) -> Array:
    """Two convolutions along a signal of ten entries, the means of neighbouring pairs, and a readout."""
    part = split(theta, CONVOLUTION)
    windows = anp.stack([x[..., k : k + 8] for k in range(3)], axis=-1)
    z = tanh(anp.einsum("...pk,...ck->...cp", windows, part["first"]) + part["shift"][..., None])
    windows = anp.stack([z[..., k : k + 6] for k in range(3)], axis=-1)
    z = softplus(anp.einsum("...cpk,...dck->...dp", windows, part["second"]) + part["offset"][..., None])
    pooled = (z[..., 0::2] + z[..., 1::2]) / 2
    return anp.sum(part["readout"] * pooled, axis=(-1, -2))


def deep(theta: Array, x: Array) -> Array:
    """Five layers, four of them beside a skip connection, with four activations."""
    part = split(theta, DEEP)
    z = anp.einsum("...ij,...j->...i", part["first"], x) + part["shift"]
    for layer, activation in enumerate((tanh, softplus, gelu, anp.sin)):
        inner = anp.einsum("...ij,...j->...i", part["inner"][..., layer, :, :], z)
        z = z + activation(inner + part["offset"][..., layer, :])
    return anp.sum(part["readout"] * z, axis=-1)


def attention(theta: Array, x: Array) -> Array:
    """One head over four positions of two channels, a layer on what it attends to, and the mean over positions."""
    part = split(theta, ATTENTION)
    query, key, value = (anp.einsum("...ab,...tb->...ta", part[name], x) for name in ("query", "key", "value"))
    shares = softmax(anp.einsum("...ta,...ua->...tu", query, key) / np.sqrt(3), axis=-1)
    attended = anp.einsum("...tu,...ua->...ta", shares, value)
    z = gelu(anp.einsum("...ab,...tb->...ta", part["inner"], attended) + part["shift"][..., None, :])
    return anp.sum(part["readout"] * anp.mean(z, axis=-2), axis=-1)


models: dict[str, tuple[Model, Shapes]] = {
    "convolution": (convolution, CONVOLUTION),
    "skip connections": (deep, DEEP),
    "attention": (attention, ATTENTION),
}


@dataclass(frozen=True, eq=False)
class AnyNetwork:
    """One row a network."""

    names: tuple[str, ...]
    dims: Integers
    data: Integers
    # ½ tr ∇²L by differences of the loss alone, against reg: equal on the zero-error set, not off it.
    reg_on: Array
    half_trace_on: Array
    reg_off: Array
    half_trace_off: Array
    difference_on: Array = field(metadata={"resolution": 1e-8})  # relative to reg
    difference_off: Array
    verdicts: tuple[Verdict, ...]
    chains: int  # of the floor and the drift
    floor_predicted: Array
    floor_measured: Array
    floor_error: Array
    floor_leading: Array  # (ησ²/B) reg, which the chains refuse
    drift_predicted: Array  # the length of the predicted displacement
    drift_measured: Array  # along it
    drift_error: Array
    drift_leading: Array  # η²σ²T‖N∇reg‖
    long_chains: int
    times: Array  # flow times (networks, records)
    steps: Integers
    reg_measured: Array  # mean over chains
    reg_error: Array
    reg_flow: Array  # on the flow at SGD's own step size
    fine_times: Array  # from 0 on (networks, points)
    fine_reg_flow: Array
    # What the fluctuation about the flow adds to the mean of reg, to leading order in σ²
    reg_excess: Array
    residual: Array = field(metadata={"resolution": 1e-8})  # of the flow


def run(rng: RandomSource, size: Size = "full") -> AnyNetwork:
    """Hold the predictions against each network."""
    rng = generator(rng)
    chains, long_chains, share = one_of("size", size, {"full": (1500, 64, 1.0), "quick": (150, 16, 0.1)})
    rows = [_examined(*problem(name), chains, long_chains, share * NETWORKS[name][-1], rng) for name in NETWORKS]
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns["verdicts"] = tuple(row["verdicts"] for row in rows)
    return AnyNetwork(names=tuple(NETWORKS), chains=chains, long_chains=long_chains, **columns)


def problem(name: str) -> tuple[Setting, Array, Array]:
    """The compiled setting, a random start, and the point of the zero-error set near it."""
    h, parts = models[name]
    feature, n, scale, seed, _ = NETWORKS[name]
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, *feature))
    unlabelled = Setting(h, x, np.zeros(n), parts=parts)
    planted, start = scale * rng.standard_normal((2, unlabelled.dim))
    setting = unlabelled.with_labels(unlabelled.predictions(planted))
    return compiled(setting), start, interpolate(setting, start)


def _examined(setting, start, theta, chains, long_chains, last, rng):
    reg_on, reg_off = regularizer(setting, theta), regularizer(setting, start)
    trace_on, trace_off = half_trace(setting, theta), half_trace(setting, start)
    return {
        "dims": setting.dim,
        "data": setting.n,
        "reg_on": reg_on,
        "half_trace_on": trace_on,
        "reg_off": reg_off,
        "half_trace_off": trace_off,
        "difference_on": trace_on / reg_on - 1,
        "difference_off": trace_off / reg_off - 1,
        "verdicts": stability(setting, theta).verdict,
        **_short(setting, theta, chains, rng),
        **_long(setting, theta, long_chains, last, rng),
    }


def half_trace(setting: Setting, theta: Array) -> float:
    """½ tr ∇²L by differences of the loss: no derivative of anything."""
    moved = SPACING * np.eye(setting.dim)

    def value(at):
        return np.mean((setting.predictions(at) - setting.y) ** 2, axis=-1)

    total = setting.dim * STENCIL[0] * value(theta)
    for far, weight in enumerate(STENCIL[1:], 1):
        total += weight * np.sum(value(theta + far * moved) + value(theta - far * moved))
    return float(total / SPACING**2 / 2)


def _short(setting, theta, chains, rng):
    """The plateau of the loss, and the displacement along the zero-error set, of the same chains."""
    noise: dict[str, Any] = {"lr": FRACTION * max_stable_lr(setting, theta), "noise_std": NOISE_STD}
    law = linearized_sgd(setting, theta, **noise)
    burn_in, steps = (int(times * law.relaxation_steps) for times in RELAXATIONS)
    average = Averaging(loss=True, start=burn_in)
    run = label_noise_sgd(setting, theta, **noise, steps=steps, rng=rng, chains=chains, average=average)
    assert run.averages is not None  # they were asked for
    floor, floor_error = _mean(run.averages.loss)
    drift = tangent_drift(setting, theta, **noise, steps=steps)
    length = np.linalg.norm(drift)
    along, along_error = _mean((run.theta[:, -1] - theta) @ drift / length)
    J = jacobian(setting, theta)
    gradient = regularizer_gradient(setting, theta)
    tangent = gradient - np.linalg.pinv(J) @ (J @ gradient)
    return {
        "floor_predicted": law.expected_loss(),
        "floor_measured": floor,
        "floor_error": floor_error,
        "floor_leading": noise["lr"] * NOISE_STD**2 * regularizer(setting, theta),
        "drift_predicted": length,
        "drift_measured": along,
        "drift_error": along_error,
        "drift_leading": (noise["lr"] * NOISE_STD) ** 2 * steps * np.linalg.norm(tangent),
    }


def _long(setting, theta, chains, last, rng):
    """Mean reg of SGD at flow times up to the last, and on the flow."""
    noise: dict[str, Any] = {"lr": LONG_FRACTION * max_stable_lr(setting, theta), "noise_std": LONG_NOISE_STD}
    times = np.linspace(0, last, RECORDS + 1)[1:]
    steps = np.round(times / flow_time(setting, **noise)).astype(int)
    run = label_noise_sgd(setting, theta, **noise, steps=steps[-1], rng=rng, chains=chains, record=steps)
    fine = np.linspace(0, last, FINER * RECORDS + 1)
    flow = regularized_flow(setting, theta, times=fine, lr=noise["lr"])
    recorded = slice(FINER, None, FINER)
    measured, error = _mean(run.reg)
    return {
        "times": times,
        "steps": steps,
        "reg_measured": measured,
        "reg_error": error,
        "reg_flow": flow.reg[recorded],
        "fine_times": fine,
        "fine_reg_flow": flow.reg,
        "reg_excess": [_excess(setting, at, noise) for at in flow.theta[recorded]],
        "residual": flow.residual,
    }


def _excess(setting, theta, noise):
    """E reg − reg(θ) about θ: ½ tr(∇²reg Σ) + ∇reg·m, with m that of J m + ½ tr(∇²h Σ) = E[h − y], row space only."""
    law = linearized_sgd(setting, theta, **noise)
    variances, directions = np.linalg.eigh(law.covariance())
    spread = np.sqrt(np.maximum(variances, 0))[:, None] * directions.T

    def bent(function: Callable[[Setting, Array], Array]) -> Any:
        both = function(setting, theta + spread) + function(setting, theta - spread)
        return np.sum(both / 2 - function(setting, theta), axis=0)

    shift = np.linalg.pinv(jacobian(setting, theta)) @ (law.mean_residual() - bent(Setting.predictions))
    return bent(regularizer) + regularizer_gradient(setting, theta) @ shift


def _mean(samples):
    """The mean over chains (chains, ...), and its standard error."""
    return samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
