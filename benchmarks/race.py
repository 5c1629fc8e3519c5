"""The peers of a case in turns, round by round, so that each ratio is of two runs a moment apart."""

import os
from collections.abc import Sequence
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

import numpy as np

from .case import Case, Process
from .worker import serve

__all__ = ["THREADS", "race"]

THREADS = 2
PAUSE = 0.3  # seconds before a run: the BLAS and OpenMP threads of the run before spin on for some 0.1, beside it
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def race(case: Case | Process, peers: Sequence[str], *, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """What is known of each peer, ourselves first.

    rate : the median chain-steps per second
    ours : our rate over its, the median of the rounds' ratios, with their quartiles
    first_call : seconds from the model to the first steps; ours is that of a process that finds the kernel on disk
    compiled_in : for ourselves, the same with nothing on disk
    memory : peak resident set of its process, bytes
    """
    os.environ.update(dict.fromkeys(VARIABLES, str(THREADS)))
    with TemporaryDirectory() as cache:
        os.environ["NUMBA_CACHE_DIR"] = cache
        new = Runner(case, "ouanalysis", 0.0)
        new.close()
        runners = [Runner(case, peer, seconds) for peer in ("ouanalysis", *peers)]
        rates = np.array([[runner.rate(seed) for runner in runners] for seed in range(1, rounds + 1)])
        memory = [runner.close() for runner in runners]
    found = {}
    for runner, rate, used in zip(runners, rates.T, memory, strict=True):
        ours = np.quantile(rates[:, 0] / rate, [0.5, 0.25, 0.75])
        found[runner.peer] = {"rate": float(np.median(rate)), "ours": ours.tolist(), "memory": used} | runner.made
    found["ouanalysis"]["compiled_in"] = new.made["first_call"]
    return found


class Runner:
    """A peer in a process of its own."""

    def __init__(self, case: Case | Process, peer: str, seconds: float) -> None:
        self.peer = peer
        context = get_context("spawn")
        self.connection, its = context.Pipe()
        self.process = context.Process(target=serve, args=(its, case.name, peer, seconds), daemon=True)
        self.process.start()
        its.close()
        self.made = self.connection.recv()

    def rate(self, seed: int) -> float:
        """One run: chain-steps per second."""
        sleep(PAUSE)
        self.connection.send(seed)
        return self.connection.recv()

    def close(self) -> int:
        """Its peak resident set, in bytes."""
        self.connection.send(0)
        memory = self.connection.recv()
        self.process.join()
        return memory
