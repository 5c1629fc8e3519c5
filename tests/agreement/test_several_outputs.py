"""Models of several outputs: the law against the p×p recursion over all batches, SGD by hand, each output alone."""

import re
from itertools import combinations, product

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, hessian
from hypothesis import assume, given
from hypothesis import strategies as st
from rounding import ALGEBRA, FORMULA, SUMS
from scipy.integrate import solve_ivp
from standard_errors import z_of_mean
from strategies import numbers

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.sampling import Sampling
from ouanalysis.numeric.fluctuations.second_moments import SecondMoments
from ouanalysis.numeric.fluctuations.stability_limit import stability_limit
from ouanalysis.symbolic import derivative

N, OUTPUTS, DIM = 3, 2, 16
X = np.array([-1.0, 0.0, 1.5])
SIGMA = 0.02


def two_headed(theta, x):
    """(…, 2): two sums of the same four neurons."""
    a, b, c = theta[..., :4], theta[..., 4:8], theta[..., 8:].reshape((*theta.shape[:-1], 2, 4))
    return anp.sum(c * anp.tanh(a * x[..., None] + b)[..., None, :], axis=-1)


THETA = np.random.default_rng(0).normal(size=DIM)
SETTING = ou.Setting(two_headed, X, two_headed(THETA[None], X), dim=DIM)
HEADS = [ou.Setting(lambda theta, x, k=k: two_headed(theta, x)[..., k], X, SETTING.y[:, k], dim=DIM) for k in (0, 1)]


def batches(kind, size, n=N):
    """Every batch that can be drawn, all equally likely."""
    if kind == "with replacement":
        return list(product(range(n), repeat=size))
    return list(combinations(range(n), n if kind == "full" else size))


def sampling(kind, size):
    return {"batch_size": "full" if kind == "full" else size, "replacement": kind != "without replacement"}


def recursion(jacobian, outputs, drawn, lr, sigma, steps, momentum=0.0, isotropic=0.0):
    """Cov δ after so many steps of v ← βv − ∇, θ ← θ + ηv, each averaged over every batch: nothing of n×n in it."""
    p = jacobian.shape[1]
    of_data = jacobian.reshape(-1, outputs, p)
    sigma = np.broadcast_to(sigma, len(jacobian)).reshape(-1, outputs)
    walk = isotropic * np.vstack([lr * np.eye(p), np.eye(p)])
    moments = np.zeros((2 * p, 2 * p))
    for _ in range(steps):
        after = np.zeros_like(moments)
        for batch in drawn:
            rows = of_data[list(batch)].reshape(-1, p)
            hessian, kick = 2 / len(batch) * rows.T @ rows, 2 / len(batch) * rows.T * sigma[list(batch)].ravel()
            step = np.block([[np.eye(p) - lr * hessian, lr * momentum * np.eye(p)], [-hessian, momentum * np.eye(p)]])
            noise = np.vstack([lr * kick, kick])
            after += step @ moments @ step.T + noise @ noise.T + walk @ walk.T
        moments = after / len(drawn)
    return moments[:p, :p]


def of_all_heads(theta):
    """Every output of every datum in a row, which autograd differentiates at once."""
    return anp.reshape(two_headed(theta, X), -1)


def rows_at(theta):
    return autograd.jacobian(of_all_heads)(theta)


def test_rows_of_the_jacobian_are_those_of_each_output():
    rows = rows_at(THETA)
    np.testing.assert_allclose(ou.jacobian(SETTING, THETA), rows, rtol=FORMULA, atol=FORMULA)
    np.testing.assert_allclose(ou.gram(SETTING, THETA), rows @ rows.T, rtol=SUMS, atol=SUMS)


