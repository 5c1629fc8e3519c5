"""A model and the data it interpolates, the one concept that everything else is a function of."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..arguments import Array, Model, Parts, Reals, as_array, count, cut, part_shapes, positive_number, real_array
from ..frameworks.by_value import by_value
from .branches import Branches, Held, preactivations
from .kinks import Kinks, find_kinks
from .linear_part import FEW, linear_part
from .model_check import check_model
from .one_datum import OneDatum
from .one_output import OneOutput
from .products import OfBatch, Products
from .unseen_directions import unseen_directions

if TYPE_CHECKING:
    from .jax_function import JaxFunction
    from .torch_module import TorchModule

__all__ = ["Setting", "check_operations_known", "check_setting", "parameters", "split"]

Symmetries = Callable[[Array], Reals]


class Kernel(Protocol):
    """What `ouanalysis.compiled` adds to a setting."""

    def model(self, setting: "Setting") -> tuple[Any, ...]:
        """The NamedTuple that a compiled loop runs on; see `simulate/kernels`."""


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Setting:
    """A model h(θ, x) and n data (x_i, y_i) that it is to fit exactly; equal to another by value.

    A model of k outputs has labels y (n, k): the loss is the mean over the data of ‖h_i − y_i‖², and each output of
    each datum is a row of J, row i·k + j that of h_ij. What is (n,) below is then (n, k).

    Parameters
    ----------
    h : callable
        ``h(theta, x)`` with theta (..., p) and x (..., *feature) gives (...), or (..., k) where y is (n, k); the
        leading axes broadcast. Written in `autograd.numpy`; branches through `ouanalysis.activations`, which know their
        kinks: those of NumPy (maximum, where, abs) are differentiated, but not watched. Define it at module level to
        pickle it.
    x : (n, *feature) array_like
    y : (n,) or (n, k) array_like
    dim : int, optional
        p, the number of parameters; needed where there are no `parts`.
    parts : dict, optional
        Names and shapes of the parameter arrays, in the order in which theta holds them, row-major: ``{"W": (3, 2),
        "c": (3,)}``. h reads them with `split`, or as it likes.
    symmetries : callable, optional
        ``symmetries(theta)`` gives directions (k, p) at theta (p,) in which neither h nor reg changes, if you know
        them; `stability` finds those that it needs without.
    branches : Branches, optional
        For a subclass that vouches for its h: what is known of its branches. h is then not checked.

    Raises
    ------
    ValueError, TypeError
        For data of the wrong shape or kind, and for an h that does not broadcast, reads more or fewer parameters than
        dim, computes in another precision than float64, or whose derivatives by autograd are not those of its values
        (plain NumPy inside h is a constant to autograd).

    Examples
    --------
    The smallest model, h = ab:

    >>> def product(theta, x):
    ...     return theta[..., 0] * theta[..., 1] * x
    >>> setting = Setting(product, x=[1.0], y=[2.0], dim=2)
    >>> setting
    Setting(n=1, dim=2)
    >>> setting.predictions([3.0, 4.0])
    array([12.])
    >>> Setting(product, x=[1.0], y=[2.0], parts={"a": (), "b": ()}).unpack([3.0, 4.0])
    {'a': array(3.), 'b': array(4.)}
    """

    h: Model
    x: Array
    y: Array
    dim: int
    symmetries: Symmetries | None
    branches: Branches
    _parts: dict[str, tuple[int, ...]]
    kernel: ClassVar[Kernel | None] = None  # no field: how h is run, not what it is
    several_outputs: ClassVar[bool] = False  # whether a subclass that vouches for its h takes labels (n, k)

    def __init__(
        self,
        h: Model,
        x: Reals,
        y: Reals,
        dim: int | None = None,
        parts: Parts | None = None,
        symmetries: Symmetries | None = None,
        *,
        branches: Branches | None = None,
    ) -> None:
        for name, function in (("h", h), ("symmetries", symmetries)):
            if not callable(function) and (name == "h" or function is not None):
                wanted = "(theta, x)" if name == "h" else "theta"
                raise TypeError(f"{name}: expected a function of {wanted}, got {function!r}")
        if parts is not None:
            shapes = part_shapes("parts", parts)
        elif dim is not None:
            shapes = {"theta": (count("dim", dim, least=1),)}
        else:
            raise TypeError("dim: expected the number of parameters, or their parts, got neither")
        total = sum(map(prod, shapes.values()))
        if dim is not None and count("dim", dim, least=1) != total:
            raise ValueError(f"dim: expected {total}, the number of entries of the parts, got {dim}")
        x = real_array("x", x)
        if x.ndim == 0 or len(x) == 0:
            raise ValueError(f"x: expected shape (n, *feature) with n at least 1, got {x.shape}")
        y = _labels(y, len(x)) if branches is None or self.several_outputs else real_array("y", y, shape=(len(x),))
        branches = check_model(h, x, total, y.shape[1:]) if branches is None else branches
        vars(self).update(h=h, x=x, y=y, dim=total, symmetries=symmetries, branches=branches, _parts=shapes)

    @staticmethod
    def from_jax(f: OfBatch, params: object, x: Reals, y: Reals) -> "JaxFunction":
        """The Setting of f(params, x), a function of JAX on a batch of data; see `JaxFunction`. Needs ``[jax]``.

        theta is all that params, a tree of float arrays, holds: `pack` makes it of such a tree, `unpack` the other way.
        """
        from .jax_function import JaxFunction

        return JaxFunction(f, params, x, y)

    @staticmethod
    def from_torch(module: object, x: Reals, y: Reals) -> "TorchModule":
        """The Setting of a PyTorch module and its data, arrays or tensors; see `TorchModule`. Needs ``[torch]``.

        Its parameters that require a gradient are theta: `pack` makes it of a state dict, `unpack` the other way.
        """
        try:
            import torch  # noqa: F401
        except ImportError:
            raise ImportError("from_torch: expected PyTorch, got none: pip install 'ouanalysis[torch]'") from None
        from .torch_module import TorchModule

        return TorchModule(module, x, y)

    @property
    def n(self) -> int:
        """The number of data."""
        return len(self.y)

    @property
    def outputs(self) -> int:
        """k, the number of outputs of a datum; 1 where y is (n,)."""
        return self.y.size // self.n

    @property
    def rows(self) -> int:
        """n·k, the number of rows of J: one for each output of each datum."""
        return self.y.size

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameter arrays, in the order in which theta holds them, row-major."""
        return dict(self._parts)

    def unpack(self, theta: Reals) -> dict[str, Array]:
        """The named arrays that theta (..., p) holds; each keeps the leading axes."""
        return split(parameters(self, theta), self._parts)

    def pack(self, **arrays: Reals) -> Array:
        """The flat theta (..., p) that holds these arrays; the inverse of `unpack`."""
        if set(arrays) != set(self._parts):
            raise TypeError(f"pack: expected the arrays {', '.join(self._parts)}, got {', '.join(arrays) or 'none'}")
        flat = []
        for name, shape in self._parts.items():
            array = real_array(name, arrays[name], shape=(..., *shape))
            flat.append(array.reshape(*array.shape[: array.ndim - len(shape)], prod(shape)))
        shapes = [array.shape[:-1] for array in flat]
        try:
            leading = np.broadcast_shapes(*shapes)
        except ValueError:
            got = ", ".join(f"{name} {shape}" for name, shape in zip(self._parts, shapes, strict=True))
            raise ValueError(f"pack: expected leading axes that broadcast, got {got}") from None
        return np.concatenate([np.broadcast_to(array, (*leading, array.shape[-1])) for array in flat], axis=-1)

    def predictions(self, theta: Reals) -> Array:
        """h(θ) on all data: theta (..., p) gives (..., n); NaN or infinite, without a warning, where h has no value."""
        with np.errstate(all="ignore"):
            return self.h(parameters(self, theta)[..., None, :], self.x)

    def residuals(self, theta: Reals) -> Array:
        """h(θ) − y by rows of J: theta (..., p) gives (..., rows)."""
        residuals = self.predictions(theta) - self.y
        return residuals.reshape(*residuals.shape[: residuals.ndim - self.y.ndim], self.rows)

    def with_labels(self, y: Reals) -> Self:
        """The same model and x with other labels y, shaped as these."""
        return self._with(y=real_array("y", y, shape=self.y.shape))

    def rescaled(self, factor: float) -> "Setting":
        """The plain Setting of factor h and factor y: its zero-error set is the same, its reg times factor² (> 0)."""
        factor = positive_number("factor", factor)
        return self._piece(partial(_times, h=self.h, factor=factor), self.x, branches=self.branches, y=factor * self.y)

    # What a setting knows of itself: true of any model here, sharpened by those that know better.

    def preactivations(self, theta: Reals) -> Array:
        """What the branches of h compare with 0 at theta (p,), (n, k); k = 0 for a smooth model."""
        return preactivations(self, parameters(self, theta, leading=False))

    def kinks(self, theta: Reals) -> Kinks:
        """Where h bends near theta (p,), and how near."""
        return find_kinks(self, parameters(self, theta, leading=False))

    def smooth_piece(self, theta: Reals) -> "Setting":
        """The Setting that equals this one until a kink meets a datum, and is smooth beyond."""
        if not self.branches.count:
            return self
        data = np.concatenate([self.x.reshape(self.n, -1), self.preactivations(theta) > 0], axis=1)
        held = Held(self.h, self.branches, self.x.shape[1:])
        return self._piece(held, data)

    def linear_part(self) -> NDArray[np.intp]:
        """The indices of parameters in which, together, h is linear: a network's output weights; perhaps none.

        None are looked for among more than 1000 where another library runs h.
        """
        if self.dim > FEW and self.products() is not None:
            return np.array([], dtype=int)
        return linear_part(self)

    def unseen_directions(self, theta: Reals) -> Array:
        """Directions (k, p) of parameters that no prediction depends on, wherever on the smooth piece at theta (p,)."""
        theta = parameters(self, theta, leading=False)
        return unseen_directions(self.smooth_piece(theta), theta)

    def symmetry_directions(self, theta: Reals) -> Array | None:
        """Directions (k, p) at theta (p,) in which neither h nor reg changes; None where none are known beforehand."""
        theta = parameters(self, theta, leading=False)
        if self.symmetries is None:
            return None
        return real_array("symmetries", self.symmetries(np.array(theta)), shape=("k", self.dim))

    def products(self) -> Products | None:
        """What differentiates h, where autograd does not."""
        return None

    def by_row(self) -> "Setting":
        """The Setting of one output that has a datum for each row of J; itself where h has one output."""
        if self.y.ndim == 1:
            return self
        known = vars(self).get("_by_row")
        if known is None:
            units = np.tile(np.eye(self.outputs), (self.n, 1))
            data = np.repeat(self.x.reshape(self.n, -1), self.outputs, axis=0)
            model = OneOutput(self.h, self.x.shape[1:])
            known = self._piece(
                model, np.concatenate([data, units], axis=1), branches=self.branches, y=self.y.ravel().copy()
            )
            vars(self)["_by_row"] = known
        return known

    def reduction(self) -> OneDatum | None:
        """Coordinates of which SGD moves but a few, and the setting that it moves them by; None if it may move all."""
        return None

    def _with(self, **changed):
        """A copy with other fields, which are known to be right."""
        return _restored(type(self), _without_rows(self) | changed)

    def _piece(self, h, data, **changed):
        """A plain Setting of the same parameters, and but for what is said of the same labels and without kinks."""
        kept = {name: getattr(self, name) for name in ("y", "dim", "symmetries", "_parts")}
        return _restored(Setting, {"h": h, "x": data, "branches": Branches()} | kept | changed)

    def _value(self):
        """What makes two settings equal."""
        arrays = [(array.shape, (array + 0.0).tobytes()) for array in (self.x, self.y)]
        others = [getattr(self, field.name) for field in fields(self) if field.name not in ("x", "y")]
        return (type(self), *arrays, *map(by_value, others))

    def __eq__(self, other):
        if not isinstance(other, Setting):
            return NotImplemented
        return self is other or self._value() == other._value()

    def __hash__(self):
        return hash(self._value())

    def __copy__(self):
        return self

    def __deepcopy__(self, _memo):
        return self  # nothing in it can change

    def __reduce__(self):
        for name in ("h", "symmetries"):
            try:
                pickle.dumps(getattr(self, name))
            except Exception as error:
                raise pickle.PicklingError(
                    f"{name}: expected a function that pickles (defined at module level, or a functools.partial of"
                    f" one), got {getattr(self, name)!r}: {' '.join(str(error).split())}"
                ) from error
        return _restored, (type(self), _without_rows(self))

    def __repr__(self):
        outputs = f", outputs={self.outputs}" if self.y.ndim > 1 else ""
        return f"{type(self).__name__}(n={self.n}, dim={self.dim}{outputs})"


