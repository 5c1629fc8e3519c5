"""The stationary loss at every stable step size: leading order, exact law and simulation."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.finite_step import FiniteStep
from ._style import COLOURS, GREY, MARKERS, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: FiniteStep) -> Figure:
    """Draw an `experiments.finite_step.FiniteStep`."""
    figure, (loss, ratio) = new_figure(2, height=3.1)
    label_panels((loss, ratio), ("noise floor", "over the leading order"))
    steps = np.outer(result.limit, result.fractions)
    ends = np.array([steps.min(), result.limit.max()])
    loss.plot(ends, ends * result.reg, color=GREY, ls="--", label=r"leading order $\eta\,$reg, every $B$")
    ratio.axhline(1, color=GREY, ls="--")
    for k, batch in enumerate(result.batches):
        colour, name = COLOURS[k], "full batch" if batch == "full" else f"$B = {batch}$"
        points = result.limit[k] * result.simulated_fractions
        loss.plot(steps[k], result.exact[k], color=colour, label=f"{name}, exact and SGD")
        loss.axvline(result.limit[k], color=colour, lw=0.9, ls=":")
        ratio.plot(result.fractions, result.exact[k] / (steps[k] * result.reg), color=colour)
        style = {"fmt": MARKERS[k], "ms": 4, "lw": 0.9, "color": colour}
        loss.errorbar(points, result.measured[k], 2 * result.error[k], **style)
        ratio.errorbar(
            result.simulated_fractions,
            result.measured[k] / (points * result.reg),
            2 * result.error[k] / (points * result.reg),
            **style,
        )
    ratio.axvline(1, color=GREY, lw=0.9, ls=":")
    loss.set(xscale="log", yscale="log", xlabel=r"step size $\eta$", ylabel=r"$B\,\mathrm{E}L/\sigma^2$")
    ratio.set(
        xlabel=r"$\eta/\eta_{\max}$", ylabel=r"$B\,\mathrm{E}L/(\eta\sigma^2$reg$)$", ylim=(0.8, 20), yscale="log"
    )
    ratio.set_yticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    ratio.minorticks_off()
    loss.legend(loc="upper left")
    ratio.annotate(
        r"$\eta_{\max}$", (1, 0.85), xytext=(-4, 0), textcoords="offset points", ha="right", color=GREY, fontsize=8
    )
    ratio.annotate("bars: 2 s.e. over chains", (0.03, 0.95), xycoords="axes fraction", va="top", color=GREY, fontsize=8)
    return figure
