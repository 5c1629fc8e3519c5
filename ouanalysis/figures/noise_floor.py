"""The loss plateau of label-noise SGD against (ησ²/B) reg(θ), over random settings."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.noise_floor import NoiseFloor
from ._style import COLOURS, GREY, MARKERS, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: NoiseFloor) -> Figure:
    """Draw an `experiments.noise_floor.NoiseFloor`."""
    figure, (floor, ratio) = new_figure(2, height=2.9)
    label_panels((floor, ratio), ("the noise floor measures the regularizer", "what the leading order leaves"))
    scale = 10.0 ** np.floor(np.log10(result.predicted.max()))
    for k, kind in enumerate(result.kinds):
        of_kind = result.kind == k
        predicted, measured, error = (part[of_kind] for part in (result.predicted, result.measured, result.error))
        style = {"fmt": MARKERS[k], "ms": 4, "lw": 0.9, "color": COLOURS[k]}
        floor.errorbar(predicted / scale, measured / scale, 2 * error / scale, label=kind, **style)
        ratio.errorbar(result.curvature[of_kind], measured / predicted, 2 * error / predicted, **style)
    ends = np.array([0, 1.08 * max(result.predicted.max(), result.measured.max()) / scale])
    floor.plot(ends, ends, color=PREDICTED, lw=1, zorder=0, label="equality")
    power = int(np.log10(scale))
    floor.set(
        xlabel=rf"$(\eta\sigma^2/B)\;$reg$(\theta)$ ($10^{{{power}}}$ units of $y^2$)",
        ylabel=rf"mean clean loss ($10^{{{power}}}$ units of $y^2$)",
        xlim=ends,
        ylim=ends,
        box_aspect=1,
    )
    floor.legend()
    ratio.axhline(1, color=PREDICTED, lw=1, zorder=0)
    ratio.set(xlabel=r"$\eta\lambda_{\max}(H)$", ylabel="measured / predicted", xscale="log")
    ratio.annotate("bars: 2 s.e. over chains", (0.03, 0.95), xycoords="axes fraction", va="top", color=GREY, fontsize=8)
    return figure
