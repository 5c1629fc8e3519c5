"""What the theory says of a network while it trains, read every so many steps.

Source: theory.md, section 2, "Noise floor" and "Stability", and section 3.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..arguments import Array, Reals, count, nonnegative_number, positive_number
from ..numeric.fluctuations.mean_displacement import mean_displacement
from ..numeric.fluctuations.sampling import BatchSize, Sampling, sampling_of
from ..numeric.fluctuations.second_moments import SecondMoments
from ..numeric.fluctuations.stability_limit import stability_limit
from ..numeric.zero_error_set.derivatives import loss as _loss
from ..numeric.zero_error_set.derivatives import regularizer, regularizer_gradient
from ..numeric.zero_error_set.interpolate import interpolate
from ..numeric.zero_error_set.row_space import holds_jacobian, row_space
from ..settings import Setting
from ..settings.setting import parameters
from .reading import Reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TrainingMonitor"]


class Module(Protocol):
    """What has parameters, as PyTorch's modules have them."""

    def state_dict(self) -> Mapping[str, object]:
        """Them by name."""


class TrainingMonitor:
    """A callback: ``monitor(step)`` in the training loop reads reg, noise floor, drift and stability every so often.

    A reading costs reg, ∇reg and K on all data, and n×n algebra: some seconds at n = 200, most of it for η_max.

    It is of the function that the setting copied, in the mode that it was copied in: of a setting made in ``eval()``
    dropout is off though the module trains with it, whose own noise is none of the theory's. Buffers and frozen
    parameters must stay as they were copied: batch norm that goes on counting is refused.

    Where the step size follows a schedule, give it: ``monitor(step, lr=scheduler.get_last_lr()[0])``. What is predicted
    is of training at rest at that lr, so of schedules slower than SGD relaxes.

    Parameters
    ----------
    setting : Setting
        The model and its clean data.
    module : torch.nn.Module or callable
        Where the parameters are: a module whose ``setting.pack(module.state_dict())`` is θ, as of
        ``ou.Setting.from_torch``, or a function without arguments that gives θ (p,).
    lr, noise_std, batch_size, replacement, momentum
        As in `linearized_sgd`; noise_std is one number. A shuffled loader is nearest to ``replacement=False``.
    every : int
        Steps from one reading to the next; ``monitor(step)`` is free at those between.
    exact_rows : int
        Rows of J, n·k, up to which the fit, η_max and what is exact in the step are computed, by (n·k)⁴ operations at
        worst; beyond they are NaN. The fit and the exact drift need J itself: NaN too where it has above 2²⁶ entries.

    Attributes
    ----------
    readings : list of Reading
    sampling : Sampling

    Raises
    ------
    ValueError, TypeError
        When made, for an argument out of its range; when called, if the parameters are not finite, or at a step before
        that of the last reading.

    Examples
    --------
    >>> import numpy as np
    >>> import ouanalysis as ou
    >>> setting = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, x=[1.0], y=[2.0], dim=2)
    >>> theta, rng = np.array([2.0, 1.0]), np.random.default_rng(0)  # h = ab, reg = a² + b²
    >>> monitor = ou.TrainingMonitor(setting, lambda: theta, lr=0.05, noise_std=0.1, every=1000)
    >>> for step in range(2001):
    ...     reading = monitor(step)
    ...     theta = theta - 0.05 * 2 * (theta[0] * theta[1] - 2.0 - 0.1 * rng.standard_normal()) * theta[::-1]
    >>> print(monitor.table())
    step    reg  fit_reg       loss     floor  exact_floor       drift  exact_drift  curvature  max_stable_lr    lr
       0      5        5          0    0.0025     0.003333    -0.00018     -0.00024         10            0.2  0.05
    1000  4.777    4.795  0.0001139  0.002398     0.003154  -0.0001459   -0.0001919       9.59         0.2085  0.05
    2000  4.562    4.616  0.0009734  0.002308     0.003001   -0.000115   -0.0001495      9.232         0.2166  0.05
    """

    __slots__ = ("_module", "every", "exact_rows", "readings", "sampling", "setting")  # to set another is an error

    def __init__(
        self,
        setting: Setting,
        module: Module | Callable[[], Reals],
        *,
        lr: float,
        noise_std: float,
        batch_size: BatchSize = 1,
        replacement: bool = True,
        momentum: float = 0.0,
        every: int = 100,
        exact_rows: int = 500,
    ) -> None:
        self.sampling: Sampling = sampling_of(
            setting,
            lr=lr,
            noise_std=positive_number("noise_std", noise_std),
            batch_size=batch_size,
            replacement=replacement,
            momentum=momentum,
        )
        self.setting = setting
        self._module: Any = _checked(module, setting)
        self.every = count("every", every, least=1)
        self.exact_rows = count("exact_rows", exact_rows, least=0)
        self.readings: list[Reading] = []

    def __call__(self, step: int, *, lr: float | None = None) -> Reading | None:
        """The reading at this step, which `readings` keeps, if it is a multiple of `every`; of this lr, if given."""
        step = count("step", step, least=0)
        lr = self.sampling.lr if lr is None else nonnegative_number("lr", lr)  # 0 as a warm-up begins and a decay ends
        if step % self.every:
            return None
        if self.readings and step < self.readings[-1].step:
            raise ValueError(
                f"step: expected at least {self.readings[-1].step}, that of the last reading, got {step}; to go on from"
                " an earlier step make a new monitor, or delete the readings after it"
            )
        reading = self._read(step, lr)
        self.readings.append(reading)
        return reading

    @property
    def losses(self) -> Array:
        """The clean losses that were read, for `noise_floor`."""
        return self.columns()["loss"]

    def columns(self) -> dict[str, Array]:
        """Each field of the readings as an array, for a data frame or a plot."""
        return {
            field.name: np.array([getattr(reading, field.name) for reading in self.readings], dtype=float)
            for field in fields(Reading)
        }

    def table(self) -> str:
        """The readings in aligned columns."""
        rows = [[field.name for field in fields(Reading)]]
        for reading in self.readings:
            values = [getattr(reading, name) for name in rows[0]]
            rows.append([str(values[0]), *(f"{value:.4g}" for value in values[1:])])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def plot(self) -> "Figure":
        """The readings and what is predicted of them, as a matplotlib Figure: ``.savefig`` keeps it."""
        from .monitor_figure import draw

        return draw(self.columns())

    def _theta(self):
        state = getattr(self._module, "state_dict", None)
        return parameters(self.setting, _packed(self.setting, state()) if state else self._module(), leading=False)

    def _read(self, step, lr):
        theta = self._theta()
        reg, loss = float(regularizer(self.setting, theta)), float(_loss(self.setting, theta))
        nothing = dict.fromkeys((field.name for field in fields(Reading)), float("nan"))
        with np.errstate(all="ignore"):
            predicted = self._predicted(theta, reg, replace(self.sampling, lr=lr or self.sampling.lr))
        if predicted and not lr:
            predicted |= dict.fromkeys(("floor", "exact_floor", "drift", "exact_drift"), 0.0)
        return Reading(**nothing | predicted | {"step": step, "reg": reg, "loss": loss, "lr": lr})

    def _predicted(self, theta, reg, sampling):
        """What is read by way of K; nothing where its eigenvalues are no floats."""
        if not np.isfinite(reg):
            return {}
        fit = self._fit(theta)
        theta = theta if fit is None else fit
        try:
            space = row_space(self.setting, theta)
            squares = space.squares
        except ValueError:
            return {}
        n, here = self.setting.n, float(regularizer(self.setting, theta))
        gradient, still = regularizer_gradient(self.setting, theta), 1 - sampling.momentum
        tangent = space.tangent(gradient)
        unit = sampling.lr * sampling.noise_scale * sampling.noise_scale / sampling.batch_size / still
        limit, moments = self._at_rest(squares, space.modes, sampling)
        return {
            "fit_reg": float("nan") if fit is None else here,
            "floor": unit * here,
            "exact_floor": float(np.diagonal(moments) @ squares / n),
            "drift": float(0.0 - unit * sampling.lr / still * (tangent @ tangent)),
            "exact_drift": self._exact_drift(theta, space, moments, gradient, sampling),
            "curvature": float(2 / n * np.max(squares, initial=0.0)),
            "max_stable_lr": limit,
        }

    def _fit(self, theta):
        """The zero-error point near θ; None where none is reached, or looking for it costs too much."""
        if self.setting.rows > self.exact_rows or not holds_jacobian(self.setting):
            return None
        try:
            return interpolate(self.setting, theta)
        except ValueError:
            return None

    def _at_rest(self, squares, modes, sampling):
        """η_max, and the covariance (r, r) of the linearised SGD along the eigenvectors."""
        if self.setting.rows > self.exact_rows:
            return float("nan"), np.full((len(squares), len(squares)), np.nan)
        limit = float(stability_limit(squares, modes, sampling, rtol=1e-4))
        if sampling.lr >= limit:
            return limit, np.diag(np.full(len(squares), np.inf))
        at_rest = SecondMoments(squares, modes, sampling.of_unit_noise()).stationary()
        return limit, sampling.noise_scale * (sampling.noise_scale * at_rest)

    def _exact_drift(self, theta, space, moments, gradient, sampling):
        """∇reg · E[N(θ⁺ − θ)] at rest."""
        if not np.isfinite(moments).all() or not holds_jacobian(self.setting):
            return float("nan")
        step = sampling.lr / (1 - sampling.momentum)
        try:
            moved = mean_displacement(self.setting, theta, space, moments)
        except ValueError:  # a second derivative, or the product, is no float
            return float("nan")
        return float(0.0 + step * (gradient @ moved))

    def __repr__(self) -> str:
        last = f", last at step {self.readings[-1].step}" if self.readings else ""
        return f"TrainingMonitor({self.setting!r}, every={self.every}, {len(self.readings)} readings{last})"


def _checked(module, setting):
    """The module, if θ can be had of it."""
    if isinstance(module, type) or not (hasattr(module, "state_dict") or callable(module)):
        raise TypeError(f"module: expected a torch.nn.Module, or a function that gives θ, got {module!r:.60}")
    if not hasattr(module, "state_dict"):
        return module
    try:
        _packed(setting, module.state_dict())
    except TypeError as error:
        raise TypeError(
            f"module: expected a function that gives θ, as {setting!r} is no setting of that module, got"
            f" {type(module).__name__}; make it by ou.Setting.from_torch(module, x, y), or give a function"
        ) from error
    return module


def _packed(setting, state):
    pack: Callable[..., Array] = setting.pack  # of a module's setting it takes a state dict
    return pack(state)
