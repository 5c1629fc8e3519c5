"""Fresh noise on the labels of each batch that a data loader gives.

Source: theory.md, section 1.
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..arguments import RandomSource, as_array, generator, nonnegative_number
from ..numeric.fluctuations.label_noise_law import LabelNoiseLaw, check_label_noise_law, draw_label_noise

__all__ = ["LabelNoise"]

NoiseLaw = LabelNoiseLaw[tuple[int, ...]]


class LabelNoise:
    """A data loader whose labels have fresh noise at every draw: (x, y) comes as (x, y + ε).

    The loader's own labels stay as they are. Its length and attributes (`batch_size`, `dataset`, …) are this one's too.

    Parameters
    ----------
    loader : iterable of (x, y, ...)
        A PyTorch `DataLoader`, or any iterable of tuples or lists whose second entry is a tensor or array of floats,
        its first axis the batch: ``[(x, y)]`` is full batches. What comes after y is passed through.
    noise_std : float
        σ ≥ 0, in units of y, of every label. One number, where the laws take a σ_i of each label too: a batch does not
        say which data it has.
    rng : numpy.random.Generator or seed
        The same seed gives the same noises. To iterate again goes on in the stream, and repeats nothing.
    noise : "gaussian", "rademacher" or callable
        A callable ``noise(rng, size)`` returns symmetric noise of unit variance, size = y's shape. Noises of opposite
        sign are those of ``lambda rng, size: -rng.standard_normal(size)`` from the same seed.

    Attributes
    ----------
    mean_square : float
        Σε²/B of the last batch, whose mean is σ² for one output and kσ² for k. The loss of a batch as training sees it
        (mean over data of ‖h − y − ε‖²) less this is the clean loss of the batch but for a term linear in ε, of mean 0,
        which makes the error bars of `noise_floor` too large; see there.

    Notes
    -----
    PyTorch's ``MSELoss()`` of labels (B,) or (B, 1) is this package's loss, (1/B) Σ (h − y)²: `lr` is the same. Of
    labels (B, k) it is the mean over the k outputs too, and the step here is ``ou.step_size(lr, loss="mean",
    outputs=k)``, lr/k.

    The theory has batches of one size: give a PyTorch `DataLoader` ``drop_last=True``. A short last batch makes a step
    of more noise: of 200 data in 64, 64, 64 and 8 the noise floor is 2.75 times as high, as the mean of 1/B is.
    With ``shuffle=True`` the law that is nearest is that of ``replacement=False``: see `noise_floor`.

    Raises
    ------
    ValueError, TypeError
        When made, for an argument out of its range; when iterated, for a batch that is no (x, y) or whose y are no
        floats.

    Warns
    -----
    UserWarning
        Once, at the first batch that is of another size than the first.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = LabelNoise([(np.eye(2), np.array([1.0, -1.0]))], noise_std=0.1, rng=0, noise="rademacher")
    >>> for _ in range(2):
    ...     for x, y in noisy:
    ...         print(y)
    [ 1.1 -0.9]
    [ 1.1 -1.1]
    >>> round(noisy.mean_square, 12)
    0.01
    """

    def __init__(
        self, loader: Iterable[object], noise_std: float, rng: RandomSource, *, noise: NoiseLaw = "gaussian"
    ) -> None:
        if not isinstance(loader, Iterable):
            raise TypeError(f"loader: expected an iterable of (x, y), got {type(loader).__name__}")
        self.loader = loader
        self.noise_std = nonnegative_number("noise_std", noise_std)
        self.rng = generator(rng)
        self.noise = check_label_noise_law(noise)
        self.mean_square = float("nan")
        self._size: int | None = None  # of the first batch; 0 once another size was told of

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            if not isinstance(batch, tuple | list) or len(batch) < 2:
                raise TypeError(f"loader: expected batches (x, y), got {type(batch).__name__}")
            x, y, *rest = batch
            noisy = [x, self._with_noise(y), *rest]
            make = getattr(batch, "_make", list if isinstance(batch, list) else tuple)  # of a named tuple its own
            self._compare(len(y))
            yield make(noisy)

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]  # a TypeError if it has none

    def __getattr__(self, name: str) -> Any:
        if name == "loader" or (name.startswith("__") and name.endswith("__")):  # not there yet, or no attribute
            raise AttributeError(name)
        return getattr(self.loader, name)

    def _compare(self, size):
        if self._size and size != self._size:
            warnings.warn(
                f"loader: expected batches of one size, got {self._size} and {size} data; a smaller one is noisier and"
                " lifts the noise floor: give the DataLoader drop_last=True",
                stacklevel=3,
            )
            self._size = 0
        elif self._size is None:
            self._size = size

    def _with_noise(self, labels):
        tensor = hasattr(labels, "new_tensor")
        labels = labels if tensor else as_array("y", labels)
        floats = labels.is_floating_point() if tensor else labels.dtype.kind == "f"
        if not floats or not labels.shape:
            raise TypeError(f"y: expected floats of shape (B,) or (B, k), got {labels!r:.60}")
        shape = tuple(labels.shape)
        drawn = self.noise_std * draw_label_noise(self.noise, self.rng, shape)
        self.mean_square = float(np.sum(drawn**2)) / shape[0] if shape[0] else float("nan")
        return labels + (labels.new_tensor(drawn) if tensor else drawn.astype(labels.dtype))

    def __repr__(self) -> str:
        law = self.noise if isinstance(self.noise, str) else "noise of your own"
        return f"LabelNoise({type(self.loader).__name__}, noise_std={self.noise_std:g}, {law})"
