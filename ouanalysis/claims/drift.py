"""Along the zero-error set: drift, flow, and what noise does not leave. Source: theory.md, section 3."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Derivative, Eq, Ne, O, Rational, Symbol

from ..experiments.drift_scaling import CURVATURES, USUAL
from ..experiments.power_law import fitted_exponent
from ..experiments.theorem import FALL
from .claim import claim
from .findings import Bounded, Certified, Finding, Measured
from .letters import B, N, eta, gradient, mean, moved, s, sigma, theta, third
from .regularizer import PAPER

# A loss of 1e-20 is residuals of some 1e-9, which are left to go: by the path to their end, their size over the least
# singular value of J, reg can change by a few times as much of itself.
ZERO, STILL = 1e-20, 1e-8
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
    values=3 + 12 + 2 * 13,
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
        bias = one.exact_exponent - one.leading_exponent
        yield Bounded.of(f"that exact one from {one.leading_exponent:g}", bias, allowed=0.02)  # 0.7 ηλ_max
        # The variances are at most q/(1 − q) above their leading order, q = ηλ_max n/2 with n = 3: see `fluctuation`.
        # The drift is linear in them, of either sign: twice that.
        curvature = np.array(CURVATURES if one.name == "lr" else USUAL[:1])
        q = 1.5 * curvature
        yield Measured.of(
            f"drift over (η²σ²/B) ‖N∇reg‖ down reg, {NAMES[one.name]} varied",
            1.0,
            one.measured / one.leading,
            one.error / one.leading,
            samples=scaling.chains,
            allowance=2 * q / (1 - q),
        )
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
    Eq(moved, 0, evaluate=False),
    source=f"{PAPER}, section 2; theory.md 1, 6",
    conditions="no noise on the labels, nor other noise that does not vanish where the loss does",
    formulas=["A step of label-noise SGD", "Drift"],
    derived=["local_ou.without_noise"],
    experiments=["noise_contrast", "matrix_sensing_recovery"],
)
def no_drift_without_label_noise(descents: Any, sensing: Any) -> Iterator[Finding]:
    """Without label noise SGD stands still where the loss is zero, whatever reg is there and which data it draws."""
    still, chains = sensing.reg[0], sensing.loss.shape[1]
    yield Bounded.of(
        "reg of full-batch descent, over that where the loss is first below 1e-20, less 1",
        _since_zero(descents.loss[0], descents.reg[0]),
        allowed=STILL,
    )
    yield Bounded.of(f"that of SGD on single data, {chains} chains", _since_zero(sensing.loss[0], still), allowed=STILL)
    isotropic, label = descents.reg[1:3, :, -1] / descents.reg[0, :, -1] - 1
    for what, moved_by in (
        ("reg where label noise ends over that where descent ends, less 1", label),
        ("the same of isotropic noise of that size on the gradient", isotropic),
        ("and of label noise in SGD on single data", sensing.reg[1, :, -1] / still[:, -1] - 1),
    ):
        yield Bounded.of(what, moved_by, allowed=STILL, contrast=True)


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
    conditions="to leading order in η",
    formulas=["Flow", "Flow at a finite step"],
    experiments=["riemannian_flow", "momentum"],
    values=100 + 4,
)
def one_flow_for_all_steps_noises_and_batches(flow: Any, ensembles: Any) -> Iterator[Finding]:
    """In flow time η²σ²k/B ensembles of every small step, noise and batch are one curve: the flow down reg on M."""
    later = flow.times > 0
    yield Measured.of(
        "distance of the mean state from the flow, over the flow's length, of 4 ensembles at 25 times",
        0.0,
        flow.distance[:, later],
        flow.noise[:, later],
        samples=flow.chains,
        allowance=0.01,  # the flow is of leading order in η
    )
    large = slice(1, None)
    yield Measured.of(
        "one datum at η from 0.25 η_max on: drift over that of the flow",
        1.0,
        ensembles.ratio[0, large],
        ensembles.ratio_error[0, large],
        samples=ensembles.drift_chains,
        contrast=True,
    )


@claim(
    Ne(N * gradient, 0, evaluate=False),
    source=f"{PAPER}, sections 3 and 5; theory.md 3",
    conditions="label noise, from a point where N∇reg ≠ 0, or from beside a saddle but not on it",
    formulas=["Stability of a point", "Fall of the regularizer"],
    derived=["regularizer_drift.curvature_along_m"],
    experiments=["repellency"],
)
def noise_leaves_what_is_not_least(starts: Any) -> Iterator[Finding]:
    """Noise leaves a point where reg has a gradient along the set, and in the end a saddle; it stays at a minimum."""
    level, (_, saddle, repellent) = starts.levels[0], starts.reg[:, :, -1]
    expected = ("strict minimum", "saddle", "repellent")
    wrong = sum(found != verdict for found, verdict in zip(starts.verdicts, expected, strict=True))
    yield Certified.of("verdicts that are not minimum, saddle and repellent", wrong, allowed=0)
    for name, ends in (("saddle", saddle), ("repellent point", repellent)):
        what = f"from beside the {name}: reg of each chain at the end over that of the minimum, less 1"
        yield Bounded.of(what, ends / level - 1, allowed=0.02, full=True)
    yield Bounded.of(
        "the same without label noise, from these two starts", starts.quiet / level - 1, allowed=0.02, contrast=True
    )
    yield Bounded.of(
        "with it from the saddle itself, whose equal neurons get equal gradients",
        starts.on_saddle / level - 1,
        allowed=0.02,
        contrast=True,
    )
    yield Bounded.of(
        "from beside the minimum: reg at any time over its own, less 1", starts.reg[0] / level - 1, allowed=0.02
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
    wrong = ends.verdicts != ("repellent", "strict minimum")
    yield Certified.of("starts that are not a repellent point and a strict minimum", float(wrong), allowed=0)
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


def _since_zero(loss, reg):
    """|reg − its first value| over that value, from the record on at which the loss is below ZERO, of all chains."""
    reached = loss < ZERO
    if not np.all(np.any(reached, axis=1)):
        return np.array([np.inf])
    firsts = np.argmax(reached, axis=1)
    return np.concatenate([one[at:] / one[at] - 1 for one, at in zip(reg, firsts, strict=True)])


MOTIONS = {
    "fall": "the fall of reg from a repellent point",
    "moved": "its motion",
    "walk": "the walk about a strict minimum",
    "rise": "the rise of reg there",
}
