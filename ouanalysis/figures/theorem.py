"""What η^(−1.6) steps do from a repellent and from a stationary point: exponents in the step size."""

from matplotlib.figure import Figure

from ..experiments.theorem import Theorem
from ._style import COLOURS, GREY, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: Theorem) -> Figure:
    """Draw an `experiments.theorem.Theorem`."""
    figure, (leaves, stays) = new_figure(2, height=3.3)
    label_panels((leaves, stays), ("from a repellent point", "from a strict minimum of reg"))
    _points(leaves, result, "fall", "s", COLOURS[1], r"reg$(\theta_0) -$ reg$(\theta_T)$")
    _points(leaves, result, "moved", "o", COLOURS[0], r"distance along the flow's")
    _points(stays, result, "walk", "o", COLOURS[0], "distance, root mean square")
    _points(stays, result, "rise", "s", COLOURS[1], r"reg$(\theta_T) -$ reg$(\theta_0)$")
    leaves.plot(result.lr, result.flow_fall, color=PREDICTED, label="gradient flow")
    leaves.plot(result.lr, result.flow_moved, color=PREDICTED)
    stays.plot(result.lr, result.predicted_walk, color=PREDICTED, label="walk of the areas")
    stays.plot(result.lr, result.predicted_rise, color=PREDICTED)
    for ax in (leaves, stays):
        ax.set(xscale="log", yscale="log", xlabel=r"step size $\eta$;  $T = \eta^{-1.6}$ steps")
    low, high = leaves.get_ylim()
    leaves.set(ylim=(low, high * 2), ylabel="after $T$ steps, brought back onto $M$")
    low, high = stays.get_ylim()
    stays.set_ylim(low, high * 15)
    for ax in (leaves, stays):
        ax.legend(loc="upper left")
    leaves.annotate(
        "bars: 2 s.e. over chains", (0.97, 0.03), xycoords="axes fraction", ha="right", color=GREY, fontsize=8
    )
    return figure


def _points(ax, result, name, marker, colour, label):
    slope, error, predicted, _ = result.exponents[name]
    label = rf"{label}: $\eta^{{{slope:.3f} \pm {error:.3f}}}$ ({predicted:.3f})"
    values, errors = getattr(result, name), getattr(result, f"{name}_error")
    ax.errorbar(result.lr, values, 2 * errors, fmt=marker, ms=4, lw=0.9, color=colour, label=label)
