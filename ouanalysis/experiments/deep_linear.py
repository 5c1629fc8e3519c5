"""The least regularizer of a linear network of three layers, and how noise ends there: one nuclear norm, or none.

h = ⟨A, W₃W₂W₁⟩ with d×d layers, X = W₃W₂W₁, and reg = (1/n) Σ_i (‖(W₃W₂)ᵀA_i‖² + ‖W₃ᵀA_iW₁ᵀ‖² + ‖A_i(W₂W₁)ᵀ‖²).

Where the sensors are a tight frame, (1/n) Σ_i vec(A_i)vec(A_i)ᵀ = c I, which takes n ≥ d² of them,
reg = c (d‖W₃W₂‖² + ‖W₃‖²‖W₁‖² + d‖W₂W₁‖²), and as ‖W₃W₂‖‖W₁‖ and ‖W₃‖‖W₂W₁‖ are at least the nuclear norm ‖X‖_*, the
means of the three terms give

    reg ≥ 3 c d^{2/3} ‖X‖_*^{4/3},  attained at W₁ = (S/b)^{1/2}Vᵀ, W₂ = b I, W₃ = U(S/b)^{1/2}, b³ = ‖X‖_*/d, X = USVᵀ.

One sensor A = I is the other end: reg = ‖W₃W₂‖² + ‖W₁W₃‖² + ‖W₂W₁‖² ≥ 3 Σ_k |λ_k(X)|^{4/3} (Weyl's and Hölder's
inequalities for W₃W₂·W₁W₃·W₂W₁, which has the eigenvalues of X²), so that reg ≥ 3 d^{-1/3} y^{4/3} where tr X = y,
attained at X = (y/d) I: the nuclear norm does not tell it from a matrix of rank one, and reg is against low rank. But
the flow need not end there. Where two layers vanish in a direction and the third is c in it, c costs nothing, and the
two come back only if |c| < μ/2, μ = 4 (y/k)^{1/3} the multiplier of k directions that are alive: from a larger c the
flow ends at a local minimum of rank k, where reg = 3 k^{-1/3} y^{4/3}.

Between them, with fewer sensors than d², reg follows the nuclear norm as far as they are nearly a tight frame on what
matters (Gatmiry et al. 2023, arXiv:2306.13239, under restricted isometry); the form above is neither value nor bound.
"""

from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..minima import local_search
from ..numeric import flow_time, interpolate, max_stable_lr, regularized_flow, regularizer
from ..settings import Setting
from ..settings.setting import split
from ..simulate import compiled, label_noise_sgd
from . import Size

__all__ = ["DeepLinear", "product", "run"]

D = 3
PROBLEM = 0  # the seed of the matrix seen in full and of the starts of SGD, of which the number of steps depends
LAYERS: dict[str, tuple[int, ...]] = {"W1": (D, D), "W2": (D, D), "W3": (D, D)}
SCALE = 0.8  # of the parameters that starts and the planted matrix are drawn from
TRACE = 2.0  # y of the one sensor
FEW = 5  # Gaussian sensors of the case where the closed form is none
FRACTION, NOISE_STD = 0.2, 0.1  # of SGD: the step over its stability limit, and σ
DEAD = (0.7, 1.4)  # |c| of the one dead direction over μ/2
OFF = 1e-3  # standard deviation, in every parameter, of the distance at which the flow starts beside it
FLOW_TIMES = {"tight frame": 12.0, "one sensor": 2.0}  # of SGD


