"""The least regularizer of sigmoid networks on one datum, in closed form, for tanh and the logistic.

It is the least sum of the neurons' costs (`sigmoid_shares`): one neuron for tanh, at most two shares for the logistic.

Source: theory.md, section 4.3; Blanc et al. 2020 (arXiv:1904.09080), section 4.3. Derived in
`derivations/sigmoid_network.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..numeric import regularizer
from ..settings import SigmoidNetwork
from .minimum_result import LeastRegularizer, Minimum, Solve
from .sigmoid_shares import COSTS, datum_norm, least_shares, neuron
from .stationary_networks import StationaryNetwork, stationary_networks

__all__ = ["SigmoidMinimum", "minimum", "prepare"]

DOMAINS = {"tanh": "any width", "logistic": "this width"}


@dataclass(frozen=True, eq=False, repr=False)
class SigmoidMinimum(Minimum):
    """A `Minimum` over networks on one datum: of any width (tanh), of this width (logistic).

    Attributes
    ----------
    shares : (m,) array
        c_j φ(z_j), descending in size, at the least.
    stationary : tuple of StationaryNetwork
        All stationary networks of this width up to permutation and w_j ⟂ x, by reg; none if y = 0.
    """

    shares: NDArray[np.float64]
    stationary: tuple[StationaryNetwork, ...]

    def _content(self) -> tuple[str, ...]:
        minima = sum(network.negative == 0 for network in self.stationary)
        return *super()._content(), f"{len(self.stationary)} stationary networks, {minima} minima"


def minimum(setting: SigmoidNetwork) -> SigmoidMinimum | None:
    """The least reg in closed form for tanh or logistic on one datum; None for anything else."""
    if not _is_known(setting):
        return None
    name, label, norm = setting.activation.name, float(setting.y[0]), datum_norm(setting)
    _check_size(norm * abs(label))
    shares = least_shares(name, setting.width, norm * abs(label)) * (np.sign(label) / norm)
    theta = _network(setting, shares)
    cost = float(np.sum(COSTS[name](norm * np.abs(shares))))
    attained = theta is not None
    return SigmoidMinimum(
        setting=setting,
        value=float(regularizer(setting, theta)) if attained else cost,
        theta=theta,
        lower_bound=cost,
        domain=DOMAINS[name],
        residual=float(abs(setting.predictions(theta)[0] - label)) if attained else np.nan,
        shares=shares,
        stationary=stationary_networks(setting) if label else (),
    )


def prepare(setting: SigmoidNetwork) -> Solve | None:
    """v(f) over networks with the prediction f (1,), its own bound; None where `minimum` knows no closed form."""
    if not _is_known(setting):
        return None
    name, norm = setting.activation.name, datum_norm(setting)

    def solve(predictions):
        shares = least_shares(name, setting.width, norm * abs(float(predictions[0])))
        cost = float(np.sum(COSTS[name](shares)))
        return LeastRegularizer(cost, cost, DOMAINS[name])

    return solve


def _is_known(setting):
    return setting.n == 1 and setting.activation.name in COSTS


def _network(setting, shares):
    """Balanced neurons of these shares (m,) as theta; None where nothing attains them: logistic ones of share 0."""
    norm, used = datum_norm(setting), shares != 0
    if setting.activation.name == "logistic" and not used.all():
        return None
    phi, z = neuron(setting.activation.name, norm * np.abs(np.where(used, shares, 1.0)))
    c, z = np.where(used, shares / phi, 0.0), np.where(used, z, 0.0)
    return setting.pack(c=c, W=z[:, None] * setting.x[0] / norm**2)


def _check_size(total):
    """A ValueError where powers of the shares would leave the range of floats."""
    if total and not 1e-20 <= total <= 1e20:
        raise ValueError(f"y: expected ‖x‖|y| to be 0 or from 1e-20 to 1e20, got {total:.3g}")