def test_loss_regularizer_and_its_gradient_are_sums_over_the_outputs():
    beside = THETA + 0.1
    formulas = {
        ou.loss: lambda theta: anp.sum((of_all_heads(theta) - SETTING.y.ravel()) ** 2) / N,
        ou.regularizer: lambda theta: anp.sum(rows_at(theta) ** 2) / N,
    }
    formulas[ou.regularizer_gradient] = grad(formulas[ou.regularizer])
    for quantity, formula in formulas.items():
        np.testing.assert_allclose(quantity(SETTING, beside), formula(beside), rtol=SUMS, atol=SUMS)
        heads = sum(quantity(head, beside) for head in HEADS)
        np.testing.assert_allclose(quantity(SETTING, beside), heads, rtol=SUMS, atol=SUMS)


def test_the_traced_regularizer_is_that_by_autograd():
    form, beside = ou.symbolic.regularizer(SETTING), THETA + 0.1
    np.testing.assert_allclose(form(THETA), ou.regularizer(SETTING, THETA), rtol=SUMS)
    traced = ou.symbolic.trace(SETTING)
    for expression, quantity in ((traced.regularizer, ou.regularizer), (traced.loss, ou.loss)):
        value = ou.symbolic.compile(expression, traced.theta)(beside)
        np.testing.assert_allclose(value, quantity(SETTING, beside), rtol=SUMS)
    hessian_on_m = ou.symbolic.compile(traced.loss_hessian, traced.theta)(THETA)
    jacobian = ou.jacobian(SETTING, THETA)
    np.testing.assert_allclose(hessian_on_m, 2 / N * jacobian.T @ jacobian, rtol=0, atol=SUMS * np.max(hessian_on_m))


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize(
    ("kind", "size"), [("with replacement", 1), ("with replacement", 2), ("without replacement", 2), ("full", 3)]
)
@pytest.mark.parametrize("steps", [1, 7, 60])
def test_the_law_is_the_recursion_over_all_batches(kind, size, momentum, steps):
    how = sampling(kind, size) | {"momentum": momentum}
    lr = 0.4 * ou.max_stable_lr(SETTING, THETA, **how)
    law = ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=SIGMA, **how)
    expected = recursion(ou.jacobian(SETTING, THETA), OUTPUTS, batches(kind, size), lr, SIGMA, steps, momentum)
    np.testing.assert_allclose(law.covariance(steps), expected, rtol=0, atol=ALGEBRA * np.max(np.abs(expected)))
    assert law.equation_residual < ALGEBRA


@st.composite
def laws(draw):
    """J of some data and outputs, how batches are drawn, σ of each label, and a share of the largest step."""
    n, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    jacobian = draw(numbers((n * outputs, draw(st.integers(1, 10)))))
    squares = np.linalg.eigvalsh(jacobian @ jacobian.T)
    # Where it is 0 or not is clear, and nothing takes longer than the recursion's tolerance of a condition allows.
    assume(squares[-1] > 0 and not np.any((squares > 1e-12 * squares[-1]) & (squares < 1e-4 * squares[-1])))
    kind = draw(st.sampled_from(["with replacement", "without replacement"]))  # and full, where that is all data
    size = draw(st.integers(1, 2 if kind == "with replacement" else n))
    how = {"batch_size": size, "replacement": kind == "with replacement", "momentum": draw(st.sampled_from([0.0, 0.5]))}
    sigma = draw(numbers(n * outputs).map(np.abs))
    return jacobian, outputs, batches(kind, size, n), how, sigma, draw(st.floats(0.05, 0.9))


@given(laws())
def test_any_jacobian_of_any_number_of_outputs(drawn):
    jacobian, outputs, all_batches, how, sigma, fraction = drawn
    squares, modes = np.linalg.eigh(jacobian @ jacobian.T)
    kept = squares > 1e-12 * squares[-1]
    squares, modes = squares[kept], modes[:, kept]
    lr = fraction * stability_limit(squares, modes, Sampling(lr=1.0, noise_std=sigma, outputs=outputs, **how))
    law = SecondMoments(squares, modes, Sampling(lr=lr, noise_std=sigma, outputs=outputs, **how))
    across = jacobian.T @ modes / np.sqrt(squares)
    expected = recursion(jacobian, outputs, all_batches, lr, sigma, 40, how["momentum"])
    found = across @ law.after(40) @ across.T
    condition = squares[-1] / squares[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ALGEBRA * condition * np.max(np.abs(expected)))


