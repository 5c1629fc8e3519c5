"""The drift at finite step against the effective regularizer: exact at full batch, short of it at B = 1."""

from matplotlib.figure import Figure

from ..experiments.effective_regularizer import EffectiveRegularizer
from ._style import COLOURS, GREY, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: EffectiveRegularizer) -> Figure:
    """Draw an `experiments.effective_regularizer.EffectiveRegularizer`."""
    figure, axes = new_figure(2, height=3.1)
    label_panels(axes, ("full batch" if batch == "full" else f"$B = {batch}$" for batch in result.batches))
    for k, (ax, batch) in enumerate(zip(axes, result.batches, strict=True)):
        ax.axhline(1, color=GREY, lw=0.9, ls=":", label="leading order")
        prefactor = "" if batch == "full" else "(n/B)"
        ax.plot(result.curve, result.exact_curve[k], color=COLOURS[0], label="exact law")
        ax.plot(
            result.curve,
            result.effective_curve[k],
            color=PREDICTED,
            ls="--",
            label=rf"$-\eta\,{prefactor}N\nabla R$, $R = -\frac{{\sigma^2}}{{n}}$ tr log$(I - \eta H/2)$",
        )
        ax.errorbar(
            result.fractions,
            result.measured[k],
            2 * result.error[k],
            fmt="o",
            ms=4,
            lw=0.9,
            color=COLOURS[2],
            label="SGD, bars 2 s.e.",
        )
        ax.set(xlabel=r"$\eta/\eta_{\max}$", yscale="log", ylim=(0.7, 30), xlim=(0, 1))
        ax.set_yticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
        ax.minorticks_off()
        ax.legend(loc="upper left")
    axes[0].set_ylabel(r"drift of a step $/\;(\eta^2\sigma^2\,\|N\nabla$reg$\|/B)$")
    single = result.batches.index(1)
    for fraction, effective, measured in zip(
        result.fractions, result.effective[single], result.measured[single], strict=True
    ):
        axes[single].annotate(
            f"{effective / measured:.2f}",
            (fraction, effective),
            xytext=(0, -11),
            textcoords="offset points",
            ha="center",
            color=PREDICTED,
            fontsize=7,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    axes[single].annotate(
        "numbers: dashed over SGD", (0.97, 0.03), xycoords="axes fraction", ha="right", color=GREY, fontsize=8
    )
    return figure
