"""Functions of PyTorch whose own derivatives of some order are wrong, or missing, as formulas that have all of them.

Of PyTorch 2.13, against differences, up to the third order:
layer_norm, instance_norm, batch_norm by the batch    the third is wrong (mean and deviation are constants to it)
_weight_norm                                          the second is wrong
cdist, pdist, hardsigmoid, embedding_bag              there is no second
embedding that is sparse                              its gradient is a tensor of another kind
prelu, cdist                                          wrong under vmap from the first on
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

__all__ = ["FORMULAS", "Formulas", "layer_norm"]


def layer_norm(
    input: torch.Tensor,
    normalized_shape: tuple[int, ...],
    weight: "torch.Tensor | None" = None,
    bias: "torch.Tensor | None" = None,
    eps: float = 1e-5,
    _cudnn: bool = True,
) -> torch.Tensor:
    """(x - mean) / √(variance + eps) over the last axes, scaled and shifted."""
    value = _standardized(input, tuple(range(-len(normalized_shape), 0)), eps)
    value = value if weight is None else value * weight
    return value if bias is None else value + bias


def _standardized(x, axes, eps):
    centred = x - x.mean(dim=axes, keepdim=True)
    return centred * torch.rsqrt((centred * centred).mean(dim=axes, keepdim=True) + eps)


def _by_channel(value, weight, bias):
    shape = (1, -1, *(1,) * (value.ndim - 2))
    value = value if weight is None else value * weight.reshape(shape)
    return value if bias is None else value + bias.reshape(shape)


def _instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, *momentum, **named
):
    eps = momentum[1] if len(momentum) > 1 else named.get("eps", 1e-5)
    if not use_input_stats:
        scaled = _by_channel(input, torch.rsqrt(running_var + eps), -running_mean * torch.rsqrt(running_var + eps))
        return _by_channel(scaled, weight, bias)
    return _by_channel(_standardized(input, tuple(range(2, input.ndim)), eps), weight, bias)


def _torch_instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, _cudnn=True):
    return _instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def _batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if not training:
        return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    return _by_channel(_standardized(input, (0, *range(2, input.ndim)), eps), weight, bias)


def _torch_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, _cudnn=True):
    return _batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def _weight_norm(v, g, dim=0):
    return v * (g / torch.norm_except_dim(v, 2, dim))


def _cdist(x1, x2, p=2.0, _compute_mode=None, **_named):
    return torch.linalg.vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), ord=p, dim=-1)


def _pdist(input, p=2.0):
    one, other = torch.triu_indices(len(input), len(input), 1)
    return torch.linalg.vector_norm(input[one] - input[other], ord=p, dim=-1)


def _prelu(input, weight):
    if weight.numel() > 1 and input.ndim > 1:
        weight = weight.reshape(1, -1, *(1,) * (input.ndim - 2))
    return torch.where(input > 0, input, weight * input)


def _hardsigmoid(input, inplace=False):
    value = F.relu6(input + 3.0) / 6.0
    return input.copy_(value) if inplace else value


def _embedding(
    input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, _sparse=False, **_named
):
    return F.embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)


def _torch_embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, _sparse=False, **_named):
    return torch.embedding(weight, indices, padding_idx, scale_grad_by_freq)


def _embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    if input.ndim != 2:  # bags of several sizes
        numbers = {"sum": 0, "mean": 1, "max": 2}
        how = numbers[mode], sparse, per_sample_weights, include_last_offset, padding_idx
        return torch.embedding_bag(weight, input, offsets, scale_grad_by_freq, *how)[0]
    vectors = F.embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    kept = torch.ones_like(input) if padding_idx is None else input != padding_idx % len(weight)
    kept = kept.to(torch.bool)[..., None]
    if mode == "max":
        return torch.where(kept.any(dim=1), vectors.masked_fill(~kept, -torch.inf).max(dim=1).values, 0.0)
    if per_sample_weights is not None:
        vectors = vectors * per_sample_weights[..., None]
    total = (vectors * kept).sum(dim=1)
    return total if mode == "sum" else total / kept.sum(dim=1).clamp(min=1)


# A function of Python and what it calls, of which one or the other is seen.
FORMULAS: dict[Any, Any] = {
    F.layer_norm: layer_norm,
    torch.layer_norm: layer_norm,
    F.instance_norm: _instance_norm,
    torch.instance_norm: _torch_instance_norm,
    F.batch_norm: _batch_norm,
    torch.batch_norm: _torch_batch_norm,
    torch._weight_norm: _weight_norm,
    F.embedding: _embedding,
    torch.embedding: _torch_embedding,
    F.embedding_bag: _embedding_bag,
    **dict.fromkeys((torch.cdist, torch._VF.cdist), _cdist),
    **dict.fromkeys((F.pdist, torch.pdist), _pdist),
    **dict.fromkeys((F.prelu, torch.prelu, torch.Tensor.prelu), _prelu),
    **dict.fromkeys((F.hardsigmoid, torch._C._nn.hardsigmoid), _hardsigmoid),
    torch._C._nn.hardsigmoid_: partial(_hardsigmoid, inplace=True),
}


class Formulas(TorchFunctionMode):
    """Within, these functions are computed by their formulas."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return FORMULAS.get(func, func)(*args, **(kwargs or {}))