@pytest.mark.parametrize(
    ("kind", "size"), [("with replacement", 1), ("with replacement", 2), ("without replacement", 2), ("full", 3)]
)
def test_past_the_limit_the_recursion_grows_and_below_it_does_not(kind, size):
    jacobian = ou.jacobian(SETTING, THETA)
    limit = ou.max_stable_lr(SETTING, THETA, **sampling(kind, size))
    modes = np.linalg.svd(jacobian, full_matrices=False)[2]
    rows = jacobian @ modes.T  # across the zero-error set alone, where the map has no eigenvalue 1
    radii = []
    for lr in (0.999 * limit, 1.001 * limit):
        step = 0.0
        for batch in batches(kind, size):
            of_batch = rows.reshape(N, OUTPUTS, -1)[list(batch)].reshape(-1, len(rows))
            contraction = np.eye(len(rows)) - 2 * lr / len(batch) * of_batch.T @ of_batch
            step = step + np.kron(contraction, contraction) / len(batches(kind, size))
        radii.append(np.max(np.abs(np.linalg.eigvals(step))))
    assert radii[0] < 1 < radii[1]


@pytest.mark.parametrize("law", [ou.local_ou, ou.linearized_sgd])
def test_outputs_that_move_together_share_one_limit(law):
    """h = (3, 4) θ is stable below 1/(9 + 16); either output alone would be up to 1/9 or 1/16."""
    setting = ou.Setting(lambda theta, x: theta * x[..., None] * np.array([3.0, 4.0]), [1.0], [[3.0, 4.0]], dim=1)
    assert ou.max_stable_lr(setting, [1.0]) == pytest.approx(1 / 25, rel=ALGEBRA)
    law(setting, [1.0], lr=0.99 / 25, noise_std=0.1)
    with pytest.raises(ValueError, match=r"lr: expected less than the stability limit 0\.04 .* got 0\.05"):
        law(setting, [1.0], lr=0.05, noise_std=0.1)


def test_noise_of_each_label_counts_for_its_row():
    """The noise floor is linear in the σ_i², so those of one label at a time add up to that of all."""
    lr = 0.3 * ou.max_stable_lr(SETTING, THETA)
    each = [ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=unit).expected_loss() for unit in np.eye(6)]
    sizes = np.arange(1.0, 7.0)
    together = ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=sizes).expected_loss()
    np.testing.assert_allclose(together, np.sum(sizes**2 * each), rtol=SUMS)
    equal = ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=1.0).expected_loss()
    np.testing.assert_allclose(np.sum(each), equal, rtol=SUMS)


def by_hand(lr, steps, size):
    """The path that the run's own indices and noises make, by the gradient of the loss of each batch."""
    streams = np.random.default_rng(5).bit_generator.seed_seq.spawn(1)[0].spawn(3)
    indices = np.random.default_rng(streams[0]).integers(0, N, size=(steps, size))
    noise = SIGMA * np.random.default_rng(streams[1]).standard_normal((steps, size * OUTPUTS))
    theta = THETA.copy()
    for drawn, epsilon in zip(indices, noise.reshape(steps, size, OUTPUTS), strict=True):
        rows = rows_at(theta).reshape(N, OUTPUTS, DIM)[drawn]
        left = two_headed(theta[None], X)[drawn] - SETTING.y[drawn] - epsilon
        theta = theta - lr * 2 / size * np.einsum("bk,bkp->p", left, rows)
    return theta


