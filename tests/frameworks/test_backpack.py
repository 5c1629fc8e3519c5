"""BackPACK as a witness of squared norms, where it is installed: dense and convolutional layers of a sequence."""

import importlib
import sys
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after importorskip

import ouanalysis as ou  # noqa: E402


@pytest.fixture
def backpack(monkeypatch):
    """It looks up the classes of torchvision's networks, and needs none of them here."""
    if importlib.util.find_spec("backpack") is None:
        pytest.skip("backpack-for-pytorch is not installed")
    if importlib.util.find_spec("torchvision") is None:
        for name in ("torchvision", "torchvision.models", "torchvision.models.resnet"):
            stand_in = types.ModuleType(name)
            stand_in.__getattr__ = lambda _: type("Network", (), {})
            monkeypatch.setitem(sys.modules, name, stand_in)
    return importlib.import_module("backpack"), importlib.import_module("backpack.extensions")


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # of BackPACK's own hooks
def test_reg_is_backpacks_mean_squared_norm(backpack):
    backpack, extensions = backpack
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2, padding=1),
        nn.Tanh(),
        nn.Conv2d(3, 4, 2),
        nn.Sigmoid(),
        nn.Flatten(),
        nn.Linear(16, 1),
    ).double()
    x = torch.randn(6, 2, 5, 6, dtype=torch.float64)
    setting = ou.Setting.from_torch(module, x, np.zeros(6))
    theta = setting.pack(module.state_dict())
    extended = backpack.extend(module)
    with backpack.backpack(extensions.BatchL2Grad()):
        extended(x).sum().backward()
    wanted = sum(parameter.batch_l2 for parameter in extended.parameters()).numpy()
    np.testing.assert_allclose(setting.products().squared_norms(theta[None])[0], wanted, rtol=1e-12)
    assert float(ou.regularizer(setting, theta)) == pytest.approx(wanted.mean(), rel=1e-12)
