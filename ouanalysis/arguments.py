"""What an argument must be: each check returns the clean value or raises one line naming expected and got."""

import contextlib
import keyword
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import EllipsisType
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "Booleans",
    "Integers",
    "Model",
    "Parts",
    "RandomSource",
    "Reals",
    "Shape",
    "as_array",
    "count",
    "cut",
    "generator",
    "in_one_line",
    "nonnegative_number",
    "nonnegative_numbers",
    "one_of",
    "part_shapes",
    "positive_number",
    "real_array",
    "shortened",
    "whole_numbers",
]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Parts = Mapping[str, int | Sequence[int]]
Model = Callable[[Array, Array], Array]
RandomSource = np.random.Generator | np.random.BitGenerator | np.random.SeedSequence | int | Sequence[int]
Shape = Sequence[int | str | EllipsisType]

Option = TypeVar("Option")


class RealArray(Protocol):
    """An array or scalar of NumPy of real numbers, or what turns itself into one."""

    def __array__(self) -> NDArray[np.floating[Any] | np.integer[Any] | np.bool_]: ...


_Real = float | RealArray
# four deep, no deeper: a str is a sequence of strs for ever
Reals = _Real | Sequence[_Real | Sequence[_Real | Sequence[_Real | Sequence[_Real]]]]


def as_array(name: str, value: object) -> NDArray[Any]:
    """An array of whatever it is."""
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: expected an array of real numbers, got rows of different lengths") from None
    except (TypeError, RuntimeError) as error:  # another library's array, which says why NumPy cannot have it
        what = f"{type(value).__name__}: {shortened(str(error), 160)}"
        raise TypeError(
            f"{name}: expected an array that NumPy reads, as .detach().double().numpy() gives, got {what}"
        ) from error


def real_array(name: str, value: Reals, *, shape: Shape | None = None) -> Array:
    """A read-only float64 copy of finite real numbers.

    Parameters
    ----------
    name : str
        How the caller knows the argument; it opens the message.
    value : array_like
    shape : tuple, optional
        The expected shape: integers must match, a string ("n") matches any positive length, and a leading
        Ellipsis any number of axes.

    Examples
    --------
    >>> real_array("theta", [1, 2, 3], shape=(..., 4))
    Traceback (most recent call last):
    ValueError: theta: expected shape (..., 4), got (3,)
    """
    array = as_array(name, value)
    if np.ma.is_masked(value):
        raise ValueError(f"{name}: expected numbers everywhere, got a masked array")
    if array.dtype.kind == "O" and not any(entry is None for entry in array.flat):  # None would be nan
        with contextlib.suppress(TypeError, ValueError):
            array = array.astype(float)
    if array.dtype.kind not in "biuf":
        what = "complex numbers" if array.dtype.kind == "c" else f"{_entries(array)}"
        if hasattr(value, name):  # a run, a flow or a law at a point for its theta
            what = f"a {type(value).__name__}: give its .{name}"
        raise TypeError(f"{name}: expected real numbers, got {what}")
    if shape is not None and not _matches(array.shape, shape):
        raise ValueError(f"{name}: expected shape {_written(shape)}, got {_written(array.shape)}")
    array = np.array(array, dtype=np.float64, order="C")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise ValueError(f"{name}: expected finite numbers, got {array[tuple(bad[0])]} at [{place}]")
    array.flags.writeable = False
    return array


def positive_number(name: str, value: float) -> float:
    """A finite float above 0."""
    return _number(name, value, "a finite number above 0", lambda number: number > 0)


def nonnegative_number(name: str, value: Reals, *, below: float = math.inf) -> float:
    """A finite float, at least 0 and, where `below` is given, less than it."""
    wanted = "a finite number at least 0" + (f" and below {below:g}" if below < math.inf else "")
    return _number(name, value, wanted, lambda number: 0 <= number < below)


def nonnegative_numbers(name: str, value: Reals, *, shape: Shape | None = None) -> Array:
    """A float array of any shape, or the one given, its entries finite and at least 0."""
    array = real_array(name, value, shape=shape)
    if np.any(array < 0):
        raise ValueError(f"{name}: expected numbers at least 0, got {array.min():g}")
    return array


