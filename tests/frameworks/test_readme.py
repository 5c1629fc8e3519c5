"""The README's lines for a user of PyTorch run as they stand there."""

import re

import numpy as np
import pytest
from documentation import ROOT

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
    assert capsys.readouterr().out.startswith(f"{_regularizer(module, x):.8f}"[:8])


def _regularizer(module, x):
    """By one backward pass a datum."""
    total = 0.0
    for datum in x:
        module.zero_grad()
        module(datum).sum().backward()
        total += sum(float((parameter.grad**2).sum()) for parameter in module.parameters())
    return total / len(x)
