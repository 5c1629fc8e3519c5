"""`python -m ouanalysis.derivations`: the list, one of them, and a terminal that is not UTF-8."""

import os
import re
import subprocess
import sys

import pytest
from ouanalysis.derivations import __main__ as command
from ouanalysis.derivations import matrix_sensing


def test_the_list_has_one_line_for_each_derivation(capsys):
    command.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == command.NAMES
    assert "relu_network" in command.NAMES
    assert all(len(line.split()) > 3 for line in lines)


def test_one_that_is_named_is_run_as_its_own_module_would(capsys):
    command.main(["matrix_sensing", "--latex"])
    latex = capsys.readouterr().out
    assert latex == matrix_sensing.derive().latex() + "\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["derivation"], "choose from '?local_ou"), (["--latex"], "expected the name of a derivation beside it")],
)
def test_unusable_arguments_end_with_status_2_and_say_why(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert re.search(message, capsys.readouterr().err)


ASCII = [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]


@pytest.mark.parametrize("surroundings", ASCII)
@pytest.mark.parametrize("name", [[], ["matrix_sensing"]])
def test_a_terminal_that_is_not_utf_8_gets_ascii(surroundings, name):
    script = [sys.executable, "-m", "ouanalysis.derivations", *name]
    printed = subprocess.run(script, capture_output=True, check=True, env={**os.environ, **surroundings}).stdout
    assert printed.isascii()
    assert b"\\u" in printed
