"""A convolution, skip connections and attention: their noise floor, drift and long run against what is predicted."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.any_network import AnyNetwork
from ._style import COLOURS, GREY, MARKERS, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: AnyNetwork) -> Figure:
    """Draw an `experiments.any_network.AnyNetwork`."""
    figure, (ratios, falls) = new_figure(2, height=3.1)
    label_panels((ratios, falls), ("beside the exact law", "the regularizer in the long run"))
    predicted = np.array([result.floor_predicted, result.drift_predicted])
    measured = 100 * (np.array([result.floor_measured, result.drift_measured]) / predicted - 1)
    bars = 200 * np.array([result.floor_error, result.drift_error]) / predicted
    leading = 100 * (np.array([result.floor_leading, result.drift_leading]) / predicted - 1)
    for k, name in enumerate(result.names):
        style = {"fmt": MARKERS[k], "ms": 4, "lw": 0.9, "color": COLOURS[k]}
        label = f"{name}, $p = {result.dims[k]}$, $n = {result.data[k]}$"
        at = np.arange(2) + 0.2 * (k - (len(result.names) - 1) / 2)
        ratios.errorbar(at, measured[:, k], bars[:, k], label=label, **style)
        last, reg = result.times[k, -1], result.reg_on[k]
        falls.plot(result.fine_times[k] / last, result.fine_reg_flow[k] / reg, color=PREDICTED, lw=1, zorder=0)
        falls.errorbar(result.times[k] / last, result.reg_measured[k] / reg, 2 * result.reg_error[k] / reg, **style)
    ratios.axhline(0, color=PREDICTED, lw=1, zorder=0, label="exact law; flow")
    far = 1.6 * np.max(np.abs(measured) + bars)
    ratios.set(ylabel="measured over predicted, %", xlim=(-0.5, 1.5), ylim=(-far, far))
    ratios.set_xticks(range(2), ("noise floor", "drift along the set"))
    below = f"{-leading.max():.0f} to {-leading.min():.0f} % below"
    note = f"bars: 2 s.e. over chains; the leading order\nis {below}, off the scale"
    ratios.annotate(note, (0.03, 0.97), xycoords="axes fraction", va="top", color=GREY, fontsize=8)
    falls.set(xlabel="flow time over the last", ylabel=r"mean of reg$(\theta)$ / reg$(\theta^*)$", ylim=(0, 1.05))
    figure.legend(*ratios.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
