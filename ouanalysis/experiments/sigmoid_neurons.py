"""Neurons of a network on one datum, drawn by label noise to one or two values: theory.md, section 4.3.

tanh: one neuron carries the label and the others vanish. logistic: the neurons share a small label equally; a larger
label is carried by one large neuron and equal small ones.
"""

from dataclasses import dataclass, field

import numpy as np
import sympy

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..minima import SigmoidMinimum, minimum
from ..numeric import interpolate
from ..settings import SigmoidNetwork
from ..simulate import label_noise_sgd
from ..symbolic.sigmoid_network import stationary_neuron
from . import Size

__all__ = ["NeuronPaths", "SigmoidNeurons", "run"]

X = ((0.6, 0.8),)  # of norm 1
CASES = (  # activation, width, label, lr, noise_std, steps
    ("tanh", 4, 1.5, 0.05, 0.05, 4_000_000),
    ("logistic", 3, 1.2, 0.2, 0.05, 20_000_000),
    ("logistic", 2, 1.35, 0.2, 0.05, 60_000_000),
)


@dataclass(frozen=True, eq=False)
class NeuronPaths:
    """One network's neurons in time, and the closed-form values that they should go to."""

    activation: str
    label: float
    steps: Integers  # (records,)
    phi: Array = field(metadata={"resolution": 1e-12})  # φ(z_j) (records, m)
    c: Array = field(metadata={"resolution": 1e-12})  # (records, m)
    reg: Array  # (records,)
    target_phi: Array  # (values,)
    target_c: Array  # (values,)
    target_reg: float


@dataclass(frozen=True, eq=False)
class SigmoidNeurons:
    """The paths of the three cases."""

    cases: tuple[NeuronPaths, ...]


def run(rng: RandomSource, size: Size = "full") -> SigmoidNeurons:
    """Run each case from a random network that fits its datum."""
    rng = generator(rng)
    shrink, records = one_of("size", size, {"full": (1, 300), "quick": (20, 50)})
    return SigmoidNeurons(tuple(_paths(rng, shrink, records, *case) for case in CASES))


def _paths(rng, shrink, records, activation, width, label, lr, noise_std, steps):
    setting = SigmoidNetwork(X, [label], width, activation)
    start = interpolate(setting, np.abs(rng.standard_normal(setting.dim)))
    steps //= shrink
    record = np.unique(np.append(0, np.geomspace(10, steps, records).astype(int)))
    trajectory = label_noise_sgd(setting, start, lr=lr, noise_std=noise_std, steps=steps, rng=rng, record=record)
    part = setting.unpack(trajectory.theta[0])
    least = minimum(setting)
    assert isinstance(least, SigmoidMinimum)  # of one datum
    shares, counts = np.unique(least.shares.round(9), return_counts=True)
    neurons = [stationary_neuron(activation, sympy.Float(share), norm=1) if share else (0, 0, 0) for share in shares]
    return NeuronPaths(
        activation=activation,
        label=label,
        steps=trajectory.steps,
        phi=setting.activation(part["W"] @ setting.x[0]),
        c=part["c"],
        reg=trajectory.reg[0],
        target_phi=np.array([float(neuron[0]) for neuron in neurons]),
        target_c=np.array([float(neuron[1]) for neuron in neurons]),
        target_reg=float(sum(count * float(neuron[2]) for count, neuron in zip(counts, neurons, strict=True))),
    )
