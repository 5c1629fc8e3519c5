"""Random settings and parameters for Hypothesis: the numbers themselves are drawn, not seeds.

Each file here is named as that of a setting and holds `settings()`, a strategy, `CASES`, some to run, and
`written_out(setting)`, the same h as a user would write it, or None.
"""

import pkgutil
from importlib import import_module

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from .drawn_numbers import numbers

NAMES = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "drawn_numbers")
MODULES = {name: import_module(f"{__name__}.{name}") for name in NAMES}
KINDS = {name: module.settings() for name, module in MODULES.items()}
CASES = {f"{name}: {case}": setting for name, module in MODULES.items() for case, setting in module.CASES.items()}
any_setting = st.one_of(*KINDS.values())

__all__ = [
    "CASES",
    "KINDS",
    "NAMES",
    "any_setting",
    "matrix_sensings",
    "numbers",
    "relu_networks",
    "settings_with_theta",
    "sigmoid_networks",
    "written_out",
]


def matrix_sensings():
    return KINDS["matrix_sensing"]


def relu_networks():
    return KINDS["relu_network"]


def sigmoid_networks():
    return KINDS["sigmoid_network"]


def written_out(setting):
    """The h of a built-in setting as a user would write it; None where there is none."""
    return MODULES[type(setting).__module__.rpartition(".")[-1]].written_out(setting)


@st.composite
def settings_with_theta(draw, settings=any_setting, rows=None):
    """A setting and theta (p,), or (rows, p); no kink within 1/1000 of a datum."""
    setting = draw(settings)
    theta = draw(numbers(setting.dim if rows is None else (rows, setting.dim)))
    for row in theta.reshape(-1, setting.dim):
        assume(np.min(np.abs(setting.preactivations(row)), initial=1.0) > 1e-3)
    return setting, theta
