"""What a user sees of a result is ASCII, so that no terminal refuses it."""

import pytest

import ouanalysis as ou

SETTING, THETA = ou.planted_sigmoid_network(1, 2, 2, rng=0)
RELU, KINKED = ou.planted_relu_network(5, 1, width=4, rng=0)
MADE = {
    "setting": lambda: RELU,
    "stability": lambda: ou.stability(SETTING, THETA),
    "stability at a kink": lambda: ou.stability(RELU, KINKED),
    "flow": lambda: ou.regularized_flow(SETTING, THETA, times=[0.0, 1.0]),
    "local_ou": lambda: ou.local_ou(RELU, KINKED, lr=1e-3, noise_std=0.1),
    "linearized_sgd": lambda: ou.linearized_sgd(
        RELU, KINKED, lr=1e-3, noise_std=[0.1, 0.0, 0.2, 0.1, 0.1], batch_size=2, replacement=False, momentum=0.5
    ),
    "local_ou of all noises": lambda: ou.local_ou(SETTING, THETA, lr=1e-3, noise_std=[0.1], gradient_noise_std=0.1),
    "law without noise": lambda: ou.linearized_sgd(SETTING, THETA, lr=1e-3, noise_std=[0.0]),
    "sampling": lambda: ou.local_ou(SETTING, THETA, lr=1e-3, noise_std=[0.1]).sampling,
    "trajectory": lambda: ou.label_noise_sgd(SETTING, THETA, lr=0.01, noise_std=0.1, steps=3, rng=0),
    "minimum": lambda: ou.minimum(SETTING),
    "minimum of predictors": lambda: ou.minimum(ou.planted_quadratic_parametrisation(4, 2, 1, rng=0)[0]),
    "minimum of functions": lambda: ou.minimum(RELU),
    "local search": lambda: ou.minima.local_search(SETTING, starts=1),
    "certificate": lambda: ou.certify(SETTING, THETA),
    "trace": lambda: ou.symbolic.trace(SETTING),
    "closed form": lambda: ou.symbolic.regularizer(SETTING),
    "kinks": lambda: RELU.kinks(KINKED),
}


@pytest.mark.parametrize("name", MADE)
def test_a_repr_is_ascii(name):
    made = MADE[name]()
    assert repr(made).isascii()
    assert all(note.isascii() for note in getattr(made, "notes", ()))
