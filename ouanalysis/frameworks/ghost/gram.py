"""K = J Jᵀ without J: by products of factors where a layer has one place, else by columns of J that fit the memory."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import torch

from ..torch_model import TorchModel
from .backward import Plan, terms_of_outputs
from .dense import Dense

__all__ = ["factored_gram", "factored_names", "grouped"]

Named = dict[str, torch.Tensor]


def factored_names(model: TorchModel, plan: Plan, leaves: Named, x: torch.Tensor) -> tuple[str, ...]:
    """The matrices of dense layers that are read once, at one place of each datum."""
    _, terms = next(iter(terms_of_outputs(model, plan, leaves, x[:1])))

    def is_factored(parts):
        return all(
            len(some) == 1 and isinstance(some[0], Dense) and some[0].places == 1 for some in parts.values()
        ) and bool(parts)

    return tuple(name for name, parts in terms.items() if is_factored(parts))


def factored_gram(
    model: TorchModel, plan: Plan, names: tuple[str, ...], leaves: Named, data: Callable[[], Iterator[torch.Tensor]]
) -> torch.Tensor:
    """Σ ⟨a_i, a_j⟩ ⟨b_i, b_j⟩ over the layers of these parameters: (n, k, n, k)."""
    inputs: dict = {}
    derivatives: dict = {}
    for x in data() if names else ():
        by_output = [terms for _, terms in terms_of_outputs(model, plan, leaves, x)]
        for name in names:
            for part in by_output[0][name]:
                some: list[Any] = [terms[name][part][0] for terms in by_output]
                inputs.setdefault(part, []).append(some[0].inputs[:, 0].detach())
                derivatives.setdefault(part, []).append(torch.stack([term.derivatives[:, 0] for term in some], dim=1))
    total = torch.zeros(())
    for part in inputs:
        a, b = torch.cat(inputs[part]), torch.cat(derivatives[part])
        alike = (a @ a.T)[:, None, :, None]
        flat = b.flatten(end_dim=1)
        total = total + alike * (flat @ flat.T).view(*b.shape[:2], *b.shape[:2])
    return total


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
