"""Any connectivity, width, depth and activation: a convolution, skip connections, attention. Source: theory.md 2, 3."""

from collections.abc import Iterator
from typing import Any

from sympy import Eq

from .claim import claim
from .findings import Certified, Finding, Measured
from .letters import B, N, eta, gradient, loss, mean, moved, reg, sigma
from .regularizer import PAPER


@claim(
    Eq(mean(loss), eta * sigma**2 / B * reg, evaluate=False),
    source=f"{PAPER}, section 3",
    conditions="to leading order in η; at a finite step the exact law",
    formulas=["Noise floor", "Exact law of the linearised SGD"],
    experiments=["any_network"],
    values=6,
)
def noise_floor_of_any_network(networks: Any) -> Iterator[Finding]:
    """The noise floor is that of the law in a convolution, a deep network with skip connections and attention."""
    floors = (networks.floor_measured, networks.floor_error)
    measured, error = (one / networks.floor_predicted for one in floors)
    yield Measured.of("plateau over the exact law's", 1.0, measured, error, samples=networks.chains)
    leading = networks.floor_leading / networks.floor_predicted
    yield Measured.of(
        "beside the leading order at 0.3 η_max", leading, measured, error, samples=networks.chains, contrast=True
    )


@claim(
    Eq(mean(moved), -(eta**2) * sigma**2 / B * N * gradient, evaluate=False),
    source=f"{PAPER}, theorem 1",
    conditions="to leading order in η; at a finite step the exact drift",
    formulas=["Drift", "Drift to leading order, the theorem"],
    experiments=["any_network"],
    values=6,
)
def drift_of_any_network(networks: Any) -> Iterator[Finding]:
    """The drift is the predicted one in networks of any connectivity, width, depth and activation."""
    assert set(networks.verdicts) == {"repellent"}, networks.verdicts
    drifts = (networks.drift_measured, networks.drift_error)
    measured, error = (one / networks.drift_predicted for one in drifts)
    yield Measured.of("motion along the set over the exact one", 1.0, measured, error, samples=networks.chains)
    leading = networks.drift_leading / networks.drift_predicted
    yield Measured.of(
        "beside the leading order at 0.3 η_max", leading, measured, error, samples=networks.chains, contrast=True
    )


@claim(
    Eq(mean(moved), -(eta**2) * sigma**2 / B * N * gradient, evaluate=False),
    source=f"{PAPER}, section 3",
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
    yield Certified.of("reg that is left of the start's", networks.reg_measured[:, -1] / networks.reg_on, allowed=1.0)
