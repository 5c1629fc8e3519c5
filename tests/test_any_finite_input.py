"""At any finite input every public call answers or says in one line what it expected; nothing leaks from inside."""

import warnings
from functools import partial

import numpy as np
import sympy
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import any_setting, numbers

import ouanalysis as ou
from ouanalysis.arguments import real_array

# LinAlgError is a ValueError and OverflowError an ArithmeticError, so types are compared, not classes.
ONE_LINE = (ValueError, TypeError, ArithmeticError, ou.InterpolationError)

exponents = st.one_of(st.just(0), st.integers(-3, 3), st.integers(-308, 300))
powers = exponents.map(lambda k: 10.0**k)
finite = st.floats(allow_nan=False, allow_infinity=False)
T = sympy.Symbol("t")


def answers(call, *arguments, **keywords):
    """What the call gives, or None for one clear line."""
    result, error = None, None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)  # of rank, of slow directions: what the user is to be told
        try:
            result = call(*arguments, **keywords)
            repr(result)
        except Exception as caught:
            error = caught
    if error is not None:
        assert type(error) in ONE_LINE, f"{getattr(call, '__name__', call)}: {type(error).__name__}: {error}"
        assert "\n" not in str(error)
        assert "expected" in str(error)
        return None
    return result


def times(theta, x, h, factor):
    return factor * h(theta, x)


@st.composite
def scaled_settings(draw):
    """A setting of the strategies with its data and labels multiplied by anything."""
    setting, of_x, of_y = draw(any_setting), draw(powers), draw(powers)
    with np.errstate(over="ignore"):
        x, y = setting.x * of_x, setting.y * of_y
    merged = len(np.unique(x, axis=0)) < len(np.unique(setting.x, axis=0))
    if merged or not (np.isfinite(x).all() and np.isfinite(y).all()):
        x, y = setting.x, setting.y
    return setting._with(x=real_array("x", x), y=real_array("y", y))


@st.composite
def points(draw):
    """A setting, built in or the same h as a user's own, and θ, on its zero-error set where it can be."""
    setting = draw(scaled_settings())
    if draw(st.booleans()):
        h = partial(times, h=setting.h, factor=draw(powers) if np.all(setting.y == 0) else 1.0)
        own = answers(ou.Setting, h, setting.x, setting.y, parts=setting.parts)
        assert own is not None
        setting = own
    theta = draw(numbers(setting.dim)) * min(draw(powers), 1e300)
    if draw(st.booleans()):
        reached = setting.predictions(theta)
        if np.isfinite(reached).all():
            setting = setting.with_labels(reached)
    return setting, theta


# Found by `make fuzz`: walks, flow times and curvatures that are no floats.
NO_GRADIENT = ou.MatrixSensing([[[0.0]]], [0.0], rank=1), np.zeros(1)
STEEP = ou.SigmoidNetwork([[3.125e104]], [0.0], 2, T / 2 + sympy.sin(T)), np.full(4, 0.03125)

FAR = ou.QuadraticParametrisation([[1.5625e119, 0.0]], [0.0]), np.full(4, 0.03125)


@example(NO_GRADIENT, 1e154, 1.0, 0, 0.0)
@example(NO_GRADIENT, 1e155, 1.0, 3, 0.5)
@given(points(), powers, powers, st.integers(0, 2**62), st.floats(0, 0.99))
def test_at_a_point(point, lr, noise_std, steps, momentum):
    setting, theta = point
    for call in (ou.loss, ou.jacobian, ou.gram, ou.regularizer, ou.regularizer_gradient, ou.kink_distance):
        answers(call, setting, theta)
    answers(setting.predictions, theta)
    reached = answers(ou.interpolate, setting, theta)
    for at in [theta] if reached is None else [theta, reached]:
        judged = answers(ou.stability, setting, at)
        if judged is not None:
            answers(judged.fall_per_step, lr=lr, noise_std=noise_std)
        limit = answers(ou.max_stable_lr, setting, at, momentum=momentum)
        for rate in [lr] if limit is None or not 0 < limit < np.inf else [lr, 0.3 * limit]:
            if rate > 0:
                run = {"lr": rate, "noise_std": noise_std}
                answers(ou.tangent_drift, setting, at, steps=[0, 7, steps], momentum=momentum, **run)
                for law in (ou.local_ou, ou.linearized_sgd):
                    found = answers(law, setting, at, momentum=momentum, gradient_noise_std=noise_std, **run)
                    if found is not None:
                        answers(found.covariance, [0, 7, steps])
                        answers(found.function_covariance)
                        answers(found.expected_loss)
                        answers(found.mean_residual)
                        answers(lambda found=found: (found.notes, found.stationary_variance))
                    if law is ou.linearized_sgd and found is not None:
                        answers(lambda found=found: (found.stability_radius, found.equation_residual))


@example(NO_GRADIENT, 1.0, 1e154, 2)
@given(points(), powers, powers, st.integers(0, 20))
def test_runs(point, lr, noise_std, steps):
    setting, theta = point
    run = {"lr": lr, "noise_std": noise_std, "steps": steps, "rng": 0, "record": 3}
    answers(ou.label_noise_sgd, setting, theta, momentum=0.5, **run)
    answers(ou.label_noise_sde, setting, theta, **run)
    answers(ou.ornstein_uhlenbeck, setting, theta, **run)
    answers(ou.flow_time, setting, steps, lr=lr, noise_std=noise_std)


@example(STEEP, 1.0, False)
@example(FAR, 1e207, False)
@given(points(), powers, st.booleans())
def test_flows(point, time, exact):
    setting, theta = point
    reached = answers(ou.interpolate, setting, theta)
    at = theta if reached is None else reached
    flow = answers(ou.regularized_flow, setting, at, times=[time])
    if flow is not None:
        answers(flow.steps, lr=time, noise_std=time)
        answers(flow, [0.0, flow.times[-1] / 2])
    if exact:
        answers(ou.regularized_flow, setting, at, times=[time], lr=time)


@given(points())
def test_certificates(point):
    setting, theta = point
    answers(ou.certify, setting, theta)


@given(points())
def test_closed_forms(point):
    setting, theta = point
    form = answers(ou.symbolic.regularizer, setting)
    if form is not None:
        answers(form, theta)


@given(st.data())
def test_numbers_of_any_size_are_taken_or_refused_by_name(data):
    setting, theta = ou.planted_matrix_sensing(2, 1, 2, rng=0)
    for call, names in {
        ou.local_ou: ("lr", "noise_std", "batch_size"),
        ou.tangent_drift: ("lr", "noise_std", "batch_size", "steps", "momentum"),
        ou.label_noise_sgd: ("lr", "noise_std", "batch_size", "momentum"),
    }.items():
        run = {"lr": 0.01, "noise_std": 0.1} | ({"steps": 3, "rng": 0} if call is ou.label_noise_sgd else {})
        name = data.draw(st.sampled_from(names))
        value = data.draw(st.one_of(finite, st.integers(-5, 2**70) if name != "batch_size" else st.integers(-5, 5)))
        answers(call, setting, theta, **run | {name: value})