def test_a_step_takes_all_outputs_of_a_datum_each_with_its_own_noise():
    lr, steps, size = 0.01, 20, 2
    run = ou.label_noise_sgd(SETTING, THETA, lr=lr, noise_std=SIGMA, steps=steps, batch_size=size, rng=5)
    np.testing.assert_allclose(run.theta[0, -1], by_hand(lr, steps, size), rtol=ALGEBRA, atol=ALGEBRA)


@pytest.mark.parametrize("batch_size", [1, 2, "full"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_compiled_steps_are_those_by_autograd(batch_size, momentum):
    how = {"lr": 0.01, "noise_std": SIGMA, "steps": 300, "chains": 2, "rng": 1, "record": 100}
    how |= {"batch_size": batch_size, "momentum": momentum, "average": ou.Averaging(loss=True, reg=True)}
    plain, fast = (ou.label_noise_sgd(setting, THETA, **how) for setting in (SETTING, ou.compiled(SETTING)))
    pairs = [(getattr(fast, name), getattr(plain, name)) for name in ("theta", "loss", "reg")]
    pairs += [(getattr(fast.averages, name), getattr(plain.averages, name)) for name in ("loss", "reg")]
    for found, wanted in pairs:  # rounding of 300 steps, which a stable walk does not enlarge
        np.testing.assert_allclose(found, wanted, rtol=0, atol=ALGEBRA * np.max(np.abs(wanted)))


def test_simulated_noise_floor_and_drift_are_those_of_the_law():
    lr = 0.3 * ou.max_stable_lr(SETTING, THETA, batch_size=2)
    how = {"lr": lr, "noise_std": SIGMA / 2, "batch_size": 2}
    law, steps = ou.linearized_sgd(SETTING, THETA, **how), 400
    run = ou.label_noise_sgd(ou.compiled(SETTING), THETA, **how, steps=steps, chains=8000, rng=3)
    assert abs(z_of_mean(run.loss[:, -1], law.expected_loss(steps))) < 4
    predicted = law.tangent_drift(steps)
    along = predicted / np.linalg.norm(predicted)
    assert abs(z_of_mean((run.theta[:, -1] - THETA) @ along, predicted @ along)) < 4


def test_the_flow_is_that_of_regs_gradient_along_the_zero_error_set():
    """dθ/ds = −N∇reg, of autograd's derivatives alone, by another integrator."""
    flow = ou.regularized_flow(SETTING, THETA, times=[0.0, 0.1, 1.0])
    gradient = grad(lambda theta: anp.sum(rows_at(theta) ** 2) / N)

    def velocity(_, theta):
        rows, downhill = rows_at(theta), -gradient(theta)
        return downhill - np.linalg.pinv(rows) @ (rows @ downhill)

    path = solve_ivp(velocity, (0.0, 1.0), THETA, method="DOP853", t_eval=[0.0, 0.1, 1.0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(flow.theta, path.y.T, rtol=0, atol=1e-6)  # of rtol=1e-8 a step, over some hundred
    assert np.linalg.norm(flow.theta[-1] - THETA) > 0.1
    assert np.all(np.diff(flow.reg) < 0)
    assert np.max(np.abs(two_headed(flow.theta[:, None], X) - SETTING.y)) < 1e-8


def test_interpolate_fits_all_outputs():
    theta = ou.interpolate(SETTING, THETA + 0.05)
    assert np.max(np.abs(two_headed(theta[None], X) - SETTING.y)) < 1e-8


def test_one_output_in_a_column_is_one_output():
    column = ou.Setting(lambda theta, x: two_headed(theta, x)[..., :1], X, SETTING.y[:, :1], dim=DIM)
    how = {"lr": 0.01, "noise_std": SIGMA, "steps": 10, "rng": 0}
    np.testing.assert_array_equal(
        ou.label_noise_sgd(column, THETA, **how).theta, ou.label_noise_sgd(HEADS[0], THETA, **how).theta
    )
    np.testing.assert_allclose(ou.gram(column, THETA), ou.gram(HEADS[0], THETA), rtol=SUMS)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2)), r"y: expected shape \(3, k\), got \(2, 2\)"),
        (np.zeros((3, 0)), r"y: expected shape \(3, k\), got \(3, 0\)"),
        (np.zeros((3, 2, 1)), r"y: expected shape \(3,\) or \(3, k\), got \(3, 2, 1\)"),
        (np.zeros((3, 3)), r"h: expected floats of shape \(3,\) .* of shape \(2,\): then y has shape \(n, 2\)"),
        (np.zeros(3), r"h: expected floats of shape \(\) .* got float64 of shape \(2,\): then y has shape \(n, 2\)"),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        ou.Setting(two_headed, X, labels, dim=DIM)


def test_noise_of_each_label_has_its_shape():
    with pytest.raises(ValueError, match=r"noise_std: expected shape \(6,\), got \(3,\)"):
        ou.linearized_sgd(SETTING, THETA, lr=0.01, noise_std=[0.1, 0.1, 0.1])


# Of another make: ReLU networks, and shapes in which something is degenerate.


def relu_heads(theta, x):
    """(…, 2): two heads on the same three ReLU neurons, each with an offset."""
    a, b, c = theta[..., :3], theta[..., 3:6], theta[..., 6:12].reshape((*theta.shape[:-1], 2, 3))
    return anp.sum(c * ou.activations.relu(a * x[..., None] + b)[..., None, :], axis=-1) + theta[..., 12:]


RELU_THETA = np.random.default_rng(2).normal(size=14)


def relu_network(theta=RELU_THETA, x=X):
    return ou.Setting(relu_heads, x, relu_heads(theta[None], np.asarray(x)), dim=14)


def relu_head(k, theta=RELU_THETA):
    return ou.Setting(lambda at, x: relu_heads(at, x)[..., k], X, relu_heads(theta[None], X)[:, k], dim=14)


def more_outputs_than_parameters(theta, x):
    return theta[..., :1] * x[..., None] * np.arange(1.0, 6) + theta[..., 1:] ** 2 * np.arange(5.0)


def wide():
    theta, x = np.array([1.0, 2.0]), np.array([1.0, 2.0])
    return ou.Setting(more_outputs_than_parameters, x, more_outputs_than_parameters(theta[None], x), dim=2), theta


def test_kinks_are_those_of_all_heads():
    """What one head does not see counts where another does, and what none sees does not."""
    theta = RELU_THETA.copy()
    theta[[6, 7, 10]] = 0.0  # head 0 has neuron 2 alone, head 1 has 0 and 2: nobody has 1
    both, heads = relu_network(theta).kinks(theta), [relu_head(k, theta).kinks(theta) for k in (0, 1)]
    for name, of_both in (("distance", np.minimum), ("jump", np.maximum)):
        expected = of_both(*(getattr(head, name) for head in heads))
        np.testing.assert_allclose(getattr(both, name), expected, rtol=FORMULA, atol=0)
    assert np.isinf(both.distance).all(axis=0).tolist() == [False, True, False]
    assert ou.kink_distance(relu_network(theta), theta) == np.min(both.distance)


def test_a_kink_on_a_datum_is_said_and_the_smooth_piece_is_the_network_there():
    theta = RELU_THETA.copy()
    theta[3] = -theta[0] * X[2]
    setting = relu_network(theta)
    assert "a kink is on a datum (neuron 0, x_2)" in " ".join(ou.local_ou(setting, theta, lr=1e-3, noise_std=0.1).notes)
    assert ou.stability(setting, theta).verdict == "nonsmooth"
    piece = setting.smooth_piece(theta)
    assert (piece.outputs, piece.branches.count) == (2, 0)
    for quantity in (ou.jacobian, ou.regularizer, ou.regularizer_gradient):
        np.testing.assert_allclose(quantity(piece, theta), quantity(setting, theta), rtol=FORMULA, atol=FORMULA)


def test_the_traced_regularizer_has_the_patterns_of_every_theta():
    setting, rng = relu_network(), np.random.default_rng(3)
    places = rng.normal(size=(50, 14))
    form, traced = ou.symbolic.regularizer(setting), ou.symbolic.trace(setting)
    np.testing.assert_allclose([form(theta) for theta in places], ou.regularizer(setting, places), rtol=SUMS)
    gradient = ou.symbolic.compile(traced.regularizer_gradient, traced.theta)
    wanted = ou.regularizer_gradient(setting, places)
    found = np.array([np.ravel(gradient(theta)) for theta in places])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=SUMS * np.max(np.abs(wanted)))


