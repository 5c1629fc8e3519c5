"""Squared norms and rows of the gradients that are sums of terms."""

import torch

from .backward import Terms
from .term import Term
from .uses import Part

__all__ = ["is_formed", "part_rows", "rows", "squared_norms"]


def squared_norms(terms: Terms, count: int) -> torch.Tensor:
    """‖∇h_i‖² over all parameters that have terms, of n = `count` data: (n,)."""
    total = torch.zeros(count, dtype=torch.float64)
    for parts in terms.values():
        for some in parts.values():
            total = total + _squared_norm(some)
    return total


def is_formed(terms: list[Term]) -> bool:
    """Whether the norm of their sum is that of the sum itself, and not all their inner products."""
    return len({type(term) for term in terms}) > 1 or not all(term.unformed for term in terms)


def rows(parts: dict[Part, list[Term]], count: int, shape: tuple[int, ...]) -> torch.Tensor:
    """The gradients of n = `count` data by a parameter, (n, *shape)."""
    pieces, at = [], 0
    for part in sorted(parts, key=lambda part: part.start):
        pieces += [_zeros(count, part.start - at, shape), part_rows(parts[part])] if shape else [part_rows(parts[part])]
        at = part.stop
    if not shape:
        return pieces[0] if pieces else torch.zeros(count, dtype=torch.float64)
    pieces.append(_zeros(count, shape[0] - at, shape))
    kept = [piece for piece in pieces if piece.shape[1]]
    return kept[0] if len(kept) == 1 else torch.cat(kept, dim=1)


def part_rows(terms: list[Term]) -> torch.Tensor:
    total = terms[0].rows()
    for term in terms[1:]:
        total = total + term.rows()
    return total


def _squared_norm(terms):
    if is_formed(terms):
        formed = part_rows(terms).flatten(start_dim=1)
        return (formed * formed).sum(dim=1)
    total = torch.zeros((), dtype=torch.float64)
    for place, term in enumerate(terms):
        total = total + term.inner(term)
        for other in terms[:place]:
            total = total + 2 * term.inner(other)
    return total


def _zeros(count, height, shape):
    return torch.zeros((count, height, *shape[1:]), dtype=torch.float64)
