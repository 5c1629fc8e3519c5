"""Along which axis of what a layer gives the data lie, and how, found by running it on two and on three data."""

from dataclasses import dataclass

import torch

__all__ = ["Layout", "find_layout"]


@dataclass(frozen=True)
class Layout:
    """Data along an axis of length n · fold, those of one next to each other or `fold` apart."""

    axis: int
    fold: int
    together: bool

    def by_datum(self, tensor: torch.Tensor) -> torch.Tensor:
        """(n, fold, ...), the other axes as they were."""
        first = tensor.movedim(self.axis, 0)
        if self.fold == 1:
            return first.unsqueeze(1)
        if self.together:
            return first.unflatten(0, (-1, self.fold))
        return first.unflatten(0, (self.fold, -1)).transpose(0, 1)


def find_layout(shapes: tuple[torch.Size, torch.Size], gradients: list[torch.Tensor], lead: int) -> Layout | None:
    """Of what has these shapes for two and three data, with the derivatives of h_0, h_1 and h_2 by the latter.

    None where it cannot be told: no derivative of h_i may lie outside the place of datum i, and some must be there.
    """
    two, three = shapes
    if len(two) != len(three):
        return None
    grown = [axis for axis in range(len(two)) if two[axis] != three[axis]]
    if len(grown) != 1 or grown[0] >= lead or two[grown[0]] * 3 != three[grown[0]] * 2:
        return None
    for together in (True, False):
        layout = Layout(grown[0], three[grown[0]] // 3, together)
        if all(_inside(layout.by_datum(gradient), i) for i, gradient in enumerate(gradients)):
            return layout
    return None


def _inside(gradient, datum):
    seen = [bool(part.any()) for part in gradient]
    return seen[datum] and sum(seen) == 1