def test_what_a_trace_costs_is_that_of_all_outputs_of_a_datum(monkeypatch):
    monkeypatch.setattr(derivative, "LIMIT", 0.0)  # so that each says what it would take
    costs = []
    for order in ([0], [0, 1], [1, 0]):

        def heads(theta, x, order=order):
            z = anp.tanh(x[..., None] * theta)
            return anp.stack([anp.sum(anp.tanh(z * theta + z**2), axis=-1), theta[..., 0] * x], axis=-1)[..., order]

        setting = ou.Setting(heads, np.linspace(-1, 1, 9), np.zeros((9, len(order))), dim=4)
        with pytest.raises(ValueError, match="at most 0 s of work") as refused:
            ou.symbolic.trace(setting)
        costs.append(float(re.search(r"got some (\S+) s", str(refused.value))[1]))
    assert costs == pytest.approx([costs[0]] * 3, rel=0.1)  # where the cheap head alone is a twentieth


@pytest.mark.parametrize("start", [RELU_THETA + 0.3, 3 * np.random.default_rng(3).normal(size=14)], ids=["near", "far"])
def test_interpolate_moves_the_heads_where_it_must(start):
    setting = relu_network()
    np.testing.assert_array_equal(setting.linear_part(), np.arange(6, 14))
    theta = ou.interpolate(setting, start)
    assert np.max(np.abs(setting.predictions(theta) - setting.y)) < 1e-8


