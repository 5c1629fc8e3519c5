"""What is read off a jaxpr, the program that JAX traces: how much it writes, and where it computes in fewer bits."""

from collections.abc import Iterator
from math import prod
from typing import Any

__all__ = ["floats_of", "rounding_operation"]


def floats_of(jaxpr: Any) -> int:
    """In all that it writes, and those inside of it; of a loop once for each round, as a reverse pass keeps it."""
    total = 0
    for equation in _equations(jaxpr):
        total += sum(prod(getattr(variable.aval, "shape", ())) for variable in equation.outvars)
        rounds = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        total += rounds * sum(map(floats_of, _inside(equation)))
    return total


def rounding_operation(jaxpr: Any) -> str | None:
    """The first operation of float64 that gives fewer bits, as words; None if there is none."""
    for equation in _equations(jaxpr):
        inside = list(_inside(equation))
        found = next(filter(None, map(rounding_operation, inside)), None)
        fewer = _dtypes(equation.outvars) & {"float32", "float16", "bfloat16"}
        if found or (fewer and "float64" in _dtypes(equation.invars) and not inside):
            return found or f"{fewer.pop()} from {equation.primitive.name}"
    return None


def _equations(jaxpr):
    """Those of a jaxpr, open or closed."""
    return getattr(jaxpr, "jaxpr", jaxpr).eqns


def _inside(equation) -> Iterator[Any]:
    """The jaxprs that it runs: of a loop, a branch, a call."""
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if hasattr(part, "eqns") or hasattr(part, "jaxpr"):
                yield part


def _dtypes(variables):
    return {str(getattr(variable.aval, "dtype", "")) for variable in variables}
