"""One peer in a process of its own: it is made, checked and then runs when it is told to."""

import resource
import sys
from importlib import import_module
from multiprocessing.connection import Connection
from time import perf_counter

from .agreement import check
from .case import Process, all_cases

__all__ = ["serve"]


def serve(connection: Connection, name: str, peer: str, seconds: float) -> None:
    """Send how it was made; then a rate, in chain-steps per second, for each message; for an empty one the end."""
    case = all_cases()[name]
    module = import_module(f".peers.{peer}", __package__)
    first_call, arrangement, run = _fastest(case, module)
    check(case, run)
    steps = _steps(case, module)
    while not isinstance(case, Process) and min(_seconds(run, steps) for _ in range(2)) < seconds:
        steps *= 2  # the better of two, as the first may have compiled something
    connection.send({"first_call": first_call, "arrangement": arrangement})
    while seed := connection.recv():
        connection.send(steps * case.chains / _seconds(run, steps, seed))
    unit = 1 if sys.platform == "darwin" else 1024
    connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _fastest(case, module):
    """Of the arrangements that the peer has: seconds to its first steps, what it is called, its `run`."""
    tried = []
    steps = _steps(case, module)
    for arrangement in getattr(module, "ARRANGEMENTS", ((),)):
        began = perf_counter()
        run = module.prepare(case, *arrangement)
        run(steps, 1)
        first_call = perf_counter() - began
        best = min(_seconds(run, steps) for _ in range(3))
        tried.append((best, first_call, ", ".join(map(str, arrangement)), run))
    return min(tried, key=lambda one: one[0])[1:]


def _steps(case, module):
    """How many steps a run has at least: what the case says, or what the peer takes at once."""
    return case.steps if isinstance(case, Process) else getattr(module, "BLOCK", 1)


def _seconds(run, steps, seed=1):
    began = perf_counter()
    run(steps, seed)
    return perf_counter() - began
