"""NumPy over all chains at once, the gradient by hand, the noise drawn in blocks."""

import numpy as np

from ..case import Case

NOISES = 1 << 18  # noises drawn at once


def prepare(case: Case):
    x, y = case.setting.x, case.setting.y
    batch = 1 if case.batch_size == 1 else len(y)
    scale = 2 * case.lr / batch

    def run(steps, seed):
        rng = np.random.default_rng(seed)
        theta = np.tile(case.theta, (case.chains, 1))
        length = NOISES // (case.chains * batch)
        for first in range(0, steps, length):
            size = min(length, steps - first), case.chains, batch
            noise = case.noise_std * rng.standard_normal(size)
            indices = rng.integers(len(y), size=size) if case.batch_size == 1 else [np.arange(batch)[None]] * size[0]
            for i, epsilon in zip(indices, noise, strict=True):
                theta -= scale * case.gradient(theta, x[i], y[i] + epsilon)
        return theta

    return run
