"""Follow a setting's own h with symbols in place of numbers.

h runs on arrays of `Traced` scalars; everything else is differentiated from what comes out.
"""

import re
import traceback
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy

from ..progress import progress_bar
from ..settings import Setting
from ..settings.setting import check_operations_known
from .derivative import check_cost, check_seconds, derivatives
from .symbols import Objects, data_symbols, exact_array, parameter_symbols
from .traced import expression_of, traced

__all__ = ["Trace", "trace"]

PRODUCT = 8e-5  # seconds for a product of two of J's entries, summed
_ADVICE = "what ouanalysis.activations has can be traced"


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """A setting's model as SymPy expressions; derivatives are taken when first asked for.

    Attributes
    ----------
    theta : tuple of p symbols
    x, y : object arrays (n, *feature) and (n,) or (n, k)
        The data, as numbers or symbols.
    h : (n, 1) Matrix
        The predictions; of k outputs (nk, 1), those of a datum below each other.
    progress : bool
        Show a progress bar for each derivative, however long it takes.
    """

    theta: tuple[sympy.Symbol, ...]
    x: Objects
    y: Objects
    h: sympy.Matrix
    progress: bool = False

    @cached_property
    def jacobian(self) -> sympy.Matrix:
        """J, (n, p)."""
        return sympy.Matrix(derivatives(list(self.h), self.theta, progress=self.progress))

    @cached_property
    def regularizer(self) -> sympy.Expr:
        """(1/n) Σ_i ‖∇_θ h_i‖²."""
        return sympy.Add(*(entry**2 for entry in self.jacobian)) / len(self.y)

    @cached_property
    def regularizer_gradient(self) -> sympy.Matrix:
        """∇reg, (p, 1)."""
        if not self.progress:
            check_cost([self.regularizer], self.theta, f"the gradient of reg by {len(self.theta)} parameters")
        return sympy.Matrix(*derivatives([self.regularizer], self.theta, progress=self.progress))

    @cached_property
    def loss(self) -> sympy.Expr:
        """(1/n) Σ_i (h_i − y_i)²."""
        return sympy.Add(*((h - y) ** 2 for h, y in zip(self.h, self.y.ravel(), strict=True))) / len(self.y)

    @cached_property
    def loss_hessian(self) -> sympy.Matrix:
        """∇²L where the error is zero, (2/n) JᵀJ, (p, p)."""
        if not self.progress:
            check_seconds(PRODUCT * len(self.h) * len(self.theta) ** 2, f"a Hessian of {len(self.theta)} parameters")
        return 2 * self.jacobian.T * self.jacobian / len(self.y)

    def __repr__(self):
        return f"Trace(n={len(self.y)}, dim={len(self.theta)})"


def trace(setting: Setting, *, symbolic_data: bool = False, progress: bool = False) -> Trace:
    """The SymPy expressions of a setting's h, Jacobian, regularizer, its gradient, and loss Hessian.

    Parameters
    ----------
    setting : Setting
    symbolic_data : bool
        Put symbols x_i, y_i in place of the data too.
    progress : bool
        Take whatever time it takes, and show a progress bar for each derivative.

    Returns
    -------
    Trace

    Raises
    ------
    TypeError
        If h does something that SymPy cannot follow, which the message names, or is of another library.
    ValueError
        If h, its Jacobian and their compiled formula will take longer than 20 seconds: an estimate from the operations
        of h on its first data, made before the rest. So too for ∇reg and the Hessian, when asked for. For two
        parameters or parts whose symbols have one name.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.SigmoidNetwork([[2.0]], [0.5], width=1)
    >>> traced = trace(setting)
    >>> traced.h[0]
    c_0*tanh(2*W_0_0)
    >>> trace(setting, symbolic_data=True).jacobian[0, 0]
    tanh(W_0_0*x_0_0)
    """
    check_operations_known(setting, "to trace")
    theta = parameter_symbols(setting.parts)
    x, y = data_symbols(setting) if symbolic_data else (exact_array(setting.x), exact_array(setting.y))
    if len({*theta, *(x.ravel() if symbolic_data else ())}) < setting.dim + symbolic_data * x.size:
        raise ValueError(f"parts: expected names whose symbols differ, got {', '.join(map(str, theta))} beside x")
    h = []
    with progress_bar(setting.n, unit="datum", shown=progress) as bar:
        for k in range(setting.n):
            h += _predictions(setting, theta, x[k : k + 1])
            bar.update(1)
            if not progress:
                what = f"h and its Jacobian, on {setting.n} data and by {setting.dim} parameters"
                check_cost(h[-setting.outputs :], theta, what, times=setting.n)
    return Trace(theta, x, y, sympy.Matrix(h), progress)


def _predictions(setting, theta, x):
    """h as expressions, one for each output of each datum of x."""
    rows = traced(np.broadcast_to(np.array(theta, dtype=object), (len(x), setting.dim)))
    try:
        with np.errstate(all="ignore"):  # SymPy's own arithmetic may leave NumPy a flag
            predictions = np.asarray(setting.h(rows, traced(x)), dtype=object)
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        decides = f"; {setting.branches.unknown}" if setting.branches.unknown else ""
        raise TypeError(f"h: expected operations that can be traced, got {_named(error)}{decides}") from error
    shape = len(x), *setting.y.shape[1:]
    if predictions.shape != shape:
        raise TypeError(f"h: expected a traced output of shape {shape}, got {predictions.shape}")
    return [expression_of(value) for value in predictions.ravel()]


def _named(error):
    """The error in one line, in front of it the NumPy or SciPy function that could not take traced arrays."""
    message = " ".join(str(error).split())
    missing = re.search(r"ufunc '(\w+)'|no callable (\w+) method", message)
    called = [_public_name(frame) for frame, _ in traceback.walk_tb(error.__traceback__)]
    if missing:
        name = missing[1] or missing[2]
        return f"{'numpy' if hasattr(np, name) else 'scipy.special'}.{name} of a traced array; {_ADVICE}"
    name = next(filter(None, called), None)
    return f"{name} of a traced array: {message}; {_ADVICE}" if name else message


def _public_name(frame):
    """numpy.sinc or scipy.special.logsumexp, where the frame is theirs."""
    library, *rooms = frame.f_globals.get("__name__", "").split(".")
    if library not in ("numpy", "scipy"):
        return None
    rooms = [room for room in rooms if library == "scipy" and not room.startswith("_")]
    return ".".join([library, *rooms, frame.f_code.co_name])
