"""Sigmoid networks on one datum: what a share of the label costs, and which division of it is the least."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ..experiments.sigmoid_landscape import SHARED_LABELS, SHARED_WIDTH, SigmoidLandscape
from ._style import COLOURS, GREY, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]

EQUAL, BOTH_EQUAL, BOTH_ONE, ONE = "#56B4E9", "#C3E2F5", "#FBE3B5", "#E69F00"


@styled
def draw(result: SigmoidLandscape) -> Figure:
    """Draw an `experiments.sigmoid_landscape.SigmoidLandscape`."""
    figure, (cost, division, phases) = new_figure(3, height=3.0, width_ratios=(1, 1, 1.25))
    label_panels(
        (cost, division, phases), ("one neuron", f"{SHARED_WIDTH} logistic neurons", "the least logistic network")
    )
    cost.plot(result.share, result.tanh_cost, color=COLOURS[0], label="tanh: concave")
    cost.plot(result.share, result.logistic_cost, color=COLOURS[2], label=r"logistic: convex to $3^{-1/2}$")
    bend = 1 / np.sqrt(3)
    cost.plot([bend], [bend**2 / (1 + bend**2)], "o", color=COLOURS[2], ms=4)
    cost.set(xlabel=r"its share, $\|x\| |c\varphi(z)|$", ylabel="least reg of the neuron", ylim=(0, 1.4))
    cost.legend(loc="upper left")

    for k, label in enumerate(SHARED_LABELS):
        division.plot(result.one_share, result.total[k], color=COLOURS[(0, 3, 1)[k]], label=rf"$\|x\||y| = {label:g}$")
        division.plot(*result.total_least[k], "v", color=PREDICTED, ms=5, zorder=3)
    division.axvline(1 / SHARED_WIDTH, color=GREY, ls=":", lw=0.8, label="equal shares")
    division.plot([], [], "v", color=PREDICTED, ls="", ms=5, label="least")
    division.set(xlabel="part of $y$ carried by one neuron", ylabel="reg, the others equal", ylim=(0, 2.3))
    division.legend(loc="upper right")

    region = np.where(result.kind == 1, np.where(result.local > 1, 2, 3), np.where(result.local > 1, 1, 0))
    columns = np.arange(len(result.widths))
    colours = (EQUAL, BOTH_EQUAL, BOTH_ONE, ONE)
    step = result.labels[1] - result.labels[0]
    edges = np.append(result.labels - step / 2, result.labels[-1] + step / 2)
    shading = {"cmap": ListedColormap(colours), "vmin": -0.5, "vmax": 3.5, "rasterized": True}
    phases.pcolormesh(np.append(columns - 0.5, columns[-1] + 0.5), edges, region.T, **shading)
    phases.step(
        np.append(columns - 0.5, columns[-1] + 0.5),
        np.append(result.threshold, result.threshold[-1]),
        where="post",
        color="black",
        lw=1.2,
    )
    phases.set(xticks=columns, xlabel="width", ylabel=r"$\|x\||y|$", ylim=(0, result.labels[-1]))
    phases.set_xticklabels(result.widths)
    names = ("equal", "equal; one-plus-rest a local minimum", "one-plus-rest; equal a local minimum", "one-plus-rest")
    for colour, name in zip(colours, names, strict=True):
        phases.plot([], [], "s", color=colour, label=name)
    figure.legend(
        *phases.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        title="tanh: one neuron at every width and label",
    )
    return figure
