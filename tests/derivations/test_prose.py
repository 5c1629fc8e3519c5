"""How a sentence is split into text and mathematics, and what LaTeX and HTML make of it."""

import pytest
from ouanalysis.derivations.prose import in_math, mathml, prose_html, prose_in_math, prose_latex, split


@pytest.mark.parametrize(
    ("text", "mathematics"),
    [
        ("A step of SGD on the datum i: the label is y_i + ε.", ["i", "y_i", "+", "ε"]),
        ("a datum adds (2/n) Σ_i g_i, (n = 2)", ["(2/n)", "Σ_i", "g_i", "n", "="]),
        ("Its value (ησ²/n)/(1 − ηλ/2) is kept", ["(ησ²/n)/(1", "−", "ηλ/2"]),
        ("the part tr(G Σ) of stationary_covariance(J, t)", ["tr(G", "Σ", "J", "t"]),
        ("I is a name, I = P is not; a = b", ["I", "=", "P", "a", "=", "b"]),
        ("the k-th kick, by 2√(Z C), e^{−λ(t − s)}", ["k", "2√(Z C)", "e^{−λ(t − s)}"]),
    ],
)
def test_what_is_mathematics(text, mathematics):
    assert "".join(part for _, part in split(text)) == text
    assert [part for math, part in split(text) if math] == mathematics


def test_a_sign_that_latex_would_not_know_is_refused():
    with pytest.raises(ValueError, match=r"prose: expected ASCII or a sign of SIGNS, got 'é'"):
        prose_latex("é")


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("2ησ_i²/B", r"2\eta \sigma _{i}^{2}/B"),
        ("K⁻¹Jᵀ", r"K^{-1}J^{\top}"),
        ("φ′²", r"\phi ^{\prime 2}"),
        ("√(η/(Bτ))", r"\sqrt{\eta /(B\tau )}"),
        ("log(θ*)", r"\log (\theta ^{*})"),
        ("S_∞^T", r"S_{\infty }^{T}"),
        ("D_reg", r"D_{\mathrm{reg}}"),
        ("η^(−1.6)η^0.4√((a)(b))", r"\eta ^{-1.6}\eta ^{0.4}\sqrt{(a)(b)}"),
    ],
)
def test_in_math_mode(text, latex):
    assert in_math(text) == latex


def test_latex_and_html_of_a_sentence():
    text = "50 % of drift_matrix(J) < 1 & θ_a"
    assert prose_latex(text) == r"50 \% of drift\_matrix\ensuremath{(J)} \ensuremath{<} 1 \& \ensuremath{\theta _{a}}"
    page = prose_html(text)
    assert page.startswith("50 % of drift_matrix<math")
    assert "1 &amp; <math" in page
    assert page.count("<math") == page.count("</math>") == 3


def test_a_formula_in_words():
    assert prose_in_math("R(f) for all_f x") == r"R(f)\text{ for all\_f }x"
    assert "all_f" in mathml(prose_in_math("R(f) for all_f x"))


def test_mathml_is_inline_or_a_block():
    assert 'display="inline"' in mathml("x")
    assert 'display="block"' in mathml("x", display="block")
