"""Matrix sensing with and without label noise: the regularizer, the error, and the eigenvalues of U Uᵀ."""

from matplotlib.figure import Figure

from ..experiments.matrix_sensing_recovery import MatrixSensingRecovery
from ._style import GREY, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: MatrixSensingRecovery) -> Figure:
    """Draw an `experiments.matrix_sensing_recovery.MatrixSensingRecovery`."""
    figure, axes = new_figure(2, rows=2, height=2.4)
    (reg, error), (without, with_noise) = axes
    titles = ("implicit regularizer", "distance to the planted matrix", "one chain without label noise")
    label_panels(axes.flat, (*titles, "one chain with label noise"))

    runs = ((GREY, "no label noise"), (SIMULATED, "label noise"))
    for index, (colour, label) in enumerate(runs):
        for ax, curves in ((reg, result.reg[index]), (error, result.error[index])):
            ax.plot(result.steps, curves.T, color=colour, lw=0.7, alpha=0.6)
            ax.plot([], [], color=colour, label=label)
    reg.axhline(result.planted_reg, color=PREDICTED, ls="--", label="at the planted matrix")
    reg.set(ylabel=r"reg$(U)$", ylim=(0, None))
    error.set(ylabel=r"$\|UU^\top - X^*\|_F\,/\,\|X^*\|_F$", ylim=(0, None))
    reg.legend()
    error.legend()

    for index, ax in enumerate((without, with_noise)):
        colour = runs[index][0]
        ax.plot(result.steps, result.eigenvalues[index], color=colour, lw=1)
        ax.axhline(1, color=PREDICTED, ls="--", lw=1, label="planted: 1, and 0 nine times")
        ax.axhline(0, color=PREDICTED, ls="--", lw=1)
        ax.set(ylabel=r"eigenvalues of $UU^\top$", ylim=(-0.05, 1.15))
    without.legend(loc="upper left", bbox_to_anchor=(0, 0.88))
    for ax in axes.flat:
        ax.set(xlabel="steps", xscale="log", xlim=(result.steps[1], result.steps[-1]))
    return figure
