"""Dense layers: z_t = W a_t + c at the places t of a datum, where W has the gradient Σ_t b_t a_tᵀ."""

from dataclasses import dataclass
from functools import partial

import torch

from .scale import bias_term
from .term import Given, Uses

__all__ = ["Dense", "dense_uses"]


@dataclass(frozen=True)
class Dense:
    """Σ_t b_t a_tᵀ of inputs (n, places, in) and derivatives (n, places, out)."""

    inputs: torch.Tensor
    derivatives: torch.Tensor

    @property
    def places(self) -> int:
        return self.inputs.shape[1]

    @property
    def unformed(self) -> bool:
        wide, high = self.inputs.shape[2], self.derivatives.shape[2]
        return self.places * (wide + high) < wide * high

    @property
    def alike(self) -> int:
        return self.places**2

    def rows(self) -> torch.Tensor:
        return self.derivatives.transpose(1, 2) @ self.inputs

    def inner(self, other: "Dense") -> torch.Tensor:
        if self.places == other.places == 1:
            alike = (self.inputs * other.inputs).sum(dim=(1, 2))
            return alike * (self.derivatives * other.derivatives).sum(dim=(1, 2))
        alike = self.inputs @ other.inputs.transpose(1, 2)
        return (alike * (self.derivatives @ other.derivatives.transpose(1, 2))).sum(dim=(1, 2))

    @staticmethod
    def joined(terms: list) -> list:
        if len(terms) == 1:
            return terms
        inputs = torch.cat([term.inputs for term in terms], dim=1)
        return [Dense(inputs, torch.cat([term.derivatives for term in terms], dim=1))]


def dense_uses(given: Given, output: torch.Tensor) -> Uses:
    """Of linear(input, weight, bias): how each is read, with the number of axes before those of the parameter."""
    lead = output.ndim - 1
    return {"weight": (lead, partial(_weight_term, given["input"])), "bias": (lead, partial(bias_term, lead))}


def _weight_term(inputs, derivatives, by_datum):
    return Dense(_places(by_datum(inputs)), _places(by_datum(derivatives)))


def _places(tensor):
    return tensor.flatten(start_dim=1, end_dim=-2)
