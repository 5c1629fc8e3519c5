"""The loop behind every run: blocks of chains go to workers piece by piece, and what comes back is kept.

What comes out does not depend on who the workers are, on how many, or on how a run is cut into pieces.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from threading import Event

import numpy as np

from ..progress import progress_bar
from .plan import Plan
from .segments import advance, segment_length
from .snapshot import Snapshot

__all__ = ["advance_all"]

PIECE = 0.25  # seconds that a piece is to take at most: how soon Ctrl-C is heard, how often a bar moves
ROUND = 1.0  # seconds that a piece of each block is to take in threads: how far Ctrl-C finds chains behind others
COMPILED_BLOCKS = 64  # at most so many blocks of compiled chains, which are walked one by one
SLOWER = 16  # times, at least, that autograd is: so much shorter is its first piece
AUTOGRAD_BLOCK = 256  # at most so many chains by autograd at once; another number would round otherwise


def advance_all(
    plan: Plan,
    snapshot: Snapshot,
    *,
    executor: Executor | None = None,
    progress: bool = False,
    keep: Callable[[Snapshot, bool], None] | None = None,
) -> bool:
    """Take all chains of the snapshot to the end of the plan, in place; whether they got there.

    After Ctrl-C they stand at a common step before it. `keep` is called now and then, and with True when all is over.
    """
    from .kernels import kernel

    compiled = kernel(plan.setting) is not None
    blocks = _blocks(plan, snapshot.state.taken, compiled=compiled)
    first = segment_length(plan, 1) // (1 if compiled else SLOWER)
    end = plan.steps * plan.inner
    begun = int(snapshot.state.taken.sum()) // plan.inner
    with (
        progress_bar(plan.steps * len(snapshot.state.taken), unit="step", shown=progress, initial=begun) as bar,
        _workers(executor, len(blocks)) as (pool, seconds),
        _interruption() as stop,
    ):

        def take(block, piece):
            before = int(snapshot.state.taken[block].sum())
            snapshot.take(plan, block, piece)
            bar.update((int(snapshot.state.taken[block].sum()) - before) // plan.inner)
            if keep:
                keep(snapshot, False)

        try:
            _piece_by_piece(plan, snapshot, blocks, end, pool, first, seconds, take, stop)
        finally:
            if keep and not stop.is_set():
                keep(snapshot, True)
        if stop.is_set():
            _catch_up(plan, snapshot, blocks, take)
            if keep:
                keep(snapshot, True)
    return bool(np.all(snapshot.state.taken == end))


def _blocks(plan, taken, *, compiled):
    """Which chains advance together: neighbours at the same step, and not too many."""
    chains, largest = len(taken), AUTOGRAD_BLOCK
    if compiled:
        blocks = COMPILED_BLOCKS
        if not plan.observe:  # whose functions may round otherwise at another number of chains, as in a longer run
            segments = -(-chains * plan.steps * plan.inner // segment_length(plan, 1))
            blocks = min(blocks, max(1, segments))  # a piece costs half a millisecond, whatever is in it
        largest = -(-chains // blocks)
    edges = np.linspace(0, chains, -(-chains // largest) + 1).astype(int)
    edges = np.union1d(edges, np.flatnonzero(np.diff(taken)) + 1)
    return [slice(int(first), int(last)) for first, last in pairwise(edges)]


def _piece_by_piece(plan, snapshot, blocks, end, pool, first, seconds, take, stop):
    """Advance all blocks, a piece of each at a time in turn: `first` steps in all, then as long as the seconds say."""
    waiting: dict[Future, tuple[slice, int]] = {}

    def submit(block, length):
        state = snapshot.state.rows(block)
        at = int(state.taken[0])
        if at < end and not stop.is_set():
            waiting[pool.submit(advance, plan, state, min(at + length * plan.inner, end))] = block, length

    try:
        for block in blocks:
            submit(block, max(1, first // ((block.stop - block.start) * plan.inner)))
        while waiting:
            done, pending = wait(waiting, return_when=FIRST_COMPLETED)
            for future in pending if stop.is_set() else ():
                if future.cancel():
                    del waiting[future]
            for future in done:
                block, length = waiting.pop(future)
                piece = _result(future, stop)
                if piece is None:
                    continue
                take(block, piece)
                submit(block, max(1, int(length * np.clip(seconds / max(piece.seconds, 1e-9), 0.1, 8.0))))
    finally:
        for future in waiting:
            future.cancel()


def _result(future, stop):
    """What a worker made of a piece, or None where Ctrl-C reached the worker, too."""
    try:
        return future.result()
    except BaseException:
        if stop.is_set():
            return None
        raise


def _catch_up(plan, snapshot, blocks, take):
    """Take the chains that are behind to the step of the first, here."""
    furthest = int(snapshot.state.taken.max())
    states = {block.start: snapshot.state.rows(block) for block in blocks}
    behind = [block for block in blocks if int(states[block.start].taken[0]) < furthest]
    with _workers(None, len(blocks)) as (pool, _):
        for block, piece in zip(
            behind, pool.map(lambda block: advance(plan, states[block.start], furthest), behind), strict=True
        ):
            take(block, piece)


@contextmanager
def _workers(executor, blocks):
    """The executor that was given, or threads for the time being; and how many seconds a piece is to take there."""
    if executor is not None:
        yield executor, PIECE
        return
    threads = max(1, min(blocks, os.cpu_count() or 1))
    with ThreadPoolExecutor(threads) as pool:
        yield pool, min(PIECE, ROUND * threads / max(blocks, 1))


@contextmanager
def _interruption() -> Iterator[Event]:
    """An event that Ctrl-C sets instead of raising, the first time; other threads than the main one never see it."""
    stop, before = Event(), signal.getsignal(signal.SIGINT)
    if before in (None, signal.SIG_IGN) or threading.current_thread() is not threading.main_thread():
        yield stop  # it is for others to hear, or for nobody
        return

    def ask_to_stop(*_):
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
