"""A claim: one function whose docstring says it, and whose findings check it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import sympy

from .findings import Finding

__all__ = ["Claim", "claim"]

Check = Callable[..., Iterable[Finding] | None]


@dataclass(frozen=True, eq=False)
class Claim:
    """What is said, by whom, and how it is checked.

    Attributes
    ----------
    id : str
        ``"noise-floor"``.
    statement : str
        One sentence.
    formula : sympy.Basic
    source : str
        Section, or arXiv number.
    conditions : str
        Under which it holds, with a finding where they fail; empty if always.
    formulas : tuple of str
        Its headings in docs/formulas.md, which name code, derivations and tests.
    derived : tuple of str
        ``"local_ou.noise_floor"``: sections of the derivations that are run, by module and function.
    experiments : tuple of str
        The modules of `experiments` whose results the check takes.
    values : int
        How many measured values are compared, at the most.
    check : callable
        From the results of the experiments to findings.
    """

    id: str
    statement: str
    formula: sympy.Basic
    source: str
    conditions: str
    formulas: tuple[str, ...]
    derived: tuple[str, ...]
    experiments: tuple[str, ...]
    values: int
    check: Check

    @property
    def parameters(self) -> Mapping[str, Any]:
        """{``"noise_floor.FLOORS"``: the constant} of its experiments."""
        modules = {name: import_module(f"ouanalysis.experiments.{name}") for name in self.experiments}
        return {
            f"{experiment}.{name}": value
            for experiment, module in modules.items()
            for name, value in vars(module).items()
            if name.isupper()
        }


def claim(
    formula: sympy.Basic,
    *,
    source: str,
    formulas: Iterable[str] = (),
    conditions: str = "",
    derived: Iterable[str] = (),
    experiments: Iterable[str] = (),
    values: int = 0,
) -> Callable[[Check], Claim]:
    """Decorate the function that checks a claim: its name is the claim's id, its docstring the statement."""

    def made(check: Check) -> Claim:
        return Claim(
            id=check.__name__.replace("_", "-"),
            statement=" ".join((check.__doc__ or "").split()),
            formula=formula,
            source=source,
            conditions=conditions,
            formulas=tuple(formulas),
            derived=tuple(derived),
            experiments=tuple(experiments),
            values=values,
            check=check,
        )

    return made
