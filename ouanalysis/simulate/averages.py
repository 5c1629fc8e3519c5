"""Running statistics: what is averaged along a run at every step, in memory that does not grow with it."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..arguments import Array, count, real_array
from ..settings import Setting

__all__ = ["FLUSH", "Averages", "Averaging", "Sums"]

FLUSH = 4096  # terms that are summed before the sum is added to the total, so that rounding does not grow with them


@dataclass(frozen=True, eq=False)
class Averaging:
    """What a simulator is to average over its steps: always θ, which is iterate averaging.

    Attributes
    ----------
    basis : (p, k) array, optional
        Columns along which the covariance of θ is taken.
    loss, reg : bool
        Whether to average L(θ) and reg(θ), each of which costs all n data a step.
    start : int
        The step after which it begins.
    every : int
        Take every so many-th state after that.
    """

    basis: Array | None = None
    loss: bool = False
    reg: bool = False
    start: int = 0
    every: int = 1

    def __post_init__(self) -> None:
        basis = None if self.basis is None else real_array("basis", self.basis, shape=("p", "k"))
        checked = {
            "basis": basis,
            "start": count("start", self.start, least=0),
            "every": count("every", self.every, least=1),
        }
        for name in ("loss", "reg"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise TypeError(f"{name}: expected True or False, got {getattr(self, name)!r}")
            checked[name] = bool(getattr(self, name))
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def check(self, setting: Setting) -> None:
        """A ValueError if the basis is not of the setting's parameters."""
        if self.basis is not None and len(self.basis) != setting.dim:
            raise ValueError(f"basis: expected shape ({setting.dim}, k), got {self.basis.shape}")

    def directions(self, dim: int) -> Array:
        """The columns of the basis as rows (k, p)."""
        return np.empty((0, dim)) if self.basis is None else np.array(self.basis.T, order="C")

    def terms(self, dim: int) -> int:
        """How many numbers are summed: θ, the products along the basis, L and reg."""
        return dim + self.directions(dim).shape[0] ** 2 + 2

    def counted(self, steps: int) -> int:
        """How many states have been taken after so many steps."""
        return max(steps - self.start, 0) // self.every


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums of some chains: of θ − shift, of its products along the basis, of L and of reg.

    Attributes
    ----------
    shift : (chains, p) array
        θ where the averaging began, about which sums are taken so that a small covariance is not lost in them.
    recent, total : (chains, terms) arrays
        Of the last FLUSH states, and of those before.
    """

    shift: Array
    recent: Array
    total: Array

    @classmethod
    def zero(cls, averaging: Averaging | None, theta: Array) -> Self:
        """Of chains that start at theta (chains, p)."""
        terms = averaging.terms(theta.shape[1]) if averaging else 0
        return cls(theta.copy(), np.zeros((len(theta), terms)), np.zeros((len(theta), terms)))

    def copy(self) -> "Sums":
        """One that can be added to."""
        return Sums(self.shift.copy(), self.recent.copy(), self.total.copy())

    def rows(self, chosen: slice) -> "Sums":
        """Those of some chains, not copied."""
        return Sums(self.shift[chosen], self.recent[chosen], self.total[chosen])


@dataclass(frozen=True, eq=False)
class Averages:
    """Means over the states of each chain that an `Averaging` took.

    Attributes
    ----------
    count : int
        How many states of each chain.
    theta : (chains, p) array
        The mean of θ; NaN of a chain that diverged.
    covariance : (chains, k, k) array
        Of θ along the basis, with weights 1/count.
    loss, reg : (chains,) array
        The means of L(θ) and of reg(θ); NaN where they were not asked for.
    basis : (p, k) array
    """

    count: int
    theta: Array
    covariance: Array
    loss: Array
    reg: Array
    basis: Array

    @classmethod
    def of(cls, averaging: Averaging, sums: Sums, steps: int) -> Self:
        """What the sums of chains come to that have taken so many steps, those of diverged ones being NaN."""
        taken, dim = averaging.counted(steps), sums.shift.shape[1]
        directions = averaging.directions(dim)
        k = len(directions)
        with np.errstate(all="ignore"):
            means = (sums.total + sums.recent) / np.float64(taken)
            moved = means[:, :dim]
            along = moved @ directions.T
            second = means[:, dim:-2].reshape(len(means), k, k)
            covariance = second - along[:, :, None] * along[:, None]
        loss, reg = (
            values if asked else np.full(len(means), np.nan)
            for asked, values in ((averaging.loss, means[:, -2]), (averaging.reg, means[:, -1]))
        )
        return cls(taken, sums.shift + moved, covariance, loss, reg, directions.T)

    def labelled(self) -> dict[str, tuple[tuple[str, ...], Array]]:
        """Each with the names of its axes."""
        axes = {
            "theta": ("chain", "parameter"),
            "covariance": ("chain", "direction", "other direction"),
            "loss": ("chain",),
            "reg": ("chain",),
            "basis": ("parameter", "direction"),
        }
        return {f"average {name}": (names, getattr(self, name)) for name, names in axes.items()}

    def pooled(self) -> "Averages":
        """Those of all chains as if they were one, spread between them included; diverged ones are left out."""
        whole = np.isfinite(self.theta).all(axis=1)

        def mean(values):
            with np.errstate(invalid="ignore"):  # of no chain at all
                return values.sum(axis=0, keepdims=True) / np.float64(whole.sum())

        middle = mean(self.theta[whole])
        apart = (self.theta[whole] - middle) @ self.basis
        covariance = mean(self.covariance[whole] + apart[:, :, None] * apart[:, None])
        loss, reg = (mean(values[whole]) for values in (self.loss, self.reg))
        return Averages(self.count * int(whole.sum()), middle, covariance, loss, reg, self.basis)

    def __repr__(self) -> str:
        chains, dim = self.theta.shape
        return f"Averages(chains={chains}, dim={dim}, count={self.count}, basis of {self.basis.shape[1]})"
