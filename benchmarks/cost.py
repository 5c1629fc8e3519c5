"""How work grows with size: ``python -m benchmarks.cost`` draws cost.png and keeps its numbers in cost.json.

Processor time, which other work on the machine hardly changes; the best of a few runs.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import ouanalysis as ou
from ouanalysis.figures._style import COLOURS, GREY, MARKERS, label_panels, new_figure, styled

HERE = Path(__file__).parent
REPEATS = 3
ENOUGH = 0.2  # seconds of a run


def main() -> None:
    result = {"steps": steps_by_size(), "laws": laws_by_data()}
    (HERE / "cost.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    save(draw(result))


def steps_by_size() -> dict[str, list[tuple[int, float]]]:
    """Parameters and nanoseconds a step, of models that grow."""
    return {
        "matrix sensing, d × d": [_step(*ou.planted_matrix_sensing(d, 1, 4 * d, rng=0)) for d in _powers(2, 64)],
        "ReLU network": [_step(*ou.planted_relu_network(10, 2, width=m, rng=0)) for m in _powers(8, 2048)],
        "tanh network in R¹⁰": [_step(*ou.planted_sigmoid_network(10, 10, m, rng=0)) for m in _powers(1, 512)],
    }


def laws_by_data() -> dict[str, list[tuple[int, float]]]:
    """Data and seconds to the noise floor by `linearized_sgd`, its stability limit included, of models that grow."""
    found: dict[str, list[tuple[int, float]]] = {"p = 2n": [], "p = 2000": []}
    for n in _powers(4, 256):
        for name, width in (("p = 2n", n), ("p = 2000", 1000)):
            setting, theta = ou.planted_quadratic_parametrisation(width, n, min(n, 3), rng=0)
            start = ou.interpolate(setting, theta + 0.3)
            lr = 0.1 * ou.max_stable_lr(setting, start)
            found[name].append((n, _best(_noise_floor, setting, start, lr)))
    return found


def _noise_floor(setting, theta, lr):
    return ou.linearized_sgd(setting, theta, lr=lr, noise_std=0.1).expected_loss()


def _step(setting, theta):
    how = {"lr": 1e-3 / setting.dim, "noise_std": 0.1, "rng": 0}
    steps = 1 << 12
    while (seconds := _best(ou.label_noise_sgd, setting, theta, steps=steps, **how)) < ENOUGH:
        steps *= 2
    return setting.dim, 1e9 * seconds / steps


def _best(call: Callable[..., object], *arguments: Any, **how: Any) -> float:
    def timed():
        began = process_time()
        call(*arguments, **how)
        return process_time() - began

    return min(timed() for _ in range(REPEATS))


def _powers(first: int, last: int) -> Iterator[int]:
    while first <= last:
        yield first
        first *= 2


@styled
def draw(result: dict[str, dict[str, list[tuple[int, float]]]]) -> Figure:
    """Both panels on logarithmic axes, each with a slope to compare with."""
    figure, (steps, laws) = new_figure(2, height=2.9)
    label_panels((steps, laws), ("a step of a chain, noise included", "the exact law, linearized_sgd"))
    for ax, of in ((steps, result["steps"]), (laws, result["laws"])):
        for k, (name, points) in enumerate(of.items()):
            ax.plot(*np.transpose(points), MARKERS[k] + "-", ms=3.5, lw=1, color=COLOURS[k], label=name)
        ax.set(xscale="log", yscale="log")
        ax.legend()
    _slope(steps, result["steps"]["ReLU network"], 1, r"$\propto p$")
    _slope(laws, result["laws"]["p = 2n"], 3, r"$\propto n^3$")
    steps.set(xlabel="parameters $p$", ylabel="processor time a step (ns)")
    laws.set(xlabel="data $n$", ylabel="processor time (s)")
    return figure


def _slope(ax, points, power, name):
    (low, _), (high, top) = points[-3], points[-1]
    ends = np.array([low, high])
    ax.plot(ends, 0.4 * top * (ends / high) ** power, color=GREY, lw=1, ls="--")
    ax.annotate(name, (high, 0.4 * top), (-18, -14), textcoords="offset points", color=GREY, fontsize=8)


@styled
def save(figure: Figure) -> None:
    figure.savefig(HERE / "cost.png")


if __name__ == "__main__":
    main()
