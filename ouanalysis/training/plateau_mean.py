"""The mean of correlated series on a plateau, and its standard error.

ArviZ has an effective sample size too, of a posterior's chains; it would bring xarray and a dozen others along for the
fifty lines below, and does not look for a burn-in. `simulate.averages` shares none of it: it keeps sums alone, and no
series.

Source: Geyer 1992 (doi:10.1214/ss/1177011137), section 3.3; Sokal 1997 (doi:10.1007/978-1-4899-0319-8_6), section 3;
White 1997 (doi:10.1177/003754979706900601).
"""

from dataclasses import dataclass

import numpy as np

from ..arguments import Array

__all__ = ["PlateauMean", "autocovariance", "long_run_variance", "plateau_mean", "settling_time", "trend_of"]

WINDOW = 5  # correlation times, past which e^−5 of an exponential is left
FEWEST = 8  # states of a chain from which anything is estimated


@dataclass(frozen=True, eq=False)
class PlateauMean:
    """The mean of what is left after the burn-in.

    Attributes
    ----------
    mean, error : float
        And its standard error.
    effective_samples : float
        How many independent states have so small an error: γ_0 over the square of `error`.
    burn_in : int
        How many states were dropped at the beginning of each chain.
    trend : float
        That of `trend_of`: above 0 if they fall. Beyond ±2.5 this is no plateau.
    """

    mean: float
    error: float
    effective_samples: float
    burn_in: int
    trend: float


def plateau_mean(series: Array, burn_in: int | None = None) -> PlateauMean:
    """Of series (chains, steps) which all have one mean; a burn_in of None is that of `settling_time`."""
    exponent = int(np.frexp(np.max(np.abs(series)))[1])  # out of the way, so that no square over- or underflows
    series = np.ldexp(series, -exponent)
    dropped = settling_time(series) if burn_in is None else burn_in
    kept = series[:, dropped:]
    mean = float(kept.mean())
    variance, long_run = long_run_variance(kept - mean)
    samples = kept.size * (variance / long_run if long_run else 1.0)
    error = float(np.ldexp(np.sqrt(long_run / kept.size), exponent))
    return PlateauMean(float(np.ldexp(mean, exponent)), error, samples, dropped, trend_of(kept))


