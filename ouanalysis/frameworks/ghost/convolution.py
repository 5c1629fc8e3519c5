"""Convolutions: at each offset in the kernel a dense layer from one part of the padded input to all outputs."""

from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod

import torch
import torch.nn.functional as F

from .scale import channel_bias_term
from .term import Given, Uses

__all__ = ["Convolved", "convolution_uses"]


@dataclass(frozen=True)
class Convolved:
    """Of inputs (n, groups, in, *places), padded, and derivatives (n, groups, out, places).

    A kernel (*sizes) steps by `stride` and is spread by `dilation`; a datum may be several pictures, each with its
    places, which are then those of the first two axes (n, pictures, ...).
    """

    inputs: torch.Tensor
    derivatives: torch.Tensor
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def unformed(self) -> bool:
        wide, high = self.inputs.shape[3] * prod(self.kernel), self.derivatives.shape[3]
        return self.places * (wide + high) < wide * high

    @property
    def places(self) -> int:
        return self.inputs.shape[1] * prod(self.derivatives.shape[4:])

    @property
    def alike(self) -> int:
        return self.derivatives.shape[2] * self.places**2

    def rows(self) -> torch.Tensor:
        by = _places(self.derivatives)
        at = [by.transpose(2, 3) @ part for part in self._parts()]
        found = torch.stack(at, dim=-1)  # (n, groups, out, in, offsets)
        return found.flatten(start_dim=1, end_dim=2).unflatten(-1, self.kernel)

    def inner(self, other: "Convolved") -> torch.Tensor:
        pairs = zip(self._parts(), other._parts(), strict=True)
        alike = sum(one @ another.transpose(2, 3) for one, another in pairs)
        by = _places(self.derivatives) @ _places(other.derivatives).transpose(2, 3)
        return (alike * by).sum(dim=(1, 2, 3))

    def _parts(self):
        """What each offset of the kernel meets: (n, groups, places, in)."""
        places = self.derivatives.shape[4:]
        for offset in product(*map(range, self.kernel)):
            part = self.inputs
            for axis, (k, step, spread, count) in enumerate(
                zip(offset, self.stride, self.dilation, places, strict=True)
            ):
                index = torch.arange(k * spread, k * spread + step * (count - 1) + 1, step)
                part = part.index_select(4 + axis, index) if step > 1 else part.narrow(4 + axis, k * spread, count)
            yield _places(part)

    @staticmethod
    def joined(terms: list) -> list:
        return terms


def convolution_uses(given: Given, output: torch.Tensor) -> Uses:
    """Of conv1d, conv2d or conv3d(input, weight, bias, stride, padding, dilation, groups)."""
    if output.ndim != given["weight"].ndim:  # a single datum without an axis of its own
        return {}
    return {"weight": (1, partial(_weight_term, given)), "bias": (1, channel_bias_term)}


def _weight_term(given, derivatives, by_datum):
    kernel = tuple(given["weight"].shape[2:])
    stride, dilation = (_each(given.get(name, 1), kernel) for name in ("stride", "dilation"))
    inputs, groups = F.pad(given["input"], _padding(given, kernel, dilation)), given.get("groups", 1)
    inputs, derivatives = (by_datum(tensor).unflatten(2, (groups, -1)) for tensor in (inputs, derivatives))
    return Convolved(inputs, derivatives, kernel, stride, dilation)


def _padding(given, kernel, dilation):
    """What F.pad takes: before and after each axis, the last first."""
    padding = given.get("padding", 0)
    if padding == "valid":
        padding = 0
    if padding == "same":
        totals = [spread * (size - 1) for size, spread in zip(kernel, dilation, strict=True)]
        sides = [(total // 2, total - total // 2) for total in totals]
    else:
        sides = [(side, side) for side in _each(padding, kernel)]
    return [side for pair in reversed(sides) for side in pair]


def _each(value, kernel):
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    return values * len(kernel) if len(values) == 1 else values


def _places(tensor):
    """(n, pictures, groups, channels, *places) as (n, groups, pictures · places, channels)."""
    return tensor.flatten(start_dim=4).permute(0, 2, 1, 4, 3).flatten(start_dim=2, end_dim=3)
