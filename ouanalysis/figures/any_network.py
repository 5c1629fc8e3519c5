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
    label_panels((ratios, falls), ("the floor and the drift", "the regularizer in the long run"))
    kinds = ("noise floor", "drift along the set")
    measured = np.array(
        [result.floor_measured / result.floor_predicted, result.drift_measured / result.drift_predicted]
    )
    error = np.array([result.floor_error / result.floor_predicted, result.drift_error / result.drift_predicted])
    leading = np.array([result.floor_leading / result.floor_predicted, result.drift_leading / result.drift_predicted])
    count = len(result.names)
    for k, name in enumerate(result.names):
        at = np.arange(len(kinds)) + 0.2 * (k - (count - 1) / 2)
        label = f"{name}, $p = {result.dims[k]}$, $n = {result.data[k]}$"
        ratios.errorbar(
            at, measured[:, k], 2 * error[:, k], fmt=MARKERS[k], ms=4, lw=0.9, color=COLOURS[k], label=label
        )
        ratios.plot(at, leading[:, k], "_", ms=9, color=GREY, label="leading order in the step" if k == 0 else None)
        reg, bars = result.reg_measured[k] / result.reg_on[k], 2 * result.reg_error[k] / result.reg_on[k]
        time = result.times[k] / result.times[k, -1]
        predicted = (result.reg_flow[k] + result.reg_excess[k]) / result.reg_on[k]
        label = "flow, and what the noise adds" if k == 0 else None
        falls.plot(np.append(0, time), np.append(1, predicted), color=PREDICTED, lw=1, zorder=0, label=label)
        falls.errorbar(time, reg, bars, fmt=MARKERS[k], ms=4, lw=0.9, color=COLOURS[k])
    ratios.axhline(1, color=PREDICTED, lw=1, zorder=0)
    ratios.set_xticks(range(len(kinds)), kinds)
    ratios.set(ylabel="measured / exact law", xlim=(-0.5, len(kinds) - 0.5))
    ratios.annotate(
        "bars: 2 s.e. over chains", (0.03, 0.95), xycoords="axes fraction", va="top", color=GREY, fontsize=8
    )
    falls.set(xlabel="flow time over the last", ylabel=r"mean of reg$(\theta)$ / reg$(\theta^*)$", ylim=(0, 1.05))
    falls.legend(loc="lower left")
    figure.legend(*ratios.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
