"""sdeint: Euler-Maruyama steps of the modes, one a step of SGD, path by path."""

import numpy as np
import sdeint

from ..case import Process


def prepare(case: Process):
    law = case.law
    rates = law.eigenvalues
    spread = np.diag(np.sqrt(2 * law.stationary_variance * rates))
    start = np.zeros(law.rank)

    def drift(m, _t):
        return -rates * m

    def diffusion(_m, _t):
        return spread

    def run(steps, seed):
        rng = np.random.default_rng(seed)
        times = case.lr * np.arange(steps + 1)
        paths = [sdeint.itoEuler(drift, diffusion, start, times, generator=rng)[1:] for _ in range(case.chains)]
        return case.theta + np.stack(paths) @ law.basis.T

    return run
