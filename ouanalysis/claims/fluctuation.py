"""Across the zero-error set: the fluctuation and its law. Source: theory.md, section 2."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Eq, Symbol

from .claim import claim
from .findings import Bounded, Certified, Finding, Measured
from .letters import (
    VT,
    B,
    C,
    H,
    K,
    Lambda,
    Q,
    S,
    Sigma,
    V,
    eta,
    eta_max,
    identity,
    loss,
    matrix_exponential,
    mean,
    multipliers,
    n,
    radius,
    reg,
    residual,
    sigma,
    t,
)
from .regularizer import PAPER

SMALL = 0.3  # of η_max: from here on the leading order is seen to fall short


@claim(
    Eq(H * Sigma + Sigma * H, eta / B * C, evaluate=False),
    source=f"{PAPER}, section 3; theory.md 2",
    conditions="to leading order in η",
    formulas=["The process", "OU covariance at rest"],
    derived=["local_ou.noise_of_a_step", "local_ou.moment_equation", "local_ou.stationary_solution"],
    experiments=["ou_covariance", "finite_step"],
    values=2 + 1 + 18,
)
def isotropic_covariance(scatter: Any, finite: Any) -> Iterator[Finding]:
    """At rest the covariance is (ησ²/B)P, which solves the Lyapunov equation: equal in all directions across M, and 0
    along M."""
    yield Measured.of(
        "variances along two eigenvectors of H, over ησ²/B",
        scatter.predicted_variance[-1],
        scatter.scaled_variance[-1],
        scatter.scaled_variance_error[-1],
        allowance=_beyond_leading_order(scatter),
    )
    yield Measured.of(
        "the covariance of the two, over ησ²/B",
        0.0,
        scatter.scaled_covariance,
        scatter.scaled_covariance_error,
        allowance=_beyond_leading_order(scatter)[0],  # what is left out is ≥ 0 as a matrix too
    )
    yield Bounded.of("the largest variance along M, over ησ²/B", scatter.scaled_variance_along, allowed=1e-3)
    yield _leading_order_falls_short(finite)


@claim(
    Eq(Sigma, eta * sigma**2 / B * V * (identity - matrix_exponential(-2 * t * Lambda)) * VT, evaluate=False),
    source=f"{PAPER}, section 3; theory.md 2",
    conditions="to leading order in η",
    formulas=["OU covariance in time"],
    derived=["local_ou.moment_equation", "local_ou.solution_in_time"],
    experiments=["ou_covariance", "finite_step"],
    values=80 + 18,
)
def variances_in_time(scatter: Any, finite: Any) -> Iterator[Finding]:
    """From a zero-error point the variance along an eigenvector of curvature λ grows as (ησ²/B)(1 − e^{−2λt})."""
    later = scatter.steps > 0
    yield Measured.of(
        "variances along two eigenvectors at 40 times, over ησ²/B",
        scatter.predicted_variance[later],
        scatter.scaled_variance[later],
        scatter.scaled_variance_error[later],
        allowance=_beyond_leading_order(scatter),
    )
    yield _leading_order_falls_short(finite)


@claim(
    Eq(K * S + S * K, 2 * eta * (Q + sigma**2 / B * K**2), evaluate=False),
    source="theory.md 2",
    formulas=["Exact law of the linearised SGD", "Law of the way the batch is drawn"],
    derived=["second_moments.recursion", "second_moments.at_rest", "second_moments.in_time", "second_moments.equality"],
    experiments=["finite_step"],
    values=24,
)
def exact_law_at_a_finite_step(finite: Any) -> Iterator[Finding]:
    """At every stable step size the second moments at rest solve an n × n equation, which depends on the batch."""
    yield Measured.of(
        "loss at rest times B̃/σ², 8 step sizes up to 0.8 η_max, B = 1, 4 and n",
        finite.predicted,
        finite.measured,
        finite.error,
        samples=finite.chains,
    )


@claim(
    Eq(eta_max, 1 / radius(Symbol(r"\mathcal{L}^{-1}\circ 2\mathcal{Q}")), evaluate=False),
    source="theory.md 2",
    conditions="η < η_max",
    formulas=["Stability limit"],
    derived=["second_moments.stability"],
    experiments=["stability_limit"],
)
def stability_limit(limits: Any) -> Iterator[Finding]:
    """SGD is stable in the mean square just where η < η_max; with sampled batches η λ_max < 2 is not enough."""
    off = np.abs(limits.radius - 1)
    yield Certified.of("|ρ − 1| at η_max, ρ of the second moments over all batches", off, allowed=1e-8)
    yield Certified.of("ρ a thousandth below η_max", limits.below, allowed=1.0)
    yield Certified.of("ρ a thousandth above it", limits.above, allowed=1.0, contrast=True)
    yield Certified.of("at η = 0.99 · 2/λ_max, B = 1: the radius of the mean", limits.mean_radius, allowed=1.0)
    yield Certified.of("and that of the second moments", limits.single_radius, allowed=1.0, contrast=True)


@claim(
    Eq(mean(loss), eta * sigma**2 / B * reg, evaluate=False),
    source=f"{PAPER}, section 3; theory.md 2",
    conditions="to leading order in η",
    formulas=["Noise floor"],
    derived=["local_ou.noise_floor"],
    experiments=["noise_floor", "finite_step"],
    values=24 + 18,
)
def noise_floor(plateaus: Any, finite: Any) -> Iterator[Finding]:
    """At a zero-error point the clean loss settles at ησ²/B times the regularizer: the plateau measures it."""
    yield Measured.of(
        "plateau over (ησ²/B) reg, of random settings of all three kinds",
        plateaus.exact / plateaus.predicted,
        plateaus.measured / plateaus.predicted,
        plateaus.error / plateaus.predicted,
        samples=plateaus.chains,
    )
    excess = 2 * plateaus.curvature / (1 - 2 * plateaus.curvature)  # ηk ≤ ηλn/2, and n ≤ 4: see below
    yield Certified.of(
        "what the exact law adds to the leading order, over its bound",
        np.abs(plateaus.exact / plateaus.predicted - 1) / excess,
        allowed=1.0,
    )
    yield _leading_order_falls_short(finite)


@claim(
    Eq(mean(residual), -n * eta * sigma**2 / (2 * B) * multipliers, evaluate=False),
    source="theory.md 2",
    conditions="at a stationary point of reg, where ∇reg = Jᵀμ, to leading order in η",
    formulas=["Mean residual"],
    derived=["mean_residual.balance", "mean_residual.at_a_stationary_point"],
    experiments=["mean_residual"],
    values=12 + 2 + 1 + 1 + 2,
)
def mean_residual(residuals: Any) -> Iterator[Finding]:
    """Predictions are biased: at a stationary point their mean residuals are proportional to the multipliers, and so
    measure ∇reg."""
    yield Measured.of(
        "mean residual over σ², at two points and three step sizes, beside the exact law",
        residuals.exact,
        residuals.measured,
        residuals.error,
        samples=residuals.pairs,
    )
    small, large = 0, -1
    q = residuals.curvature[0, small] * len(residuals.multipliers[small]) / 2
    yield Measured.of(
        f"at η = {residuals.fractions[small]:g} η_max beside −(nη/2B) μ",
        residuals.multipliers[small],
        residuals.measured[0, small],
        residuals.error[0, small],
        samples=residuals.pairs,
        allowance=q / (1 - q) * np.abs(residuals.multipliers[small]),  # as below
    )
    yield Measured.of(
        f"at η = {residuals.fractions[large]:g} η_max beside it",
        residuals.multipliers[large],
        residuals.measured[0, large],
        residuals.error[0, large],
        samples=residuals.pairs,
        contrast=True,
        full=True,
    )
    for point, where in enumerate(("at the stationary point", "at a point that is not stationary")):
        q = residuals.curvature[point, small] * residuals.exact.shape[-1] / 2
        yield Measured.of(
            f"part of ‖∇reg‖² that ∇regᵀJᵀ E[h − y] · (−2B/(nησ²)) is, {where}",
            1.0,
            residuals.measured_gradient[point],
            residuals.gradient_error[point],
            samples=residuals.pairs,
            allowance=q / (1 - q) * np.sum(np.abs(residuals.weights[point] * residuals.exact[point, small])),
            contrast=point == 1,
        )


def _beyond_leading_order(scatter):
    """What an exact variance can be above (ησ²/B)(1 − e^{−2λt}): with q = ηk_max ≤ ηλ_max n/2, at most q/(1 − q) of it.

    For Q(S) ≤ c k_max K² where S ≤ cK, and the equation at rest is monotone.
    """
    q = scatter.rates.max() * len(scatter.rates) / 2
    return q / (1 - q) * np.ones(scatter.predicted_variance.shape[1])


def _leading_order_falls_short(finite):
    large = finite.simulated_fractions >= SMALL
    leading = finite.reg * finite.limit[:, None] * finite.simulated_fractions[large]
    return Measured.of(
        "at η ≥ 0.3 η_max, the loss at rest times B̃/σ² beside its leading order",
        leading,
        finite.measured[:, large],
        finite.error[:, large],
        samples=finite.chains,
        contrast=True,
    )
