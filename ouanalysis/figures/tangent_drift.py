"""The drift along the zero-error set through its transient, and the remainder of its prediction."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.tangent_drift import TangentDrift
from ._style import COLOURS, GREY, MARKERS, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: TangentDrift) -> Figure:
    """Draw an `experiments.tangent_drift.TangentDrift`."""
    figure, (transient, remainder) = new_figure(2, height=3.1)
    label_panels((transient, remainder), ("displacement", "what the prediction leaves"))
    transient.plot(result.times[0], result.leading[0], color=GREY, ls="--", label="leading order, every step size")
    for k, curvature in enumerate(result.curvatures):
        colour, style = COLOURS[k], {"ms": 4, "lw": 0.9}
        label = rf"$\eta\lambda_{{\max}} = {curvature:g}$, exact and SGD"
        measured, error = result.measured[k], 2 * result.error[k]
        transient.plot(result.times[k], result.exact[k], color=colour)
        transient.errorbar(result.times[k], measured, error, fmt=MARKERS[k], color=colour, label=label, **style)
    transient.set(
        xscale="log",
        xlabel=r"time $\lambda_{\max}\eta t$",
        ylabel=r"$\mathrm{E}\,N(\theta_t - \theta^*)\;/\;(\eta^2\sigma^2\,\|N\nabla$reg$\|\;t)$",
        ylim=(0, 2.7),
    )
    transient.legend(loc="upper left")

    line = result.remainder[-1] * (result.sigmas / result.sigmas[-1]) ** 2
    remainder.plot(result.sigmas, line, color=PREDICTED, label=r"slope 2")
    remainder.errorbar(
        result.sigmas, result.remainder, 2 * result.remainder_error, fmt="o", ms=4, lw=0.9, color=SIMULATED, label="SGD"
    )
    slope = np.polyfit(np.log(result.sigmas), np.log(result.remainder), 1)[0]
    remainder.set(
        xscale="log",
        yscale="log",
        xlabel=r"noise $\sigma$ (units of $y$)",
        ylabel=r"|measured $-$ predicted| / predicted",
    )
    remainder.annotate(
        f"fitted slope {slope:.2f}", (0.95, 0.05), xycoords="axes fraction", ha="right", color=GREY, fontsize=8
    )
    remainder.set_xticks(result.sigmas, [f"{sigma:g}" for sigma in result.sigmas])
    remainder.minorticks_off()
    remainder.legend(loc="upper left")
    return figure
