"""The least regularizer of sigmoid networks on one datum, and all their stationary points.

With w = ‖x‖ |v| for a neuron of share v = c φ(z) of the label, its least regularizer is a cost g(w): of tanh
2w(√(1 + w²) − w), concave; of the logistic w²/(1 + w²), convex up to w = 1/√3 and concave beyond. Stationary neurons
have one value (tanh) or at most two (logistic): with shares a > b > 0, in units of 1/‖x‖, 1 = a b (2 + a² + a b + b²).

Source: theory.md, section 4.3; Blanc et al. 2020 (arXiv:1904.09080), section 4.3. Derived in
`derivations/sigmoid_network.py`.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import sympy

from ..arguments import positive_number
from ..numeric import regularizer
from ..symbolic.sigmoid_network import hessian_block, stationarity
from .certified_roots import real_roots
from .local_search import local_search, local_search_from
from .minimum_result import Minimum

__all__ = ["SigmoidMinimum", "StationaryNetwork", "least_regularizer", "minimum", "stationary_preactivations"]

DOMAINS = {"tanh": "any width", "logistic": "this width"}


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
    """

    active: int
    shares: np.ndarray
    reg: float
    multiplier: float
    eigenvalues: np.ndarray

    @property
    def negative(self):
        """The number of negative eigenvalues: 0 at a minimum of reg, local or global."""
        return int(np.sum(self.eigenvalues < 0))

    def __repr__(self):
        large, small = self.shares
        kind = f"{self.active} neurons of share {large:.6g}, others {small:.6g}"
        return f"StationaryNetwork({kind}, reg {self.reg:.6g}, {self.negative} negative directions)"


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

    shares: np.ndarray
    stationary: tuple

    def _content(self):
        kinds = len(self.stationary)
        return (f"{kinds} stationary networks, {sum(network.negative == 0 for network in self.stationary)} minima",)


def minimum(setting):
    """The least reg in closed form for tanh or logistic on one datum; a labelled local search for anything else."""
    if setting.n > 1 or setting.activation.name not in _COSTS:
        return local_search(setting)
    name, label, norm = setting.activation.name, float(setting.y[0]), _norm(setting)
    shares = _least_shares(name, setting.width, norm * abs(label)) * (np.sign(label) / norm)
    theta = _network(setting, shares)
    cost = float(np.sum(_COSTS[name](norm * np.abs(shares))))
    attained = theta is not None
    return SigmoidMinimum(
        setting=setting,
        value=float(regularizer(setting, theta)) if attained else cost,
        theta=theta,
        lower_bound=cost,
        domain=DOMAINS[name],
        residual=float(abs(setting.predictions(theta)[0] - label)) if attained else np.nan,
        shares=shares,
        stationary=_stationary_networks(setting) if label else (),
    )


def least_regularizer(setting, theta):
    """(value, lower bound, domain) over networks with the prediction of theta (p,): the value is its own bound."""
    name = setting.activation.name
    if setting.n > 1 or name not in _COSTS:
        return local_search_from(setting, theta)
    shares = _least_shares(name, setting.width, _norm(setting) * abs(float(setting.predictions(theta)[0])))
    cost = float(np.sum(_COSTS[name](shares)))
    return cost, cost, DOMAINS[name]


def stationary_preactivations(setting, interval, *, multiplier=None, share=None):
    """All z in an interval that a neuron of a stationary network on one datum can have, for any smooth activation.

    For a multiplier λ the roots of 4‖x‖² φ'⁴/λ² = φ'² − φ φ''; for a share v = c φ(z), that is y/k of k equal neurons,
    those of φ⁴ = ‖x‖² v² (φ'² − φ φ''), where c, and so λ, is eliminated.

    Parameters
    ----------
    setting : SigmoidNetwork
        With one datum.
    interval : (float, float)
    multiplier, share : float
        One of the two, not 0.

    Returns
    -------
    Roots
        `certified` where ball arithmetic proves that these are all.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> t = sympy.Symbol("t")
    >>> setting = ou.SigmoidNetwork([[1.0]], [1.0], width=1, activation=sympy.erf(t))
    >>> stationary_preactivations(setting, (0.1, 5), share=1.0)
    Roots(1 in [0.1, 5], certified)
    """
    norm, z = sympy.Float(_norm(setting)), sympy.Symbol("z", real=True)
    if (multiplier is None) == (share is None):
        raise TypeError(f"multiplier, share: expected one of them, got {multiplier} and {share}")
    phi = _expression(setting.activation, z)
    if share is None:
        size = sympy.Float(positive_number("|multiplier|", abs(multiplier)))
        return real_roots(stationarity(phi, z, norm=norm, multiplier=size), z, interval)
    weight = (norm * sympy.Float(positive_number("|share|", abs(share)))) ** 2
    slope = phi.diff(z)
    return real_roots(phi**4 - weight * (slope**2 - phi * slope.diff(z)), z, interval)


# Costs and neurons of a share, in units in which ‖x‖ = 1: w = ‖x‖ |v|.


def _tanh_cost(w):
    return 2 * w / (np.sqrt(1 + w**2) + w)


def _logistic_cost(w):
    return w**2 / (1 + w**2)


_COSTS = {"tanh": _tanh_cost, "logistic": _logistic_cost}


