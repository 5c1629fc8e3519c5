"""How label-noise SGD samples, parsed once: simulation, laws, drift and flow take the same `Sampling`.

Source: theory.md, section 1, and section 6, "Other noises" and "Momentum".
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...arguments import Array, Reals, as_array, count, nonnegative_number, nonnegative_numbers, positive_number
from ...settings import Setting
from ...settings.setting import check_setting

__all__ = ["BY_ROW", "BatchSize", "Sampling", "sampling_of"]

BatchSize = int | Literal["full"]
BY_ROW = "; one of each label is by rows, noise_std.ravel()"


@dataclass(frozen=True, eq=False)
class Sampling:
    """A step of v ← βv − ∇, θ ← θ + ηv, with ∇ = (2/B̃) Σ_b (h_{i_b} − y_{i_b} − ε_b) g_{i_b} + s ξ.

    Equal, and hashed, by value. An error in one line for what is out of its range.

    Attributes
    ----------
    lr : float
        η.
    noise_std : float or (n,) array
        σ, the standard deviation of ε, in units of y; or σ_i of each label, of k outputs (n·k,), by the rows of J.
    batch_size : int
        B̃: B, or n for a full batch.
    replacement : bool
        How the batch is drawn; a full batch is all data without replacement.
    momentum : float
        β.
    gradient_noise_std : float
        s, in units of y²/θ.
    outputs : int
        k, of a datum: a batch takes all of them, each with its own noise.
    """

    lr: float
    noise_std: float | Array = 0.0
    batch_size: int = 1
    replacement: bool = True
    momentum: float = 0.0
    gradient_noise_std: float = 0.0
    outputs: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.replacement, bool | np.bool_):
            raise TypeError(f"replacement: expected True or False, got {self.replacement!r}")
        several = as_array("noise_std", self.noise_std).ndim > 0
        checked = {
            "lr": positive_number("lr", self.lr),
            "noise_std": (nonnegative_numbers if several else nonnegative_number)("noise_std", self.noise_std),
            "batch_size": count("batch_size", self.batch_size, least=1),
            "replacement": bool(self.replacement),
            "momentum": nonnegative_number("momentum", self.momentum, below=1),
            "gradient_noise_std": nonnegative_number("gradient_noise_std", self.gradient_noise_std),
            "outputs": count("outputs", self.outputs, least=1),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sampling) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)

    @property
    def _values(self):
        noise = self.noise_std
        noises = noise if isinstance(noise, float) else tuple(noise)
        rest = self.batch_size, self.replacement, self.momentum, self.gradient_noise_std, self.outputs
        return self.lr, noises, *rest

    def check_data(self, n: int) -> None:
        """A ValueError if it cannot draw from n data."""
        if not self.replacement and self.batch_size > n:
            raise ValueError(f"batch_size: expected at most n = {n} without replacement, got {self.batch_size}")
        rows = n * self.outputs
        if np.ndim(self.noise_std) and np.shape(self.noise_std) != (rows,):
            labels = BY_ROW if np.shape(self.noise_std) == (n, self.outputs) else ""
            raise ValueError(f"noise_std: expected shape ({rows},), got {np.shape(self.noise_std)}{labels}")

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
        """(a, b) of Q(S) = a K diag(S) K + b K S K. All n data at once are n drawn without replacement: (0, 1/n).

        diag(S) has the blocks of S of each datum, k×k of k outputs.
        """
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
        parts += [f"momentum={self.momentum:.10g}"] if self.momentum else []
        parts += [f"gradient_noise_std={self.gradient_noise_std:g}"] if self.gradient_noise_std else []
        return ", ".join(parts)


def sampling_of(
    setting: Setting,
    *,
    lr: float = 1.0,
    noise_std: Reals = 0.0,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    gradient_noise_std: float = 0.0,
) -> Sampling:
    """The `Sampling` of a caller's arguments, in which "full" is a batch of all data without replacement."""
    check_setting(setting)
    if isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'batch_size: expected an integer at least 1 or "full", got {batch_size!r}')
        Sampling(lr, replacement=replacement)  # which is checked, and has no say
        batch_size, replacement = setting.n, False
    rest = batch_size, replacement, momentum, gradient_noise_std, setting.outputs
    sampling = Sampling(lr, noise_std, *rest)  # type: ignore[arg-type]
    sampling.check_data(setting.n)
    return sampling
