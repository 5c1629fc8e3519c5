"""How far parameters are from the simplest model that makes the same predictions.

    gap(θ) = reg(θ) − v(h(θ)) ≥ 0,

v(f) the least regularizer among all parameters whose predictions on the data are f.

Source: theory.md, section 4.4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arguments import Reals, as_array
from ..numeric import regularizer
from ..progress import progress_bar
from ..settings.by_file_name import module_in
from ..settings.setting import Setting, parameters
from .search import local_search_from

__all__ = ["Certificate", "certify"]


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """How far θ is from the least regularizer of its own predictions; arrays (...) over the leading axes of theta.

    All are NaN where θ is.

    Attributes
    ----------
    reg : array
        reg(θ).
    least : array
        v(h(θ)), as attained by what the solver found, or by θ if that is less: the true least is at most this, up to
        the solver's residual, and at least `lower_bound`.
    lower_bound : array
        Of a dual feasible point; 0 where there is none (`certified` False).
    domain : str
        What is varied: as in `Minimum`.
    """

    reg: NDArray[np.float64]
    least: NDArray[np.float64]
    lower_bound: NDArray[np.float64]
    domain: str

    @property
    def certified(self) -> bool:
        """Whether there is a lower bound; without one the gap is only at least what it says."""
        return self.domain != "local search"

    @property
    def gap(self) -> NDArray[np.float64]:
        """reg − least; the true gap is between this and gap + solver_gap."""
        return np.asarray(self.reg - self.least)

    @property
    def solver_gap(self) -> NDArray[np.float64]:
        """|least − lower_bound|: how far the solver's own answer can be from the least."""
        return np.asarray(np.abs(self.least - self.lower_bound))

    @property
    def relative_solver_gap(self) -> NDArray[np.float64]:
        """solver_gap/least; NaN where the least is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.solver_gap / self.least)

    @property
    def relative_gap(self) -> NDArray[np.float64]:
        """reg/least − 1; infinite where the least is 0 and reg is not."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.gap == 0, 0.0, self.gap / self.least)

    def __repr__(self) -> str:
        if np.ndim(self.reg) == 0:
            share = f"{100 * float(self.relative_gap):.3g} % over the least {float(self.least):.6g}"
            shown = f"reg {float(self.reg):.6g}, {share}"
        else:
            low, high = np.nanmin(self.relative_gap), np.nanmax(self.relative_gap)
            shown = f"{np.size(self.reg)} states, {100 * low:.3g} to {100 * high:.3g} % over their least"
        proof = f"solver's own gap {np.nanmax(self.solver_gap):.1e}" if self.certified else "no certificate"
        return f"Certificate({shown} over {self.domain}; {proof})"


def certify(setting: Setting, theta: Reals, *, progress: bool = False) -> Certificate:
    """gap(θ) = reg(θ) − v(h(θ)) for any θ, noisy or not: along a whole trajectory too.

    Parameters
    ----------
    setting : Setting
    theta : (..., p) array_like
        It need not fit the data: each θ is compared with the simplest model that has its own predictions. One small
        program, prepared once, is solved for each; for a Setting of your own a local search, from θ among others,
        bounds the gap from below only. A state that is all NaN, as a diverged chain leaves it, has a gap of NaN.
    progress : bool
        Show a bar of states.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError, TypeError
        For theta of the wrong shape, empty or not finite; for a sigmoid network on the datum 0.
    ArithmeticError
        If the solver fails.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting, theta = ou.planted_matrix_sensing(4, 1, 9, rng=0)
    >>> certify(setting, 0.4 * np.eye(4).ravel())
    Certificate(reg ..., ... % over the least ... over any rank; solver's own gap ...)
    """
    lost = _all_nan(theta)
    some = lost.any() and not lost.all()
    states = parameters(setting, np.where(lost[..., None], 0.0, np.asarray(theta)) if some else theta)
    if not states.size:
        raise ValueError(f"theta: expected at least one state, got shape {states.shape}")
    known, kept, found = module_in(__package__, setting), states[~lost], []
    with np.errstate(all="ignore"):
        reg, predictions = regularizer(setting, kept), setting.predictions(kept)
    if not (np.isfinite(reg).all() and np.isfinite(predictions).all()):
        raise ValueError("theta: expected finite predictions and reg, got infinite ones")
    with progress_bar(len(kept), unit="state", shown=progress) as bar, np.errstate(all="ignore"):
        solve = known.prepare(setting) if known else None
        for state, fitted in zip(kept, predictions, strict=True):
            found.append(solve(fitted) if solve else local_search_from(setting, state))
            bar.update(1)
    least, lower_bound = (np.array([getattr(entry, name) for entry in found]) for name in ("value", "lower_bound"))
    if np.isnan(least).any():
        raise ArithmeticError("certify: expected a least regularizer that is a float; measure x and y in other units")
    values = np.full((3, *states.shape[:-1]), np.nan)
    values[:, ~lost] = reg, np.minimum(least, reg), lower_bound  # θ has its own predictions, too
    return Certificate(values[0], values[1], values[2], found[0].domain)


def _all_nan(theta):
    """Which states (...) of theta (..., p) are NaN throughout."""
    array = as_array("theta", theta)
    return np.isnan(array).all(axis=-1) if array.dtype.kind == "f" and array.ndim else np.zeros(array.shape[:-1], bool)
