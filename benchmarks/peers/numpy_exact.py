"""The exact transition of the modes in NumPy, all paths at once."""

import numpy as np

from ..case import Process


def prepare(case: Process):
    law = case.law
    decay = np.exp(-case.lr * law.eigenvalues)
    spread = np.sqrt(law.stationary_variance * (1 - decay**2))

    def run(steps, seed):
        rng = np.random.default_rng(seed)
        modes = rng.standard_normal((steps, case.chains, law.rank))
        modes *= spread
        for step in range(1, steps):
            modes[step] += decay * modes[step - 1]
        theta = modes.reshape(-1, law.rank) @ law.basis.T
        theta += case.theta
        return theta.reshape(steps, case.chains, -1).transpose(1, 0, 2)

    return run
