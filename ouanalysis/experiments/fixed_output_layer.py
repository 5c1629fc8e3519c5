"""Neurons that sharpness makes agree, and an activation with which they do not: a fixed output layer of ones.

h = Σ_j φ(w_jᵀx), and reg = (1/n) Σ_i ‖x_i‖² Σ_j φ'(z_ij)², z_ij = w_jᵀx_i. With linearly independent data a stationary
point of reg on the zero-error set has φ'(z_ij)(2‖x_i‖²φ''(z_ij)/n − μ_i) = 0 for every neuron and datum. So

* where φ' > 0 and φ''' > 0 everywhere, φ'' takes no value twice: all neurons have the same z_ij, φ^{-1}(y_i/m), at
  every stationary point, and as Σ_j φ'² is convex in the shares u_j = φ(z_ij) (its second derivative is 2φ'''/φ'),
  reg is least there, (m/n) Σ_i ‖x_i‖² φ'(φ^{-1}(y_i/m))². Here φ = z + z³.
* softplus has φ' > 0, but φ''(z) = φ''(−z): z_ij = ±a_i. Where a share y_i/m is above φ(0) = log 2, equal neurons are
  no minimum. The least of φ'(a)² k + φ'(−a)² (m − k) over k neurons at a, so far as they fit y_i, is one closed form a
  datum; which neurons are large is free, so the data do not compete.

Source: Gatmiry, Li, Reddi & Jegelka 2024 (arXiv:2410.16401), for φ', φ''' > 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np

from ..activations import softplus
from ..arguments import Array, Model, RandomSource, generator, one_of
from ..numeric import flow_time, interpolate, max_stable_lr, regularized_flow, regularizer
from ..settings import Setting
from ..simulate import compiled, label_noise_sgd
from . import Size

__all__ = ["FixedOutputLayer", "run"]

N, D, WIDTH = 3, 8, 4
PROBLEM = 0  # the seed of the data and of the start of SGD, of which the number of steps depends
SHARES = (0.9, 1.1)  # between which y_i/m lies: above log 2, by more than the noise of SGD
FRACTION = 0.2  # of SGD: the step over its stability limit at the start
NOISE_STD = {"z + z³": 0.5, "softplus": 0.25}
RECORDS = 8
FLOW_TIMES = {"z + z³": 0.06, "softplus": 30.0}  # of SGD


@dataclass(frozen=True, eq=False)
class FixedOutputLayer:
    """One row an activation: of neurons that agree, and of neurons that do not."""

    activations: tuple[str, ...]
    least: Array  # closed form of reg
    z_predicted: Array  # the values that z_ij takes at each datum, the least and the greatest (activations, n, 2)
    spread_predicted: Array  # rms over data and neurons of z_ij − mean_j z_ij
    # Of the flow from random starts, at its start and its end (activations, starts)
    flow_spread: Array = field(metadata={"resolution": 1e-6})
    start_spread: Array
    start_gap: Array  # reg over the least, minus 1
    flow_gap: Array = field(metadata={"resolution": 1e-8})
    flow_status: tuple[tuple[str, ...], ...]
    z_error: Array = field(metadata={"resolution": 1e-6})  # largest |z − predicted| at the ends, over neurons and data
    # Of SGD from the first start, means over chains
    chains: int
    times: Array  # flow times (activations, records)
    sgd_spread: Array
    sgd_spread_error: Array
    spread_on_flow: Array
    gap_on_flow: Array  # at SGD's end (activations,)
    sgd_gap: Array  # over the least of its own predictions, at the end (activations,)
    sgd_gap_error: Array


def cubic(z: Array) -> Array:
    """z + z³: φ' ≥ 1 and φ''' = 6."""
    return z + z**3


def cubic_network(theta: Array, x: Array) -> Array:
    """Σ_j φ(w_jᵀx) of φ = z + z³."""
    return anp.sum(cubic(_inner(theta, x)), axis=-1)


def softplus_network(theta: Array, x: Array) -> Array:
    """Σ_j log(1 + e^{w_jᵀx})."""
    return anp.sum(softplus(_inner(theta, x)), axis=-1)


def _inner(theta, x):
    """The z_j (..., m)."""
    weights = theta.reshape((*theta.shape[:-1], WIDTH, D))
    return anp.einsum("...jd,...d->...j", weights, x)


def agreed(y: float) -> tuple[float, float, float]:
    """(Σ_j φ'², the least and the greatest z_j) of φ = z + z³: all at φ^{-1}(y/m), by the triple angle of sinh."""
    z = 2 / np.sqrt(3) * np.sinh(np.arcsinh(3 * np.sqrt(3) / 2 * y / WIDTH) / 3)
    return WIDTH * (1 + 3 * z**2) ** 2, z, z


def apart(y: float) -> tuple[float, float, float]:
    """The same of softplus for y > m log 2: one neuron at a and the others at −a, where φ' = 1 − e^{−u} of the share u.

    As (1 − e^{−u})² is concave from u = log 2 on, no two neurons of a minimum are there; as its slope is 0 at u = 0,
    none is at −∞.
    """
    from scipy.optimize import brentq  # slow to import

    a = brentq(lambda z: np.logaddexp(0, z) + (WIDTH - 1) * np.logaddexp(0, -z) - y, 0, y, xtol=1e-14)
    return 1 / (1 + np.exp(-a)) ** 2 + (WIDTH - 1) / (1 + np.exp(a)) ** 2, -a, a


cases: dict[str, tuple[Model, Callable[[float], tuple[float, float, float]]]] = {
    "z + z³": (cubic_network, agreed),
    "softplus": (softplus_network, apart),
}


def run(rng: RandomSource, size: Size = "full") -> FixedOutputLayer:
    """Follow the flow and run SGD with both activations on the same data."""
    rng = generator(rng)
    starts, chains, share = one_of("size", size, {"full": (8, 32, 1.0), "quick": (2, 8, 0.3)})
    fixed = np.random.default_rng(PROBLEM)
    x = fixed.standard_normal((N, D))
    y = WIDTH * fixed.uniform(*SHARES, size=N)
    first = fixed.standard_normal(WIDTH * D)
    rows = []
    for name, (model, form) in cases.items():
        setting = compiled(Setting(model, x, y, dim=WIDTH * D))
        draws = np.vstack([first, rng.standard_normal((starts - 1, setting.dim))]) / np.sqrt(D)
        begins = np.array([interpolate(setting, draw) for draw in draws])
        flows = [regularized_flow(setting, theta, times=[1e7]) for theta in begins]
        ends = np.array([flow.theta[-1] for flow in flows])
        least, z = _least(form, x, y)
        rows.append(
            {
                "least": least,
                "z_predicted": z,
                "spread_predicted": _predicted_spread(z),
                "start_spread": _spread(x, begins),
                "flow_spread": _spread(x, ends),
                "start_gap": regularizer(setting, begins) / least - 1,
                "flow_gap": regularizer(setting, ends) / least - 1,
                "flow_status": tuple(flow.status for flow in flows),
                "z_error": np.max(np.abs(_inner(ends[:, None], x)[..., None] - z[:, None]).min(axis=-1)),
                **_sgd(setting, begins[0], form, NOISE_STD[name], share * FLOW_TIMES[name], chains, rng),
            }
        )
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns["flow_status"] = tuple(row["flow_status"] for row in rows)
    return FixedOutputLayer(activations=tuple(cases), chains=chains, **columns)


def _least(form, x, y):
    """The least reg of the labels or predictions y (n,), and the values of z at each datum (n, 2)."""
    sums, low, high = np.array([form(label) for label in y]).T
    return np.mean(np.sum(x**2, axis=-1) * sums), np.stack([low, high], axis=-1)


def _predicted_spread(z):
    """With one neuron at the greatest value and the others at the least: rms about their mean."""
    apart = z[:, 1] - z[:, 0]
    return np.sqrt(np.mean(apart**2) * (WIDTH - 1)) / WIDTH


def _spread(x, theta):
    """Rms over data and neurons of z_ij − mean_j z_ij, of theta (..., p)."""
    z = _inner(theta[..., None, :], x)
    return np.sqrt(np.mean((z - z.mean(axis=-1, keepdims=True)) ** 2, axis=(-1, -2)))


def _sgd(setting, theta, form, noise_std, last, chains, rng):
    """The spread over neurons at flow times up to the last, and the gap of SGD's own predictions at the end."""
    noise: dict[str, Any] = {"lr": FRACTION * max_stable_lr(setting, theta), "noise_std": noise_std}
    times = np.linspace(0, last, RECORDS + 1)[1:]
    steps = np.round(times / flow_time(setting, **noise)).astype(int)
    run = label_noise_sgd(setting, theta, **noise, steps=steps[-1], rng=rng, chains=chains, record=steps)
    flow = regularized_flow(setting, theta, times=times, lr=noise["lr"], gradient_tolerance=0)
    spread = _spread(setting.x, run.theta)
    end = run.theta[:, -1]
    least = [_least(form, setting.x, own)[0] for own in setting.predictions(end)]
    gap = regularizer(setting, end) / least - 1
    return {
        "times": times,
        "sgd_spread": spread.mean(axis=0),
        "sgd_spread_error": spread.std(axis=0, ddof=1) / np.sqrt(chains),
        "spread_on_flow": _spread(setting.x, flow.theta),
        "gap_on_flow": flow.reg[-1] / _least(form, setting.x, setting.y)[0] - 1,
        "sgd_gap": gap.mean(),
        "sgd_gap_error": gap.std(ddof=1) / np.sqrt(chains),
    }
