"""torchsde: Euler-Maruyama steps of the modes, one a step of SGD, diagonal noise; in one thread or in two."""

import numpy as np
import torch
import torchsde

from ..case import Process

ARRANGEMENTS = ((1,), (2,))


class Modes(torch.nn.Module):
    """dm = −λ m dt + √(2λ) s dW."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, law, chains):
        super().__init__()
        self.rates = torch.tensor(law.eigenvalues)
        self.spread = torch.sqrt(2 * law.stationary_variance * self.rates).expand(chains, -1)

    def f(self, _t, m):
        return -self.rates * m

    def g(self, _t, _m):
        return self.spread


def prepare(case: Process, threads: int):
    law = case.law
    modes, basis, theta = Modes(law, case.chains), torch.tensor(law.basis), torch.tensor(case.theta)
    start = torch.zeros(case.chains, law.rank, dtype=torch.float64)

    @torch.no_grad()
    def run(steps, seed):
        torch.set_num_threads(threads)
        times = case.lr * torch.arange(steps + 1, dtype=torch.float64)
        noise = torchsde.BrownianInterval(
            t0=times[0], t1=times[-1], size=start.shape, dtype=start.dtype, dt=case.lr, entropy=seed
        )
        paths = torchsde.sdeint(modes, start, times, bm=noise, method="euler", dt=case.lr)
        return np.asarray((theta + paths[1:] @ basis.T).transpose(0, 1))

    return run
