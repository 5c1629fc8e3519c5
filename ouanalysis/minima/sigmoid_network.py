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
import scipy.linalg
import sympy

from ..arguments import real_array
from ..numeric import regularizer
from ..settings import SigmoidNetwork
from ..symbolic.sigmoid_network import hessian_block, stationarity, with_slope
from .certified_roots import real_roots
from .minimum_result import LeastRegularizer, Minimum, Solve

__all__ = ["SigmoidMinimum", "StationaryNetwork", "minimum", "prepare", "stationary_preactivations"]

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
    negative : int
        How many of them are negative, 0 at a minimum of reg, local or global. Counted by the signs of g'' at the
        shares, which no rounding of small eigenvalues disturbs.
    """

    active: int
    shares: np.ndarray
    reg: float
    multiplier: float
    eigenvalues: np.ndarray
    negative: int

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

    def _content(self) -> tuple[str, ...]:
        minima = sum(network.negative == 0 for network in self.stationary)
        return *super()._content(), f"{len(self.stationary)} stationary networks, {minima} minima"


def minimum(setting: SigmoidNetwork) -> SigmoidMinimum | None:
    """The least reg in closed form for tanh or logistic on one datum; None for anything else."""
    if not _is_known(setting):
        return None
    name, label, norm = setting.activation.name, float(setting.y[0]), _norm(setting)
    _check_size(norm * abs(label))
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


def prepare(setting: SigmoidNetwork) -> Solve | None:
    """v(f) over networks with the prediction f (1,), its own bound; None where `minimum` knows no closed form."""
    if not _is_known(setting):
        return None
    name, norm = setting.activation.name, _norm(setting)

    def solve(predictions):
        shares = _least_shares(name, setting.width, norm * abs(float(predictions[0])))
        cost = float(np.sum(_COSTS[name](shares)))
        return LeastRegularizer(cost, cost, DOMAINS[name])

    return solve


def _is_known(setting):
    return setting.n == 1 and setting.activation.name in _COSTS


def stationary_preactivations(setting, interval, *, multiplier=None, share=None):
    """All z = wᵀx in an interval that a neuron of a stationary network on one datum can have, if φ(z) ≠ 0.

    For a multiplier λ ≠ 0 of ∇reg = λ ∇h the roots of 4‖x‖² φ'⁴/λ² = φ'² − φ φ''; for a share v = c φ(z) of the
    label, y/k of k equal neurons, those of φ' (φ⁴ − ‖x‖² v² (φ'² − φ φ'')) = 0, where c and λ are eliminated: λ = 0
    where φ' = 0.

    Parameters
    ----------
    setting : SigmoidNetwork
        With one datum; any smooth activation.
    interval : (float, float)
    multiplier, share : float
        One of the two, not 0.

    Returns
    -------
    Roots
        `certified` where ball arithmetic proves that these are all.

    Raises
    ------
    ValueError, TypeError
        For more than one datum, the datum 0, or a multiplier or share that is 0 or missing.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> t = sympy.Symbol("t")
    >>> setting = ou.SigmoidNetwork([[1.0]], [1.0], width=1, activation=sympy.erf(t))
    >>> stationary_preactivations(setting, (0.1, 5), share=1.0)
    Roots(1 in [0.1, 5], certified)
    """
    if not isinstance(setting, SigmoidNetwork):
        raise TypeError(f"setting: expected a SigmoidNetwork, got {type(setting).__name__}")
    if (multiplier is None) == (share is None):
        raise TypeError(f"multiplier, share: expected one of them, got {multiplier} and {share}")
    norm, z = sympy.Rational(_norm(setting)), sympy.Symbol("z", real=True)
    phi, slope = with_slope(setting.activation, z)
    if share is None:
        equation = stationarity(phi, z, norm=norm, multiplier=_nonzero("multiplier", multiplier))
    else:
        weight = (norm * _nonzero("share", share)) ** 2
        equation = phi**4 - weight * (slope**2 - phi * phi.diff(z, 2))
        if setting.activation.name not in _COSTS:  # of those φ' > 0
            equation *= slope
    # In factors, as a difference of large terms keeps balls wide: φ'² − φφ'' of the logistic is φ²φ'.
    return real_roots(sympy.factor(equation), z, interval)


def _nonzero(name, value):
    number = float(real_array(name, value, shape=()))
    if number == 0:
        raise ValueError(f"{name}: expected a number other than 0, got 0")
    return sympy.Rational(number)


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
    return phi, np.log1p(phi) + 0.5 * np.log1p(w * (root + w))  # 1 − φ² = 1/(√(1 + w²)(√(1 + w²) + w))


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
    polynomial = a * b * (2 + a**2 + a * b + b**2) - 1
    roots = polynomial.roots()
    for _ in range(4):  # of a large total one root is far below the rounding of the others
        roots = roots - polynomial(roots) / polynomial.deriv()(roots)
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
    phi, slope, *_ = _derivatives(name, large)
    multiplier = 2 * slope**2 * norm * sign * large / phi**2
    block, eigenvalues, diagonal, normal = _lagrangian_block(), [], [], []
    for count, w in counts:
        if not count:
            continue
        derivatives = _derivatives(name, w)
        c = sign * w / (norm * derivatives[0]) if w else 0.0
        piece = np.array(block(*derivatives, c, norm, multiplier), dtype=float)
        eigenvalues += [*np.linalg.eigvalsh(piece)] * (count - 1)  # neurons of this share against each other
        diagonal.append(piece)
        normal.append(np.sqrt(count) * np.array([derivatives[0], c * derivatives[1] * norm]))
    together = np.zeros((2 * len(diagonal), 2 * len(diagonal)))
    for k, piece in enumerate(diagonal):
        together[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = piece
    tangent = np.linalg.svd(np.concatenate(normal)[None])[2][1:]
    eigenvalues += [*np.linalg.eigvalsh(tangent @ together @ tangent.T)]
    reg = sum(count * float(_COSTS[name](w)) for count, w in counts)
    shares = sign * np.array([large, small]) / norm
    return StationaryNetwork(active, shares, reg, float(multiplier), np.sort(eigenvalues), _negative(name, counts))


def _negative(name, counts):
    """The negative directions of Σ g(w_j) where Σ dw_j = 0, g'' < 0 at so many shares.

    In the other direction of each neuron, that of its z at a fixed share, reg has its least: they add none. The count
    on the plane is one less than that of all directions, unless Σ 1/g'' > 0.
    """
    if name == "tanh":  # g'' < 0 at active neurons; others are at the foot of 2 |w|
        return counts[0][0] - 1
    bends = [(count, (2 - 6 * w**2) / (1 + w**2) ** 3) for count, w in counts if count]
    return sum(count for count, bend in bends if bend < 0) + int(sum(count / bend for count, bend in bends) > 0) - 1


def _derivatives(name, w):
    """φ and its first three derivatives at the balanced neuron of a share, w = 0 for a zero neuron (tanh)."""
    if name == "logistic":
        s, rest = w**2 / (1 + w**2), 1 / (1 + w**2)  # rest = 1 − s
        return s, s * rest, s * rest * (1 - 2 * s), s * rest * (1 - 6 * s * rest)
    root = np.sqrt(1 + w**2)
    s, slope = np.sqrt(w / root), 1 / (root * (root + w))
    return s, slope, -2 * s * slope, slope * (4 * s**2 - 2 * slope)


@cache
def _lagrangian_block():
    """The Hessian block as a function of φ and its first three derivatives, c, ‖x‖ and λ."""
    z, c, norm, multiplier = sympy.symbols("z c norm multiplier", real=True)
    phi, values = sympy.Function("phi")(z), sympy.symbols("phi_0:4")
    block = hessian_block(phi, z, c=c, norm=norm, multiplier=multiplier)
    named = block.subs([(phi.diff(z, order), values[order]) for order in (3, 2, 1)]).subs(phi, values[0])
    return sympy.lambdify((*values, c, norm, multiplier), named)


def _norm(setting):
    """‖x‖ of the one datum."""
    if setting.n > 1:
        raise ValueError(f"setting: expected one datum, where the stationary networks are known, got {setting.n}")
    norm = float(scipy.linalg.norm(setting.x[0]))  # which does not overflow where squares do
    if norm == 0:
        raise ValueError("x: expected a datum other than 0, got 0")
    return norm


def _check_size(total):
    """A ValueError where powers of the shares would leave the range of floats."""
    if total and not 1e-20 <= total <= 1e20:
        raise ValueError(f"y: expected ‖x‖|y| to be 0 or from 1e-20 to 1e20, got {total:.3g}")
