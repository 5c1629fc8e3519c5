"""The readings of a `TrainingMonitor`, drawn."""

import numpy as np
from matplotlib.figure import Figure

from ..arguments import Array

__all__ = ["draw"]

SEEN, PREDICTED, GREY = "#0072B2", "#D55E00", "#7F7F7F"  # Okabe and Ito's, safe for the colour-blind
WIDE = 100  # a panel whose values range over more is logarithmic: a run that diverges
FAR = 1e8  # and what is further from the middle leaves it


def draw(columns: dict[str, Array]) -> Figure:
    """reg, the loss, the drift of reg, and the step against the stability limit."""
    figure = Figure(figsize=(7.2, 5.0), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True).ravel()
    titles = (
        "regularizer",
        "loss and noise floor",
        "fall of reg a step, predicted",
        "step against the stability limit",
    )
    units = (r"reg (units of $y^2/\theta^2$)", r"loss (units of $y^2$)", r"units of $y^2/\theta^2$ a step", "fraction")
    for i, drawn in enumerate((_draw_reg, _draw_loss, _draw_drift, _draw_stability)):
        axes = panels[i]
        drawn(axes, columns)
        axes.set_title(f"({'abcd'[i]}) {titles[i]}", loc="left", fontsize=9)
        axes.set_ylabel(units[i], fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(which="both", labelsize=8)
        axes.legend(frameon=False, fontsize=8)
    for axes in panels[2:]:
        axes.set_xlabel("step", fontsize=9)
    return figure


def _draw_reg(axes, columns):
    """reg and its predicted fall: at the fit from the first, else at the level of θ, which O(ησ²) lowers or raises."""
    step, reg, fit, drift, exact = (columns[name] for name in ("step", "reg", "fit_reg", "drift", "exact_drift"))
    axes.plot(step, reg, ".", ms=3, color=GREY, label=r"at $\theta$, fluctuation included")
    axes.plot(step, fit, ".", ms=5, color=SEEN, label="at the fit nearby")
    if len(step):
        drift = np.where(np.isfinite(exact), exact, drift)
        fallen = np.concatenate([[0.0], np.cumsum(np.diff(step) * (drift[1:] + drift[:-1]) / 2)])
        level = fit[0] if np.isfinite(fit[0]) else np.mean(reg - fallen)
        _line(axes, step, fallen + level, "-", label="predicted")
    _logarithmic_if_wide(axes, reg, fit)


def _draw_loss(axes, columns):
    step, floor = columns["step"], columns["floor"]
    axes.plot(step, columns["loss"], ".", ms=4, color=SEEN, label="clean loss")
    _line(axes, step, floor, "-", label=r"$\eta\sigma^2\,$reg$\,/\,(\tilde B(1-\beta))$")
    if np.isfinite(columns["exact_floor"]).any():
        _line(axes, step, columns["exact_floor"], "--", label="exact in the step")
    shown = np.concatenate([columns["loss"], floor, columns["exact_floor"]])
    floors, shown = floor[floor > 0], shown[np.isfinite(shown)]
    if len(floors):  # a start on the zero-error set is far below, a loss that diverges above
        axes.set_ylim(np.min(floors) / 30, min(3 * np.max(shown), FAR * np.min(floors)))
    if len(step):  # after the limits, as to find them overflows
        axes.set_yscale("log")


def _draw_drift(axes, columns):
    _line(axes, columns["step"], -columns["drift"], "-", label="to leading order in the step")
    if np.isfinite(columns["exact_drift"]).any():
        _line(axes, columns["step"], -columns["exact_drift"], "--", label="exact in the step")
    _logarithmic_if_wide(axes, -columns["drift"], -columns["exact_drift"])


def _draw_stability(axes, columns):
    step, bound = columns["step"], columns["lr"] * columns["curvature"] / 2
    share = columns["lr"] / columns["max_stable_lr"]
    _line(axes, step, bound, "--", color=GREY, zorder=3, label=r"$\eta\lambda_{\max}(H)/2$")
    if np.isfinite(share).any():
        _line(axes, step, share, "-", label=r"$\eta/\eta_{\max}$")
    axes.axhline(1, color="black", lw=0.8)
    if _logarithmic_if_wide(axes, np.fmax(bound, 1), np.fmax(share, 1)):  # by how far it is above the limit
        axes.set_ylim(bottom=1 / WIDE)
    else:
        axes.set_ylim(0, 1.1 * max(np.fmax.reduce(values, initial=1) for values in (bound, share)))


def _line(axes, step, values, style, *, color=PREDICTED, **rest):
    """A line; of a single reading a dash, or a cross where the line is dashed."""
    marker = {"-": "_", "--": "x"}[style] if len(step) == 1 else ""
    axes.plot(step, values, style, marker=marker, ms=6 if style == "--" else 14, color=color, **rest)


def _logarithmic_if_wide(axes, *several):
    """Whether it is: where what is above 0 ranges over more than two decades."""
    values = np.concatenate(several)
    values = values[np.isfinite(values) & (values > 0)]
    wide = len(values) > 0 and np.max(values) / WIDE > np.min(values)
    if wide:
        middle = np.median(values)
        axes.set_ylim(max(np.min(values), middle / FAR) / 2, min(np.max(values), middle * FAR) * 2)
        axes.set_yscale("log")
    return wide