@pytest.mark.parametrize("kind", ["with replacement", "without replacement", "full"])
@pytest.mark.parametrize("case", ["more outputs than parameters", "duplicate data", "a dead head"])
def test_where_the_rank_is_low_the_law_is_the_recursion_over_all_batches(case, kind):
    """With momentum, noises of each label and isotropic noise."""
    if case == "more outputs than parameters":
        setting, theta = wide()
    else:
        theta, x = RELU_THETA.copy(), X if case == "a dead head" else np.array([-1.0, 0.4, 0.4])
        h = relu_heads if case != "a dead head" else (lambda theta, x: relu_heads(theta, x) * np.array([1.0, 0.0]))
        setting = ou.Setting(h, x, h(theta[None], x), dim=14)
    how = sampling(kind, 2) | {"momentum": 0.5}
    lr = 0.4 * ou.max_stable_lr(setting, theta, **how)
    sigma, isotropic = 0.1 * np.arange(1.0, setting.rows + 1), 0.3
    law = ou.linearized_sgd(setting, theta, lr=lr, noise_std=sigma, gradient_noise_std=isotropic, **how)
    assert law.rank < setting.rows
    drawn, jacobian = batches(kind, min(2, setting.n), setting.n), ou.jacobian(setting, theta)
    expected = recursion(jacobian, setting.outputs, drawn, lr, sigma, 30, 0.5, isotropic)
    condition = law.eigenvalues[0] / law.eigenvalues[-1]
    np.testing.assert_allclose(law.covariance(30), expected, rtol=0, atol=ALGEBRA * condition * np.max(expected))
    assert "data of" in " ".join(law.notes)


def test_contradicting_labels_of_one_output_are_named():
    setting = relu_network(x=np.array([-1.0, 0.4, 0.4]))
    labels = setting.y.copy()
    labels[2, 1] += 1.0
    with pytest.raises(ou.InterpolationError, match=r"different labels of the same datum \(x_1 = x_2\)"):
        ou.interpolate(setting.with_labels(labels), RELU_THETA)


