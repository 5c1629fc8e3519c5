"""Plain networks, whose norms NumPy computes: against PyTorch's structured ones, and which modules are none."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after importorskip

import ouanalysis as ou  # noqa: E402
from ouanalysis.frameworks.ghost import chain as chain_module  # noqa: E402

CHAINS = {
    "tanh": lambda: nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)),
    "one layer": lambda: nn.Linear(3, 2),
    "logistic, without biases": lambda: nn.Sequential(
        nn.Linear(3, 4, bias=False), nn.Sigmoid(), nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 2, bias=False)
    ),
    "relu": lambda: nn.Sequential(
        nn.Linear(3, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 2), nn.Flatten()
    ),
}


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(3, 3)

    def forward(self, x):
        return (x + torch.tanh(self.dense(x)))[:, :2]


def shared():
    module = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))
    module[2].weight = module[0].weight
    return module


def frozen():
    module = CHAINS["tanh"]()
    module[2].requires_grad_(False)
    return module


OTHERS = {
    "residual": Residual,
    "shared": shared,
    "frozen": frozen,
    "another activation": lambda: nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2)),
    "places": lambda: nn.Sequential(nn.Unflatten(1, (3, 1)), nn.Linear(1, 2), nn.Flatten(), nn.Linear(6, 2)),
}


def norms(module, rng):
    """By the products, and by one backward pass for each output of each datum."""
    x = rng.standard_normal((7, 3))
    setting = ou.Setting.from_torch(module, x, np.zeros((7, 2)))
    theta = setting.pack(module.state_dict())
    held = [parameter for parameter in module.parameters() if parameter.requires_grad]
    wanted = np.zeros(7)
    for i, datum in enumerate(torch.from_numpy(x)):
        for value in module(datum[None])[0]:
            wanted[i] += sum(float((g**2).sum()) for g in torch.autograd.grad(value, held, retain_graph=True))
    products = setting.products()
    return products._gradients.chain, products.squared_norms(theta[None])[0], wanted


@pytest.mark.parametrize("name", CHAINS)
def test_norms_of_a_chain_vs_plain_backward_passes(name, monkeypatch):
    monkeypatch.setattr(chain_module, "FLOATS", 100)  # a few data at once, and a block that is not full
    torch.manual_seed(1)
    chain, found, wanted = norms(CHAINS[name]().double(), np.random.default_rng(3))
    assert chain is not None
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_chain_is_seen(name):
    torch.manual_seed(1)
    chain, found, wanted = norms(OTHERS[name]().double(), np.random.default_rng(3))
    assert chain is None
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_rescaled_chain_has_its_factor():
    setting = ou.Setting.from_torch(CHAINS["tanh"]().double(), np.ones((1, 3)), np.zeros((1, 2)))
    theta = np.linspace(-1, 1, setting.dim)
    scaled = setting.rescaled(2.0)
    assert scaled.products()._gradients.chain.factor == 2.0
    np.testing.assert_allclose(ou.regularizer(scaled, theta), 4 * ou.regularizer(setting, theta), rtol=1e-14)
