"""The readings of a `TrainingMonitor`, drawn."""

import numpy as np
from matplotlib.figure import Figure

from ..arguments import Array

__all__ = ["draw"]

SEEN, PREDICTED, GREY = "#0072B2", "#D55E00", "#7F7F7F"  # Okabe and Ito's, safe for the colour-blind


def draw(columns: dict[str, Array], lr: float) -> Figure:
    """reg, the loss, the drift of reg, and the step against the stability limit."""
    figure = Figure(figsize=(7.2, 5.0), layout="constrained")
    (reg, loss), (change, stable) = figure.subplots(2, 2, sharex=True)
    step = columns["step"]
    _draw_reg(reg, columns)
    loss.plot(step, columns["loss"], ".", ms=4, color=SEEN, label="clean loss")
    loss.plot(step, columns["floor"], color=PREDICTED, label=r"$\eta\sigma^2\,$reg$/\tilde B(1-\beta)$")
    if np.isfinite(columns["exact_floor"]).any():
        loss.plot(step, columns["exact_floor"], "--", color=PREDICTED, label="exact in the step")
    if len(step):
        loss.set_yscale("log")
    floors = columns["floor"][columns["floor"] > 0]
    if len(floors):
        loss.set_ylim(bottom=np.min(floors) / 30)  # a start on the zero-error set is far below
    change.plot(step, columns["drift"], color=PREDICTED, label="to leading order in the step")
    if np.isfinite(columns["exact_drift"]).any():
        change.plot(step, columns["exact_drift"], "--", color=PREDICTED, label="exact in the step")
    stable.plot(step, lr * columns["curvature"] / 2, "--", color=GREY, zorder=3, label=r"$\eta\lambda_{\max}(H)/2$")
    if np.isfinite(columns["max_stable_lr"]).any():
        stable.plot(step, lr / columns["max_stable_lr"], color=PREDICTED, label=r"$\eta/\eta_{\max}$")
    stable.axhline(1, color="black", lw=0.8)
    stable.set_ylim(0, 1.1 * np.fmax.reduce(lr * columns["curvature"] / 2, initial=1))
    titles = ("regularizer", "loss and noise floor", "drift of reg a step", "step against the stability limit")
    for axes, letter, title in zip((reg, loss, change, stable), "abcd", titles, strict=True):
        axes.set_title(f"({letter}) {title}", loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.legend(frameon=False, fontsize=8)
    for axes in (change, stable):
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
        axes.plot(step, fallen + level, color=PREDICTED, label="predicted")
