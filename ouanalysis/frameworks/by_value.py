"""What a thing is made of, as something hashable: equal where the thing is known to be."""

import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

__all__ = ["by_value"]

NAMED = (type, FunctionType, BuiltinFunctionType, ModuleType, np.ufunc)  # each is itself and no other
Again = Callable[[Any], Any]


def by_value(thing: Any, special: Callable[[Any, Again], Any] = lambda _thing, _again: None) -> Any:
    """Numbers by type and value, arrays by bytes, containers and objects by what is in them, functions by identity.

    An object whose class says what equal means, and that has a hash, is itself; any other is what `pickle` would keep
    of it, and where that is nothing, equal to itself alone.

    Parameters
    ----------
    special : callable
        ``special(thing, again)`` gives what stands for a thing, or None for what is said here; `again` is this function
        of a part.
    """
    return _by_value(thing, special, ())


def _by_value(thing, special, above):
    if id(thing) in above:  # it holds itself
        return "above", len(above) - above.index(id(thing))

    def again(part):
        return _by_value(part, special, (*above, id(thing)))

    kind, found = type(thing), special(thing, again)
    if found is not None:
        return found
    if thing is None or isinstance(thing, (*NAMED, int, str, bytes)):
        return kind, thing
    if isinstance(thing, float | complex | np.generic):
        return kind, repr(thing)  # nan is nan, and -0 is not 0
    if isinstance(thing, np.ndarray) and thing.dtype.kind != "O":
        return kind, thing.dtype.str, thing.shape, thing.tobytes()
    if kind in (dict, OrderedDict):
        return kind, tuple((again(key), again(value)) for key, value in thing.items())
    if kind in (set, frozenset):
        return kind, frozenset(map(again, thing))
    if isinstance(thing, tuple) or kind is list:
        return kind, tuple(map(again, thing))
    if isinstance(thing, weakref.ReferenceType):
        return kind, again(thing())
    if getattr(getattr(kind, "__dataclass_params__", None), "eq", False):
        return kind, tuple(again(getattr(thing, field.name)) for field in fields(thing))
    if not isinstance(thing, MethodType | partial) and kind.__eq__ is not object.__eq__ and _hashable(thing):
        return thing
    return _pickled(thing, again)


def _pickled(thing, again):
    """What pickle would keep: what makes it again, of what, and its state."""
    try:
        kept = thing.__reduce_ex__(4)
    except Exception:  # whatever it raises, it does not pickle
        kept = None
    if not isinstance(kept, tuple):  # or is a thing of a module, by its name
        return type(thing), id(thing)
    return tuple(again(list(part) if hasattr(part, "__next__") else part) for part in kept)


def _hashable(thing):
    try:
        hash(thing)
    except TypeError:
        return False
    return True
