"""The ledger: each claim is checked, and becomes a row."""

import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from scipy import stats

from ..experiments import Size
from .claim import Claim
from .findings import Finding, Measured, Proved

__all__ = ["CHANCE", "Laboratory", "Row", "threshold"]

CHANCE = 1e-3  # that any measured value of the whole ledger is past the threshold, if all claims are true


def threshold(claims: Iterable[Claim]) -> float:
    """How many standard errors a measured value may be off: Bonferroni's, two-sided, for all values of these claims."""
    return float(stats.norm.isf(CHANCE / (2 * sum(claim.values for claim in claims))))


@dataclass(frozen=True, eq=False)
class Row:
    """A claim and what was found.

    Attributes
    ----------
    findings, unchecked : tuple
        What was judged, and what only an experiment of full size can judge.
    threshold : float
        Of |z|.
    seconds : float
    error : str
        What ended the check before its end; empty if nothing did.
    """

    claim: Claim
    findings: tuple[Finding, ...]
    unchecked: tuple[Finding, ...]
    threshold: float
    seconds: float
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether a finding does not hold, or the check ended with an error."""
        return bool(self.error) or not all(found.holds(self.threshold) for found in self.findings)

    @property
    def verdict(self) -> str:
        """``"failed"``, ``"not checked"``, or the roads by which it holds, as ``"symbolic, measured (in part)"``."""
        if self.failed:
            return "failed"
        roads = ", ".join(dict.fromkeys(found.road for found in self.findings if not found.contrast))
        return f"{roads}{' (in part)' * bool(self.unchecked)}" if roads else "not checked"


class Laboratory:
    """Where claims are checked: each experiment is run, and each section of a derivation taken, once.

    Parameters
    ----------
    seed : int
        Each experiment draws from ``default_rng(seed)``, so a result is the one that its figure shows.
    size : "full" or "quick"
    """

    def __init__(self, *, seed: int = 0, size: Size = "full") -> None:
        self.seed, self.size = seed, size
        self.result = cache(self._result)
        self.proved = cache(self._proved)

    def check(self, claim: Claim, threshold: float) -> Row:
        """The row of a claim. An error in a check makes a failed row, with its traceback, and no end of the ledger."""
        began, error = time.perf_counter(), ""
        found: list[Finding] = []
        try:
            found += [self.proved(section) for section in claim.derived]
            found += claim.check(*(self.result(name) for name in claim.experiments)) or ()
        except Exception:
            error = traceback.format_exc()
        judged = [one for one in found if self.size == "full" or not getattr(one, "full", False)]
        measured = sum(one.count for one in found if isinstance(one, Measured))
        if measured > claim.values and not error:
            error = f"values: expected at most {claim.values}, which the threshold counts on, got {measured}"
        unchecked = tuple(one for one in found if one not in judged)
        return Row(claim, tuple(judged), unchecked, threshold, time.perf_counter() - began, error)

    def _result(self, name: str) -> Any:
        return import_module(f"ouanalysis.experiments.{name}").run(np.random.default_rng(self.seed), self.size)

    def _proved(self, section: str) -> Proved:
        module, _, name = section.partition(".")
        derivation = import_module("ouanalysis.derivations.derivation").Derivation(section, "")
        getattr(import_module(f"ouanalysis.derivations.{module}"), name)(derivation)
        argued = sum(bool(step.argument) for step in derivation.steps)
        return Proved(section, len(derivation.steps), argued)
