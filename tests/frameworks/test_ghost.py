"""Structured norms against the gradients of single data, formed one after the other by plain backward passes."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402  after importorskip
from torch import nn  # noqa: E402

import ouanalysis as ou  # noqa: E402

N = 5


class Flat(nn.Module):
    """What a layer gives, in one number or k of them, by a fixed nonlinear read-out."""

    def __init__(self, layer, outputs=1):
        super().__init__()
        self.layer, self.outputs = layer, outputs

    def forward(self, x):
        values = torch.tanh(self.layer(x)).flatten(start_dim=1)
        weights = torch.cos(torch.arange(values.shape[1] * self.outputs, dtype=torch.float64))
        return values @ weights.reshape(values.shape[1], self.outputs)


class Tied(nn.Module):
    """A language model whose embedding and read-out are one matrix."""

    def __init__(self):
        super().__init__()
        self.embedding, self.out = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, tokens):
        return self.out(torch.tanh(self.embedding(tokens)).cumsum(dim=1))


class Recurrent(nn.Module):
    """The same dense layers at every time, time first."""

    def __init__(self):
        super().__init__()
        self.inward, self.onward, self.out = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, x):
        state = x.new_zeros(len(x), 4)
        for step in x.transpose(0, 1):
            state = torch.tanh(self.inward(step) + self.onward(state))
        return self.out(state)


class Attention(nn.Module):
    """Of a sequence to itself, or to another."""

    def __init__(self, batch_first, cross):
        super().__init__()
        self.batch_first, self.cross = batch_first, cross
        self.attention = nn.MultiheadAttention(4, 2, batch_first=batch_first)

    def forward(self, x):
        x = x if self.batch_first else x.transpose(0, 1)
        other = x.flip(-1) if self.cross == "kv" else x
        value = other.sin() if self.cross == "all" else other
        key = x.cos() if self.cross == "all" else other
        out, _ = self.attention(x, key, value, need_weights=False)
        return out if self.batch_first else out.transpose(0, 1)


class Folded(nn.Module):
    """Data and places in one axis, places first or last."""

    def __init__(self, places_first):
        super().__init__()
        self.dense, self.places_first = nn.Linear(3, 2), places_first

    def forward(self, x):
        x = x.transpose(0, 1) if self.places_first else x
        values = self.dense(x.reshape(-1, 3)).reshape(*x.shape[:2], 2)
        return values.transpose(0, 1) if self.places_first else values


class Raw(nn.Module):
    """Parameters that no layer holds, and one that is read in two ways."""

    def __init__(self):
        super().__init__()
        self.scale, self.matrix = nn.Parameter(torch.rand(3)), nn.Parameter(torch.rand(3, 3))

    def forward(self, x):
        return F.linear(self.scale * x, self.matrix) + x @ self.matrix


class Positions(nn.Module):
    """An embedding of places, which all data share."""

    def __init__(self):
        super().__init__()
        self.places, self.dense = nn.Embedding(4, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.dense(x + self.places(torch.arange(4)))


class Double(nn.Module):
    """No autograd by PyTorch's own rules: a function of the user's own reads a parameter."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3))

    def forward(self, x):
        return Twice.apply(self.weight) * x.sin()


