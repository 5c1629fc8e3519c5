"""The gradients of single data by all parameters: by structure where there is one, else one at a time."""

from collections.abc import Callable, Iterator
from math import prod

import torch

from ..per_datum import gradients
from ..torch_model import TorchModel
from .backward import Plan, UnplannedError, terms_of_outputs
from .gram import add_factored_gram, factored, grouped
from .norms import rows, squared_norms
from .plan import chain_of, plan_of, unstructured

__all__ = ["Gradients"]

Named = dict[str, torch.Tensor]


class Gradients:
    """Of a model, on data like x (n, *feature)."""

    def __init__(self, model: TorchModel, x: torch.Tensor) -> None:
        self._model = model
        self.plan = plan_of(model, x)
        self.chain = chain_of(model, x)

    def norms(self, leaves: Named, x: torch.Tensor, *, again: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """h (n, k), and ‖∇h_i‖² summed over the outputs, (n,), which can be differentiated `again`."""

        def of(plan):
            values, total = [], torch.zeros(len(x), dtype=torch.float64)
            for value, terms in terms_of_outputs(self._model, plan, leaves, x, again=again):
                values.append(value)
                with torch.set_grad_enabled(again):
                    total = total + squared_norms(terms, len(x))
            for part in self._alone(plan.others, leaves, x, again).values():
                total = total + (part * part).flatten(start_dim=1).sum(dim=1)
            return torch.stack(values, dim=1), total

        return self._planned(of)

    def rows(self, leaves: Named, x: torch.Tensor, names: tuple[str, ...], *, again: bool = False) -> Named:
        """∇h_ij by some parameters, (n, k, *shape) each."""

        def of(plan: Plan):
            found: dict[str, list] = {name: [] for name in plan.structured if name in names}
            if found:
                for _, terms in terms_of_outputs(self._model, plan, leaves, x, again=again):
                    with torch.set_grad_enabled(again):
                        for name, by_output in found.items():
                            by_output.append(rows(terms[name], len(x), self._model.parts[name]))
            alone = self._alone([name for name in plan.others if name in names], leaves, x, again)
            together = {name: torch.stack(by_output, dim=1) for name, by_output in found.items()} | alone
            return {name: together[name] for name in names}

        return self._planned(of)

    def add_gram(
        self,
        total: torch.Tensor,
        leaves: Named,
        x: torch.Tensor,
        blocks: Callable[[int, int], Iterator[slice]],
        memory: int,
    ) -> None:
        """To total, zeros, K of rows i·k + j; `blocks` cuts data, with so many floats each, columns take `memory`."""

        def of(plan: Plan):
            total.zero_()
            known = factored(self._model, plan, leaves, x) if plan.structured else {}
            if known:
                add_factored_gram(total, self._model, plan, known, leaves, x, lambda count: blocks(count, 0))
            done = {part.name for part in known}
            rest = {name: shape for name, shape in self._model.parts.items() if name not in done}
            for group in grouped(rest, max(1, memory // (8 * len(total)))):
                width = sum(of.stop - of.start for of in group.values())
                held = torch.empty((len(x), self._model.k, width), dtype=torch.float64)
                for data in blocks(len(x), sum(prod(rest[name]) for name in group)):
                    held[data] = self._columns(leaves, x[data], group)
                held = held.flatten(end_dim=1)
                total.addmm_(held, held.T)

        self._planned(of)

    def _columns(self, leaves, x, group):
        """Some columns of J, (n, k, columns)."""
        found = self.rows(leaves, x, tuple(group))
        return torch.cat(
            [found[name].detach()[..., None].flatten(start_dim=2)[..., of] for name, of in group.items()], dim=2
        )

    def _planned(self, function):
        """By the plan, or by none for good once the module defies it."""
        try:
            return function(self.plan)
        except UnplannedError:
            self.plan = self._model.known["plan"] = unstructured(self._model)
            return function(self.plan)

    def _alone(self, names, leaves, x, again):
        return gradients(self._model, leaves, list(names), x, again=again) if names else {}
