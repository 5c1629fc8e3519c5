"""The same networks twice: as modules of PyTorch, and by hand in autograd.numpy, of the same flat theta."""

from functools import partial

import autograd.numpy as anp
import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.settings.setting import split

torch = pytest.importorskip("torch")
nn = torch.nn


class Block(nn.Module):
    """Attention of a sequence to itself, normalised, added to it and read out at the first place."""

    def __init__(self, width, heads, outputs):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.out = nn.Linear(width, outputs)

    def forward(self, x):
        normal = self.norm(x)
        return self.out((x + self.attention(normal, normal, normal, need_weights=False)[0]).mean(dim=1))


class Recurrent(nn.Module):
    """The same weights at every time."""

    def __init__(self, feature, width):
        super().__init__()
        self.cell, self.out = nn.RNN(feature, width, batch_first=True), nn.Linear(width, 1)

    def forward(self, x):
        return self.out(self.cell(x)[0][:, -1])[:, 0]


class Squared(nn.Module):
    def forward(self, x):
        return x**2 / 2 + x


def linear(x, weight, bias):
    return anp.matmul(x, anp.swapaxes(weight, -1, -2)) + bias[..., None, :]


def mlp(theta, x, *, parts):
    p = split(theta, parts)
    z = anp.sum(p["0.weight"] * x[..., None, :], axis=-1) + p["0.bias"]
    z = anp.sum(p["2.weight"] * anp.tanh(z)[..., None, :], axis=-1) + p["2.bias"]
    return anp.sum(p["4.weight"][..., 0, :] * anp.tanh(z), axis=-1) + p["4.bias"][..., 0]


def cnn(theta, x, *, parts):
    p = split(theta, parts)
    kernel, rows, columns = p["0.weight"], x.shape[-2] - 1, x.shape[-1] - 1
    total = p["0.bias"][..., None, None]
    for i in range(2):
        for j in range(2):
            seen = x[..., None, :, i : i + rows, j : j + columns]
            total = total + anp.sum(kernel[..., i, j][..., None, None] * seen, axis=-3)
    z = total**2 / 2 + total
    z = anp.reshape(z, (*z.shape[:-3], -1))
    return anp.sum(p["3.weight"][..., 0, :] * z, axis=-1) + p["3.bias"][..., 0]


def block(theta, x, *, parts):
    p = split(theta, parts)
    centred = x - anp.mean(x, axis=-1, keepdims=True)
    normal = centred / anp.sqrt(anp.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    normal = normal * p["norm.weight"][..., None, :] + p["norm.bias"][..., None, :]
    projected = linear(normal, p["attention.in_proj_weight"], p["attention.in_proj_bias"])
    width, gathered = x.shape[-1], []
    for head in range(2):
        own = [slice(k * width + head * width // 2, k * width + (head + 1) * width // 2) for k in range(3)]
        query, key, value = (projected[..., of] for of in own)
        scores = anp.matmul(query, anp.swapaxes(key, -1, -2)) / np.sqrt(width // 2)
        weights = anp.exp(scores)
        gathered.append(anp.matmul(weights / anp.sum(weights, axis=-1, keepdims=True), value))
    mixed = linear(anp.concatenate(gathered, axis=-1), p["attention.out_proj.weight"], p["attention.out_proj.bias"])
    pooled = anp.mean(x + mixed, axis=-2)
    return anp.sum(p["out.weight"] * pooled[..., None, :], axis=-1) + p["out.bias"]


def recurrent(theta, x, *, parts):
    p = split(theta, parts)
    state = 0.0 * p["cell.bias_hh_l0"]
    for time in range(x.shape[-2]):
        inward = anp.sum(p["cell.weight_ih_l0"] * x[..., time, None, :], axis=-1) + p["cell.bias_ih_l0"]
        state = anp.tanh(inward + anp.sum(p["cell.weight_hh_l0"] * state[..., None, :], axis=-1) + p["cell.bias_hh_l0"])
    return anp.sum(p["out.weight"][..., 0, :] * state, axis=-1) + p["out.bias"][..., 0]


NETWORKS = {
    "mlp": (
        lambda: nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1)),
        mlp,
        (2,),
        (),
    ),
    "cnn": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 2), Squared(), nn.Flatten(), nn.Linear(3 * 2 * 3, 1)),
        cnn,
        (2, 3, 4),
        (),
    ),
    "attention block": (lambda: Block(4, 2, 2), block, (3, 4), (2,)),
    "recurrent": (lambda: Recurrent(2, 3), recurrent, (4, 2), ()),
}


def both(name, n=3):
    """(module, its Setting, the Setting by autograd, a theta that fits the labels of both)."""
    make, h, feature, outputs = NETWORKS[name]
    torch.manual_seed(2)
    module, rng = make().double(), np.random.default_rng(5)
    x = rng.standard_normal((n, *feature))
    setting = ou.Setting.from_torch(module, x, np.zeros((n, *outputs)))
    theta = setting.pack(module.state_dict()) + 0.1 * rng.standard_normal(setting.dim)
    by_hand = ou.Setting(partial(h, parts=setting.parts), x, np.zeros((n, *outputs)), dim=setting.dim)
    y = by_hand.predictions(theta)
    return module, setting.with_labels(y), by_hand.with_labels(y), theta
