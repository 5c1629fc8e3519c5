"""Certified gaps of ReLU networks from many random starts under lowered noise, on easy data and on harder ones."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.relu_global import ReluGlobal
from ._style import GREY, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: ReluGlobal) -> Figure:
    """Draw an `experiments.relu_global.ReluGlobal`."""
    figure, (along, ends) = new_figure(2, height=3.0, width_ratios=(1, 1.1))
    narrow, wide = result.widths[0], result.widths[-1]
    title = f"six points, {len(result.widths)} networks of width {narrow} to {wide}"
    label_panels((along, ends), (title, "mean state of the last half million steps"))
    million = 1e6
    for start, curve in zip(result.start, result.gap, strict=True):
        steps = np.append(0, result.steps) / million
        along.plot(steps, 100 * np.append(start, curve), color=SIMULATED, lw=0.7, alpha=0.6)
    for end in result.stage_ends[:-1]:
        along.axvline(end / million, color=GREY, ls=":", lw=0.8)
    along.axhline(1, color=PREDICTED, ls="--", lw=1)
    along.plot([], [], color=GREY, ls=":", lw=0.8, label="step or noise changed")
    along.set(yscale="log", xlabel="million steps", ylabel="gap of mean state in % of the least")
    along.legend(loc="upper right")

    many = zip(result.random_ends, result.random_above, strict=True)
    rows = [("six points", result.ends, result.above)]
    rows += [(f"random {k + 1}", *pair) for k, pair in enumerate(many)]
    for place, (_, gaps, above) in enumerate(rows):
        spread = np.linspace(-0.25, 0.25, len(gaps))
        ends.plot(100 * gaps, spread - place, "o", ms=3.5, color=SIMULATED, alpha=0.8, mew=0)
        share = f"{np.count_nonzero(gaps < 0.01)} of {len(gaps)};  {1 - np.mean(above):.0%}"
        ends.annotate(share, (1.02, -place), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    heading = "below 1 %:\nmeans;  single states"
    ends.annotate(heading, (1.02, 0.75), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    ends.axvline(1, color=PREDICTED, ls="--", lw=1)
    ends.set(xscale="log", xlabel="gap in % of the least", yticks=-np.arange(len(rows)), ylim=(0.5 - len(rows), 1.1))
    ends.set_yticklabels([name for name, *_ in rows])
    return figure
