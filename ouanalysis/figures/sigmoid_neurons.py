"""The neurons of tanh and logistic networks on one datum, on their way to the one or two values of the closed form."""

from matplotlib.figure import Figure

from ..experiments.sigmoid_neurons import SigmoidNeurons
from ._style import COLOURS, GREY, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: SigmoidNeurons) -> Figure:
    """Draw an `experiments.sigmoid_neurons.SigmoidNeurons`."""
    figure, axes = new_figure(len(result.cases), rows=2, height=2.4, height_ratios=(1.5, 1))
    titles = [f"{case.activation}, $m = {case.phi.shape[1]}$, $y = {case.label:g}$" for case in result.cases]
    label_panels(axes.flat, [*titles, *["regularizer"] * len(result.cases)])
    for case, (paths, reg) in zip(result.cases, axes.T, strict=True):
        for j in range(case.phi.shape[1]):
            paths.plot(case.phi[:, j], case.c[:, j], color=COLOURS[j], lw=0.9)
            paths.plot(case.phi[0, j], case.c[0, j], "o", color=COLOURS[j], mfc="white", ms=4)
            paths.plot(case.phi[-1, j], case.c[-1, j], "o", color=COLOURS[j], ms=4)
        paths.plot(case.target_phi, case.target_c, "+", color=PREDICTED, ms=12, mew=1.6, zorder=4)
        paths.set(xlabel=r"$\varphi(z_j)$", ylabel=r"$c_j$")
        paths.margins(0.12)
        reg.plot(case.steps, case.reg, color=GREY)
        reg.axhline(case.target_reg, color=PREDICTED, ls="--")
        reg.set(xlabel="steps", ylabel=r"reg$(\theta)$", ylim=(0, None))
        reg.set(xscale="log", xlim=(case.steps[1], case.steps[-1]))
    paths = axes[0, 0]
    paths.plot([], [], "o", color="black", mfc="white", ms=4, label="start of a neuron")
    paths.plot([], [], "o", color="black", ms=4, label="end")
    paths.plot([], [], "+", color=PREDICTED, ms=10, mew=1.6, label="closed form")
    axes[1, 0].plot([], [], color=PREDICTED, ls="--", label="least for this width")
    figure.legend(loc="outside lower center", ncols=4)
    return figure
