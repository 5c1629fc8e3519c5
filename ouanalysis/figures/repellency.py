"""The regularizer in time from beside a minimum, a saddle and a repellent point."""

from matplotlib.figure import Figure

from ..experiments.repellency import Repellency
from ._style import COLOURS, GREY, PREDICTED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: Repellency) -> Figure:
    """Draw an `experiments.repellency.Repellency`."""
    figure, (falls, shares) = new_figure(2, height=3.1)
    label_panels((falls, shares), ("the regularizer, every chain", "one chain from the saddle"))
    million = 1e6
    for k in (2, 1, 0):
        for chain, reg in enumerate(result.reg[k]):
            label = f"from the {_name(result.verdicts[k])}" if chain == 0 else None
            falls.plot(result.steps / million, reg, color=COLOURS[k], lw=1.8 if k == 2 else 0.7, alpha=0.8, label=label)
    falls.plot(result.flow_steps / million, result.flow_reg, color=PREDICTED, lw=1, ls="--", label="gradient flow")
    for level in result.levels[:2]:
        falls.axhline(level, color=GREY, lw=0.8, ls=":")
    falls.set(xlabel="million steps", ylabel=r"reg$(\theta)$, windows of time", ylim=(0.9 * result.levels[0], None))
    falls.legend(loc="upper right")
    for j, share in enumerate(result.shares.T):
        shares.plot(result.steps / million, share, color=COLOURS[(3, 4, 7)[j]], lw=1, label=f"neuron {j + 1}")
    shares.axhline(0, color=GREY, lw=0.8, ls=":")
    shares.set(xlabel="million steps", ylabel=r"its share of $y$, $c_j\tanh(w_j x)$")
    shares.legend(loc="center right")
    return figure


def _name(verdict):
    return {"repellent": "repellent point", "minimum up to symmetry": "minimum", "strict minimum": "minimum"}.get(
        verdict, verdict
    )