EVERYTHING = {
    "lr": [[0, 0.02], [70, 0.01]],
    "noise_std": [[0, *(0.01 * np.arange(1.0, 7))], [70, *(0.01 * np.arange(6.0, 0, -1))]],
    "momentum": 0.5,
    "weight_decay": 0.01,
    "gradient_noise_std": 0.05,
    "noise": "rademacher",
    "batch_size": 2,
    "chains": 2,
    "rng": 3,
    "record": 50,
}


@pytest.mark.parametrize("compiled", [False, True])
def test_a_run_with_everything_is_resumed_and_loaded_bit_for_bit(compiled, tmp_path):
    plain = relu_network()
    setting = ou.compiled(plain) if compiled else plain
    whole = ou.label_noise_sgd(setting, RELU_THETA, steps=200, **EVERYTHING)
    np.testing.assert_allclose(
        whole.theta, ou.label_noise_sgd(plain, RELU_THETA, steps=200, **EVERYTHING).theta, rtol=0, atol=ALGEBRA
    )
    ou.label_noise_sgd(setting, RELU_THETA, steps=90, checkpoint=tmp_path / "run", **EVERYTHING)
    went_on = ou.resume(tmp_path / "run", setting=setting, steps=200)
    np.testing.assert_array_equal(went_on.theta[:, -1], whole.theta[:, -1])
    whole.save(tmp_path / "saved.npz")
    loaded = ou.Trajectory.load(tmp_path / "saved.npz", setting)
    for name in ("theta", "loss", "reg"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(whole, name))


def test_stages_of_the_noise_are_by_rows():
    """A stage in which one label alone is noisy moves θ along that row of J in its first step."""
    setting, row = relu_network(), 3
    stages = [[0, *np.zeros(6)], [5, *np.eye(6)[row]]]
    run = ou.label_noise_sgd(setting, RELU_THETA, lr=0.01, noise_std=stages, steps=6, batch_size="full", rng=0)
    moved, gradient = run.theta[0, -1] - RELU_THETA, ou.jacobian(setting, RELU_THETA)[row]
    assert np.linalg.norm(moved) > 0
    cosine = moved @ gradient / np.linalg.norm(moved) / np.linalg.norm(gradient)
    assert abs(cosine) == pytest.approx(1.0, abs=ALGEBRA)


def test_one_substep_of_the_diffusion_is_a_full_batch_with_noise_raised():
    how = {"lr": 0.002, "steps": 50, "rng": 0, "chains": 2}
    sde = ou.label_noise_sde(relu_network(), RELU_THETA, noise_std=0.1, batch_size=2, substeps=1, **how)
    noise_std = 0.1 * np.sqrt(N / 2)
    sgd = ou.label_noise_sgd(relu_network(), RELU_THETA, noise_std=noise_std, batch_size="full", **how)
    np.testing.assert_allclose(sde.theta, sgd.theta, rtol=0, atol=ALGEBRA)


def test_one_column_of_a_relu_network_is_one_output():
    column = ou.Setting(lambda theta, x: relu_heads(theta, x)[..., 1:], X, relu_network().y[:, 1:], dim=14)
    single = relu_head(1)
    noisy = EVERYTHING | {"noise_std": [0.1, 0.2, 0.3]}
    runs = [ou.label_noise_sgd(setting, RELU_THETA, steps=60, **noisy) for setting in (column, single)]
    np.testing.assert_array_equal(runs[0].theta, runs[1].theta)
    np.testing.assert_array_equal(column.kinks(RELU_THETA).distance, single.kinks(RELU_THETA).distance)
    assert ou.stability(column, RELU_THETA).verdict == ou.stability(single, RELU_THETA).verdict
    laws = [ou.linearized_sgd(setting, RELU_THETA, lr=0.01, noise_std=0.1) for setting in (column, single)]
    np.testing.assert_allclose(laws[0].tangent_drift(50), laws[1].tangent_drift(50), rtol=ALGEBRA, atol=ALGEBRA)


