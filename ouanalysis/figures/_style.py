"""One style for all figures: sized for a two-column page, in Okabe and Ito's colour-blind safe colours."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..experiments.momentum import Momentum
from ..experiments.riemannian_flow import RiemannianFlow

__all__ = [
    "COLOURS",
    "GREY",
    "MARKERS",
    "PREDICTED",
    "SIMULATED",
    "draw_collapse",
    "label_panels",
    "new_figure",
    "styled",
]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

SIMULATED, PREDICTED, GREY = "#0072B2", "#D55E00", "#7F7F7F"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")

MARKERS = "os^D"

RC = {
    "axes.grid": False,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "svg.hashsalt": "ouanalysis",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


def styled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a function that draws or saves in the style above, whatever the user's matplotlibrc says."""

    @wraps(function)
    def inside(*args, **kwargs):
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(RC)
            return function(*args, **kwargs)

    return inside


def new_figure(columns: int, *, rows: int = 1, height: float = 2.5, **ratios: Sequence[float]) -> tuple[Figure, Any]:
    """A page-wide Figure and its axes."""
    figure = Figure(figsize=(7.2, height * rows))
    return figure, figure.subplots(rows, columns, gridspec_kw=ratios or None)


def label_panels(axes: Iterable[Axes], titles: Iterable[str]) -> None:
    """(a), (b), ... before each title."""
    for letter, ax, title in zip("abcdefgh", axes, titles, strict=False):
        ax.set_title(f"({letter}) {title}")


def draw_collapse(by_step: Axes, by_time: Axes, result: Momentum | RiemannianFlow, labels: Sequence[str]) -> None:
    """The mean reg of each ensemble in steps, and all of them in flow time on the flow."""
    by_time.plot(result.fine_times, result.flow_reg, color=PREDICTED, zorder=3, label="gradient flow")
    for k, label in enumerate(labels):
        style: dict[str, Any] = {"fmt": MARKERS[k], "ms": 3, "lw": 0.8, "color": COLOURS[k]}
        by_step.errorbar(result.steps[k, 1:], result.reg[k, 1:], 2 * result.reg_error[k, 1:], label=label, **style)
        by_time.errorbar(result.times, result.reg[k], 2 * result.reg_error[k], **style)
    by_step.set(xscale="log", xlabel="steps $k$", ylabel=r"reg$(\theta)$")
    by_time.set(ylabel=r"reg$(\theta)$")
