"""Label-noise SGD of several step sizes, noises and batches against the flow of reg on the zero-error set."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.riemannian_flow import RiemannianFlow
from ._style import COLOURS, GREY, MARKERS, draw_collapse, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: RiemannianFlow) -> Figure:
    """Draw an `experiments.riemannian_flow.RiemannianFlow`."""
    figure, (by_step, by_time, apart) = new_figure(3, height=2.9)
    label_panels((by_step, by_time, apart), ("in steps", "in flow time", "mean of SGD to the flow"))
    labels = [rf"$\eta = {lr:g}$, $\sigma = {noise:g}$, $B = ${batch}" for lr, noise, batch in result.ensembles]
    draw_collapse(by_step, by_time, result, labels)
    by_time.set(xlabel=r"flow time $s = \eta^2\sigma^2 k/B$")
    for k in range(len(labels)):
        apart.plot(result.times, 100 * result.distance[k], MARKERS[k], ms=3, color=COLOURS[k])
        apart.plot(result.times, 100 * result.noise[k], color=COLOURS[k], lw=0.8, ls=":")
    apart.set(xlabel=r"flow time $s$", ylabel="% of the path length")
    apart.set_ylim(0, max(1.5, 130 * np.max(result.distance)))
    apart.annotate("dotted: by chance alone", (0.05, 0.97), xycoords="axes fraction", va="top", color=GREY, fontsize=8)
    figure.legend(loc="outside lower center", ncols=3)
    return figure
