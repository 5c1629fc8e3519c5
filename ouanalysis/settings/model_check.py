"""What a model h must be, checked once when a Setting is made, and what is known of its branches from then on."""

from functools import partial

import autograd.numpy as anp
import numpy as np
from autograd.tracer import Node, trace

from ..activations import positive, watching
from ..arguments import Array, Model
from .branches import Branches, record
from .derivative_check import check_derivatives, quietly

__all__ = ["check_model"]

# Where NumPy decides by comparing, so that h may bend; a where_positive is watched instead.
DECIDES = frozenset(
    {"maximum", "minimum", "fmax", "fmin", "max", "min", "amax", "amin", "clip", "sort", "msort", "partition"}
    | {"where", "select", "piecewise", "nonzero", "searchsorted", "argsort", "argmax", "argmin", "heaviside"}
    | {"abs", "absolute", "fabs", "sign", "floor", "ceil", "trunc", "fix", "round", "around", "rint", "mod", "fmod"}
    | {"greater", "less", "greater_equal", "less_equal", "equal", "not_equal", "remainder", "isfinite", "isnan"}
)


def check_model(h: Model, x: Array, dim: int, outputs: tuple[int, ...] = ()) -> Branches:
    """The `Branches` of h, which gives (..., *outputs); a ValueError in one line for an h that is no model.

    It must broadcast, read all of theta and no more, compute in float64, and be differentiated rightly by autograd.
    """
    rng = np.random.default_rng(0)
    theta = np.stack([rng.uniform(0.1, 1.0, size=(3, dim)), rng.standard_normal((3, dim))])  # of mixed sign too
    ends = x[[0, len(x) // 2, -1]]
    with np.errstate(all="ignore"):  # a model need not have a value everywhere
        _check_broadcasting(h, theta, ends, outputs)
        check_derivatives(partial(_weighted, h=h) if outputs else h, x, dim)
        decisions = _decisions(h, theta, ends, dim)
        return _branches(h, theta, x, decisions)


def _weighted(theta, x, *, h):
    """A sum of the outputs, no two alike, whose derivatives are those of all of them."""
    values = h(theta, x)
    return anp.sum(values * np.random.default_rng(1).uniform(0.5, 1.5, size=anp.shape(values)[-1]), axis=-1)


def _check_broadcasting(h, theta, x, outputs):
    """Compare h on stacked parameters and data with h on one vector and one datum at a time."""
    for data in (np.stack([x, x]), np.stack([x, x[::-1]])):  # stacked, as the batches of several chains are
        single = np.array([[_call(h, theta[k, i], data[k, i], outputs) for i in range(3)] for k in range(2)])
        scale = np.max(np.abs(single), initial=0.0, where=np.isfinite(single))
        values = [_call(h, theta, data, (2, 3, *outputs))]
        if np.array_equal(data[1], x):  # the same data for all θ may come without that axis
            values.append(_call(h, theta, x, (2, 3, *outputs)))
        if not all(np.allclose(got, single, rtol=1e-6, atol=1e-9 * scale, equal_nan=True) for got in values):
            raise ValueError("h: expected the same values on stacked theta and x as on one at a time, got others")
    _call(h, theta[:, :1], x, (2, 3, *outputs))


def _call(h, theta, x, shape):
    called = f"h: expected floats of shape {shape} for theta {theta.shape} and x {np.shape(x)}"
    value = np.asarray(quietly(lambda: h(theta, x), called))
    if value.shape != shape or value.dtype.kind != "f":
        labels = ", ".join(map(str, ("n", *value.shape)))
        hint = f": then y has shape ({labels})" if theta.ndim == 1 and value.ndim < 2 and value.shape != shape else ""
        raise ValueError(f"{called}, got {value.dtype} of shape {value.shape}{hint}")
    if value.dtype != np.float64:
        raise ValueError(f"h: expected float64 for theta and x in float64, got {value.dtype}: compute in float64")
    return value


class _Tape(Node):
    """A node of autograd's tracer that writes down (function, index) of what is done; an index only of theta itself."""

    __slots__ = ("is_theta", "log")

    def __init__(self, _value, function, arguments, _kwargs, _argnums, parents) -> None:
        self.log, self.is_theta = parents[0].log, False
        index = arguments[1] if function.__name__ == "__getitem__" else ()
        self.log.append((function.__name__, index if any(parent.is_theta for parent in parents) else "no theta"))

    def initialize_root(self, log: list[tuple[str, object]]) -> None:
        self.log, self.is_theta = log, True


def _decisions(h, theta, x, dim):
    """The NumPy functions of `DECIDES` that h applies to what depends on theta; an error if it reads not all of theta.

    A comparison of scalars, which autograd's tracer cannot follow, is one of them.
    """
    log: list = []

    def choose(z, then, otherwise):
        seen = len(log)
        out = anp.where(positive(z), then, otherwise)
        del log[seen:]
        return out

    def run():
        with watching(choose):
            trace(_Tape.new_root(log), lambda theta: h(theta, x), theta)

    try:
        quietly(run, "h")
    except ValueError:
        return {"comparison of scalars"}
    read = np.zeros(dim, dtype=bool)
    for _, index in log:
        if not isinstance(index, str):
            read[_last_index(index, dim)] = True
    if not read.all():
        unread = ", ".join(map(str, np.flatnonzero(~read)[:3]))
        raise ValueError(f"dim: expected as many parameters as h reads, got {dim}, of which h never reads [{unread}]")
    return DECIDES & {name for name, _ in log}


def _last_index(index, dim):
    """What an index of theta (2, 3, p) picks of its last axis."""
    last = index[-1] if isinstance(index, tuple) and len(index) == 2 and index[0] is Ellipsis else slice(None)
    if isinstance(last, slice):
        beyond = max([last.stop or 0, last.start + 1 if isinstance(last.start, int) else 0])
        if beyond > dim:
            raise ValueError(f"dim: expected as many parameters as h reads, at least {beyond}, got {dim}")
    return slice(None) if last is None else last


def _branches(h, theta, x, decisions):
    """Each call of where_positive: its shape on one datum, and whether the side that it takes changes h."""
    ends = x[[0, len(x) // 2, -1]]
    singly = [[record(h, theta[k, i], ends[i])[1:] for i in range(3)] for k in range(2)]
    shapes = tuple(np.shape(z) for z in singly[0][0][0])
    stacked, elsewhere = record(h, theta, ends)[1:]
    if len(stacked) != len(shapes) or not all(
        _in_front(stacked[call], [[of[0][call] for of in row] for row in singly]) for call in range(len(shapes))
    ):
        return Branches(unknown="h moves the leading axes of theta and x to where its kinks are not followed")
    rows, value = theta[:, :1], h(theta[:, :1], x)
    bends = tuple(_differs(_flipped(h, rows, x, call), value) for call in range(len(shapes)))
    rectified = tuple(np.ndim(other) == 0 and not anp.any(other) for other in elsewhere)
    unknown = f"h decides by {', '.join(sorted(decisions))} of NumPy" if decisions else ""
    return Branches(shapes, bends, rectified, unknown)


def _in_front(stacked, singly):
    """Whether what was recorded of stacked theta and x is that of one at a time, along the same leading axes."""
    singly = np.array(singly)
    try:
        return np.allclose(np.broadcast_to(stacked, singly.shape), singly, rtol=1e-6, atol=0, equal_nan=True)
    except ValueError:
        return False


def _differs(other, value):
    """Past some roundings of the largest, where both are finite; where neither can be compared, yes."""
    seen = np.isfinite(other) & np.isfinite(value)
    size = np.max(np.abs(value), initial=0.0, where=seen)
    return not seen.any() or bool(np.any(np.abs(other - value)[seen] > 64 * np.finfo(float).eps * size))


def _flipped(h, theta, x, call):
    """h with the other side taken in one call of where_positive."""
    calls = iter(range(1 << 62))

    def choose(z, then, otherwise):
        return anp.where(positive(z) != (next(calls) == call), then, otherwise)

    with watching(choose):
        return h(theta, x)
