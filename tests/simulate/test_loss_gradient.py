"""The gradient of a model that is not compiled: autograd's own, whether repeated or traced anew."""

from itertools import pairwise

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.tracer import getval
from rounding import ALGEBRA
from written_models import MODELS

import ouanalysis as ou
from ouanalysis.settings.quiet_derivatives import quiet_derivatives
from ouanalysis.simulate import engine
from ouanalysis.simulate.loss_gradient import _repeated


def by_autograd(h, theta, x, labels):
    def loss(theta):
        return anp.sum(anp.mean((h(theta[:, None], x) - labels) ** 2, axis=-1))

    with quiet_derivatives():
        return grad(loss)(theta)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("chains", "batch", "leading"), [(1, 5, ()), (3, 2, (3,)), (1, 1, (1,))])
def test_what_is_repeated_is_the_gradient_at_other_parameters_and_data_too(name, chains, batch, leading):
    h, dim, feature = MODELS[name]
    rng = np.random.default_rng(0)
    setting = ou.Setting(h, rng.standard_normal((4, *feature)), np.zeros(4), dim)
    shapes = (chains, dim), (*leading, batch, *feature), (chains, batch)
    with quiet_derivatives():
        repeated = _repeated(setting, *map(rng.standard_normal, shapes))
        for _ in range(2):
            given = [rng.standard_normal(shape) for shape in shapes]
            wanted = by_autograd(h, *given)
            # sums of some ten terms, several deep, through functions whose slopes are of order one
            np.testing.assert_allclose(repeated(*given), wanted, rtol=0, atol=ALGEBRA * np.max(np.abs(wanted)))


def counted(h):
    def calls(theta, x):
        calls.count += 1
        return h(theta, x)

    calls.count = 0
    return calls


def smooth(theta, x):
    return anp.tanh(theta[..., 0] * x) * theta[..., 1]


def branching(theta, x):
    return theta[..., 0] * x + theta[..., 1] * x if anp.sum(getval(theta)) < 4 else theta[..., 0] * theta[..., 1] * x


RUN = {"lr": 0.1, "noise_std": 0.0, "steps": 50, "rng": 0, "record": 1}


def test_h_is_traced_once_a_run():
    h = counted(smooth)
    setting = ou.Setting(h, [1.0], [0.5], 2)
    h.count = 0
    ou.label_noise_sgd(setting, [0.3, 0.4], **RUN)
    assert h.count <= 3  # once to write it down, once to compare, and the loss of the records


def test_an_h_that_branches_in_python_is_traced_at_every_step():
    setting = ou.Setting(smooth, [1.0], [9.0], 2)._with(h=branching)  # which stacked parameters would not pass
    path = ou.label_noise_sgd(setting, [1.0, 2.0], **RUN).theta[0]
    for before, after in pairwise(path):
        a, b = before
        slopes = np.array([1.0, 1.0]) if a + b < 4 else np.array([b, a])
        h = a + b if a + b < 4 else a * b
        np.testing.assert_allclose(after, before - 0.2 * (h - 9.0) * slopes, rtol=ALGEBRA)
    assert (path.sum(axis=1) < 4).any()
    assert (path.sum(axis=1) > 4).any()


def test_a_long_run_is_told_once_that_there_is_compiled(monkeypatch):
    setting = ou.Setting(smooth, [1.0], [0.5], 2)
    engine.warn_once.cache_clear()
    monkeypatch.setattr(engine, "HEARD", 0.0)
    monkeypatch.setattr(engine, "LONG", 1e-9)
    monkeypatch.setattr(engine, "PIECE", 1e-3)
    with pytest.warns(UserWarning, match=r"compiled\(setting\) gives the same setting") as caught:
        ou.label_noise_sgd(setting, [0.3, 0.4], **RUN | {"steps": 8000, "record": None})
    ou.label_noise_sgd(setting, [0.3, 0.4], **RUN | {"steps": 8000, "record": None})
    assert len(caught) == 1
    assert caught[0].filename == __file__
    engine.warn_once.cache_clear()
