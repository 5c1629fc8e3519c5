"""The README's lines for a user of PyTorch run as they stand there."""

import re

import autograd.numpy as anp
import numpy as np
import pytest
from documentation import ROOT
from rounding import ALGEBRA

torch = pytest.importorskip("torch")

import ouanalysis as ou  # noqa: E402  after importorskip


def test_the_lines_of_the_readme_run(capsys):
    blocks = re.findall(
        r"```python\n(setting = ou\.Setting\.from_torch.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) == 5
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    x, y = torch.randn(5, 2, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    exec(blocks[0], {"ou": ou, "module": module, "x": x, "y": y})
    fitted = module(x).detach().numpy().ravel()
    np.testing.assert_allclose(fitted, y.numpy(), rtol=0, atol=1e-7)
    printed = [float(number) for number in re.findall(r"[-\d.]+(?:e[-+]\d+)?", capsys.readouterr().out)]
    rows = _rows(module, x)
    assert printed[0] == pytest.approx(np.sum(rows**2) / 5, rel=ALGEBRA)
    witness = ou.Setting(_network, x.numpy(), y.numpy(), dim=rows.shape[1])
    theta = np.concatenate([value.detach().numpy().ravel() for value in module.parameters()])
    law = ou.linearized_sgd(witness, theta, lr=1e-3, noise_std=0.1, batch_size=8)
    tolerance = ALGEBRA * np.linalg.cond(rows @ rows.T)
    np.testing.assert_allclose(printed[1:3], [law.expected_loss(), law.max_stable_lr], rtol=tolerance)
    drift = law.tangent_drift()
    shown = 10.0 ** (np.floor(np.log10(np.max(np.abs(drift)))) - 8)  # NumPy prints eight digits after the first
    np.testing.assert_allclose(printed[3:], drift, rtol=0, atol=shown)


def _network(theta, x):
    """That of the module, in autograd.numpy."""
    inner, shift, outer = theta[..., :16], theta[..., 16:24], theta[..., 24:32]
    inner = anp.reshape(inner, (*inner.shape[:-1], 8, 2))
    return anp.sum(outer * anp.tanh(anp.sum(inner * x[..., None, :], axis=-1) + shift), axis=-1) + theta[..., 32]


def _rows(module, x):
    """J, by one backward pass a datum."""
    rows = []
    for datum in x:
        gradients = torch.autograd.grad(module(datum).sum(), list(module.parameters()))
        rows.append(torch.cat([gradient.ravel() for gradient in gradients]).numpy())
    return np.array(rows)
