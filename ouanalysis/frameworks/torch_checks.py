"""What a module must be for its derivatives at a theta to mean what the theory says: each is refused in one line."""

import warnings
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from .derivative_check import DATA, MIXED, check_derivatives, mixing
from .refusals import alike, error_in_one_line, evenly
from .torch_model import LARGE, TorchModel, recorded, tensors
from .torch_products import TorchProducts

__all__ = ["check_torch_derivatives", "torch_model"]

CAUSES = (
    "torch.no_grad, inference_mode, detach, a Function with another derivative, a module called that is not registered,"
    " max_norm or scale_grad_by_freq of an embedding, padding_idx of a table that is read in another way too,"
    " torch.utils.checkpoint (which runs layers after the module)"
)
MANY = 32  # data in a batch that a prediction may not depend on
RTOL = 1e-9  # of predictions of the same datum, which differ by rounding alone


@recorded
def torch_model(module: object, x: np.ndarray, y: np.ndarray, kind: torch.dtype) -> TorchModel:
    """The model of a copy of the module, for data x (n, *feature) and labels y (n,) or (n, k); x was given as `kind`.

    Raises
    ------
    TypeError, ValueError
        One line, for a module that is none, that is in another precision or on another device, that is random or
        changes in its forward pass, whose predictions depend on the other data of a batch or do not fit y.
    """
    _check_kind(module)
    own = _copy(module)
    _check_tensors(own)
    _check_modes(own)
    for parameter in own.parameters():
        parameter.grad = None
        if parameter.requires_grad:
            parameter.data = torch.zeros_like(parameter)
    model = TorchModel(own, x.shape[1:], kind, y.shape[1:])
    numbers = [kind] if kind == torch.float64 else [kind, torch.int64, torch.float64]
    return _of_kind(model, x, y, numbers)


def _of_kind(model, x, y, kinds):
    """The model of data as the first of these kinds that the module takes: integers may be places, or numbers."""
    for kind in kinds:
        model = replace(model, kind=kind)
        try:
            _check_forward(model, x, y)
        except TypeError as error:
            if kind == kinds[-1] or isinstance(error.__cause__, IndexError):  # of indices past the end of a table
                raise
        else:
            break
    return model


def check_torch_derivatives(model: TorchModel, x: np.ndarray) -> None:
    """A ValueError if what PyTorch gives as derivatives is not the derivatives of the values."""
    some, free = _data_and_free(model, x)
    how: dict[str, Any] = {"free": free, "name": "module", "causes": CAUSES}
    few = model if model.k <= MIXED else _mixed(model)
    if few is not model:  # whose norms take a backward pass an output
        check_derivatives(TorchProducts(model, some), model.random_theta, **how, orders=1)
    check_derivatives(TorchProducts(few, some), model.random_theta, **how)


def _data_and_free(model, x):
    """Some data; and which entries of θ are no row of a table that stands for padding, which PyTorch holds constant.

    A row that is read in another way too has derivatives, and is none of these.
    """
    some, padding = evenly(x, DATA), _padding(model)
    if not padding:
        return some, np.ones(model.dim, dtype=bool)
    read = np.isin(x.reshape(len(x), -1), [row for _, row in padding]).sum(axis=1)
    some = np.concatenate([some, x[[np.argmax(read)]]])
    fixed = {name: np.zeros(shape, dtype=bool) for name, shape in model.parts.items()}
    for name, row in padding:
        fixed[name][row] = True
    theta = model.random_theta(np.random.default_rng(3))
    moved = TorchProducts(model, some).jacobian(theta[None])[0].any(axis=0)
    return some, moved | ~np.concatenate([part.ravel() for part in fixed.values()])


class _Mixed(torch.nn.Module):
    """A module of few outputs, each a sum of all those of another with random weights."""

    def __init__(self, module, outputs):
        super().__init__()
        self.module = module
        self.mixing = mixing(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x).reshape(len(x), -1) @ tensors(self.mixing)


def _mixed(model):
    return replace(model, module=_Mixed(model.module, model.k), outputs=(MIXED,))


def _padding(model):
    """(parameter, row) of the embeddings whose row stands for padding."""
    names = {id(parameter): name for name, parameter in model.module.named_parameters()}
    tables = [part for part in model.module.modules() if isinstance(part, torch.nn.Embedding | torch.nn.EmbeddingBag)]
    named = [(names.get(id(table.weight)), table.padding_idx) for table in tables]  # none of a weight that is computed
    return [(name, row) for name, row in named if name in model.parts and row is not None]


