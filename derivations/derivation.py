"""How an argument is written down: numbered steps, each asserted before it is recorded, as text or as LaTeX."""

import argparse
import io
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sympy

__all__ = ["Derivation", "Step", "main", "show"]

# What the prose may hold beside ASCII, and what LaTeX calls it.
SIGNS = {
    **{"α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "η": r"\eta"},
    **{"θ": r"\theta", "κ": r"\kappa", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "π": r"\pi", "ρ": r"\rho"},
    **{"σ": r"\sigma", "τ": r"\tau", "φ": r"\phi", "ψ": r"\psi", "ω": r"\omega", "Δ": r"\Delta", "Λ": r"\Lambda"},
    **{"Σ": r"\Sigma", "Φ": r"\Phi", "∇": r"\nabla", "∂": r"\partial", "∫": r"\int", "√": r"\surd", "∞": r"\infty"},
    **{"≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "∈": r"\in", "∉": r"\notin", "⊂": r"\subset"},
    **{"→": r"\to", "↦": r"\mapsto", "⇒": r"\Rightarrow", "⇔": r"\Leftrightarrow", "·": r"\cdot", "×": r"\times"},
    "←": r"\leftarrow",
    **{"±": r"\pm", "−": "-", "⟨": r"\langle", "⟩": r"\rangle", "‖": r"\|", "⪰": r"\succeq", "≻": r"\succ"},
    **{"∝": r"\propto", "⟂": r"\perp", "½": r"\tfrac12", "¼": r"\tfrac14", "′": "'", "…": r"\ldots", "∪": r"\cup"},
    **{
        "⁰": "^0",
        "¹": "^1",
        "²": "^2",
        "³": "^3",
        "⁴": "^4",
        "⁵": "^5",
        "⁶": "^6",
        "⁸": "^8",
        "⁺": "^+",
        "⁻": "^-",
        "ᵀ": r"^\top",
    },
    **{"₀": "_0", "₁": "_1", "₂": "_2", "₃": "_3", "₊": "_+", "₋": "_-", "∘": r"\circ", "∩": r"\cap", "⊗": r"\otimes"},
}

# What the prose sets as mathematics: a letter with an index (θ_a, g_i, not drift_matrix), a power (^T, ^{1/2}), and a
# letter on its own, unless it can be the word "a" or "I". Else sign by sign.
TOKENS = re.compile(
    r"(?P<base>(?<![A-Za-z_.])[A-Za-zα-ωΑ-Ω∇]|[‖)])_(?P<index>\{[^{}]*\}|\*|[A-Za-z0-9]{1,4}(?![A-Za-z0-9_]))"
    r"|\^(?P<raised>\{[^{}]*\}|[A-Za-z0-9])"
    r"|(?<![A-Za-z'_.])(?P<letter>[B-HJ-Zb-z]|[aAI](?=[²³⁴⁻ᵀ·,)^]| [=+−<>≤≥→∈]))(?![A-Za-z'])"
    r"|.",
    re.DOTALL,
)


Formula: TypeAlias = sympy.Basic | sympy.MatrixBase | int


@dataclass(frozen=True)
class Step:
    """One line of an argument: what it says, the formula asserted, and why it holds where SymPy cannot tell."""

    statement: str
    left: Any
    right: Any
    relation: str = "="
    argument: str = ""


@dataclass
class Derivation:
    """Numbered steps from a model to a result; a step that does not hold is not recorded but raises AssertionError.

    Examples
    --------
    >>> t = sympy.Symbol("t")
    >>> square = Derivation("A square", "by hand")
    >>> square.identity("The binomial formula", (t + 1) ** 2, t**2 + 2 * t + 1)
    >>> print(square.text())
    A square
    Source: by hand
    <BLANKLINE>
    1. The binomial formula:
         (t + 1)**2 = t**2 + 2*t + 1
    >>> square.identity("A wrong one", t, t + 1)
    Traceback (most recent call last):
    AssertionError: A wrong one: expected t = t + 1, got a difference of -1
    """

    title: str
    source: str
    steps: list[Step] = field(default_factory=list)

    def identity(
        self,
        statement: str,
        left: Formula,
        right: Formula,
        *,
        reduce: Callable[[sympy.Basic], object] = sympy.simplify,
        argument: str = "",
    ) -> None:
        """Record left = right, once `reduce` has brought their difference to zero; scalars, or matrices entry by entry.

        `argument` is the prose that carries what is not algebra (a limit, a sum over all i); it is printed as such.
        """
        difference = left - right
        entries = list(difference) if isinstance(difference, sympy.MatrixBase) else [difference]
        for entry in entries:
            left_over = reduce(entry)
            if not (left_over == 0 or getattr(left_over, "is_ZeroMatrix", False)):
                raise AssertionError(f"{statement}: expected {left} = {right}, got a difference of {left_over}")
        self.steps.append(Step(statement, left, right, argument=argument))

    def claim(
        self, statement: str, left: Formula | str, relation: str, right: Formula | str, *, holds: object, argument: str
    ) -> None:
        """Record what `argument` proves (an inequality, a limit); `holds` is whether the algebra that it uses does."""
        if not argument:
            raise ValueError("argument: expected the proof in words, got none")
        if not bool(holds):
            raise AssertionError(f"{statement}: expected {left} {relation} {right}, got the contrary")
        self.steps.append(Step(statement, left, right, relation, argument))

    def text(self) -> str:
        """The steps for a terminal."""
        lines = [self.title, f"Source: {self.source}", ""]
        for number, step in enumerate(self.steps, start=1):
            lines.append(textwrap.fill(f"{number}. {step.statement}:", width=110, subsequent_indent="   "))
            lines.append(f"     {_plain(step.left)} {step.relation} {_plain(step.right)}")
            if step.argument:
                lines.append(textwrap.fill(f"   By argument: {step.argument}", width=110, subsequent_indent="   "))
        return "\n".join(lines)

    def latex(self) -> str:
        """The steps as a LaTeX document, in ASCII, that pdflatex compiles with amsmath alone."""
        items = []
        for step in self.steps:
            relation = SIGNS.get(step.relation, step.relation)
            formula = f"{_latex(step.left)} {relation} {_latex(step.right)}"
            argument = rf"\emph{{By argument:}} {_prose(step.argument)}" if step.argument else ""
            items.append(f"\\item {_prose(step.statement)}:\n\\[ {formula} \\]\n{argument}".rstrip())
        head = "\\documentclass{article}\n\\usepackage[landscape,margin=2cm]{geometry}\n\\usepackage{amsmath,amssymb}\n"
        body = f"\\section*{{{_prose(self.title)}}}\nSource: {_prose(self.source)}\n\\begin{{enumerate}}\n"
        return f"{head}\\begin{{document}}\n{body}" + "\n".join(items) + "\n\\end{enumerate}\n\\end{document}"


def main(derive: Callable[[], Derivation], arguments: Sequence[str] | None = None) -> None:
    """Run a derivation and print it: text, or with --latex a document."""
    parser = argparse.ArgumentParser(description="Run this derivation: every step is asserted, then printed.")
    parser.add_argument("--latex", action="store_true", help="print a LaTeX document that compiles as it is")
    latex = parser.parse_args(arguments).latex
    show(derive().latex() if latex else derive().text())


def show(text: str) -> None:
    """Print it, on a terminal that is not UTF-8 too."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    print(text)


def _plain(side):
    return side if isinstance(side, str) else sympy.sstr(side)


def _latex(side):
    return rf"\text{{{_prose(side)}}}" if isinstance(side, str) else sympy.latex(side)


def _prose(text):
    """Unicode prose as LaTeX: signs, letters on their own and what has an index in math mode, specials escaped."""
    special = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}
    special |= {"^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": r"\ensuremath{<}", ">": r"\ensuremath{>}"}
    special |= {"|": r"\ensuremath{|}"}  # in the text font of LaTeX it would be a dash
    out = []
    for token in TOKENS.finditer(text):
        word = token.group()
        strange = next((sign for sign in word if sign not in SIGNS and not sign.isascii()), None)
        if strange:
            raise ValueError(f"prose: expected ASCII or a sign of SIGNS, got {strange!r} in {text!r}")
        if token.lastgroup:
            base, raised, index = token["base"] or token["letter"] or "", token["raised"], token["index"]
            script = f"^{{{_math(raised)}}}" if raised else f"_{{{_math(index)}}}" if index else ""
            out.append(rf"\ensuremath{{{_math(base)}{script}}}")
        else:
            out.append(rf"\ensuremath{{{SIGNS[word]}}}" if word in SIGNS else special.get(word, word))
    return "".join(out)


def _math(text):
    return "".join(f"{SIGNS[sign]} " if sign in SIGNS else sign for sign in text.strip("{}"))
