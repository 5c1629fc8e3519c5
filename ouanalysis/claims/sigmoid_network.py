"""Sigmoid networks on one datum: neurons of one value or two. Source: theory.md, section 4.3."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Eq, Symbol, sqrt

from ..experiments.repellency import Y
from .claim import claim
from .findings import Bounded, Certified, Finding
from .letters import lam, least, phi_value, w, x_norm
from .regularizer import PAPER


@claim(
    Eq((4 * x_norm**2 / lam**2) * (1 - phi_value**2) ** 3, 1 + phi_value**2, evaluate=False),
    source=f"{PAPER}, section 4; theory.md 4.3",
    formulas=["Stationary equation", "tanh: one value", "Hessian at stationary points"],
    derived=[
        "sigmoid_network.stationary_points",
        "sigmoid_network.tanh_roots",
        "sigmoid_network.multiplier",
        "sigmoid_network.stationary_hessian",
        "sigmoid_network.tanh_hessian",
        "sigmoid_network.zero_neurons",
    ],
    experiments=["repellency"],
)
def tanh_neurons_take_one_value(starts: Any) -> Iterator[Finding]:
    """A stationary tanh network on one datum has neurons of one value, up to their sign, or zero; noise leaves one."""
    level = 2 * Y * (np.sqrt(1 + Y**2) - Y)
    yield Certified.of("reg of the minimum over the closed form, less 1", starts.levels[0] / level - 1, allowed=1e-9)
    ends = starts.reg[1:, :, -1] / level - 1
    yield Bounded.of("reg of 32 chains at the end, from two starts, over it, less 1", ends, allowed=0.02, full=True)
    small = np.sort(np.abs(starts.shares[-1]))[:-1] / Y
    yield Bounded.of("shares of all neurons but one, a chain at the end", small, allowed=0.02, full=True)


@claim(
    Eq((4 * x_norm**2 / lam**2) * phi_value * (1 - phi_value) ** 3, 1, evaluate=False),
    source=f"{PAPER}, section 4; theory.md 4.3",
    formulas=["Stationary equation", "logistic: at most two values"],
    derived=["sigmoid_network.stationary_points", "sigmoid_network.logistic_roots", "sigmoid_network.logistic_hessian"],
    experiments=["sigmoid_neurons"],
)
def logistic_neurons_take_two_values_at_most(neurons: Any) -> Iterator[Finding]:
    """A stationary logistic network on one datum has neurons of one value, or of two."""
    yield from _at_their_values(case for case in neurons.cases if case.activation == "logistic")


@claim(
    Eq(least, 2 * w * (sqrt(1 + w**2) - w), evaluate=False),
    source="theory.md 4.3",
    formulas=["Least regularizer of sigmoid networks"],
    derived=["sigmoid_network.tanh_cost"],
    experiments=["sigmoid_landscape"],
)
def one_tanh_neuron_is_best(landscape: Any) -> Iterator[Finding]:
    """The simplest tanh network on one datum has one neuron that is not zero, with w = ‖x‖|y|."""
    w_ = landscape.share
    formula = 2 * w_ * (np.sqrt(1 + w_**2) - w_)
    yield Certified.of("least reg over the formula, less 1", np.abs(landscape.tanh_cost / formula - 1), allowed=1e-9)
    yield Certified.of("active neurons of the simplest networks", landscape.tanh_active, allowed=1)


@claim(
    Eq(Symbol(r"\text{cost of a neuron}"), w**2 / (1 + w**2), evaluate=False),
    source="theory.md 4.3",
    formulas=["Least regularizer of sigmoid networks"],
    conditions="for each neuron's share of the label; equal shares up to 1.155, 1.60, 1.92 at widths 2, 3, 4",
    derived=["sigmoid_network.logistic_cost"],
    experiments=["sigmoid_landscape"],
)
def logistic_neurons_share_a_small_label(landscape: Any) -> Iterator[Finding]:
    """Logistic neurons share a small label equally; of a large one, one takes most and the others equal parts."""
    v = landscape.share
    yield Certified.of(
        "cost of a neuron over the formula, less 1", np.abs(landscape.logistic_cost * (1 + 1 / v**2) - 1), allowed=1e-9
    )
    below = landscape.labels < landscape.threshold[:, None]
    yield Certified.of("simplest networks with unequal neurons, below", landscape.kind[below], allowed=0)
    yield Certified.of("the same, above", landscape.kind[~below], allowed=0, contrast=True)
    known = {2: 2 / np.sqrt(3), 3: 1.60357, 4: 1.92154}
    found = [
        abs(edge / known[m] - 1) for m, edge in zip(landscape.widths, landscape.threshold, strict=True) if m in known
    ]
    yield Bounded.of("labels at which that changes, beside theory.md's", found, allowed=1e-3)


def _at_their_values(cases):
    for case in cases:
        far = np.hypot(case.phi[-1][:, None] - case.target_phi, case.c[-1][:, None] - case.target_c).min(axis=-1)
        size = np.hypot(case.target_phi, case.target_c).max()
        yield Bounded.of(
            f"{len(far)} {case.activation} neurons at the end, from the values, relative",
            far / size,
            allowed=0.05,
            full=True,
        )
        yield Bounded.of(
            "reg at the end over that of the values, less 1",
            abs(case.reg[-1] / case.target_reg - 1),
            allowed=0.05,
            full=True,
        )
