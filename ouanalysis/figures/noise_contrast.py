"""Label noise finds the sparse predictor, other noise walks away from it: error, regularizer, drift, coefficients."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.noise_contrast import NoiseContrast
from ._style import COLOURS, GREY, MARKERS, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]

KIND_COLOURS = (GREY, COLOURS[1], COLOURS[0], COLOURS[2])
KIND_MARKERS = ("", *MARKERS[:3])


@styled
def draw(result: NoiseContrast) -> Figure:
    """Draw an `experiments.noise_contrast.NoiseContrast`."""
    figure, axes = new_figure(2, rows=2, height=2.6)
    titles = (
        "distance to basis pursuit",
        "implicit regularizer",
        "drift where descent ends",
        "coefficients at the end",
    )
    label_panels(axes.flat, titles)
    _draw_paths(axes[0], result)
    _draw_windows(axes[1, 0], result)
    _draw_predictors(axes[1, 1], result)
    handles = [
        axes[0, 0].plot([], [], color=colour, label=kind)[0]
        for kind, colour in zip(result.kinds, KIND_COLOURS, strict=True)
    ]
    handles += axes[0, 0].plot([], [], color=PREDICTED, ls="--", label="predicted")
    figure.legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.2, handlelength=1.5)
    return figure


def _draw_paths(axes, result):
    """Error and reg of every chain, and what the flow and the walk predict."""
    error, reg = axes
    for k, colour in enumerate(KIND_COLOURS):
        error.plot(result.steps, result.error[k].T, color=colour, lw=0.9)
        reg.plot(result.steps, result.reg[k].T / result.least, color=colour, lw=0.9)
    predicted = {"color": PREDICTED, "ls": "--", "lw": 1, "zorder": 3}
    error.plot(result.flow_steps, result.flow_error.T, **predicted)
    error.plot(result.walk_steps, result.walk_error, **predicted)
    reg.plot(result.flow_steps, result.flow_reg.T / result.least, **predicted)
    error.set(yscale="log", ylabel=r"$\|\beta-\beta^*\|\,/\,\|\beta^*\|$", ylim=(1e-3, None))
    reg.set(yscale="log", ylabel="reg / least reg")
    for ax in axes:
        ax.set(xscale="log", xlabel="steps", xlim=(10, result.steps[-1]))
    arrow = {"arrowstyle": "->", "color": GREY, "lw": 0.8}
    lowered = result.flow_steps[-1]
    error.annotate("noise lowered", (lowered, 0.03), (300, 0.006), color=GREY, fontsize=8, arrowprops=arrow)


def _draw_windows(ax, result):
    """Mean displacement of each noise along the predicted one, over the predicted one at the end."""
    rows = zip(result.measured, result.measured_error, result.predicted, strict=True)
    for k, (measured, error, predicted) in enumerate(rows, start=1):
        style = {"fmt": KIND_MARKERS[k], "ms": 3, "lw": 0.8, "color": KIND_COLOURS[k], "zorder": 4 - k}
        ax.plot(result.window, predicted, color=PREDICTED, ls="--", lw=1, zorder=4)
        ax.errorbar(result.window * 1.03 ** (k - 2), measured, 2 * error, **style)
    ax.set(
        xscale="log",
        xlabel=rf"steps at $\eta\lambda_{{\max}}$ = {result.curvature:.2g}",
        ylabel="mean displacement / last predicted",
        ylim=(-0.25, 1.25),
    )


def _draw_predictors(ax, result):
    """β of chain 0 at the end, the features in the order of the target; isotropic noise is off the scale."""
    order = np.argsort(-result.target, kind="stable")
    order = np.concatenate([order[result.target[order] != 0], order[result.target[order] == 0]])
    place = np.arange(1, len(order) + 1)
    ax.plot(place, result.target[order], "_", ms=6, mew=0.8, color=PREDICTED)
    ax.plot(place, result.predictor[0][order], "o", ms=2.2, mew=0, color=KIND_COLOURS[0])
    ax.plot(place, result.predictor[3][order], "o", ms=4.5, mew=0.6, mfc="none", color=KIND_COLOURS[3])
    ax.plot(place, result.predictor[2][order], "o", ms=2.2, mew=0, color=KIND_COLOURS[2])
    largest = np.max(np.abs(result.predictor[1]))
    note = f"isotropic noise: up to {largest:.0f}"
    ax.annotate(note, (0.98, 0.95), xycoords="axes fraction", ha="right", va="top", color=KIND_COLOURS[1], fontsize=8)
    ax.set(xlabel="feature, those of the target first", ylabel=r"$\beta_j$", ylim=(-1.2, 1.2))
