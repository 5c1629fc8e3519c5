"""What a person writes first: autograd's gradient of one chain's loss, in a Python loop."""

import autograd.numpy as anp
import numpy as np
from autograd import grad

from ..case import Case


def prepare(case: Case):
    gradient = grad(lambda theta, x, labels: anp.mean((case.h(anp, theta, x) - labels) ** 2))
    x, y = case.setting.x, case.setting.y

    def run(steps, seed):
        rng = np.random.default_rng(seed)
        last = np.tile(case.theta, (case.chains, 1))
        for theta in last:
            for _ in range(steps):
                i = rng.integers(len(y)) if case.batch_size == 1 else slice(None)
                labels = y[i] + case.noise_std * rng.standard_normal(np.shape(y[i]))
                theta -= case.lr * gradient(theta, x[i], labels)
        return last

    return run
