"""The program of a model: the source of Numba functions for one datum and for a batch, and the numbers they look up."""

import hashlib
import sys
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...arguments import Array, Model
from ...settings import Setting
from ...tape.entries import record, record_loss
from .loops import Loops
from .lowering import lower, lower_batch
from .totals import total_over_batch

__all__ = ["Program", "program"]

STACK = 4096  # floats that are taken from the stack, beyond which arrays are allocated

HEAD = '''"""Written by ouanalysis.compiled: h and its gradient for one datum, and that of the loss of a batch."""

import math
from typing import Any, NamedTuple

import numpy as np

from ouanalysis.simulate.kernels.scalars import (
    divide, logaddexp, logistic, maximum, minimum, on_stack, remainder, sign, softplus, square, tanh
)
from ouanalysis.simulate.kernels.vectors import add_multiple, dot_of, set_multiple


class Compiled(NamedTuple):
    x: Any
    y: Any
    constants: Any
    tables: Any
'''

OF_ONE = """
def value_and_gradient(model, theta, i, gradient):
    x, constants, tables = model.x[i], model.constants, model.tables"""

OF_BATCH = """

def batch_gradient(model, theta, indices, noise, gradient):
    constants, tables, scale = model.constants, model.tables, 2.0 / len(noise)"""
FOR_EACH = (
    "    for b in range(len(noise)):",
    "        i = indices[b] if len(indices) else b",
    "        x, label = model.x[i], model.y[i] + noise[b]",
)


@dataclass(frozen=True, eq=False)
class Program:
    """Source whose `value_and_gradient` and `batch_gradient` are compiled (`kernels`), and arrays of its model."""

    source: str
    constants: Array
    tables: NDArray[np.int64]

    def model(self, setting: Setting) -> NamedTuple:
        """The arrays of a setting of this h; copies, as Numba compiles anew for a read-only array."""
        kind, rows = self.module.Compiled, setting.by_row()
        return kind(rows.x.reshape(rows.n, -1).copy(), rows.y.copy(), self.constants, self.tables)

    @property
    def module(self) -> ModuleType:
        """The source as a module, the same object for the same source."""
        return _module(self.source)

    def same(self, other: "Program") -> bool:
        return self.source == other.source and all(
            np.array_equal(mine, its, equal_nan=True)
            for mine, its in ((self.constants, other.constants), (self.tables, other.tables))
        )


def program(h: Model, theta: Array, x: Array) -> Program:
    """The program of h as it ran at one theta (p,) and datum x (*feature).

    Raises
    ------
    NotImplementedError
        Naming the operation that is not known.
    """
    constants: list[np.ndarray] = []
    tables: list[np.ndarray] = []
    source = HEAD + _of_one(h, theta, x, constants, tables) + _of_batch(h, theta, x, constants, tables)
    return Program(source, _flat(constants, float), _flat(tables, np.int64))


def _of_one(h, theta, x, constants, tables):
    loops = Loops(constants, tables)
    result = loops.entry(lower(*record(h, theta, x), loops))
    once, each, _ = loops.parts
    return "\n".join([OF_ONE, *_buffers(loops), *once, *each, f"    return {result}", ""])


def _of_batch(h, theta, x, constants, tables):
    loops = Loops(constants, tables)
    lower_batch(total_over_batch(record_loss(h, theta, x)), loops)
    once, each, after = loops.parts
    inside = ["    " + line for line in each]
    return "\n".join([OF_BATCH, *_buffers(loops), *once, *FOR_EACH, *inside, *after, ""])


def _buffers(loops):
    """The lines that make the buffers."""
    stack = sum(loops.sizes.values()) <= STACK
    return [
        f"    {name} = {'on_stack' if stack else 'np.empty'}({size})"
        for name, size in loops.sizes.items()
        if name != "gradient" and size > 1
    ]


def _flat(arrays, dtype):
    return np.concatenate([np.zeros(0), *arrays]).astype(dtype)


@cache
def _module(source):
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    name = f"{__package__}.compiled_{digest}"
    module = ModuleType(name)
    module.__dict__["__package__"] = __package__
    sys.modules[name] = module
    exec(compile(source, f"<{name}>", "exec"), vars(module))
    module.Compiled.__name__ += digest  # by which Numba tells classes of the same fields apart
    return module
