"""What grew out of the paper: other noises, momentum, finite steps, deep models. Source: theory.md, section 6."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Eq, Symbol

from .claim import claim
from .findings import Certified, Finding, Measured
from .letters import B, K, N, beta, eta, gradient, least, mean, moved, reg, s, sigma

HAOCHEN = "HaoChen, Wei, Lee & Ma 2021 (arXiv:2006.08680)"
DAMIAN = "Damian, Ma & Lee 2021 (arXiv:2106.06530)"


@claim(
    Eq(
        mean(moved),
        -(eta**2) * sigma**2 / (B * (1 - beta) ** 2) * (1 - eta * K / (1 + beta)) ** -1 * N * gradient,
        evaluate=False,
    ),
    source=f"{DAMIAN}; theory.md 6",
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
    yield Certified.of(
        "|reg − reg of the flow| of 4 ensembles, over its fall",
        np.abs(ensembles.reg - on_flow) / fall,
        allowed=0.03,
        full=True,
    )


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
    yield Certified.of("distance from basis pursuit with label noise, relative", equal, allowed=0.01, full=True)
    yield Certified.of("with label noise of unequal sizes", unequal, allowed=0.02, full=True)
    yield Certified.of("without noise", none, allowed=0.3, contrast=True)
    yield Certified.of("with isotropic noise on the gradient of the same size", isotropic, allowed=0.3, contrast=True)
    yield Certified.of("how far the least can be from the program's value", run.solver_gap / run.least, allowed=1e-6)


@claim(
    Eq(mean(moved), -(eta**2) * s**2 / 4 * N * Symbol(r"\nabla\log\det K", commutative=False), evaluate=False),
    source=f"{HAOCHEN}; Li, Wang & Arora 2022 (arXiv:2110.06914); theory.md 6",
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
    values=27,
)
def other_noises_have_other_drifts(run: Any) -> Iterator[Finding]:
    """Only label noise of equal size descends reg: isotropic noise descends log det K and walks, unequal noise descends
    no function at all."""
    for name, predicted, measured, error, chains in zip(
        run.kinds[1:], run.predicted, run.measured, run.measured_error, run.window_chains, strict=True
    ):
        yield Measured.of(
            f"displacement along the set over the last predicted one, {name}",
            predicted,
            measured,
            error,
            samples=int(chains),
            allowance=0.02 * predicted,
        )
