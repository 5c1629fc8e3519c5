"""ReLU networks on one-dimensional data: two properties, and how far from the best. Source: theory.md, section 4.2."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sympy import Eq, Symbol

from .claim import claim
from .findings import Bounded, Certified, Finding
from .letters import least, reg
from .regularizer import PAPER

SOLVED = 1e-6  # the solver's relative gap


@claim(
    Eq(reg, Symbol(r"\mathrm{const} + \sum_k \min(w_+, w_-)(k)\, |\Delta f'(k)|"), evaluate=False),
    source="theory.md 4.2",
    formulas=["Cost of a kink, and of a function", "Least regularizer of ReLU networks, a cone program"],
    derived=["relu_network.balance", "relu_network.price", "relu_network.program", "relu_network.duality"],
    experiments=["relu_minimum", "relu_global"],
)
def cone_program(one: Any, many: Any) -> Iterator[Finding]:
    """On functions reg is a weighted total variation of the slope; its least is a cone program, certified by a dual."""
    yield Certified.of("gap between its two bounds, relative", [one.solver_gap, many.solver_gap], allowed=SOLVED)


@claim(
    Symbol(r"\#\{\text{changes of convexity}\}=\min"),
    source=f"{PAPER}, section 4; theory.md 4.2",
    conditions="label noise; turns of slope below 0.2, chosen after a look at seed 0, and bends beside the ends are "
    "noise",
    formulas=["The two claims on the simplest function"],
    derived=[
        "relu_network.one_facing",
        "relu_network.one_sign",
        "relu_network.opposite_kinks",
        "relu_network.simplest",
    ],
    experiments=["relu_interpolants"],
)
def fewest_changes_of_convexity(paths: Any) -> Iterator[Finding]:
    """Label noise takes ReLU networks to functions that are straight over collinear data and change their convexity as
    rarely as the data allow: here once."""
    changes = paths.convexity_changes
    yield Bounded.of("changes of convexity at the end, each chain", changes[:, -1], allowed=1, full=True)
    # What is said of every chain fails where it fails in one. Without label noise a few chains come near: their steps
    # are too large for the start to be stable, and descent leaves it for a flatter function.
    for what, found in (
        ("the most after as many steps without label noise", paths.quiet_changes),
        ("the most with it, if turns of slope down to 0.02 are counted", paths.fine_changes),
    ):
        yield Bounded.of(what, found.max(), allowed=1, contrast=True, full=True)
    straight = "distance from the lines through three collinear data each"
    yield Bounded.of(f"{straight} at the end", _off_the_lines(paths, paths.after), allowed=0.03, full=True)
    farthest = _off_the_lines(paths, paths.quiet).max()
    yield Bounded.of("the largest without label noise", farthest, allowed=0.03, contrast=True)


@claim(
    Eq(reg, least, evaluate=False),
    source="theory.md 4.2, 4.4",
    conditions="label noise; six points on two lines; the mean state, as single states hop over data",
    formulas=["The gap", "Least regularizer of ReLU networks, a cone program"],
    derived=["relu_network.certificate"],
    experiments=["relu_global", "relu_minimum"],
)
def label_noise_finds_the_simplest_function(many: Any, one: Any) -> Iterator[Finding]:
    """Under lowered label noise ReLU networks of width 20 to 200 end at the simplest function of their own predictions.

    A stationary network is the best for its own pattern of active neurons alone: on other data many end above.
    """
    yield Bounded.of("gap of 20 networks at the end, relative", many.ends, allowed=0.02, full=True)
    yield Bounded.of("the same of a network of width 40", one.relative_gap[1], allowed=0.01, full=True)
    # Here too it fails where it fails in one: without label noise a step too large to be stable takes some in twenty
    # to where few neurons are alive, near a line that misses the data: the simplest function of its predictions.
    worst = many.quiet.max()
    yield Bounded.of("the worst of 20 after as many steps without label noise", worst, allowed=0.02, contrast=True)
    yield Bounded.of("the largest of a single state, each network", many.single, allowed=0.02, full=True, contrast=True)
    worst = many.random_ends.max()
    yield Bounded.of("the worst of 48 networks on random data sets", worst, allowed=0.02, full=True, contrast=True)


def _off_the_lines(paths, functions):
    """How far functions on the grid (chains, points) are from the lines through the first and the last three data."""
    lines = np.interp(paths.grid, paths.x[[0, 2, 3, 5]], paths.y[[0, 2, 3, 5]])
    within = (paths.grid <= paths.x[2]) | (paths.grid >= paths.x[3])
    return np.max(np.abs(functions - lines)[:, within], axis=1)
