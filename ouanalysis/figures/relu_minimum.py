"""A ReLU network before and after label noise, the simplest function through the same data, and what a bend costs."""

from matplotlib.figure import Figure

from ..experiments.relu_minimum import ReluMinimum
from ._style import COLOURS, GREY, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: ReluMinimum) -> Figure:
    """Draw an `experiments.relu_minimum.ReluMinimum`."""
    figure, (function, cost) = new_figure(1, rows=2, height=2.6, height_ratios=(1.35, 1))
    label_panels((function, cost), ("the function", "the cost of a unit bend, by where it is"))
    before, after, least = result.reg
    gap = f"{100 * result.relative_gap[1]:.2g} % above the least\nof its predictions"
    function.plot(result.grid, result.before, color=GREY, lw=1, label=f"before: reg {before:.3g}")
    function.plot(
        result.grid, result.after, color=SIMULATED, lw=2.6, label=f"label noise, mean state: reg {after:.4g},\n{gap}"
    )
    function.plot(result.grid, result.optimal, color=PREDICTED, lw=1.2, ls="--", label=f"the simplest: reg {least:.4g}")
    function.plot(result.x, result.y, "o", color=COLOURS[1], mec="black", mew=0.6, ms=5, label="data", zorder=3)
    function.set(ylabel=r"$h(x)$")
    function.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

    sides = (
        (result.cost_right, COLOURS[2], r"$w_+$, facing right"),
        (result.cost_left, COLOURS[3], r"$w_-$, facing left"),
    )
    for side, (values, colour, label) in enumerate(sides):
        for left, right in zip(result.x[:-1], result.x[1:], strict=True):
            inside = (result.grid > left) & (result.grid < right)
            cost.plot(result.grid[inside], values[inside], color=colour, label=label if left == result.x[0] else None)
        cost.plot(result.x, result.cost_limit[side], "o", mfc="white", color=colour, ms=4)
        cost.plot(result.x, result.cost_at_data[side], "o", color=colour, ms=4)
    for kink in result.optimal_kinks:
        for ax in (function, cost):
            ax.axvline(kink, color=PREDICTED, ls=":", lw=0.9)
    cost.plot([], [], color=PREDICTED, ls=":", lw=0.9, label="kinks of the simplest")
    cost.plot([], [], "o", color=GREY, ms=4, label="value at a datum")
    cost.plot([], [], "o", mfc="white", color=GREY, ms=4, label="limit beside it")
    cost.set(xlabel=r"$x$, and place of the kink $k$", ylabel=r"$w_\pm(k)$", ylim=(0, None))
    cost.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