def count(name: str, value: object, *, least: int, most: int | None = None) -> int:
    """An int between `least` and `most`, both included, of at most 62 bits; True and 3.0 are not integers here."""
    wanted = f"an integer at least {least}" if most is None else f"an integer from {least} to {most}"
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected {wanted}, got {value!r}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # what it refuses
    except TypeError:
        raise TypeError(f"{name}: expected {wanted}, got {shortened(repr(value))}") from None
    if number > 2**62 and most is None:
        raise ValueError(f"{name}: expected an integer of at most 62 bits, got {shortened(repr(number))}")
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name}: expected {wanted}, got {number}")
    return number


def whole_numbers(name: str, value: Reals) -> Integers:
    """An int array of any shape, its entries at least 0 and of at most 62 bits."""
    array = as_array(name, value)
    whole = array.dtype.kind in "iu" or all(isinstance(entry, int) for entry in array.flat)  # objects past 64 bits
    if not whole or array.min(initial=0) < 0:
        raise ValueError(f"{name}: expected integers at least 0, got {shortened(repr(value))}")
    if array.max(initial=0) > 2**62:
        raise ValueError(f"{name}: expected integers of at most 62 bits, got {shortened(repr(value))}")
    return array.astype(np.int64)


def part_shapes(name: str, value: Parts) -> dict[str, tuple[int, ...]]:
    """A dict of names, valid as Python's, and shapes, tuples of ints at least 1; not empty."""
    expected = f'{name}: expected names and shapes as {{"W": (3, 2), "c": (3,)}}'
    if not isinstance(value, Mapping) or not value:
        raise TypeError(f"{expected}, got {shortened(repr(value))}")
    shapes = {}
    for part, shape in value.items():
        if not isinstance(part, str) or not part.isidentifier() or keyword.iskeyword(part):
            raise ValueError(f"{expected}, got the name {part!r}")
        shape = shape if isinstance(shape, tuple | list) else (shape,)
        shapes[part] = tuple(count(f"{name}[{part!r}]", length, least=1) for length in shape)
    return shapes


def one_of(name: str, value: str, options: Mapping[str, Option]) -> Option:
    """What a name stands for among the options, a dict."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name}: expected {' or '.join(map(repr, options))}, got {shortened(repr(value))}")
    return options[value]


def generator(rng: RandomSource) -> np.random.Generator:
    """The numpy Generator that a Generator or a seed stands for (SPEC 7); no None, which nobody could repeat."""
    if rng is None or isinstance(rng, bool | float | str | np.random.RandomState):
        raise TypeError(f"rng: expected a numpy.random.Generator or a seed, got {rng!r}")
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(f"rng: expected a numpy.random.Generator or a seed, got {shortened(repr(rng))}") from None


def in_one_line(numbers: NDArray[np.generic]) -> str:
    """An array as a message shows it."""
    return np.array2string(numbers, threshold=6, edgeitems=2, max_line_width=1000)


def shortened(text: str, most: int = 60) -> str:
    """Text on one line, as a message shows it."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def cut(theta: Any, shapes: Iterable[Sequence[int]]) -> list[Any]:
    """The arrays (..., *shape) that theta (..., p) holds one after the other, whichever library's they are."""
    arrays, start = [], 0
    for shape in shapes:
        stop = start + math.prod(shape)
        arrays.append(theta[..., start:stop].reshape(theta.shape[:-1] + tuple(shape)))
        start = stop
    return arrays


def _number(name, value, wanted, accept):
    if isinstance(value, complex | np.complexfloating | str | bytes | bool | np.bool_) or as_array(name, value).ndim:
        raise TypeError(f"{name}: expected {wanted}, got {shortened(repr(value))}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name}: expected {wanted}, got {shortened(repr(value))}") from None
    if not (math.isfinite(number) and accept(number)):
        raise ValueError(f"{name}: expected {wanted}, got {number:g}")
    return number


def _matches(got, expected):
    if expected and expected[0] is Ellipsis:
        expected = expected[1:]
        got = got[len(got) - len(expected) :] if len(got) >= len(expected) else None
    return (
        got is not None
        and len(got) == len(expected)
        and all(have == want or (isinstance(want, str) and have > 0) for have, want in zip(got, expected, strict=True))
    )


def _written(shape):
    inside = ", ".join("..." if length is Ellipsis else str(length) for length in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def _entries(array):
    if not array.size:
        return "no numbers"
    first = next((entry for entry in array.flat if entry is None), array.ravel()[:1].tolist()[0])
    return f"{shortened(repr(first))} of type {type(first).__name__}"
