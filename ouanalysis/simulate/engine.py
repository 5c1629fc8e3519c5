"""The loop behind every run: blocks of chains go to workers piece by piece, and what comes back is kept.

What comes out does not depend on who the workers are, on how many, or on how a run is cut into pieces.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from queue import SimpleQueue
from threading import Event
from time import perf_counter

import numpy as np

from ..progress import progress_bar
from .compiled_steps import compiled_loop
from .draws import draws_per_step
from .normals import prepare
from .plan import Plan
from .segments import advance, segment_length
from .snapshot import Snapshot
from .warn_once import warn_once

__all__ = ["Job", "advance_all"]

# Seconds that a piece takes at most, the last of a run twice that: how soon Ctrl-C is heard, how often a bar moves.
PIECE = 0.25
ROUND = 1.0  # seconds that a piece of each block is to take in threads: how far Ctrl-C finds chains behind others
LEAST = 16  # steps of a first piece
CHAIN = 0.001  # seconds in a piece for each chain, of which a tenth or two are not steps
COMPILED_BLOCKS = 64  # at most so many blocks of compiled chains, which are walked one by one
LONG = 60.0  # seconds of a run of which `compiled` is spoken
HEARD = 1.0  # seconds after which it is clear how long it will take
SHORT = 8  # of such pieces have as many noises as a segment
HELD = 1 << 12  # noises that a chain draws and steps in about the time for which Python holds its lock for them
AUTOGRAD_BLOCK = 256  # at most so many chains by autograd at once, or as many as have so many
FLOATS = 1 << 20  # gradients of their batches; another number would round otherwise


@dataclass(frozen=True, eq=False)
class Job:
    """A run to be taken to the end of its plan, its snapshot in place.

    `keep` is called with the snapshot now and then, and with True when nothing more comes.
    """

    plan: Plan
    snapshot: Snapshot
    keep: Callable[[Snapshot, bool], None] | None = None

    @cached_property
    def compiled(self) -> bool:
        """Whether a kernel takes the steps; it and its noise are compiled here, not by each worker."""
        plan = self.plan
        together = min(segment_length(plan, 1), plan.steps * plan.inner)
        prepare(together * draws_per_step(plan.setting, plan.sampling))
        return compiled_loop(plan) is not None

    def blocks(self) -> list[slice]:
        """Which chains advance together: neighbours at the same step, and not too many."""
        plan, taken = self.plan, self.snapshot.state.taken
        chains = len(taken)
        largest = max(AUTOGRAD_BLOCK, FLOATS // (plan.sampling.batch_size * plan.sampling.outputs * plan.setting.dim))
        if self.compiled:
            blocks = COMPILED_BLOCKS
            if not plan.observe:  # whose functions may round otherwise at another number of chains, as in a longer run
                segments = -(-chains * plan.steps * plan.inner // segment_length(plan, 1))
                blocks = min(blocks, max(1, segments))  # a piece costs half a millisecond, whatever is in it
            largest = -(-chains // blocks)
        edges = np.linspace(0, chains, -(-chains // largest) + 1).astype(int)
        edges = np.union1d(edges, np.flatnonzero(np.diff(taken)) + 1)
        return [slice(int(first), int(last)) for first, last in pairwise(edges)]

    def first_length(self, block: slice) -> int:
        """The steps of the first piece of a block, when nobody knows how long they take."""
        at_once = 1 if self.compiled else block.stop - block.start  # chains that a step takes together
        return max(LEAST, segment_length(self.plan, 1) // (SHORT * at_once * self.plan.inner))

    def least_seconds(self, block: slice) -> float:
        """What a piece is to take at least, so that most of it is steps: for each chain streams begin anew."""
        return CHAIN * (block.stop - block.start)

    @property
    def threads(self) -> int:
        """How many threads are of use: one where they would wait for each other more than they step."""
        noises = self.plan.steps * self.plan.inner * draws_per_step(self.plan.setting, self.plan.sampling)
        return 1 if self.compiled and noises < HELD else os.cpu_count() or 1

    @property
    def taken(self) -> int:
        """Steps of all chains together."""
        return int(self.snapshot.state.taken.sum()) // self.plan.inner


def advance_all(jobs: Sequence[Job], *, executor: Executor | None = None, progress: bool = False) -> None:
    """Take all chains of all jobs to the ends of their plans; after Ctrl-C those of each to a common step before."""
    total = sum(job.plan.steps * len(job.snapshot.state.taken) for job in jobs)
    begun = sum(job.taken for job in jobs)
    started: tuple[float, int] | None = None  # when, and how much was left: after the first piece, which traces
    left = total - begun
    work = [(job, block) for job in jobs for block in job.blocks()]
    with (
        progress_bar(total, unit="step", shown=progress, initial=begun) as bar,
        _workers(executor, len(work), max((job.threads for job in jobs), default=1)) as (pool, seconds),
        _interruption() as stop,
    ):

        def take(job, block, piece):
            nonlocal started, left
            before = job.taken
            job.snapshot.take(job.plan, block, piece)
            bar.update(job.taken - before)
            left -= job.taken - before
            if started is None:
                started = perf_counter(), left
            _speak_of_compiled(job.plan.setting, perf_counter() - started[0], started[1] - left, left)
            if job.keep:
                job.keep(job.snapshot, False)

        try:
            _piece_by_piece(work, pool, seconds, take, stop)
            if stop.is_set():
                _catch_up(work, take)
        finally:
            for job in jobs:
                if job.keep:
                    job.keep(job.snapshot, True)


def _speak_of_compiled(setting, taken, done, left):
    """One warning in a process if a run by autograd will take long that need not."""
    from .kernels import can_compile

    if done and taken > HEARD and taken / done * left > LONG and can_compile(setting):
        warn_once(
            f"this run by autograd will take more than {LONG:.0f} seconds: ouanalysis.compiled(setting) gives the same"
            " setting as compiled loops, some hundred times faster"
        )


def _piece_by_piece(work, pool, seconds, take, stop):
    """Advance all blocks, one piece of each at a time in turn, as long as it takes so many seconds."""
    waiting: dict[Future, tuple[Job, slice, int]] = {}
    done: SimpleQueue[Future] = SimpleQueue()

    def submit(job, block, length):
        plan, state = job.plan, job.snapshot.state.rows(block)
        at, end = int(state.taken[0]), plan.steps * plan.inner
        if at < end and not stop.is_set():
            until = at + length * plan.inner  # or the end, if that is near: for every piece streams begin anew
            future = pool.submit(advance, plan, state, until if 2 * until < at + end else end)
            waiting[future] = job, block, length
            future.add_done_callback(done.put)

    try:
        for job, block in work:
            submit(job, block, job.first_length(block))
        while waiting:
            future = done.get()
            job, block, length = waiting.pop(future)
            for other in waiting if stop.is_set() else ():
                other.cancel()
            piece = _result(future, stop)
            if piece is not None:
                take(job, block, piece)
                wanted = max(seconds, job.least_seconds(block)) / max(piece.seconds, 1e-9)
                submit(job, block, max(1, int(length * min(max(wanted, 0.1), 8.0))))
    finally:
        for future in waiting:
            future.cancel()


def _result(future, stop):
    """What a worker made of a piece; None where Ctrl-C came before it, or reached the worker too."""
    try:
        return future.result()
    except BaseException:
        if stop.is_set():
            return None
        raise


def _catch_up(work, take):
    """Take the chains of each job that are behind to the step of its first, here."""
    states = [job.snapshot.state.rows(block) for job, block in work]
    ends = [int(job.snapshot.state.taken.max()) for job, _ in work]
    behind = [k for k, state in enumerate(states) if int(state.taken[0]) < ends[k]]
    with _workers(None, len(behind), os.cpu_count() or 1) as (pool, _):
        pieces = pool.map(lambda k: advance(work[k][0].plan, states[k], ends[k]), behind)
        for k, piece in zip(behind, pieces, strict=True):
            take(*work[k], piece)


@contextmanager
def _workers(executor, blocks, threads):
    """The executor that was given, or threads for the time being; and how many seconds a piece is to take there."""
    if executor is not None:
        yield executor, PIECE
        return
    threads = max(1, min(blocks, threads))
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
