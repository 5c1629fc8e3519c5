"""`python -m ouanalysis.claims`: what it prints, writes and refuses."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from ouanalysis.claims import CLAIMS, Bounded, Certified, Measured
from ouanalysis.claims import __main__ as command
from ouanalysis.claims.claim import claim
from ouanalysis.claims.letters import reg


def planted(gap, values=1, **how):
    @claim(reg, source="here", values=values, **how)
    def planted_claim():
        """A sentence."""
        yield Certified.of("a gap", gap, allowed=1.0)
        yield Measured.of("a value", 1.0, 1.1, 0.1)
        yield Bounded.of("in the long run", 0.0, allowed=1.0, full=True)

    return planted_claim


def test_the_list_has_every_claim_and_checks_none(capsys):
    assert command.main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in f"\n{printed}" for name in CLAIMS)


@pytest.mark.parametrize(("gap", "status"), [(0.5, 0), (2.0, 1)])
def test_the_ledger_is_printed_and_written_and_a_failure_is_the_exit_status(gap, status, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(CLAIMS, "planted-claim", planted(gap))
    path = tmp_path / "ledger.json"
    assert command.main(["planted-claim", "--quick", "--seed", "3", "--json", str(path)]) == status
    printed = capsys.readouterr().out
    assert "a gap: 0.5 ≤ 1" in printed or "FAILED  a gap: 2 ≤ 1" in printed
    assert "a value: 1.1 ± 0.1, predicted 1: z = 1.0" in printed
    assert "in the long run: needs the full size" in printed
    assert ("FAILED: planted-claim." in printed) == bool(status)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert (written["seed"], written["size"]) == (3, "quick")
    (row,) = written["claims"]
    assert (row["id"], row["failed"], row["unchecked"]) == ("planted-claim", bool(status), ["in the long run"])


def test_a_symbolic_claim_runs_its_derivation(capsys):
    assert command.main(["regularizer-of-the-quadratic-parametrisation"]) == 0
    assert "symbolic    quadratic_parametrisation.regularizer:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xyz"], "expected one of those that --list lists, got 'xyz'"),
        (["Momentum"], "expected one of those that --list lists, as momentum, got 'Momentum'"),
        (["--seed", "-1"], "expected an integer at least 0, got '-1'"),
    ],
)
def test_unusable_arguments_end_with_status_2_and_say_why(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("path", ["none/ledger.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_run(path, tmp_path, capsys):
    assert command.main(["--json", str(tmp_path / path)]) == 2
    assert re.search("^--json: expected a file that can be written, got .*: .+$", capsys.readouterr().err)


def test_an_interrupted_ledger_keeps_the_rows_it_has(tmp_path, capsys, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    planted_claim = planted(0.5)
    monkeypatch.setitem(CLAIMS, "planted-claim", planted_claim)
    monkeypatch.setitem(CLAIMS, "momentum", replace(planted_claim, check=interrupted))
    path = tmp_path / "ledger.json"
    assert command.main(["planted-claim", "momentum", "--json", str(path)]) == 130
    assert "interrupted after 1 of 2 claims" in capsys.readouterr().err
    assert [row["id"] for row in json.loads(path.read_text(encoding="utf-8"))["claims"]] == ["planted-claim"]


def test_a_claim_that_is_named_twice_is_checked_once(capsys, monkeypatch):
    monkeypatch.setitem(CLAIMS, "planted-claim", planted(0.5))
    assert command.main(["planted-claim", "planted-claim"]) == 0
    assert "1 of 1 claims hold" in capsys.readouterr().out


def test_a_reader_who_has_seen_enough_ends_it_quietly():
    command = [sys.executable, "-m", "ouanalysis.claims", "--list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
