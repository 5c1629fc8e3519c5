"""One backward pass to what came out of each layer, and from there the terms of each parameter's gradient."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..torch_model import TorchModel
from .layout import Layout
from .term import Term
from .uses import Part, Use, Watch

__all__ = ["Plan", "Terms", "UnplannedError", "output_gradients", "terms_of_outputs", "watched"]

Terms = dict[str, dict[Part, list[Term]]]


class UnplannedError(RuntimeError):
    """The module read its parameters otherwise than it did when it was tried."""


@dataclass(frozen=True)
class Plan:
    """What of a module has a structure.

    Attributes
    ----------
    layouts : tuple
        Of each use in the order in which the module makes them: its part, and its layout, None of one without.
    structured, others : tuple of str
        The parameters whose gradients are sums of terms, and those without.
    copies : bool
        Whether something is changed in place behind a layer.
    formed : int
        Floats of a datum that its norm holds: gradients that it needs formed, and inner products of places.
    """

    layouts: tuple[tuple[Part, Layout | None], ...]
    structured: tuple[str, ...]
    others: tuple[str, ...]
    copies: bool
    formed: int = 0


def watched(
    model: TorchModel, leaves: dict[str, torch.Tensor], x: torch.Tensor, *, copies: bool
) -> tuple[torch.Tensor, Watch]:
    """h (n, k), and what was seen on the way."""
    watch = Watch(leaves, copies=copies)
    return model.run(leaves, x, within=watch), watch


def terms_of_outputs(
    model: TorchModel, plan: Plan, leaves: dict[str, torch.Tensor], x: torch.Tensor, *, again: bool = False
) -> Iterator[tuple[torch.Tensor, Terms]]:
    """Of each output h (n,) and the terms of its gradient by structured parameters, to differentiate `again` or not."""
    if not plan.structured:
        yield from ((value, {}) for value in model.run(leaves, x).unbind(dim=1))
        return
    values, watch = watched(model, leaves, x, copies=plan.copies)
    if [use.part for use in watch.uses] != [part for part, _ in plan.layouts] or watch.changed:
        raise UnplannedError
    for j in range(values.shape[1]):
        last = j + 1 == values.shape[1]
        gradients = output_gradients(values[:, j].sum(), watch.uses, again=again, keep=again or not last)
        yield values[:, j], _terms(plan, watch.uses, gradients, len(x), again)


def output_gradients(
    value: torch.Tensor, uses: list[Use], *, again: bool = False, keep: bool = False
) -> dict[int, torch.Tensor]:
    """∂value by what came out at each use, under the id of that."""
    outputs = list({id(use.output): use.output for use in uses}.values())
    if not outputs or not value.requires_grad:
        return {id(output): torch.zeros_like(output) for output in outputs}
    found = torch.autograd.grad(
        value, outputs, create_graph=again, retain_graph=keep, allow_unused=True, materialize_grads=True
    )
    return {id(output): gradient for output, gradient in zip(outputs, found, strict=True)}


def _terms(plan, uses, gradients, count, again):
    terms: Terms = {name: {} for name in plan.structured}
    with torch.set_grad_enabled(again):
        for use, (part, layout) in zip(uses, plan.layouts, strict=True):
            if part.name not in terms:
                continue
            if layout.axis >= use.output.ndim or use.output.shape[layout.axis] != layout.fold * count:
                raise UnplannedError
            terms[part.name].setdefault(part, []).append(use.term(gradients[id(use.output)], layout.by_datum))
        return {name: {part: _joined(some) for part, some in parts.items()} for name, parts in terms.items()}


def _joined(terms):
    """Fewer terms, where all are of one kind."""
    return type(terms[0]).joined(terms) if len({type(term) for term in terms}) == 1 else terms
