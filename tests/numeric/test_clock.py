"""Flow time of schedules: sums by hand and in rational numbers, its inverse, and SGD that follows it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA, FORMULA, SUMS

import ouanalysis as ou
from ouanalysis.numeric.long_time import clock

PRODUCT = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, [1.0, 1.0], [2.0, 2.0], dim=2)
START = np.array([4.0, 0.5])


def test_stages_by_hand():
    # η²σ²/(B(1 − β)²) = 4·9/3 = 12 for three steps, then 4·9/(3/4) = 48 for two, then 48/36 = 4/3 for ever.
    how = {"lr": 2.0, "noise_std": [(0, 3.0), (5, 0.5)], "momentum": [(0, 0.0), (3, 0.5)], "batch_size": 3}
    steps = [[0, 1, 3], [4, 5, 8]]
    np.testing.assert_allclose(ou.flow_time(PRODUCT, steps, **how), [[0, 12, 36], [84, 132, 136]], rtol=FORMULA)


def test_stages_of_unequal_noises_count_the_mean_of_their_squares():
    noise_std = [(0, 3.0, 4.0), (10, 0.0, 2.0)]
    np.testing.assert_allclose(
        ou.flow_time(PRODUCT, [10, 11], lr=1.0, noise_std=noise_std, batch_size="full"), [62.5, 63.5], rtol=FORMULA
    )


rates = st.integers(1, 64).map(lambda k: k / 16)  # exact in floats


@st.composite
def stages(draw, values):
    first = [0, *sorted(draw(st.sets(st.integers(1, 10**6), max_size=4)))]
    return [(step, draw(values)) for step in first]


@given(lr=stages(rates), noise_std=stages(rates), steps=st.lists(st.integers(0, 10**12), min_size=1, max_size=5))
def test_stages_are_summed_as_in_rational_numbers(lr, noise_std, steps):
    def at(rows, step):
        return Fraction([value for first, value in rows if first <= step][-1])

    edges = sorted({first for first, _ in lr + noise_std})
    expected = [
        sum((min(last, step) - first) * (at(lr, first) * at(noise_std, first)) ** 2
            for first, last in zip(edges, [*edges[1:], step], strict=True) if first < step)
        for step in steps
    ]  # fmt: skip
    found = ou.flow_time(PRODUCT, steps, lr=lr, noise_std=noise_std)
    np.testing.assert_allclose(found, [float(time) for time in expected], rtol=FORMULA)


@pytest.mark.parametrize("chunk", [2, 7, 1 << 16])
def test_functions_are_stages_of_one_step_whatever_the_chunk(chunk, monkeypatch):
    monkeypatch.setattr(clock, "CHUNK", chunk)
    asked = []

    def lr(steps):
        asked.append(steps)
        return 0.1 / np.sqrt(1 + steps / 10)

    counts = np.array([0, 1, 30, 100])
    every = np.arange(100)
    rows = np.column_stack([every, lr(every)])
    noise_std = [(0, 0.5), (40, 0.25)]
    asked.clear()
    found = ou.flow_time(PRODUCT, counts, lr=lr, noise_std=noise_std)
    np.testing.assert_allclose(found, ou.flow_time(PRODUCT, counts, lr=rows, noise_std=noise_std), rtol=SUMS)
    # Σ 0.01 · 0.25/(1 + k/10) over the first 30.
    assert found[2] == pytest.approx(0.0025 * sum(1 / (1 + k / 10) for k in range(30)), rel=SUMS)
    assert max(steps.max() for steps in asked[-(100 * 2 // chunk) :]) == 99  # no step past those asked for
    flow = ou.regularized_flow(PRODUCT, START, times=found)
    np.testing.assert_allclose(flow.steps(lr=lr, noise_std=noise_std), counts, rtol=ALGEBRA)


@given(lr=stages(rates), noise_std=stages(rates))
def test_steps_of_a_flow_invert_its_time(lr, noise_std):
    steps = np.array([0, 5, 1000, 10**6])
    times = ou.flow_time(PRODUCT, steps, lr=lr, noise_std=noise_std)
    schedule = clock_of(lr=lr, noise_std=noise_std)
    np.testing.assert_allclose(schedule.steps(times), steps, rtol=ALGEBRA)
    between = schedule.steps((times[1:] + times[:-1]) / 2)
    np.testing.assert_allclose(schedule.times(between), (times[1:] + times[:-1]) / 2, rtol=ALGEBRA)


def clock_of(**how):
    from ouanalysis.numeric.fluctuations.schedule import schedule_of
    from ouanalysis.numeric.long_time.flow_time import flow_clock

    return flow_clock(schedule_of(PRODUCT, **how), PRODUCT.n)


def test_a_time_that_never_comes_takes_infinitely_many_steps(monkeypatch):
    flow = ou.regularized_flow(PRODUCT, START, times=[0.0, 0.25, 0.5, 0.75])
    # 1/16 a step for eight steps: 0.5 in all, reached at the end of the eighth and never passed.
    found = flow.steps(lr=0.25, noise_std=[(0, 1.0), (8, 0.0)])
    np.testing.assert_allclose(found, [0, 4, 8, np.inf], rtol=FORMULA)
    # Still from step 2 to 5, a quarter of it done.
    found = flow.steps(lr=0.25, noise_std=[(0, 2.0), (1, 0.0), (5, 2.0), (7, 0.0)])
    np.testing.assert_allclose(found, [0, 1, 6, 7], rtol=FORMULA)
    monkeypatch.setattr(clock, "FOLLOWED", 1000)
    halving = flow.steps(lr=lambda steps: 0.5 * 0.5 ** (steps / 2), noise_std=1.0)  # 1/4, 1/8, ...: 0.5 in all
    np.testing.assert_allclose(halving[:2], [0, 1], rtol=FORMULA)
    assert halving[3] == np.inf


def test_a_run_without_noise_in_any_stage_is_refused():
    flow = ou.regularized_flow(PRODUCT, START, times=[0.0, 0.25])
    with pytest.raises(ValueError, match="noise_std: expected a number above 0, as nothing moves without noise"):
        flow.steps(lr=0.25, noise_std=[(0, 0.0), (8, 0.0)])


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("lr", [(0, 0.1), (5, 0.01)]),
        ("lr", np.sqrt),
        ("noise_std", [(0, 1.0)]),
        ("momentum", np.sqrt),
    ],
)
def test_the_flow_of_a_schedule_is_refused_in_one_line_that_says_what_to_pass(name, schedule):
    with pytest.raises(ValueError, match=rf"^{name}: expected what holds all along, got a schedule: give times=flow_t"):
        ou.regularized_flow(PRODUCT, START, times=[0.1], **{"lr": 0.01, name: schedule})


SCHEDULES = {
    "stages": {"lr": [(0, 0.001), (20_000, 0.002)], "noise_std": [(0, 1.0), (30_000, 0.5)]},
    "a function": {"lr": lambda steps: 0.002 / np.sqrt(1 + steps / 10_000), "noise_std": 0.8},
    "momentum": {"lr": 0.001, "noise_std": 0.8, "momentum": [(0, 0.0), (20_000, 0.5)]},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_sgd_with_a_schedule_follows_the_flow_in_flow_time(name):
    """By hand: h = u² − v², where uv decays as e^{−16 s}: (1 − 4ηr)(1 + 4ηr) a step, r the noisy residual."""
    setting, start, steps, chains = ou.QuadraticParametrisation([[1.0]], [0.0]), np.array([0.4, 0.4]), 40_000, 64
    run = ou.label_noise_sgd(setting, start, steps=steps, chains=chains, rng=7, **SCHEDULES[name])
    u, v = np.moveaxis(setting.unpack(run.theta[:, -1])["u"], -1, 0)[0], setting.unpack(run.theta[:, -1])["v"][:, 0]
    passed = -np.log(u * v / (start[0] * start[1])) / 16
    predicted = ou.flow_time(setting, steps, **SCHEDULES[name])
    # What the leading order leaves out is of relative order η‖g‖² = 4η(u² + v²) < 0.003.
    assert abs(passed.mean() - predicted) < 4 * passed.std(ddof=1) / np.sqrt(chains) + 0.003 * predicted
    assert passed.std(ddof=1) / np.sqrt(chains) < 0.01 * predicted