def test_a_sweep_predicts_what_the_law_does():
    how = {"lr": 0.01, "batch_size": 2, "noise_std": 0.1}
    table = ou.sweep(SETTING, THETA, **how, steps=20, chains=2, rng=0).columns
    law = ou.linearized_sgd(SETTING, THETA, **how)
    assert table["loss_predicted"][0] == pytest.approx(law.expected_loss(20), rel=ALGEBRA)
    assert table["drift_predicted"][0] == pytest.approx(np.linalg.norm(law.tangent_drift(20)), rel=ALGEBRA)


def test_the_least_regularizer_that_is_found_fits_all_outputs_and_stays():
    least = ou.minimum(relu_network())
    assert np.max(np.abs(relu_network().predictions(least.theta) - relu_network().y)) < 1e-8
    assert least.value == pytest.approx(ou.regularizer(relu_network(), least.theta), rel=SUMS)
    assert least.value < ou.regularizer(relu_network(), RELU_THETA)


def test_isotropic_noise_moves_the_mean_of_each_output():
    """(nηs²/4) K⁺ (tr N∇²h_r)_r of a walk, by Hessians of each head."""
    lr, s = 1e-3, 0.1
    law = ou.local_ou(SETTING, THETA, lr=lr, noise_std=0.0, gradient_noise_std=s)
    jacobian, covariance = ou.jacobian(SETTING, THETA), law.function_covariance()
    np.testing.assert_allclose(covariance, lr * s**2 * N / 4 * np.eye(6), rtol=0, atol=ALGEBRA * lr * s**2)
    inverse = np.linalg.pinv(jacobian)
    tangent = np.eye(DIM) - inverse @ jacobian
    bends = [hessian(lambda theta, x=x, k=k: two_headed(theta, x)[k])(THETA) for x in X for k in (0, 1)]
    across = inverse @ covariance @ inverse.T
    pushed = sum(bend @ across @ row for bend, row in zip(bends, jacobian, strict=True))
    traces = np.array([np.trace(tangent @ bend) for bend in bends])
    gram = jacobian @ jacobian.T
    expected = np.linalg.solve(gram, N * lr * s**2 / 4 * traces - jacobian @ pushed)
    slack = ALGEBRA * np.linalg.cond(gram) * np.max(np.abs(expected))
    np.testing.assert_allclose(law.mean_residual(), expected, rtol=0, atol=slack)


def test_noise_in_the_shape_of_the_labels_is_named_with_its_remedy():
    noise = np.full((3, 2), 0.1)
    remedy = r"got .*\(3, 2\); one of each label is by rows, noise_std\.ravel\(\)"
    with pytest.raises(ValueError, match=remedy):
        ou.linearized_sgd(SETTING, THETA, lr=0.01, noise_std=noise)
    with pytest.raises(ValueError, match=remedy):
        ou.label_noise_sgd(SETTING, THETA, lr=0.01, noise_std=noise, steps=1, rng=0)


def test_a_function_of_ones_own_is_of_one_output():
    def value_and_gradient(theta, x, gradient):
        gradient[0] = x
        return theta[0] * x

    with pytest.raises(ValueError, match="value_and_gradient: expected a model of one output, got 2"):
        ou.compiled(SETTING, value_and_gradient)
    column = ou.Setting(lambda theta, x: theta[..., :1] * x[..., None], X, X[:, None], dim=1)
    how = {"lr": 0.01, "noise_std": 0.1, "steps": 50, "rng": 0}
    runs = [ou.label_noise_sgd(made, [1.0], **how) for made in (column, ou.compiled(column, value_and_gradient))]
    np.testing.assert_allclose(runs[0].theta, runs[1].theta, rtol=ALGEBRA)
