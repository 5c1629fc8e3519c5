"""A figure in words: what its axes say, and where each labelled curve begins and ends."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from .mathematics import spoken

__all__ = ["described"]


def described(figure: Figure) -> str:
    r"""The sentences of all panels, from the numbers that are drawn.

    >>> figure = Figure()
    >>> ax = figure.subplots()
    >>> _ = ax.plot([0, 1, 2], [3.0, 2.5, 1.0], label=r"flow, $\eta = 0.1$")
    >>> _ = ax.set(xlabel="steps", ylabel="reg")
    >>> described(figure)
    'Panel: reg against steps. flow, η=0.1: from 3 to 1.'
    """
    return " ".join(sentence for ax in figure.axes for sentence in _panel(ax))


def _panel(ax: Axes) -> Iterator[str]:
    title, across, up = map(_words, (ax.get_title(loc="left") or "Panel", ax.get_xlabel(), ax.get_ylabel()))
    shown = " against ".join(filter(None, (up, across)))
    yield f"{title}: {shown}." if shown else f"{title}."
    handles, labels = ax.get_legend_handles_labels()
    curves = [handle[0] if isinstance(handle, tuple) else handle for handle in handles]  # of plots with error bars
    for curve, label in zip(curves, labels, strict=True):
        said = _curve(curve)
        if said:
            yield f"{_words(label)}: {said}."
    others = [line for line in ax.lines if line not in curves and line.get_linestyle() != "None"]
    ends = [(y[0], y[-1]) for y in map(_heights, others) if y.size > 2]
    if ends:
        first, last = (_span(min(heights), max(heights)) for heights in zip(*ends, strict=True))
        yield f"{len(ends)} other {'curve' if len(ends) == 1 else 'curves'}: from {first} to {last}."


def _span(low, high):
    low, high = f"{low:.3g}", f"{high:.3g}"
    return low if low == high else f"between {low} and {high}"


def _curve(line):
    y = _heights(line)
    if not y.size:
        return ""
    if np.ptp(y) == 0:
        return f"at {y[0]:.3g}"
    if isinstance(line, PathCollection) or line.get_linestyle() == "None":
        return f"{y.size} points, {y.min():.3g} to {y.max():.3g}"
    return f"from {y[0]:.3g} to {y[-1]:.3g}"


def _heights(line: Any) -> np.ndarray:
    """Those of its points that are numbers."""
    if isinstance(line, PathCollection):
        y = np.ma.getdata(line.get_offsets())[:, 1]
    else:
        y = np.asarray(line.get_ydata() if hasattr(line, "get_ydata") else [], dtype=float)
    return y[np.isfinite(y)]


def _words(label):
    """A label of matplotlib's, its mathematics as Unicode."""
    parts = re.split(r"(?<!\\)\$", label)
    return " ".join("".join(spoken(part) if k % 2 else part for k, part in enumerate(parts)).split())
