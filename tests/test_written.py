"""What is written depends on neither the user's style nor last digits, and appears whole or not at all."""

import dataclasses
import json
import os
from pathlib import Path

import matplotlib
import matplotlib.figure
import numpy as np
import pytest

from ouanalysis import written
from ouanalysis.experiments import matrix_sensing_certificate, ou_covariance
from ouanalysis.figures import __main__ as command

HOSTILE = {
    "text.usetex": True,
    "font.family": ["serif"],
    "axes.facecolor": "black",
    "axes.prop_cycle": "cycler('color', ['k'])",
    "figure.dpi": 37,
    "savefig.bbox": "tight",
    "savefig.facecolor": "black",
    "savefig.format": "pdf",
    "savefig.transparent": True,
    "lines.linestyle": ":",
    "legend.fancybox": False,
    "path.sketch": (1, 100, 2),
    "image.interpolation": "none",
    "xtick.direction": "in",
}


@pytest.fixture(scope="module")
def result():
    return ou_covariance.run(0, "quick")


@pytest.fixture
def make(monkeypatch, tmp_path, result):
    """Make the figure of a result in a folder of tmp_path, and give the bytes of all that is in it."""

    def make(result=result, folder="figures"):
        monkeypatch.setattr(ou_covariance, "run", lambda _rng, _size: result)
        (tmp_path / folder).mkdir(exist_ok=True)
        command.make("ou_covariance", tmp_path / folder, size="quick")
        return contents(tmp_path / folder)

    return make


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_style_of_the_users_changes_no_byte_and_is_left_as_it_was(make):
    expected = make()
    assert set(expected) == {"ou_covariance.png", "ou_covariance.json"}
    with matplotlib.rc_context(HOSTILE):
        before = dict(matplotlib.rcParams)
        assert make() == expected
        assert dict(matplotlib.rcParams) == before


def test_another_last_digit_in_the_result_changes_no_byte(make, result):
    rng = np.random.default_rng(0)

    def shaken(value):
        value = np.asarray(value)
        return value * (1 + 1e-14 * rng.standard_normal(value.shape)) if value.dtype == float else value

    fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    other = dataclasses.replace(result, **{name: shaken(value) for name, value in fields.items()})
    assert not np.array_equal(other.residuals, result.residuals)
    assert make(other) == make()


def test_what_is_below_the_resolution_is_neither_written_nor_drawn():
    arrays = {
        field.name: np.array([0.123456789, 4e-21, -3e-22, np.nan])
        for field in dataclasses.fields(matrix_sensing_certificate.MatrixSensingCertificate)
    }
    result = matrix_sensing_certificate.MatrixSensingCertificate(
        **{**arrays, "solver_gap": 8.97e-9, "loss": 3.14159e-17}
    )
    rounded = written.rounded(result)
    np.testing.assert_array_equal(rounded.relative_gap, [0.123457, 0.0, 0.0, np.nan])
    np.testing.assert_array_equal(rounded.error, [0.123457, 4e-21, -3e-22, np.nan])
    assert rounded.solver_gap == 0
    assert rounded.loss == 3.142e-17
    assert written.resolutions(result)["solver_gap"] == 1e-7
    assert not np.signbit(rounded.relative_gap[2])  # a zero has no sign that depends on the machine


@pytest.mark.parametrize("value", [np.arange(3), np.array([[True]]), np.zeros((0, 3)), (1, [2.5, "a"]), None])
def test_what_has_no_digits_to_lose_is_rounded_to_itself(value):
    rounded = written.rounded(value)
    assert type(rounded) is type(value)
    assert np.array_equal(rounded, value) if isinstance(value, np.ndarray) else rounded == value


def test_the_committed_numbers_are_no_finer_than_they_say():
    """And none is the rounding of a zero: a field that holds such numbers must state its resolution."""
    checked = 0
    for path in (Path(__file__).parents[1] / "figures").glob("*.json"):
        shown = json.loads(path.read_text(encoding="utf-8"))
        for name, number in leaves(shown["numbers"]):
            if isinstance(number, float) and number:
                assert abs(number) >= shown.get("resolution", {}).get(name, 1e-12), (path.name, name)
                checked += 1
    assert checked > 10_000


def leaves(value, name=None):
    """(the field that it is in, number) of all numbers."""
    if isinstance(value, dict | list):
        for field, entry in value.items() if isinstance(value, dict) else ((name, entry) for entry in value):
            yield from leaves(entry, field)
    else:
        yield name, value


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["savefig", "json_text", "first replace", "second replace"])
def test_a_failure_leaves_the_old_pair_and_nothing_beside_it(make, result, monkeypatch, tmp_path, where, error):
    before = make()
    replace, calls = os.replace, []

    def fails(*_, **__):
        raise error("planted")

    def fails_at_its_turn(source, target):
        calls.append(target)
        if len(calls) == (1 if where == "first replace" else 2):
            raise error("planted")
        replace(source, target)

    other = dataclasses.replace(result, scaled_variance=2 * result.scaled_variance)
    owner, name = {
        "savefig": (matplotlib.figure.Figure, "savefig"),
        "json_text": (command, "json_text"),
    }.get(where, (os, "replace"))
    monkeypatch.setattr(owner, name, fails_at_its_turn if owner is os else fails)
    with pytest.raises(error, match="planted"):
        make(other)
    assert contents(tmp_path / "figures") == before
    assert len(list((tmp_path / "figures").iterdir())) == 2


def test_a_failure_where_nothing_was_leaves_nothing(tmp_path):
    (tmp_path / "b.json").mkdir()
    with pytest.raises(OSError, match=r"b\.json"):
        write_two(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def write_two(folder):
    with written.together(folder) as beside:
        (beside / "a.png").write_bytes(b"new")
        (beside / "b.json").write_bytes(b"new")
