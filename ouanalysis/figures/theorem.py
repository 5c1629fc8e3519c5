"""What η^(−1.6) steps do from a repellent and from a stationary point: exponents in the step size."""

from matplotlib.figure import Figure

from ..experiments.theorem import Theorem
from ._style import COLOURS, GREY, MARKERS, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]

NAMES = {
    "fall": r"fall of reg",
    "moved": r"distance along the flow",
    "walk": "distance, r.m.s.",
    "rise": r"rise of reg",
}


@styled
def draw(result: Theorem) -> Figure:
    """Draw an `experiments.theorem.Theorem`."""
    figure, (leaves, stays) = new_figure(2, height=3.3)
    label_panels((leaves, stays), ("from a repellent point", "from a strict minimum of reg"))
    for k, exponent in enumerate(result.exponents):
        ax, colour = (leaves, stays)[k // 2], COLOURS[k % 2]
        prediction = "law" if ax is leaves else "predicted"
        values, errors = getattr(result, exponent.name), getattr(result, f"{exponent.name}_error")
        ax.plot(result.lr, getattr(result, f"{prediction}_{exponent.name}"), color=PREDICTED, zorder=1)
        ax.errorbar(
            result.lr,
            values,
            2 * errors,
            fmt=MARKERS[k % 2],
            ms=4,
            lw=0.9,
            color=colour,
            label=f"{NAMES[exponent.name]}: slope {exponent.fitted:.3f} ± {exponent.error:.3f}\n"
            f"(predicted {exponent.predicted:.3f})",
        )
        ax.set(xscale="log", yscale="log", xlabel=r"step size $\eta$, after $\eta^{-1.6}$ steps")
    leaves.set(ylabel="change, ends brought back onto $M$", ylim=(result.moved.min() / 1.5, 3.5 * result.fall.max()))
    leaves.set_yticks([1e-3, 2e-3, 5e-3, 1e-2], ["0.001", "0.002", "0.005", "0.01"])
    leaves.minorticks_off()
    leaves.set_xticks([1e-3, 1e-2], ["$10^{-3}$", "$10^{-2}$"])
    stays.set_ylim(result.rise.min() / 4, 2000 * result.walk.max())
    leaves.legend(loc="upper left")
    stays.legend(loc="upper left")
    leaves.annotate(
        "lines: gradient flow, finite step", (0.97, 0.09), xycoords="axes fraction", ha="right", color=GREY, fontsize=8
    )
    stays.annotate(
        "lines: areas of the process across $M$",
        (0.97, 0.3),
        xycoords="axes fraction",
        ha="right",
        color=GREY,
        fontsize=8,
    )
    leaves.annotate(
        "bars: 2 s.e. over chains", (0.97, 0.03), xycoords="axes fraction", ha="right", color=GREY, fontsize=8
    )
    return figure
