"""Which functions of PyTorch read which parameter, seen while a module runs that knows nothing of it."""

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from ..torch_formulas import FORMULAS
from .convolution import convolution_uses
from .dense import dense_uses
from .embedding import embedding_uses
from .scale import group_uses, layer_uses, root_mean_square_uses, running_uses

__all__ = ["Part", "Use", "Watch"]

CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
RULES: dict[Any, tuple[Callable, tuple[str, ...]]] = {
    F.linear: (dense_uses, ("input", "weight", "bias")),
    F.conv1d: (convolution_uses, CONVOLUTION),
    F.conv2d: (convolution_uses, CONVOLUTION),
    F.conv3d: (convolution_uses, CONVOLUTION),
    F.embedding: (
        embedding_uses,
        ("input", "weight", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"),
    ),
    F.layer_norm: (layer_uses, ("input", "normalized_shape", "weight", "bias", "eps")),
    F.rms_norm: (root_mean_square_uses, ("input", "normalized_shape", "weight", "eps")),
    F.group_norm: (group_uses, ("input", "num_groups", "weight", "bias", "eps")),
    F.batch_norm: (
        running_uses,
        ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    ),
}
CUTS = {torch.Tensor.split, torch.split, torch.Tensor.chunk, torch.chunk}


@dataclass(frozen=True)
class Part:
    """Rows start to stop of a parameter: attention cuts one into those of queries, keys and values."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class Use:
    """One reading of a parameter: what came out, of which one of `lead` axes is the data's, and its gradients' term."""

    part: Part
    output: torch.Tensor
    version: int
    lead: int
    term: Callable


class Watch(TorchFunctionMode):
    """Within, each use of some parameters is written down, and which of them are read in ways without a rule.

    Where something is changed in place behind a rule, `copies` gives on a copy of what came out.
    """

    def __init__(self, parameters: dict[str, torch.Tensor], *, copies: bool) -> None:
        super().__init__()
        self.uses: list[Use] = []
        self.unknown: set[str] = set()
        self._copies = copies
        self._parts = {id(p): (Part(name, 0, len(p) if p.ndim else 1), p) for name, p in parameters.items()}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        read = [self._parts[id(tensor)][0] for tensor in _tensors((args, kwargs)) if id(tensor) in self._parts]
        if not read:
            return func(*args, **kwargs)
        made_of = _made_of(func)
        if made_of is not None:
            with self:
                return made_of(*args, **kwargs)
        out = func(*args, **kwargs)
        if not any(tensor.requires_grad for tensor in _tensors(out)):
            return out
        if func in CUTS and len(args) == 2 and kwargs.get("dim", 0) == 0:
            self._cut(read[0], out)
            return out
        return self._ruled(func, args, kwargs, out, read)

    def _ruled(self, func, args, kwargs, out, read):
        uses, names = RULES.get(func, (None, ()))
        given = dict(zip(names, args, strict=False)) | kwargs
        ways = uses(given, out) if uses else {}
        for part in read:
            where = [name for name, value in given.items() if self._parts.get(id(value), [None])[0] is part]
            if len(where) == 1 and where[0] in ways and read.count(part) == 1:
                lead, term = ways[where[0]]
                self.uses.append(Use(part, out, out._version, lead, term))
            else:
                self.unknown.add(part.name)
        return out.clone() if ways and self._copies else out

    def _cut(self, whole, pieces):
        start = whole.start
        for piece in pieces:
            self._parts[id(piece)] = Part(whole.name, start, start + len(piece)), piece
            start += len(piece)

    @property
    def changed(self) -> bool:
        """Whether something that came out was changed in place later, so that it must be run with `copies`."""
        return any(use.output._version != use.version for use in self.uses)


def _tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))


def _made_of(func):
    """What a function without a rule is made of: its formula, or its own lines, where it does not hand itself over."""
    if func in RULES or func in CUTS:
        return None
    if func in FORMULAS:
        return FORMULAS[func]
    if not isinstance(func, FunctionType) or "has_torch_function" not in func.__globals__:
        return None
    never = {name: lambda *_: False for name in func.__globals__ if name.startswith("has_torch_function")}
    inside = FunctionType(func.__code__, {**func.__globals__, **never}, func.__name__, func.__defaults__)
    inside.__kwdefaults__ = func.__kwdefaults__
    return inside
