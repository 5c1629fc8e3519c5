"""What made the page: versions, seed, processor, cores and time."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version

from ..simulate.provenance import processor
from .markup import Markup, element, joined

__all__ = ["machine", "section"]

LIBRARIES = ("ouanalysis", "numpy", "scipy", "sympy", "numba", "autograd", "clarabel", "matplotlib", "latex2mathml")


def machine() -> Mapping[str, str]:
    """The processor, its cores that this process may use, the system, and all versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": processor(),
        "cores": str(cores),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def section(facts: Mapping[str, str]) -> Markup:
    """As a list of terms."""
    listed = (joined((element("dt", name), element("dd", value))) for name, value in facts.items())
    return element(
        "section", element("h2", "What made this page", id="machine"), element("dl", *listed, class_="facts")
    )
