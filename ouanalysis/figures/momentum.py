"""Momentum: ensembles collapse onto the flow, and the drift at finite step has its closed form."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.momentum import Momentum
from ._style import COLOURS, GREY, MARKERS, PREDICTED, draw_collapse, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: Momentum) -> Figure:
    """Draw an `experiments.momentum.Momentum`."""
    figure, (by_step, by_time, drift) = new_figure(3, height=2.9)
    label_panels((by_step, by_time, drift), ("in steps", "in flow time", "drift of one datum"))
    labels = [
        rf"$\beta = {beta:g}$, $\eta = {lr:g}$, $\sigma = {noise:g}$, $B = ${batch}"
        for beta, lr, noise, batch in result.ensembles
    ]
    draw_collapse(by_step, by_time, result, labels)
    by_time.set(xlabel=r"$k\eta^2\sigma^2/(B(1-\beta)^2)$")
    x = np.linspace(0, 0.82, 100)
    drift.plot(x, 1 / (1 - x), color=PREDICTED, label=r"$1/(1 - \eta k/(1 + \beta))$")
    drift.axhline(1, color=GREY, ls="--", lw=1)
    for k, beta in enumerate(result.momenta):
        style = {"fmt": MARKERS[k], "ms": 4, "lw": 0.9, "color": COLOURS[(0, 2, 7)[k]]}
        drift.errorbar(
            result.fractions[k], result.ratio[k], 2 * result.ratio_error[k], label=rf"SGD, $\beta = {beta:g}$", **style
        )
    drift.set(xlabel=r"$\eta k/(1 + \beta)$", ylabel="drift / leading order")
    drift.legend(loc="upper left")
    figure.legend(*by_step.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
