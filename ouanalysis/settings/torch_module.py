"""A PyTorch module as the model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..arguments import Array, Reals, as_array, positive_number, real_array
from ..frameworks.torch_checks import check_torch_derivatives, torch_model
from ..frameworks.torch_model import TorchModel, tensors
from ..frameworks.torch_products import TorchProducts
from .branches import Branches
from .setting import Setting, parameters

__all__ = ["TorchModule"]

FOREIGN = {torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2}  # numbers that NumPy has not


@dataclass(frozen=True, eq=False, init=False, repr=False)
class TorchModule(Setting):
    """h(x) of a module, whose parameters that require a gradient are theta; PyTorch differentiates it.

    The module is copied: what becomes of it later does not change the setting. Frozen parameters and buffers are
    constants of h. `parts` has the names of its state dict.

    Parameters
    ----------
    module : torch.nn.Module
        In float64, on the CPU, without dropout or batch norm in training mode. It gives (n, k), or for labels (n,)
        either (n,) or (n, 1). PyTorch's derivatives of it, up to the third order, are those of its values:
        no_grad and detach are refused. Norms, distances, bags of words, ... whose own are not are computed by formulas.
    x : (n, *feature) array_like or tensor
        The module is given floats in float64, integers and booleans as they are here, or in int64, if it takes them.
    y : (n,) or (n, k) array_like or tensor

    Raises
    ------
    TypeError, ValueError
        For what is no module of Python, or does not copy; for parameters or buffers in another precision or on another
        device, or none that require a gradient; for a forward pass that fails, is random, changes a buffer, gives
        something else than one float64 tensor shaped as y, or predictions that depend on other data; for data of the
        wrong shape or kind.

    Examples
    --------
    >>> module = torch.nn.Linear(2, 1).double()
    >>> setting = TorchModule(module, [[1.0, 2.0]], [3.0])
    >>> setting
    TorchModule(n=1, dim=3)
    >>> setting.predictions([1.0, 1.0, 5.0])
    array([8.])
    >>> setting.unpack([1.0, 1.0, 5.0])["bias"]
    tensor([5.], dtype=torch.float64)
    """

    h: TorchModel
    several_outputs = True

    def __init__(self, module: object, x: Reals, y: Reals) -> None:
        x, y = _of_tensors("x", x), _of_tensors("y", y)
        kind, axes = as_array("x", x).dtype, as_array("y", y).ndim
        data = real_array("x", x)
        if data.ndim == 0 or len(data) == 0:
            raise ValueError(f"x: expected shape (n, *feature) with n at least 1, got {data.shape}")
        labels = real_array("y", y, shape=(len(data), "k")[: max(1, axes)])
        whole = torch.from_numpy(np.empty(0, kind)).dtype if kind.kind in "iub" else torch.float64
        model = torch_model(module, data, labels, whole)
        super().__init__(model, data, labels, dim=model.dim, branches=Branches(unknown="h is a PyTorch module"))
        vars(self)["_parts"] = model.parts  # whose names have dots
        check_torch_derivatives(model, self.x)

    def products(self) -> TorchProducts:
        known = self.h.known.get("products")
        if known is None or known[0] is not self.x:
            known = self.h.known["products"] = self.x, TorchProducts(self.h, self.x)
        return known[1]

    def pack(self, state: Mapping[str, Any] | None = None, /, **arrays: Reals) -> Array:
        """The theta of a state dict, whose buffers and frozen parameters must be the setting's own."""
        if state is None:
            return super().pack(**arrays)
        if not isinstance(state, Mapping):
            raise TypeError(f"pack: expected a state dict, got {type(state).__name__}")
        own = self.h.module.state_dict(keep_vars=True)
        if set(state) != set(own):
            raise ValueError(f"pack: expected the entries {', '.join(own)}, got {', '.join(state) or 'none'}")
        named = {id(parameter): name for name, parameter in self.h.module.named_parameters()}
        for name, tensor in own.items():
            first = named.get(id(tensor), name)
            given, wanted = (
                _of_tensors(name, some) for some in (state[name], state[first] if first in self._parts else tensor)
            )
            if not np.array_equal(as_array(name, given), wanted):
                what = f"equal to {first}, which it is" if first != name else "as it was in the module, a constant of h"
                raise ValueError(f"pack: expected {name} {what}, got another")
        return super().pack(**{name: _of_tensors(name, state[name]) for name in self._parts})

    def unpack(self, theta: Reals) -> dict[str, Any]:
        """The state dict that theta (p,) makes, for `module.load_state_dict`."""
        named = self.h.split(tensors(parameters(self, theta, leading=False)))
        shared = {id(parameter): name for name, parameter in self.h.module.named_parameters()}
        own = self.h.module.state_dict(keep_vars=True)
        return {
            name: named[shared[id(tensor)]].clone() if shared.get(id(tensor)) in named else tensor.detach().clone()
            for name, tensor in own.items()
        }

    def rescaled(self, factor: float) -> "TorchModule":
        factor = positive_number("factor", factor)
        return self._with(h=replace(self.h, factor=self.h.factor * factor), y=factor * self.y)


def _of_tensors(name, value):
    """A tensor as an array, if NumPy has its numbers; whatever else as it is."""
    if not isinstance(value, torch.Tensor):
        return value
    for found, what in (
        (value.is_nested, "a nested one"),
        (value.device.type == "meta", "one on the device meta, which holds none"),
        (value.is_quantized, "a quantized one: .dequantize()"),
        (value.layout != torch.strided, f"one of {value.layout}: .to_dense()"),
    ):
        if found:
            raise TypeError(f"{name}: expected a dense tensor of numbers, got {what}")
    value = value.detach().cpu().resolve_conj().resolve_neg()
    return value if value.dtype in FOREIGN else value.numpy()
