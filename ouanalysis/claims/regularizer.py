"""The implicit regularizer: what it is, and its closed form in each setting. Source: theory.md, sections 1 and 4."""

from collections.abc import Iterator
from typing import Any

from sympy import Eq, Rational, Sum, Symbol

from .claim import claim
from .findings import Certified, Finding
from .letters import UT, M, U, c, d, hessian, i, j, m, n, norm, phi, positive, reg, slope, trace, u, v, x, z

PAPER = "Blanc et al. 2020 (arXiv:1904.09080)"


@claim(
    Eq(reg, Rational(1, 2) * trace(hessian), evaluate=False),
    source=f"{PAPER}, section 2",
    conditions="on the zero-error set",
    formulas=["The implicit regularizer"],
    derived=["local_ou.curvature"],
    experiments=["any_network"],
)
def regularizer_is_half_the_trace_of_the_hessian(networks: Any) -> Iterator[Finding]:
    """At zero error the regularizer, the mean of ‖∇h(x_i)‖² and so tr K/n, is half the trace of the loss's Hessian."""
    yield Certified.of("|½ tr ∇²L − reg|/reg of three networks, by differences", networks.difference_on, allowed=1e-6)
    yield Certified.of("the same off the set", networks.difference_off, allowed=1e-6, contrast=True)


@claim(
    Eq(reg, trace(UT * M * U), evaluate=False),
    source=f"{PAPER}, section 4; theory.md 4.1",
    formulas=["Regularizer of matrix sensing"],
    derived=["matrix_sensing.regularizer", "matrix_sensing.equalities"],
)
def regularizer_of_matrix_sensing() -> None:
    """In matrix sensing reg is tr UᵀMU, linear in UUᵀ, with M the mean of the squared symmetric sensors."""


@claim(
    Eq(
        reg,
        Sum(Sum(positive(z[i, j]) * (z[i, j] ** 2 + c[j] ** 2 * (1 + x[i] ** 2)), (j, 1, m)) + 1 + x[i] ** 2, (i, 1, n))
        / n,
        evaluate=False,
    ),
    source=f"{PAPER}, section 4; theory.md 4.2",
    formulas=["Regularizer of a ReLU network"],
    derived=["relu_network.gradient"],
)
def regularizer_of_a_relu_network() -> None:
    """In a ReLU network reg is the mean over data of z² + c²(1 + x²) of each active neuron, and 1 + x² of the line."""


@claim(
    Eq(reg, Sum(phi(z[j]) ** 2 + c[j] ** 2 * slope(z[j]) ** 2 * norm(Symbol("x")) ** 2, (j, 1, m)), evaluate=False),
    source=f"{PAPER}, section 4; theory.md 4.3",
    formulas=["Regularizer of a sigmoid network"],
    derived=["sigmoid_network.gradient"],
)
def regularizer_of_a_sigmoid_network() -> None:
    """In a sigmoid network on one datum reg is a sum over neurons of φ(z)² + c²φ′(z)²‖x‖²."""


@claim(
    Eq(reg, 4 / n * Sum(Sum(x[i, j] ** 2 * (u[j] ** 2 + v[j] ** 2), (j, 1, d)), (i, 1, n)), evaluate=False),
    source="HaoChen et al. 2021 (arXiv:2006.08680); theory.md 6",
    formulas=["Regularizer of the quadratic parametrisation"],
    derived=["quadratic_parametrisation.regularizer", "quadratic_parametrisation.equality"],
)
def regularizer_of_the_quadratic_parametrisation() -> None:
    """In linear regression by u∘u − v∘v reg is a weighted sum of the squares of u and v."""
