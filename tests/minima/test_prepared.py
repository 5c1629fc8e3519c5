"""What `prepare` returns for each setting: prepared once, and with no memory of what it solved before."""

import clarabel
import numpy as np
import pytest
from strategies import CASES

import ouanalysis as ou
from ouanalysis.settings.by_file_name import module_in

SENSING, _ = ou.planted_matrix_sensing(3, 1, 4, rng=0)
RELU, _ = ou.planted_relu_network(5, 2, width=6, rng=1)
LOGISTIC = ou.SigmoidNetwork([[0.6, 0.8]], [2.9], 3, "logistic")
EPS = np.finfo(float).eps


def prepared(setting):
    return module_in("ouanalysis.minima", setting).prepare(setting)


SETTINGS = [
    *(SENSING, RELU, LOGISTIC, ou.SigmoidNetwork([[0.6, 0.8]], [1.0], 3)),
    *(setting for setting in CASES.values() if module_in("ouanalysis.minima", setting) and prepared(setting)),
]


@pytest.mark.parametrize("setting", SETTINGS, ids=repr)
def test_what_was_solved_before_changes_nothing(setting):
    theta = np.random.default_rng(0).normal(size=(4, setting.dim))
    solve, predictions = prepared(setting), setting.predictions(theta) * np.array([[1.0], [1e-3], [1e3], [0.0]])
    first = [solve(f) for f in predictions]
    for k in (2, 0, 3, 1):
        again, alone = solve(predictions[k]), prepared(setting)(predictions[k])
        assert (again.value, again.lower_bound) == (first[k].value, first[k].lower_bound)
        assert (alone.value, alone.lower_bound) == (first[k].value, first[k].lower_bound)


@pytest.mark.parametrize("setting", SETTINGS, ids=repr)
def test_at_the_labels_it_is_the_minimum(setting):
    least, found = ou.minimum(setting), prepared(setting)(setting.y)
    assert found.domain == least.domain
    assert found.certified
    # minimum may keep a simpler function, dearer by 1e-9 of its bends
    assert found.value == pytest.approx(least.value, rel=1e-9)
    assert found.lower_bound == pytest.approx(least.lower_bound, rel=4 * EPS)
    assert repr(found).startswith(f"LeastRegularizer({found.value:.8g} over {found.domain}, gap ")


@pytest.mark.parametrize("setting", [SENSING, RELU], ids=repr)
def test_the_solver_is_set_up_once_for_a_whole_trajectory(setting, monkeypatch):
    made, solver = [], clarabel.DefaultSolver
    monkeypatch.setattr(clarabel, "DefaultSolver", lambda *data: made.append(1) or solver(*data))
    ou.certify(setting, np.random.default_rng(0).normal(size=(2, 3, setting.dim)))
    assert len(made) == 1


def test_where_nothing_is_known_there_is_nothing_to_prepare():
    assert prepared(ou.SigmoidNetwork([[1.0], [2.0]], [1.0, 1.0], width=2)) is None


def test_sensors_that_floats_cannot_compare_are_refused_before_any_state():
    sensors = np.array([np.diag([1.0, 0.0]), 1e-20 * np.diag([0.0, 1.0])])
    with pytest.raises(ValueError, match=r"^sensors: expected sizes within a factor 1e14 of each other, got .*$"):
        ou.certify(ou.MatrixSensing(sensors, [1.0, 0.0]), np.ones((2, 4)))
