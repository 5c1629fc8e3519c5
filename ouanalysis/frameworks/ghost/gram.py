"""K = J Jᵀ without J: by products of factors where a layer has one place, else by columns of J that fit the memory."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import torch

from ..torch_model import TorchModel
from .backward import Plan, terms_of_outputs
from .dense import Dense
from .uses import Part

__all__ = ["add_factored_gram", "factored_shapes", "grouped"]

KEPT = 128 << 20  # bytes of factors
Named = dict[str, torch.Tensor]
Shapes = dict[Part, tuple[int, int]]  # how many inputs and outputs a layer has


def factored_shapes(model: TorchModel, plan: Plan, leaves: Named, x: torch.Tensor) -> Shapes:
    """Of the matrices of dense layers that are read once, at one place of each datum."""
    _, terms = next(iter(terms_of_outputs(model, plan, leaves, x[:1])))
    shapes: Shapes = {}
    for parts in terms.values():
        dense: dict[Part, Any] = {part: some[0] for part, some in parts.items() if _is_factored(some)}
        if len(dense) == len(parts):
            shapes |= {part: (term.inputs.shape[2], term.derivatives.shape[2]) for part, term in dense.items()}
    return shapes


def add_factored_gram(
    total: torch.Tensor,
    model: TorchModel,
    plan: Plan,
    shapes: Shapes,
    leaves: Named,
    x: torch.Tensor,
    blocks: Callable[[int], Iterator[slice]],
) -> None:
    """To total (n·k, n·k) the Σ ⟨a_i, a_j⟩ ⟨b_i, b_j⟩ over the layers of these shapes.

    The factors of all data are kept where they are few, else those of two parts of the data at once; `blocks` cuts so
    many data into those that one pass may have.
    """
    k = model.k
    size = 8 * sum(wide + k * high for wide, high in shapes.values())
    step = len(x) if len(x) * size <= KEPT else max(1, KEPT // (2 * size))
    parts = [slice(start, min(start + step, len(x))) for start in range(0, len(x), step)]

    def factors(some):
        return _factors(model, plan, shapes, leaves, x[some], blocks)

    for i, first in enumerate(parts):
        left = factors(first)
        for second in parts[i:]:
            right = left if second is first else factors(second)
            here, there = (slice(some.start * k, some.stop * k) for some in (first, second))
            for one, other in zip(left, right, strict=True):
                alike = _products(one, other, k)
                total[here, there] += alike
                if second is not first:
                    total[there, here] += alike.T


def _is_factored(terms):
    return len(terms) == 1 and isinstance(terms[0], Dense) and terms[0].places == 1


def _factors(model, plan, shapes, leaves, x, blocks):
    """(a (n, in), b (n·k, out)) of some data for each layer."""
    held = {
        part: (
            torch.empty((len(x), wide), dtype=torch.float64),
            torch.empty((len(x), model.k, high), dtype=torch.float64),
        )
        for part, (wide, high) in shapes.items()
    }
    for block in blocks(len(x)):
        for j, (_, terms) in enumerate(terms_of_outputs(model, plan, leaves, x[block])):
            for part, (a, b) in held.items():
                term: Any = terms[part.name][part][0]  # a `Dense`
                a[block], b[block, j] = term.inputs[:, 0].detach(), term.derivatives[:, 0].detach()
    return [(a, b.flatten(end_dim=1)) for a, b in held.values()]


def _products(one, other, k):
    """⟨a_i, a_j⟩ ⟨b_i, b_j⟩ of the factors of two parts of the data."""
    (a, b), (other_a, other_b) = one, other
    products = b @ other_b.T
    products.view(len(a), k, len(other_a), k).mul_((a @ other_a.T)[:, None, :, None])
    return products


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
