"""The certified gap of matrix sensing along SGD with label noise and without."""

from matplotlib.figure import Figure

from ..experiments.matrix_sensing_certificate import MatrixSensingCertificate
from ._style import GREY, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]

FLOOR = 1e-5  # of the gap axis, in per cent of the least reg


@styled
def draw(result: MatrixSensingCertificate) -> Figure:
    """Draw an `experiments.matrix_sensing_certificate.MatrixSensingCertificate`."""
    figure, (gap, error) = new_figure(2, height=2.9)
    label_panels((gap, error), ("reg above the least of its own measurements", "distance to the planted matrix"))
    for index, (colour, label) in enumerate(((GREY, "no label noise"), (SIMULATED, "label noise"))):
        for ax, curves in ((gap, 100 * result.relative_gap[index]), (error, 100 * result.error[index])):
            ax.plot(result.steps, curves.T, color=colour, lw=0.8, alpha=0.7)
            ax.plot([], [], color=colour, label=label)
    for ax in (gap, error):
        for end in result.stage_ends[:-1]:
            ax.axvline(end, color=GREY, ls=":", lw=0.8)
        ax.set(xscale="log", yscale="log", xlabel="steps", xlim=(result.steps[1], result.steps[-1]))
    gap.axhline(2, color=PREDICTED, ls="--", lw=1, label="2 %")
    error.axhline(5, color=PREDICTED, ls="--", lw=1, label="5 %")
    gap.plot([], [], color=GREY, ls=":", lw=0.8, label="noise lowered")
    gap.set(ylabel="gap in % of the least", ylim=(FLOOR, None))
    error.set(ylabel=r"$\|UU^\top - X^*\|_F$ in % of $\|X^*\|_F$")
    gap.legend(loc="lower left")
    error.legend(loc="lower left")
    return figure
