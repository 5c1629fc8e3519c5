"""Any connectivity, width, depth and activation: a convolution, skip connections, attention. Source: theory.md 2, 3."""

from collections.abc import Iterator
from typing import Any

from sympy import Derivative, Eq

from .claim import claim
from .findings import Bounded, Certified, Finding, Measured
from .letters import N, S, eta, k, loss, mean, moved, n, theta, third, trace
from .regularizer import PAPER


@claim(
    Eq(mean(loss), trace(S) / n, evaluate=False),
    source=f"{PAPER}, section 3; theory.md 2",
    formulas=["Noise floor", "Exact law of the linearised SGD"],
    experiments=["any_network"],
    values=3,
)
def noise_floor_of_any_network(networks: Any) -> Iterator[Finding]:
    """The noise floor is that of the law in a convolution, a deep network with skip connections and attention."""
    floors = (networks.floor_measured, networks.floor_error)
    measured, error = (one / networks.floor_predicted for one in floors)
    yield Measured.of("plateau over the exact law's", 1.0, measured, error, samples=networks.chains)


@claim(
    Eq(mean(moved), -eta / 2 * N * third, evaluate=False),
    source=f"{PAPER}, theorem 1; theory.md 3",
    formulas=["Drift", "Drift to leading order, the theorem"],
    experiments=["any_network"],
    values=3,
)
def drift_of_any_network(networks: Any) -> Iterator[Finding]:
    """The drift is the predicted one in networks of any connectivity, width, depth and activation."""
    wrong = sum(verdict != "repellent" for verdict in networks.verdicts)
    yield Certified.of("networks whose start is not repellent", wrong, allowed=0)
    drifts = (networks.drift_measured, networks.drift_error)
    measured, error = (one / networks.drift_predicted for one in drifts)
    yield Measured.of("motion along the set over the exact one", 1.0, measured, error, samples=networks.chains)


@claim(
    Eq(Derivative(theta(k), k), -eta / 2 * N * third, evaluate=False),
    source=f"{PAPER}, section 3; theory.md 3",
    formulas=["Flow", "Flow at a finite step", "Fall of the regularizer"],
    experiments=["any_network"],
    values=24,
)
def flow_of_any_network(networks: Any) -> Iterator[Finding]:
    """Over long times reg falls in these networks as it does along the flow of their own step size."""
    yield Measured.of(
        "reg at 8 flow times over that on the flow and of the fluctuation about it",
        1.0,
        networks.reg_measured / (networks.reg_flow + networks.reg_excess),
        networks.reg_error / networks.reg_flow,
        samples=networks.long_chains,
        allowance=0.01,
    )
    left = networks.reg_measured[:, -1] / networks.reg_on
    yield Bounded.of("part of reg that is left at the end", left, allowed=0.5, full=True)
