"""The regularizer read off the noise floor: no gradient of any datum is computed.

Source: theory.md, section 2, "Noise floor", and section 6, "Momentum".
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from ..arguments import Array, Reals, as_array, count, positive_number, real_array
from ..numeric.fluctuations.law import Law
from ..numeric.fluctuations.sampling import Sampling
from ..numeric.zero_error_set.derivatives import regularizer
from .plateau_mean import FEWEST, plateau_mean
from .training_monitor import TrainingMonitor

__all__ = ["MeasuredFloor", "noise_floor"]

MOVES = 2.5  # standard errors; one plateau in a hundred seems to move by more


@dataclass(frozen=True, eq=False, repr=False)
class MeasuredFloor:
    """What a plateau of the loss says of reg.

    Attributes
    ----------
    reg : float
        reg(θ) where the plateau is, in units of y²/θ².
    error : float
        Its standard error, from the correlated losses alone. Below some hundred `effective_samples` it is itself
        uncertain, and as a rule too small.
    loss : float
        The mean clean loss, in units of y².
    loss_error : float
        Its standard error.
    effective_samples : float
        How many independent losses would have this error.
    burn_in : int
        How many losses were dropped at the beginning of each chain.
    trend : float
        How surely what is left falls (above 0) or rises (below): the slope of the ranks in standard errors.
    reg_per_loss : float
        What the mean loss was multiplied by.
    exact : bool
        Whether that is the exact finite-step ratio of a law, or the leading order B̃(1 − β)/(ησ²).
    """

    reg: float
    error: float
    loss: float
    loss_error: float
    effective_samples: float
    burn_in: int
    trend: float
    reg_per_loss: float
    exact: bool

    def __repr__(self) -> str:
        order = "exact in the step" if self.exact else "to leading order in the step"
        return (
            f"MeasuredFloor(reg={self.reg:.4g} ± {self.error:.2g} {order}, loss={self.loss:.4g} ±"
            f" {self.loss_error:.2g}, trend {self.trend:+.1f} s.e., {self.effective_samples:.0f} effective samples,"
            f" burn_in={self.burn_in})"
        )


def noise_floor(
    losses: Reals | TrainingMonitor,
    *,
    lr: float | None = None,
    noise_std: float | None = None,
    batch_size: int | None = None,
    momentum: float | None = None,
    law: Law | None = None,
    noisy: bool = False,
    outputs: int | None = None,
    burn_in: int | None = None,
) -> MeasuredFloor:
    """reg(θ) from the plateau of the loss under label noise: reg ≈ B̃(1 − β) E L/(ησ²), with an error bar.

    Where the step is not small, η max_i ‖g_i‖² ≪ 1 failing, that is too large: a `law` has the exact ratio. The error
    bar is that of the mean of correlated losses, by Geyer's initial monotone sequence or Sokal's window, whichever is
    larger; see `MeasuredFloor`.

    It is as good as the correlation can be seen. Of losses of all data, past some hundred effective samples, 2 error
    bars hold 93 to 95 %. Of noisy losses less `LabelNoise.mean_square` they are 1.4 to 2 times too large, and hold 99 %
    or more: what the noise of a step adds to its loss the next ones take back, each by too little to be seen. Of clean
    losses of batches of a few data they may be too small, as what is white in them hides a slow correlation that is not
    (n = 50, B = 1, 4000 losses: 3614 effective samples found, and 1.28 times the error bar, which held 89 %). Every
    so many losses of all data are safer than each of a batch.

    Parameters
    ----------
    losses : (steps,) or (chains, steps) array_like, or TrainingMonitor
        The clean loss at every step or every so many, on all data or on the batch before it is stepped on, in units of
        y²: means over the data of ‖h − y‖². Of a monitor those that it read.
    lr, noise_std, batch_size, momentum
        η, σ, B̃ (1 unless given; n for a full batch) and β (0 unless given) of the training. Not with a law or a
        monitor, which know. All batches are of that size: of a PyTorch `DataLoader` with ``drop_last=True``. With a
        short one among them reg comes out too large, as the mean of 1/B is (2.75 times of 64, 64, 64 and 8).
    law : LinearizedSGD or LocalOU, optional
        Of the training, at a point near that of the plateau: its reg/E L is taken for B̃(1 − β)/(ησ²). That of
        `linearized_sgd` is exact at every stable step, as n×n algebra, of batches drawn anew at each. Of a shuffled
        loader, where an epoch has each datum once, no law is; make it with ``replacement=False``. At 0.2 and 0.5 of
        η_max the loss was within 2 % of that law's (n = 20 and 50 in batches of 4 and 10), and 2 to 11 % below that of
        batches with replacement; to leading order in the step the three are one.
    noisy : bool
        Whether the losses are those of the batch as training sees it, with its noise on the labels: kσ² is
        subtracted, as the noise of a step is independent of what went before. The mean over k outputs is not enough;
        and subtracting the batch's own `LabelNoise.mean_square` yourself leaves a smaller variance.
    outputs : int, optional
        k of such noisy losses, 1 unless given.
    burn_in : int, optional
        How many losses to drop at the beginning of each chain; None drops a beginning that is off the rest.

    Returns
    -------
    MeasuredFloor

    Raises
    ------
    ValueError, TypeError
        For losses that are not finite, or fewer than 8 after the burn-in; if the mean is not above 0; for a law without
        a plateau above 0, as at noise_std=0 or where J = 0.

    Warns
    -----
    UserWarning
        If the slope of the losses' ranks is more than 2.5 standard errors off 0: no plateau yet, or one that moves, as
        reg falls. So are 1 to 2 % of plateaus. What decays more slowly than the record is long is counted as floor: of
        such a fall that makes the mean 2 error bars too large one record in ten warns.

    Source: Blanc et al. 2020 (arXiv:1904.09080), section 2; Geyer 1992 (doi:10.1214/ss/1177011137).

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])  # h = u², reg = 16 at u = 2
    >>> run = ou.label_noise_sgd(setting, [2.0], lr=0.01, noise_std=0.02, steps=20_000, rng=0, chains=4, record=1)
    >>> ou.noise_floor(run.loss, lr=0.01, noise_std=0.02)
    MeasuredFloor(reg=... ± ... to leading order in the step, loss=..., ... effective samples, burn_in=...)
    >>> law = ou.linearized_sgd(setting, [2.0], lr=0.01, noise_std=0.02)
    >>> measured = ou.noise_floor(run.loss, law=law)
    >>> abs(measured.reg - 16) < 4 * measured.error
    True
    """
    given = {"lr": lr, "noise_std": noise_std, "batch_size": batch_size, "momentum": momentum, "outputs": outputs}
    monitor = losses if isinstance(losses, TrainingMonitor) else None
    sampling = _sampling(given, monitor, law)
    series = _series(monitor.losses if monitor else losses)
    dropped = None if burn_in is None else count("burn_in", burn_in, least=0, most=series.shape[1] - FEWEST)
    if not isinstance(noisy, bool | np.bool_):
        raise TypeError(f"noisy: expected True or False, got {noisy!r}")
    if noisy and monitor:
        raise TypeError("noisy: expected losses of batches with it, got a TrainingMonitor, which reads clean losses")
    factor, found = _reg_per_loss(sampling, law), plateau_mean(series, dropped)
    loss = found.mean - (sampling.outputs * sampling.label_noise_rms * sampling.label_noise_rms if noisy else 0.0)
    if not loss > 0:
        what = "the mean noisy loss above σ²" if noisy else "a mean loss above 0"
        raise ValueError(f"losses: expected {what}, got {found.mean:.4g} ± {found.error:.2g}")
    if abs(found.trend) > MOVES:
        way = "fall" if found.trend > 0 else "rise"
        warnings.warn(
            f"losses: expected a plateau, but they {way} by {abs(found.trend):.1f} standard errors of their slope; drop"
            " more at the beginning (burn_in), or train longer",
            stacklevel=2,
        )
    return MeasuredFloor(
        factor * loss,
        factor * found.error,
        loss,
        found.error,
        found.effective_samples,
        found.burn_in,
        found.trend,
        factor,
        law is not None,
    )


def _sampling(given, monitor, law):
    """How the training sampled, which one of them says."""
    if law is not None and not isinstance(law, Law):
        raise TypeError(f"law: expected what linearized_sgd gives, got {type(law).__name__}")
    known = law or monitor
    if known is None:
        for name in ("lr", "noise_std"):
            if given[name] is None:
                raise TypeError(f"{name}: expected a number where there is no law, got None")
        positive_number("noise_std", given["noise_std"])
        if isinstance(given["batch_size"], str):
            got = given["batch_size"]
            raise ValueError(f"batch_size: expected the number of data in a batch, got {got!r}; of a full batch give n")
        return Sampling(**{name: value for name, value in given.items() if value is not None})
    said = [name for name, value in given.items() if value is not None]
    if said:
        raise TypeError(f"{said[0]}: expected none beside a {type(known).__name__}, which has it")
    if monitor is None:
        return known.sampling
    rates = {reading.lr for reading in monitor.readings} or {monitor.sampling.lr}
    if len(rates) > 1:
        raise ValueError(
            f"losses: expected a monitor's readings at one lr, got {min(rates):g} to {max(rates):g}; give the losses at"
            " one of them, and that lr"
        )
    sampling = replace(monitor.sampling, lr=rates.pop())
    if law and law.sampling != sampling:
        raise ValueError(f"law: expected one of the monitor's {sampling}, got {law.sampling}")
    return sampling


def _series(losses) -> Array:
    """(chains, steps)."""
    if as_array("losses", losses).dtype.kind == "b":
        raise TypeError("losses: expected real numbers, got booleans")
    series = real_array("losses", losses)
    if series.ndim not in (1, 2) or series.shape[-1] < FEWEST or not series.size:
        raise ValueError(
            f"losses: expected shape (steps,) or (chains, steps) with at least {FEWEST} steps, got {series.shape}"
        )
    return series.reshape(-1, series.shape[-1])


def _reg_per_loss(sampling, law):
    if law is None:
        factor = sampling.batch_size * (1 - sampling.momentum) / sampling.lr / sampling.noise_std / sampling.noise_std
    else:
        floor = float(law.expected_loss())
        if not floor > 0:
            raise ValueError(
                f"law: expected a plateau of the loss above 0, got {floor:g} at noise_std={sampling.noise_scale:g} and"
                f" reg={regularizer(law.setting, law.theta):.4g}"
            )
        factor = float(regularizer(law.setting, law.theta)) / floor
    if not 0 < factor < np.inf:
        raise ValueError(f"noise_std: expected a ratio of reg to the loss that is a float above 0, got {factor:g}")
    return factor
