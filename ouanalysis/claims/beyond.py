"""What grew out of the paper: other noises, momentum, finite steps, deep models. Source: theory.md, section 6."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Eq, Rational, Symbol

from ..experiments.noise_contrast import NOISE_STD, START, WINDOW_LR, WINDOW_NOISE
from ..numeric import local_ou, max_stable_lr, tangent_drift
from ..settings import planted_sigmoid_network
from .claim import claim
from .findings import Bounded, Certified, Finding, Measured
from .letters import (
    B,
    N,
    X,
    beta,
    c,
    d,
    eta,
    g,
    gradient,
    i,
    inverse,
    j,
    least,
    m,
    mean,
    moved,
    norm,
    nuclear,
    reg,
    s,
    sigma,
    y,
    z,
)

HAOCHEN = "HaoChen, Wei, Lee & Ma 2021 (arXiv:2006.08680)"
# Of a displacement along the set, by the next order in the noise: the variance of a parameter over its square, which is
# ησ²/START² = 0.005 of label noise in the directions across the set, and 0.002 of isotropic noise's walk at its end.
LEFT_OUT = WINDOW_LR * (WINDOW_NOISE * NOISE_STD) ** 2 / START**2
DAMIAN = "Damian, Ma & Lee 2021 (arXiv:2106.06530)"


@claim(
    Eq(
        mean(moved),
        -(eta**2) * sigma**2 / (B * (1 - beta) ** 2) * (1 - eta * norm(g) ** 2 / (1 + beta)) ** -1 * N * gradient,
        evaluate=False,
    ),
    source=f"{DAMIAN}; theory.md 6",
    conditions="one datum, or a full batch in its eigenvectors",
    formulas=["Momentum"],
    derived=["momentum.recursion", "momentum.one_datum", "momentum.full_batch", "momentum.without_momentum"],
    experiments=["momentum"],
    values=15,
)
def momentum(ensembles: Any) -> Iterator[Finding]:
    """Momentum β speeds the flow by 1/(1 − β)²; for one datum the drift of a finite step has a closed form."""
    yield Measured.of(
        "drift of one datum over its leading order, β = 0, 0.5 and 0.9",
        1 / (1 - ensembles.fractions),
        ensembles.ratio,
        ensembles.ratio_error,
        samples=ensembles.drift_chains,
    )
    on_flow = np.interp(ensembles.times, ensembles.fine_times, ensembles.flow_reg)
    fall = on_flow[0] - on_flow[-1]
    yield Bounded.of(
        "|reg − reg of the flow| of 4 ensembles, over its fall",
        np.abs(ensembles.reg - on_flow) / fall,
        allowed=0.03,
        full=True,
    )
    setting, theta = planted_sigmoid_network(3, 4, 5, rng=2)
    half: dict[str, Any] = {"lr": max_stable_lr(setting, theta, momentum=0.5) / 2, "noise_std": 1.0, "momentum": 0.5}
    exact, leading = tangent_drift(setting, theta, **half), local_ou(setting, theta, **half).tangent_drift()
    apart = (exact @ leading) / (leading @ leading) * (1 - 0.5) - 1
    yield Bounded.of("three data at η_max/2: exact drift over that form, less 1", apart, allowed=0.01, contrast=True)


@claim(
    Eq(reg, least, evaluate=False),
    source=f"{HAOCHEN}; theory.md 6",
    conditions="label noise, lowered at the end; of equal size or not",
    formulas=["Least regularizer of the quadratic parametrisation, a linear program"],
    derived=["quadratic_parametrisation.fibre", "quadratic_parametrisation.basis_pursuit"],
    experiments=["noise_contrast"],
)
def basis_pursuit(run: Any) -> Iterator[Finding]:
    """Label noise takes a quadratic parametrisation to basis pursuit; without, or isotropic, noise ends far from it."""
    none, isotropic, equal, unequal = run.error[:, :, -1]
    yield Bounded.of("distance from basis pursuit with label noise, relative", equal, allowed=0.02, full=True)
    yield Bounded.of("with label noise of unequal sizes", unequal, allowed=0.02, full=True)
    yield Bounded.of("without noise", none, allowed=0.3, contrast=True)
    yield Bounded.of("with isotropic noise on the gradient of the same size", isotropic, allowed=0.3, contrast=True)
    yield Certified.of("how far the least can be from the program's value", run.solver_gap / run.least, allowed=1e-6)


@claim(
    Eq(mean(moved), -(eta**2) * s**2 / 4 * N * Symbol(r"\nabla\log\det K", commutative=False), evaluate=False),
    source=f"{HAOCHEN}; Li, Wang & Arora 2022 (arXiv:2110.06914); theory.md 6",
    conditions="−N∇reg is the direction of label noise of equal size alone, up to what a finite step adds",
    formulas=["Other noises", "Drift of log det K", "Flow of unequal noises"],
    derived=[
        "other_noises.source",
        "other_noises.isotropic",
        "other_noises.walk_along_m",
        "other_noises.volume_drift",
        "other_noises.equal_noise",
        "other_noises.no_gradient",
    ],
    experiments=["noise_contrast"],
    values=27 + 3 + 1 + 2,
)
def other_noises_have_other_drifts(run: Any) -> Iterator[Finding]:
    """Only label noise of equal size descends reg: isotropic noise descends log det K and walks, so that reg rises;
    unequal noise descends no function at all."""
    for name, predicted, measured, error, chains in zip(
        run.kinds[1:], run.predicted, run.measured, run.measured_error, run.window_chains, strict=True
    ):
        yield Measured.of(
            f"displacement along the set over the last predicted one, {name}",
            predicted,
            measured,
            error,
            samples=int(chains),
            allowance=LEFT_OUT * predicted,
        )
    for k, name in enumerate(run.kinds[1:]):
        yield Measured.of(
            f"part of it that is not along N∇reg, {name}",
            run.aside_predicted[k],
            run.aside[k],
            run.aside_error[k],
            samples=run.window_chains[k],
            allowance=LEFT_OUT * run.aside_predicted[k],
        )
    isotropic, equal, unequal = range(3)
    for k in (isotropic, unequal):
        yield Measured.of(
            f"that part beside none, {run.kinds[1 + k]}",
            0.0,
            run.aside[k],
            run.aside_error[k],
            samples=run.window_chains[k],
            allowance=run.aside_predicted[equal],  # what a finite step adds
            contrast=True,
            full=k == isotropic,  # of few chains some 5 standard errors are expected
        )
    yield Measured.of(
        "variance of isotropic noise's walk along the set, a direction, over η²s²T",
        1.0,
        run.walked[isotropic],
        run.walked_error[isotropic],
        samples=run.window_chains[isotropic],
    )
    labels = run.walked[[equal, unequal]]
    yield Bounded.of("the same of label noise, of the second order in its variance", labels, allowed=0.01)
    risen = np.maximum(run.reg[1 + isotropic, :, -1] / run.reg[0, :, -1] - 1, 0.0)
    yield Bounded.of(
        "reg where isotropic noise ends, over that where descent ends, less 1: what it rises",
        risen,
        allowed=0.0,
        contrast=True,
    )


@claim(
    Eq(mean(moved), -eta * N * Symbol(r"\nabla R", commutative=False), evaluate=False),
    source=f"{DAMIAN}; theory.md 6",
    conditions="a full batch",
    formulas=["Damian's R"],
    derived=["regularizer_drift.finite_step"],
    experiments=["effective_regularizer"],
    values=10 + 4,
)
def effective_regularizer(drifts: Any) -> Iterator[Finding]:
    """At full batch a finite step descends R = −(σ²/n) tr log(I − ηH/2); with sampled batches R falls short."""
    full, single = 0, 1
    yield Certified.of(
        "−ηN∇R beside the exact drift of a full batch, relative",
        np.abs(drifts.effective_curve[full] / drifts.exact_curve[full] - 1),
        allowed=1e-9,
    )
    yield Certified.of("1 − the cosine between the two", 1 - drifts.direction[full], allowed=1e-9)
    yield Measured.of(
        "simulated drift of a full batch over its leading order, up to 0.8 η_max",
        drifts.effective[full],
        drifts.measured[full],
        drifts.error[full],
        samples=drifts.chains,
    )
    yield Measured.of(
        "that of B = 1 beside the exact drift",
        drifts.exact[single],
        drifts.measured[single],
        drifts.error[single],
        samples=drifts.chains,
    )
    large = drifts.fractions >= 0.3
    yield Measured.of(
        "that of B = 1 beside −η(n/B) N∇R, at η ≥ 0.3 η_max",
        drifts.effective[single, large],
        drifts.measured[single, large],
        drifts.error[single, large],
        samples=drifts.chains,
        contrast=True,
    )


@claim(
    Eq(least, 3 * c * d ** Rational(2, 3) * nuclear(X) ** Rational(4, 3), evaluate=False),
    source="Gatmiry, Li, Chuang, Reddi, Ma & Jegelka 2023 (arXiv:2306.13239); theory.md 6",
    conditions="measurements that are a tight frame, as all entries are, with c their mean square",
    formulas=["Least regularizer of a linear network of depth three"],
    experiments=["deep_linear"],
)
def depth_three_linear_network(deep: Any) -> Iterator[Finding]:
    """The least reg of a linear network of depth three is a power of its nuclear norm, and flows end there."""
    frame = 0
    yield Certified.of("reg of a search beside the closed form, relative", np.abs(deep.search_gap[frame]), allowed=1e-8)
    yield Bounded.of(
        "reg at the ends of flows from random starts, relative", np.abs(deep.flow_gap[frame]), allowed=1e-6
    )
    yield Bounded.of("at the ends of SGD, with the noise", np.abs(deep.sgd_gap), allowed=0.01, full=True)
    yield Bounded.of("where as many steps end without label noise", deep.quiet_gap, allowed=0.01, contrast=True)
    yield Bounded.of(
        "one sensor, which closes at full rank alone: a flow that ends at a lower rank, relative",
        np.max(deep.dead_gap),
        allowed=1e-6,
        contrast=True,
    )
    yield Bounded.of("and where, beside the prediction", np.abs(deep.dead_gap - deep.dead_predicted), allowed=1e-6)
    few = abs(deep.few_least / deep.few_form - 1)
    yield Certified.of("few Gaussian sensors: least reg beside the form, relative", few, allowed=1e-6, contrast=True)


@claim(
    Eq(z[i, j], inverse(y / m), evaluate=False),
    source="Gatmiry, Li, Reddi & Jegelka 2024 (arXiv:2410.16401)",
    conditions="φ′ > 0 and φ‴ > 0, linearly independent data",
    formulas=["Neurons under a fixed output layer"],
    experiments=["fixed_output_layer"],
)
def neurons_agree_under_a_fixed_output_layer(layer: Any) -> Iterator[Finding]:
    """With a fixed output layer of ones all neurons come to agree on every datum; softplus neurons do not."""
    cubic, softplus = 0, 1
    yield Bounded.of("|z_ij − φ⁻¹(y_i/m)| at the ends of flows, φ = z + z³", layer.z_error[cubic], allowed=1e-4)
    yield Bounded.of("spread of the neurons there", layer.flow_spread[cubic], allowed=1e-4)
    yield Bounded.of(
        "that of softplus, whose φ‴ changes its sign", layer.flow_spread[softplus], allowed=1e-4, contrast=True
    )
    yield Bounded.of("and |z − its prediction|", layer.z_error[softplus], allowed=1e-4)