def split(theta: Array, parts: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """Cut theta (..., p) into arrays (..., *shape); works on traced and differentiated arrays too."""
    return dict(zip(parts, cut(theta, parts.values()), strict=True))


def _times(theta, x, *, h, factor):
    return factor * h(theta, x)


def check_setting(setting: Setting) -> None:
    """A TypeError if it is not a Setting."""
    if not isinstance(setting, Setting):
        raise TypeError(f"setting: expected a Setting, got {type(setting).__name__}")


def check_operations_known(setting: Setting, purpose: str) -> None:
    """A TypeError if another library differentiates h, as nothing here then sees the operations of h."""
    check_setting(setting)
    if setting.products() is not None:
        raise TypeError(
            f"setting: expected an h written in autograd.numpy {purpose}, got a {type(setting).__name__}, which another"
            " library runs and differentiates"
        )


def parameters(setting: Setting, theta: Reals, *, leading: bool = True) -> Array:
    """theta as a clean (..., p) array, or (p,) without leading axes; a TypeError if `setting` is not a Setting."""
    check_setting(setting)
    return real_array("theta", theta, shape=(..., setting.dim) if leading else (setting.dim,))


def _labels(y, n):
    """(n,), or (n, k)."""
    shape = as_array("y", y).shape
    if len(shape) > 2:
        raise ValueError(f"y: expected shape ({n},) or ({n}, k), got {shape}")
    return real_array("y", y, shape=(n, "k") if len(shape) == 2 else (n,))


def _without_rows(setting):
    """The fields, without what `by_row` has made of them."""
    return {name: value for name, value in vars(setting).items() if name != "_by_row"}


def _restored(kind, state):
    """A Setting of these fields, its arrays read-only."""
    setting = object.__new__(kind)
    for value in state.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    vars(setting).update(state)
    return setting
