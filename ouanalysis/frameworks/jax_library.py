"""JAX itself, imported when it is used, and its 64-bit mode for as long as it is needed."""

from contextlib import AbstractContextManager
from typing import Any

__all__ = ["double_precision", "installed_jax"]


def installed_jax() -> Any:
    """The module `jax`, or an ImportError in one line."""
    try:
        import jax
    except ImportError as error:
        raise ImportError(f"jax: expected it to be installed (pip install 'ouanalysis[jax]'), got {error}") from None
    return jax


def double_precision() -> AbstractContextManager[Any]:
    """Within, JAX computes in 64 bits in this thread; the user's configuration is left alone."""
    jax = installed_jax()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64  # before 0.8

    return enable_x64()
