"""PyTorch's products against autograd's, of the same networks written twice, and what the laws make of them."""

import pickle
import weakref

import numpy as np
import pytest
from every_product import assert_alike, every_product
from rounding import ALGEBRA

torch = pytest.importorskip("torch")

from torch_networks import NETWORKS, both  # noqa: E402  after importorskip

import ouanalysis as ou  # noqa: E402
from ouanalysis.frameworks import torch_model, torch_products  # noqa: E402
from ouanalysis.frameworks.ghost import embedding as ghost_embedding  # noqa: E402
from ouanalysis.frameworks.ghost import factors as ghost_factors  # noqa: E402
from ouanalysis.frameworks.ghost import gram as ghost_gram  # noqa: E402
from ouanalysis.frameworks.torch_products import TorchProducts  # noqa: E402
from ouanalysis.numeric.zero_error_set.derivatives import products_of  # noqa: E402
from ouanalysis.simulate.draws import spawn_streams  # noqa: E402


@pytest.fixture(scope="module", params=NETWORKS)
def networks(request):
    return both(request.param)


def close(found, wanted, rtol=1e-10):
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol * np.max(np.abs(wanted)))


def test_every_product_is_autograds(networks):
    _, setting, by_hand, theta = networks
    mine, wanted = products_of(setting), products_of(by_hand)
    assert type(mine).__name__ == "TorchProducts"
    assert type(wanted).__name__ == "AutogradProducts"
    assert_alike(*(every_product(of, theta, setting.rows) for of in (mine, wanted)))


def test_no_product_depends_on_the_blocks_that_data_come_in(monkeypatch, networks):
    _, setting, _, theta = networks

    def all_products():
        of = TorchProducts(setting.h, setting.x)
        of._gradients.chain = None
        return every_product(of, theta, setting.rows)

    wanted = all_products()
    monkeypatch.setattr(torch_model, "BYTES", 1)
    monkeypatch.setattr(torch_model, "SOME", 2)  # of three data
    monkeypatch.setattr(torch_products, "ROWS", 8 * setting.rows * 5)  # five columns of J
    assert_alike(all_products(), wanted, 1e-12)


def test_forward_is_linear_and_backward_its_adjoint(networks):
    _, setting, _, theta = networks
    rng, products = np.random.default_rng(1), setting.products()
    u, v, w = rng.standard_normal(setting.rows), *rng.standard_normal((2, setting.dim))
    close(products.forward(theta, 2 * v - w), 2 * products.forward(theta, v) - products.forward(theta, w))
    assert u @ products.forward(theta, v) == pytest.approx(v @ products.backward(theta, u), rel=1e-10)


def test_h_broadcasts_as_by_hand(networks):
    _, setting, by_hand, theta = networks
    rng = np.random.default_rng(2)
    feature = setting.x.shape[1:]
    shapes = [((), (3,)), ((2, 1), (3,)), ((2, 3), (3,)), ((2, 1), (2, 3)), ((3,), ()), ((2, 1, 1), (4, 1)), ((), ())]
    for of_theta, of_x in shapes:
        some = theta + 0.1 * rng.standard_normal((*of_theta, setting.dim))
        x = rng.standard_normal((*of_x, *feature))
        found = setting.h(some, x)
        assert found.shape == np.shape(by_hand.h(some, x))
        close(found, by_hand.h(some, x))