@dataclass(frozen=True, eq=False)
class DeepLinear:
    """The closed forms against a search, the ends of the flow and of SGD, for the two cases; and one without a form."""

    cases: tuple[str, ...]
    least: Array  # closed form (cases,)
    searched: Array  # by `local_search`
    search_gap: Array = field(metadata={"resolution": 1e-8})  # relative
    start_gap: Array  # of the starts of the flow (cases, starts)
    flow_gap: Array = field(metadata={"resolution": 1e-8})  # of its ends, over the least of their rank
    flow_rank: Integers  # of X there, down to singular values of 10⁻³ y
    flow_status: tuple[tuple[str, ...], ...]
    # Beside a dead direction of less and of more than its threshold: reg at the end over the least, minus 1
    dead_gap: Array = field(metadata={"resolution": 1e-8})
    dead_predicted: Array
    # Of SGD: reg over the closed form for its own predictions, minus 1, at its ends, mean over chains
    chains: int
    sgd_start_gap: Array
    flow_there: Array  # the gap of the flow, at SGD's step size, where SGD ends
    sgd_gap: Array
    sgd_error: Array
    quiet_gap: Array  # where the same steps end without label noise (cases,)
    few_least: float  # with few Gaussian sensors: found by a search
    few_form: float  # the closed form of a frame, with their mean square for c, at the X of that end
    few_nuclear: float  # ‖X‖_* there
    few_least_nuclear: float  # the least of all X that fit
    few_planted: float  # of the planted matrix, of rank one


def product(theta: Array) -> Array:
    """X = W₃W₂W₁ of theta (..., 3d²)."""
    part = split(theta, LAYERS)
    return part["W3"] @ part["W2"] @ part["W1"]


def linear_network(theta: Array, x: Array) -> Array:
    """⟨A, W₃W₂W₁⟩ of sensors x (..., d, d)."""
    return anp.sum(x * product(theta), axis=(-1, -2))


def run(rng: RandomSource, size: Size = "full") -> DeepLinear:
    """Search, follow the flow and run SGD."""
    rng = generator(rng)
    starts, chains, searches = one_of("size", size, {"full": (8, 32, 16), "quick": (2, 4, 4)})
    fixed = np.random.default_rng(PROBLEM)
    cases = {"tight frame": _tight_frame(fixed), "one sensor": _setting(np.eye(D)[None], [TRACE])}
    rows = []
    for name, setting in cases.items():
        least = closed_form(name, setting.y)
        searched = local_search(setting, starts=searches, scale=SCALE, rng=rng).value
        begins = [_random_interpolant(setting, source) for source in (fixed, *[rng] * (starts - 1))]
        flows = [regularized_flow(setting, theta, times=[1e4]) for theta in begins]
        ends = np.array([flow.theta[-1] for flow in flows])
        ranks = np.sum(_singular(product(ends)) > 1e-3 * np.abs(setting.y).max(), axis=-1)
        rows.append(
            {
                "least": least,
                "searched": searched,
                "search_gap": searched / least - 1,
                "start_gap": regularizer(setting, np.array(begins)) / least - 1,
                "flow_gap": regularizer(setting, ends) / closed_form(name, setting.y, ranks) - 1,
                "flow_rank": ranks,
                "flow_status": tuple(flow.status for flow in flows),
                **_sgd(name, setting, begins[0], chains, rng),
            }
        )
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns["flow_status"] = tuple(row["flow_status"] for row in rows)
    return DeepLinear(
        cases=tuple(cases),
        chains=chains,
        dead_gap=np.array([_beside_a_dead_direction(cases["one sensor"], factor, rng) for factor in DEAD]),
        dead_predicted=np.array([0.0, (1 - 1 / D) ** (-1 / 3) - 1]),
        **columns,
        **_few(searches, fixed, rng),
    )


def closed_form(name: str, y: Array, rank: int | Integers = D) -> Array:
    """The least reg of predictions y (..., n) on every entry of X, or on the one sensor I with X of some rank."""
    if name == "one sensor":
        return 3 * np.power(rank, -1 / 3) * np.abs(y[..., 0]) ** (4 / 3)
    return tight_form(y.reshape(*y.shape[:-1], D, D), 1 / D**2)


def tight_form(X: Array, frame: float) -> Array:
    """3 c d^{2/3} ‖X‖_*^{4/3} of X (..., d, d)."""
    return 3 * frame * D ** (2 / 3) * np.sum(_singular(X), axis=-1) ** (4 / 3)


def _singular(X):
    return np.linalg.svd(X, compute_uv=False)


