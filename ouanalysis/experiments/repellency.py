"""What label noise does from a stationary point, a saddle and a repellent point: theory.md, sections 3 and 4.3.

A tanh network on one datum: one active neuron is the minimum of reg, two equal ones are a saddle, and a random fit is
repellent. Neurons that are exactly equal get equal gradients, so noise on the labels alone never parts them: each chain
starts at its own small distance from the three points. Two contrasts start at the same points: from the saddle itself
noise does not lead away, and without noise nothing leads away from beside the others.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..numeric import flow_time, interpolate, regularized_flow, stability
from ..numeric.long_time.stability import Verdict
from ..settings import SigmoidNetwork
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["Repellency", "run"]

Y, WIDTH = 1.5, 3
LR, NOISE_STD = 0.02, 0.2
FLOW_TIME = 20.0
OFF = 1e-3  # standard deviation, in every parameter, of that distance
RECORDS, WINDOW = 6000, 50  # reg is averaged over so many neighbouring records


@dataclass(frozen=True, eq=False)
class Repellency:
    """One row a start: the minimum, the saddle, the repellent point."""

    verdicts: tuple[Verdict, ...]  # of `stability`
    steps: Array  # middle of each window (windows,)
    reg: Array  # (starts, chains, windows), averaged over each window
    flow_steps: Array
    flow_reg: Array  # along the flow from the repellent point
    levels: Array  # reg at the three starts
    curvature: float  # the saddle's, its least
    # c_j φ(z_j), of each neuron in a chain from the saddle (windows, width)
    shares: Array = field(metadata={"resolution": 1e-12})
    on_saddle: Array  # reg at the end, over the last window, with noise from the saddle itself (chains,)
    quiet: Array  # the same without noise, from the starts beside the saddle and the repellent point (2, chains)


def run(rng: RandomSource, size: Size = "full") -> Repellency:
    """Simulate from the three points."""
    rng = generator(rng)
    chains, last = one_of("size", size, {"full": (16, FLOW_TIME), "quick": (4, FLOW_TIME / 8)})
    setting = SigmoidNetwork([[1.0]], [Y], WIDTH)
    noise: dict[str, Any] = {"lr": LR, "noise_std": NOISE_STD}
    each = flow_time(setting, **noise)
    starts = [_equal_neurons(setting, 1), _equal_neurons(setting, 2)]
    starts.append(interpolate(setting, setting.pack(c=[1.5, -1.0, 0.8], W=[[1.2], [0.6], [0.3]])))
    verdicts = [stability(setting, theta) for theta in starts]
    steps = np.linspace(0, last / each, RECORDS + 1).astype(int)[1:]
    sgd: dict[str, Any] = noise | {"steps": steps[-1], "rng": rng, "chains": chains, "record": steps}
    near = [theta + OFF * rng.standard_normal((chains, setting.dim)) for theta in starts]
    runs = [label_noise_sgd(setting, theta, **sgd) for theta in near]
    on_saddle = label_noise_sgd(setting, starts[1], **sgd)
    quiet = [label_noise_sgd(setting, theta, **sgd | {"noise_std": 0.0}) for theta in near[1:]]
    flow = regularized_flow(setting, starts[-1], times=np.linspace(0, last, 200))
    part = setting.unpack(runs[1].theta[0])
    return Repellency(
        verdicts=tuple(found.verdict for found in verdicts),
        steps=steps.reshape(-1, WINDOW).mean(axis=1),
        reg=np.array([run.reg.reshape(chains, -1, WINDOW).mean(axis=2) for run in runs]),
        flow_steps=flow.times / each,
        flow_reg=flow.reg,
        levels=np.array([found.reg for found in verdicts]),
        curvature=float(verdicts[1].eigenvalues[0]),
        on_saddle=on_saddle.reg[:, -WINDOW:].mean(axis=1),
        quiet=np.array([run.reg[:, -WINDOW:].mean(axis=1) for run in quiet]),
        shares=(part["c"] * np.tanh(part["W"][..., 0])).reshape(-1, WINDOW, WIDTH).mean(axis=1),
    )


def _equal_neurons(setting, active):
    """The stationary point with so many equal neurons, the others zero: φ² = w/√(1 + w²) with w = y/active."""
    share = Y / active
    phi = np.sqrt(share / np.sqrt(1 + share**2))
    on = np.arange(WIDTH) < active
    return setting.pack(c=np.where(on, share / phi, 0.0), W=np.where(on, np.arctanh(phi), 0.0)[:, None])
