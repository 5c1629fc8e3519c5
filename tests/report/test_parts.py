"""What the page is made of: formulas, words for figures, the sections of derivations; and the command."""

from dataclasses import replace
from importlib import import_module

import pytest
from matplotlib.figure import Figure

from ouanalysis.claims import CLAIMS
from ouanalysis.report import __main__ as command
from ouanalysis.report.contents import proved
from ouanalysis.report.derivations import derived, section, sections
from ouanalysis.report.described import described
from ouanalysis.report.formulas import read
from ouanalysis.report.markup import Markup, element
from ouanalysis.report.mathematics import display


def test_text_is_escaped_and_markup_is_not():
    assert element("p", "a < b", element("em", "&"), title='"') == '<p title="&quot;">a &lt; b<em>&amp;</em></p>'
    assert element("p", Markup("<b/>"), hidden=True, id=None) == '<p hidden=""><b/></p>'


def test_latex_that_the_converter_does_not_know_is_refused():
    with pytest.raises(ValueError, match=r"expected what latex2mathml knows, got \\unheardof"):
        display(r"\unheardof{x}")


def test_a_bold_digit_is_one_without_a_style():
    assert "<mn>𝟏</mn>" in display(r"\mathbf{1}_{x > 0}")


def test_error_bars_points_and_curves_without_a_name_are_described():
    figure = Figure()
    ax = figure.subplots()
    ax.set_title("(a) all", loc="left")
    ax.errorbar([0, 1], [1.0, 3.0], [0.1, 0.1], fmt="o", label="measured")
    ax.scatter([0, 1, 2], [5.0, 4.0, 9.0], label=r"chains of $\sigma^2$")
    ax.plot([0, 1, 2], [1.0, 2.0, 8.0])
    ax.plot([0, 1, 2], [1.0, 2.0, 7.0])
    ax.axhline(2.5, label="floor")
    assert described(figure).startswith("(a) all. ")
    assert set(described(figure).removeprefix("(a) all. ").split(". ")) == {
        "measured: 2 points, 1 to 3",
        "chains of σ^2: 3 points, 4 to 9",
        "floor: at 2.5",
        "2 other curves: from 1 to between 7 and 8.",
    }


@pytest.mark.parametrize("name", ["momentum", "quadratic_parametrisation"])
def test_the_sections_of_a_derivation_are_all_of_it_in_order(name):
    module = import_module(f"ouanalysis.derivations.{name}")
    whole, parts = module.derive(), module.Derivation("", "")
    for take in sections(module):
        take(parts)
    assert [step.statement for step in parts.steps] == [step.statement for step in whole.steps]


def test_a_step_that_does_not_hold_fails_its_claims_and_is_shown(monkeypatch):
    name, module = "quadratic_parametrisation", import_module("ouanalysis.derivations.quadratic_parametrisation")

    def fibre(steps):
        """Two is three."""
        steps.identity("A wrong one", 2, 3)

    fibre.__module__ = module.__name__
    monkeypatch.setattr(module, "fibre", fibre)
    taken = derived(name)
    assert "A wrong one: expected 2 = 3" in section([taken])
    with pytest.raises(AssertionError, match="A wrong one: expected 2 = 3"):
        proved([taken], f"{name}.fibre")
    assert proved([taken], f"{name}.regularizer").steps > 0


def test_every_section_that_is_named_is_one():
    named = {name for one in read() for name in one.derived} | {
        name for claim in CLAIMS.values() for name in claim.derived
    }
    for name in named:
        module, _, function = name.partition(".")
        assert function in {one.__name__ for one in sections(import_module(f"ouanalysis.derivations.{module}"))}, name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: --out"),
        (["--out", "x", "--seed", "-1"], "expected an integer at least 0, got '-1'"),
    ],
)
def test_unusable_arguments_end_with_status_2_and_say_why(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_an_unwritable_folder_is_refused_before_anything_is_run(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert command.main(["--out", str(tmp_path / "file" / "report")]) == 2
    assert "--out: expected a folder that can be written, got" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["claim", "figure", ""])
def test_the_exit_status_is_that_of_claims_and_figures(broken, contents, tmp_path, monkeypatch):
    claims = [row | {"failed": broken == "claim"} for row in contents.ledger["claims"]]
    missing = contents.missing if broken == "figure" else {}
    made = replace(contents, ledger=contents.ledger | {"claims": claims}, missing=missing)
    monkeypatch.setattr(command, "contents", lambda **_: made)
    assert command.main(["--out", str(tmp_path)]) == bool(broken)
    assert (tmp_path / "index.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
