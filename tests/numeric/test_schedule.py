"""Step sizes, noises and momenta that change: the rates of a step are those that its schedule gives it."""

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.numeric.fluctuations.schedule import Rates, schedule_of

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
PLAIN = ou.Setting(SETTING.h, SETTING.x, SETTING.y, SETTING.dim)
BOTH = pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
FIRST, SECOND = 40, 30  # the steps of two stages


def rates(*steps, **given):
    at = schedule_of(SETTING, **{"lr": 0.1, "noise_std": 0.2} | given).at(np.array(steps), SETTING.n)
    return Rates(*(np.broadcast_to(values, (len(steps), *values.shape[1:])) for values in at))


def test_a_number_holds_at_every_step():
    at = rates(0, 5, 10**12, momentum=0.5)
    assert at.lr.tolist() == [0.1] * 3
    assert at.noise_std.tolist() == [[0.2]] * 3
    assert at.momentum.tolist() == [0.5] * 3


def test_a_stage_holds_from_its_step_up_to_the_next():
    assert rates(0, 9, 10, 11, 99, 100, 10**15, lr=[[0, 1], [10, 2], [100, 3]]).lr.tolist() == [1, 1, 2, 2, 2, 3, 3]
    assert rates(0, 7, lr=[(0, 0.3)]).lr.tolist() == [0.3, 0.3]
    assert rates(0, 3, momentum=np.array([[0, 0.5], [3, 0]])).momentum.tolist() == [0.5, 0]


def test_noise_of_each_datum_may_have_stages():
    of_each = rates(0, 1, 2, noise_std=[[0, 1, 2, 3, 4], [2, 5, 6, 7, 8]]).noise_std
    assert of_each.tolist() == [[1, 2, 3, 4], [1, 2, 3, 4], [5, 6, 7, 8]]
    constant = rates(0, 1, noise_std=[1, 2, 3, 4]).noise_std
    assert constant.tolist() == [[1, 2, 3, 4]] * 2


