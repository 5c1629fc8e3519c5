"""A derivative that is 0 everywhere, as ∇²h of a linear h is: of which autograd warns, and which is an answer here."""

import warnings
from contextlib import contextmanager

import numpy as np

__all__ = ["zero_derivatives"]


@contextmanager
def zero_derivatives():
    """Within, such a derivative is 0 without a warning; nor is there one of 1/cosh² = 0, where cosh overflows."""
    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        yield
