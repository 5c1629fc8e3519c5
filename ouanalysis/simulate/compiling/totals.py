"""The sum of a gradient over a batch, taken as early as it can be: Σ_b L c_b = L Σ_b c_b where L is linear, of θ alone.

So what a cotangent meets on its way to θ that does not depend on the datum is done once a batch, after its sum.
"""

import numpy as np

from ...arguments import Array
from ...tape.calls import ADDITIONS, primitive, scatter
from ...tape.entries import Entry, in_order, made
from .contractions import CONTRACTIONS
from .operations import LINEAR, MOVES

__all__ = ["OF_DATA", "batch_sum", "shared", "total_over_batch"]

OF_DATA = ("x", "label")  # the inputs that are others for each datum
ADD, DIVIDE, SUM = map(primitive, ("add", "divide", "sum"))
HOMOGENEOUS = {primitive("multiply"), primitive("negative"), DIVIDE, scatter, *MOVES, *LINEAR, *CONTRACTIONS}


def batch_sum(_one: Array) -> Array:
    """The sum over the batch, which stands on tapes alone."""
    raise NotImplementedError


def total_over_batch(gradient: Entry) -> Entry:
    """The tape of Σ_b ∇_b from that of one ∇_b, in every term of which a cotangent is a factor."""
    order = list(in_order([gradient]))
    varying = _varying(order)
    linear: set[int] = set()
    for entry in order:
        if _is_linear(entry, [parent for parent in entry.parents if id(parent) in varying], linear):
            linear.add(id(entry))
    for entry in reversed(order):
        if id(entry) not in linear:  # it asks for what it reads at each datum, not for a sum
            linear.difference_update(map(id, entry.parents))
    totals = {}
    for entry in order:
        if id(entry) not in varying:
            totals[id(entry)] = entry
        elif id(entry) in linear:
            arguments = [totals.get(id(argument), argument) for argument in entry.arguments]
            totals[id(entry)] = made(entry.function, arguments, entry.shape, entry.keywords)
        else:
            totals[id(entry)] = made(batch_sum, [entry], entry.shape)
    return totals[id(gradient)]


def shared(order: list[Entry]) -> set[int]:
    """Which entries all data share: they do not depend on the datum, and some that do read them."""
    varying = _varying(order)
    read = {id(parent) for entry in order if id(entry) in varying for parent in entry.parents}
    return read - varying


def _varying(order):
    """The entries that are another for each datum."""
    varying: set[int] = set()
    for entry in order:
        if entry.function is None:
            depends = entry.arguments[0] in OF_DATA
        else:
            depends = entry.function is not batch_sum and any(id(parent) in varying for parent in entry.parents)
        if depends:
            varying.add(id(entry))
    return varying


def _is_linear(entry, varying, linear):
    """Whether the entry is linear in those of its parents that vary, and does not sum up what is not so itself."""
    if entry.function in ADDITIONS:
        return True
    if len(varying) != 1:
        return False
    (parent,) = varying
    if entry.function is SUM:
        return id(parent) in linear or entry.shape == parent.shape
    if entry.function is ADD:  # of zeros, as autograd broadcasts
        return all(one is parent or not (isinstance(one, Entry) or np.any(one)) for one in entry.arguments)
    return entry.function in HOMOGENEOUS and (entry.function is not DIVIDE or entry.arguments[0] is parent)
