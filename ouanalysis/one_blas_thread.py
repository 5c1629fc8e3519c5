"""Small matrices in one thread: those of BLAS wait for each other by spinning, which takes a core from whoever works.

One SVD of 50 × 50 wakes them, and beside other work it then takes up to ten times as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import current_thread, main_thread

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within, BLAS has one thread; in the main thread alone.

    The number is one of the process, and calls in other threads that overlap would restore each other's.
    """
    if current_thread() is not main_thread():
        yield
        return
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries():
    """NumPy's and SciPy's, which are loaded before anything small is computed; to look for them takes a millisecond."""
    import scipy.linalg  # noqa: F401  (which brings a BLAS of its own)

    return ThreadpoolController()