def _tight_frame(rng):
    """Every entry of a random matrix, of full rank: an orthonormal basis, n = d²."""
    basis = np.eye(D * D).reshape(-1, D, D)
    return _setting(basis, product(SCALE * rng.standard_normal(3 * D * D)).ravel())


def _setting(sensors, y) -> Setting:
    return compiled(Setting(linear_network, sensors, y, parts=LAYERS))


def _random_interpolant(setting, rng):
    return interpolate(setting, SCALE * rng.standard_normal(setting.dim))


def _sgd(name, setting, theta, chains, rng):
    """The gap of SGD's own predictions where it starts and where it ends."""
    noise: dict[str, Any] = {"lr": FRACTION * max_stable_lr(setting, theta), "noise_std": NOISE_STD}
    steps = int(FLOW_TIMES[name] / flow_time(setting, **noise))
    run = label_noise_sgd(setting, theta, **noise, steps=steps, rng=rng, chains=chains)
    quiet = label_noise_sgd(setting, theta, **noise | {"noise_std": 0.0}, steps=steps, rng=rng)
    gap, quiet_gap = (
        regularizer(setting, end) / closed_form(name, setting.predictions(end)) - 1
        for end in (run.theta[:, -1], quiet.theta[0, -1])
    )
    flow = regularized_flow(setting, theta, times=[FLOW_TIMES[name]], lr=noise["lr"])
    least = closed_form(name, setting.y)
    return {
        "sgd_start_gap": regularizer(setting, theta) / least - 1,
        "flow_there": flow.reg[-1] / least - 1,
        "sgd_gap": gap.mean(),
        "sgd_error": gap.std(ddof=1) / np.sqrt(chains),
        "quiet_gap": quiet_gap,
    }


def _beside_a_dead_direction(setting, factor, rng):
    """The gap where the flow ends that starts beside the best X of rank d − 1, one layer alive in what is left."""
    size = (TRACE / (D - 1)) ** (1 / 3)
    balanced = size * np.diag(np.arange(D) > 0)
    one = balanced + np.diag([factor * 2 * size] + [0.0] * (D - 1))
    theta = setting.pack(W1=balanced, W2=one, W3=balanced) + OFF * rng.standard_normal(setting.dim)
    flow = regularized_flow(setting, interpolate(setting, theta), times=[1e4])
    return flow.reg[-1] / closed_form("one sensor", setting.y) - 1


def _few(searches, fixed, rng):
    """Fewer Gaussian sensors than entries, of a planted matrix of rank one and unit norm: the closed form fails."""
    sensors = fixed.standard_normal((FEW, D, D))
    left, right = (vector / np.linalg.norm(vector) for vector in fixed.standard_normal((2, D)))
    planted = np.outer(left, right)
    setting = Setting(linear_network, sensors, np.sum(sensors * planted, axis=(-1, -2)), parts=LAYERS)
    found = local_search(setting, starts=searches, scale=SCALE, rng=rng)
    assert found.theta is not None  # a search has one
    X = product(found.theta)
    return {
        "few_least": found.value,
        "few_form": float(tight_form(X, np.mean(sensors**2))),
        "few_nuclear": float(np.sum(_singular(X))),
        "few_least_nuclear": _least_nuclear_norm(setting, rng),
        "few_planted": 1.0,
    }


def _least_nuclear_norm(setting, rng):
    """Of all X that fit, as the least ½(‖P‖² + ‖Q‖²) with X = PQᵀ, which has no other minima at full size."""
    from scipy.optimize import minimize  # slow to import

    def fitted(entries):
        P, Q = entries.reshape(2, D, D)
        return np.sum(setting.x * (P @ Q.T), axis=(-1, -2)) - setting.y

    start = rng.standard_normal(2 * D * D)
    found = minimize(
        lambda entries: entries @ entries / 2,
        start,
        jac=lambda entries: entries,
        constraints={"type": "eq", "fun": fitted},
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    if not found.success:
        raise ArithmeticError(f"deep_linear: expected the least nuclear norm, got {found.message}")
    return float(found.fun)
