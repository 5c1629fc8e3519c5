"""Biases, and the scales of normalised inputs: z = s ∘ x̂ + c, where s has the gradient Σ_t b_t ∘ x̂_t."""

from functools import partial

import torch
import torch.nn.functional as F

from ..torch_formulas import layer_norm
from .term import ByDatum, Given, Summed, Uses

__all__ = ["bias_term", "channel_bias_term", "group_uses", "layer_uses", "root_mean_square_uses", "running_uses"]


def bias_term(lead: int, derivatives: torch.Tensor, by_datum: ByDatum) -> Summed:
    """Of a bias with the axes behind the first `lead`."""
    own = derivatives.ndim - lead
    apart = by_datum(derivatives)
    return Summed(apart.flatten(start_dim=1, end_dim=apart.ndim - own - 1).sum(dim=1))


def channel_bias_term(derivatives: torch.Tensor, by_datum: ByDatum) -> Summed:
    """Of a bias of the channels (n, channel, *places)."""
    apart = by_datum(derivatives)
    return Summed(apart.sum(dim=[1, *range(3, apart.ndim)]))


def layer_uses(given: Given, output: torch.Tensor) -> Uses:
    """Of layer_norm(input, normalized_shape, weight, bias, eps)."""
    shape = tuple(given["normalized_shape"])
    lead, eps = output.ndim - len(shape), given.get("eps", 1e-5)
    scale = partial(_scale_term, partial(bias_term, lead), lambda: layer_norm(given["input"], shape, eps=eps))
    return {"weight": (lead, scale), "bias": (lead, partial(bias_term, lead))}


def root_mean_square_uses(given: Given, output: torch.Tensor) -> Uses:
    """Of rms_norm(input, normalized_shape, weight, eps)."""
    shape = tuple(given["normalized_shape"])
    lead, eps = output.ndim - len(shape), given.get("eps")
    scale = partial(_scale_term, partial(bias_term, lead), lambda: F.rms_norm(given["input"], shape, eps=eps))
    return {"weight": (lead, scale)}


def group_uses(given: Given, _output: torch.Tensor) -> Uses:
    """Of group_norm(input, num_groups, weight, bias, eps)."""
    eps = given.get("eps", 1e-5)
    scale = partial(_scale_term, channel_bias_term, lambda: F.group_norm(given["input"], given["num_groups"], eps=eps))
    return {"weight": (1, scale), "bias": (1, channel_bias_term)}


def running_uses(given: Given, _output: torch.Tensor) -> Uses:
    """Of batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps), by what was running."""

    def normalised():
        mean, variance = given["running_mean"], given["running_var"]
        return F.batch_norm(given["input"], mean, variance, eps=given.get("eps", 1e-5))

    scale = partial(_scale_term, channel_bias_term, normalised)
    return {} if given.get("training") else {"weight": (1, scale), "bias": (1, channel_bias_term)}


def _scale_term(term, normalised, derivatives, by_datum):
    return term(derivatives * normalised(), by_datum)
