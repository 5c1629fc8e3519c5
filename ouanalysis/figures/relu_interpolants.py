"""ReLU networks through the same points before and after label noise: the function, its convexity, its regularizer."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..experiments.relu_interpolants import ReluInterpolants
from ._style import COLOURS, GREY, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: ReluInterpolants) -> Figure:
    """Draw an `experiments.relu_interpolants.ReluInterpolants`, with the function that had most bends before."""
    figure, (function, changes, reg) = new_figure(3, height=3.0, width_ratios=(1.3, 1, 1))
    label_panels((function, changes, reg), ("the function", "changes of convexity", "implicit regularizer"))
    shown = int(np.argmax(result.convexity_changes[:, 0]))

    function.plot(result.grid, result.before[shown], color=GREY, lw=1, label="before")
    function.plot(result.grid, result.after[shown], color=SIMULATED, label="after label noise")
    function.plot(result.x, result.y, "o", color=COLOURS[1], mec="black", mew=0.6, ms=5, label="data", zorder=3)
    function.set(xlabel=r"$x$", ylabel=r"$h(x)$")

    for chain, (count, value) in enumerate(zip(result.convexity_changes, result.reg, strict=True)):
        line = {"lw": 1.6, "zorder": 3} if chain == shown else {"lw": 0.7, "alpha": 0.5}
        changes.plot(result.steps, count, color=SIMULATED, drawstyle="steps-post", **line)
        reg.plot(result.steps, value, color=SIMULATED, **line)
    changes.plot([], [], color=SIMULATED, lw=0.7, alpha=0.5, label=f"{len(result.reg) - 1} other starts")
    changes.axhline(1, color=PREDICTED, ls="--", lw=1, label="fewest possible")
    inner = f"{result.margin:g} inside the data"
    changes.set(ylabel=f"turns of slope by over {result.tolerance:g},\n{inner}", ylim=(0, None))
    changes.yaxis.set_major_locator(MaxNLocator(integer=True))
    reg.set(ylabel=r"reg$(\theta)$", ylim=(0, None))
    for ax in (changes, reg):
        ax.set(xlabel="steps", xscale="log", xlim=(result.steps[1], result.steps[-1]))
        for end in result.stage_ends[:-1]:
            ax.axvline(end, color=GREY, ls=":", lw=0.8)
    changes.plot([], [], color=GREY, ls=":", lw=0.8, label="step or noise lowered")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
