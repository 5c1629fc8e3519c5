"""What one use of a parameter adds to the gradient of each datum."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

__all__ = ["ByDatum", "Given", "Summed", "Term", "Uses"]

ByDatum = Callable[[torch.Tensor], torch.Tensor]  # what turns (..., data, ...) into (n, fold, ...)
Given = Mapping[str, Any]  # the arguments of a function by name
Uses = dict[str, tuple[int, Callable[[torch.Tensor, ByDatum], Any]]]  # see `dense_uses`


class Term(Protocol):
    """A part of the gradient of n data by one parameter."""

    def rows(self) -> torch.Tensor:
        """It itself, (n, *shape)."""

    def inner(self, other: "Term") -> torch.Tensor:
        """Its inner product with another of its kind, datum by datum, without either: (n,)."""

    @property
    def unformed(self) -> bool:
        """Whether `inner` costs less than `rows`."""

    @property
    def alike(self) -> int:
        """Floats of a datum that `inner` of it with itself holds."""

    @staticmethod
    def joined(terms: list) -> list:
        """Fewer terms of the same sum."""


@dataclass(frozen=True)
class Summed:
    """One that is small: formed at once."""

    values: torch.Tensor
    unformed = False
    alike = 1

    def rows(self) -> torch.Tensor:
        return self.values

    def inner(self, other: "Summed") -> torch.Tensor:
        return (self.values * other.values).flatten(start_dim=1).sum(dim=1)

    @staticmethod
    def joined(terms: list) -> list:
        return [Summed(sum(term.values for term in terms))] if len(terms) > 1 else terms
