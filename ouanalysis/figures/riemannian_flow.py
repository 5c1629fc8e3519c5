"""Label-noise SGD of several step sizes, noises and batches against the flow of reg on the zero-error set."""

import numpy as np

from ._style import COLOURS, GREY, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]

MARKERS = "os^D"


@styled
def draw(result):
    """Draw an `experiments.riemannian_flow.RiemannianFlow`."""
    figure, (by_step, by_time, apart) = new_figure(3, height=2.9)
    label_panels((by_step, by_time, apart), ("in steps", "in flow time", "mean of SGD to the flow"))
    by_time.plot(result.fine_times, result.flow_reg, color=PREDICTED, zorder=3, label="gradient flow")
    for k, (lr, noise_std, batch_size) in enumerate(result.ensembles):
        batch = "full" if batch_size == "full" else f"{batch_size}"
        style = {"fmt": MARKERS[k], "ms": 3, "lw": 0.8, "color": COLOURS[k]}
        label = rf"$\eta = {lr:g}$, $\sigma = {noise_std:g}$, $B = ${batch}"
        by_step.errorbar(result.steps[k, 1:], result.reg[k, 1:], 2 * result.reg_error[k, 1:], label=label, **style)
        by_time.errorbar(result.times, result.reg[k], 2 * result.reg_error[k], **style)
        apart.plot(result.times, 100 * result.distance[k], MARKERS[k], ms=3, color=COLOURS[k])
        apart.plot(result.times, 100 * result.noise[k], color=COLOURS[k], lw=0.8, ls=":")
    by_step.set(xscale="log", xlabel="steps $k$", ylabel=r"reg$(\theta)$")
    by_time.set(xlabel=r"flow time $s = \eta^2\sigma^2 k/B$", ylabel=r"reg$(\theta)$")
    apart.set(xlabel=r"flow time $s$", ylabel="% of the path length")
    apart.set_ylim(0, max(1.5, 130 * np.max(result.distance)))
    apart.annotate("dotted: by chance alone", (0.05, 0.97), xycoords="axes fraction", va="top", color=GREY, fontsize=8)
    figure.legend(loc="outside lower center", ncols=3)
    return figure
