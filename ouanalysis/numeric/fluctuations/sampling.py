"""What a batch_size means: how many noises a step averages, and how its data are drawn."""

import numpy as np

from ...arguments import count
from ...settings.setting import check_setting

__all__ = ["effective_batch_size", "sampled_batch"]


def sampled_batch(setting, batch_size, replacement=True):
    """(B̃, replacement): a full batch is all n data drawn without replacement."""
    if not isinstance(replacement, bool | np.bool_):
        raise TypeError(f"replacement: expected True or False, got {replacement!r}")
    batch, replacement = effective_batch_size(setting, batch_size), bool(replacement) and batch_size != "full"
    if not replacement and batch > setting.n:
        raise ValueError(f"batch_size: expected at most n = {setting.n} without replacement, got {batch}")
    return batch, replacement


def effective_batch_size(setting, batch_size):
    """B̃ as an int: B, or n for "full" (every datum once)."""
    check_setting(setting)
    if isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'batch_size: expected an integer at least 1 or "full", got {batch_size!r}')
        return setting.n
    return count("batch_size", batch_size, least=1)
