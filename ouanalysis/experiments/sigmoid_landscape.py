"""Which networks on one datum have the least regularizer: one, equal, or one-plus-rest neurons: theory.md, section 4.3.

A neuron that carries a share v of the label costs g(‖x‖ |v|). tanh's cost is concave: one neuron carries all. The
logistic's is convex, then concave: neurons share a small label equally, and one of them takes most of a large one.
"""

from dataclasses import dataclass

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..minima import minimum
from ..settings import SigmoidNetwork
from . import Size

__all__ = ["SigmoidLandscape", "run"]

LARGEST_COST, WIDTHS = 3.0, (2, 3, 4, 6, 8, 12, 16, 24, 32)
LABELS = (0.05, 7.0)
SHARED_WIDTH, SHARED_LABELS = 4, (1.0, 1.9, 2.5)


@dataclass(frozen=True, eq=False)
class SigmoidLandscape:
    """With ‖x‖ = 1, so that labels and shares are the ‖x‖ |y| and ‖x‖ |v| of any datum."""

    share: Array  # (points,)
    tanh_cost: Array  # (points,), each from a network of one neuron
    logistic_cost: Array
    widths: Integers  # (widths,)
    labels: Array  # (labels,)
    kind: Integers  # logistic: 0 equal, 1 one-plus-rest is least (widths, labels)
    local: Integers  # how many kinds of stationary networks are local minima (widths, labels)
    tanh_active: Integers  # neurons of the least tanh network (widths, labels)
    threshold: Array  # label from which one-plus-rest costs less (widths,)
    one_share: Array  # of one neuron among SHARED_WIDTH, as a part of the label (points,)
    total: Array  # the cost with the others equal (SHARED_LABELS, points)
    total_least: Array  # (SHARED_LABELS, 2): the share and cost at the least


def run(rng: RandomSource, size: Size = "full") -> SigmoidLandscape:
    """Nothing is random."""
    generator(rng)
    points, labels = one_of("size", size, {"full": (121, 140), "quick": (13, 8)})
    share, label = np.linspace(0.02, LARGEST_COST, points), np.linspace(*LABELS, labels)
    costs = {name: np.array([_least(name, 1, v).value for v in share]) for name in ("tanh", "logistic")}
    least = [[_least("logistic", width, y) for y in label] for width in WIDTHS]
    tanh = [[_least("tanh", width, y) for y in label] for width in WIDTHS]
    part = np.linspace(0.002, 0.998, points)

    def total(y):
        one, rest = part * y, (1 - part) * y / (SHARED_WIDTH - 1)
        return one**2 / (1 + one**2) + (SHARED_WIDTH - 1) * rest**2 / (1 + rest**2)

    best = [_least("logistic", SHARED_WIDTH, y) for y in SHARED_LABELS]
    return SigmoidLandscape(
        share=share,
        tanh_cost=costs["tanh"],
        logistic_cost=costs["logistic"],
        widths=np.array(WIDTHS),
        labels=label,
        kind=np.array([[int(_unequal(found)) for found in row] for row in least]),
        local=np.array(
            [[sum(network.negative == 0 for network in found.stationary) for found in row] for row in least]
        ),
        tanh_active=np.array([[np.count_nonzero(found.shares) for found in row] for row in tanh]),
        threshold=np.array([_threshold(width) for width in WIDTHS]),
        one_share=part,
        total=np.array([total(y) for y in SHARED_LABELS]),
        total_least=np.array(
            [[found.shares[0] / y, found.value] for found, y in zip(best, SHARED_LABELS, strict=True)]
        ),
    )


def _least(activation, width, label):
    return minimum(SigmoidNetwork([[1.0]], [label], width, activation))


def _unequal(found):
    return np.ptp(found.shares) > 1e-6 * found.shares[0]


def _threshold(width):
    """The label from which one-plus-rest costs less than equal shares, by bisection."""
    low, high = LABELS
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if _unequal(_least("logistic", width, middle)) else (middle, high)
    return high