def test_a_function_gets_steps_and_gives_a_value_of_each_or_one_of_all():
    def asked(steps):
        assert steps.dtype == np.int64
        assert steps.ndim == 1
        return 1 / (1 + steps)

    assert rates(0, 1, 3, lr=asked).lr.tolist() == [1, 0.5, 0.25]
    assert rates(0, 1, noise_std=lambda steps: np.outer(steps + 1, [1, 2, 3, 4])).noise_std.tolist() == [
        [1, 2, 3, 4],
        [2, 4, 6, 8],
    ]
    assert rates(4, 5, lr=lambda _: 0.3).lr.tolist() == [0.3, 0.3]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"lr": [[1, 0.1]]}, r"lr: expected stages \(step, value\) at increasing integer steps from 0 on, got \[1.\]"),
        ({"lr": [[0, 0.1], [0, 0.2]]}, r"lr: expected stages .*, got \[0. 0.\]"),
        ({"lr": [[0, 0.1], [1.5, 0.2]]}, "lr: expected stages .*1.5"),
        ({"lr": [[0, 0.1], [2e16, 0.2]]}, r"lr: expected stages .*, got 2e\+16"),
        ({"lr": [[0], [1]]}, "lr: expected stages"),
        ({"lr": [[0, 0.1], [5, 0]]}, "lr: expected a finite number above 0, got 0"),
        ({"lr": [[0, 0.1], [5, np.nan]]}, "lr: expected finite numbers, got nan"),
        ({"lr": [[0, 0.1, 0.2]]}, r"lr: expected stages of shape \(stages, 2\), got \(1, 3\)"),
        ({"lr": np.empty((0, 2))}, "lr: expected shape"),
        ({"lr": np.ones((2, 2, 2))}, r"lr: expected numbers, stages \(step, value\) or a function, got 3 axes"),
        ({"lr": [0.1, 0.2]}, "lr: expected a finite number above 0"),
        ({"lr": [[0, 0.1], [1]]}, "lr: expected an array of real numbers, got rows of different lengths"),
        ({"momentum": [[0, 0.5], [5, 1]]}, "momentum: expected a finite number at least 0 and below 1, got 1"),
        ({"momentum": [[0, 0.5], [5, -0.1]]}, "momentum: expected a finite number at least 0"),
        ({"noise_std": [[0, 0.5], [5, -1]]}, "noise_std: expected .*at least 0"),
        ({"noise_std": [[0, 1, 2, 3]]}, r"noise_std: expected shape \(4,\), got \(3,\)"),
        ({"lr": lambda _: "a"}, "lr: expected a function of steps .* got <U1"),
        ({"lr": lambda steps: np.ones((len(steps), 4))}, "lr: expected a function of steps"),
        ({"lr": lambda steps: np.ones(len(steps) + 1)}, "lr: expected a function of steps"),
        ({"lr": lambda _: None}, "lr: expected a function of steps"),
        ({"lr": lambda steps: steps - 1.0}, "lr: expected a finite number above 0, got -1 at step 0"),
        ({"lr": lambda _: [[1], [1, 2]]}, "lr: expected an array of real numbers, got rows of different lengths"),
        ({"momentum": lambda steps: steps + 1.0}, "momentum: expected .* below 1, got 1 at step 0"),
        ({"noise_std": lambda _: np.inf}, "noise_std: expected a finite number at least 0, got inf at step 0"),
    ],
)
def test_a_wrong_schedule_is_one_line_that_names_it(given, told):
    with pytest.raises((ValueError, TypeError), match=f"^{told}") as caught:
        schedule_of(SETTING, **{"lr": 0.1, "noise_std": 0.2} | given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("step", [333, 99_999])
def test_a_function_that_fails_late_is_told_with_its_step(step):
    def late(steps):
        return np.where(steps < step, 0.1, np.nan)

    with pytest.raises(ValueError, match=r"^lr: expected a finite number above 0, got nan at step \d+$"):
        schedule_of(SETTING, lr=late, noise_std=0.1).check(10**5, SETTING.n)  # before the run

    def once(steps):
        return np.where(steps == step, -1.0, 0.001)

    with pytest.raises(ValueError, match=f"^lr: expected a finite number above 0, got -1 at step {step}$"):
        ou.label_noise_sgd(SETTING, TRUTH, lr=once, noise_std=0.1, steps=10**5, rng=0)  # in it, if not before


# A run of two stages by hand against one with a schedule: without chance, or with a law that draws nothing.


def alternating(_rng, size):
    return np.broadcast_to(1.0 - 2.0 * (np.arange(size[1]) % 2), size)


def by_hand(setting, first, second, batch):
    """θ after two stages of (lr, noise_std, momentum), step by step from the definition."""
    theta, velocity = TRUTH.copy(), np.zeros_like(TRUTH)
    noise = alternating(None, (1, batch))[0]
    for stage, steps in ((first, FIRST), (second, SECOND)):
        lr, noise_std, momentum = stage
        for _ in range(steps):
            residual = setting.predictions(theta) - setting.y - noise_std * noise
            velocity = momentum * velocity - 2 / setting.n * residual @ ou.jacobian(setting, theta)
            theta = theta + lr * velocity
    return theta


def close(found, expected):
    """Up to the rounding of every step, which a stable run does not amplify."""
    atol = (FIRST + SECOND) * 64 * np.finfo(float).eps * np.max(np.abs(expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


STAGES = {
    "lr": ((0.02, 0.3, 0.0), (0.005, 0.3, 0.0)),
    "noise_std": ((0.02, 0.3, 0.0), (0.02, 0.01, 0.0)),
    "momentum": ((0.02, 0.3, 0.0), (0.02, 0.3, 0.8)),
    "all": ((0.02, 0.3, 0.9), (0.005, 0.1, 0.2)),
}


def scheduled(first, second):
    names = ("lr", "noise_std", "momentum")
    return {name: [[0, a], [FIRST, b]] for name, a, b in zip(names, first, second, strict=True)}


@BOTH
@pytest.mark.parametrize("case", STAGES)
def test_a_scheduled_run_is_its_stages_by_hand(setting, case):
    first, second = STAGES[case]
    run = ou.label_noise_sgd(
        setting,
        TRUTH,
        steps=FIRST + SECOND,
        batch_size="full",
        noise=alternating,
        rng=0,
        **scheduled(first, second),
    )
    close(run.theta[0, -1], by_hand(setting, first, second, setting.n))


@BOTH
def test_stages_as_rows_and_as_a_function_give_the_same_bits(setting):
    rows = scheduled(*STAGES["all"])
    how = {"steps": FIRST + SECOND, "rng": 3, "batch_size": 2}

    def function(name):
        (_, before), (_, after) = rows[name]
        return lambda steps: np.where(steps < FIRST, before, after)

    expected = ou.label_noise_sgd(setting, TRUTH, **how, **rows)
    found = ou.label_noise_sgd(setting, TRUTH, **how, **{name: function(name) for name in rows})
    np.testing.assert_array_equal(found.theta, expected.theta)
    np.testing.assert_array_equal(expected.arguments["lr"], rows["lr"])


@BOTH
def test_without_momentum_stages_are_runs_that_follow_each_other(setting):
    def once(**how):
        return ou.label_noise_sgd(setting, batch_size="full", noise=alternating, rng=0, **how)

    first = once(theta=TRUTH, lr=0.02, noise_std=0.3, steps=FIRST)
    second = once(theta=first.theta[:, -1], lr=0.005, noise_std=0.1, steps=SECOND)
    both = once(theta=TRUTH, lr=[[0, 0.02], [FIRST, 0.005]], noise_std=[[0, 0.3], [FIRST, 0.1]], steps=FIRST + SECOND)
    np.testing.assert_array_equal(both.theta[:, -1], second.theta[:, -1])


@BOTH
def test_noise_of_each_datum_in_stages_scales_the_noises_of_the_batch(setting):
    sigma = np.array([[0, 0.0, 0.1, 0.2, 0.3], [FIRST, 0.3, 0.0, 0.1, 0.0]])
    how = {"lr": 0.01, "rng": 5, "batch_size": 2}
    both = ou.label_noise_sgd(setting, TRUTH, noise_std=sigma, steps=FIRST + SECOND, record=[FIRST], **how)
    first = ou.label_noise_sgd(setting, TRUTH, noise_std=sigma[0, 1:], steps=FIRST, **how)
    np.testing.assert_array_equal(both.theta[:, 0], first.theta[:, -1])
    drawn = []

    def law(rng, size):  # σ_i given by hand where all are scheduled: the noise of a label, before its σ
        drawn.append(rng.standard_normal(size))
        return drawn[-1]

    again = ou.label_noise_sgd(setting, TRUTH, noise_std=sigma, steps=FIRST + SECOND, noise=law, **how)
    np.testing.assert_array_equal(again.theta[:, -1], both.theta[:, -1])
    indices = both.seed.generator().spawn(1)[0].spawn(3)[0].integers(0, 4, size=(FIRST + SECOND, 2))
    theta = TRUTH.copy()
    for step, (batch, unit) in enumerate(zip(indices, drawn[0], strict=True)):
        residual = setting.predictions(theta)[batch] - setting.y[batch] - sigma[int(step >= FIRST), 1 + batch] * unit
        theta = theta - 0.01 * residual @ ou.jacobian(setting, theta)[batch]  # 2/B = 1
    close(both.theta[0, -1], theta)


# The diffusion


@BOTH
@pytest.mark.parametrize("batch_size", [1, 3, "full"])
def test_the_diffusion_takes_the_schedule_of_sgd_by_its_steps(setting, batch_size):
    substeps, (first, second) = 3, STAGES["all"]
    run = ou.label_noise_sde(
        setting,
        TRUTH,
        lr=[[0, first[0]], [FIRST, second[0]]],
        noise_std=[[0, first[1]], [FIRST, second[1]]],
        batch_size=batch_size,
        steps=FIRST + SECOND,
        substeps=substeps,
        rng=9,
    )
    batch = setting.n if batch_size == "full" else batch_size
    drawn = run.seed.generator().spawn(1)[0].spawn(3)[1].standard_normal((FIRST + SECOND, substeps, setting.n))
    theta = TRUTH.copy()
    for step, units in enumerate(drawn):
        lr, noise_std, _ = second if step >= FIRST else first
        for unit in units:  # dθ = −∇L dt + √(η/B) (2σ/√n) Jᵀ dW, with t = η × steps
            dt = lr / substeps
            jacobian = ou.jacobian(setting, theta)
            drift = -2 / setting.n * (setting.predictions(theta) - setting.y) @ jacobian
            spread = np.sqrt(lr / batch) * 2 * noise_std / np.sqrt(setting.n) * (unit @ jacobian)
            theta = theta + drift * dt + np.sqrt(dt) * spread
    close(run.theta[0, -1], theta)


# Weight decay


@BOTH
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_weight_decay_by_hand(setting, momentum):
    decay, lr, theta, velocity = 0.3, 0.02, TRUTH.copy(), np.zeros_like(TRUTH)
    for _ in range(FIRST + SECOND):
        residual = setting.predictions(theta) - setting.y - 0.2 * alternating(None, (1, setting.n))[0]
        velocity = momentum * velocity - 2 / setting.n * residual @ ou.jacobian(setting, theta) - decay * theta
        theta = theta + lr * velocity
    how = {"noise_std": 0.2, "noise": alternating, "batch_size": "full", "momentum": momentum, "rng": 0}
    run = ou.label_noise_sgd(setting, TRUTH, lr=lr, weight_decay=decay, steps=FIRST + SECOND, **how)
    close(run.theta[0, -1], theta)


def test_weight_decay_alone_shrinks_as_a_geometric_series():
    unseen = ou.MatrixSensing(np.zeros((1, 2, 2)), [0.0])  # h = 0 whatever θ is
    run = ou.label_noise_sgd(
        unseen, [1.0, -2, 3, 0], lr=0.125, noise_std=1.0, weight_decay=2.0, steps=6, rng=0, record=1
    )
    np.testing.assert_array_equal(run.theta[0], 0.75 ** np.arange(7)[:, None] * [1.0, -2, 3, 0])


@pytest.mark.parametrize(("value", "told"), [(-1, "at least 0"), (np.nan, "finite"), ([[0, 1]], "finite number")])
def test_a_wrong_weight_decay_is_one_line(value, told):
    with pytest.raises((ValueError, TypeError), match=f"^weight_decay: expected .*{told}"):
        ou.label_noise_sgd(SETTING, TRUTH, lr=0.1, noise_std=0, weight_decay=value, steps=1, rng=0)