def test_laws_flow_and_stability_are_autograds(networks):
    _, setting, by_hand, theta = networks
    how = {"lr": 0.01, "noise_std": 0.1, "batch_size": 2}
    mine, wanted = (ou.linearized_sgd(of, theta, **how) for of in (setting, by_hand))
    close(mine.eigenvalues, wanted.eigenvalues)
    close(mine.function_covariance(), wanted.function_covariance(), 1e-9)
    close(*(ou.tangent_drift(of, theta, steps=10, **how) for of in (setting, by_hand)), 1e-8)
    flows = [ou.regularized_flow(of, theta, times=[0.0, 0.1]).theta for of in (setting, by_hand)]
    close(*flows, 1e-6)  # the integrator's own tolerance
    mine, wanted = (ou.stability(of, theta) for of in (setting, by_hand))
    assert mine.verdict == wanted.verdict
    assert mine.reg == pytest.approx(wanted.reg, rel=1e-10)
    assert mine.gradient_norm == pytest.approx(wanted.gradient_norm, rel=1e-8)
    away = theta + 0.01 * np.random.default_rng(0).standard_normal(setting.dim)
    close(*(ou.interpolate(of, away) for of in (setting, by_hand)), 1e-8)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", ["mlp", "cnn", "recurrent"])
def test_sgd_is_that_of_torch_fed_with_the_same_draws(name, momentum):
    module, setting, _, theta = both(name, n=4)
    lr, noise_std, steps, batch = 0.005, 0.3, 40, 2
    run = ou.label_noise_sgd(
        setting,
        theta,
        lr=lr,
        noise_std=noise_std,
        steps=steps,
        rng=11,
        chains=2,
        batch_size=batch,
        momentum=momentum,
        noise="rademacher",
    )
    x, y = torch.from_numpy(np.array(setting.x)), torch.from_numpy(np.array(setting.y))
    for chain, streams in enumerate(spawn_streams(np.random.default_rng(11), 2)):
        indices = streams.indices.integers(0, 4, size=(steps, batch))
        noise = noise_std * (2.0 * streams.noise.integers(0, 2, size=(steps, batch)) - 1)
        module.load_state_dict(setting.unpack(theta))
        optimizer = torch.optim.SGD(module.parameters(), lr=lr, momentum=momentum)
        for some, shift in zip(indices, torch.from_numpy(noise), strict=True):
            optimizer.zero_grad()
            ((module(x[some]).reshape(-1) - y[some] - shift) ** 2).mean().backward()
            optimizer.step()
        wanted = setting.pack(module.state_dict())
        # 40 steps of some rounding each, which a stable walk does not enlarge
        np.testing.assert_allclose(run.theta[chain, -1], wanted, rtol=0, atol=ALGEBRA * np.max(np.abs(wanted)))
        assert np.max(np.abs(wanted - theta)) > 0.001


MODES = {"no_grad": torch.no_grad, "inference_mode": torch.inference_mode}