def long_run_variance(centred: Array) -> tuple[float, float]:
    """γ_0 and Σ_k γ_k over all lags of either sign, of centred series (chains, steps) of one mean.

    Geyer's initial monotone sequence: Γ_m = γ_{2m} + γ_{2m+1} is positive and falls for a reversible chain, so the sum
    ends before the first that is not positive, and none counts for more than one before it. Half of the lag that comes
    next, γ_{2M} of M sums, is added: what alternates for ever, as the losses of two batches in a fixed order do, then
    cancels. As the mean is that of these series, every γ_k falls short by Σγ/N on average, N = chains × steps; so a sum
    of w lags by the share w/N.

    That of a loss under momentum, a squared oscillation of γ_k ~ e^{−2ak} cos² ωk, which is no reversible chain, ends
    at the first zero of the cosine. So Sokal's sum over |k| ≤ M is made too, M the first that is 5 of the correlation
    times found up to it, and the larger counts: of a = 0.01, ω = 0.1 and 4000 states 2 s.e. then hold 92 %, and of
    Geyer's sum alone 71 %.

    A sum of Geyer's below γ_0 and below its own standard error of white noise, √(2w/N) γ_0, cannot be told from 0 and
    may even be negative; it gives γ_0, that of independent states, which is too large. Error bars of 2 s.e. then hold,
    of 4000 losses in 1000 runs: 97 % for alternating losses ±cσ plus noise of σ, c from ½ to 3, and 100 % for c = 30;
    100 % for MA(1) of −0.9 and AR(1) of −0.9; 96 to 97 % for AR(1) from −0.5 to 0.9. Of γ_0 at least, whatever the sum,
    AR(1) of −0.5 would have an error bar 1.8 times too large; of γ_0 at a negative sum alone, AR(1) of −0.9 would hold
    90 %.

    Examples
    --------
    x_t = x_{t−1}/2 + ξ_t has Σγ/γ_0 = 1.5/0.5:

    >>> rng = np.random.default_rng(0)
    >>> series = np.zeros((8, 20_000))
    >>> for t in range(1, 20_000):
    ...     series[:, t] = series[:, t - 1] / 2 + rng.standard_normal(8)
    >>> variance, long_run = long_run_variance(series)
    >>> print(f"{long_run / variance:.1f}")
    3.0
    """
    covariances = autocovariance(centred)
    pairs = covariances[: len(covariances) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    pairs = np.minimum.accumulate(pairs[: ends[0] if len(ends) else len(pairs)])
    if not len(pairs):  # γ_1 ≤ −γ_0: there is no more to be had than from independent states
        return float(covariances[0]), float(covariances[0])
    lags, independent = 4 * len(pairs) + 1, float(covariances[0])
    found = 2 * pairs.sum() - independent + covariances[2 * len(pairs) :][:1].sum()
    found = float(found / (1 - min(lags / centred.size, 0.5)))
    told = found > np.sqrt(2 * lags / centred.size) * independent
    return independent, max(found if told else max(found, independent), _windowed(covariances, centred.size))


def _windowed(covariances, states):
    """Sokal's sum of covariances over a window."""
    sums = 2 * np.cumsum(covariances) - covariances[0]
    wide = np.flatnonzero(np.arange(len(sums)) * covariances[0] >= WINDOW * sums)
    last = int(wide[0]) if len(wide) else len(sums) - 1
    return float(sums[last] / (1 - min((2 * last + 1) / states, 0.5)))


def autocovariance(centred: Array) -> Array:
    """γ_k = (1/T) Σ_t x_t x_{t+k}, the mean over the chains: (chains, T) gives (T,). By a padded FFT."""
    steps = centred.shape[1]
    length = 1 << (2 * steps - 1).bit_length()
    size = float(np.max(np.abs(centred), initial=0.0)) or 1.0  # so that no square underflows
    power = np.zeros(length // 2 + 1)
    for chain in centred:
        power += np.abs(np.fft.rfft(chain / size, length)) ** 2
    return np.fft.irfft(power, length)[:steps] / (steps * len(centred)) * size**2


def settling_time(series: Array) -> int:
    """How many states to drop at the beginning of series (chains, T): d ≤ T/2, and 0 where they are like the rest.

    White's marginal standard error rule, that Var(x_d, x_{d+1}, …)/(T − d) be least, of the chains' mean in batches of
    five, as it is usual. Of a plateau it drops what happens to be wild and so makes the mean of a skewed series too
    small (error bars of 2 s.e. then hold 88 % for 95 %); so only a beginning 4 standard errors off the rest is dropped.
    """
    mean = series.mean(axis=0)
    batches = mean[: len(mean) // 5 * 5].reshape(-1, 5).mean(axis=1) if len(mean) >= 5 * FEWEST else mean
    batches = batches - batches[len(batches) // 2 :].mean()
    counts = np.arange(len(batches), 0, -1)
    means = np.cumsum(batches[::-1])[::-1] / counts
    variances = np.cumsum(batches[::-1] ** 2)[::-1] / counts - means**2
    candidates = (variances / counts)[: len(batches) // 2 + 1]
    dropped = int(np.argmin(candidates)) * (len(mean) // len(batches))
    if not dropped:
        return 0
    beginning, rest = series[:, :dropped], series[:, dropped:]
    _, long_run = long_run_variance(rest - rest.mean())
    off = abs(beginning.mean() - rest.mean())
    return dropped if off > 4 * np.sqrt(long_run * (1 / beginning.size + 1 / rest.size)) else 0


def trend_of(series: Array) -> float:
    """How surely series (chains, steps) fall, above 0, or rise, below: the slope of their ranks in standard errors.

    The line is that of least squares, its error that of correlated residuals. Their ratio t, of a tenth of the
    effective samples as degrees of freedom ν, is made a normal one: √(ν log(1 + t²/ν)). Of ranks, as losses that
    explode have their variance in the last of them, and as many small ones tell a shift of skewed losses best.

    Beyond ±2.5 are 0 to 2 % of plateaus: AR(1) of 0 to 0.99 and their squares, 200 to 16 000 states, 600 series each.
    Of 4000 squares of AR(1) of 0.9 and a fall of a e^{−t/τ}, which makes their mean too large by 0.6, 1.6, 3.9 and 7.5
    standard errors at (τ, a) = (1000, 0.2), (1000, 0.5), (3000, 0.5), (3000, 1), it sees 39, 96, 95 and 100 %. (The
    first half less the second is beyond 5 of its errors in 0, 0, 0 and 6 %.) What decays more slowly than the record is
    long is nearly a constant: at (10 000, 0.2), 2.3 standard errors, it sees 12 %.
    """
    ranks = np.unique(series, return_inverse=True)[1].reshape(series.shape).astype(float)
    ranks -= ranks.mean()
    time = np.arange(series.shape[1]) - (series.shape[1] - 1) / 2
    slope = float(ranks.mean(axis=0) @ time / (time @ time))
    residuals = ranks - slope * time
    if np.max(np.abs(residuals)) <= 1e-9 * np.max(np.abs(ranks)):  # ranks are a line, or all one
        return -np.inf * slope if slope else 0.0
    variance, long_run = long_run_variance(residuals)
    t = slope / np.sqrt(long_run / (time @ time) / len(series))
    freedom = series.size * variance / long_run / 10
    return float(-np.sign(t) * np.sqrt(freedom * np.log1p(t * t / freedom)))
