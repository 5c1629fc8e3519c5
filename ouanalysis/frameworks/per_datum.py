"""The gradient of one datum at a time, of any module: PyTorch's own vmap, or a loop where it has no rule."""

import warnings
from collections.abc import Callable

import torch
from torch.func import grad, jacrev, vmap

from .torch_model import TorchModel

__all__ = ["gradients", "hessian_rows"]

Named = dict[str, torch.Tensor]


def gradients(model: TorchModel, parameters: Named, names: list[str], x: torch.Tensor) -> Named:
    """∇h_ij by some of the parameters, (n, k, *shape) each; what they depend on can be differentiated again."""
    fixed = {name: value for name, value in parameters.items() if name not in names}

    def outputs(some, datum):
        return model.run(fixed | some, datum[None])[0]

    def alone(datum):
        some = {name: parameters[name] for name in names}
        values = outputs(some, datum)
        rows = [_by(value, list(some.values())) for value in values]
        return {name: torch.stack(rows) for name, rows in zip(names, zip(*rows, strict=True), strict=True)}

    some = {name: parameters[name] for name in names}
    return _over(model, "gradients", vmap(jacrev(outputs), in_dims=(None, 0)), (some, x), lambda: map(alone, x))


def hessian_rows(model: TorchModel, parameters: Named, along: Named, x: torch.Tensor) -> Named:
    """∇²h_ij v of a direction v, (n, k, *shape) for each parameter."""
    unit = torch.eye(model.k, dtype=torch.float64)

    def slope(datum, weights):
        def of(some):
            gradient = grad(lambda some: (model.run(some, datum[None])[0] * weights).sum())(some)
            return _along(gradient.values(), along.values())

        return grad(of)(parameters)

    def alone(datum):
        values, held = model.run(parameters, datum[None])[0], list(parameters.values())
        rows = [_by(_along(_by(value, held), along.values()), held) for value in values]
        return {name: torch.stack(rows) for name, rows in zip(parameters, zip(*rows, strict=True), strict=True)}

    every_output = vmap(vmap(slope, in_dims=(None, 0)), in_dims=(0, None))
    return _over(model, "hessian rows", every_output, (x, unit), lambda: map(alone, x))


def _over(model, name, together, arguments, one_by_one: Callable) -> Named:
    """All data together, or one by one once that has failed."""
    if model.known.get(name) != "one by one":
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message="There is a performance drop")
                return together(*arguments)
        except (RuntimeError, ValueError, UserWarning):  # vmap has no rule for something in the module
            model.known[name] = "one by one"
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        found = list(one_by_one())
    if not again:
        found = [{part: row.detach() for part, row in rows.items()} for rows in found]
    return {part: torch.stack([row[part] for row in found]) for part in found[0]}


def _by(value, held):
    """∇ of a number by tensors, 0 by what it does not read."""
    if not value.requires_grad:
        return [torch.zeros_like(part) for part in held]
    return torch.autograd.grad(value, held, create_graph=True, materialize_grads=True)


def _along(gradient, direction):
    return sum((part * along).sum() for part, along in zip(gradient, direction, strict=True))