@pytest.mark.parametrize("first_used", ["outside", "inside"])
@pytest.mark.parametrize("mode", MODES)
def test_no_mode_of_the_caller_changes_a_product(networks, mode, first_used):
    _, setting, _, theta = networks
    wanted = every_product(setting.products(), theta, setting.rows)
    fresh = pickle.loads(pickle.dumps(setting))  # has found out nothing
    if first_used == "outside":
        fresh.products()
    with MODES[mode]():
        found = every_product(fresh.products(), theta, setting.rows)
    again = every_product(fresh.products(), theta, setting.rows)
    for name, value in wanted.items():
        assert np.any(value), name
        np.testing.assert_array_equal(found[name], value, err_msg=name)
        np.testing.assert_array_equal(again[name], value, err_msg=name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_module_that_is_made_and_used_without_gradients_is_differentiated(name, mode):
    _, setting, _, theta = both(name)
    with MODES[mode]():
        inside, wanted = both(name)[1], ou.regularizer_gradient(setting, theta)
        values, pull_back = inside.h.with_backward(theta[None], inside.x)
        pulled = pull_back(np.ones(values.shape))
    np.testing.assert_array_equal(ou.regularizer_gradient(inside, theta), wanted)
    close(pulled[0], setting.products().backward(theta, np.ones(setting.rows)))


@pytest.mark.parametrize("mode", MODES)
def test_what_a_datum_takes_does_not_depend_on_what_is_asked_first(networks, mode):
    _, setting, _, theta = networks
    wanted = pickle.loads(pickle.dumps(setting)).h.bytes_of_a_datum
    for first in (
        lambda fresh: fresh.predictions(theta),
        lambda fresh: fresh.products().predictions(theta[None]),
        lambda fresh: fresh.h.bytes_of_a_datum,
    ):
        fresh = pickle.loads(pickle.dumps(setting))
        with MODES[mode]():
            first(fresh)
        assert fresh.h.bytes_of_a_datum == wanted


def test_what_a_datum_takes_is_what_autograd_saves_of_it():
    layers = [torch.nn.Linear(100, 200), torch.nn.Tanh(), torch.nn.Linear(200, 300), torch.nn.Tanh()]
    module = torch.nn.Sequential(*layers, torch.nn.Linear(300, 1)).double()
    setting = ou.Setting.from_torch(module, np.zeros((2, 100)), np.zeros(2))
    setting.predictions(np.zeros(setting.dim))
    assert setting.h.bytes_of_a_datum == 8 * (100 + 200 + 300)


def test_a_backward_pass_of_chains_is_that_of_each_in_any_blocks_and_as_often_as_asked(monkeypatch, networks):
    _, setting, _, theta = networks
    chains = np.stack([theta, 0.9 * theta])
    weights = np.random.default_rng(8).standard_normal((2, *setting.y.shape))
    wanted = [setting.products().backward(*of) for of in zip(chains, weights.reshape(2, -1), strict=True)]
    for most in (torch_model.LARGE, 0):  # kept, and computed again datum after datum
        monkeypatch.setattr(torch_model, "BYTES", most)
        monkeypatch.setattr(torch_model, "LARGE", most)
        for x in (setting.x, np.stack([setting.x] * 2)):
            values, pull_back = setting.h.with_backward(chains, x)
            close(values, setting.predictions(chains))
            for _ in range(2):
                close(pull_back(weights), wanted)


def test_a_backward_pass_keeps_nothing_of_many_data():
    """Whose graphs, with the (n, width) that each layer gives, autograd holds as long as they are kept."""
    layers = [torch.nn.Linear(2, 1000), torch.nn.Tanh(), torch.nn.Linear(1000, 1)]
    held, most = [0], [0]

    def passed(_module, _given, out):  # counts what is held of the layer's outputs
        held[0] += out.nbytes
        most[0] = max(most[0], held[0])
        size = out.nbytes
        weakref.finalize(out, lambda: held.__setitem__(0, held[0] - size))

    x = np.random.default_rng(9).standard_normal((4000, 2))
    setting = ou.Setting.from_torch(torch.nn.Sequential(*layers).double(), x, np.zeros(4000))
    setting.h.module[1].register_forward_hook(passed)
    _, pull_back = setting.h.with_backward(np.ones((3, setting.dim)), x)
    pull_back(np.ones((3, 4000)))
    assert 0 < most[0] <= 2 * torch_model.LARGE  # of 96 MB


def test_gram_of_pairs_of_parts_is_that_of_all_data_at_once(monkeypatch, networks):
    _, setting, _, theta = networks
    wanted = ou.gram(setting, theta)
    for bytes_kept in (0, 1000):
        monkeypatch.setattr(ghost_gram, "KEPT", bytes_kept)
        close(ou.gram(setting, theta), wanted)


def test_gram_holds_the_factors_of_few_data(monkeypatch):
    """Those of 20 data are 20 · 8 · (300 + 200 + 201) bytes; what is asked for of torch.empty is what is held."""
    layers = [torch.nn.Linear(300, 200, bias=False), torch.nn.Tanh(), torch.nn.Linear(200, 1, bias=False)]
    setting = ou.Setting.from_torch(
        torch.nn.Sequential(*layers).double(), np.random.default_rng(10).normal(size=(20, 300)), np.zeros(20)
    )
    theta = np.random.default_rng(11).normal(size=setting.dim)
    wanted, empty, asked = ou.gram(setting, theta), torch.empty, []

    def counted(*args, **kwargs):
        found = empty(*args, **kwargs)
        asked.append(found.nbytes)
        return found

    monkeypatch.setattr(ghost_gram, "KEPT", 8 * 8 * 701)
    monkeypatch.setattr(torch, "empty", counted)
    close(ou.gram(setting, theta), wanted)
    assert max(asked) <= 8 * 4 * 300


class Words(torch.nn.Module):
    """A table read once or twice, and layers on its vectors."""

    def __init__(self, outputs, padding, twice):
        super().__init__()
        self.table = torch.nn.Embedding(40, 3, padding_idx=padding)
        self.out, self.twice = torch.nn.Linear(3, outputs), twice

    def forward(self, words):
        total = torch.tanh(self.table(words)).sum(dim=1)
        return self.out(total * self.table(words.flip(1)[:, :2]).sum(dim=1) if self.twice else total)


@pytest.mark.parametrize("kept", [torch_model.LARGE, 0])
@pytest.mark.parametrize(
    ("outputs", "padding", "twice"), [(1, None, False), (1, 2, True), (3, 0, False), (12, None, True)]
)
def test_gram_of_a_table_is_by_the_rows_that_data_share(monkeypatch, outputs, padding, twice, kept):
    rng = np.random.default_rng(12)
    words = np.minimum(rng.geometric(0.3, size=(9, 5)) - 1, 39)  # some in most data, some twice in one, some in none
    setting = ou.Setting.from_torch(Words(outputs, padding, twice).double(), words, np.zeros((9, outputs)))
    theta = rng.normal(size=setting.dim)
    jacobian = ou.jacobian(setting, theta)
    monkeypatch.setattr(ghost_gram, "KEPT", kept)
    monkeypatch.setattr(ghost_factors, "BLOCK", kept)
    monkeypatch.setattr(ghost_embedding.Lookup, "rows", None)  # which is as large as the table
    close(ou.gram(setting, theta), jacobian @ jacobian.T)


def test_gram_makes_products_of_few_rows_at_once(monkeypatch):
    setting, sizes, products = both("mlp", n=20)[1], [], ghost_factors.DenseFactors.products

    def seen(self, other):
        for rows, found in products(self, other):
            sizes.append(len(found))
            yield rows, found

    theta = np.random.default_rng(13).normal(size=setting.dim)
    wanted = ou.gram(setting, theta)
    monkeypatch.setattr(ghost_factors.DenseFactors, "products", seen)
    monkeypatch.setattr(ghost_factors, "BLOCK", 8 * 20 * 3)
    close(ou.gram(setting, theta), wanted)
    assert max(sizes) == 3


class Scaled(torch.nn.Module):
    """Units and their scale, numbers of some shape."""

    def __init__(self, shape, outputs):
        super().__init__()
        self.dense = torch.nn.Linear(3, outputs)
        self.scale = torch.nn.Parameter(torch.full(shape, 0.5))
        self.shift = torch.nn.Parameter(torch.full(shape, 0.2))

    def forward(self, x):
        return torch.tanh(self.dense(x)) * self.scale.exp() + self.shift**2


@pytest.mark.parametrize("outputs", [1, 2])
def test_parameters_that_are_numbers_are_those_that_are_vectors_of_one(outputs):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, outputs))
    numbers, vectors = (ou.Setting.from_torch(Scaled(s, outputs).double(), x, y) for s in ((), (1,)))
    theta = rng.normal(size=numbers.dim)
    assert_alike(*(every_product(of.products(), theta, 4 * outputs) for of in (numbers, vectors)))
    fitted = ou.interpolate(numbers, theta)
    assert ou.linearized_sgd(numbers, fitted, lr=1e-3, noise_std=0.1).rank == numbers.rows
