"""Matrix sensing: the nuclear norm, the semidefinite program, recovery. Source: theory.md, sections 4.1 and 4.4."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Eq, Symbol

from ..numeric import regularizer
from ..settings import MatrixSensing
from .claim import claim
from .findings import Bounded, Certified, Finding
from .letters import X, d, least, mean, nuclear, planted, reg
from .regularizer import PAPER

SOLVED = 1e-6  # the solver's relative gap


@claim(
    Eq(mean(reg), 2 * (d + 1) * nuclear(X), evaluate=False),
    source=f"{PAPER}, section 4; theory.md 4.1",
    conditions="sensors with independent standard Gaussian entries",
    formulas=["Mean over Gaussian sensors"],
    derived=["matrix_sensing.gaussian_sensors"],
)
def nuclear_norm() -> Iterator[Finding]:
    """Over Gaussian sensors the regularizer is on average 2(d + 1) times the nuclear norm of X = UUᵀ."""
    setting = MatrixSensing([[[1.0, 0.0], [0.0, 0.0]]], y=[1.0])
    equal_norms = regularizer(setting, [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    yield Certified.of(
        "one sensor, one entry: reg of two matrices of one nuclear norm, apart",
        np.ptp(equal_norms),
        allowed=0.0,
        contrast=True,
    )


@claim(
    Eq(
        Symbol(r"\min \operatorname{reg}"),
        Symbol(r"\min_{X\succeq 0,\ \langle A_i,X\rangle=y_i} \operatorname{tr}(MX)"),
        evaluate=False,
    ),
    source="theory.md 4.1",
    formulas=["Least regularizer of matrix sensing, a semidefinite program", "The gap"],
    derived=["matrix_sensing.semidefinite_program"],
    experiments=["matrix_sensing_certificate"],
)
def semidefinite_program(run: Any) -> Iterator[Finding]:
    """The least regularizer of given measurements is a semidefinite program, whose dual certifies it."""
    yield Certified.of("gap between its two bounds, relative, of all states", run.solver_gap, allowed=SOLVED)
    yield Certified.of(
        "states below the bound of their own measurements", np.maximum(-run.relative_gap, 0), allowed=SOLVED
    )


@claim(
    Eq(reg, least, evaluate=False),
    source=f"{PAPER}, section 4; theory.md 4.1, 4.4",
    conditions="with label noise, lowered at the end",
    formulas=["The gap"],
    experiments=["matrix_sensing_certificate"],
)
def label_noise_finds_the_simplest_matrix(run: Any) -> Iterator[Finding]:
    """Label noise takes matrix sensing to the least regularizer of its own measurements; without it SGD stops above."""
    ends = run.relative_gap[:, :, -1]
    yield Bounded.of("gap with label noise, relative, each chain at the end", ends[1], allowed=1e-3, full=True)
    yield Bounded.of("without", ends[0], allowed=0.3, contrast=True)
    yield Bounded.of("loss without, which fits the data too", run.loss[0, :, -1], allowed=1e-20)


@claim(
    Eq(X, planted, evaluate=False),
    source=f"{PAPER}, section 4; theory.md 4.1",
    conditions="22 Gaussian measurements of a 10 × 10 matrix of rank 1, the least regularizer at the planted matrix",
    formulas=["Least regularizer of matrix sensing, a semidefinite program"],
    experiments=["matrix_sensing_certificate", "matrix_sensing_recovery"],
)
def recovery(run: Any, plain: Any) -> Iterator[Finding]:
    """With label noise SGD finds the planted matrix from fewer measurements than unknowns; without, it does not."""
    yield Bounded.of("distance of the program's matrix from the planted one", run.planted_is_least, allowed=1e-3)
    yield Bounded.of("distance with label noise, lowered, relative", run.error[1, :, -1], allowed=0.02, full=True)
    yield Bounded.of("distance with label noise of one size, relative", plain.error[1, :, -1], allowed=0.1, full=True)
    yield Bounded.of("distance without label noise", plain.error[0, :, -1], allowed=0.1, contrast=True)
    yield Bounded.of(
        "8 measurements, of which the program's matrix is another: distance of that one",
        run.few_least,
        allowed=0.1,
        contrast=True,
    )
    yield Bounded.of("and with label noise, lowered", run.few_error, allowed=0.1, contrast=True, full=True)