def _check_kind(module):
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module: expected a torch.nn.Module, got {type(module).__name__}")
    if isinstance(module, torch.jit.ScriptModule):
        raise TypeError(f"module: expected a module of Python, got a {type(module).__name__}")
    if hasattr(module, "_orig_mod"):
        raise TypeError("module: expected the module that was compiled, got what torch.compile made: ._orig_mod is it")
    if isinstance(module, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
        raise TypeError(
            f"module: expected the module that is run, got a {type(module).__name__} of it: give its .module"
        )
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if torch.nn.parameter.is_lazy(tensor):
            raise ValueError(f"module: expected parameters with a shape, got {name} of none yet: call the module once")


def _copy(module):
    try:
        return deepcopy(module)
    except Exception as error:
        raise TypeError(f"module: expected one that copy.deepcopy copies, got {error_in_one_line(error)}") from error


def _check_tensors(module):
    for what, named in (("parameter", module.named_parameters()), ("buffer", module.named_buffers())):
        for name, tensor in named:
            if tensor.device.type != "cpu":
                raise ValueError(
                    f"module: expected it on the CPU, got the {what} {name} on {tensor.device}: module.cpu()"
                )
            kind = str(tensor.dtype).removeprefix("torch.")
            if tensor.is_complex() and tensor.requires_grad:
                raise ValueError(f"module: expected real parameters, got {name} in {kind}: make it two of real numbers")
            if tensor.is_complex() and tensor.dtype != torch.complex128:
                raise ValueError(f"module: expected complex128, got the {what} {name} in {kind}: make it .cdouble()")
            if tensor.is_floating_point() and tensor.dtype != torch.float64:
                raise ValueError(f"module: expected float64, got the {what} {name} in {kind}: module.double()")
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ValueError("module: expected parameters that require a gradient, got none")


def _check_modes(module):
    for name, part in module.named_modules():
        where = f"{name or 'the module itself'} ({type(part).__name__})"
        for given, what in (
            ("max_norm", "whose vectors are cut"),
            ("scale_grad_by_freq", "whose gradients are scaled"),
        ):
            if isinstance(part, torch.nn.Embedding | torch.nn.EmbeddingBag) and getattr(part, given):
                raise ValueError(
                    f"module: expected no embedding {what}, got {where} with {given}={getattr(part, given)}"
                )
        dropout = part.p if isinstance(part, torch.nn.modules.dropout._DropoutNd) else getattr(part, "dropout", 0.0)
        if part.training and isinstance(dropout, float) and dropout > 0:
            raise ValueError(f"module: expected no dropout, got {where} in training mode with p = {dropout:g}: .eval()")
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            called = f"module: expected no batch norm over the batch, got {where}"
            if part.training:
                raise ValueError(f"{called} in training mode: .eval()")
            if part.running_mean is None:
                raise ValueError(f"{called} that keeps no running statistics: track_running_stats=True")


def _check_forward(model, x, y):
    """Run it at random parameters, twice and on single data."""
    parameters = model.random_leaves()
    some = model.data(x[np.arange(max(2, min(3, len(x)))) % len(x)])
    before = {name: buffer.clone() for name, buffer in model.module.named_buffers()}
    with torch.no_grad():
        values = _called(model, parameters, some, len(y.shape))
        for name, buffer in model.module.named_buffers():
            if name not in before or not torch.equal(buffer, before[name]):
                raise ValueError(
                    f"module: expected a forward that changes nothing, got the buffer {name} changed by it"
                )
        if not alike(values, _called(model, parameters, some, len(y.shape)), rtol=RTOL):
            raise ValueError(
                "module: expected a forward that is neither random nor changes its input, got two that differ"
            )
        most = min(len(x), MANY, max(DATA, LARGE // model.bytes_of_a_datum))
        many = model.data(x[np.random.default_rng(0).choice(len(x), most, replace=False)])
        for data in (some, many):
            _check_each_datum(lambda batch: _called(model, parameters, batch, len(y.shape)), data)


def _check_each_datum(called, data):
    """Predictions in one batch, in that reversed and in parts of 1, 2, 4, ... are those of single data."""
    singly = np.concatenate([called(datum[None]) for datum in data])
    ways = [called(data), called(data.flip(0))[::-1]]
    cuts = [1 << i for i in range(len(data).bit_length())]
    ways.append(np.concatenate([called(part) for part in data.tensor_split([c - 1 for c in cuts]) if len(part)]))
    if not all(alike(way, singly, rtol=RTOL) for way in ways):
        raise ValueError(
            "module: expected predictions of each datum alone, got some that depend on the rest of the batch"
        )


def _called(model, parameters, x, axes):
    """h of tensors (n, *outputs), or what is wrong with it."""
    shape = (len(x), *model.outputs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the user's own runs of it say
            value = torch.func.functional_call(model.module, parameters, (x,))
    except Exception as error:
        wanted = f"module: expected a forward of x of shape {tuple(x.shape)} in {str(x.dtype).removeprefix('torch.')}"
        raise TypeError(f"{wanted}, got {error_in_one_line(error)}") from error
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"module: expected one tensor of its forward, got {type(value).__name__}")
    if tuple(value.shape) != shape and not (model.k == 1 and tuple(value.shape) in ((len(x),), (len(x), 1))):
        fits = f"({len(x)},) or ({len(x)}, 1)" if axes == 1 else str(shape)
        raise ValueError(
            f"module: expected an output of shape {fits} for {len(x)} data, as y has, got {tuple(value.shape)}"
        )
    if value.dtype != torch.float64:
        raise ValueError(f"module: expected float64 of its forward, got {str(value.dtype).removeprefix('torch.')}")
    return value.detach().reshape(shape).numpy()
