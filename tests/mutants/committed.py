"""The mutants: at least one of each formula of docs/formulas.md, by a factor, a sign, a power, a transpose or a name."""

from .mutant import Mutant

__all__ = ["MUTANTS"]

MUTANTS = (
    Mutant(
        "Noise floor",
        "ouanalysis/numeric/fluctuations/law.py",
        "",
        "",
    ),
)
