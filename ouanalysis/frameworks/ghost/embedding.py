"""Embeddings: z_t = W[i_t], where the row i of W has the gradient Σ_t b_t over the places t with i_t = i."""

from dataclasses import dataclass
from functools import partial

import torch

from .term import Given, Uses

__all__ = ["Lookup", "embedding_uses"]


@dataclass(frozen=True)
class Lookup:
    """Of indices (n, places) and derivatives (n, places, width), in a table of some height."""

    indices: torch.Tensor
    derivatives: torch.Tensor
    height: int

    @property
    def unformed(self) -> bool:
        return self.indices.shape[1] ** 2 < self.height

    @property
    def alike(self) -> int:
        return self.indices.shape[1] ** 2

    def rows(self) -> torch.Tensor:
        count, _, width = self.derivatives.shape
        table = self.derivatives.new_zeros(count, self.height, width)
        return table.scatter_add(1, self.indices[..., None].expand_as(self.derivatives), self.derivatives)

    def inner(self, other: "Lookup") -> torch.Tensor:
        alike = self.indices[:, :, None] == other.indices[:, None, :]
        return (alike * (self.derivatives @ other.derivatives.transpose(1, 2))).sum(dim=(1, 2))

    @staticmethod
    def joined(terms: list) -> list:
        indices = torch.cat([term.indices for term in terms], dim=1)
        return [Lookup(indices, torch.cat([term.derivatives for term in terms], dim=1), terms[0].height)]


def embedding_uses(given: Given, output: torch.Tensor) -> Uses:
    """Of embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)."""
    if given.get("max_norm") is not None or given.get("scale_grad_by_freq"):
        return {}
    return {"weight": (output.ndim - 1, partial(_weight_term, given))}


def _weight_term(given, derivatives, by_datum):
    indices, height, padding = given["input"], len(given["weight"]), given.get("padding_idx")
    if padding is not None:  # whose row stays
        derivatives = derivatives * (indices != padding % height)[..., None]
    apart = by_datum(derivatives).flatten(start_dim=1, end_dim=-2)
    return Lookup(by_datum(indices).flatten(start_dim=1), apart, height)
