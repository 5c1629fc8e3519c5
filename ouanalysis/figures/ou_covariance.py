"""The cloud of SGD about a zero-error point, its predicted covariance, and how fast it fills."""

import numpy as np
from matplotlib.figure import Figure

from ..experiments.ou_covariance import OUCovariance
from ._style import COLOURS, GREY, PREDICTED, SIMULATED, label_panels, new_figure, styled

__all__ = ["draw"]


@styled
def draw(result: OUCovariance) -> Figure:
    """Draw an `experiments.ou_covariance.OUCovariance`."""
    figure, (functions, modes, growth) = new_figure(3, height=3.0)
    label_panels((functions, modes, growth), ("predictions", "parameters", "variance in time"))

    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.array([np.cos(angle), np.sin(angle)])
    clouds = (
        (functions, result.residuals, np.linalg.cholesky(result.residual_covariance)),
        (modes, result.scaled_modes, np.eye(2)),
    )
    for ax, cloud, root in clouds:
        ax.plot(*cloud.T, ".", ms=2.5, mew=0, color=SIMULATED, alpha=0.6, rasterized=True)
        for radius in (1, 2):
            ax.plot(*(radius * root @ circle), color=PREDICTED, zorder=3)
        reach = 1.5 * np.quantile(np.abs(cloud), 0.99)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), box_aspect=1)
    functions.set(xlabel=r"residual $(h_1 - y_1)/\sigma$", ylabel=r"residual $(h_2 - y_2)/\sigma$")
    modes.set(
        xlabel=r"$v_1^\top\delta\;/\;(\eta\sigma^2/B)^{1/2}$", ylabel=r"$v_2^\top\delta\;/\;(\eta\sigma^2/B)^{1/2}$"
    )

    for k, rate in enumerate(result.rates):
        colour = (COLOURS[2], COLOURS[3])[k]
        variance, error = result.scaled_variance[:, k], 2 * result.scaled_variance_error[:, k]
        label = rf"SGD along $v_{k + 1}$, $\eta\lambda_{k + 1} = {rate:.2g}$, and 2 s.e."
        growth.errorbar(result.steps, variance, error, fmt="o", ms=2.5, lw=0.8, color=colour, label=label)
        growth.plot(result.steps, result.predicted_variance[:, k], color=PREDICTED, zorder=3)
    growth.axhline(1, color=GREY, lw=0.8, ls=":")
    growth.set(xlabel=r"steps $t/\eta$", ylabel=r"variance / $(\eta\sigma^2/B)$", ylim=(0, 1.2), box_aspect=1)
    functions.plot([], [], "o", ms=3, color=SIMULATED, label="SGD, one point a chain")
    modes.plot([], [], color=PREDICTED, label="predicted: 1 and 2 s.d., $1 - e^{-2\\lambda t}$")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