def _neuron(name, w):
    """φ and z of the balanced neuron of a share."""
    if name == "logistic":
        with np.errstate(divide="ignore"):
            return w**2 / (1 + w**2), 2 * np.log(w)
    root = np.sqrt(1 + w**2)
    phi = np.sqrt(w / root)
    return phi, np.log1p(phi) + 0.5 * np.log(root * (root + w))  # 1 − φ² = 1/(√(1 + w²)(√(1 + w²) + w))


def _least_shares(name, width, total):
    """(m,) shares of least cost, descending: one neuron for tanh; equal, or one and the rest, for the logistic."""
    if name == "tanh" or width == 1:
        return np.append(total, np.zeros(width - 1))
    candidates = [np.full(width, total / width)]
    candidates += [np.append(large, np.full(width - 1, small)) for large, small in _two_shares(total, 1, width)]
    return min(candidates, key=lambda shares: np.sum(_logistic_cost(shares)))


def _two_shares(total, active, width):
    """The pairs a > b > 0 with active·a + (width − active)·b = total that are stationary for the logistic."""
    rest = width - active
    b = np.polynomial.Polynomial([0.0, 1.0])
    a = (total - rest * b) / active
    roots = (a * b * (2 + a**2 + a * b + b**2) - 1).roots()
    real = roots.real[np.abs(roots.imag) <= 1e-7 * (1 + np.abs(roots))]
    return [(float(a(root)), float(root)) for root in sorted(real) if 0 < root < a(root) * (1 - 1e-12)]


def _network(setting, shares):
    """Balanced neurons of these shares (m,) as theta; None where nothing attains them: logistic ones of share 0."""
    norm, used = _norm(setting), shares != 0
    if setting.activation.name == "logistic" and not used.all():
        return None
    phi, z = _neuron(setting.activation.name, norm * np.abs(np.where(used, shares, 1.0)))
    c, z = np.where(used, shares / phi, 0.0), np.where(used, z, 0.0)
    return setting.pack(c=c, W=z[:, None] * setting.x[0] / norm**2)


def _stationary_networks(setting):
    name, norm, width = setting.activation.name, _norm(setting), setting.width
    total, sign = norm * abs(float(setting.y[0])), np.sign(float(setting.y[0]))
    if name == "tanh":
        kinds = [(active, total / active, 0.0) for active in range(1, width + 1)]
    else:
        kinds = [(width, total / width, 0.0)]
        kinds += [(active, *pair) for active in range(1, width) for pair in _two_shares(total, active, width)]
    networks = [_stationary_network(name, norm, width, sign, *kind) for kind in kinds]
    return tuple(sorted(networks, key=lambda network: network.reg))


def _stationary_network(name, norm, width, sign, active, large, small):
    counts = [(active, large), (width - active, small)]
    block, gradient, multiplier_of = _lagrangian(name)
    phi, z = _neuron(name, large)
    multiplier = float(multiplier_of(z, sign * large / (norm * phi), norm))
    eigenvalues, diagonal, normal = [], [], []
    for count, w in counts:
        if not count:
            continue
        phi, z = _neuron(name, w) if w else (1.0, 0.0)
        at = (z, sign * w / (norm * phi), norm)
        piece = np.array(block(*at, multiplier), dtype=float)
        eigenvalues += [*np.linalg.eigvalsh(piece)] * (count - 1)  # neurons of this share against each other
        diagonal.append(piece)
        normal.append(np.sqrt(count) * np.array(gradient(*at), dtype=float))
    together = np.zeros((2 * len(diagonal), 2 * len(diagonal)))
    for k, piece in enumerate(diagonal):
        together[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = piece
    tangent = np.linalg.svd(np.concatenate(normal)[None])[2][1:]
    eigenvalues += [*np.linalg.eigvalsh(tangent @ together @ tangent.T)]
    reg = sum(count * float(_COSTS[name](w)) for count, w in counts)
    shares = sign * np.array([large, small]) / norm
    return StationaryNetwork(active, shares, reg, multiplier, np.sort(eigenvalues))


@cache
def _lagrangian(name):
    """Functions of (z, c, ‖x‖): the Hessian block (also of λ), ∇h, and λ of a neuron with φ ≠ 0."""
    z, c, norm, multiplier = sympy.symbols("z c norm multiplier", real=True)
    phi = {"tanh": sympy.tanh(z), "logistic": 1 / (1 + sympy.exp(-z))}[name]
    slope = phi.diff(z)
    block = hessian_block(phi, z, c=c, norm=norm, multiplier=multiplier)
    return (
        sympy.lambdify((z, c, norm, multiplier), block),
        sympy.lambdify((z, c, norm), [phi, c * slope * norm]),
        sympy.lambdify((z, c, norm), 2 * slope**2 * norm**2 * c / phi),
    )


def _expression(activation, z):
    if activation.expression is not None:
        (symbol,) = activation.expression.free_symbols
        return activation.expression.subs(symbol, z)
    return {"tanh": sympy.tanh(z), "logistic": 1 / (1 + sympy.exp(-z))}[activation.name]


def _norm(setting):
    """‖x‖ of the one datum."""
    if setting.n > 1:
        raise ValueError(f"setting: expected one datum, where the stationary networks are known, got {setting.n}")
    norm = float(np.linalg.norm(setting.x[0]))
    if norm == 0:
        raise ValueError("x: expected a datum other than 0, got 0")
    return norm
