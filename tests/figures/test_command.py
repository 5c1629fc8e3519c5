"""`python -m ouanalysis.figures`: its formats and its list, and what it says when it cannot."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from ouanalysis.figures import __main__ as command


@pytest.mark.parametrize(("file_format", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_vector_formats_work_and_repeat_byte_for_byte(file_format, start, tmp_path):
    for run in "ab":
        arguments = ["ou_covariance", "--quick", "--format", file_format, "--out", str(tmp_path / run)]
        assert command.main(arguments) == 0
    first, second = ((tmp_path / run / f"ou_covariance.{file_format}").read_bytes() for run in "ab")
    assert first.startswith(start)
    assert first == second


def test_the_list_names_every_figure_and_draws_none(capsys):
    assert command.main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(re.search(rf"^{name} +\S", printed, flags=re.MULTILINE) for name in command.NAMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["noise"], "expected one of any_network, .*, got 'noise'"),
        (["--seed", "-1"], "expected an integer at least 0, got '-1'"),
        (["--format", "gif"], "invalid choice: 'gif'"),
    ],
)
def test_unusable_arguments_end_with_status_2_and_say_why(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_an_unwritable_folder_is_refused_before_anything_is_run(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert command.main(["--out", str(tmp_path / "file" / "figures")]) == 2
    assert "--out: expected a folder that can be written, got" in capsys.readouterr().err


def test_a_figure_that_fails_is_named_and_the_others_are_drawn(tmp_path, capsys, monkeypatch):
    from ouanalysis.experiments import noise_floor

    def broken(_rng, _size):
        raise FloatingPointError("planted")

    monkeypatch.setattr(noise_floor, "run", broken)
    assert command.main(["noise_floor", "ou_covariance", "--quick", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().err
    assert "noise_floor: failed with FloatingPointError: planted" in printed
    assert "1 of 2 figures failed: noise_floor" in printed
    assert (tmp_path / "ou_covariance.png").exists()


def test_the_module_runs_as_a_program():
    script = [sys.executable, "-m", "ouanalysis.figures", "--list"]
    printed = subprocess.run(script, capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert b"ou_covariance" in printed.stdout


def test_numbers_become_plain_json():
    assert command.plain(np.array([1 / 3, np.nan, np.inf])) == [0.333333, None, None]
    assert command.plain((np.int64(2), "b")) == [2, "b"]


def test_long_figures_are_drawn_when_asked_for(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(command, "make", lambda name, folder, **_: drawn.append(name) or folder / name)
    assert command.main(["--out", str(tmp_path)]) == 0
    assert set(command.NAMES) - set(drawn) == set(command.LONG)
    drawn.clear()
    assert command.main(["--out", str(tmp_path), "--long"]) == 0
    assert drawn == list(command.NAMES)
    drawn.clear()
    assert command.main(["--out", str(tmp_path), "recovery"]) == 0
    assert drawn == ["recovery"]
