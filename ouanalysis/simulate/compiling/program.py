"""The program of a model: the source of a Numba function that gives h and its gradient, and the numbers it looks up."""

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
from ...tape.entries import record
from .loops import Loops
from .lowering import lower

__all__ = ["Program", "program"]

STACK = 4096  # floats that are taken from the stack, beyond which arrays are allocated

HEAD = '''"""Written by ouanalysis.compiled: h and its gradient for one datum."""

import math
from typing import Any, NamedTuple

import numpy as np

from ouanalysis.simulate.kernels.scalars import (
    divide, logaddexp, logistic, maximum, minimum, on_stack, remainder, sign, softplus, square, tanh
)


class Compiled(NamedTuple):
    x: Any
    y: Any
    constants: Any
    tables: Any


def value_and_gradient(model, theta, i, gradient):
    x, constants, tables = model.x[i], model.constants, model.tables
'''


@dataclass(frozen=True, eq=False)
class Program:
    """Source whose `value_and_gradient(model, theta, i, gradient)` is compiled, and arrays of its model."""

    source: str
    constants: Array
    tables: NDArray[np.int64]

    def model(self, setting: Setting) -> NamedTuple:
        """The arrays of a setting of this h; copies, as Numba compiles anew for a read-only array."""
        kind = self.module.Compiled
        return kind(setting.x.reshape(setting.n, -1).copy(), setting.y.copy(), self.constants, self.tables)

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
    value, gradient = record(h, theta, x)
    loops = Loops()
    result = lower(value, gradient, loops)
    returned = loops.entry(result)
    stack = sum(loops.sizes.values()) <= STACK
    buffers = [
        f"    {name} = {'on_stack' if stack else 'np.empty'}({size})"
        for name, size in loops.sizes.items()
        if name != "gradient" and size > 1
    ]
    source = "\n".join([HEAD + "\n".join(buffers), *loops.lines, f"    return {returned}", ""])
    return Program(source, _flat(loops.constants, float), _flat(loops.tables, np.int64))


def _flat(arrays, dtype):
    return np.concatenate([np.zeros(0), *arrays]).astype(dtype)


@cache
def _module(source):
    name = f"{__package__}.compiled_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__dict__["__package__"] = __package__
    sys.modules[name] = module
    exec(compile(source, f"<{name}>", "exec"), vars(module))
    return module
