"""The case's own C program, by GCC with all it has for this machine."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
from numpy.ctypeslib import ndpointer

from ..case import Case, Process

BUILD = Path(__file__).parents[2] / "build" / "benchmarks"
FLAGS = ("-O3", "-march=native", "-fopenmp", "-std=c17", "-Wall", "-Wextra", "-shared", "-fPIC")
ARRAY = ndpointer(np.float64, flags="C_CONTIGUOUS")


def prepare(case: Case | Process):
    program = _compiled(case).run
    program.restype = None
    return (_process if isinstance(case, Process) else _chains)(case, program)


def _compiled(case):
    BUILD.mkdir(parents=True, exist_ok=True)
    library = BUILD / f"{case.name}.so"
    macros = [f"-D{name}={value}" for name, value in case.sizes.items()]
    subprocess.run(["gcc", *FLAGS, *macros, case.program, "-o", library, "-lm"], check=True)
    return ctypes.CDLL(library)


def _chains(case, program):
    program.argtypes = [ARRAY] * 3 + [ctypes.c_double] * 2 + [ctypes.c_long] * 2 + [ctypes.c_uint64]

    def run(steps, seed):
        theta = np.tile(case.theta, (case.chains, 1))
        program(theta, case.setting.x, case.setting.y, case.lr, case.noise_std, case.chains, steps, seed)
        return theta

    return run


def _process(case, program):
    program.argtypes = [ARRAY] * 5 + [ctypes.c_long] * 2 + [ctypes.c_uint64]
    law = case.law
    decay = np.exp(-case.lr * law.eigenvalues)
    spread = np.sqrt(law.stationary_variance * (1 - decay**2))
    modes = np.ascontiguousarray(law.basis.T)

    def run(steps, seed):
        theta = np.empty((case.chains, steps, len(case.theta)))
        program(theta, modes, decay, spread, case.theta, case.chains, steps, seed)
        return theta

    return run
