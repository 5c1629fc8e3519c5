"""This package."""

import ouanalysis as ou

from ..case import Case, Process


def prepare(case: Case | Process):
    if isinstance(case, Process):
        return _process(case)
    setting = case.setting if case.built_in else ou.compiled(case.setting)
    how = {"lr": case.lr, "noise_std": case.noise_std, "batch_size": case.batch_size, "chains": case.chains}

    def run(steps, seed):
        return ou.label_noise_sgd(setting, case.theta, steps=steps, rng=seed, **how).theta[:, -1]

    return run


def _process(case):
    how = {"lr": case.lr, "noise_std": case.noise_std, "chains": case.chains, "record": 1}

    def run(steps, seed):
        return ou.ornstein_uhlenbeck(case.setting, case.theta, steps=steps, rng=seed, **how).theta[:, 1:]

    return run
