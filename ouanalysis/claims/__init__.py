"""What is asserted: each claim of the paper, and of what grew out of it, as one function that checks it.

`python -m ouanalysis.claims` prints the ledger. A claim's name is its id and its docstring the statement; it is given
the results of its experiments and gives findings: of symbolic, certified, bounded and measured roads.
"""

from . import any_network, beyond, drift, fluctuation, matrix_sensing, regularizer, relu_network, sigmoid_network
from .claim import Claim
from .findings import Bounded, Certified, Finding, Measured, Proved
from .ledger import Laboratory, Row, threshold

__all__ = ["CLAIMS", "Bounded", "Certified", "Claim", "Finding", "Laboratory", "Measured", "Proved", "Row", "threshold"]

CLAIMS: dict[str, Claim] = {
    value.id: value
    for group in (regularizer, fluctuation, drift, any_network, matrix_sensing, relu_network, sigmoid_network, beyond)
    for value in vars(group).values()
    if isinstance(value, Claim)
}
