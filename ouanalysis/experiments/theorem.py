"""The paper's theorem in its own form: what η^{−1.6} steps do from a repellent and from a stationary point.

From a repellent point θ moves along the zero-error set M by an amount of order η^{0.4}, and reg falls by as much: the
flow time η²σ²T/B is η^{0.4}σ²/B. From a strict minimum of reg on M it stays, but for a walk of order η^{0.7}, by which
reg rises by order η^{1.4}. Ends are brought back onto M by descent without noise, whose limit moves as the flow does
from the first step on: what is across M, of order √η, is gone, and so is the transient in which it built up.

The walk: let a_k = v_kᵀδ be the process along the eigenvectors of H, λ_k its eigenvalues and u_k the left singular
vectors of J. A step moves θ along M by Σ_kl A_kl a_l da_k, A_kl = (2/(nλ_k))^{1/2} N Σ_i u_ik ∇²h_i v_l. The symmetric
part of A is an end term and the drift; the other sums the areas ∫ a_l da_k − a_k da_l, of mean 0, which the descent at
the end makes martingales: with v = ησ²/B and t_k = ηT − (1 − e^{−2λ_kηT})/(2λ_k),

    Var = Σ_{k<l} ‖A_kl − A_lk‖² 2v² λ_kλ_l (λ_k t_k + λ_l t_l)/(λ_k + λ_l)²   →   of order v²ηT = η^{1.4}σ⁴/B².

A step that is not small adds what is left of the symmetric part, −½ Σ_kl A_kl Δa_k Δa_l, that is −2η²ε² N∇²h_b g_b of
the datum b drawn: of mean 0 over the data at a stationary point, and for Gaussian ε and B = 1 of variance
12η⁴σ⁴T (1/n) Σ_b ‖N∇²h_b g_b‖², of order η^{2.4}. What is left then is of order ηλ_max of it, a few per cent.

Source: Blanc et al. 2020 (arXiv:1904.09080), theorem 1; theory.md, sections 2 and 3.
"""

from dataclasses import dataclass, field
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..numeric import (
    gram,
    interpolate,
    jacobian,
    regularized_flow,
    regularizer,
    regularizer_gradient,
    stability,
    tangent_drift,
)
from ..numeric.long_time.stability import Verdict
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size
from .power_law import fitted_exponent

__all__ = ["Exponent", "Theorem", "run"]

RATES = np.geomspace(1e-2, 10**-3.5, 6)  # η
POWER = 1.6  # of 1/η, the number of steps
NOISE_STD = 0.1
RETURN = (0.1, 30.0)  # η λ_max of the descent back onto M, and how many times 1/(ηλ_min) it takes
FALL, WALK, RISE = 0.4, 0.7, 1.4  # the exponents of the theorem, and of what it leaves


@dataclass(frozen=True, eq=False)
class Exponent:
    """A power of η, fitted to what was measured."""

    name: str
    fitted: float
    error: float  # its standard error
    predicted: float  # of the prediction at the same points and with the same weights, so that a curve bends both alike
    limit: float  # as η → 0


@dataclass(frozen=True, eq=False)
class Theorem:
    """Against η, from the two points; B = 1."""

    verdicts: tuple[Verdict, Verdict]  # of `stability`, of the two points
    lr: Array  # η (points,)
    steps: Integers  # η^{−1.6}
    flow_times: Array  # η²σ²T
    chains: int  # of each point, independent of those of the others
    # The drift of a step at the repellent point over its leading order: what a step that is not small adds to the flow.
    finite_step: Array
    fall: Array  # of reg, from the repellent point, mean over chains
    fall_error: Array
    flow_fall: Array  # of the flow at the same flow times
    law_fall: Array  # of the flow at flow times multiplied by finite_step
    moved: Array  # along what the flow moves
    moved_error: Array
    flow_moved: Array
    law_moved: Array
    walk: Array = field(metadata={"resolution": 1e-12})  # from the stationary point, root mean square over chains
    walk_error: Array = field(metadata={"resolution": 1e-12})
    predicted_walk: Array
    rise: Array = field(metadata={"resolution": 1e-14})  # of reg there
    rise_error: Array = field(metadata={"resolution": 1e-14})
    predicted_rise: Array  # by the covariance of the walk and the Hessian of reg on M
    exponents: tuple[Exponent, ...]  # of fall, moved, walk and rise
    flow_exponents: tuple[float, float]  # of flow_fall and flow_moved


