"""How a formula is drawn on several lines of text: fractions stacked, matrices in brackets, Σ with its bounds."""

from typing import NamedTuple

from .line import Line, raised_text, touching
from .notation import PRODUCT, Form, Notation

__all__ = ["Block", "Box", "beside"]

WIDE = 90  # a matrix of one-line entries that would be wider has stacked fractions
BRACKETS = {"(": "⎛⎜⎝", ")": "⎞⎟⎠", "[": "⎡⎢⎣", "]": "⎤⎥⎦", "|": "│││"}


class Box(NamedTuple):
    """Lines of one width, of which one is level with the text beside it."""

    lines: tuple[str, ...]
    level: int = 0

    @property
    def width(self) -> int:
        """In columns."""
        return len(self.lines[0])

    @property
    def height(self) -> int:
        """In lines."""
        return len(self.lines)


def beside(*boxes: Box) -> Box:
    """One beside the other, their text on one line."""
    above = max(box.level for box in boxes)
    below = max(box.height - box.level for box in boxes)
    columns = []
    for box in boxes:
        blank = (" " * box.width,)
        columns.append(blank * (above - box.level) + box.lines + blank * (below - box.height + box.level))
    return Box(tuple("".join(line) for line in zip(*columns, strict=True)), above)


def stacked(*boxes: Box, level: int) -> Box:
    """One above the other, centred."""
    width = max(box.width for box in boxes)
    return Box(tuple(line.center(width) for box in boxes for line in box.lines), level)


class Block(Notation):
    """On several lines of text."""

    def sign(self, text):
        return Box((text,))

    def name(self, base, index="", raised=""):
        return Box((f"{base}_{index}{raised}" if index else f"{base}{raised}",))

    def row(self, parts):
        return beside(*parts) if parts else self.sign("")

    def bracket(self, inside, left="(", right=")"):
        return beside(_tall(left, inside), inside, _tall(right, inside))

    def over(self, above, below):
        bar = "─" * max(above.content.width, below.content.width)
        return Form(stacked(above.content, Box((bar,)), below.content, level=above.content.height), PRODUCT)

    def power(self, base, exponent):
        text = raised_text(exponent.lines[0]) if exponent.height == 1 else ""
        if text:
            top = Box((text, *[" " * len(text)] * (base.height - 1)), base.level)
            return beside(base, top)
        raised = Box(exponent.lines + (" " * exponent.width,) * base.height, exponent.height + base.level)
        return beside(base, raised)

    def exponent(self, expression):
        return Box((Line().draw(expression),))

    def large(self, sign, below, above=None):
        if above is None:
            return stacked(Box((sign,)), below, level=0)
        return stacked(above, Box((sign,)), below, level=above.height)

    def root(self, inside):
        return beside(Box(("√",)), self.bracket(inside.content) if inside.content.width > 1 else inside.content)

    def at(self, inside, where):
        bar = Box(("│",) * inside.height, inside.level)
        below = Box((" " * where.width,) * (inside.height - (inside.height == 1)) + where.lines, inside.level)
        return beside(inside, bar, below)

    def _print_MatrixBase(self, matrix):
        lines = [[Line().draw(entry) for entry in row] for row in matrix.tolist()]
        if sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True)) > WIDE:
            return super()._print_MatrixBase(matrix)
        return Form(self.table([[self.sign(entry) for entry in row] for row in lines]))

    def table(self, rows):
        widths = [max(box.width for box in column) for column in zip(*rows, strict=True)]
        lines: list[str] = []
        tall = any(box.height > 1 for row in rows for box in row)
        for number, row in enumerate(rows):
            padded = []
            for box, width in zip(row, widths, strict=True):
                padded += [Box(tuple(line.center(width) for line in box.lines), box.level), Box(("  ",))]
            lines += [" " * (sum(widths) + 2 * len(widths) - 2)] * bool(tall and number)
            lines += beside(*padded[:-1]).lines
        return self.bracket(Box(tuple(lines), (len(lines) - 1) // 2), "[", "]")

    def touches(self, left, right):
        return left.height == right.height == 1 and touching(left.lines[0], right.lines[0])


def _tall(sign, inside):
    if inside.height == 1:
        return Box((sign,))
    drawn = BRACKETS[sign]
    return Box((drawn[0], *[drawn[1]] * (inside.height - 2), drawn[2]), inside.level)
