"""How an argument is written down: numbered steps, each asserted before it is recorded, as text or as LaTeX."""

import argparse
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sympy

from ouanalysis.command_line import escape_what_stdout_lacks

from .block import Block, Box, beside
from .latex import Latex
from .line import Line
from .prose import in_math, prose_in_math, prose_latex

__all__ = ["Derivation", "Step", "main", "show"]

Formula: TypeAlias = sympy.Basic | sympy.MatrixBase | int


@dataclass(frozen=True)
class Step:
    """One line of an argument: what it says, the formula asserted, and why it holds where SymPy cannot tell."""

    statement: str
    left: Any
    right: Any
    relation: str = "="
    argument: str = ""

    @property
    def latex(self) -> str:
        """The formula for LaTeX's math mode."""
        return f"{_latex(self.left)} {in_math(self.relation)} {_latex(self.right)}"

    def sides(self, width: int = 80) -> tuple[list[str], str, list[str]]:
        """(left, relation, right) for LaTeX's math mode, a side on as many lines as it needs of about `width` signs.

        A line ends before a + or a −, or between two matrices.
        """
        left, right = (
            [prose_in_math(side)]
            if isinstance(side, str)
            else [
                " ".join(part for _, part in line)
                for line in _filled(zip(Line().parts(side), Latex().parts(side), strict=True), width, _length)
            ]
            for side in (self.left, self.right)
        )
        return left, in_math(self.relation), right

    def lines(self, width: int = 80) -> list[str]:
        """The formula for LaTeX's math mode: one line if it has at most about `width` signs, else more.

        A line ends before the relation too.
        """
        if len(f"{_line(self.left)} {self.relation} {_line(self.right)}") <= width:
            return [self.latex]
        left, relation, right = self.sides(width)
        return [*left, f"{relation} {right[0]}", *right[1:]]

    def text(self, width: int = 100) -> list[str]:
        """The formula for a terminal: on one line where that can be read, else with stacked fractions and sums."""
        sides = (self.left, self.right)
        line = f"{_line(self.left)} {self.relation} {_line(self.right)}"
        if len(line) <= width and not any(_is_tall(side) for side in sides) and not _is_nested(line):
            return [line]
        lines = [_line(self.left), f" {self.relation} {_line(self.right)}"]
        if max(map(len, lines)) <= width and not any(map(_is_tall, sides)) and not any(map(_is_nested, lines)):
            return lines
        left, right = ([Box((side,))] if isinstance(side, str) else [Block().draw(side)] for side in sides)
        relation = Box((f" {self.relation} ",))
        whole = beside(*left, relation, *right)
        if whole.width <= width:
            return _shown(whole)
        left, right = (
            boxes
            if boxes[0].width <= width - 3
            else [_spaced(line) for line in _filled(Block().parts(side), width - 3, _width)]
            for boxes, side in zip((left, right), sides, strict=True)
        )
        indent = Box(("   ",))
        drawn = [*left, beside(relation, right[0]), *(beside(indent, box) for box in right[1:])]
        return [line for box in drawn for line in _shown(box)]


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
         (1 + t)² = 1 + 2t + t²
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
        lines = [self.title, f"Source: {self.source}"]
        for number, step in enumerate(self.steps, start=1):
            indent = " " * len(f"{number}. ")
            lines += ["", textwrap.fill(f"{number}. {step.statement}:", width=110, subsequent_indent=indent)]
            lines += [f"{indent}  {line}" for line in step.text()]
            if step.argument:
                argument = f"By argument: {step.argument}"
                lines.append(textwrap.fill(argument, width=110, initial_indent=indent, subsequent_indent=indent))
        return "\n".join(lines)

    def latex(self) -> str:
        """The steps as a LaTeX document, in ASCII, that pdflatex compiles with amsmath alone."""
        items = []
        for step in self.steps:
            argument = rf"\emph{{By argument:}} {prose_latex(step.argument)}" if step.argument else ""
            lines = step.lines(width=120)
            broken = r" \\ ".join(f"& {line}" for line in lines)
            formula = lines[0] if len(lines) == 1 else rf"\begin{{aligned}} {broken} \end{{aligned}}"
            items.append(f"\\item {prose_latex(step.statement)}:\n\\[ {formula} \\]\n{argument}".rstrip())
        head = "\\documentclass{article}\n\\usepackage[landscape,margin=2cm]{geometry}\n\\usepackage{amsmath,amssymb}\n"
        body = f"\\section*{{{prose_latex(self.title)}}}\nSource: {prose_latex(self.source)}\n\\begin{{enumerate}}\n"
        return f"{head}\\begin{{document}}\n{body}" + "\n".join(items) + "\n\\end{enumerate}\n\\end{document}"


def main(derive: Callable[[], Derivation], arguments: Sequence[str] | None = None) -> None:
    """Run a derivation and print it: text, or with --latex a document."""
    parser = argparse.ArgumentParser(description="Run this derivation: every step is asserted, then printed.")
    parser.add_argument("--latex", action="store_true", help="print a LaTeX document that compiles as it is")
    latex = parser.parse_args(arguments).latex
    show(derive().latex() if latex else derive().text())


def show(text: str) -> None:
    """Print it, on a terminal that is not UTF-8 too."""
    escape_what_stdout_lacks()
    print(text)


def _line(side):
    return side if isinstance(side, str) else Line().draw(side)


def _latex(side):
    return prose_in_math(side) if isinstance(side, str) else Latex().draw(side)


def _is_tall(side):
    tall = sympy.Sum | sympy.Integral | sympy.Limit | sympy.MatrixBase
    return not isinstance(side, str) and any(isinstance(part, tall) for part in sympy.preorder_traversal(side))


def _is_nested(line):
    """Whether a bracket beside a fraction bar holds another bar."""
    opened = []
    for place, sign in enumerate(line):
        if sign == "(":
            opened.append(place)
        elif sign == ")":
            start = opened.pop()
            beside_bar = line[max(start - 1, 0)] == "/" or line[place + 1 : place + 2] == "/"
            if beside_bar and "/" in line[start:place]:
                return True
    return False


def _filled(parts, width, length):
    """The parts on lines of this width, one too wide for it on a line of its own."""
    lines: list[list[Any]] = [[]]
    for part in parts:
        if lines[-1] and sum(1 + length(one) for one in [*lines[-1], part]) > width:
            lines.append([])
        lines[-1].append(part)
    return lines


def _length(pair):
    return len(pair[0])


def _width(box):
    return box.width


def _spaced(boxes):
    return beside(boxes[0], *(part for box in boxes[1:] for part in (Box((" ",)), box)))


def _shown(box):
    return [line.rstrip() for line in box.lines]
