"""How label-noise SGD samples, parsed once: simulation, laws, drift and flow take the same `Sampling`.

Source: theory.md, section 1, and section 6, "Other noises" and "Momentum".
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import Array, count, nonnegative_number, nonnegative_numbers, positive_number
from ...settings import Setting
from ...settings.setting import check_setting

__all__ = ["BatchSize", "Sampling", "batch_of", "noise_of", "sampling_of"]

BatchSize = int | Literal["full"]


@dataclass(frozen=True, eq=False)
class Sampling:
    """A step of v ← βv − ∇, θ ← θ + ηv, with ∇ = (2/B̃) Σ_b (h_{i_b} − y_{i_b} − ε_b) g_{i_b} + s ξ.

    Attributes
    ----------
    lr : float
        η.
    noise_std : float or (n,) array
        σ, the standard deviation of ε, in units of y; or σ_i of each datum.
    batch_size : int
        B̃: B, or n for a full batch.
    replacement : bool
        How the batch is drawn; a full batch is all data without replacement.
    momentum : float
        β.
    gradient_noise_std : float
        s, in units of y²/θ.
    """

    lr: float
    noise_std: float | Array = 0.0
    batch_size: int = 1
    replacement: bool = True
    momentum: float = 0.0
    gradient_noise_std: float = 0.0

    @property
    def noise_scale(self) -> float:
        """The largest of the standard deviations σ_i and s, taken as numbers."""
        return float(max(np.max(self.noise_std), self.gradient_noise_std))

    @property
    def label_noise_rms(self) -> float:
        """σ, or the root of the mean of σ_i²."""
        largest = float(np.max(self.noise_std))
        return largest * float(np.sqrt(np.mean((self.noise_std / (largest or 1.0)) ** 2)))

    def of_unit_noise(self) -> "Sampling":
        """The same, its noises divided by their `noise_scale` (if that is not 0): all laws are linear in its square."""
        scale = self.noise_scale or 1.0
        return replace(self, noise_std=self.noise_std / scale, gradient_noise_std=self.gradient_noise_std / scale)

    def weights(self, n: int) -> tuple[float, float]:
        """(a, b) of Q(S) = a K diag(S) K + b K S K. All n data at once are n drawn without replacement: (0, 1/n)."""
        batch = self.batch_size
        if self.replacement or n == 1:
            return 1 / batch, (1 - 1 / batch) / n
        pairs = (batch - 1) / (batch * (n - 1))
        return 1 / batch - pairs, pairs

    def described(self, n: int) -> str:
        """The noise and the batch, as a repr prints them."""
        least, most = np.min(self.noise_std), np.max(self.noise_std)
        noise = f"noise_std={least:g}" + (f" to {most:g}" if most > least else "")
        batch = "full" if self.batch_size == n and not self.replacement else str(self.batch_size)
        parts = [noise, f"batch_size={batch}"]
        parts += ["replacement=False"] if not self.replacement and batch != "full" else []
        parts += [f"momentum={self.momentum:g}"] if self.momentum else []
        parts += [f"gradient_noise_std={self.gradient_noise_std:g}"] if self.gradient_noise_std else []
        return ", ".join(parts)


def sampling_of(
    setting: Setting,
    *,
    lr: float,
    noise_std: ArrayLike,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    gradient_noise_std: float = 0.0,
) -> Sampling:
    """The `Sampling` of a caller's arguments; an error in one line for each that is out of its range."""
    batch, drawn_again = batch_of(setting, batch_size, replacement)
    return Sampling(
        lr=positive_number("lr", lr),
        noise_std=noise_of(setting, noise_std),
        batch_size=batch,
        replacement=drawn_again,
        momentum=nonnegative_number("momentum", momentum, below=1),
        gradient_noise_std=nonnegative_number("gradient_noise_std", gradient_noise_std),
    )


def batch_of(setting: Setting, batch_size: BatchSize, replacement: bool = True) -> tuple[int, bool]:
    """(B̃, replacement) of what a caller asked for."""
    check_setting(setting)
    if not isinstance(replacement, bool | np.bool_):
        raise TypeError(f"replacement: expected True or False, got {replacement!r}")
    if isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'batch_size: expected an integer at least 1 or "full", got {batch_size!r}')
        return setting.n, False
    batch = count("batch_size", batch_size, least=1)
    if not replacement and batch > setting.n:
        raise ValueError(f"batch_size: expected at most n = {setting.n} without replacement, got {batch}")
    return batch, bool(replacement)


def noise_of(setting: Setting, noise_std: ArrayLike) -> float | Array:
    """σ as a number, or σ_i as an (n,) array, at least 0."""
    if np.ndim(noise_std) == 0:
        return nonnegative_number("noise_std", noise_std)
    return nonnegative_numbers("noise_std", noise_std, shape=(setting.n,))
