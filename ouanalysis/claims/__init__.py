"""What is asserted: each claim of the paper, and of what grew out of it, as one function that checks it.

`python -m ouanalysis.claims` prints the ledger. A claim's name is its id, its docstring the statement; it gets the
results of its experiments and gives findings: of symbolic, certified and measured roads.
"""

from importlib import import_module

from .claim import Claim
from .findings import Certified, Finding, Measured, Proved
from .ledger import Laboratory, Row, threshold

__all__ = ["CLAIMS", "Certified", "Claim", "Finding", "Laboratory", "Measured", "Proved", "Row", "threshold"]

GROUPS = (
    "regularizer",
    "fluctuation",
    "drift",
    "any_network",
    "matrix_sensing",
    "relu_network",
    "sigmoid_network",
    "beyond",
)

CLAIMS: dict[str, Claim] = {
    value.id: value
    for group in GROUPS
    for value in vars(import_module(f".{group}", __name__)).values()
    if isinstance(value, Claim)
}
