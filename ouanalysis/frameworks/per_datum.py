"""The gradient of one datum at a time, of any module: PyTorch's own vmap, or a loop where its rules fail or are wrong.

Wrong, of PyTorch 2.13: from the first derivative on prelu, cdist, lu_solve; from the second layer and instance norms,
which are formulas here (`torch_formulas`); the first of solve, det, slogdet and logdet where gradients are disabled.
"""

import warnings

import numpy as np
import torch
from torch.func import grad, jacrev, vmap

from .torch_model import TorchModel

__all__ = ["gradients", "hessian_rows"]

OUTPUTS = 3  # of two data, on which vmap is held against the loop
POINTS = 2  # random θ, of which one may hide what is wrong
RTOL = 1e-8
Named = dict[str, torch.Tensor]
FAILURES = (RuntimeError, ValueError, IndexError, TypeError, UserWarning)


def gradients(model: TorchModel, parameters: Named, names: list[str], x: torch.Tensor, *, again: bool) -> Named:
    """∇h_ij by some of the parameters, (n, k, *shape) each, to differentiate `again` or not."""

    def together(held, x, most):
        fixed = {name: value for name, value in held.items() if name not in names}

        def outputs(some, datum):
            return model.run(fixed | some, datum[None])[0, :most]

        return vmap(jacrev(outputs), in_dims=(None, 0))({name: held[name] for name in names}, x)

    def alone(held, datum, most, again):
        some = [held[name] for name in names]
        return [_by(value, some, again) for value in model.run(held, datum[None])[0, :most]]

    roads = _roads(together, alone, names)
    return _over(model, ("gradients", *names), roads, parameters, x, again)


def hessian_rows(model: TorchModel, parameters: Named, along: Named, x: torch.Tensor) -> Named:
    """∇²h_ij v of a direction v, (n, k, *shape) for each parameter."""

    def together(held, x, most):
        def slope(datum, weights):
            def of(some):
                gradient = grad(lambda some: (model.run(some, datum[None])[0] * weights).sum())(some)
                return _along(gradient.values(), along.values())

            return grad(of)(held)

        every_output = vmap(vmap(slope, in_dims=(None, 0)), in_dims=(0, None))
        return every_output(x, torch.eye(model.k, dtype=torch.float64)[:most])

    def alone(held, datum, most, again):
        some = list(held.values())
        values = model.run(held, datum[None])[0, :most]
        return [_by(_along(_by(value, some, True), along.values()), some, again) for value in values]

    return _over(model, ("hessian rows",), _roads(together, alone, list(parameters)), parameters, x)


def _roads(together, alone, names):
    """Two functions of parameters, data, how many of the outputs, and whether to differentiate what they give again."""

    def at_once(parameters, x, most, again):
        """Gradients are enabled though there is no graph of it: PyTorch's rules without are others, some wrong."""
        held = parameters if again else {name: value.detach() for name, value in parameters.items()}
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="There is a performance drop")
            return together(held, x, most)

    def one_by_one(parameters, x, most, again):
        found = [[torch.stack(part) for part in zip(*alone(parameters, one, most, again), strict=True)] for one in x]
        return {name: torch.stack(part) for name, part in zip(names, zip(*found, strict=True), strict=True)}

    return at_once, one_by_one


def _over(model, key, roads, parameters, x, again=None) -> Named:
    """All data together where that is known to be right, else one by one; `again` is None where it never is asked."""
    at_once, one_by_one = roads
    with torch.enable_grad():
        if key not in model.known:
            model.known[key] = _alike(model, roads, x[torch.arange(2) % len(x)], 0 if again is None else 2)
        if model.known[key]:
            try:
                return at_once(parameters, x, model.k, bool(again))
            except FAILURES:  # of a branch that was not tried
                model.known[key] = False
        return one_by_one(parameters, x, model.k, bool(again))


def _alike(model, roads, x, orders):
    """Whether vmap has a rule for all that the module does, and all are right, as are their derivatives."""
    rng, most = np.random.default_rng(1), min(OUTPUTS, model.k)
    try:
        for leaves in [model.leaves(model.random_theta(rng)) for _ in range(POINTS)]:
            for together, alone in zip(*(_levels(road, leaves, x, most, orders) for road in roads), strict=True):
                if not all(map(_close, together, alone)):
                    return False
    except Exception:  # whatever a module may do that vmap has no rule for
        return False
    return True


def _levels(road, leaves, x, most, orders):
    """What a road gives, and the derivatives of a number that is made of it."""
    yield road(leaves, x, most, False).values()
    found, drawn = road(leaves, x, most, True).values() if orders else (), torch.Generator().manual_seed(0)
    for _ in range(orders):
        number = sum((part * part * torch.randn(part.shape, generator=drawn)).sum() for part in found)
        found = _by(number, list(leaves.values()), True)
        yield found


def _close(one, other):
    """Of the same shape too; what is no number in one is none in the other."""
    scale = other.detach().abs().nan_to_num(0.0, 0.0, 0.0).max() if other.numel() else 0.0
    return one.shape == other.shape and torch.allclose(one, other, RTOL, RTOL * float(scale), equal_nan=True)


def _by(value, held, again):
    """∇ of a number by tensors, 0 by what it does not read."""
    if not value.requires_grad:
        return [torch.zeros_like(part) for part in held]
    return torch.autograd.grad(value, held, create_graph=again, retain_graph=True, materialize_grads=True)


def _along(gradient, direction):
    return sum((part * along).sum() for part, along in zip(gradient, direction, strict=True))
