"""The bar of everything that can take longer than a few seconds."""

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["progress_bar"]


def progress_bar(total: float, *, unit: str, shown: bool, initial: float = 0) -> "tqdm[NoReturn]":
    """A tqdm bar on stderr, a context with `update(amount)`; nothing is written unless `shown`."""
    from tqdm import tqdm  # here, as few calls show one

    return tqdm(total=total, unit=unit, unit_scale=True, disable=not shown, initial=initial)
