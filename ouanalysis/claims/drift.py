"""Along the zero-error set: drift, flow, and what noise does not leave. Source: theory.md, section 3."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Derivative, Eq, Ne, O, Rational, Symbol

from ..experiments.power_law import fitted_exponent
from ..experiments.theorem import FALL
from .claim import claim
from .findings import Certified, Finding, Measured
from .letters import B, N, eta, gradient, mean, moved, s, sigma, theta, third
from .regularizer import PAPER

ROUNDING = 1e-7  # of θ, over the drift of a step
NAMES = {"lr": "η", "noise_std": "σ", "batch_size": "B"}


@claim(
    Eq(mean(moved), -eta / 2 * N * third, evaluate=False),
    source=f"{PAPER}, section 3; theory.md 3",
    formulas=["Drift", "Transient of the drift"],
    derived=[
        "regularizer_drift.third_derivative",
        "regularizer_drift.average_step",
        "regularizer_drift.transient",
    ],
    experiments=["tangent_drift"],
    values=39,
)
def drift_through_its_transient(drift: Any) -> Iterator[Finding]:
    """The mean motion along the set is that of ∇³L averaged over the fluctuation, from its first steps, at finite η."""
    yield Measured.of(
        "displacement along the set over its leading order, at ηλ_max = 0.05, 0.3 and 0.6",
        np.concatenate(drift.exact),
        np.concatenate(drift.measured),
        np.concatenate(drift.error),
        samples=drift.chains,
        allowance=ROUNDING,
    )


@claim(
    Eq(mean(moved), -(eta**2) * sigma**2 / B * N * gradient, evaluate=False),
    source=f"{PAPER}, theorem 1; theory.md 3",
    conditions="past the transient, to leading order in η",
    formulas=["Drift to leading order, the theorem"],
    derived=["regularizer_drift.tangent_part", "regularizer_drift.equalities"],
    experiments=["drift_scaling", "tangent_drift"],
    values=3 + 2 * 13,
)
def drift_scales_with_the_noise(scaling: Any, drift: Any) -> Iterator[Finding]:
    """The drift of a step is −(η²σ²/B) N∇reg: its exponents in η, σ and B are 2, 2 and −1."""
    for one in scaling.scalings:
        yield Measured.of(
            f"exponent in {NAMES[one.name]}, beside that of the exact drift at the same points",
            one.exact_exponent,
            one.exponent,
            one.exponent_error,
        )
        bias = abs(one.exact_exponent - one.leading_exponent)
        yield Certified.of(f"that exact one from {one.leading_exponent:g}", bias, allowed=0.02)  # 0.7 ηλ_max
    late = [times > 30 for times in drift.times]
    for k in (1, 2):
        yield Measured.of(
            f"at ηλ_max = {drift.curvatures[k]:g}, displacement beside its leading order",
            drift.leading[k][late[k]],
            drift.measured[k][late[k]],
            drift.error[k][late[k]],
            samples=drift.chains,
            contrast=True,
        )


@claim(
    Eq(mean(moved) + eta / 2 * N * third, O(sigma**4), evaluate=False),
    source="theory.md 3",
    formulas=["Drift"],
    experiments=["tangent_drift"],
    values=1,
)
def remainder_of_the_drift(drift: Any) -> Iterator[Finding]:
    """What the predicted drift leaves is of order σ² of it."""
    slope, error = fitted_exponent(drift.sigmas, drift.remainder, drift.remainder_error)
    # The next order is of the remainder what the remainder is of the drift.
    yield Measured.of("exponent in σ of the remainder", 2.0, slope, error, allowance=2 * drift.remainder.max())


@claim(
    Eq(Derivative(theta(s), s), -N * gradient, evaluate=False),
    source=f"{PAPER}, section 3; theory.md 3",
    formulas=["Flow", "Flow at a finite step"],
    experiments=["riemannian_flow"],
    values=100,
)
def one_flow_for_all_steps_noises_and_batches(flow: Any) -> Iterator[Finding]:
    """In flow time η²σ²k/B ensembles of every step, noise and batch are one curve: the flow down reg on the set."""
    later = flow.times > 0
    yield Measured.of(
        "distance of the mean state from the flow, over the flow's length, of 4 ensembles at 25 times",
        0.0,
        flow.distance[:, later],
        flow.noise[:, later],
        samples=flow.chains,
        allowance=0.01,  # the flow is of leading order in η
    )


@claim(
    Ne(N * gradient, 0, evaluate=False),
    source=f"{PAPER}, sections 3 and 5; theory.md 3",
    conditions="from a point where N∇reg ≠ 0, or from beside a saddle",
    formulas=["Stability of a point", "Fall of the regularizer"],
    derived=["regularizer_drift.curvature_along_m"],
    experiments=["repellency"],
)
def noise_leaves_what_is_not_least(starts: Any) -> Iterator[Finding]:
    """Noise leaves a point where reg has a gradient along the set, and in the end a saddle; it stays at a minimum."""
    level = starts.levels[0]
    ends = starts.reg[:, :, -1] / level - 1
    for name, verdict, end in zip(("minimum", "saddle", "repellent"), starts.verdicts, ends, strict=True):
        assert name in verdict, f"expected the verdict to be {name}, got {verdict}"
        yield Certified.of(
            f"from the {name}: |reg/reg of the minimum − 1| of each chain",
            np.abs(end),
            allowed=0.02,
            full=name != "minimum",
        )
    yield Certified.of(
        "the minimum itself is left by nobody: |reg/its reg − 1| at all times",
        np.abs(starts.reg[0] / level - 1),
        allowed=0.02,
    )
    yield Certified.of(
        "reg at the two other starts, over that of the minimum, less 1",
        starts.levels[1:] / level - 1,
        allowed=0.02,
        contrast=True,
    )


@claim(
    Eq(Symbol(r"\Delta\theta"), O(eta ** Rational(2, 5)), evaluate=False),
    source=f"{PAPER}, theorem 1",
    conditions="from a repellent point; at a strict minimum it stays, but for a walk of order η^{0.7}",
    formulas=["Drift to leading order, the theorem", "Fall of the regularizer"],
    experiments=["theorem"],
    values=4 + 18 + 1,
)
def theorem(ends: Any) -> Iterator[Finding]:
    """Within η^{−1.6} steps from a repellent point θ moves along the set, and reg falls, by an order of η^{0.4}."""
    assert ends.verdicts == ("repellent", "strict minimum"), ends.verdicts
    exponents = {one.name: one for one in ends.exponents}
    for name, what in MOTIONS.items():
        one = exponents[name]
        yield Measured.of(
            f"exponent in η of {what}, beside the prediction's; {one.limit:g} as η → 0",
            one.predicted,
            one.fitted,
            one.error,
        )
    for measured, error, law, what in (
        (ends.fall, ends.fall_error, ends.law_fall, "fall of reg"),
        (ends.moved, ends.moved_error, ends.law_moved, "motion along the flow"),
        (ends.walk, ends.walk_error, ends.predicted_walk, "walk of the minimum"),
    ):
        yield Measured.of(f"{what}, over its prediction", 1.0, measured / law, error / law, samples=ends.chains)
    walk = exponents["walk"]
    yield Measured.of("exponent of the walk beside 0.4", FALL, walk.fitted, walk.error, contrast=True, full=True)


MOTIONS = {
    "fall": "the fall of reg from a repellent point",
    "moved": "its motion",
    "walk": "the walk about a strict minimum",
    "rise": "the rise of reg there",
}
