"""All stationary sigmoid networks on one datum, and the curvatures of reg there.

Their neurons have one share (tanh, others being 0) or at most two (logistic): with shares a > b > 0, in units of 1/‖x‖,
1 = a b (2 + a² + a b + b²).

Source: theory.md, section 4.3; Blanc et al. 2020 (arXiv:1904.09080), section 4.3. Derived in
`derivations/sigmoid_network.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, null_space

from ..settings import SigmoidNetwork
from .sigmoid_shares import COSTS, datum_norm, derivatives, stationary_pairs

__all__ = ["StationaryNetwork", "stationary_networks"]


@dataclass(frozen=True, eq=False, repr=False)
class StationaryNetwork:
    """A stationary network on one datum: `active` neurons of one share, the rest of another, which is 0 for tanh.

    Attributes
    ----------
    active : int
        How many have the larger share.
    shares : (2,) array
        c φ(z) of these and of the rest.
    reg : float
    multiplier : float
        λ of ∇reg = λ ∇h.
    eigenvalues : (2m − 1,) array
        Ascending, of the Riemannian Hessian of reg in the coordinates (c_j, w_jᵀx/‖x‖); the m (d − 1) other directions
        are flat.
    negative : int
        How many of them are negative, 0 at a minimum of reg, local or global. Counted by the signs of g'' at the
        shares, which no rounding of small eigenvalues disturbs.
    """

    active: int
    shares: NDArray[np.float64]
    reg: float
    multiplier: float
    eigenvalues: NDArray[np.float64]
    negative: int

    def __repr__(self) -> str:
        large, small = self.shares
        kind = f"{self.active} neurons of share {large:.6g}, others {small:.6g}"
        return f"StationaryNetwork({kind}, reg {self.reg:.6g}, {self.negative} negative directions)"


def stationary_networks(setting: SigmoidNetwork) -> tuple[StationaryNetwork, ...]:
    """Those of tanh or logistic neurons through a label other than 0, by reg."""
    name, norm, width, label = setting.activation.name, datum_norm(setting), setting.width, float(setting.y[0])
    total, sign = norm * abs(label), float(np.sign(label))
    if name == "tanh":
        kinds = [(active, total / active, 0.0) for active in range(1, width + 1)]
    else:
        kinds = [(width, total / width, 0.0)]
        kinds += [(active, *pair) for active in range(1, width) for pair in stationary_pairs(total, active, width)]
    networks = [_stationary_network(name, norm, width, sign, *kind) for kind in kinds]
    return tuple(sorted(networks, key=lambda network: network.reg))


def _stationary_network(name, norm, width, sign, active, large, small):
    counts = [(count, w) for count, w in ((active, large), (width - active, small)) if count]
    phi, slope, *_ = derivatives(name, large)
    multiplier = 2 * slope**2 * norm * sign * large / phi**2
    neurons = [(count, *_second_order(derivatives(name, w), sign * w, norm, multiplier)) for count, w in counts]
    return StationaryNetwork(
        active=active,
        shares=sign * np.array([large, small]) / norm,
        reg=sum(count * float(COSTS[name](w)) for count, w in counts),
        multiplier=float(multiplier),
        eigenvalues=_riemannian_eigenvalues(neurons),
        negative=_negative(name, counts),
    )


def _second_order(derivatives_of_phi, share, norm, multiplier):
    """∇h (2,) and the block (2, 2) of ∇²reg − λ∇²h of one neuron, in the coordinates (c_j, w_jᵀx/‖x‖)."""
    phi, first, second, third = derivatives_of_phi
    c = share / (norm * phi) if share else 0.0
    mixed = norm * first * (4 * c * second * norm**2 - multiplier)
    inner = 2 * first**2 + (2 * phi - multiplier * c) * second + 2 * (c * norm) ** 2 * (second**2 + first * third)
    gradient = np.array([phi, c * first * norm])
    return gradient, np.array([[2 * first**2 * norm**2, mixed], [mixed, norm**2 * inner]])


def _riemannian_eigenvalues(neurons):
    """Ascending, of groups (count, ∇h, block) of equal neurons: each block against the group's others, and together.

    Together move the groups' means, of which those tangent to the zero-error set count.
    """
    apart = [np.linalg.eigvalsh(block) for count, _, block in neurons for _ in range(count - 1)]
    normal = np.concatenate([np.sqrt(count) * gradient for count, gradient, _ in neurons])
    tangent = null_space(normal[None])
    together = np.linalg.eigvalsh(tangent.T @ block_diag(*(block for *_, block in neurons)) @ tangent)
    return np.sort(np.concatenate([*apart, together]))


def _negative(name, counts):
    """The negative directions of Σ g(w_j) where Σ dw_j = 0, g'' < 0 at so many shares.

    In the other direction of each neuron, that of its z at a fixed share, reg has its least: they add none. The count
    on the plane is one less than that of all directions, unless Σ 1/g'' > 0.
    """
    if name == "tanh":  # g'' < 0 at active neurons; others are at the foot of 2 |w|
        return counts[0][0] - 1
    bends = [(count, (2 - 6 * w**2) / (1 + w**2) ** 3) for count, w in counts if count]
    return sum(count for count, bend in bends if bend < 0) + int(sum(count / bend for count, bend in bends) > 0) - 1
