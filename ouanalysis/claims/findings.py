"""What a road to a claim finds: steps asserted, a gap, an end within its bound, a measurement beside its prediction."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from scipy import stats

from ..arguments import Reals

__all__ = ["Bounded", "Certified", "Finding", "Measured", "Proved", "Road"]

Road = Literal["symbolic", "certified", "bounded", "measured"]
FEW = 10  # samples: at the threshold of the ledger a Student's t of nine degrees of freedom is at 10 standard errors


@dataclass(frozen=True)
class Proved:
    """A section of a derivation, each step asserted as it was taken.

    Attributes
    ----------
    derivation : str
        ``"local_ou.noise_floor"``.
    steps, argued : int
        How many there are, and how many of these rest on an argument in words too.
    """

    road: ClassVar[Road] = "symbolic"
    contrast: ClassVar[bool] = False
    derivation: str
    steps: int
    argued: int

    @property
    def what(self) -> str:
        """The derivation."""
        return self.derivation

    def holds(self, _threshold: float) -> bool:
        """A step that does not hold would have raised."""
        return self.steps > 0

    def __str__(self) -> str:
        words = f", {self.argued} with an argument in words" if self.argued else ""
        return f"{self.steps} step{'s' * (self.steps > 1)} asserted{words}"


@dataclass(frozen=True)
class Bounded:
    """A number that must not be larger than was allowed beforehand: how far a simulation ends from where it should.

    Attributes
    ----------
    what : str
    gap, allowed : float
        The largest that was found, and what is allowed.
    count : int
        Of how many.
    contrast : bool
        A case outside the conditions: each number must be larger than what is allowed within them; `gap` is the least.
    full : bool
        It can be judged in an experiment of full size only.
    """

    road: ClassVar[Road] = "bounded"
    what: str
    gap: float
    allowed: float
    count: int = 1
    contrast: bool = False
    full: bool = False

    @classmethod
    def of(cls, what: str, gaps: Reals, *, allowed: float, contrast: bool = False, full: bool = False) -> Self:
        """The worst of the gaps by their size, where one that is not a number counts as the worst."""
        sizes = np.abs(np.asarray(gaps, dtype=float))
        worst = np.min if contrast else np.max
        gap = worst(np.where(np.isnan(sizes), -np.inf if contrast else np.inf, sizes))
        return cls(what, float(gap), allowed, sizes.size, contrast, full)

    def holds(self, _threshold: float) -> bool:
        """Whether the gap is allowed; in a contrast, whether it is not."""
        return self.gap > self.allowed if self.contrast else self.gap <= self.allowed

    def __str__(self) -> str:
        relation, shown = ">" if self.contrast else "≤", f"{self.gap:.2g}"
        shown = f"{self.gap:.6g}" if float(shown) == self.allowed else shown
        return f"{shown} {relation} {self.allowed:g}{_of_many(self)}"


class Certified(Bounded):
    """One that is known to rounding, not simulated: the gap between two bounds of an optimum, a formula's residual."""

    road: ClassVar[Road] = "certified"


@dataclass(frozen=True)
class Measured:
    """Measurements beside their predictions; shown is the one that is worst.

    Attributes
    ----------
    what : str
    predicted, measured, error : float
        The error is the standard error of the measurement.
    allowance : float
        How large the orders are that the prediction leaves out, known beforehand; 0 if it is exact.
    z : float
        The deviation, less the allowance, in standard errors: as if Gaussian, whatever the number of samples was.
    count : int
        How many values were compared.
    contrast : bool
        A case outside the conditions: the prediction must fail in each of the values; shown is the closest.
    full : bool
        It can be judged in an experiment of full size only.
    """

    road: ClassVar[Road] = "measured"
    what: str
    predicted: float
    measured: float
    error: float
    allowance: float
    z: float
    count: int = 1
    contrast: bool = False
    full: bool = False

    @classmethod
    def of(
        cls,
        what: str,
        predicted: Reals,
        measured: Reals,
        error: Reals,
        *,
        samples: int | None = None,
        allowance: Reals = 0.0,
        contrast: bool = False,
        full: bool = False,
    ) -> "Measured":
        """The worst of arrays that broadcast; a value that is not a number, or has no error, agrees with nothing.

        `samples` is of how many independent samples each standard error was estimated. The deviation is then Student's
        t, and z is the Gaussian deviation of the same chance. None where the error is known, or of very many. Fewer
        than FEW, as small experiments have, could tell nothing.
        """
        full = full or (samples is not None and samples < FEW)
        given = (predicted, measured, error, allowance)
        flat = [one.ravel() for one in np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in given))]
        excess = np.maximum(np.abs(flat[1] - flat[0]) - flat[3], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(excess == 0, 0.0, excess / flat[2])
        z = t if samples is None else stats.norm.isf(np.maximum(stats.t.sf(t, samples - 1), np.finfo(float).tiny))
        known = (flat[2] > 0) & np.isfinite(flat[2]) & np.isfinite(excess) | (flat[1] == flat[0])
        z = np.where(known & ~np.isnan(z), np.maximum(z, 0.0), 0.0 if contrast else np.inf)
        worst = int(np.argmin(z) if contrast else np.argmax(z))
        values = dict(zip(("predicted", "measured", "error", "allowance", "z"), (*flat, z), strict=True))
        shown = {name: float(value[worst]) for name, value in values.items()}
        return cls(what, **shown, count=z.size, contrast=contrast, full=full)

    def holds(self, threshold: float) -> bool:
        """Whether it agrees within the threshold; in a contrast, whether it does not."""
        return self.z > threshold if self.contrast else self.z < threshold

    def __str__(self) -> str:
        allowance = f" (± {self.allowance:.2g} left out)" if self.allowance else ""
        return (
            f"{self.measured:.5g} ± {self.error:.1g}, predicted {self.predicted:.5g}{allowance}: "
            f"z = {self.z:.1f}{_of_many(self)}"
        )


Finding: TypeAlias = Proved | Bounded | Measured


def _of_many(finding):
    return f", the {'least' if finding.contrast else 'largest'} of {finding.count}" if finding.count > 1 else ""
