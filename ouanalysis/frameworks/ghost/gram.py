"""K = J Jᵀ without J: by products of factors where a layer has such, else by columns of J that fit the memory."""

from collections.abc import Callable, Iterator
from math import prod

import torch

from ..torch_model import TorchModel
from .backward import Plan, terms_of_outputs
from .factors import Factors, factors_of
from .uses import Part

__all__ = ["add_factored_gram", "factored", "grouped"]

KEPT = 128 << 20  # bytes of factors
Named = dict[str, torch.Tensor]
Layers = dict[Part, Factors]


def factored(model: TorchModel, plan: Plan, leaves: Named, x: torch.Tensor) -> Layers:
    """The parameters whose inner products need no gradient that is formed: all the parts of each, without any data."""
    _, terms = next(iter(terms_of_outputs(model, plan, leaves, x[:1])))
    layers: Layers = {}
    for parts in terms.values():
        found = {part: factors_of(some, model.k) for part, some in parts.items()}
        layers |= {part: one for part, one in found.items() if one is not None and None not in found.values()}
    return layers


def add_factored_gram(
    total: torch.Tensor,
    model: TorchModel,
    plan: Plan,
    layers: Layers,
    leaves: Named,
    x: torch.Tensor,
    blocks: Callable[[int], Iterator[slice]],
) -> None:
    """To total (n·k, n·k) the inner products of the gradients by these layers.

    The factors of all data are kept where they are few, else those of two parts of the data at once; `blocks` cuts so
    many data into those that one pass may have.
    """
    k = model.k
    size = 8 * sum(layer.size for layer in layers.values())
    step = len(x) if len(x) * size <= KEPT else max(1, KEPT // (2 * size))
    parts = [slice(start, min(start + step, len(x))) for start in range(0, len(x), step)]

    def factors(some):
        return _factors(model, plan, layers, leaves, x[some], blocks)

    for i, first in enumerate(parts):
        left = factors(first)
        for second in parts[i:]:
            right = left if second is first else factors(second)
            there = slice(second.start * k, second.stop * k)
            for one, other in zip(left, right, strict=True):
                for rows, found in one.products(other):
                    here = slice(first.start * k + rows.start, first.start * k + rows.stop)
                    products = torch.as_tensor(found)
                    total[here, there] += products
                    if second is not first:
                        total[there, here] += products.T


def _factors(model, plan, layers, leaves, x, blocks):
    held = {part: layer.empty(len(x)) for part, layer in layers.items()}
    for block in blocks(len(x)):
        for j, (_, terms) in enumerate(terms_of_outputs(model, plan, leaves, x[block])):
            for part, factors in held.items():
                factors.put(block, j, terms[part.name][part][0])
    return list(held.values())


def grouped(shapes: dict[str, tuple[int, ...]], most: int) -> Iterator[dict[str, slice]]:
    """The columns of some parameters in groups of at most `most`: of each name those that it gives to a group."""
    group: dict[str, slice] = {}
    room = most
    for name, shape in shapes.items():
        start, size = 0, prod(shape)
        while start < size:
            stop = min(size, start + room)
            group[name] = slice(start, stop)
            room -= stop - start
            start = stop
            if not room:
                yield group
                group, room = {}, most
    if group:
        yield group
