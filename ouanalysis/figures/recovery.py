"""The probability of finding a planted matrix against the number of measurements; drawn when named, or with --long."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binomtest

from ..experiments.recovery import RECOVERED, Recovery
from ._style import COLOURS, GREY, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]

FLOOR = 1e-2  # per cent: what the program is good for


@styled
def draw(result: Recovery) -> Figure:
    """Draw an `experiments.recovery.Recovery`."""
    figure, (probability, distance) = new_figure(2, height=3.0)
    draws = result.noisy.shape[1]
    titles = (f"found to {100 * RECOVERED:g} %, {draws} draws each", "label noise follows the program")
    label_panels((probability, distance), titles)
    curves = (
        (result.quiet, GREY, "o", "SGD, no label noise"),
        (result.noisy, SIMULATED, "s", "SGD, label noise"),
        (result.least, PREDICTED, "^", "semidefinite program"),
    )
    for shift, (distances, colour, marker, label) in zip((-0.25, 0.0, 0.25), curves, strict=True):
        found = np.count_nonzero(distances < RECOVERED, axis=1)
        share, intervals = found / draws, [binomtest(k, draws).proportion_ci(method="wilson") for k in found]
        errors = np.maximum([share - [i.low for i in intervals], [i.high for i in intervals] - share], 0)
        style = {"color": colour, "marker": marker, "ms": 4, "lw": 1, "elinewidth": 0.7, "capsize": 1.5}
        probability.errorbar(result.measurements + shift, share, errors, label=label, **style)
    probability.set(xlabel="measurements $n$", ylabel="probability, 95 % intervals", ylim=(-0.03, 1.03))

    spread = np.linspace(-0.6, 0.6, draws)
    for n, own, planted in zip(result.measurements, result.noisy_from_least, result.least, strict=True):
        distance.plot(n + spread, np.maximum(100 * planted, FLOOR), "^", ms=2.5, mew=0, color=PREDICTED)
        distance.plot(n + spread, np.maximum(100 * own, FLOOR), "s", ms=2.5, mew=0, color=COLOURS[0])
    distance.plot([], [], "^", ms=4, color=PREDICTED, label="program to planted matrix")
    distance.plot([], [], "s", ms=4, color=COLOURS[0], label="label noise to program")
    distance.set(
        yscale="log", xlabel="measurements $n$", ylabel=r"distance in % of $\|X^*\|_F$", ylim=(0.7 * FLOOR, None)
    )
    distance.set_yticks([FLOOR, 0.1, 1, 10, 100], [rf"$\leq${FLOOR:g}", "0.1", "1", "10", "100"])
    distance.legend(loc="center right", bbox_to_anchor=(1, 0.25))
    figure.legend(*probability.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
