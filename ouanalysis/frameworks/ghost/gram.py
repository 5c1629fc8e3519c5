"""K = J Jᵀ without J: by products of factors where a layer has one place, else by columns of J that fit the memory."""

from collections.abc import Callable, Iterator
from math import prod

import torch

from ..torch_model import TorchModel
from .backward import Plan, terms_of_outputs
from .dense import Dense

__all__ = ["add_factored_gram", "factored_names", "grouped"]

KEPT = 128 << 20  # bytes of factors
Named = dict[str, torch.Tensor]


def factored_names(model: TorchModel, plan: Plan, leaves: Named, x: torch.Tensor) -> tuple[str, ...]:
    """The matrices of dense layers that are read once, at one place of each datum."""
    _, terms = next(iter(terms_of_outputs(model, plan, leaves, x[:1])))

    def is_factored(parts):
        return all(
            len(some) == 1 and isinstance(some[0], Dense) and some[0].places == 1 for some in parts.values()
        ) and bool(parts)

    return tuple(name for name, parts in terms.items() if is_factored(parts))


def add_factored_gram(
    total: torch.Tensor,
    model: TorchModel,
    plan: Plan,
    names: tuple[str, ...],
    leaves: Named,
    x: torch.Tensor,
    blocks: Callable[[int], Iterator[slice]],
) -> None:
    """To total (n·k, n·k) the Σ ⟨a_i, a_j⟩ ⟨b_i, b_j⟩ over the layers of these parameters.

    The factors of all data are kept where they are few, else those of two parts of the data at once; `blocks` cuts so
    many data into those that one pass may have.
    """
    shapes = {
        part: (term.inputs[0, 0].shape, term.derivatives[0, 0].shape)
        for part, term in _of_one(next(iter(terms_of_outputs(model, plan, leaves, x[:1])))[1], names).items()
    }
    k = model.k
    size = 8 * sum(wide.numel() + k * high.numel() for wide, high in shapes.values())
    step = len(x) if len(x) * size <= KEPT else max(1, KEPT // (2 * size))
    parts = [slice(start, min(start + step, len(x))) for start in range(0, len(x), step)]

    def factors(some):
        """(a (n, in), b (n·k, out)) of some data for each layer."""
        data = x[some]
        held = {
            part: (
                torch.empty((len(data), *wide), dtype=torch.float64),
                torch.empty((len(data), k, *high), dtype=torch.float64),
            )
            for part, (wide, high) in shapes.items()
        }
        for block in blocks(len(data)):
            for j, (_, terms) in enumerate(terms_of_outputs(model, plan, leaves, data[block])):
                for part, term in _of_one(terms, names).items():
                    held[part][0][block] = term.inputs[:, 0].detach()
                    held[part][1][block, j] = term.derivatives[:, 0].detach()
        return [(a, b.flatten(end_dim=1)) for a, b in held.values()]

    for i, first in enumerate(parts):
        left = factors(first)
        for second in parts[i:]:
            right = left if second is first else factors(second)
            here, there = (slice(some.start * k, some.stop * k) for some in (first, second))
            for (a, b), (other_a, other_b) in zip(left, right, strict=True):
                alike = b @ other_b.T
                alike.view(len(a), k, len(other_a), k).mul_((a @ other_a.T)[:, None, :, None])
                total[here, there] += alike
                if second is not first:
                    total[there, here] += alike.T


def _of_one(terms, names):
    """The one term of each part of these parameters."""
    return {part: some[0] for name in names for part, some in terms[name].items()}


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