def run(rng: RandomSource, size: Size = "full") -> Theorem:
    """Simulate from the two points and integrate the flow."""
    rng = generator(rng)
    chains, points = one_of("size", size, {"full": (300, len(RATES)), "quick": (100, 3)})
    lr = RATES[:points]
    steps = np.round(lr**-POWER).astype(int)
    setting, theta = planted_sigmoid_network(2, 2, 3, rng=1)
    rest = interpolate(setting, regularized_flow(setting, theta, times=[0.0, 1e4]).theta[-1])
    times = lr**2 * NOISE_STD**2 * steps
    finite_step = np.array([_over_leading(setting, theta, each) for each in lr])
    flow_theta, law_theta = _on_flow(setting, theta, times), _on_flow(setting, theta, times * finite_step)
    ends = [_back(setting, _end(setting, theta, *at, chains, rng)) for at in zip(lr, steps, strict=True)]
    rests = [_back(setting, _end(setting, rest, *at, chains, rng)) for at in zip(lr, steps, strict=True)]
    start, flow_moves = regularizer(setting, theta), flow_theta - theta
    along = flow_moves / np.linalg.norm(flow_moves, axis=-1, keepdims=True)
    fall, fall_error = _means(start - regularizer(setting, np.array(ends)))
    moved, moved_error = _means(np.einsum("kcp,kp->kc", np.array(ends) - theta, along))
    square, square_error = _means(np.sum((np.array(rests) - rest) ** 2, axis=-1))
    rise, rise_error = _means(regularizer(setting, np.array(rests)) - regularizer(setting, rest))
    walk, walk_error = np.sqrt(square), square_error / (2 * np.sqrt(square))
    law_fall, law_moved = start - regularizer(setting, law_theta), np.sum((law_theta - theta) * along, axis=-1)
    covariances = np.array([_walk_covariance(setting, rest, *at) for at in zip(lr, steps, strict=True)])
    predicted_walk = np.sqrt(np.trace(covariances, axis1=1, axis2=2))
    predicted_rise = np.einsum("kpq,pq->k", covariances, _curvature(setting, rest)) / 2
    flow_fall, flow_moved = start - regularizer(setting, flow_theta), np.linalg.norm(flow_moves, axis=-1)
    return Theorem(
        verdicts=(stability(setting, theta).verdict, stability(setting, rest).verdict),
        lr=lr,
        steps=steps,
        flow_times=times,
        chains=chains,
        finite_step=finite_step,
        fall=fall,
        fall_error=fall_error,
        flow_fall=flow_fall,
        law_fall=law_fall,
        moved=moved,
        moved_error=moved_error,
        flow_moved=flow_moved,
        law_moved=law_moved,
        walk=walk,
        walk_error=walk_error,
        predicted_walk=predicted_walk,
        rise=rise,
        rise_error=rise_error,
        predicted_rise=predicted_rise,
        exponents=(
            _exponent("fall", lr, fall, fall_error, law_fall, FALL),
            _exponent("moved", lr, moved, moved_error, law_moved, FALL),
            _exponent("walk", lr, walk, walk_error, predicted_walk, WALK),
            _exponent("rise", lr, rise, rise_error, predicted_rise, RISE),
        ),
        flow_exponents=(
            _exponent("fall", lr, fall, fall_error, flow_fall, FALL).predicted,
            _exponent("moved", lr, moved, moved_error, flow_moved, FALL).predicted,
        ),
    )


def _end(setting, theta, lr, steps, chains, rng):
    run = label_noise_sgd(setting, theta, lr=lr, noise_std=NOISE_STD, steps=int(steps), rng=rng, chains=chains)
    return run.theta[:, -1]


def _back(setting, theta):
    """Where descent without noise comes to from each chain (chains, p)."""
    curvature, times = RETURN
    spectra = 2 / setting.n * np.linalg.eigvalsh(gram(setting, theta))
    lr = curvature / np.max(spectra)
    steps = int(times / (lr * np.min(spectra)))
    sgd: dict[str, Any] = {"lr": lr, "noise_std": 0.0, "batch_size": "full", "rng": 0}  # nothing random is left
    return label_noise_sgd(setting, theta, **sgd, steps=steps, chains=len(theta)).theta[:, -1]


def _on_flow(setting, theta, times):
    return regularized_flow(setting, theta, times=np.append(0.0, np.sort(times)))(times)


def _over_leading(setting, theta, lr):
    """The exact drift of a step along N∇reg over −η²σ² N∇reg."""
    downhill = -_tangent(setting, theta, regularizer_gradient(setting, theta))
    exact = tangent_drift(setting, theta, lr=lr, noise_std=1.0)
    return exact @ downhill / (lr**2 * (downhill @ downhill))


def _walk_covariance(setting, theta, lr, steps):
    """Of θ along M, (p, p): the formula above."""
    rows, hessians = jacobian(setting, theta), _hessians(setting, theta)
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    curvatures = 2 / setting.n * singular**2
    pushes = np.einsum("ik,ipq,lq->klp", left, hessians, right)
    pushes *= np.sqrt(2 / (setting.n * curvatures))[:, None, None]
    moves = _tangent(setting, theta, pushes - pushes.swapaxes(0, 1))
    weights = curvatures * (lr * steps) + np.expm1(-2 * curvatures * lr * steps) / 2  # λ_k t_k
    rates = (
        np.outer(curvatures, curvatures) * np.add.outer(weights, weights) / np.add.outer(curvatures, curvatures) ** 2
    )
    areas = lr**2 * np.einsum("kl,klp,klq->pq", rates, moves, moves)  # each pair k < l twice
    drawn = _tangent(setting, theta, np.einsum("ipq,iq->ip", hessians, rows))
    return NOISE_STD**4 * (areas + 12 * lr**4 * steps / setting.n * drawn.T @ drawn)


def _curvature(setting, theta):
    """∇²reg − Σ_i μ_i ∇²h_i, whose tangent part is the Hessian of reg on M."""

    def reg(at):
        return anp.sum(autograd.jacobian(lambda inner: setting.h(inner[None, :], setting.x))(at) ** 2) / setting.n

    mu = np.linalg.lstsq(jacobian(setting, theta).T, regularizer_gradient(setting, theta), rcond=None)[0]
    return autograd.hessian(reg)(theta) - np.tensordot(mu, _hessians(setting, theta), axes=1)


def _hessians(setting, theta):
    """∇²h_i (n, p, p)."""
    return autograd.hessian(lambda at: setting.h(at[None, :], setting.x))(theta)


def _tangent(setting, theta, vectors):
    basis = np.linalg.qr(jacobian(setting, theta).T)[0]
    return vectors - vectors @ basis @ basis.T


def _means(values):
    """Over the chains (points, chains), and standard errors."""
    return values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])


def _exponent(name, lr, measured, error, predicted, limit):
    fitted, fitted_error = fitted_exponent(lr, measured, error)
    expected, _ = fitted_exponent(lr, predicted, error / measured * predicted)
    return Exponent(name=name, fitted=fitted, error=fitted_error, predicted=expected, limit=limit)
