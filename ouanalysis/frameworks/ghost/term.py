"""What one use of a parameter adds to the gradient of each datum."""

from dataclasses import dataclass
from typing import Protocol

import torch

__all__ = ["Summed", "Term"]


class Term(Protocol):
    """A part of the gradient of n data by one parameter."""

    def rows(self) -> torch.Tensor:
        """It itself, (n, *shape)."""

    def inner(self, other: "Term") -> torch.Tensor:
        """Its inner product with another of its kind, datum by datum, without either: (n,)."""

    @property
    def unformed(self) -> bool:
        """Whether `inner` costs less than `rows`."""

    @staticmethod
    def joined(terms: list) -> list:
        """Fewer terms of the same sum."""


@dataclass(frozen=True)
class Summed:
    """One that is small: formed at once."""

    values: torch.Tensor
    unformed = False

    def rows(self) -> torch.Tensor:
        return self.values

    def inner(self, other: "Summed") -> torch.Tensor:
        return (self.values * other.values).flatten(start_dim=1).sum(dim=1)

    @staticmethod
    def joined(terms: list) -> list:
        return [Summed(sum(term.values for term in terms))] if len(terms) > 1 else terms
