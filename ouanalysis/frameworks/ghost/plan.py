"""What of a module has a structure: seen on two data and on three, and held against PyTorch's own gradients."""

from math import prod

import torch

from ..torch_model import TorchModel, recorded
from .backward import Plan, output_gradients, terms_of_outputs, watched
from .chain import Chain, find_chain
from .layout import find_layout
from .norms import is_formed, rows, squared_norms

__all__ = ["chain_of", "plan_of", "unstructured"]

RTOL = 1e-8


@recorded
def plan_of(model: TorchModel, x: torch.Tensor) -> Plan:
    """The plan of a model of data like x (n, *feature), made once; where the module defies it, that of no structure."""
    if "plan" not in model.known:
        model.known["plan"] = _tried(model, x[torch.arange(3) % len(x)])
    return model.known["plan"]


@recorded
def chain_of(model: TorchModel, x: torch.Tensor) -> Chain | None:
    """The model as dense layers one after the other, if it is that, with the norms that its plan has."""
    if "chain" not in model.known:
        model.known["chain"] = _tried_chain(model, x[torch.arange(3) % len(x)])
    return model.known["chain"]


def unstructured(model: TorchModel) -> Plan:
    """The plan that never fails."""
    return Plan((), (), tuple(model.parts), copies=False, formed=model.dim)


def _tried(model, x):
    leaves = model.random_leaves()
    try:
        plan = _looked_at(model, leaves, x)
        right = _right(model, plan, leaves, x)
    except (RuntimeError, ValueError, IndexError, TypeError):  # whatever a module may do that no rule foresees
        return unstructured(model)
    structured, others = _divided(model, right)
    return Plan(plan.layouts, structured, others, plan.copies, _formed(model, plan, leaves, x, right))


def _tried_chain(model, x):
    leaves, plan = model.random_leaves(), plan_of(model, x)
    chain = find_chain(model, leaves, x)
    if chain is None or plan.others:
        return None
    wanted = sum(squared_norms(terms, len(x)) for _, terms in terms_of_outputs(model, plan, leaves, x))
    return chain if _close(torch.from_numpy(chain.squared_norms(leaves, x.numpy())), wanted.detach()) else None


def _looked_at(model, leaves, x):
    """The plan by where the derivatives of single data lie."""
    copies = watched(model, leaves, x, copies=False)[1].changed
    fewer = watched(model, leaves, x[:2], copies=copies)[1]
    values, watch = watched(model, leaves, x, copies=copies)
    if [use.part for use in fewer.uses] != [use.part for use in watch.uses]:
        return unstructured(model)
    by_datum = [output_gradients(value.sum(), watch.uses, keep=True) for value in values]
    layouts = tuple(
        (
            use.part,
            find_layout((before.output.shape, use.output.shape), [g[id(use.output)] for g in by_datum], use.lead),
        )
        for before, use in zip(fewer.uses, watch.uses, strict=True)
    )
    known = {part for part, layout in layouts if layout is not None}
    lost = watch.unknown | {part.name for part, layout in layouts if layout is None} | _overlapping(known)
    structured, others = _divided(model, set(model.parts) - lost)
    return Plan(layouts, structured, others, copies)


def _right(model, plan, leaves, x):
    """The structured parameters by which the gradients of all data are those of PyTorch."""
    right, held = set(plan.structured), list(leaves.values())
    values = model.run(leaves, x)
    for j, (_, terms) in enumerate(terms_of_outputs(model, plan, leaves, x)):
        for i in range(len(x)):
            found = torch.autograd.grad(
                values[i, j], held, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for name, wanted in zip(leaves, found, strict=True):
                if name in right and not _close(rows(terms[name], len(x), model.parts[name])[i], wanted):
                    right.discard(name)
    return right


def _formed(model, plan, leaves, x, right):
    """Floats of a datum that its norm holds: gradients, or how alike the places of a layer are."""
    _, terms = next(iter(terms_of_outputs(model, plan, leaves, x)))
    total = 0
    for name, shape in model.parts.items():
        if name not in right or any(map(is_formed, terms[name].values())):
            total += prod(shape)
        else:
            total += sum(term.alike for some in terms[name].values() for term in some)
    return total


def _divided(model, structured):
    return tuple(n for n in model.parts if n in structured), tuple(n for n in model.parts if n not in structured)


def _overlapping(parts):
    """Parameters that are read by parts that are neither the same nor apart."""
    return {
        one.name
        for one in parts
        for other in parts
        if one != other and one.name == other.name and one.start < other.stop and other.start < one.stop
    }


def _close(found, wanted):
    return torch.allclose(found, wanted, rtol=RTOL, atol=float(RTOL * wanted.abs().max()))