class Twice(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(weight):
        return 2 * weight

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(_ctx, gradient):
        return 2 * gradient


SEQUENCE, PICTURE = (4, 3), (4, 7, 6)
CASES = {
    "dense": (lambda: nn.Linear(3, 2), (3,), True),
    "dense without bias": (lambda: nn.Linear(3, 2, bias=False), (3,), True),
    "dense at places": (lambda: nn.Linear(3, 2), SEQUENCE, True),
    "wide dense at places": (lambda: nn.Linear(3, 40), SEQUENCE, True),
    "conv1d": (lambda: nn.Conv1d(4, 3, 2), (4, 6), True),
    "conv1d, strided": (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), (4, 9), True),
    "conv2d": (lambda: nn.Conv2d(4, 3, 3), PICTURE, True),
    "conv2d, all": (
        lambda: nn.Conv2d(4, 6, (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2),
        PICTURE,
        True,
    ),
    "conv2d, one place": (lambda: nn.Conv2d(4, 6, (7, 6), groups=2), PICTURE, True),
    "conv2d, same": (lambda: nn.Conv2d(4, 3, (2, 4), padding="same"), PICTURE, True),
    "conv2d, circular": (lambda: nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular"), PICTURE, True),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2, stride=(1, 2, 1), bias=False), (2, 3, 4, 3), True),
    "embedding": (lambda: nn.Embedding(6, 3), (4,), True),
    "embedding, few": (lambda: nn.Embedding(30, 3, padding_idx=2), (4,), True),
    "layer norm": (lambda: nn.LayerNorm(3), SEQUENCE, True),
    "layer norm, two axes": (lambda: nn.LayerNorm(SEQUENCE, eps=0.1), SEQUENCE, True),
    "root mean square norm": (lambda: nn.RMSNorm(3), SEQUENCE, True),
    "group norm": (lambda: nn.GroupNorm(2, 4), PICTURE, True),
    "batch norm, running": (lambda: nn.BatchNorm2d(4).eval(), PICTURE, True),
    "batch norm of features": (lambda: nn.BatchNorm1d(3).eval(), (3,), True),
    "in place": (lambda: nn.Sequential(nn.Linear(3, 4), nn.ELU(inplace=True), nn.Linear(4, 2)), (3,), True),
    "tied": (Tied, (4,), True),
    "recurrent": (Recurrent, (4, 3), True),
    "attention": (lambda: Attention(True, None), (3, 4), True),
    "attention, places first": (lambda: Attention(False, None), (3, 4), True),
    "attention to another": (lambda: Attention(True, "kv"), (3, 4), True),
    "attention to two": (lambda: Attention(True, "all"), (3, 4), True),
    "encoder": (lambda: nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, batch_first=True), (3, 4), True),
    "folded": (lambda: Folded(False), SEQUENCE, True),
    "folded, places first": (lambda: Folded(True), SEQUENCE, True),
    "a layer of another": (lambda: nn.Bilinear(3, 3, 2), (3,), None),
    "raw parameters": (Raw, (3,), False),
    "shared by all data": (Positions, (4, 3), False),
    "a gated unit": (lambda: nn.GRU(3, 2, batch_first=True), SEQUENCE, False),
    "spread back": (lambda: nn.ConvTranspose2d(4, 2, 2), PICTURE, False),
    "a slope": (lambda: nn.PReLU(4), PICTURE, False),
    "a function of one's own": (Double, (3,), False),
}


class First(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        out = self.layer(x, x.cos()) if isinstance(self.layer, nn.Bilinear) else self.layer(x)
        return out[0] if isinstance(out, tuple) else out


def case(name, outputs):
    make, feature, structured = CASES[name]
    torch.manual_seed(3)
    module = Flat(First(make()), outputs).double()
    rng = np.random.default_rng(7)
    tokens = any(isinstance(part, nn.Embedding) for part in module.modules()) and len(feature) == 1
    x = rng.integers(0, 6, size=(N, *feature)) if tokens else rng.standard_normal((N, *feature))
    y = rng.standard_normal((N, outputs) if outputs > 1 else N)
    setting = ou.Setting.from_torch(module, x, y)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.weight.data += 1.0
    return SimpleNamespace(
        setting=setting,
        module=module,
        x=torch.from_numpy(x),
        theta=setting.pack(module.state_dict()) + 0.1 * rng.standard_normal(setting.dim),
        structured=structured,
    )


def plain_jacobian(case):
    """One backward pass for each output of each datum."""
    case.module.load_state_dict(case.setting.unpack(case.theta))
    rows = []
    for datum in case.x:
        for value in case.module(datum[None]).reshape(-1):
            gradients = torch.autograd.grad(value, list(case.module.parameters()), retain_graph=True)
            rows.append(torch.cat([gradient.reshape(-1) for gradient in gradients]).numpy())
    return np.array(rows)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10 * np.max(np.abs(wanted)))


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_norms_and_rows_vs_plain_backward_passes(name, outputs):
    at = case(name, outputs)
    wanted = plain_jacobian(at)
    products, points = at.setting.products(), at.theta[None]
    close(products.squared_norms(points)[0], (wanted**2).reshape(N, -1).sum(axis=1))
    close(products.jacobian(points)[0], wanted)
    close(products.gram(points)[0], wanted @ wanted.T)
    plan = products._gradients.plan
    if at.structured is not None:
        assert at.structured == (not plan.others), (plan.structured, plan.others)


class Branching(nn.Module):
    """As many layers as its own parameters say."""

    def __init__(self):
        super().__init__()
        self.dense, self.out = nn.Linear(3, 3), nn.Linear(3, 1)

    def forward(self, x):
        z = torch.tanh(self.dense(x))
        return self.out(torch.tanh(self.dense(z)) if self.out.bias.detach() > 0 else z)


@pytest.mark.parametrize("first", [1, -1])
def test_a_module_that_branches_on_its_parameters_is_taken_one_datum_at_a_time(first):
    torch.manual_seed(0)
    module, rng = Branching().double(), np.random.default_rng(1)
    x = rng.standard_normal((N, 3))
    setting = ou.Setting.from_torch(module, x, np.zeros(N))
    start = setting.pack(module.state_dict())
    for sign in (first, -first):
        theta = np.append(start[:-1], sign * 0.5)
        at = SimpleNamespace(setting=setting, module=module, x=torch.from_numpy(x), theta=theta)
        wanted = plain_jacobian(at)
        close(setting.products().squared_norms(theta[None])[0], (wanted**2).sum(axis=1))
        close(ou.gram(setting, theta), wanted @ wanted.T)


@pytest.mark.parametrize("name", CASES)
def test_gradient_of_the_norms_vs_differences(name):
    at = case(name, 2)
    products = at.setting.products()
    direction = np.random.default_rng(0).standard_normal(at.setting.dim)
    gradient = products.squared_norms_gradient(at.theta[None])[0]
    step = 1e-5
    moved = [products.squared_norms((at.theta + sign * step * direction)[None]).sum() for sign in (1, -1)]
    # The step times ‖direction‖, up to 20, squared, is what third derivatives leave, and the rest of the difference is
    # eps/step of the norms: below a millionth with some room.
    assert gradient @ direction == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-6, abs=0)
    hessians = products.hessian_products(at.theta, products.jacobian(at.theta[None])[0])
    close(2 * hessians, gradient)
    every = products.data_hessian_products(at.theta, direction)
    assert np.sum(products.jacobian(at.theta[None])[0] * every) == pytest.approx(gradient @ direction / 2, rel=1e-9)
